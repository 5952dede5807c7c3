"""The only writer of attempts, payments, refunds and bank lines: the three beats, seen from below.

Promise (a committed row) › call (outside any transaction, under a key made from order and attempt) › record.
It must never call a gateway inside a transaction, call a payment failed because its answer is missing, or
know what an order buys. Read next: ``purchases/charging.py``, which makes the calls.
"""

import time
from contextlib import contextmanager
from datetime import date, datetime

from django.db import connection
from django.db.models import Max

from tenure.kernel.access import Actor, Side, declare
from tenure.kernel.money import Money
from tenure.kernel.refusals import Refusal
from tenure.payments.gateways import base
from tenure.payments.models import (
    Attempt,
    AttemptChange,
    BankLine,
    Card,
    GatewayEvent,
    Payment,
    Refund,
    RefundApproval,
)
from tenure.payments.queries import open_attempt, refunded_minor
from tenure.payments.rules import AttemptStatus, Method, RefundStatus, may_become
from tenure.plumbing.charging import require as require_charging
from tenure.plumbing.crash import Watched
from tenure.plumbing.db import beat, inside, outside_transaction, wiring
from tenure.plumbing.together import insert

KEPT = {"removing_at": None, "removed_by": "", "removed_at": None}
ATTEMPT_LOCKS, REFUND_LOCKS = 7001, 7002

declare("payments.view", Side.STAFF, says="See transfers and payments.")

# STEPS


def promise(
    *,
    order_id: int,
    order_number: str,
    partner_id: int,
    amount: Money,
    gateway: str,
    card: Card | None,
    off_session: bool,
    now: datetime,
) -> Attempt:
    """The first beat: the intent to charge, to be committed before anybody is called."""
    inside("promising a charge")
    if running := open_attempt(order_id):
        raise Refusal("orders.card_charge_running", number=running.order_number)
    n = (Attempt.objects.filter(order_id=order_id).aggregate(n=Max("n"))["n"] or 0) + 1
    attempt = Attempt.objects.create(
        order_id=order_id,
        order_number=order_number,
        partner_id=partner_id,
        n=n,
        gateway=gateway,
        key=f"{order_number}/{n}",
        card=card,
        off_session=off_session,
        amount_minor=amount.minor,
        currency=amount.currency,
        committed_at=now,
    )
    _note(attempt, AttemptStatus.NEW, "return", now)
    return attempt


def note(attempt_id: int, status: AttemptStatus, *, cause: str, now: datetime, **facts) -> Attempt | None:
    """Record the gateway's word. ``None`` when the attempt was already decided: news never moves it back."""
    inside("recording an attempt")
    attempt = Attempt.objects.select_for_update().get(pk=attempt_id)
    if attempt.status == status:
        return (
            attempt
            if status not in (AttemptStatus.SUCCEEDED, AttemptStatus.DECLINED, AttemptStatus.CANCELLED)
            else None
        )
    if not may_become(AttemptStatus(attempt.status), status):
        return None
    for name, value in facts.items():
        setattr(attempt, name, value)
    attempt.status = status
    if status in (AttemptStatus.SUCCEEDED, AttemptStatus.DECLINED, AttemptStatus.CANCELLED):
        attempt.resolved_at, attempt.resolved_by = now, cause
    attempt.save()
    _note(attempt, status, cause, now)
    return attempt


def note_asked(attempt: Attempt, now: datetime) -> None:
    """The gateway was asked, and answered or not: it is asked again when that is due."""
    Attempt.objects.filter(pk=attempt.pk).update(asked_at=now)


def _note(attempt: Attempt, status: AttemptStatus, cause: str, now: datetime) -> None:
    AttemptChange.objects.create(attempt=attempt, status=status, at=now, cause=cause)


def learn_ref(attempt: Attempt, ref: str) -> None:
    """Keep the gateway's id of a payment that an attempt knew by its page alone."""
    inside("learning a payment's id")
    Attempt.objects.filter(pk=attempt.pk).update(ref=ref)
    attempt.ref = ref


def receive(
    *,
    order_id: int,
    partner_id: int,
    method: Method,
    amount: Money,
    now: datetime,
    value_on: date,
    attempt: Attempt | None = None,
    bank_line: BankLine | None = None,
) -> Payment:
    """The one payment of an order; a second is refused by the database."""
    inside("receiving a payment")
    return insert(
        Payment(
            order_id=order_id,
            partner_id=partner_id,
            attempt=attempt,
            bank_line=bank_line,
            method=method,
            amount_minor=amount.minor,
            currency=amount.currency,
            gateway_ref=attempt.ref if attempt else "",
            received_at=now,
            value_on=value_on,
        )
    )


def keep_card(partner_id: int, gateway: str, card: base.Card, by: str, now: datetime) -> Card | None:
    """Keep what the gateway lets us keep of a card, once per token."""
    if not card.token:
        return None
    row, _ = Card.objects.update_or_create(
        partner_id=partner_id,
        gateway=gateway,
        token=card.token,
        defaults={"exp_month": card.exp_month, "exp_year": card.exp_year, **KEPT},
        create_defaults={
            "brand": card.brand,
            "last4": card.last4,
            "exp_month": card.exp_month,
            "exp_year": card.exp_year,
            "consented_at": now,
            "consented_by": by,
        },
    )
    return row


def _asked_before(payment: Payment, kind: str) -> bool:
    return payment.refunds.exclude(status=RefundStatus.REFUSED).filter(kind=kind).exists()


