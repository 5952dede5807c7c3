"""Settling an order: the third beat. One way to complete, for the return page, the doorbell, the janitor and staff.

It decides, under the partner's lock, whether money that has moved completes an order, and writes everything
that follows in one transaction: payment, invoice number, ledger, term, benefits, event. It must never call a
gateway. The second caller finds it done (reliability.md, C5).
"""

from collections.abc import Callable
from datetime import date, datetime

from tenure import events
from tenure.benefits import actions as benefits
from tenure.billing import actions as billing
from tenure.billing import withholding
from tenure.billing.models import Invoice
from tenure.billing.queries import invoice_of_payment, view_of
from tenure.billing.rules import InvoiceView, Kind, credit_of, rest_of, tax_correction
from tenure.billing.rules import Payment as Paid
from tenure.kernel.access import SYSTEM, Actor
from tenure.kernel.periods import day_of
from tenure.memberships import actions as memberships
from tenure.memberships.models import Subscription, Term
from tenure.memberships.queries import facts_of, newest_term_is, term_of_order
from tenure.memberships.rules import TermKind
from tenure.partners.actions import lock
from tenure.payments import actions as payments
from tenure.payments.gateways import base
from tenure.payments.models import Attempt, BankLine, Card, Payment, Refund
from tenure.payments.queries import payment_of, tax_was_given_back
from tenure.payments.rules import AttemptStatus, Method, RefundKind, compare
from tenure.payments.transfers import release_allocations
from tenure.plumbing.db import beat, crash_point, inside
from tenure.plumbing.outbox import close_task, close_tasks, open_task, record
from tenure.plumbing.together import save, together
from tenure.programme.queries import version
from tenure.programme.rules import Programme
from tenure.purchases.models import Order
from tenure.purchases.papers import document
from tenure.purchases.receiving import Come, come_for, locked
from tenure.purchases.rules import Closing, Origin, Purpose

HEARD = {
    base.Status.NEEDS_ACTION: AttemptStatus.NEEDS_ACTION,
    base.Status.PROCESSING: AttemptStatus.UNKNOWN,
    base.Status.SUCCEEDED: AttemptStatus.SUCCEEDED,
    base.Status.DECLINED: AttemptStatus.DECLINED,
    base.Status.CANCELLED: AttemptStatus.CANCELLED,
}


def settle(attempt: Attempt, outcome: base.Outcome, *, cause: str, now: datetime, actor: Actor = SYSTEM) -> None:
    """Record the gateway's word on an attempt and everything that follows from it, exactly once."""
    crash_point("before_settle")
    with beat():
        order = locked(attempt.order_id, attempt.partner_id)
        if outcome.amount != attempt.amount:
            open_task("payment", f"attempt:{attempt.pk}", order.partner_id, "amount_mismatch", now)
            payments.note(attempt.pk, AttemptStatus.UNKNOWN, cause=cause, now=now)
            return
        changed = payments.note(
            attempt.pk,
            HEARD[outcome.status],
            cause=cause,
            now=now,
            ref=outcome.ref,
            decline_code=outcome.decline_code,
            hard=outcome.hard or outcome.decline_code == "authentication_required",
            page_path=outcome.action_path or attempt.page_path,
        )
        if changed is not None:
            _follow(actor, order, changed, outcome, now)
        crash_point("inside_settle")
    crash_point("after_settle")


def unknown(attempt: Attempt, *, cause: str, now: datetime) -> None:
    """The answer is missing: nothing new is charged until the gateway has been asked (C3)."""
    with beat():
        lock(attempt.partner_id)
        before = attempt.status
        if payments.note(attempt.pk, AttemptStatus.UNKNOWN, cause=cause, now=now) and before != AttemptStatus.UNKNOWN:
            record(SYSTEM, "payments.charge", now, events.PaymentUnknown(**_about(attempt)))


