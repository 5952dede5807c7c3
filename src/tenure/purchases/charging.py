"""Calling the gateway for an order: the second beat, outside any transaction, safe to repeat.

It decides whom to ask and when to ask again; what the answer means is settled in ``settling``. It must never call
while a transaction is open, and never take silence for a no: unknown is asked about, not tried anew. Read next:
``purchases/settling.py``, the third beat.
"""

from datetime import date, datetime, timedelta

from tenure.kernel.access import SYSTEM, Actor
from tenure.kernel.periods import day_of
from tenure.kernel.refusals import Refusal
from tenure.partners.actions import lock
from tenure.payments import actions as payments
from tenure.payments.disputes import overtaken
from tenure.payments.gateways import base
from tenure.payments.models import Attempt, Refund
from tenure.payments.queries import (
    attempt_before,
    attempts,
    busiest_hours,
    charges_begun,
    newest_begun,
    open_attempt,
)
from tenure.payments.rules import BUSY_DAYS, OPEN, AttemptStatus, Method, bound, too_old_to_send_again
from tenure.plumbing.charging import BOUND, TASK, halt, last_started, why_not
from tenure.plumbing.charging import require as require_charging
from tenure.plumbing.db import beat, crash_point
from tenure.plumbing.outbox import open_task
from tenure.programme.queries import current, version
from tenure.purchases.models import Order
from tenure.purchases.queries import order_by_id
from tenure.purchases.rules import Closing, Origin
from tenure.purchases.settling import close, settle, settle_late, settle_refund, unknown

# Seconds that somebody at the screen waits for a call about the same attempt to end.
PATIENCE = 5.0
OVERLAP = timedelta(days=1)

# BEATS


def charged(actor: Actor, order: Order, attempt: Attempt | None, now: datetime) -> Order:
    """The second and third beat of a card order; of any other order, nothing.

    Refused while charging is stopped: the order stays, and a person's card is not charged later without a word.
    """
    if attempt is None:
        if order.method == Method.CARD and order.open and not attempts(order.pk):
            require_charging("")
    elif too_old_to_send_again(attempt.called_at, now):
        _stopped(attempt, now)
    else:
        try:
            _mind_the_bound(now)
            _call(actor, order, attempt, now)
        except Refusal:
            if order.origin == Origin.PERSON:
                _take_back(attempt, now)
            raise
        except (base.Unknown, base.Rejected) as silence:
            # A refused request is no decline either: an earlier one under the same key may have charged.
            _tell_staff(attempt, silence, now)
            attempt.refresh_from_db()
            if attempt.card_id:
                unknown(attempt, cause="return", now=now)
            # A page that did not open has charged nobody; asking again opens the same page.
    return order_by_id(order.pk)


def _mind_the_bound(now: datetime) -> None:
    """Stop charging when more was begun within an hour than is believed; a person looks into it and starts it again.

    What was begun before the last stop ended has been looked into.
    """
    least = current().hourly_charges
    since = max(now - timedelta(hours=1), last_started() or now - timedelta(hours=1))
    begun = newest_begun(least) if least else None
    if begun is None or begun <= since:
        return
    most = bound(busiest_hours(since - timedelta(days=BUSY_DAYS), since), least)
    if (found := charges_begun(since)) > most:
        with beat():
            halt(SYSTEM, BOUND, f"{found} > {most}", now)
            open_task(*TASK, None, "charging.bound", now)


def _take_back(attempt: Attempt, now: datetime) -> None:
    """End an attempt of which the gateway has not heard."""
    with beat():
        lock(attempt.partner_id)
        attempt.refresh_from_db()
        if attempt.status == AttemptStatus.NEW:
            payments.note(attempt.pk, AttemptStatus.CANCELLED, cause="return", now=now)


def _tell_staff(attempt: Attempt, silence: Exception, now: datetime) -> None:
    """A gateway that refuses the request itself needs a person; one that is merely silent is asked again."""
    if isinstance(silence, base.Rejected):
        with beat():
            open_task("payment", f"attempt:{attempt.pk}", attempt.partner_id, silence.code, now)


