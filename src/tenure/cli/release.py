"""Let a restored or copied installation charge again, once a person has made sure that it is the only one.

It decides nothing; a person who may run commands here acts as the operator. Read next: ``plumbing/instance.py``.
"""

import argparse
from typing import Any

from tenure.cli.main import FAILED

NEEDS_DJANGO = True


def register(commands: Any) -> None:
    parser = commands.add_parser(
        "release",
        help="let a restored or copied database charge again",
        description="A database that was restored or copied moves no money until somebody has made sure that the one "
        "it came from charges no more. Without a reason, says whether money may be moved: exit status 1 when not.",
    )
    parser.add_argument("--reason", default="", help="why money may be moved from here; kept in the audit trail")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from tenure.kernel.access import SYSTEM
    from tenure.plumbing import clock, instance

    if not args.reason:
        free = instance.released()
        print("Money may be moved from here." if free else "Stopped: this database was restored or copied.")
        return 0 if free else FAILED
    told = instance.release(SYSTEM, None, reason=args.reason, now=clock.now())
    print("Released: money may be moved from here." if told else "It was not stopped; nothing has changed.")
    return 0
