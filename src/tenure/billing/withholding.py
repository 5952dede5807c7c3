"""Withheld tax: the only writer of its certificates, and of what they post. Steps only.

It decides that a certificate counts once, towards one order, and that what it posted can be taken back. It must never
decide whether one is good, nor whether an order is paid. Read next: ``purchases/withholding.py``.
"""

from datetime import datetime
from typing import Any

from tenure.billing.actions import post, post_withholding
from tenure.billing.ledger import Account, move
from tenure.billing.models import Withholding
from tenure.billing.rules import WITHHOLDING_MOVES, WithholdingStatus
from tenure.kernel.access import Actor
from tenure.kernel.money import Money
from tenure.kernel.refusals import Refusal
from tenure.plumbing.db import inside
from tenure.programme.rules import Programme

S = WithholdingStatus


def enter(actor: Actor, *, key: str, amount: Money, now: datetime, **facts: Any) -> tuple[Withholding, bool]:
    """Keep a certificate that was sent in, once per key; returns the row and whether it is new."""
    inside("entering a certificate")
    return Withholding.objects.get_or_create(
        key=key,
        defaults={
            "amount_minor": amount.minor,
            "currency": amount.currency,
            "submitted_at": now,
            "submitted_by": actor.label,
            "moved_at": now,
            **facts,
        },
    )


def locked_withholding(id: int) -> Withholding:
    """The certificate as it stands now, its row locked until commit: of two clerks the second finds it decided."""
    inside("locking a certificate")
    return Withholding.objects.select_for_update(of=("self",)).select_related("partner", "file").get(pk=id)


def move_on(row: Withholding, to: WithholdingStatus, now: datetime, **facts: Any) -> None:
    """Along an edge of the table; what is decided never moves again."""
    if to not in WITHHOLDING_MOVES[WithholdingStatus(row.status)]:
        raise Refusal("withholding.decided")
    row.status, row.moved_at = to, now
    for name, value in facts.items():
        setattr(row, name, value)
    row.save()


def certify(actor: Actor, row: Withholding, order_id: int | None, programme: Programme, now: datetime) -> None:
    """Accepted: as good as money from the partner, for its order, or held when that has ended."""
    move_on(row, S.ACCEPTED, now, counts_for_id=order_id, decided_at=now, decided_by=actor.label)
    post_withholding(row.pk, row.amount, row.partner_id, programme, now, row.order_id)


def settle_withheld(order_id: int, programme: Programme, now: datetime) -> None:
    """The order is paid: what was withheld meets its invoice beside the money."""
    for row in _counting(order_id).filter(settled_at=None):
        row.settled_at = now
        row.save(update_fields=["settled_at"])
        entries = move(row.amount, Account.HELD, Account.RECEIVABLE)
        post("withholding", row.pk, "settled", entries, row.partner_id, now, programme, order_id)


def return_withheld(order_id: int, programme: Programme, now: datetime) -> None:
    """The sale was taken back: the certificate is no claim of ours any more, and the buyer's to correct."""
    for row in _counting(order_id).filter(settled_at__isnull=False, returned_at=None):
        row.returned_at = now
        row.save(update_fields=["returned_at"])
        entries = move(row.amount, Account.RECEIVABLE, Account.WITHHOLDING)
        post("withholding", row.pk, "returned", entries, row.partner_id, now, programme, order_id)


def release_withheld(order_id: int) -> None:
    """The order ended unpaid: what was withheld for it is held for the partner's next one, like money."""
    inside("releasing what was withheld")
    _counting(order_id).filter(settled_at=None).update(counts_for_id=None)


def use_released(partner_id: int, order_id: int, most: Money, missing: Money) -> bool:
    """Let a certificate that is held count for an order that it fits into, whole; one at most."""
    inside("using what was withheld")
    if _counting(order_id).exists():
        return False
    rows = Withholding.objects.select_for_update().filter(partner_id=partner_id, status=S.ACCEPTED, counts_for_id=None)
    fit = min(most.minor, missing.minor)
    row = rows.filter(currency=most.currency, amount_minor__lte=fit).order_by("pk").first()
    if row is None:
        return False
    row.counts_for_id = order_id
    row.save(update_fields=["counts_for_id"])
    return True


def _counting(order_id: int):
    return Withholding.objects.select_for_update().filter(counts_for_id=order_id)