def _call(actor: Actor, order: Order, attempt: Attempt, now: datetime) -> None:
    with payments.calling(payments.ATTEMPT_LOCKS, attempt.pk) as free:
        if not free or not _last_is_over(attempt, now):
            return
        programme = version(order.programme.n)
        given = {
            "language": order.language,
            "description": programme.offer(order.offer).name.say(order.language),
            "return_path": f"/orders/{order.number}/return/",
            "now": now,
        }
        if attempt.card_id is None:
            merchant = programme.name.say(order.language)
            payments.open_page(attempt, merchant=merchant, payer=order.bill_to["name"], **given)
            return
        outcome = payments.charge(attempt, **given)
        crash_point("card_called")
        attempt.refresh_from_db()
        settle(attempt, outcome, cause="return", now=now, actor=actor)


def _last_is_over(attempt: Attempt, now: datetime) -> bool:
    """Cancel the declined attempt before this one at the gateway, where it could still be paid (C4).

    One that has charged after all is settled, and this one ends before the gateway has heard of it.
    """
    last = attempt_before(attempt)
    if last is None or not last.ref or last.status != AttemptStatus.DECLINED or attempt.called_at is not None:
        return True
    outcome = payments.gateway(last.gateway).cancel(last.ref, last.key)
    if outcome.status != base.Status.SUCCEEDED:
        return True
    settle_late(last, outcome, now=now)
    _take_back(attempt, now)
    return False


def resolve(attempt: Attempt, *, cause: str, now: datetime) -> None:
    """Ask the gateway what became of an attempt and record it; repeat a call that a crash cut off."""
    patience = PATIENCE if cause == "return" else 0
    with payments.calling(payments.ATTEMPT_LOCKS, attempt.pk, patience=patience) as free:
        if not free:
            return
        attempt.refresh_from_db()
        if attempt.status not in OPEN and cause != "webhook":
            return
        try:
            outcome = payments.ask(attempt)
        except (base.Unknown, base.Rejected) as silence:
            _tell_staff(attempt, silence, now)
            # A page that waits for its customer stays what it was when only the janitor could not ask.
            if attempt.status in OPEN and (cause != "janitor" or attempt.status != AttemptStatus.NEEDS_ACTION):
                unknown(attempt, cause=cause, now=now)
            return
        if attempt.status not in OPEN:
            if outcome is not None and outcome.status == base.Status.SUCCEEDED:
                settle_late(attempt, outcome, now=now)
            return
        if outcome is None and attempt.card_id is None and attempt.status != AttemptStatus.NEW:
            # The page was never made, so nobody can have paid on it: the next press begins anew.
            with beat():
                lock(attempt.partner_id)
                payments.note(attempt.pk, AttemptStatus.CANCELLED, cause=cause, now=now)
            return
    order = order_by_id(attempt.order_id)
    if not order.open and (outcome is None or not outcome.final):
        # Its order has ended meanwhile: nobody may pay any more.
        _stopped(attempt, now)
        return
    if outcome is None or (not outcome.confirmed and attempt.card_id):
        # The gateway never heard of it, or was never told to go on: the same call under the same key.
        if attempt.card_id:
            _call_again(order, attempt, now)
        return
    if outcome.final or outcome.status == base.Status.PROCESSING or attempt.status != AttemptStatus.NEEDS_ACTION:
        settle(attempt, outcome, cause=cause, now=now)


def _call_again(order: Order, attempt: Attempt, now: datetime) -> None:
    """Repeat a call that a crash cut off, unless it has come too late or is not wanted any more (I-29)."""
    if day_of(now, version(order.programme.n).zone) > order.expires_on:
        end(SYSTEM, order, Closing.EXPIRED, now)
    elif order.origin == Origin.AUTO_RENEWAL and not order.subscription.auto_renew:
        end(SYSTEM, order, Closing.CANCELLED, now)
    elif too_old_to_send_again(attempt.called_at, now) or not why_not():
        # While charging is stopped it waits; the next pass asks again.
        charged(SYSTEM, order, attempt, now)


