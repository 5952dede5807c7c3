"""Disputed payments: their only writer, one row for each dispute that a gateway knows.

It decides whether news of a dispute is news, and never moves one back once the bank has decided. It must never
call a gateway or know what the payment bought. Read next: ``purchases/disputes.py``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from tenure.payments.gateways.base import DisputeOutcome, DisputeStatus
from tenure.payments.models import Dispute, DisputeSearch, Payment, Refund
from tenure.payments.rules import RefundStatus
from tenure.plumbing.db import inside

DECIDED = (DisputeStatus.WON, DisputeStatus.LOST)


@dataclass(frozen=True, slots=True)
class News:
    """What is new about a dispute: that it was opened, that the bank has decided it, or neither."""

    dispute: Dispute
    opened: bool
    decided: bool


# STEPS


def note_dispute(payment: Payment, gateway: str, told: DisputeOutcome, now: datetime) -> News:
    """Write down what the gateway says of a dispute. The payment's row is locked: refunds wait (I-7)."""
    inside("noting a dispute")
    Payment.objects.select_for_update().get(pk=payment.pk)
    row, opened = Dispute.objects.get_or_create(
        gateway=gateway,
        ref=told.ref,
        defaults={
            "payment": payment,
            "amount_minor": told.amount.minor,
            "currency": told.amount.currency,
            "status": DisputeStatus.NEEDS_RESPONSE,
            "reason": told.reason[:60],
            "respond_by": told.respond_by,
            "opened_at": now,
        },
    )
    if row.status in DECIDED:
        return News(row, opened, False)
    decided = told.status in DECIDED
    if (row.status, row.respond_by) != (told.status, told.respond_by):
        row.status, row.respond_by = told.status, told.respond_by
        row.closed_at = now if decided else None
        row.save(update_fields=["status", "respond_by", "closed_at"])
    return News(row, opened, decided)


def not_looked_for(told: Iterable[tuple[str, str]], today: date) -> set[tuple[str, str]]:
    """Those of some payments, by gateway and its id, that have not been looked for today."""
    asked = set(told)
    rows = DisputeSearch.objects.filter(looked_on__gte=today, payment_ref__in=[ref for _, ref in asked])
    return asked - set(rows.values_list("gateway", "payment_ref"))


def note_looked_for(asked: Iterable[tuple[str, str]], today: date) -> None:
    """Some payments have been looked for among a gateway's disputes: not again before tomorrow."""
    inside("looking for disputes")
    for gateway, ref in sorted(asked):
        found = {"gateway": gateway, "payment_ref": ref}
        DisputeSearch.objects.update_or_create(**found, defaults={"looked_on": today})


def overtaken(refund: Refund) -> bool:
    """Whether a dispute explains why a gateway would not make a refund: the bank has the money, or had given it back.

    While the bank decides, the refund waits; once it has decided for its customer, nothing is owed any more.
    """
    inside("giving up a refund")
    row = Refund.objects.select_for_update(of=("self",)).select_related("payment").get(pk=refund.pk)
    standing = set(row.payment.disputes.exclude(status=DisputeStatus.WON).values_list("status", flat=True))
    if DisputeStatus.LOST in standing and row.status == RefundStatus.NEW:
        row.status = RefundStatus.REFUSED
        row.save(update_fields=["status"])
    return bool(standing)


def note_looked(dispute: Dispute, today: date) -> None:
    """The gateway was asked about a dispute: not again before tomorrow."""
    Dispute.objects.filter(pk=dispute.pk).update(looked_on=today)
