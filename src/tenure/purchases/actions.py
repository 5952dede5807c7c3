"""Buying: the verbs that string the three beats together, and the ways an order ends.

Promise (``placing``) › call (``charging``) › record (``settling``). Each beat can be repeated; a
crash between any two is repaired by repeating the next (``resolve``). A verb here never holds a rule and never
calls a verb. Read next: ``renewals/actions.py``.
"""

from datetime import date, datetime

from tenure import events
from tenure.kernel.access import SYSTEM, Actor, Side, declare
from tenure.kernel.periods import day_of, plus_days
from tenure.kernel.refusals import Invalid, Refusal
from tenure.memberships.models import Subscription
from tenure.offers.rules import may_buy
from tenure.partners.actions import lock
from tenure.partners.models import Partner
from tenure.payments import actions as payments
from tenure.payments.gateways import base
from tenure.payments.models import Attempt
from tenure.payments.queries import attempt_numbered, attempt_of_ref, open_attempt, refunds_unfinished
from tenure.payments.rules import ENDLESS_AFTER, OPEN, STUCK_AFTER, UNANSWERED, AttemptStatus, Method
from tenure.plumbing.charging import why_not
from tenure.plumbing.db import beat, crash_point, verb
from tenure.plumbing.models import StoredFile
from tenure.plumbing.outbox import open_task, record
from tenure.programme.queries import current, version
from tenure.purchases.charging import charged, end, end_overdue, refund_made, require_open, resolve
from tenure.purchases.disputes import dispute_heard
from tenure.purchases.models import Draft, Order, Proof
from tenure.purchases.placing import offer_called, place, promise, replay
from tenure.purchases.queries import buyer, to_ask
from tenure.purchases.receiving import require_approved
from tenure.purchases.rules import Closing, Purpose, Wanted
from tenure.purchases.transfers import from_held_money

declare("offers.view", Side.PARTNER, says="See the membership offers.")
declare("orders.view", Side.BOTH, says="See orders.")

# VERBS


@verb(Side.PARTNER)
def draft(
    actor: Actor, partner: Partner, *, offer: str, subscription: Subscription | None, language: str, now: datetime
) -> Draft:
    """Begin a checkout, or pick up the one that was left: reload and another device lose nothing."""
    purpose = Purpose.RENEWAL if subscription else Purpose.PURCHASE
    row = Draft.objects.filter(
        partner=partner, user_id=actor.id, offer=offer, subscription=subscription, ordered_at=None
    ).first()
    return row or Draft.objects.create(
        partner=partner,
        user_id=actor.id,
        purpose=purpose,
        offer=offer,
        subscription=subscription,
        contact_name=partner.contact_name,
        contact_phone=partner.contact_phone,
        contact_email=partner.contact_email,
        created_at=now,
    )


@verb(Side.PARTNER)
def fill_draft(actor: Actor, row: Draft, **fields) -> Draft:
    """Keep what was entered in one step of the checkout."""
    for name, value in fields.items():
        setattr(row, name, value)
    row.save()
    return row


@verb(Side.PARTNER, money=True)
def buy(actor: Actor, partner: Partner, *, wanted: Wanted, now: datetime) -> Order:
    """Buy an offer for the first time or afresh. Asked twice with one key, it happens once.

    Returns the order; by card it is paid, declined, waiting for the card page, or being asked about.
    """
    end_overdue(partner.pk, now)
    with beat():
        partner = lock(partner.pk)
        order, attempt = replay(partner.pk, wanted), None
        if order is None:
            facts = buyer(partner, current(), day_of(now, current().zone))
            offer = offer_called(facts, wanted.offer)
            decision = may_buy(
                facts.facts(offer), offer, facts.programme, facts.programme.policy_on(facts.today), facts.today
            )
            order, attempt = place(actor, facts, offer, wanted, decision, verb="purchases.buy", now=now)
            ordered(wanted.key, now)
            from_held_money(actor, order, now)
    crash_point("order_promised")
    return charged(actor, order, attempt, now)


@verb(Side.PARTNER, money=True)
def pay_again(actor: Actor, order: Order, *, now: datetime) -> Order:
    """Continue an unfinished card order, or try again after a decline: a new attempt, never a second order."""
    with beat():
        lock(order.partner_id)
        order = Order.objects.select_for_update().get(pk=order.pk)
        today = day_of(now, version(order.programme.n).zone)
        require_open(order, today)
        require_approved(order)
        if order.method != Method.CARD:
            raise Refusal("payments.method_not_offered")
        if why_not():
            raise Refusal("charging.stopped")
        attempt = open_attempt(order.pk)
        if attempt and attempt.status in (AttemptStatus.UNKNOWN,):
            raise Refusal("payments.checking", number=order.number)
        if attempt is None:
            attempt = promise(order, None, off_session=False, now=now)
    if attempt.status == AttemptStatus.NEEDS_ACTION and attempt.page_path:
        return order
    return charged(actor, order, attempt, now)


@verb(Side.PARTNER, money=True)
def cancel_order(actor: Actor, order: Order, *, now: datetime) -> Order:
    """Cancel an order nothing has been paid for. A charge that cannot be stopped any more wins."""
    with beat():
        lock(order.partner_id)
        order = Order.objects.select_for_update().get(pk=order.pk)
        if order.closing == Closing.CANCELLED:
            return order
        require_open(order, None)
    return end(actor, order, Closing.CANCELLED, now)


