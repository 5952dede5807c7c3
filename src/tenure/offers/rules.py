"""What may be bought, by whom, at what price. Pure.

It decides the price valid on a day, the tax beside it, and every reason against a purchase. It must never
read a row: the facts are handed in. Sources: domain.md §3.2, §3.3, §3.9, R1, R20, R25. Read next:
``purchases/queries.py``, which gathers the facts.
"""

from dataclasses import dataclass, replace
from datetime import date

from tenure.kernel.money import Money, TaxedPrice
from tenure.kernel.refusals import Check, Decision, Refusal
from tenure.kernel.text import Text
from tenure.partners.rules import EUROPEAN_UNION
from tenure.programme.rules import Offer, OfferKind, Policy, Price, Programme, Tax


@dataclass(frozen=True, slots=True)
class Quote:
    """What an order would cost: the list price, the tax of the buyer's country, and the price row used."""

    offer: Offer
    price: Price
    taxed: TaxedPrice
    tax: Tax
    exempt: bool = False

    @property
    def total(self) -> Money:
        return self.taxed.total


@dataclass(frozen=True, slots=True)
class MissingCriterion:
    name: Text
    value: int
    threshold: int


@dataclass(frozen=True, slots=True)
class BuyerFacts:
    """What is known of a company when it asks to buy or renew."""

    joined: bool = True
    agreed: bool = True
    """Whether the programme agreement was accepted in the version that is put before people now."""
    verified: bool = True
    suspended: bool = False
    managed_here: bool = True
    held: frozenset[str] = frozenset()
    """Codes of offers held now: active or in their window."""
    open_order: str | None = None
    """The number of an order for the same offer that is still open."""
    unknown_order: str | None = None
    """The number of an order whose payment is being asked about."""
    missing: tuple[MissingCriterion, ...] = ()


def on_sale(offer: Offer, day: date) -> bool:
    return offer.valid_from <= day and (offer.valid_to is None or day <= offer.valid_to)


def price_on(programme: Programme, offer: Offer, country: str, day: date) -> Price:
    """The one price valid on a day for a country: its own, else the general one of its currency."""
    currency = programme.currency_of(country)
    valid = [
        price
        for price in programme.prices
        if price.offer == offer.code
        and price.net.currency == currency
        and price.valid_from <= day
        and (price.valid_to is None or day <= price.valid_to)
        and (not price.countries or country in price.countries)
    ]
    if not valid:
        raise Refusal("offers.not_for_sale", offer=offer.name)
    return max(valid, key=lambda price: (bool(price.countries), price.valid_from))


def tax_on(programme: Programme, country: str, *, vat_registered: bool = False) -> Tax:
    """The tax of the buyer's country; none between companies of two countries of the Union (reverse charge).

    There the buyer accounts for the tax, if a sound VAT number says that the buyer is a company.
    """
    tax, home = programme.tax_of(country), programme.seller.country
    if vat_registered and home != country and {home, country} <= EUROPEAN_UNION:
        return replace(tax, rate_bp=0, category="AE", note=None)
    return tax


def quote(
    programme: Programme, offer: Offer, country: str, day: date, *, exempt: bool = False, vat_registered: bool = False
) -> Quote:
    """Price an offer for a buyer on a day; an exempt buyer pays no tax (domain.md S41)."""
    price, tax = price_on(programme, offer, country, day), tax_on(programme, country, vat_registered=vat_registered)
    rate = 0 if exempt else tax.rate_bp
    return Quote(offer, price, TaxedPrice.of(price.net, rate), tax, exempt)


def standing_checks(facts: BuyerFacts, policy: Policy) -> list[Check]:
    """The conditions that buying and renewing share.

    >>> aurora = Policy(1, date(2010, 1, 1))
    >>> [check.code for check in standing_checks(BuyerFacts(verified=False), aurora) if not check.passed]
    ['offers.not_verified']
    """
    checks = [Check("offers.not_joined", facts.joined)]
    checks.append(Check("offers.agreement_changed", facts.agreed))
    if policy.require_verified:
        checks.append(Check("offers.not_verified", facts.verified))
    checks.append(Check("offers.suspended", not facts.suspended))
    return checks


def order_checks(facts: BuyerFacts) -> list[Check]:
    """No second order while one is open, and none at all while a payment is unknown (C4).

    >>> [check.code for check in order_checks(BuyerFacts(open_order="O-2019-000418")) if not check.passed]
    ['offers.order_open']
    """
    return [
        Check("renewals.payment_unknown", facts.unknown_order is None, {"number": facts.unknown_order}),
        Check("offers.order_open", facts.open_order is None, {"number": facts.open_order}),
    ]


def may_buy(facts: BuyerFacts, offer: Offer, programme: Programme, policy: Policy, today: date) -> Decision:
    """Whether a company may buy an offer for the first time or afresh, and everything that stands against it.

    One of each offer per company; silver is not sold to the holder of gold; a competency needs its criteria met.
    """
    blocking = [code for code in offer.excluded_by if code in facts.held]
    checks = [
        *standing_checks(facts, policy),
        Check("offers.not_for_sale", on_sale(offer, today), {"offer": offer.name}),
        Check("offers.already_held", offer.code not in facts.held, {"offer": offer.name}),
        Check(
            "offers.excluded", not blocking, {"offer": programme.offer(blocking[0]).name if blocking else offer.name}
        ),
        *order_checks(facts),
    ]
    if offer.kind in (OfferKind.SILVER, OfferKind.GOLD):
        checks.append(Check("offers.requirements_missing", not facts.missing, {"missing": list(facts.missing)}))
    if not facts.managed_here:
        checks.append(Check("offers.managed_in_old_portal_purchase", False))
    return Decision("buy", tuple(checks), zone=programme.zone)
