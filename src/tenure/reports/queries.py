"""Figures over the whole programme, read-only: what is at stake, what is to come, and what needs a person.

It counts and adds up; amounts of two currencies are never added. It must never decide or change anything, and
nobody imports it but doors. Read next: ``web/office/today.py``.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction

from tenure.billing import queries as billing
from tenure.enrolment import queries as enrolment
from tenure.kernel.money import Money
from tenure.kernel.refusals import Refusal
from tenure.memberships.queries import LiveGroup, live_groups
from tenure.offers.rules import quote
from tenure.partners import queries as partners
from tenure.payments import queries as payments
from tenure.plumbing import queries as plumbing
from tenure.programme.rules import Programme
from tenure.purchases import queries as purchases
from tenure.support import queries as support
from tenure.support.rules import RequestStatus

MONTHS = 12
# These tasks are also seen in the orders themselves, where they end by themselves.
SEEN_ELSEWHERE = ("proof", "transfer_short", "withholding", "exemption")


@dataclass(slots=True)
class Month:
    """Renewals that open in one month: those that go by themselves, those somebody has to make, their worth."""

    first: date
    automatic: int = 0
    by_hand: int = 0
    worth: list[Money] = field(default_factory=list)

    @property
    def count(self) -> int:
        return self.automatic + self.by_hand


@dataclass(frozen=True, slots=True)
class Outlook:
    """The programme's recurring side today, at today's prices before tax."""

    live: int
    recurring: list[Money]
    in_window: int
    at_stake: list[Money]
    months: list[Month]


def outlook(programme: Programme, today: date) -> Outlook:
    """What is live, what is in its window now, and which renewals the next twelve months bring."""
    groups = live_groups(today)
    worth = _Worth(programme, today)
    inside = [group for group in groups if group.in_window]
    months = {first: Month(first) for first in _months(today)}
    for first, month in months.items():
        # Whatever opened earlier and is still in its window is this month's work.
        own = [g for g in groups if max(g.opens_in, today.replace(day=1)) == first]
        month.automatic = sum(g.count for g in own if g.auto_renew)
        month.by_hand = sum(g.count for g in own if not g.auto_renew)
        month.worth = worth.of(own)
    return Outlook(
        sum(group.count for group in groups),
        worth.of(groups),
        sum(group.count for group in inside),
        worth.of(inside),
        list(months.values()),
    )


def _months(today: date) -> list[date]:
    at = today.year * 12 + today.month - 1
    return [date(n // 12, n % 12 + 1, 1) for n in range(at, at + MONTHS)]


class _Worth:
    """The price of an offer in a country, asked once."""

    def __init__(self, programme: Programme, today: date):
        self.programme, self.today = programme, today
        self.prices: dict[tuple[str, str], Money | None] = {}

    def price(self, offer: str, country: str) -> Money | None:
        key = (offer, country)
        if key not in self.prices:
            described = next((o for o in self.programme.offers if o.code == offer), None)
            try:
                found = quote(self.programme, described, country, self.today).price.net if described else None
            except Refusal:
                # No longer sold there: it is counted, but nobody can say what it would bring.
                found = None
            self.prices[key] = found
        return self.prices[key]

    def of(self, groups: Iterable[LiveGroup]) -> list[Money]:
        """What groups bring, by currency, the largest first."""
        sums: Counter[str] = Counter()
        for group in groups:
            price = self.price(group.offer, group.country)
            if price is not None:
                sums[price.currency] += price.minor * group.count
        return [Money(minor, currency) for currency, minor in sums.most_common()]


AGES = ((0, 30), (31, 60), (61, 90), (91, None))


@dataclass(frozen=True, slots=True)
class Aged:
    """What is asked for and has not come, of one currency and one range of days since it was asked for."""

    currency: str
    first: int
    last: int | None
    orders: int
    owed: Money


def aged(today: date) -> list[Aged]:
    """Open transfer orders by age. They are not in the ledger: a receivable arises with the payment that ends it.

    What has come in for an order already is taken off. A range nothing falls into is told as nothing.
    """
    found: dict[tuple[str, int], list[int]] = {}
    for order in purchases.awaiting_transfers().annotate(came=payments.received_minor()):
        days = (today - order.placed_on).days
        at = next(n for n, (_, last) in enumerate(AGES) if last is None or days <= last)
        found.setdefault((order.currency, at), []).append(order.total_minor - (order.came or 0))
    return [
        Aged(currency, first, last, len(rows), Money(sum(rows), currency))
        for currency in sorted({currency for currency, _ in found})
        for at, (first, last) in enumerate(AGES)
        for rows in [found.get((currency, at), [])]
    ]


JOURNAL = """
SELECT t.id AS transaction, t.posted_on, t.posted_at, t.cause_type || ':' || t.cause_id AS cause, t.kind,
       coalesce(i.number, '') AS document, coalesce(o.number, '') AS "order", coalesce(n.number, '') AS partner,
       coalesce(n.legal_name, '') AS partner_name, p.account, p.currency, p.amount_minor
