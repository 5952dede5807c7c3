"""Disputes: the cardholder's bank takes a payment back, and in the end decides for us or against us.

It decides what follows: while the bank has not decided, the subscription is suspended, nothing is charged and
nothing refunded; won, everything is as before; lost, the sale is taken back as a refund would, with a credit note.
It must never believe a doorbell: every step begins by reading the dispute at the gateway. Sources: domain.md R28,
reliability.md I-7. Read next: ``payments/disputes.py``.
"""

from datetime import datetime, timedelta

from tenure import events
from tenure.billing import actions as billing
from tenure.billing.queries import dispute_movements
from tenure.kernel.access import SYSTEM
from tenure.kernel.periods import day_of
from tenure.memberships import actions as memberships
from tenure.memberships.queries import newest_term_is, term_of_order
from tenure.partners.actions import lock
from tenure.payments import actions as payments
from tenure.payments.disputes import News, not_looked_for, note_dispute, note_looked, note_looked_for
from tenure.payments.gateways import base
from tenure.payments.models import Dispute, Payment
from tenure.payments.queries import dispute_status, disputed_refs, disputes_open, payment_of_ref
from tenure.plumbing.db import beat
from tenure.plumbing.outbox import close_task, open_task, record
from tenure.programme.queries import current, version
from tenure.programme.rules import Programme
from tenure.purchases.models import Order
from tenure.purchases.settling import take_back

VERB = "payments.hear_dispute"
OVERLAP = timedelta(days=1)

# BEATS


def dispute_heard(gateway: str, ref: str, now: datetime) -> bool:
    """Read a dispute at the gateway and record what is new; whether it is about a payment of ours."""
    told = payments.gateway(gateway).look_dispute(ref)
    payment = payment_of_ref(gateway, told.payment_ref)
    if payment is None:
        return False
    with beat():
        lock(payment.partner_id)
        order = Order.objects.select_for_update().get(pk=payment.order_id)
        news = note_dispute(payment, gateway, told, now)
        programme = version(order.programme.n)
        if news.opened:
            _opened(news.dispute, payment, order, programme, now)
        if news.decided:
            _decided(news, payment, order, programme, now)
    return True


def follow_disputes(now: datetime) -> int:
    """Once a day: how each open dispute stands, and those in the gateway's list that no doorbell told of."""
    today, news = day_of(now, current().zone), 0
    for dispute in disputes_open():
        if dispute.looked_on == today:
            continue
        try:
            news += _looked(dispute.gateway, dispute.ref, dispute.payment.partner_id, now)
        finally:
            # Asking that breaks is not repeated at once; whoever was killed while asking has not asked.
            with beat():
                note_looked(dispute, today)
    known = disputed_refs()
    untold = {(row.gateway, row.payment_ref): row.at for row in dispute_movements()}
    untold = {about: at for about, at in untold.items() if about not in known}
    asked = not_looked_for(untold, today) if untold else set()
    for gateway in sorted({gateway for gateway, _ in asked}):
        since = {ref: untold[gateway, ref] for name, ref in asked if name == gateway}
        try:
            news += _untold(gateway, since, now)
        finally:
            with beat():
                note_looked_for([(gateway, ref) for ref in since], today)
    return news


def _untold(gateway: str, since: dict[str, datetime], now: datetime) -> int:
    """Disputes in the gateway's list whose doorbell never rang: found by their payments, then read like any other."""
    try:
        told = payments.gateway(gateway).disputes(min(since.values()) - OVERLAP)
    except base.Unknown:
        return 0
    found = [dispute.ref for dispute in told if dispute.payment_ref in since]
    return sum(_looked(gateway, ref, None, now) for ref in found)


def _looked(gateway: str, ref: str, partner_id: int | None, now: datetime) -> bool:
    try:
        before = dispute_status(gateway, ref)
        dispute_heard(gateway, ref, now)
        return before != dispute_status(gateway, ref)
    except base.Unknown:
        return False
    except base.Rejected as refusal:
        with beat():
            open_task("dispute", f"dispute:{ref}", partner_id, refusal.code, now)
        return False


# STEPS


def _of(order: Order) -> dict:
    return {"partner_id": order.partner_id, "subject": f"order:{order.pk}", "number": order.number}


def _opened(dispute: Dispute, payment: Payment, order: Order, programme: Programme, now: datetime) -> None:
    billing.post_dispute(dispute.pk, payment, dispute.amount, programme, now)
    term = term_of_order(order.pk)
    # A renewal that has been paid since stands by itself: only the newest term's payment suspends.
    if term is not None and newest_term_is(term):
        memberships.set_disputed(term.subscription, now)
    open_task("dispute", f"dispute:{dispute.ref}", order.partner_id, order.number, now)
    record(SYSTEM, VERB, now, events.PaymentDisputed(**_of(order), dispute=dispute.pk, reason=dispute.reason))


def _decided(news: News, payment: Payment, order: Order, programme: Programme, now: datetime) -> None:
    dispute, won = news.dispute, news.dispute.status == base.DisputeStatus.WON
    term = term_of_order(order.pk)
    if term is not None:
        memberships.set_disputed(term.subscription, None)
    if won:
        billing.post_dispute_won(dispute.pk, payment, dispute.amount, programme, now)
    else:
        # What was refunded is credited already, and an earlier year of a membership that went on has been used:
        # there the money is lost, and a person looks into it.
        credited = order.refunded_at is None and term is not None and newest_term_is(term)
        if credited:
            take_back(SYSTEM, order, payment, programme, VERB, now)
        else:
            open_task("dispute", f"dispute:{dispute.ref}:lost", order.partner_id, order.number, now)
        billing.post_dispute_lost(dispute.pk, payment, dispute.amount, programme, now, credited=credited)
    close_task("dispute", f"dispute:{dispute.ref}", SYSTEM, now)
    record(SYSTEM, VERB, now, events.DisputeClosed(**_of(order), dispute=dispute.pk, won=won))