@verb(Side.PARTNER)
def upload_proof(
    actor: Actor, order: Order, *, file: StoredFile, paid_on: date, account: str, reference: str, now: datetime
) -> Proof:
    """Show that a transfer was made. Finance sees it; it activates nothing."""
    if order.method != Method.BANK_TRANSFER:
        raise Refusal("payments.method_not_offered")
    if paid_on > day_of(now, current().zone):
        raise Invalid({"paid_on": "date.in_future"})
    file.stored_at = now
    file.save()
    proof = Proof.objects.create(
        order=order,
        partner_id=order.partner_id,
        file=file,
        paid_on=paid_on,
        account=account,
        reference=reference,
        uploaded_at=now,
        uploaded_by=actor.label,
    )
    open_task("proof", f"order:{order.pk}", order.partner_id, order.number, now)
    record(
        actor,
        "purchases.upload_proof",
        now,
        events.ProofUploaded(partner_id=order.partner_id, subject=f"order:{order.pk}", number=order.number),
    )
    return proof


# STEPS


def ordered(key: str, now: datetime) -> None:
    """The draft with this key has become an order."""
    if len(key) == 36:
        Draft.objects.filter(key=key).update(ordered_at=now)


# JOBS ask for these as the system.


def ask_open_attempts(now: datetime) -> int:
    """Ask about each attempt whose turn has come; repeat what a crash cut off. Returns how many were asked about."""
    asked = 0
    for attempt in to_ask(now):
        try:
            resolve(attempt, cause="janitor", now=now)
        except (Refusal, base.Rejected) as refusal:
            with beat():
                open_task("payment", f"attempt:{attempt.pk}", attempt.partner_id, refusal.code, now)
        finally:
            # Asking that breaks is not repeated at once; whoever was killed while asking has not asked.
            with beat():
                payments.note_asked(attempt, now)
        _tell_if_stuck(attempt, now)
        asked += 1
    return asked


def _tell_if_stuck(attempt: Attempt, now: datetime) -> None:
    """Silence after an hour is somebody's business; so is anything that has no end after a week (I-15)."""
    attempt.refresh_from_db()
    silent = now - (attempt.called_at or attempt.committed_at)
    if attempt.status in OPEN and silent >= (STUCK_AFTER if attempt.status in UNANSWERED else ENDLESS_AFTER):
        with beat():
            open_task("payment", f"attempt:{attempt.pk}", attempt.partner_id, "payments.no_answer", now)


def finish_refunds(now: datetime) -> int:
    """Repeat refunds that were promised and not recorded as made."""
    before = list(refunds_unfinished())
    for refund in before:
        try:
            refund_made(refund, actor=SYSTEM, now=now)
        except base.Rejected as rejection:
            # Each by itself: one the gateway will not make must not keep the others waiting.
            with beat():
                open_task("refund", f"refund:{refund.pk}", refund.payment.partner_id, rejection.code, now)
    return len(before) - refunds_unfinished().count()


def expire_orders(now: datetime) -> int:
    """Close the orders whose last day has passed; a charge that still lands is returned. Returns how many."""
    today = day_of(now, current().zone)
    closed = 0
    for order in Order.objects.filter(paid_at=None, closed_at=None, expires_on__lt=today).order_by("pk"):
        attempt = open_attempt(order.pk)
        if attempt is not None and attempt.status in UNANSWERED and attempt.asks_at > now:
            # Silence is asked about at its own pace; the order ends once the answer is known.
            continue
        try:
            closed += end(SYSTEM, order, Closing.EXPIRED, now).closed_at is not None
        except (Refusal, base.Rejected) as refusal:
            with beat():
                open_task("order", f"order:{order.pk}", order.partner_id, refusal.code, now)
    return closed


def warn_expiring_orders(now: datetime) -> int:
    """Remind of transfers that have not come a week before their order runs out, once per order."""
    today = day_of(now, current().zone)
    warned = 0
    rows = Order.objects.filter(
        paid_at=None, closed_at=None, warned_at=None, method=Method.BANK_TRANSFER, expires_on__gte=today
    )
    for row in rows.order_by("pk"):
        if plus_days(row.placed_on, version(row.programme.n).policy(row.policy).order_warning_days) > today:
            continue
        with beat():
            lock(row.partner_id)
            order = Order.objects.select_for_update().get(pk=row.pk)
            if order.open and order.warned_at is None:
                order.warned_at = now
                order.save(update_fields=["warned_at"])
                record(
                    SYSTEM,
                    "purchases.warn",
                    now,
                    events.OrderExpiring(partner_id=order.partner_id, subject=f"order:{order.pk}", number=order.number),
                )
                warned += 1
    return warned


def heard(gateway: str, body: bytes, headers, *, now: datetime) -> None:
    """A doorbell rang: keep the event once, then look the payment up and settle it.

    One that names a payment we do not know yet stays unapplied; the janitor asks about the attempt anyway.
    """
    bell = payments.gateway(gateway).read_doorbell(body, headers)
    with beat():
        event = payments.doorbell(gateway, bell, now)
    if event is None:
        return
    if bell.foreign:
        with beat():
            payments.applied(event, "foreign", now)
        return
    if bell.kind.startswith("charge.dispute."):
        ours = dispute_heard(gateway, bell.ref, now)
        with beat():
            payments.applied(event, "applied" if ours else "parked", now)
        return
    attempt = attempt_of_ref(gateway, bell.ref) or attempt_numbered(gateway, bell.order, bell.attempt)
    if attempt is not None:
        resolve(attempt, cause="webhook", now=now)
    with beat():
        payments.applied(event, "applied" if attempt else "parked", now)
