"""The gateways' own lists beside the books: what moved there is booked once, and every difference is named.

It decides which line of a gateway's list belongs to which cause of ours, books the fees and payouts that only the
gateway knows of, and says what is left over. It must never mend a difference: a charge without a payment is the
janitor's, and what stays for a day is a person's. Read next: ``payments/gateways/base.py`` (``movements``),
``billing/ledger.py``.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from tenure.billing import actions
from tenure.billing.models import GatewayMovement, Reconciliation
from tenure.billing.queries import (
    arrived,
    cleared,
    gateways,
    newest_clearing,
    newest_movement,
    payouts_on_their_way,
    reconciliation,
)
from tenure.kernel.access import SYSTEM, Actor, Side
from tenure.kernel.money import Money
from tenure.kernel.periods import day_of, plus_days
from tenure.payments import actions as payments
from tenure.payments.gateways import base
from tenure.payments.queries import attempted_orders, attempted_refs, first_charge, lines_set_aside
from tenure.plumbing.db import beat, verb
from tenure.plumbing.outbox import close_task, open_task
from tenure.programme.queries import current

OVERLAP = timedelta(days=3)
PATIENCE = timedelta(hours=24)

CAUSES = {
    ("payment", "received"): "charge",
    ("payment", "late"): "charge",
    ("refund", "made"): "refund",
    ("dispute", "opened"): "dispute",
    ("dispute", "won"): "dispute_reversal",
}
"""What each of our causes on the clearing account is called in a gateway's list."""


# VERBS


@verb(Side.STAFF, money=True)
def reconcile(actor: Actor, subject: None, *, now: datetime) -> list[Reconciliation]:
    """Hold every gateway's list against the books, and book the fees and payouts found there. May be asked often."""
    return [_look(name, now) for name in gateways()]


# STEPS


def _look(name: str, now: datetime) -> Reconciliation:
    """One gateway: ask outside any transaction, then write what it said and what differs in one."""
    gateway = payments.gateway(name)
    since = _since(name, gateway)
    listed = gateway.movements(since)
    orders = {charge.ref: charge.order for charge in gateway.charges(since)}
    with beat():
        actions.hold_books()
        ours, foreign = _ours(name, listed, orders)
        for row in _keep(name, ours, now):
            _book(row, now)
        _arrive(now)
        return _write(name, foreign, now)


def _since(name: str, gateway: base.Gateway) -> datetime | None:
    """From where to read on, by the gateway's own clock: some days back, or from the first charge it made for us."""
    newest = newest_movement(name)
    if newest:
        return newest.at - OVERLAP
    ref = first_charge(name)
    return gateway.look(ref).captured_at if ref else None


def _ours(name: str, listed: list[base.Movement], orders: dict[str, str]) -> tuple[list[base.Movement], int]:
    """The movements of this installation. An account may serve others, too: a charge whose order we never tried to
    charge is theirs, and so is whatever happened before our first charge.
    """
    refs = attempted_refs(name, {m.payment_ref for m in listed if m.payment_ref})
    numbers = attempted_orders({orders[ref] for ref in orders})
    known = refs | {ref for ref, number in orders.items() if number in numbers}
    own = [m for m in listed if m.payment_ref in known]
    kept = GatewayMovement.objects.filter(gateway=name).order_by("at").first()
    first = kept.at if kept else min((m.at for m in own), default=None)
    rest = [m for m in listed if not m.payment_ref and first is not None and m.at >= first]
    return own + rest, len(listed) - len(own) - len(rest)


def _keep(name: str, listed: list[base.Movement], now: datetime) -> list[GatewayMovement]:
    """Write down what was not known yet; a reference is kept once. Returns the new rows."""
    known = set(
        GatewayMovement.objects.filter(gateway=name, ref__in=[m.ref for m in listed]).values_list("ref", flat=True)
    )
    fresh = {m.ref: m for m in listed if m.ref not in known}
    return GatewayMovement.objects.bulk_create(
        GatewayMovement(
            gateway=name,
            ref=m.ref,
            kind=m.kind,
            payment_ref=m.payment_ref,
            amount_minor=m.amount.minor,
            fee_minor=m.fee.minor,
            currency=m.currency,
            at=m.at,
            recorded_at=now,
        )
        for m in fresh.values()
    )


def _book(row: GatewayMovement, now: datetime) -> None:
    """Post what only the gateway knows of: its fees, and what it sent to our bank."""
    programme = current()
    fee = Money(row.fee_minor, row.currency)
    if row.kind == "fee":
        fee = fee - row.amount
    if fee:
        actions.post_fee("movement", row.pk, fee, programme, now)
    if row.kind == "payout":
        actions.post_payout(row.pk, -row.amount, programme, now)


