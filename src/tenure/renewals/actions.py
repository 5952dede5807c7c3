"""Renewing: by hand, by itself, and the daily run that finds what is due.

It decides, under the partner's lock, whether a term is renewed, once. It must never charge outside the window,
twice for one term, or with auto-renew off. The run uses the same rules and the same steps as a single renewal.
Read next: ``renewals/rules.py``, ``purchases/settling.py``.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime

from tenure import events
from tenure.kernel.access import SYSTEM, Actor, Side
from tenure.kernel.periods import day_of
from tenure.kernel.refusals import Refusal
from tenure.memberships import actions as memberships
from tenure.memberships.models import Subscription, Term
from tenure.memberships.queries import Holding, facts_of, policy_of
from tenure.memberships.rules import Status
from tenure.partners.actions import lock
from tenure.payments.actions import keep_card
from tenure.payments.gateways.base import Card
from tenure.payments.models import Attempt
from tenure.payments.queries import attempts, open_attempt
from tenure.payments.queries import card as kept_card
from tenure.payments.rules import UNANSWERED, AttemptStatus, Method
from tenure.plumbing.charging import renewals_wait, why_not
from tenure.plumbing.db import beat, crash_point, verb, wiring
from tenure.plumbing.outbox import open_task, record
from tenure.programme.queries import current
from tenure.purchases.actions import from_held_money, ordered
from tenure.purchases.charging import charged, end, end_overdue
from tenure.purchases.models import Order
from tenure.purchases.placing import offer_called, place, promise, replay
from tenure.purchases.queries import buyer, last_automatic, open_automatic
from tenure.purchases.rules import Closing, Origin, Wanted
from tenure.purchases.settling import close
from tenure.renewals.models import Due, Run
from tenure.renewals.queries import card_notice, renewal_decision, terms_with_something_due
from tenure.renewals.rules import DueAction, charge_due, still_useful, tellings

log = logging.getLogger(__name__)

# VERBS


@verb(Side.PARTNER, money=True)
def renew(actor: Actor, subscription: Subscription, *, wanted: Wanted, now: datetime) -> Order:
    """Renew a subscription inside its window. The server decides the window, at the instant of asking.

    An automatic renewal that is still trying is cancelled first, so that one live order remains.
    """
    _stop_automatic(actor, subscription, now)
    end_overdue(subscription.partner_id, now)
    with beat():
        partner = lock(subscription.partner_id)
        order, attempt = replay(partner.pk, wanted), None
        if order is None:
            # The daily run may have begun since the one before was ended.
            if running := open_automatic(subscription.pk):
                raise Refusal("orders.card_charge_running", number=running.number)
            facts = buyer(partner, current(), day_of(now, current().zone))
            holding = _renewable(subscription)
            offer = offer_called(facts, holding.subscription.offer)
            decision = renewal_decision(facts, holding)
            order, attempt = place(
                actor, facts, offer, wanted, decision, holding=holding, verb="renewals.renew", now=now
            )
            ordered(wanted.key, now)
            from_held_money(actor, order, now)
    crash_point("order_promised")
    return charged(actor, order, attempt, now)


@verb(Side.PARTNER)
def turn_off_auto_renew(actor: Actor, subscription: Subscription, *, now: datetime) -> Subscription:
    """Turn auto-renew off. It cannot be turned on again except by a paid renewal (domain.md, decision 4)."""
    lock(subscription.partner_id)
    row = memberships.locked(subscription)
    if row.auto_renew:
        memberships.set_auto_renew(
            actor, row, on=False, cause="switched_off", verb="renewals.turn_off_auto_renew", now=now
        )
        void_automatic(actor, row, now)
    return row


@verb(Side.PARTNER)
def turn_on_auto_renew(actor: Actor, subscription: Subscription, *, now: datetime) -> Subscription:
    """Always refused while it is off: the way back is the next renewal (S31)."""
    if subscription.auto_renew:
        return subscription
    raise Refusal("renewals.renew_first")


@verb(Side.PARTNER)
def change_card(actor: Actor, subscription: Subscription, *, card: int | Card, now: datetime) -> Subscription:
    """Choose which of the company's cards renews a subscription. It charges nothing and turns nothing on.

    A card that the gateway has just told of is kept first; any other is named by its number here.
    """
    lock(subscription.partner_id)
    row = memberships.locked(subscription)
    if isinstance(card, Card):
        kept = keep_card(subscription.partner_id, wiring().CARD_GATEWAY, card, actor.label, now)
    else:
        kept = kept_card(card, subscription.partner_id)
    if kept is None:
        raise Refusal("payments.card_not_found")
    if not row.auto_renew:
        raise Refusal("renewals.renew_first")
    if memberships.set_card(row, kept):
        of = {"partner_id": row.partner_id, "subject": f"subscription:{row.pk}"}
        changed = events.RenewalCardChanged(**of, card=kept.pk, label=str(kept))
        record(actor, "renewals.change_card", now, changed)
    return row


@dataclass(slots=True)
class Tally:
    """What one run found and did."""

    due: int = 0
    renewed: int = 0
    declined: int = 0
    unknown: int = 0
    parked: int = 0
    told: int = 0
    lapsed: int = 0
    work: int = 0
    planned: list[tuple[str, int]] = field(default_factory=list)


@verb(Side.SYSTEM, money=True)
def run(
    actor: Actor,
    subject: None,
    *,
    now: datetime,
    dry_run: bool = False,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Tally:
    """The daily run: charge what is due, tell what is due, once each however often it runs.

    One broken partner is parked with a reason; the others go on.
    """
    today = day_of(now, current().zone)
    tally, stopped = Tally(), why_not()
    terms = list(terms_with_something_due(today))
    for n, term in enumerate(terms, 1):
        progress(n, len(terms))
        done = frozenset(due.action for due in term.dues.all())
        charge, overtaken = _charge(term, today, done)
        telling, missed = _telling(term, today, done)
        if dry_run:
            tally.planned += [(due.action, term.pk) for due in (charge, telling) if due]
            tally.due += charge is not None
            continue
        try:
            if charge and stopped:
                tally.due += 1
                with beat():
                    renewals_wait(now)
            elif charge:
                tally.due += 1
                _charge_one(term, charge, overtaken, tally, now)
            if telling:
                _tell_one(term, telling, missed, tally, now)
        except Exception as failure:
            if isinstance(failure, Refusal) and failure.code == "charging.stopped":
                # Stopped in the middle of the run: what was promised waits for the next pass.
                stopped = why_not()
                continue
            log.exception("the run parked partner %s", term.partner_id)
            tally.parked += 1
            with beat():
                reason = f"{type(failure).__name__}: {failure}"
                open_task("renewal", f"subscription:{term.subscription_id}", term.partner_id, reason, now)
    if not dry_run and (tally.work or tally.parked):
        _write_run(tally, today, now)
    return tally


# STEPS


def _renewable(subscription: Subscription) -> Holding:
    holding = facts_of(memberships.locked(subscription))
    if holding is None or holding.subscription.superseded_at:
        raise Refusal("renewals.not_held")
    return holding


def void_automatic(actor: Actor, subscription: Subscription, now: datetime) -> None:
    """With auto-renew off nothing is tried again: an automatic order left after a decline ends with it.

    One whose charge is being asked about stays until the gateway has answered.
    """
    order = open_automatic(subscription.pk)
    if order is not None and open_attempt(order.pk) is None:
        close(actor, order, Closing.CANCELLED, now)


def _stop_automatic(actor: Actor, subscription: Subscription, now: datetime) -> None:
    """A renewal by hand ends the automatic one that is still trying, unless its charge cannot be stopped."""
    order = open_automatic(subscription.pk)
    if order is not None:
        end(actor, order, Closing.CANCELLED, now)


def _charge(term: Term, today: date, done: frozenset[str]) -> tuple[DueAction | None, tuple[DueAction, ...]]:
    if not term.subscription.auto_renew or term.subscription.disputed_at:
        return None, ()
    if not term.renewal_opens_on <= today <= term.renewal_closes_on:
        return None, ()
    return charge_due(term.expires_on, policy_of(term), today, done)


def _telling(term: Term, today: date, done: frozenset[str]) -> tuple[DueAction | None, tuple[DueAction, ...]]:
    """The newest thing to tell; earlier ones it overtakes are noted as suppressed."""
    held = term.subscription.held_until
    waiting = [
        due
        for due in tellings(term.expires_on, term.renewal_closes_on, policy_of(term))
        if due.due_on <= today
        and due.action not in done
        # While an open order holds the right, the subscription has not lapsed.
        and not (due.action.startswith("lapsed") and held and held >= today)
    ]
    return (waiting[-1], tuple(waiting[:-1])) if waiting else (None, ())


def _charge_one(term: Term, due: DueAction, overtaken: tuple[DueAction, ...], tally: Tally, now: datetime) -> None:
    """One automatic renewal: the three beats of a purchase, with the due row as its once-only mark."""
    with beat():
        partner = lock(term.partner_id)
        order, attempt = _promise_charge(partner, term, due, overtaken, now)
    crash_point("renewal_promised")
    if attempt is None:
        return
    tally.work += 1
    charged(SYSTEM, order, attempt, now)
    attempt.refresh_from_db()
    tally.renewed += attempt.status == AttemptStatus.SUCCEEDED
    tally.declined += attempt.status == AttemptStatus.DECLINED
    tally.unknown += attempt.status in UNANSWERED


def _promise_charge(
    partner, term: Term, due: DueAction, overtaken: tuple[DueAction, ...], now: datetime
) -> tuple[Order | None, Attempt | None]:
    """Decide again under the lock, note the due charge, and commit the intent."""
    holding = _as_it_stands(term)
    if holding.term.pk != term.pk or not holding.subscription.auto_renew:
        return None, None
    if Due.objects.filter(term=term, action=due.action).exists():
        return None, None
    for missed in overtaken:
        _note(term, missed, "suppressed", "overtaken", now)
    order = last_automatic(term.pk)
    if order is not None and _hopeless(order):
        _note(term, due, "suppressed", "hard_decline", now)
        return None, None
    if order is not None and order.open:
        return order, _retry(order, holding, due, now)
    programme = current()
    facts = buyer(partner, programme, day_of(now, programme.zone), asked=False)
    decision = renewal_decision(facts, holding)
    if not decision.allowed:
        _note(term, due, "suppressed", decision.first.code, now)
        return None, None
    if holding.subscription.card is None:
        _note(term, due, "suppressed", "no_card", now)
        return None, None
    _note(term, due, "done", "", now)
    wanted = Wanted(
        key=f"auto/{term.pk}/{due.action}",
        offer=holding.subscription.offer,
        method=Method.CARD,
        language=partner.language,
        auto_renew=True,
        card=holding.subscription.card_id,
    )
    return place(
        SYSTEM,
        facts,
        programme.offer(wanted.offer),
        wanted,
        decision,
        holding=holding,
        origin=Origin.AUTO_RENEWAL,
        verb="renewals.run",
        now=now,
    )


def _as_it_stands(term: Term) -> Holding:
    """The subscription as it stands now: the run read its terms before it came to this one."""
    return facts_of(memberships.locked(term.subscription))


def _hopeless(order: Order) -> bool:
    """Whether the card's last answer was a hard no, which no repetition changes."""
    last = next(iter(attempts(order.pk)), None)
    return last is not None and last.status == AttemptStatus.DECLINED and last.hard


