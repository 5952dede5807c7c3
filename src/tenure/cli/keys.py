"""How many secrets are sealed under which key, from the command line, and the way to bring them under the newest.

It decides nothing and shows no secret. Read next: ``plumbing/sealed.py``; docs/operations/keys.md.
"""

import argparse
from typing import Any

from tenure.cli.main import FAILED

NEEDS_DJANGO = True


def register(commands: Any) -> None:
    parser = commands.add_parser(
        "keys",
        help="bring what is stored sealed under a new key",
        description="Says how many stored secrets are still sealed under an earlier key; exit status 1 when there are "
        "any, because that key can't be taken away yet.",
    )
    parser.add_argument("--reseal", action="store_true", help="seal them again under the newest key")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from tenure.plumbing import sealed

    left = 0
    for model, field in sealed.columns():
        name = f"{model._meta.label}.{field.name}"
        if args.reseal:
            print(f"{name}: {sealed.reseal(model, field)} sealed again")
        waiting = sealed.old(model, field).count()
        print(f"{name}: {waiting} under an earlier key")
        left += waiting
    return FAILED if left else 0
