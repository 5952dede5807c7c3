"""Benefits: granted with a term, revealed, used, revoked. The only writer of grants and keys.

It decides that nothing is taken twice and nothing after the term has ended. It must never put a key into an
event, a mail or a log. Read next: ``memberships/rules.py`` (``benefits_run``).
"""

from datetime import date, datetime

from tenure import events
from tenure.benefits.models import Grant, Key, Usage
from tenure.kernel.access import Actor, Side, declare
from tenure.kernel.periods import day_of
from tenure.kernel.refusals import Invalid, Refusal
from tenure.memberships.models import Term
from tenure.memberships.queries import benefits_run_on, facts_of, policy_of
from tenure.partners.actions import lock
from tenure.payments.queries import refund_under_way
from tenure.plumbing.db import inside, verb
from tenure.plumbing.outbox import record
from tenure.plumbing.together import insert_all
from tenure.programme.queries import current
from tenure.programme.rules import Offer

declare("benefits.view", Side.BOTH, says="See what the company's benefits are.")

# VERBS


@verb(Side.PARTNER)
def reveal_key(actor: Actor, grant: Grant, *, now: datetime, seen: int | None = None) -> Key:
    """Show one more product key of a grant. From then on the purchase cannot be refunded.

    ``seen`` is how much was used when the asker looked: pressing twice does not take twice.
    """
    grant = _usable(grant, now)
    _unchanged(grant, seen)
    key = Key.objects.select_for_update(skip_locked=True).filter(pool=grant.benefit, grant=None).order_by("pk").first()
    if key is None:
        raise Refusal("benefits.pool_empty")
    key.grant, key.revealed_at, key.revealed_by = grant, now, actor.label
    key.save()
    grant.used += 1
    grant.save(update_fields=["used"])
    record(
        actor,
        "benefits.reveal_key",
        now,
        events.KeyRevealed(partner_id=grant.partner_id, subject=f"grant:{grant.pk}", grant=grant.pk, key=key.pk),
    )
    return key


@verb(Side.PARTNER)
def use(actor: Actor, grant: Grant, *, quantity: int, note: str = "", now: datetime, seen: int | None = None) -> Usage:
    """Take units of a counted benefit: an incident, a seat, a training place. ``seen`` as in ``reveal_key``."""
    if quantity < 1:
        raise Invalid({"quantity": "number.impossible"})
    grant = _usable(grant, now, quantity)
    _unchanged(grant, seen)
    if grant.kind == "keys":
        raise Refusal("benefits.not_active")
    grant.used += quantity
    grant.save(update_fields=["used"])
    row = Usage.objects.create(grant=grant, quantity=quantity, note=note[:200], at=now, by=actor.label)
    record(
        actor,
        "benefits.use",
        now,
        events.BenefitUsed(partner_id=grant.partner_id, subject=f"grant:{grant.pk}", grant=grant.pk, quantity=quantity),
    )
    return row


@verb(Side.STAFF)
def load_keys(actor: Actor, subject: None, *, pool: str, values: list[str], now: datetime) -> int:
    """Add product keys to a pool; a key already known is left as it is."""
    before = Key.objects.filter(pool=pool).count()
    Key.objects.bulk_create([Key(pool=pool, value=v, loaded_at=now) for v in values], ignore_conflicts=True)
    return Key.objects.filter(pool=pool).count() - before


# STEPS


def grant(actor: Actor, term: Term, offer: Offer, verb_name: str, now: datetime) -> None:
    """Give a new term the benefits its offer promised."""
    inside("granting benefits")
    given = insert_all(
        Grant,
        (
            Grant(
                term=term,
                partner_id=term.partner_id,
                benefit=benefit.code,
                kind=benefit.kind,
                quantity=benefit.quantity,
                activate_by=term.expires_on,
                ends_on=_ends_on(term),
                granted_at=now,
            )
            for benefit in offer.benefits
        ),
    )
    if given:
        record(
            actor,
            verb_name,
            now,
            events.BenefitsGranted(partner_id=term.partner_id, subject=f"term:{term.pk}", term=term.pk),
        )


def revoke(actor: Actor, term: Term, verb_name: str, now: datetime) -> None:
    """Take back what one term brought, once."""
    inside("revoking benefits")
    if Grant.objects.filter(term=term, revoked_at=None).update(revoked_at=now):
        record(
            actor,
            verb_name,
            now,
            events.BenefitsRevoked(partner_id=term.partner_id, subject=f"term:{term.pk}", term=term.pk),
        )


def _ends_on(term: Term) -> date:
    """The last day of a term's benefits: with its window, where the policy keeps them on in it (R5)."""
    return term.renewal_closes_on if policy_of(term).benefits_in_window else term.expires_on


def _usable(grant: Grant, now: datetime, quantity: int = 1) -> Grant:
    """The grant, locked behind its partner; refused when its term no longer gives benefits or none is left."""
    lock(grant.partner_id)
    grant = Grant.objects.select_for_update(of=("self",)).select_related("term__subscription").get(pk=grant.pk)
    today = day_of(now, current().zone)
    subscription = grant.term.subscription
    newest = facts_of(subscription)
    if (
        grant.revoked_at
        or newest is None
        or newest.term_id != grant.term_id
        or not benefits_run_on(subscription, today)
    ):
        raise Refusal("benefits.not_active")
    if grant.term.order_id and refund_under_way(grant.term.order_id):
        # Promised to go back, and not back yet: taken now, it would be had for nothing (R17).
        raise Refusal("benefits.refund_under_way")
    if grant.used + quantity > grant.quantity:
        raise Refusal("benefits.none_left")
    return grant


def _unchanged(grant: Grant, seen: int | None) -> None:
    if seen is not None and grant.used != seen:
        raise Refusal("benefits.used_meanwhile", used=grant.used)
