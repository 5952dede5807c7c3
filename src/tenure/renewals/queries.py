"""Reading renewals: the decision for one subscription, the tiles of the offers page, and what is due."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import QuerySet

from tenure.kernel.refusals import Decision
from tenure.memberships.models import Term
from tenure.memberships.queries import Holding, holdings_in, newest_terms, policy_of, terms_of_partner
from tenure.memberships.rules import Standing
from tenure.offers.rules import Quote, may_buy, on_sale
from tenure.partners.models import Partner
from tenure.programme.rules import Offer, Policy, Programme
from tenure.purchases.models import Order
from tenure.purchases.queries import Buyer, OrderView, buyer_with, of_partner, views
from tenure.renewals.models import Due, Run
from tenure.renewals.rules import RenewableTerm, charges, may_renew

EARLIEST_TELLING_DAYS = 120
LATEST_DAYS = 400


def renewal_decision(facts: Buyer, holding: Holding) -> Decision:
    """May this subscription be renewed today? The one answer for page, API, mail and verb."""
    offer = facts.programme.offer(holding.subscription.offer)
    term = RenewableTerm(holding.facts, holding.term.renewal_opens_on, holding.term.renewal_closes_on)
    return may_renew(term, facts.facts(offer), offer, holding.policy, facts.today, facts.programme.zone)


@dataclass(frozen=True, slots=True)
class Tile:
    """One offer as the offers page shows it to one partner."""

    offer: Offer
    quote: Quote | None
    holding: Holding | None
    standing: Standing | None
    decision: Decision
    open_order: Order | None
    action: str
    """buy, renew, continue (an open order) or view."""


def tile(facts: Buyer, offer: Offer) -> Tile:
    """What the partner holds of an offer and may do about it today."""
    holding = facts.holding(offer.code)
    standing = holding.standing(facts.today) if holding else None
    running = facts.open.get(offer.code)
    if holding and standing.live:
        decision, action = renewal_decision(facts, holding), "renew"
    else:
        policy = facts.programme.policy_on(facts.today)
        decision = may_buy(facts.facts(offer), offer, facts.programme, policy, facts.today)
        action = "buy"
    if running:
        action = "continue"
    quote = facts.quote(offer) if on_sale(offer, facts.today) else None
    return Tile(offer, quote, holding, standing, decision, running, action)


def tiles(facts: Buyer) -> list[Tile]:
    """Every offer on sale or held, in the programme's order."""
    held = {h.subscription.offer for h in facts.holdings}
    return [
        tile(facts, offer)
        for offer in facts.programme.offers
        if on_sale(offer, facts.today) or offer.code in held
    ]


@dataclass(frozen=True, slots=True)
class Overview:
    """A partner's money side at a glance: what it may do about each offer, its orders and every term it has had."""

    facts: Buyer
    tiles: list[Tile]
    orders: list[OrderView]
    terms: list[Term]


def overview(partner: Partner, programme: Programme, today: date) -> Overview:
    """Everything the offers page shows, in four queries."""
    terms = terms_of_partner(partner.pk)
    orders = views(of_partner(partner.pk), today)
    facts = buyer_with(partner, programme, today, holdings_in(terms), orders)
    return Overview(facts, tiles(facts), orders, terms)


def next_charge(holding: Holding, today: date) -> date | None:
    """The day on which the card is charged next, if auto-renew is on."""
    if not holding.subscription.auto_renew:
        return None
    done = set(Due.objects.filter(term=holding.term).values_list("action", flat=True))
    days = [due.due_on for due in charges(holding.term.expires_on, holding.policy) if due.action not in done]
    return next((max(day, today) for day in days if day >= today or day == days[0]), None)


def terms_with_something_due(today: date) -> QuerySet[Term]:
    """Newest terms near enough to their expiry for anything to be due, the earliest first."""
    return (
        newest_terms()
        .filter(
            expires_on__lte=today + timedelta(days=EARLIEST_TELLING_DAYS),
            expires_on__gte=today - timedelta(days=LATEST_DAYS),
        )
        .select_related("subscription__card", "subscription__partner", "programme")
        .prefetch_related("dues")
        .order_by("expires_on", "pk")
    )


def policy_for(term: Term) -> Policy:
    return policy_of(term)


def due(id: int) -> Due | None:
    return Due.objects.select_related("term__programme", "subscription__partner", "subscription__card").filter(pk=id).first()


def runs() -> QuerySet[Run]:
    return Run.objects.order_by("-pk")


