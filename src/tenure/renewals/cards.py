"""Removing a kept card: promise, call, settle, so that a crash between any two is repaired by the next pass.

It decides what stands in the way (a charge under way) and what a person has to agree to first: whatever the card
renews is not renewed by itself any more. It must never forget a card silently that somebody counts on. Read next:
``payments/cards.py``, the calls; ``renewals/actions.py``.
"""

from datetime import date, datetime, timedelta

from tenure import events
from tenure.kernel.access import SYSTEM, Actor, Side
from tenure.kernel.periods import plus_days
from tenure.kernel.refusals import NotYours, Refusal
from tenure.memberships import actions as memberships
from tenure.memberships.models import Subscription
from tenure.memberships.queries import renewed_by
from tenure.partners.actions import lock
from tenure.payments import cards as payments
from tenure.payments.gateways import base
from tenure.payments.models import Card
from tenure.payments.queries import cards_like, charge_running_on, removals_unfinished
from tenure.plumbing.charging import may_speak_for_us
from tenure.plumbing.db import beat, crash_point, verb
from tenure.plumbing.outbox import close_task, open_task, record
from tenure.renewals.actions import void_automatic

VERB = "renewals.remove_card"
LATE = timedelta(days=1)


@verb(Side.PARTNER, money=True)
def remove_card(actor: Actor, card: Card, *, agreed: bool, now: datetime) -> list[Subscription]:
    """Have a kept card forgotten; returns what it will no longer renew. Asked twice, it happens once.

    Without ``agreed`` it is refused while the card renews anything: that takes an answer first.
    """
    may_speak_for_us()
    with beat():
        lock(card.partner_id)
        alike = cards_like(card)
        if not alike:
            raise NotYours("card")
        if running := charge_running_on(alike):
            raise Refusal("cards.charge_running", number=running)
        renewed = renewed_by(alike)
        if renewed and not agreed:
            raise Refusal("cards.renews")
        for row in renewed:
            # The card goes with the consent: renewing by itself comes back with the next renewal by card.
            row.card = None
            memberships.set_auto_renew(actor, row, on=False, cause="card_removed", verb=VERB, now=now)
            void_automatic(actor, row, now)
        payments.promise_removal(alike, actor.label, now)
        gone = events.CardRemoved(
            partner_id=card.partner_id,
            subject=f"card:{card.pk}",
            card=card.pk,
            label=str(card),
            renewed=[row.pk for row in renewed],
        )
        record(actor, VERB, now, gone)
    crash_point("card_removal_promised")
    for token in alike:
        _forget(token, actor, now)
    return renewed


def finish_removals(now: datetime) -> int:
    """Repeat removals that the gateway has not confirmed; after a day a person hears of it. Returns how many ended."""
    try:
        may_speak_for_us()
    except Refusal:
        return 0
    return sum(_forget(row, SYSTEM, now) for row in removals_unfinished())


def next_day_of_removals(day: date) -> date | None:
    """The day after, while a removal is promised and not done."""
    return plus_days(day, 1) if removals_unfinished().exists() else None


def _forget(card: Card, actor: Actor, now: datetime) -> bool:
    """The call and what follows from its answer; whether the gateway has forgotten the card."""
    try:
        payments.forget(card)
    except (base.Unknown, base.Rejected):
        if card.removing_at and now - card.removing_at >= LATE:
            with beat():
                open_task("card", f"card:{card.pk}", card.partner_id, "cards.not_forgotten", now)
        return False
    crash_point("card_forgotten")
    with beat():
        payments.note_removed(card, now)
        close_task("card", f"card:{card.pk}", actor, now)
    return True
