"""The worker: reactions, mail and whatever the schedule says is due, until it is told to stop.

It decides nothing; as many workers as wanted may run side by side. Read next: ``plumbing/jobs.py``, ``wiring.py``.
"""

import argparse
from typing import Any

NEEDS_DJANGO = True


def register(commands: Any) -> None:
    text = "Run what is due, as it falls due, until stopped by Ctrl-C or SIGTERM."
    parser = commands.add_parser("work", help="the worker alone", description=text)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from tenure.plumbing import jobs  # noqa: PLC0415  needs the app registry

    jobs.work()
    return 0
