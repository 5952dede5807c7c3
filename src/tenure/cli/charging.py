"""Stop charging cards, or let them be charged again; a person who may run commands here acts as the operator.

It decides nothing. Read next: ``plumbing/charging.py``; docs/operations/stop-charging.md.
"""

import argparse
from typing import Any

from tenure.cli.main import FAILED, CannotRun

NEEDS_DJANGO = True

WHY = {
    "unreleased": "Stopped: this database was restored or copied. See: tenure release.",
    "clock": "Stopped: the clocks of this machine and of the card provider differ by more than ten minutes.",
}


def register(commands: Any) -> None:
    parser = commands.add_parser(
        "charging",
        help="stop charging cards, or let them be charged again",
        description="While it is stopped nothing new is charged: orders stay, automatic renewals wait, transfers and "
        "refunds go on, and what was begun is settled. Without stop or start, says whether cards are charged: exit "
        "status 1 when not.",
    )
    parser.add_argument("do", nargs="?", choices=("stop", "start"), help="stop or start")
    parser.add_argument("--reason", default="", help="why; kept in the audit trail")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from tenure.kernel.access import SYSTEM
    from tenure.plumbing import charging, clock

    if args.do is None:
        return _say(charging.why_not())
    if not args.reason.strip():
        raise CannotRun(f"Say why: tenure charging {args.do} --reason TEXT.")
    act = charging.stop if args.do == "stop" else charging.start
    told = act(SYSTEM, None, reason=args.reason, now=clock.now())
    if not told:
        print("Nothing has changed.")
    return _say(charging.why_not()) if args.do == "start" else _done()


def _done() -> int:
    print("Stopped: no card is charged from now on.")
    return 0


def _say(why: Any) -> int:
    if why is None:
        print("Cards are charged.")
        return 0
    print(WHY.get(why.cause) or f"Stopped since {why.since:%Y-%m-%d %H:%M} UTC by {why.by}: {why.reason}")
    return FAILED
