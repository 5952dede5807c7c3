"""The work that waits, from the command line: list it, or do what is due now.

It decides nothing: what is due is found by facts and dates. Read next: ``plumbing/jobs.py``, ``wiring.py``.
"""

import argparse
import json
from typing import Any

from tenure.cli.main import FAILED

NEEDS_DJANGO = True
SHOWN = 20


def register(commands: Any) -> None:
    parser = commands.add_parser("jobs", help="list or run what is due now", description="List or run what is due now.")
    verbs = parser.add_subparsers(dest="jobs_verb", metavar="VERB", required=True)
    listing = verbs.add_parser(
        "list",
        help="what waits: reactions, letters, unresolved charges, tasks for a person",
        description="What waits: reactions, letters, unresolved charges, and what only a person can settle.",
    )
    running = verbs.add_parser(
        "run",
        help="do what is due now",
        description="Do what is due now; exit status 1 when something failed and waits for a person.",
    )
    running.add_argument("--until-idle", action="store_true", help="go on until a whole round finds nothing to do")
    for verb, run_it in ((listing, list_), (running, run)):
        verb.add_argument("--json", action="store_true", help="answer in JSON")
        verb.set_defaults(run=run_it)


def list_(args: argparse.Namespace) -> int:
    from tenure.cli.standing import programme

    programme()
    waiting = _waiting()
    if args.json:
        print(json.dumps(waiting, ensure_ascii=False, default=str))
        return 0
    for what, rows in waiting.items():
        print(f"{what.replace('_', ' ')}: {len(rows)}")
        for row in rows[:SHOWN]:
            print("  " + "  ".join(str(value) for value in row.values()))
        if len(rows) > SHOWN:
            print(f"  and {len(rows) - SHOWN} more")
    return 0


def run(args: argparse.Namespace) -> int:
    from tenure.cli.gateway import card_gateway
    from tenure.cli.standing import programme
    from tenure.plumbing import clock, jobs, queries

    programme()
    now = clock.now()
    with card_gateway():
        done = jobs.run_until_idle(now) if args.until_idle else jobs.tick(now)
    parked = queries.parked().count()
    if args.json:
        print(json.dumps({"now": now.isoformat(), "done": done, "parked": parked}))
    else:
        print(f"{done} done" + (f", {parked} parked for a person" if parked else ""))
    return FAILED if parked else 0


def _waiting() -> dict[str, list[dict[str, Any]]]:
    from tenure.payments.queries import unresolved
    from tenure.plumbing import queries

    return {
        "reactions_due": list(queries.due_reactions().values("id", "name", "event__subject", "attempts")),
        "reactions_parked": list(queries.parked().values("id", "name", "event__subject", "attempts")),
        "letters_queued": list(queries.letters(state="queued").values("id", "code", "address", "queued_at")),
        "charges_unresolved": list(unresolved().values("id", "order_number", "status", "committed_at")),
        "tasks_open": list(queries.open_tasks().values("id", "kind", "object", "reason", "opened_at")),
    }