def promise_refund(
    payment: Payment, *, kind: str, amount: Money, reason: str, requested_by: str, request_id: int | None, now: datetime
) -> Refund:
    """The first beat of giving money back; together never more than was captured."""
    inside("promising a refund")
    payment = Payment.objects.select_for_update().get(pk=payment.pk)
    if payment.disputes.filter(closed_at=None).exists():
        raise Refusal("refund.disputed")
    back = refunded_minor(payment) + sum(payment.disputes.filter(status="lost").values_list("amount_minor", flat=True))
    if back + amount.minor > payment.amount_minor or _asked_before(payment, kind):
        raise Refusal("refund.already_refunded")
    refund = Refund.objects.create(
        payment=payment,
        kind=kind,
        amount_minor=amount.minor,
        currency=amount.currency,
        gateway_key=f"refund/{payment.gateway_ref or payment.pk}/{kind}/{payment.refunds.count() + 1}",
        reason=reason[:300],
        requested_by=requested_by,
        request_id=request_id,
        promised_at=now,
    )
    if request_id is not None:
        RefundApproval.objects.filter(request_id=request_id).update(refund=refund)
    return refund


def agree_to_refund(actor: Actor, request_id: int, limit: Money, now: datetime) -> bool:
    """Keep one person's yes to a refund, under the limit then in force; whether it is that person's first."""
    inside("agreeing to a refund")
    _, new = RefundApproval.objects.get_or_create(
        request_id=request_id,
        by=actor.behind,
        defaults={"at": now, "limit_minor": limit.minor, "currency": limit.currency},
    )
    return new


def note_refund_made(refund: Refund, gateway_ref: str, now: datetime) -> Refund | None:
    """Record that the money went back. ``None`` when that has been recorded before."""
    inside("recording a refund")
    row = Refund.objects.select_for_update().select_related("payment").get(pk=refund.pk)
    if row.status == RefundStatus.SUCCEEDED:
        return None
    row.status, row.gateway_ref, row.made_at = RefundStatus.SUCCEEDED, gateway_ref, now
    row.save()
    return row


def doorbell(gateway: str, bell: base.Doorbell, now: datetime) -> GatewayEvent | None:
    """Keep a doorbell's event; ``None`` when this event has rung before."""
    row, new = GatewayEvent.objects.get_or_create(
        gateway=gateway,
        event_id=bell.event_id,
        defaults={"kind": bell.kind, "ref": bell.ref, "received_at": now},
    )
    return row if new or row.applied_at is None else None


# CALLS: outside any transaction.


@contextmanager
def calling(space: int, id: int, *, patience: float = 0):
    """Hold the right to call about one attempt or refund; yields whether it was free, after some seconds' patience.

    A lock of the database session, so a killed process lets go of it at once. Whoever has a person waiting is
    patient: the doorbell that rings at the same moment is through in a blink.
    """
    outside_transaction("calling a gateway")
    last = time.monotonic() + patience
    while not (free := _took(space, id)) and time.monotonic() < last:
        time.sleep(0.05)
    try:
        yield free
    finally:
        if free:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [space, id])


def _took(space: int, id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [space, id])
        return cursor.fetchone()[0]


def gateway(name: str) -> base.Gateway:
    """The gateway of a name. While charging is stopped it may be asked, and is told to move no money."""
    return Watched(wiring().gateway(name), require_charging)


def open_page(
    attempt: Attempt, *, language: str, description: str, merchant: str, payer: str, return_path: str, now: datetime
) -> Attempt:
    """Ask the gateway for the page on which the customer pays; asking again gives the same page."""
    outside_transaction("opening a card page")
    require_charging("")
    _begin_call(attempt, now)
    page = gateway(attempt.gateway).open_page(
        base.PageRequest(
            key=attempt.key,
            amount=attempt.amount,
            order=attempt.order_number,
            attempt=attempt.n,
            description=description,
            language=language,
            return_path=return_path,
            save_card=True,
            customer=f"partner-{attempt.partner_id}",
            payer_name=payer,
            merchant=merchant,
        )
    )
    with beat():
        note(attempt.pk, AttemptStatus.NEEDS_ACTION, cause="return", now=now, ref=page.ref, page_path=page.path)
    attempt.refresh_from_db()
    return attempt


def charge(attempt: Attempt, *, description: str, language: str, return_path: str, now: datetime) -> base.Outcome:
    """Charge a saved card in two calls: create unconfirmed, keep the id, confirm (reliability.md, C2)."""
    outside_transaction("charging a card")
    require_charging("")
    _begin_call(attempt, now)
    through = gateway(attempt.gateway)
    if not attempt.ref:
        prepared = through.prepare(
            base.ChargeRequest(
                key=attempt.key,
                amount=attempt.amount,
                order=attempt.order_number,
                attempt=attempt.n,
                description=description,
                card_token=attempt.card.token,
                customer=f"partner-{attempt.partner_id}",
                off_session=attempt.off_session,
                language=language,
                return_path=return_path,
            )
        )
        with beat():
            Attempt.objects.filter(pk=attempt.pk).update(ref=prepared.ref)
        attempt.ref = prepared.ref
    return through.confirm(attempt.ref, attempt.key)


def ask(attempt: Attempt) -> base.Outcome | None:
    """What the gateway says of an attempt now: by id, else by our own numbers; ``None`` if it never heard of it."""
    through = gateway(attempt.gateway)
    return through.look(attempt.ref) if attempt.ref else through.find(attempt.order_number, attempt.n)


def _begin_call(attempt: Attempt, now: datetime) -> None:
    with beat():
        if note(attempt.pk, AttemptStatus.CALLING, cause="return", now=now, called_at=now):
            attempt.status = AttemptStatus.CALLING


def applied(event: GatewayEvent, outcome: str, now: datetime) -> None:
    """Note what became of a doorbell."""
    event.applied_at, event.outcome = (now if outcome == "applied" else None), outcome
    event.save(update_fields=["applied_at", "outcome"])