def end(actor: Actor, order: Order, closing: Closing, now: datetime) -> Order:
    """Close an unpaid order once the gateway has made sure that nothing can be charged for it any more."""
    attempt = open_attempt(order.pk)
    if attempt is not None and not _stopped(attempt, now):
        return order_by_id(order.pk)
    with beat():
        lock(order.partner_id)
        order = Order.objects.select_for_update().get(pk=order.pk)
        if order.open and open_attempt(order.pk) is None:
            close(actor, order, closing, now)
    return order_by_id(order.pk)


def end_overdue(partner_id: int, now: datetime) -> None:
    """End what ran out unpaid before something new is asked; a card page left open is closed at the gateway first."""
    today = day_of(now, current().zone)
    for order in Order.objects.filter(partner_id=partner_id, paid_at=None, closed_at=None, expires_on__lt=today):
        end(SYSTEM, order, Closing.EXPIRED, now)


def stop(order: Order, now: datetime) -> bool:
    """Whether nothing can be charged for an order any more: an open attempt is ended at the gateway first."""
    attempt = open_attempt(order.pk)
    return attempt is None or _stopped(attempt, now)


def _stopped(attempt: Attempt, now: datetime) -> bool:
    """Whether the attempt can no longer charge; if it has charged already, that is settled instead."""
    with payments.calling(payments.ATTEMPT_LOCKS, attempt.pk, patience=PATIENCE) as free:
        if not free:
            raise Refusal("orders.card_charge_running", number=attempt.order_number)
        attempt.refresh_from_db()
        try:
            outcome = payments.ask(attempt)
            if outcome is not None and not outcome.final:
                outcome = payments.gateway(attempt.gateway).cancel(outcome.ref, attempt.key)
        except base.Unknown:
            unknown(attempt, cause="return", now=now)
            raise Refusal("payments.checking", number=attempt.order_number) from None
        if outcome is None:
            with beat():
                payments.note(attempt.pk, AttemptStatus.CALLING, cause="return", now=now)
                payments.note(attempt.pk, AttemptStatus.CANCELLED, cause="return", now=now)
            return True
        settle(attempt, outcome, cause="return", now=now)
    return outcome.status != base.Status.SUCCEEDED


def refund_made(refund: Refund, *, actor: Actor, now: datetime) -> None:
    """Give the money back and record it; repeated under the refund's own key after a crash.

    A gateway keeps keys for a day. Later its list is read first, so that one key never gives money back twice (C2).
    """
    with payments.calling(payments.REFUND_LOCKS, refund.pk) as free:
        if not free:
            return
        refund.refresh_from_db()
        ref = ""
        if refund.payment.method == Method.CARD:
            try:
                outcome = _refunded_before(refund, now) or payments.gateway(refund.payment.attempt.gateway).refund(
                    base.RefundRequest(refund.gateway_key, refund.payment.gateway_ref, refund.amount, refund.reason)
                )
            except base.Unknown:
                return
            except base.Rejected:
                with beat():
                    lock(refund.payment.partner_id)
                    if not overtaken(refund):
                        raise
                return
            ref = outcome.ref
            crash_point("refund_called")
        settle_refund(refund, ref, actor=actor, now=now)


def _refunded_before(refund: Refund, now: datetime) -> base.RefundOutcome | None:
    """What the gateway's list tells of a refund that was asked for too long ago to be asked for again."""
    if not too_old_to_send_again(refund.promised_at, now):
        return None
    told = payments.gateway(refund.payment.attempt.gateway).refunds(refund.promised_at - OVERLAP)
    return next((outcome for outcome in told if outcome.key == refund.gateway_key), None)


# STEPS


def require_open(order: Order, today: date | None) -> None:
    """Refuse an order that can no longer be paid, moved or cancelled; without a day, its last day is not asked."""
    if order.paid_at:
        raise Refusal("orders.already_paid", number=order.number)
    if order.closed_at:
        raise Refusal("orders.closed", number=order.number)
    if today is not None and today > order.expires_on:
        raise Refusal("orders.expired", number=order.number)
