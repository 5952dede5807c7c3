"""What follows from renewals: the letters of the programme, re-checked when they are written and when they leave."""

from datetime import datetime

from django.db import transaction

from tenure import events
from tenure.kernel.periods import day_of
from tenure.memberships.queries import facts_of, get
from tenure.partners.queries import get as partner_by_id
from tenure.people.actions import tell
from tenure.people.queries import holders
from tenure.plumbing.models import Event
from tenure.programme.queries import current
from tenure.purchases.queries import buyer
from tenure.renewals.models import Due
from tenure.renewals.queries import card_notice, due, next_charge
from tenure.renewals.rules import DueAction, still_useful

LETTERS = {"card": "card_expiring", "opened": "window_open", "last_call": "last_call", "lapsed": "lapsed"}


def letter_of(row: Due) -> str:
    """Which of the programme's letters tells a due action, as things stand now."""
    kind, _, offset = row.action.partition(":")
    if kind != "reminder":
        return LETTERS[kind]
    if not offset.startswith("-"):
        return "reminder_window"
    return "reminder_before_auto" if row.subscription.auto_renew else "reminder_before"


def untrue(row: Due, now: datetime) -> str:
    """Why a telling no longer holds; empty when it does."""
    holding = facts_of(row.subscription)
    if holding.term.pk != row.term_id:
        return "renewed"
    today = day_of(now, current().zone)
    status = holding.standing(today).status
    reason = still_useful(DueAction(row.action, row.due_on), status, today, row.term.renewal_closes_on)
    if reason is None and row.action.startswith("card"):
        reason = card_notice(holding)
    return reason or ""


def still_true(about: str, now: datetime) -> str:
    return untrue(due(int(about.split(":")[1])), now)


def tell_due(happened: events.DueFell, event: Event, now: datetime) -> None:
    """Put one reminder into the queue, for everybody who can renew, in their own language."""
    row = due(happened.due)
    programme = current()
    if untrue(row, now):
        return
    holding = facts_of(row.subscription)
    today = day_of(now, programme.zone)
    offer = programme.offer(row.subscription.offer)
    quote = buyer(row.subscription.partner, programme, today).quote(offer)
    with transaction.atomic():
        tell(
            holders(row.subscription.partner_id, "renewals.renew", programme),
            f"letter.{letter_of(row)}",
            {
                "company": row.subscription.partner.legal_name,
                "offer": offer.name,
                "expires_on": row.term.expires_on,
                "opens_on": row.term.renewal_opens_on,
                "closes_on": row.term.renewal_closes_on,
                "amount": quote.total,
                "card": str(row.subscription.card or ""),
                "charge_on": next_charge(holding, today),
            },
            key=f"due:{row.pk}",
            now=now,
            partner_id=row.subscription.partner_id,
            link=f"/subscriptions/{row.subscription_id}/",
            about=f"due:{row.pk}",
        )


def tell_card_removed(happened: events.CardRemoved, event: Event, now: datetime) -> None:
    """Everybody who renews or sees the bills hears that a card is gone, and what it no longer renews."""
    programme, row = current(), partner_by_id(event.partner_id)
    people = {user.pk: user for name in ("renewals.renew", "billing.view") for user in holders(row.pk, name, programme)}
    ended = [get(id) for id in happened.renewed]
    with transaction.atomic():
        tell(
            list(people.values()),
            "payments.card_removed",
            {
                "company": row.legal_name,
                "card": happened.label,
                "offers": [programme.offer(subscription.offer).name for subscription in ended],
                "renewed": bool(ended),
            },
            key=f"event:{event.pk}",
            now=now,
            partner_id=row.pk,
            link="/cards/",
        )


def tell_auto_renew_off(happened: events.AutoRenewTurnedOff, event: Event, now: datetime) -> None:
    """Confirm what cannot be undone; a cancel request says so itself, a refund ends it anyway."""
    if happened.cause != "switched_off":
        return
    subscription = get(int(happened.subject.split(":")[1]))
    holding = facts_of(subscription)
    programme = current()
    with transaction.atomic():
        tell(
            holders(subscription.partner_id, "renewals.renew", programme),
            "renewals.auto_renew_off",
            {
                "company": subscription.partner.legal_name,
                "offer": programme.offer(subscription.offer).name,
                "expires_on": holding.term.expires_on,
                "opens_on": holding.term.renewal_opens_on,
                "closes_on": holding.term.renewal_closes_on,
            },
            key=f"event:{event.pk}",
            now=now,
            partner_id=subscription.partner_id,
            link=f"/subscriptions/{subscription.pk}/",
        )
