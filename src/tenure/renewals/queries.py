"""Reading renewals: the decision for one subscription, the tiles of the offers page, and what is due."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Exists, OuterRef, QuerySet

from tenure.kernel.periods import plus_days
from tenure.kernel.refusals import Decision
from tenure.memberships.models import Term
from tenure.memberships.queries import (
    Holding,
    holdings_in,
    newest_terms,
    next_term,
    terms_of_partner,
)
from tenure.memberships.rules import Standing, TermDates
from tenure.offers.rules import Quote, may_buy, on_sale
from tenure.partners.models import Partner
from tenure.payments.rules import Method
from tenure.programme.queries import current
from tenure.programme.rules import Agreement, Anchor, Offer, Policy, Programme
from tenure.purchases.models import Order
from tenure.purchases.queries import Buyer, OrderView, buyer, buyer_with, methods, of_partner, views
from tenure.purchases.rules import expires_on
from tenure.renewals.models import Due, Run
from tenure.renewals.rules import RenewableTerm, card_ends_on, card_needs_notice, charges, may_renew, offsets_of


def renewal_decision(facts: Buyer, holding: Holding) -> Decision:
    """May this subscription be renewed today? The one answer for page, API, mail and verb."""
    offer = facts.programme.offer(holding.subscription.offer)
    term = RenewableTerm(holding.facts, holding.term.renewal_opens_on, holding.term.renewal_closes_on)
    return may_renew(term, facts.facts(offer), offer, holding.policy, facts.today, facts.programme.zone)


def buying_decision(facts: Buyer, offer: Offer) -> Decision:
    """May this offer be bought today, for the first time or afresh?"""
    policy = facts.programme.policy_on(facts.today)
    return may_buy(facts.facts(offer), offer, facts.programme, policy, facts.today)


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
    running = facts.running(offer.code)
    if holding and standing.live:
        decision, action = renewal_decision(facts, holding), "renew"
    else:
        decision, action = buying_decision(facts, offer), "buy"
    if running:
        action = "continue"
    quote = facts.quote(offer) if on_sale(offer, facts.today) else None
    return Tile(offer, quote, holding, standing, decision, running, action)


def tiles(facts: Buyer) -> list[Tile]:
    """Every offer on sale or held, in the programme's order."""
    held = {h.subscription.offer for h in facts.holdings}
    return [tile(facts, offer) for offer in facts.programme.offers if on_sale(offer, facts.today) or offer.code in held]


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


@dataclass(frozen=True, slots=True)
class Checkout:
    """Everything a checkout says before anybody pays: the decision, the price, the term it would open."""

    facts: Buyer
    offer: Offer
    holding: Holding | None
    """The subscription to renew; ``None`` for a purchase."""
    decision: Decision
    quote: Quote | None
    methods: list[Method]
    term: TermDates
    """The term that a payment today would open."""
    policy: Policy
    terms: Agreement | None
    pay_by: date
    """The last day for a transfer ordered today."""

    @property
    def starts_when_paid(self) -> bool:
        """Whether the term's days depend on the day of payment, so that a transfer's are not known yet."""
        return self.holding is None or self.policy.anchor is Anchor.PAYMENT_DATE


def checkout(partner: Partner, programme: Programme, today: date, offer: Offer, renews: int | None) -> Checkout:
    """The checkout of an offer as it stands today; ``renews`` is the id of the subscription to renew."""
    facts, policy = buyer(partner, programme, today), programme.policy_on(today)
    holding = next((h for h in facts.holdings if h.subscription.pk == renews), None)
    return Checkout(
        facts,
        offer,
        holding,
        renewal_decision(facts, holding) if holding else buying_decision(facts, offer),
        facts.quote(offer) if on_sale(offer, today) else None,
        methods(facts, offer),
        next_term(holding, today, policy),
        policy,
        programme.agreement(offer.terms) if offer.terms else None,
        expires_on(today, Method.BANK_TRANSFER, policy),
    )


def next_charge(holding: Holding, today: date) -> date | None:
    """The day on which the card is charged next, if auto-renew is on."""
    if not holding.subscription.auto_renew:
        return None
    done = set(Due.objects.filter(term=holding.term).values_list("action", flat=True))
    days = [due.due_on for due in charges(holding.term.expires_on, holding.policy) if due.action not in done]
    return next((max(day, today) for day in days if day >= today or day == days[0]), None)


def card_notice(holding: Holding) -> str | None:
    """Why nobody need hear that the card of a subscription ends; ``None`` when it ends before the next charge."""
    card = holding.subscription.card
    ends_on = card_ends_on(card.exp_year, card.exp_month) if card else None
    return card_needs_notice(holding.subscription.auto_renew, ends_on, holding.term.renewal_opens_on)


def terms_with_something_due(today: date) -> QuerySet[Term]:
    """Newest terms near enough to their expiry for anything to be due, the earliest first."""
    earliest = max((-day for policy in current().policies for day in offsets_of(policy)), default=0)
    return (
        _unfinished()
        .filter(expires_on__lte=plus_days(today, earliest))
        .select_related("subscription__card", "subscription__partner", "programme")
        .prefetch_related("dues")
        .order_by("expires_on", "pk")
    )


def _unfinished() -> QuerySet[Term]:
    """Newest terms for which something can still fall due: the lapse, told or suppressed, is the last thing."""
    return newest_terms().exclude(Exists(Due.objects.filter(term=OuterRef("pk"), action__startswith="lapsed")))


def next_day(day: date) -> date | None:
    """The next day after one on which anything can fall due for any term: a charge, a telling, the lapse."""
    offsets = {offset for policy in current().policies for offset in offsets_of(policy)}
    found = set()
    for last_day, held_until in _unfinished().values_list("expires_on", "subscription__held_until").distinct():
        found |= {plus_days(last_day, offset) for offset in offsets}
        found |= {plus_days(held_until, 1)} if held_until else set()
    return min((due for due in found if due > day), default=None)


def due(id: int) -> Due | None:
    return (
        Due.objects.select_related("term__programme", "subscription__partner", "subscription__card")
        .filter(pk=id)
        .first()
    )


def runs() -> QuerySet[Run]:
    return Run.objects.order_by("-pk")


def run(id: int) -> Run | None:
    return Run.objects.filter(pk=id).first()


def dues_of(run: Run) -> QuerySet[Due]:
    """What a run did: everything that was noted at its instant."""
    rows = Due.objects.filter(done_at__gte=run.started_at, done_at__lte=run.finished_at or run.started_at)
    return rows.select_related("subscription__partner").order_by("pk")
