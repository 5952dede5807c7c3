"""One transfer that pays several orders, divided by a clerk.

It decides that the parts never pass what the line has left, and that no order gets more than it is due. It must never
divide by itself. Read next: ``purchases/transfers.py``, ``give``.
"""

from collections.abc import Sequence
from datetime import datetime

from tenure.kernel.access import Actor, Side
from tenure.kernel.money import Money
from tenure.kernel.refusals import Invalid, Refusal
from tenure.partners.actions import lock_all
from tenure.partners.models import Partner
from tenure.payments import transfers as payments
from tenure.payments.models import BankLine
from tenure.plumbing.db import verb
from tenure.purchases.models import Order
from tenure.purchases.receiving import Come, come_for, locked_orders
from tenure.purchases.rules import faults_of_split
from tenure.purchases.transfers import give, hold, reopened, still_payable


@verb(Side.STAFF)
def split_transfer(
    actor: Actor,
    line: BankLine,
    *,
    parts: Sequence[tuple[Order, Money]],
    hold_for: Partner | None = None,
    now: datetime,
) -> BankLine:
    """Divide a transfer between orders. What is over is held for a partner who is named, or stays with the line."""
    if not parts:
        raise Refusal("split.nothing")
    partners = lock_all([*(order.partner_id for order, _ in parts), *([hold_for.pk] if hold_for else [])])
    line, left = payments.locked_lines([line])[line.pk]
    if line.ignored_at or left.minor <= 0:
        raise Refusal("transfers.already_matched")
    faults = faults_of_split(left, [(order.number, amount) for order, amount in parts])
    if faults:
        raise Invalid({f"amount-{n + 1}": code for n, code in faults.items()})
    orders = locked_orders(order.pk for order, _ in parts)
    come = come_for(orders.values())
    for n, (asked, amount) in enumerate(parts, 1):
        order = orders[asked.pk]
        order.partner = partners[order.partner_id]
        come[order.pk] = _ready(actor, line, order, come[order.pk], amount, n, now)
    for asked, amount in parts:
        give(actor, line, orders[asked.pk], amount, left, come[asked.pk], now)
        left -= amount
    if left and hold_for:
        hold(actor, line, hold_for.pk, left, left, now)
    payments.by_hand(line)
    return line


def _ready(actor: Actor, line: BankLine, order: Order, come: Come, amount: Money, n: int, now: datetime) -> Come:
    """What has come in for an order before its part; refused where the order takes nothing, or not so much."""
    if order.currency != line.currency:
        raise Invalid({f"number-{n}": "transfers.wrong_currency"})
    if not still_payable(order, line):
        raise Invalid({f"number-{n}": "split.order_takes_nothing"})
    come = reopened(actor, order, come, now)
    due = order.total - come.all
    if amount.minor > due.minor:
        raise Invalid({f"amount-{n}": "split.more_than_due"}, by_field={f"amount-{n}": {"due": due}})
    return come
