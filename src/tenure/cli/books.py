"""The books from the command line: closing a month, the journal, the balances, the gateways' lists.

It decides nothing; a person who may run commands here acts as the operator. Read next: ``billing/closing.py``.
"""

import argparse
import json
import sys
from datetime import date
from typing import Any

from tenure.cli.main import FAILED

NEEDS_DJANGO = True


def register(commands: Any) -> None:
    parser = commands.add_parser("books", help="close a month, write the journal", description="The ledger's books.")
    verbs = parser.add_subparsers(dest="books_verb", metavar="VERB", required=True)
    close = verbs.add_parser(
        "close",
        help="close a month for good",
        description="Close a month that is over. Months are closed in their order and never opened again. Exit status "
        "1 when something has to be explained first.",
    )
    close.add_argument("month", type=month, metavar="MONTH", help="like 2026-10")
    close.set_defaults(run=run_close)
    write = verbs.add_parser("journal", help="write the journal", description="Write the journal of a span of days.")
    write.add_argument("--from", dest="first", type=day, required=True, metavar="DATE", help="the first day")
    write.add_argument("--to", dest="last", type=day, required=True, metavar="DATE", help="the last day")
    write.add_argument("--format", choices=("csv", "json"), default="csv")
    write.set_defaults(run=run_journal)
    balance = verbs.add_parser("balance", help="the trial balance", description="The trial balance at a day's end.")
    balance.add_argument("--on", type=day, metavar="DATE", help="the day; today unless given")
    balance.add_argument("--json", action="store_true", help="answer in JSON")
    balance.set_defaults(run=run_balance)
    reconcile = verbs.add_parser(
        "reconcile",
        help="hold the card gateway's list against the books",
        description="Hold the card gateway's list against the books. Exit status 1 when they differ.",
    )
    reconcile.set_defaults(run=run_reconcile)


def run_close(args: argparse.Namespace) -> int:
    from tenure.billing.closing import close_month
    from tenure.billing.queries import differences
    from tenure.cli.standing import programme
    from tenure.kernel.access import SYSTEM
    from tenure.kernel.refusals import Refusal
    from tenure.plumbing import clock

    programme()
    try:
        row = close_month(SYSTEM, None, month=args.month, now=clock.now())
    except Refusal as refusal:
        if refusal.code == "books.differences":
            for found in differences(args.month):
                print(found.code, *(f"{name}={value}" for name, value in found.facts.items()), file=sys.stderr)
        raise
    print(f"{row.month:%Y-%m} is closed.")
    return 0


def run_journal(args: argparse.Namespace) -> int:
    from tenure.reports.documents import written

    for piece in written(args.format, args.first, args.last):
        sys.stdout.write(piece)
    return 0


def run_balance(args: argparse.Namespace) -> int:
    from tenure.billing.queries import trial_balance
    from tenure.cli.standing import programme
    from tenure.kernel.money import Money, number
    from tenure.kernel.periods import day_of
    from tenure.plumbing import clock

    on = args.on or day_of(clock.now(), programme().zone)
    rows = trial_balance(on)
    if args.json:
        told = [{"account": account, "currency": currency, "minor": minor} for account, currency, minor in rows]
        print(json.dumps({"on": on.isoformat(), "balances": told}))
        return 0
    for account, currency, minor in rows:
        print(f"{currency}  {account:<18}{number(Money(minor, currency)):>16}")
    return 0


def run_reconcile(args: argparse.Namespace) -> int:
    from tenure.billing.reconciling import reconcile
    from tenure.cli.gateway import card_gateway
    from tenure.cli.standing import programme
    from tenure.kernel.access import SYSTEM
    from tenure.plumbing import clock

    programme()
    with card_gateway():
        found = reconcile(SYSTEM, None, now=clock.now())
    for row in found:
        print(f"{row.gateway}: {row.movements} movements, {len(row.orphans)} differences")
        for orphan in row.orphans:
            print(f"  {orphan['side']} only: {orphan['kind']} {orphan['name']} {orphan['amount']} {orphan['currency']}")
        for currency, minor in row.unexplained.items():
            print(f"  unexplained: {minor} {currency}")
    return FAILED if any(row.orphans or row.unexplained for row in found) else 0


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date; write it like 2026-10-31") from None


def month(text: str) -> date:
    """
    >>> month("2026-10")
    datetime.date(2026, 10, 1)
    """
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a month; write it like 2026-10") from None
