"""Where a process of a demonstration can be made to die: the list for ``TENURE_CRASH_AT``.

It decides nothing. Read next: ``plumbing/crash.py``.
"""

import argparse
import json
from typing import Any

NEEDS_DJANGO = True


def register(commands: Any) -> None:
    parser = commands.add_parser(
        "crashpoints",
        help="where a process can be made to die",
        description="Every point at which TENURE_CRASH_AT=POINT or POINT:N ends a process of a demonstration, the "
        "first or the Nth time it is passed. Refused outside a demonstration.",
    )
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from tenure.plumbing.crash import points
    from tenure.plumbing.db import permissions, wiring

    wiring()
    permissions()
    if args.json:
        print(json.dumps({"points": points()}, indent=2))
    else:
        print(*points(), sep="\n")
    return 0