def _about(attempt: Attempt) -> dict:
    return {
        "partner_id": attempt.partner_id,
        "subject": f"order:{attempt.order_id}",
        "number": attempt.order_number,
    }


def _follow(actor: Actor, order: Order, attempt: Attempt, outcome: base.Outcome, now: datetime) -> None:
    if attempt.resolved_at is not None:
        close_task("payment", f"attempt:{attempt.pk}", actor, now)
    if attempt.status == AttemptStatus.SUCCEEDED:
        _captured(actor, order, attempt, outcome, now)
    elif attempt.status == AttemptStatus.DECLINED:
        automatic = order.origin == Origin.AUTO_RENEWAL
        if attempt.decline_code == "authentication_required" and automatic:
            record(actor, "payments.charge", now, events.PaymentActionNeeded(**_about(attempt)))
        else:
            record(
                actor,
                "payments.charge",
                now,
                events.PaymentDeclined(
                    **_about(attempt), reason=attempt.decline_code, hard=attempt.hard, automatic=automatic
                ),
            )


def _captured(actor: Actor, order: Order, attempt: Attempt, outcome: base.Outcome, now: datetime) -> None:
    programme = version(order.programme.n)
    today = day_of(now, programme.zone)
    payment = payments.receive(
        order_id=order.pk,
        partner_id=order.partner_id,
        method=Method.CARD,
        amount=attempt.amount,
        now=now,
        value_on=today,
        attempt=attempt,
    )
    if not order.open:
        _give_back(actor, attempt, payment, programme, now)
        return
    card = (
        payments.keep_card(order.partner_id, attempt.gateway, outcome.card, order.placed_by, now)
        if outcome.card
        else None
    )
    complete(actor, order, payment, programme, now, card=card or order.card)


def _give_back(actor: Actor, attempt: Attempt, payment: Payment, programme: Programme, now: datetime) -> None:
    """The order had ended before the money moved: it buys nothing and goes back (I-18)."""
    billing.post_late_capture(payment, programme, now)
    payments.promise_refund(
        payment,
        kind=RefundKind.LATE_CAPTURE,
        amount=payment.amount,
        reason="late_capture",
        requested_by=SYSTEM.label,
        request_id=None,
        now=now,
    )
    record(actor, "payments.charge", now, events.LateCaptureReturned(**_about(attempt)))


def settle_late(attempt: Attempt, outcome: base.Outcome, *, now: datetime) -> None:
    """A gateway that had said no has charged after all. What was decided stays; the money goes back.

    Where the order is open or paid otherwise, a person decides which of the charges goes back.
    """
    with beat():
        lock(attempt.partner_id)
        attempt.refresh_from_db()
        order = Order.objects.select_for_update().get(pk=attempt.order_id)
        known = payment_of(order.pk)
        if known is not None and known.attempt_id == attempt.pk:
            return
        if known is not None or order.open:
            open_task("payment", f"attempt:{attempt.pk}", order.partner_id, "charged_after_no", now)
            return
        programme = version(order.programme.n)
        payments.learn_ref(attempt, outcome.ref)
        payment = payments.receive(
            order_id=order.pk,
            partner_id=order.partner_id,
            method=Method.CARD,
            amount=outcome.amount,
            now=now,
            value_on=day_of(now, programme.zone),
            attempt=attempt,
        )
        _give_back(SYSTEM, attempt, payment, programme, now)