FROM billing_ledgertransaction t JOIN billing_posting p ON p.transaction_id = t.id
LEFT JOIN purchases_order o ON o.id = p.order_id
LEFT JOIN partners_partner n ON n.id = t.partner_id
LEFT JOIN billing_invoice i ON t.cause_type = 'invoice' AND i.id = t.cause_id
WHERE t.posted_on BETWEEN %s AND %s ORDER BY t.posted_on, t.id, p.id
"""


def journal(first: date, last: date) -> Iterator[dict[str, Any]]:
    """Every posting of a span of days in the order of the ledger; memory stays flat however many there are."""
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(JOURNAL, [first, last])
        names: list[str] = []
        while rows := cursor.fetchmany(2000):
            names = names or [column.name for column in cursor.description]
            for row in rows:
                yield dict(zip(names, row, strict=True))


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that needs a person: what kind, since when, whose, and what the words and the link need."""

    kind: str
    """check, transfer, short, proof, withholding, exemption, request or task."""
    since: datetime
    partner_id: int | None
    partner: str
    key: Any
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that waits, counted, and the longest waiting of it."""

    counts: dict[str, int]
    oldest: dict[str, datetime]
    waiting: list[Waiting]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def desk(today: date, *, most: int = 50) -> Desk:
    """What needs a person now, the longest waiting first."""
    kinds: dict[str, tuple[Any, Callable[[Any], Waiting]]] = {
        "check": (enrolment.waiting(), _check),
        "transfer": (payments.unmatched().order_by("recorded_at", "pk"), _transfer),
        "short": (purchases.part_paid(today), _short),
        "proof": (purchases.proofs_waiting(), _proof),
        "withholding": (billing.withholdings_waiting(), _withholding),
        "exemption": (partners.applications_waiting(), _exemption),
        "request": (support.queue().filter(status=RequestStatus.OPEN), _request),
        "task": (plumbing.open_tasks().exclude(kind__in=SEEN_ELSEWHERE), _task),
    }
    counts, found = {}, []
    for kind, (rows, made) in kinds.items():
        some = list(rows[:most])
        # A short list has been read to its end and needs no counting.
        counts[kind] = len(some) if len(some) < most else _count(rows)
        found += [made(row) for row in some]
    found.sort(key=lambda item: item.since)
    oldest = {kind: next(item.since for item in found if item.kind == kind) for kind in {i.kind for i in found}}
    return Desk(counts, oldest, _named(found[:most]))


def _count(rows: Any) -> int:
    return len(rows) if isinstance(rows, list) else rows.count()


def _named(found: list[Waiting]) -> list[Waiting]:
    """Tasks know a partner's id only; their names are read at once."""
    names = partners.by_id({item.partner_id for item in found if item.partner_id and not item.partner})
    return [
        item
        if item.partner or item.partner_id not in names
        else Waiting(item.kind, item.since, item.partner_id, names[item.partner_id].legal_name, item.key, item.facts)
        for item in found
    ]


def _check(row) -> Waiting:
    facts = {"check": row.kind, "appeal": row.appealed_at is not None}
    return Waiting("check", row.opened_at, row.partner_id, row.partner.legal_name, row.pk, facts)


def _transfer(row) -> Waiting:
    facts = {"amount": row.amount, "reference": row.reference, "payer": row.payer, "value_on": row.value_on}
    return Waiting("transfer", row.recorded_at, None, "", row.pk, facts)


def _short(pair) -> Waiting:
    row, since = pair
    order = row.order
    facts = {"number": order.number, "received": row.received, "missing": row.missing, "total": order.total}
    return Waiting("short", since, order.partner_id, order.partner.legal_name, order.number, facts)


def _proof(row) -> Waiting:
    facts = {"number": row.order.number, "amount": row.order.total, "paid_on": row.paid_on}
    return Waiting("proof", row.uploaded_at, row.partner_id, row.partner.legal_name, row.order.number, facts)


def _withholding(row) -> Waiting:
    facts = {"amount": row.amount, "certificate": row.certificate}
    return Waiting("withholding", row.moved_at, row.partner_id, row.partner.legal_name, row.pk, facts)


def _exemption(row) -> Waiting:
    facts = {"certificate": row.certificate}
    return Waiting("exemption", row.moved_at, row.partner_id, row.partner.legal_name, row.pk, facts)


def _request(row) -> Waiting:
    facts = {"number": row.number, "action": row.action, "subject": row.subject}
    return Waiting("request", row.moved_at, row.partner_id, row.partner.legal_name, row.number, facts)


def _task(row) -> Waiting:
    facts = {"task": row.kind, "object": row.object, "reason": row.reason}
    return Waiting("task", row.opened_at, row.partner_id, "", row.pk, facts)
