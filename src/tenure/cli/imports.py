"""``tenure import``: what comes in as a file. A bank statement is entered, matched and given to its orders.

It decides only how the outcome is told. It must never enter a line that the office's upload would not. Read next:
``purchases/importing.py``.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from tenure.cli.main import FAILED, CannotRun

NEEDS_DJANGO = True


def register(commands: Any) -> None:
    parser = commands.add_parser("import", help="take in a bank statement", description="Take in what comes as a file.")
    verbs = parser.add_subparsers(dest="import_what", metavar="WHAT", required=True)
    bank = verbs.add_parser(
        "statement",
        help="a bank statement: camt.053, MT940, or CSV with the columns saved for its account",
        description="Enter every line of a bank statement once and give it to its order where that is certain. The "
        "same file again changes nothing. Exit status 1 when a line could not be read.",
    )
    bank.add_argument("file", type=Path, metavar="FILE")
    bank.add_argument("--account", default="", help="the account, as the programme writes it; needed for CSV")
    bank.add_argument("--dry-run", action="store_true", help="read and count, and enter nothing")
    bank.add_argument("--json", action="store_true", help="answer in JSON")
    bank.set_defaults(run=statement)


def statement(args: argparse.Namespace) -> int:
    from tenure.cli.gateway import card_gateway
    from tenure.cli.standing import programme
    from tenure.kernel.access import SYSTEM
    from tenure.payments.queries import statement_files
    from tenure.plumbing import clock
    from tenure.purchases import importing

    try:
        content = args.file.read_bytes()
    except OSError as fault:
        raise CannotRun(f"{args.file} can't be read: {fault.strerror}.") from None
    if args.dry_run:
        return _said(args, importing.foretold(content, args.account, programme()))
    programme()
    with card_gateway():
        file = importing.import_statement(
            SYSTEM,
            None,
            content=content,
            name=args.file.name,
            account=args.account,
            now=clock.now(),
            progress=_progress(args),
        )
    row: Any = statement_files().get(pk=file.pk)
    figures = {
        "file": row.pk,
        "form": row.form,
        "entered": row.entered,
        "matched": row.matched,
        "doubtful": row.entered - row.matched - row.ignored,
        "known": row.known,
        "went_out": row.went_out,
        "pending": row.pending,
        "faults": row.faults,
    }
    return _said(args, figures)


def _progress(args: argparse.Namespace):
    watched = sys.stderr.isatty() and not args.json

    def tell(n: int, of: int) -> None:
        if watched and (n % 20 == 0 or n == of):
            print(f"\r{n} of {of}", end="\n" if n == of else "", file=sys.stderr, flush=True)

    return tell


def _said(args: argparse.Namespace, figures: dict[str, Any]) -> int:
    if args.json:
        print(json.dumps(figures | {"dry_run": args.dry_run}))
    else:
        told = ", ".join(f"{name} {value}" for name, value in figures.items() if name not in ("faults", "file", "form"))
        print(f"{figures['form']}{', dry run' if args.dry_run else ''}: {told}")
        for fault in figures["faults"]:
            print(f"  line {fault['line']}: {fault['reason']} {fault['detail']}".rstrip(), file=sys.stderr)
    return FAILED if figures["faults"] else 0
