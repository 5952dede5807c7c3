"""``tenure bench statements``: a noisy bank file against its truth, in a database of its own that is dropped after.

It decides nothing; it must never touch the rows that are there. Read next: ``proof/statements.py``.
"""

import argparse
import json
import time
from datetime import UTC, datetime

from tenure.cli.main import FAILED

AT = datetime(2019, 6, 10, 4, 0, tzinfo=UTC)


def run(args: argparse.Namespace) -> int:
    """Generate, import, match and judge; exit status 1 when a single line went to the wrong partner."""
    from django.db import connection

    before = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        found = _measure(args.lines, args.seed)
    finally:
        connection.creation.destroy_test_db(before, verbosity=0)
    print(json.dumps(found) if args.json else _table(found))
    return FAILED if found["wrong"] else 0


def _measure(n: int, seed: int) -> dict:
    from datetime import timedelta

    from tenure.kernel.access import SYSTEM
    from tenure.plumbing import clock
    from tenure.programme import actions as programme_actions
    from tenure.programme.queries import current
    from tenure.proof import statements
    from tenure.proof.acts import Acts
    from tenure.proof.world import PROGRAMME

    acts = Acts()
    acts.now = clock.put(AT)
    programme_actions.apply(SYSTEM, None, source=PROGRAMME.read_text(encoding="utf-8"), now=acts.now)
    acts.zone = current().zone
    waiting, people_s = _timed(lambda: statements.people_it(acts, n, seed))
    history, noisy = statements.lines(waiting, n, seed)
    statements.take_in(history, acts, "history.xml")
    acts.now = clock.put(AT + timedelta(days=9))
    content = statements.as_camt(noisy, current().seller.bank_accounts, acts.today)
    _, entered_s, given_s = statements.in_two_steps(content, acts)
    verdict = statements.judge(noisy, content)
    return {
        "lines": verdict.lines,
        "with_an_order": verdict.due,
        "matched": verdict.matched,
        "matched_percent": round(100 * verdict.share, 2),
        "wrong": verdict.wrong,
        "missed": verdict.missed,
        "people_s": round(people_s, 1),
        "entered_s": round(entered_s, 1),
        "given_s": round(given_s, 1),
    }


def _timed(what):
    began = time.perf_counter()
    return what(), time.perf_counter() - began


def _table(found: dict) -> str:
    missed = ", ".join(f"{kind} {count}" for kind, count in sorted(found["missed"].items())) or "none"
    return "\n".join(
        [
            f"{found['lines']:,} lines, {found['with_an_order']:,} of them for an order",
            f"  matched by themselves {found['matched']:,} ({found['matched_percent']} %), wrong {found['wrong']}",
            f"  left to a person: {missed}",
            f"  read, matched and entered in {found['entered_s']} s; given to their orders in {found['given_s']} s",
        ]
    )
