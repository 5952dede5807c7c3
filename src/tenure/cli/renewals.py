"""The daily renewal run from the command line, with progress and a summary.

It decides nothing about a renewal: it is the run the worker makes, and running it again changes nothing. It must
never charge for a day that has not come. Read next: ``renewals/actions.py`` (``run``).
"""

import argparse
import json
import sys
from datetime import date, timedelta
from typing import Any

from tenure.cli.main import FAILED, CannotRun

NEEDS_DJANGO = True
FIGURES = ("due", "renewed", "declined", "unknown", "parked", "told", "lapsed")


def register(commands: Any) -> None:
    parser = commands.add_parser("renewals", help="the daily renewal run", description="The daily renewal run.")
    verbs = parser.add_subparsers(dest="renewals_verb", metavar="VERB", required=True)
    running = verbs.add_parser(
        "run",
        help="charge and tell what is due, once each however often it runs",
        description="Charge and tell what is due, once each however often it runs. Exit status 1 when a partner was "
        "parked or something due was left undone.",
    )
    running.add_argument(
        "--on",
        type=_day,
        metavar="DATE",
        help="as if that day were today; without --dry-run only today, or in a demonstration a later day, to which "
        "the clock is then moved",
    )
    running.add_argument("--dry-run", action="store_true", help="say what the run would do, and do nothing")
    running.add_argument("--json", action="store_true", help="answer in JSON")
    running.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from tenure.cli.gateway import card_gateway
    from tenure.cli.standing import programme
    from tenure.kernel.access import SYSTEM
    from tenure.kernel.periods import day_of
    from tenure.plumbing import jobs
    from tenure.renewals import actions as renewals

    zone = programme().zone
    now = _instant(args, zone)
    if args.dry_run:
        tally, left = renewals.run(SYSTEM, None, now=now, dry_run=True), 0
    else:
        with card_gateway():
            tally = renewals.run(SYSTEM, None, now=now, progress=_progress(args))
            jobs.settle_down(now)
        left = len(renewals.run(SYSTEM, None, now=now, dry_run=True).planned)
    facts = {name: getattr(tally, name) for name in FIGURES} | {"on": str(day_of(now, zone)), "left": left}
    _say(args, facts, tally.planned)
    return FAILED if tally.parked or left else 0


def _instant(args: argparse.Namespace, zone: str):
    """Now, or just after the start of the day asked for."""
    from django.conf import settings

    from tenure.kernel.periods import day_of, start_of
    from tenure.plumbing import clock

    now = clock.now()
    today = day_of(now, zone)
    if args.on in (None, today):
        return now
    dawn = start_of(args.on, zone) + timedelta(minutes=4)
    if args.dry_run:
        return dawn
    if not settings.TENURE_DEMO or args.on < today:
        raise CannotRun(f"Today is {today}: for another day only --dry-run is possible.")
    return clock.put(dawn)


def _progress(args: argparse.Namespace):
    watched = sys.stderr.isatty() and not args.json

    def tell(n: int, of: int) -> None:
        if watched and (n % 20 == 0 or n == of):
            print(f"\r{n} of {of}", end="\n" if n == of else "", file=sys.stderr, flush=True)

    return tell


def _say(args: argparse.Namespace, facts: dict[str, Any], planned: list[tuple[str, int]]) -> None:
    if args.json:
        plan = {"planned": [{"action": action, "term": term} for action, term in planned]} if args.dry_run else {}
        print(json.dumps({**facts, "dry_run": args.dry_run, **plan}))
        return
    head = f"{facts['on']}, dry run:" if args.dry_run else f"{facts['on']}:"
    figures = {"due": facts["due"], "planned": len(planned)} if args.dry_run else {n: facts[n] for n in FIGURES}
    print(head, ", ".join(f"{name} {count}" for name, count in figures.items()))
    for action, term in planned:
        print(f"  {action} of term {term}")
    if facts["left"]:
        print(f"  {facts['left']} due and not done", file=sys.stderr)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date; write it like 2019-06-23") from None
