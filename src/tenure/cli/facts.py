"""Every fact of the books as lines of JSON on the standard output. Read next: ``docs/facts.md``, ``proof/facts.py``."""

import argparse
import sys
from typing import Any

from tenure.cli.main import CannotRun
from tenure.kernel.refusals import Refusal

NEEDS_DJANGO = True


def register(commands: Any) -> None:
    text = "Print every order, payment, invoice, posting, term and event, so that another program can check them."
    parser = commands.add_parser("facts", help="every fact as lines of JSON", description=text)
    parser.add_argument("--ndjson", action="store_true", required=True, help="one JSON object per line")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from tenure.plumbing.instance import identify
    from tenure.proof import facts
    from tenure.proof.book import snapshot

    out = sys.stdout.buffer
    try:
        identify()
        with snapshot():
            for line in facts.lines():
                out.write(line)
    except Refusal as refusal:
        raise CannotRun("No programme is in force yet: apply one first.") from refusal
    out.flush()
    return 0
