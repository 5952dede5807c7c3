"""Subscriptions and terms: opened by a paid order, ended by a cancellation. Their only writer.

It decides a term's days through ``memberships/rules.py`` and that auto-renew goes on only with a paid order.
It must never charge, and never change a term that has been opened.
"""

from datetime import date, datetime

from tenure import events
from tenure.kernel.access import Actor, Side, declare
from tenure.memberships.models import AutoRenewChange, Subscription, Term
from tenure.memberships.queries import Holding
from tenure.memberships.rules import TermDates, TermKind, first_term, renewed_term
from tenure.payments.models import Card
from tenure.plumbing.db import inside
from tenure.plumbing.outbox import record
from tenure.plumbing.together import first, insert, save
from tenure.programme.queries import row as version_row
from tenure.programme.rules import Policy, Programme

declare("memberships.view", Side.BOTH, says="See subscriptions and their terms.")

# STEPS


def subscribe(
    actor: Actor,
    *,
    partner_id: int,
    offer: str,
    order_id: int,
    paid_on: date,
    programme: Programme,
    policy: Policy,
    verb: str,
    now: datetime,
) -> Term:
    """Open the first term of a purchase. A lapsed subscription of the same offer is replaced, never revived."""
    inside("subscribing")
    first(_supersede, (partner_id, offer, now))
    row = insert(Subscription(partner_id=partner_id, offer=offer, anchor_on=paid_on, created_at=now))
    record(actor, verb, now, events.Subscribed(partner_id=partner_id, subject=f"subscription:{row.pk}", offer=offer))
    dates = first_term(paid_on, policy)
    return _open(actor, row, 1, TermKind.PURCHASE, dates, order_id, programme, policy.version, verb, now)


def _supersede(asked: list[tuple[int, str, datetime]]) -> None:
    alike: dict[tuple[str, datetime], list[int]] = {}
    for partner_id, offer, now in asked:
        alike.setdefault((offer, now), []).append(partner_id)
    for (offer, now), partners in alike.items():
        live = Subscription.objects.filter(offer=offer, cancelled_at=None, superseded_at=None)
        live.filter(partner_id__in=partners).update(superseded_at=now)


def extend(
    actor: Actor,
    holding: Holding,
    *,
    kind: TermKind,
    order_id: int,
    paid_on: date,
    programme: Programme,
    policy: Policy,
    verb: str,
    now: datetime,
) -> Term:
    """Open the next term. Its days follow from the anchor and the policy under which the order was placed."""
    inside("extending")
    row, last = holding.subscription, holding.term
    anchor_on, dates = renewed_term(row.anchor_on, last.expires_on, paid_on, policy)
    row.anchor_on, row.held_until = anchor_on, None
    save(row, "anchor_on", "held_until")
    return _open(actor, row, last.n + 1, kind, dates, order_id, programme, policy.version, verb, now)


def bring_in(
    *, partner_id: int, offer: str, anchor_on: date, dates: TermDates, programme: Programme, policy: int, now: datetime
) -> Term:
    """A subscription that began elsewhere, as an import tells it."""
    row = Subscription.objects.create(partner_id=partner_id, offer=offer, anchor_on=anchor_on, created_at=now)
    actor = Actor("system")
    return _open(actor, row, 1, TermKind.IMPORT, dates, None, programme, policy, "imports.bring_in", now)


def hold(subscription: Subscription, until: date | None) -> None:
    """Let an open order hold the right to renew until a day; ``None`` lets go of it."""
    inside("holding the right to renew")
    Subscription.objects.filter(pk=subscription.pk).update(held_until=until)


def locked(subscription: Subscription) -> Subscription:
    """The subscription as it stands now, its row locked until commit."""
    inside("locking a subscription")
    return Subscription.objects.select_for_update().get(pk=subscription.pk)


def set_auto_renew(
    actor: Actor,
    subscription: Subscription,
    *,
    on: bool,
    cause: str,
    verb: str,
    now: datetime,
    card: Card | None = None,
) -> None:
    """Switch auto-renew and write down who did it and why. On is only ever part of a paid order (I-28)."""
    inside("switching auto-renew")
    if card is not None:
        subscription.card = card
    if subscription.auto_renew != on:
        AutoRenewChange.objects.create(subscription=subscription, on=on, at=now, by=actor.label, cause=cause)
        of = {"partner_id": subscription.partner_id, "subject": f"subscription:{subscription.pk}", "cause": cause}
        record(actor, verb, now, events.AutoRenewTurnedOn(**of) if on else events.AutoRenewTurnedOff(**of))
    subscription.auto_renew = on
    subscription.auto_renew_off_at = None if on else now
    subscription.auto_renew_off_by = "" if on else actor.label
    save(subscription, "card", "auto_renew", "auto_renew_off_at", "auto_renew_off_by")


def set_disputed(subscription: Subscription, at: datetime | None) -> None:
    """While the bank disputes its payment a subscription is suspended, not ended; ``None`` lifts it."""
    inside("suspending a subscription")
    subscription.disputed_at = at
    subscription.save(update_fields=["disputed_at"])


def set_card(subscription: Subscription, card: Card) -> bool:
    """The card that renews a subscription from now on; whether that is a change."""
    inside("changing a card")
    changed = subscription.card_id != card.pk
    if changed:
        subscription.card = card
        subscription.save(update_fields=["card"])
    return changed


def cancel(actor: Actor, subscription: Subscription, *, on: date, verb: str, now: datetime) -> None:
    """End a subscription and the terms that still run."""
    inside("cancelling a subscription")
    subscription.cancelled_at, subscription.cancelled_on, subscription.held_until = now, on, None
    subscription.save()
    subscription.terms.filter(revoked_at=None, expires_on__gte=on).update(revoked_at=now)
    record(
        actor,
        verb,
        now,
        events.SubscriptionEnded(
            partner_id=subscription.partner_id, subject=f"subscription:{subscription.pk}", reason="refunded"
        ),
    )


def _open(
    actor: Actor,
    subscription: Subscription,
    n: int,
    kind: TermKind,
    dates: TermDates,
    order_id: int | None,
    programme: Programme,
    policy: int,
    verb: str,
    now: datetime,
) -> Term:
    term = insert(
        Term(
            subscription=subscription,
            partner_id=subscription.partner_id,
            n=n,
            kind=kind,
            starts_on=dates.starts_on,
            expires_on=dates.expires_on,
            renewal_opens_on=dates.renewal_opens_on,
            renewal_closes_on=dates.renewal_closes_on,
            order_id=order_id,
            programme=version_row(programme.version),
            policy=policy,
            opened_at=now,
        )
    )
    record(
        actor,
        verb,
        now,
        events.TermOpened(
            partner_id=subscription.partner_id,
            subject=f"subscription:{subscription.pk}",
            term=term.pk,
            n=n,
            kind=kind,
            starts_on=dates.starts_on,
            expires_on=dates.expires_on,
        ),
    )
    return term
