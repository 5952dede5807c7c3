"""The demonstration clock from the command line: where it stands, put it elsewhere, or live forward.

It decides how an instant and a length of time are written. It must never move time outside a demonstration.
Read next: ``plumbing/clock.py``, ``plumbing/jobs.py``.
"""

import argparse
import json
import re
import sys
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tenure.cli.main import CannotRun
from tenure.kernel.refusals import Refusal

NEEDS_DJANGO = True
LENGTH = re.compile(r"(\d{1,5})([hdw])")
UNITS = {"h": "hours", "d": "days", "w": "weeks"}

TEXT = "Show, set or advance the demonstration clock. It stands still until somebody moves it."
SET_TEXT = (
    "Put the clock at an instant and run nothing: the days between are slept through, as by a machine that was "
    "switched off. What is overdue runs at the next `tenure jobs run` or when the worker looks. To live through "
    "the days, advance the clock instead. Back is allowed by at most 48 hours."
)
ADVANCE_TEXT = (
    "Live forward by a length of time like 30d, 2w or 12h: every day on the way begins, and what falls due on it "
    "is done, in order, before the next day begins."
)


def register(commands: Any) -> None:
    parser = commands.add_parser("clock", help="the demonstration clock", description=TEXT)
    verbs = parser.add_subparsers(dest="clock_verb", metavar="VERB", required=True)
    showing = verbs.add_parser("show", help="say where the clock stands", description="Say where the clock stands.")
    setting = verbs.add_parser("set", help="put the clock at an instant, running nothing", description=SET_TEXT)
    setting.add_argument("instant", metavar="INSTANT", help="like 2019-06-23 or 2019-06-22T23:59:59+08:00")
    living = verbs.add_parser("advance", help="live forward, running all that falls due", description=ADVANCE_TEXT)
    living.add_argument("length", metavar="LENGTH", help="like 30d, 2w or 12h")
    for verb, run in ((showing, show), (setting, put), (living, advance)):
        verb.add_argument("--json", action="store_true", help="answer in JSON")
        verb.set_defaults(run=run)


def show(args: argparse.Namespace) -> int:
    from tenure.plumbing import clock

    zone = _zone()
    _say(args, clock.now(), zone)
    return 0


def put(args: argparse.Namespace) -> int:
    from tenure.plumbing import clock

    zone = _zone()
    instant = instant_of(args.instant, zone)
    try:
        _say(args, clock.put(instant), zone)
    except Refusal as refusal:
        if refusal.code != "clock.backwards_too_far":
            raise
        stands = _words(refusal.facts["now"], zone)
        raise CannotRun(f"The clock stands at {stands} and can be put back by at most 48 hours.") from refusal
    return 0


def advance(args: argparse.Namespace) -> int:
    from tenure.cli.gateway import card_gateway
    from tenure.plumbing import clock, jobs

    zone = _zone()
    before = clock.now()
    to = later(before, args.length, zone)
    watched = sys.stderr.isatty() and not args.json

    def tell(day: datetime) -> None:
        if watched:
            print(f"\r{_words(day, zone)}", end="", file=sys.stderr, flush=True)

    with card_gateway():
        done = jobs.advance(to, zone, each_day=tell)
    if watched:
        print("\r\033[K", end="", file=sys.stderr)
    _say(args, to, zone, done=done)
    return 0


def instant_of(text: str, zone: str) -> datetime:
    """An instant as it is typed. Without a zone it is the programme's; a bare date is its noon.

    >>> instant_of("2019-06-23", "Asia/Taipei").isoformat()
    '2019-06-23T12:00:00+08:00'
    >>> instant_of("2019-06-22 23:59:59", "Asia/Taipei").isoformat()
    '2019-06-22T23:59:59+08:00'
    """
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        raise CannotRun(f"{text!r} is not an instant; write it like 2019-06-23 or 2019-06-22T23:59:59.") from None
    if len(text.strip()) == len("2019-06-23"):
        instant = instant.replace(hour=12)
    return instant if instant.tzinfo else instant.replace(tzinfo=ZoneInfo(zone))


def later(now: datetime, length: str, zone: str) -> datetime:
    """An instant so much later, by the programme's wall clock: a day is a day where clocks change, too.

    >>> later(instant_of("2019-06-22", "Asia/Taipei"), "30d", "Asia/Taipei").isoformat()
    '2019-07-22T12:00:00+08:00'
    """
    found = LENGTH.fullmatch(length.strip().lower())
    if not found:
        raise CannotRun(f"{length!r} is not a length of time; write it like 30d, 2w or 12h.")
    return now.astimezone(ZoneInfo(zone)) + timedelta(**{UNITS[found[2]]: int(found[1])})


def _zone() -> str:
    """The programme's zone; refused where time is real."""
    from django.conf import settings

    from tenure.cli.standing import programme

    if not settings.TENURE_DEMO:
        raise CannotRun("There is no demonstration clock here: this instance runs on real time (TENURE_DEMO is not 1).")
    return programme().zone


def _words(instant: datetime, zone: str) -> str:
    return f"{instant.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S} {zone}"


def _say(args: argparse.Namespace, instant: datetime, zone: str, **facts: Any) -> None:
    there = instant.astimezone(ZoneInfo(zone))
    if args.json:
        print(json.dumps({"now": there.isoformat(), "zone": zone, **facts}))
    else:
        print(_words(there, zone) + "".join(f", {count} done on the way" for count in facts.values()))