def _arrive(now: datetime) -> None:
    """Payouts on their way meet the lines of statements that a person set aside as for no order, by their amount.

    A line nobody has looked at stays where it is: it may be a partner's transfer of the same amount.
    """
    waiting = payouts_on_their_way()
    for line in lines_set_aside(list(waiting)):
        if waiting[line.amount_minor, line.currency] and not arrived(line.pk):
            waiting[line.amount_minor, line.currency] -= 1
            actions.post_payout_arrived(line, current(), now)


@dataclass(frozen=True, slots=True)
class _Line:
    """One thing on one of the two lists."""

    kind: str
    ref: str
    currency: str
    minor: int
    name: str
    day: date


def _write(name: str, foreign: int, now: datetime) -> Reconciliation:
    today = day_of(now, current().zone)
    posted = cleared(name)
    rows = list(GatewayMovement.objects.filter(gateway=name).order_by("pk"))
    booked = [
        _Line(CAUSES[cause, kind], ref, currency, minor, f"{cause}:{id}", day)
        for cause, id, kind, currency, minor, day, ref in posted
        if (cause, kind) in CAUSES
    ]
    orphans = _first_seen(name, _unmatched(booked, [_theirs(r) for r in rows if r.kind in CAUSES.values()]), today)
    books, theirs = Counter[str](), Counter[str]()
    for _cause, _id, _kind, currency, minor, _day, _ref in posted:
        books[currency] += minor
    for row in rows:
        theirs[row.currency] += row.amount_minor - row.fee_minor
    gap = {currency: books[currency] - theirs[currency] for currency in sorted(books.keys() | theirs.keys())}
    balances = {currency: {"books": books[currency], "gateway": theirs[currency]} for currency in gap}
    for orphan in orphans:
        gap[orphan["currency"]] -= orphan["amount"] if orphan["side"] == "ours" else -orphan["amount"]
    found, _ = Reconciliation.objects.update_or_create(
        gateway=name,
        day=today,
        defaults={
            "at": now,
            "movements": len(rows),
            "foreign": foreign,
            "balances": balances,
            "orphans": orphans,
            "unexplained": {currency: minor for currency, minor in gap.items() if minor},
        },
    )
    _tell(found, now)
    return found


def _theirs(row: GatewayMovement) -> _Line:
    zone = current().zone
    return _Line(row.kind, row.payment_ref, row.currency, row.amount_minor, row.ref, day_of(row.recorded_at, zone))


def _unmatched(ours: list[_Line], theirs: list[_Line]) -> list[tuple[str, _Line]]:
    """What one list has and the other has not; each line answers one line of the same kind, payment and amount."""
    waiting: dict[tuple, list[_Line]] = defaultdict(list)
    for line in theirs:
        waiting[line.kind, line.ref, line.currency, line.minor].append(line)
    left = []
    for line in ours:
        same = waiting[line.kind, line.ref, line.currency, line.minor]
        if same:
            same.pop()
        else:
            left.append(("ours", line))
    return left + [("theirs", line) for lines in waiting.values() for line in lines]


def _first_seen(name: str, lines: list[tuple[str, _Line]], today: date) -> list[dict[str, Any]]:
    """The orphans as they are kept, each with the day on which it was first missed."""
    before = reconciliation(name)
    seen = {(o["side"], o["name"]): o["since"] for o in before.orphans} if before else {}
    return [
        {
            "side": side,
            "kind": line.kind,
            "name": line.name,
            "ref": line.ref,
            "amount": line.minor,
            "currency": line.currency,
            "day": line.day.isoformat(),
            "since": seen.get((side, line.name), today.isoformat()),
        }
        for side, line in lines
    ]


def _tell(found: Reconciliation, now: datetime) -> None:
    """A difference that is a day old is a person's; one that has gone needs nobody."""
    about = f"gateway:{found.gateway}"
    old = (now - PATIENCE).date().isoformat()
    unexplained = bool(found.unexplained) and _was_unexplained(found)
    if unexplained or any(orphan["since"] <= old for orphan in found.orphans):
        open_task("reconciliation", about, None, "books.do_not_agree", now)
    elif not found.orphans and not found.unexplained:
        close_task("reconciliation", about, SYSTEM, now)


def _was_unexplained(found: Reconciliation) -> bool:
    before = Reconciliation.objects.filter(gateway=found.gateway, day__lt=found.day).order_by("-day").first()
    return before is not None and bool(before.unexplained)


# JOBS ask for these as the system.


def reconcile_daily(now: datetime) -> int:
    """Look at each gateway's list once a day. One that does not answer is asked again at the next tick."""
    today, looked = day_of(now, current().zone), 0
    for name in gateways():
        last = reconciliation(name)
        if last is not None and last.day >= today:
            continue
        try:
            _look(name, now)
        except (base.Unknown, base.Rejected):
            continue
        looked += 1
    return looked


def next_day(day: date) -> date | None:
    """The day after, while anything has moved since the last look or a difference is open."""
    for name in gateways():
        last, moved = reconciliation(name), newest_clearing()
        if last is None or last.orphans or last.unexplained or (moved and moved.posted_at > last.at):
            return plus_days(day, 1)
    return None
