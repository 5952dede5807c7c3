"""Which accounts exist, what each cause writes into them, and when a price is earned. Pure.

It decides debits and credits, how much of a price belongs to a month, and which month may be closed next; it must
never post anything itself. Debits are positive. Read next: ``billing/actions.py``, which writes what this page says,
and ``billing/closing.py``, which ends a month.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from tenure.kernel.money import Money, TaxedPrice
from tenure.kernel.periods import Span, plus_days


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


def credited(net: Money, tax: Money, total: Money, deferred: Money | None = None) -> list[Entry]:
    """A credit note takes a sale back; its amounts come with their negative sign.

    ``deferred`` is what of the sale is still to be earned. It goes first; what has been recognised as revenue
    already stays there, in the month it was earned, and is given back out of ``refunds``.

    >>> given = Money(-15000, "TWD"), Money(-750, "TWD"), Money(-15750, "TWD")
    >>> [(e.account.value, e.amount.minor) for e in credited(*given, deferred=Money(13726, "TWD"))]
    [('receivable', -15750), ('deferred_revenue', 13726), ('refunds', 1274), ('tax', 750)]
    """
    back = -net
    unearned = back if deferred is None else Money(min(back.minor, deferred.minor), net.currency)
    entries = [
        Entry(Account.RECEIVABLE, total),
        Entry(Account.DEFERRED_REVENUE, unearned),
        Entry(Account.REFUNDS, back - unearned),
        Entry(Account.TAX, -tax),
    ]
    return [entry for entry in entries if entry.amount]


# REVENUE: earned by the day, recognised by the month.


def earned(net: Money, term: Span | None, through: date) -> Money:
    """What of a price has been earned by the end of a day: each day of the term, its first and last, earns alike.

    Parts of a minor unit wait for a later day, so that the last day brings it to the price exactly and no day takes
    anything back. What has no term is earned at once.

    >>> term = Span(date(2018, 6, 22), date(2019, 6, 22))
    >>> [earned(Money(15000, "TWD"), term, d).minor for d in (date(2018, 6, 30), date(2018, 7, 31), date(2019, 6, 22))]
    [368, 1639, 15000]
    """
    if term is None:
        return net
    days = min(max((through - term.first).days + 1, 0), term.days)
    whole = abs(net.minor) * days // term.days
    return Money(whole if net.minor >= 0 else -whole, net.currency)


def to_recognise(deferred: Money, sold: Iterable[tuple[Money, Span | None]], through: date) -> Money:
    """What a month's end moves from deferred revenue to revenue: all that is deferred and no longer to be earned.

    ``sold`` are the lines of an invoice and of its credit notes, these with their negative sign.

    >>> year = Span(date(2018, 6, 22), date(2019, 6, 22))
    >>> to_recognise(Money(14632, "TWD"), [(Money(15000, "TWD"), year)], date(2018, 7, 31))
    Money(minor=1271, currency='TWD')
    """
    still = sum((net.minor - earned(net, term, through).minor for net, term in sold), 0)
    return Money(max(0, deferred.minor - still), deferred.currency)


# MONTHS are named by their first day.


def month_of(day: date) -> date:
    return day.replace(day=1)


def month_after(month: date) -> date:
    """The first day of the next month.

    >>> month_after(date(2018, 12, 1))
    datetime.date(2019, 1, 1)
    """
    return month_of(plus_days(month_of(month), 31))


def last_day(month: date) -> date:
    """
    >>> last_day(date(2020, 2, 1))
    datetime.date(2020, 2, 29)
    """
    return plus_days(month_after(month), -1)


def written(month: date) -> str:
    """How a month stands in a posting's kind and on the command line.

    >>> written(date(2026, 10, 1))
    '2026-10'
    """
    return f"{month:%Y-%m}"


def ended(first: date | None, done: date | None, today: date) -> list[date]:
    """The months that are over and still to be done, in order: after the last one done, else from the first there is.

    >>> [written(m) for m in ended(date(2018, 6, 1), None, date(2018, 8, 31))]
    ['2018-06', '2018-07']
    >>> ended(date(2018, 6, 1), date(2018, 7, 1), date(2018, 8, 31)), ended(None, None, date(2018, 8, 31))
    ([], [])
    """
    month = month_after(done) if done else first
    found = []
    while month is not None and month < month_of(today):
        found.append(month)
        month = month_after(month)
    return found