@together()
def complete(
    actor: Actor, order: Order, payment: Payment, programme: Programme, now: datetime, *, card: Card | None = None
) -> Term:
    """The money is there: open the term, give its benefits, issue the invoice, post it all."""
    inside("completing an order")
    verb = "purchases.complete"
    term = _open_term(actor, order, payment.value_on, programme, verb, now)
    subscription = term.subscription
    benefits.grant(actor, term, programme.offer(order.offer), verb, now)
    on, renews_with = _renewing(order, subscription, card)
    cause = "purchase" if order.purpose == Purpose.PURCHASE else "renewal"
    memberships.set_auto_renew(actor, subscription, on=on, cause=cause, verb=verb, now=now, card=renews_with)
    order.paid_at, order.subscription = now, subscription
    save(order, "paid_at", "subscription")
    invoice = billing.issue(
        programme,
        kind=Kind.INVOICE,
        payment=payment,
        make=lambda number, day: document(programme, order, term, payment, Kind.INVOICE, number, day),
        now=now,
    )
    billing.post_payment(payment, programme, now)
    of = {"partner_id": order.partner_id, "subject": f"order:{order.pk}"}
    record(
        actor,
        verb,
        now,
        events.OrderPaid(**of, number=order.number, term=term.pk, invoice=invoice.pk),
        events.InvoiceIssued(**of, invoice=invoice.pk, number=invoice.number),
    )
    return term


def _renewing(order: Order, subscription: Subscription, card: Card | None) -> tuple[bool, Card | None]:
    """Whether auto-renew goes on after a payment, and another card for it. An automatic charge moves neither: what a
    person has set while it was under way stands."""
    if order.origin == Origin.AUTO_RENEWAL:
        return subscription.auto_renew, None
    return order.auto_renew and card is not None, card


def _open_term(actor: Actor, order: Order, paid_on: date, programme: Programme, verb: str, now: datetime) -> Term:
    given = {
        "order_id": order.pk,
        "paid_on": paid_on,
        "programme": programme,
        "policy": programme.policy(order.policy),
        "verb": verb,
        "now": now,
    }
    if order.purpose == Purpose.PURCHASE:
        return memberships.subscribe(actor, partner_id=order.partner_id, offer=order.offer, **given)
    kind = TermKind.AUTO_RENEWAL if order.origin == Origin.AUTO_RENEWAL else TermKind.RENEWAL
    return memberships.extend(actor, facts_of(order.subscription), kind=kind, **given)


def transfer_arrived(
    actor: Actor, order: Order, line: BankLine, programme: Programme, now: datetime, come: Come | None = None
) -> bool:
    """Money was allocated to an order: complete it when there is enough, else say what is missing."""
    inside("settling a transfer")
    come = come or come_for([order])[order.pk]
    received, kept_back = come.money, come.kept_back
    due = order.total - kept_back
    # What was withheld and what arrived are the total to the cent, or the order waits.
    tolerance = 0 if kept_back else programme.policy(order.policy).transfer_tolerance_minor
    if not compare(due, received, tolerance).enough:
        missing = due - received
        open_task("transfer_short", f"order:{order.pk}", order.partner_id, f"{missing} missing", now)
        of = {"partner_id": order.partner_id, "subject": f"order:{order.pk}", "number": order.number}
        short = events.TransferShort(**of, missing_minor=missing.minor, currency=missing.currency)
        record(actor, "purchases.match_transfer", now, short)
        return False
    _nothing_left_to_do(order, actor, now)
    payment = payments.receive(
        order_id=order.pk,
        partner_id=order.partner_id,
        method=Method.BANK_TRANSFER,
        amount=due,
        now=now,
        value_on=max(line.value_on, order.placed_on),
        bank_line=line,
    )
    complete(actor, order, payment, programme, now)
    if kept_back:
        withholding.settle_withheld(order.pk, programme, now)
    if received.minor < due.minor:
        billing.post_short(payment, due - received, programme, now)
    return True


def settle_refund(refund: Refund, gateway_ref: str, *, actor: Actor, now: datetime) -> None:
    """The money is on its way back: credit note, ledger and, for a full refund, the end of the term."""
    with beat():
        lock(refund.payment.partner_id)
        made = payments.note_refund_made(refund, gateway_ref, now)
        if made is None:
            return
        refund = made
        order = Order.objects.select_for_update().get(pk=refund.payment.order_id)
        programme = version(order.programme.n)
        if refund.kind == RefundKind.LATE_CAPTURE:
            billing.post_refund(refund, programme, now)
            return
        note = _credit(refund.payment, programme, now, refund)
        billing.post_refund(refund, programme, now)
        if refund.kind == RefundKind.FULL:
            order.refunded_at = now
            order.save(update_fields=["refunded_at"])
            withholding.return_withheld(order.pk, programme, now)
            _end(actor, order, day_of(now, programme.zone), "support.decide", now)
        record(
            actor,
            "support.decide",
            now,
            events.PaymentRefunded(
                partner_id=order.partner_id, subject=f"order:{order.pk}", refund=refund.pk, credit_note=note.pk
            ),
        )


