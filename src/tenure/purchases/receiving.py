"""An order as it stands behind its locks, and what has come in for it.

It decides that rows of one kind are locked in the order of their numbers, partners before orders. It must never write
anything. Read next: ``purchases/settling.py``.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tenure.billing.queries import withheld_for
from tenure.kernel.money import Money
from tenure.kernel.refusals import Refusal
from tenure.partners.actions import lock
from tenure.payments.queries import allocated_to
from tenure.plumbing.db import inside
from tenure.purchases.models import Approval, Order


@dataclass(frozen=True, slots=True)
class Come:
    """What has come in for an order: money, and tax withheld for us that a certificate proves."""

    money: Money
    kept_back: Money

    @property
    def all(self) -> Money:
        return self.money + self.kept_back

    def more(self, part: Money) -> "Come":
        return Come(self.money + part, self.kept_back)


def approval_of(order_id: int) -> Approval | None:
    """What somebody of the buying company asked another to approve, with the answer if there is one."""
    return Approval.objects.filter(order_id=order_id).first()


def waits_for_approval(order_id: int) -> bool:
    return Approval.objects.filter(order_id=order_id).exclude(approved=True).exists()


def require_approved(order: Order) -> None:
    """Nothing is begun for an order that its own company has not approved."""
    if waits_for_approval(order.pk):
        raise Refusal("orders.waits_for_approval", number=order.number)


def come_for(orders: Iterable[Order]) -> dict[int, Come]:
    """What has come in for each of several orders."""
    rows = {row.pk: row.currency for row in orders}
    money, kept = allocated_to(rows), withheld_for(rows)
    return {id: Come(Money(money[id], currency), Money(kept[id], currency)) for id, currency in rows.items()}


def locked(order_id: int, partner_id: int) -> Order:
    """An order as it stands now behind its partner's lock, its own row locked until commit."""
    partner = lock(partner_id)
    order = locked_orders([order_id])[order_id]
    order.partner = partner
    return order


def locked_orders(ids: Iterable[int]) -> dict[int, Order]:
    """Several orders, locked in the order of their numbers; whoever asks holds their partners' locks."""
    inside("locking orders")
    rows = Order.objects.select_for_update(of=("self",)).filter(pk__in=list(ids)).order_by("pk")
    return {row.pk: row for row in rows.select_related("programme").defer("programme__source")}
