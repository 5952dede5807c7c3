"""Which accounts exist and what each cause writes into them. Pure: amounts in, balanced entries out.

It decides debits and credits; it must never post anything itself. Debits are positive. Read next:
``billing/actions.py``, which writes what this page says.
"""

from dataclasses import dataclass
from enum import StrEnum

from tenure.kernel.money import Money, TaxedPrice


class Account(StrEnum):
    RECEIVABLE = "receivable"
    GATEWAY_CLEARING = "gateway_clearing"
    IN_TRANSIT = "in_transit"
    BANK = "bank"
    WITHHOLDING = "withholding"
    HELD = "held"
    SUSPENSE = "suspense"
    DEFERRED_REVENUE = "deferred_revenue"
    REVENUE = "revenue"
    TAX = "tax"
    REFUNDS = "refunds"
    FEES = "fees"
    DISPUTES = "disputes"
    ROUNDING = "rounding"


@dataclass(frozen=True, slots=True)
class Entry:
    account: Account
    amount: Money


def move(amount: Money, to: Account, out_of: Account) -> list[Entry]:
    """Debit one account and credit another.

    >>> [(e.account.value, e.amount.minor) for e in move(Money(15750, "TWD"), Account.BANK, Account.SUSPENSE)]
    [('bank', 15750), ('suspense', -15750)]
    """
    return [Entry(to, amount), Entry(out_of, -amount)] if amount else []


def invoiced(price: TaxedPrice) -> list[Entry]:
    """A sale: owed by the buyer, revenue to be earned over the term, tax to be handed on.

    >>> [(e.account.value, e.amount.minor) for e in invoiced(TaxedPrice.of(Money(15000, "TWD"), 500))]
    [('receivable', 15750), ('deferred_revenue', -15000), ('tax', -750)]
    """
    entries = [
        Entry(Account.RECEIVABLE, price.total),
        Entry(Account.DEFERRED_REVENUE, -price.net),
        Entry(Account.TAX, -price.tax),
    ]
    return [entry for entry in entries if entry.amount]


def credited(net: Money, tax: Money, total: Money) -> list[Entry]:
    """A credit note takes a sale back; its amounts come with their negative sign."""
    entries = [
        Entry(Account.RECEIVABLE, total),
        Entry(Account.DEFERRED_REVENUE, -net),
        Entry(Account.TAX, -tax),
    ]
    return [entry for entry in entries if entry.amount]
