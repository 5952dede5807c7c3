"""Offers: what may be bought or renewed today, at what price, and every condition with its state.

It shows what ``renewals.queries`` has decided. It must never decide or hide a reason. Read next: ``web/api/orders.py``.
"""

from datetime import date
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from pydantic import Field

from tenure.kernel.access import may
from tenure.kernel.refusals import Check, Decision, NotYours
from tenure.offers.rules import Quote
from tenure.purchases.queries import buyer, methods
from tenure.renewals.queries import Tile, tile, tiles
from tenure.web.api.operations import operation
from tenure.web.api.problems import check_told
from tenure.web.api.shapes import Amount, CheckTold, Id, Shape, Words, amount, day, words

Action = Literal["purchase", "renewal"]
ACTIONS = {"buy": "purchase", "renew": "renewal"}
RIGHTS = {"purchase": "purchases.buy", "renewal": "renewals.renew"}


class Priced(Shape):
    """What an order placed today would cost; ``total`` is what ``expected_total`` has to be."""

    net: Amount
    tax: Amount
    total: Amount
    tax_rate_percent: Annotated[str, Field(examples=["5"])]


class Eligibility(Shape):
    """May it be done today, and if not, everything that stands against it."""

    allowed: bool
    action: Action
    opens_on: Annotated[date | None, Field(examples=["2019-06-23"])]
    closes_on: Annotated[date | None, Field(examples=["2019-07-22"])]
    zone: Annotated[str, Field(examples=["Asia/Taipei"])]
    checks: list[CheckTold]


class OfferShown(Shape):
    """An offer on sale or held, and what the company may do about it today."""

    code: Annotated[str, Field(examples=["action-pack"])]
    kind: Literal["pack", "competency_silver", "competency_gold", "other"]
    name: Words
    summary: Words
    price: Priced | None
    payment_methods: list[Literal["card", "bank_transfer"]]
    terms_version: Annotated[str, Field(description="Of the terms accepted with an order; send it back.")]
    subscription: Annotated[Id | None, Field(description="The subscription held of it, which a renewal names.")]
    open_order: Annotated[str | None, Field(examples=["O-2019-000418"])]
    action: Action
    allowed: bool


class Offers(Shape):
    items: list[OfferShown]


@operation("GET", "/offers", id="listOffers", permission="offers.view", answers=Offers)
def offers(request: HttpRequest) -> dict:
    """List the offers on sale or held, with price and whether they can be bought or renewed today."""
    facts = buyer(request.partner, request.programme, request.today)
    return {"items": [_shown(request, facts, each) for each in tiles(facts)]}


@operation("GET", "/offers/{code}/eligibility", id="getOfferEligibility", permission="offers.view", answers=Eligibility)
def eligibility(request: HttpRequest, code: str) -> dict:
    """Say whether an offer may be bought or renewed today, and why not.

    Every condition stands in ``checks`` with the facts behind it; those not met are the reasons, in their order.
    """
    offer = next((each for each in request.programme.offers if each.code == code), None)
    if offer is None:
        raise NotYours("offer")
    seen = tile(buyer(request.partner, request.programme, request.today), offer)
    return decided(request, seen.decision, _action(seen))


def decided(request: HttpRequest, decision: Decision, action: str) -> dict[str, Any]:
    """A decision as it is told; the key's own right is one of its conditions."""
    right = Check("access.forbidden", may(request.actor, RIGHTS[action], request.bearer.partner_id), {})
    return {
        "allowed": decision.allowed and right.passed,
        "action": action,
        "opens_on": day(decision.opens_on),
        "closes_on": day(decision.closes_on),
        "zone": decision.zone or request.programme.zone,
        "checks": [check_told(each) for each in (*decision.checks, right)],
    }


def priced(quote: Quote) -> dict[str, Any]:
    taxed = quote.taxed
    return {
        "net": amount(taxed.net),
        "tax": amount(taxed.tax),
        "total": amount(taxed.total),
        "tax_rate_percent": f"{taxed.rate_bp / 100:g}",
    }


def _action(seen: Tile) -> str:
    return "renewal" if seen.holding and seen.standing and seen.standing.live else "purchase"


def _shown(request: HttpRequest, facts: Any, seen: Tile) -> dict[str, Any]:
    offer, action = seen.offer, _action(seen)
    return {
        "code": offer.code,
        "kind": str(offer.kind),
        "name": words(offer.name),
        "summary": words(offer.summary),
        "price": priced(seen.quote) if seen.quote else None,
        "payment_methods": [str(method) for method in methods(facts, offer)],
        "terms_version": request.programme.agreement(offer.terms).version if offer.terms else "",
        "subscription": seen.holding.subscription.pk if seen.holding and action == "renewal" else None,
        "open_order": seen.open_order.number if seen.open_order else None,
        "action": action,
        "allowed": seen.decision.allowed and may(request.actor, RIGHTS[action], request.bearer.partner_id),
    }
