"""Requester and approver inside the buying company: an option of the company, for orders above an amount.

It decides that whoever asked does not approve, and that until another has, nothing is charged, taken or asked for.
Money that arrives all the same is the company's own and settles as ever. Read next: ``purchases/placing.py``, where an
order begins to wait.
"""

from datetime import datetime

from tenure import events
from tenure.kernel.access import Actor, Side
from tenure.kernel.money import Money
from tenure.kernel.periods import day_of
from tenure.kernel.refusals import Invalid, Refusal
from tenure.partners.actions import lock, set_approval
from tenure.partners.models import Partner
from tenure.plumbing.db import beat, verb
from tenure.plumbing.outbox import record
from tenure.programme.queries import current, version
from tenure.purchases.charging import end, require_open
from tenure.purchases.models import Approval, Order
from tenure.purchases.receiving import locked
from tenure.purchases.rules import Closing
from tenure.purchases.transfers import from_held_money

# VERBS


@verb(Side.PARTNER)
def set_approval_limit(actor: Actor, partner: Partner, *, above: Money | None, now: datetime) -> Partner:
    """Have the company's orders above an amount wait for an approver, or none at all. Open orders stay as they are."""
    if above is not None and above.currency != current().currency_of(partner.country):
        raise Invalid({"above": "money.malformed"})
    if above is not None and above.minor < 0:
        raise Invalid({"above": "money.malformed"})
    partner = lock(partner.pk)
    if (partner.approval_above_minor, partner.approval_currency) != _as_kept(above):
        set_approval(partner, *_as_kept(above))
        of = {"partner_id": partner.pk, "subject": f"partner:{partner.pk}"}
        record(actor, "purchases.set_approval_limit", now, events.ApprovalLimitSet(**of, above=above))
    return partner


@verb(Side.PARTNER)
def approve_order(actor: Actor, order: Order, *, now: datetime) -> Order:
    """Approve an order that a colleague asked for; from then on it can be paid, at the price it was placed at."""
    order = locked(order.pk, order.partner_id)
    row = _undecided(actor, order)
    require_open(order, day_of(now, version(order.programme.n).zone))
    _decide(actor, row, order, True, "", "purchases.approve_order", now)
    from_held_money(actor, order, now)
    return order


@verb(Side.PARTNER, money=True)
def refuse_order(actor: Actor, order: Order, *, reason: str, now: datetime) -> Order:
    """Refuse an order that a colleague asked for; it ends, and nothing has been charged."""
    with beat():
        order = locked(order.pk, order.partner_id)
        row = _undecided(actor, order)
        require_open(order, None)
        _decide(actor, row, order, False, reason.strip(), "purchases.refuse_order", now)
    return end(actor, order, Closing.CANCELLED, now)


def _undecided(actor: Actor, order: Order) -> Approval:
    row = Approval.objects.select_for_update().filter(order=order).first()
    if row is None or row.decided_at:
        raise Refusal("orders.nothing_to_approve", number=order.number)
    if row.asked_by == actor.behind:
        raise Refusal("orders.approval_needs_another")
    return row


def _decide(actor: Actor, row: Approval, order: Order, approved: bool, reason: str, verb: str, now: datetime) -> None:
    row.approved, row.reason, row.decided_at, row.decided_by = approved, reason, now, actor.behind
    row.save()
    of = {"partner_id": order.partner_id, "subject": f"order:{order.pk}"}
    record(actor, verb, now, events.OrderApprovalDecided(**of, number=order.number, approved=approved))


def _as_kept(above: Money | None) -> tuple[int | None, str]:
    return (None, "") if above is None else (above.minor, above.currency)