def _retry(order: Order, holding: Holding, due: DueAction, now: datetime) -> Attempt | None:
    """Another attempt at the same order, unless the last is unresolved."""
    if open_attempt(order.pk) is not None:
        _note(holding.term, due, "suppressed", "payment_unknown", now)
        return None
    _note(holding.term, due, "done", "", now)
    return promise(order, holding.subscription.card, off_session=True, now=now)


def _tell_one(term: Term, due: DueAction, missed: tuple[DueAction, ...], tally: Tally, now: datetime) -> None:
    with beat():
        lock(term.partner_id)
        holding = _as_it_stands(term)
        today = day_of(now, current().zone)
        if holding.term.pk != term.pk or Due.objects.filter(term=term, action=due.action).exists():
            return
        tally.work += 1
        for earlier in missed:
            _note(term, earlier, "suppressed", "overtaken", now)
        status = holding.standing(today).status
        reason = still_useful(due, status, today, term.renewal_closes_on)
        if reason is None and due.action.startswith("opened") and holding.subscription.auto_renew:
            reason = "auto_renew"
        if reason is None and due.action.startswith("card"):
            reason = card_notice(holding)
        row = _note(term, due, "suppressed" if reason else "done", reason or "", now)
        if reason:
            return
        of = {"partner_id": term.partner_id, "subject": f"subscription:{term.subscription_id}"}
        tally.told += 1
        record(SYSTEM, "renewals.run", now, events.DueFell(**of, due=row.pk, action=due.action))
        if status is Status.LAPSED:
            tally.lapsed += 1
            record(SYSTEM, "renewals.run", now, events.SubscriptionLapsed(**of, term=term.pk))


def _note(term: Term, due: DueAction, state: str, reason: str, now: datetime) -> Due:
    return Due.objects.create(
        subscription_id=term.subscription_id,
        term=term,
        action=due.action,
        due_on=due.due_on,
        state=state,
        reason=reason,
        done_at=now,
    )


def _write_run(tally: Tally, today: date, now: datetime) -> None:
    with beat():
        row = Run.objects.create(
            on=today,
            started_at=now,
            finished_at=now,
            due=tally.due,
            renewed=tally.renewed,
            declined=tally.declined,
            unknown=tally.unknown,
            parked=tally.parked,
            told=tally.told,
            lapsed=tally.lapsed,
        )
        record(SYSTEM, "renewals.run", now, events.RenewalsRan(subject=f"run:{row.pk}", run=row.pk))