def take_back(actor: Actor, order: Order, payment: Payment, programme: Programme, verb: str, now: datetime) -> Invoice:
    """The money is gone without a refund of ours: credit note, and the end of the term, as for a refund."""
    inside("taking a sale back")
    note = _credit(payment, programme, now, None)
    order.refunded_at = now
    order.save(update_fields=["refunded_at"])
    _end(actor, order, day_of(now, programme.zone), verb, now)
    return note


def _credit(payment: Payment, programme: Programme, now: datetime, refund: Refund | None) -> Invoice:
    """The credit note of a refund, or of money that a bank took back: of the whole, of the tax, or of the rest."""
    invoice = invoice_of_payment(payment.pk)
    view = view_of(invoice)
    today = day_of(now, programme.zone)
    back = Paid(method=payment.method, paid_on=today, instrument=view.payment.instrument)
    correct: Callable[..., InvoiceView] = rest_of if tax_was_given_back(payment, refund) else credit_of
    if refund is not None and refund.kind == RefundKind.TAX:
        correct = tax_correction
    return billing.issue(
        programme,
        kind=Kind.CREDIT_NOTE,
        payment=payment,
        make=lambda number, day: correct(view, number, day, payment=back),
        now=now,
        refund=refund,
        amends=invoice,
    )


def _end(actor: Actor, order: Order, today: date, verb: str, now: datetime) -> None:
    """A full refund ends the subscription and takes back what the refunded term brought."""
    term = term_of_order(order.pk)
    if term is None or term.subscription.cancelled_at:
        return
    if not newest_term_is(term):
        # A renewal that was paid meanwhile stands by itself: only what the refunded year brought is taken back.
        benefits.revoke(actor, term, verb, now)
        return
    memberships.set_auto_renew(actor, term.subscription, on=False, cause="cancel_request", verb=verb, now=now)
    memberships.cancel(actor, term.subscription, on=today, verb=verb, now=now)
    benefits.revoke(actor, term, verb, now)
    # A renewal still open would revive what has ended: its money, when it comes, is held or goes back.
    waiting_orders = Order.objects.filter(subscription=term.subscription, paid_at=None, closed_at=None)
    for waiting in waiting_orders.select_for_update():
        close(actor, waiting, Closing.CANCELLED, now)


def close(actor: Actor, order: Order, closing: Closing, now: datetime) -> None:
    """End an order that was not paid: its right to renew goes, and money that came in is held again."""
    inside("closing an order")
    order.closed_at, order.closing = now, closing
    order.save(update_fields=["closed_at", "closing"])
    _nothing_left_to_do(order, actor, now)
    release_allocations(order.pk)
    withholding.release_withheld(order.pk)
    if order.subscription_id and closing is Closing.CANCELLED:
        memberships.hold(order.subscription, None)
    of = {"partner_id": order.partner_id, "subject": f"order:{order.pk}", "number": order.number}
    event = events.OrderCancelled(**of) if closing is Closing.CANCELLED else events.OrderExpired(**of)
    record(actor, "purchases.cancel_order" if closing is Closing.CANCELLED else "purchases.expire", now, event)


def _nothing_left_to_do(order: Order, actor: Actor, now: datetime) -> None:
    """The order is paid or over: nobody need look at its proof or wait for the rest of its money."""
    close_tasks(("transfer_short", "proof", "order"), f"order:{order.pk}", actor, now)
