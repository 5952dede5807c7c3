"""``tenure tour``: one renewal told in six files, with line numbers taken from the code as it stands.

It decides which places are shown and in which order; a place that is gone fails loudly. Read next: ``docs/tour.md``,
which tells the same story in prose.
"""

import argparse
import ast
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenure.cli.main import CannotRun

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Place:
    """One stop: the word it explains, the file, the name in it, and the line that begins with ``mark`` if given."""

    word: str
    path: str
    name: str
    says: str
    mark: str = ""


TOUR = (
    Place(
        "story", "tests/scenarios/test_renewing.py",
        "test_s12_a_late_renewal_keeps_the_anniversary_and_says_so_before_buy",
        "what a programme manager would read aloud: renewed on 10 July 2019, it runs to 22 June 2020",
    ),
    Place(
        "door", "src/tenure/web/portal/checkout.py", "_order",
        "reads the form as it was shown, makes one call, holds no rule",
    ),
    Place(
        "verb", "src/tenure/renewals/actions.py", "renew",
        "its permission stands above it; it locks the partner and answers the same key with the same order",
    ),
    Place(
        "rules", "src/tenure/renewals/rules.py", "may_renew",
        "decides from facts, dates and the policy, with every reason; no database in sight",
    ),
    Place(
        "rows", "src/tenure/purchases/settling.py", "complete",
        "the money is there: payment, term, benefits, invoice number and postings, together or not at all",
    ),
    Place(
        "rows", "src/tenure/memberships/models.py", "Term",
        "one paid year; what must never break is a constraint of the database too",
    ),
    Place(
        "event", "src/tenure/purchases/settling.py", "complete",
        "what happened, written in the same transaction", mark="events.OrderPaid(",
    ),
    Place(
        "commit", "src/tenure/purchases/settling.py", "settle",
        "all of it at once; killed before, the next one to ask does it again", mark="with beat():",
    ),
    Place(
        "reactions", "src/tenure/wiring.py", "REACTIONS",
        "after commit, at least once: the PDF, the letters", mark="events.OrderPaid:",
    ),
)  # fmt: skip


def register(commands: Any) -> None:
    text = "One renewal told in six files, with line numbers: door, verb, rules, rows, event, commit, reactions."
    parser = commands.add_parser("tour", help="one renewal told in six files", description=text)
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    stops = [(place, line_of(place)) for place in TOUR]
    if args.json:
        named = [{"word": p.word, "path": p.path, "line": line, "name": p.name, "says": p.says} for p, line in stops]
        print(json.dumps(named, indent=1))
        return 0
    print(
        "One renewal, from a button to a letter. The same seven words fit every feature; docs/tour.md says them once.\n"
    )
    for place, line in stops:
        print(f"{place.word:<10}{place.path}:{line}  {place.name}\n{'':<10}{place.says}\n")
    return 0


def line_of(place: Place, root: Path = ROOT) -> int:
    """The line a place stands on now."""
    file = root / place.path
    try:
        text = file.read_text(encoding="utf-8")
    except OSError:
        raise CannotRun(f"{place.path} is not here: the tour is taken in a checkout of the code.") from None
    node = next((node for node in ast.parse(text).body if place.name in _names(node)), None)
    if node is None:
        raise LookupError(f"{place.path} has no {place.name}")
    lines = text.splitlines()[node.lineno - 1 : node.end_lineno]
    if not place.mark:
        return node.lineno
    for n, line in enumerate(lines):
        if line.strip().startswith(place.mark):
            return node.lineno + n
    raise LookupError(f"{place.name} in {place.path} has no line {place.mark!r}")


def _names(node: ast.stmt) -> set[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Assign(targets=targets):
            return {target.id for target in targets if isinstance(target, ast.Name)}
    return set()
