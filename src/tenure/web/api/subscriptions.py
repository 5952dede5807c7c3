"""Subscriptions: what the company holds, every paid year of it, whether it can be renewed today, auto-renew off.

It shows what the dates say; it must never derive a status of its own. Read next: ``memberships/queries.py``, ``told``.
"""

from datetime import date
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Query
from pydantic import Field

from tenure.kernel.refusals import NotYours
from tenure.memberships.queries import Holding, Told, facts_of, terms_of, told
from tenure.memberships.queries import get as subscription_by_id
from tenure.purchases.queries import buyer
from tenure.renewals import actions as renewals
from tenure.renewals.queries import renewal_decision
from tenure.web.api.listing import Page, begins, paged
from tenure.web.api.offers import Eligibility, decided
from tenure.web.api.operations import operation
from tenure.web.api.shapes import Id, Shape, day
from tenure.web.shared.pages import owned

Standing = Literal["active", "renewal_window", "lapsed", "cancelled"]


class SubscriptionShown(Shape):
    """What is held of one offer, with the newest paid year."""

    id: Id
    offer: Annotated[str, Field(examples=["action-pack"])]
    status: Standing
    suspended: Annotated[bool, Field(description="Everything stands still: a late payment is awaited, or disputed.")]
    starts_on: date
    expires_on: Annotated[date, Field(examples=["2019-06-22"])]
    renewal_opens_on: Annotated[date, Field(examples=["2019-06-23"])]
    renewal_closes_on: Annotated[date, Field(examples=["2019-07-22"])]
    auto_renew: bool
    card: Annotated[str | None, Field(description="The card that renews it, as people recognise it.")]
    cancelled_on: date | None


class Subscriptions(Shape):
    items: list[SubscriptionShown]
    next: str | None


class TermShown(Shape):
    """One paid year."""

    n: Annotated[int, Field(ge=1)]
    kind: Literal["purchase", "renewal", "auto_renewal", "upgrade", "import"]
    starts_on: date
    expires_on: date
    renewal_opens_on: date
    renewal_closes_on: date
    revoked: bool


class Terms(Shape):
    items: list[TermShown]


class SubscriptionsWanted(Page):
    offer: Annotated[str | None, Field(max_length=60)] = None
    status: Standing | None = None


@operation("GET", "/subscriptions", id="listSubscriptions", permission="memberships.view", answers=Subscriptions)
def subscriptions(request: HttpRequest, page: Query[SubscriptionsWanted]) -> dict:
    """List what the company holds or held, the newest first."""
    rows = told(
        request.bearer.partner_id,
        request.today,
        before=begins(page, "subscriptions"),
        limit=page.limit + 1,
        offer=page.offer,
        status=page.status,
    )
    return paged(page, "subscriptions", rows, shown, lambda row: row.id)


def _one(request: HttpRequest, id: int, permission: str = "memberships.view") -> Holding:
    holding = facts_of(owned(request, subscription_by_id(id), permission))
    if holding is None:
        raise NotYours("subscription")
    return holding


def _now(request: HttpRequest, id: int) -> dict:
    return shown(Told.of(_one(request, id), request.today))


@operation(
    "GET",
    "/subscriptions/{int:id}",
    id="getSubscription",
    permission="memberships.view",
    answers=SubscriptionShown,
)
def subscription(request: HttpRequest, id: int) -> dict:
    """Show a subscription as it stands today."""
    return _now(request, id)


@operation("GET", "/subscriptions/{int:id}/terms", id="listTerms", permission="memberships.view", answers=Terms)
def terms(request: HttpRequest, id: int) -> dict:
    """List every paid year of a subscription, the newest first."""
    return {"items": [_term(row) for row in terms_of(_one(request, id).subscription)]}


@operation(
    "GET",
    "/subscriptions/{int:id}/eligibility",
    id="getSubscriptionEligibility",
    permission="memberships.view",
    answers=Eligibility,
)
def eligibility(request: HttpRequest, id: int) -> dict:
    """Say whether a subscription may be renewed today, and why not."""
    row = _one(request, id).subscription
    facts = buyer(row.partner, request.programme, request.today)
    held = next((each for each in facts.holdings if each.subscription.pk == row.pk), None)
    if held is None:
        raise NotYours("subscription")
    return decided(request, renewal_decision(facts, held), "renewal")


@operation(
    "DELETE",
    "/subscriptions/{int:id}/auto-renewal",
    id="turnOffAutoRenewal",
    permission="renewals.turn_off_auto_renew",
    answers=SubscriptionShown,
    current=_now,
)
def auto_renewal_off(request: HttpRequest, id: int) -> dict:
    """Turn auto-renew off. It can't be turned on again until the next paid renewal."""
    row = _one(request, id, "renewals.turn_off_auto_renew").subscription
    renewals.turn_off_auto_renew(request.actor, row, now=request.now)
    return shown(Told.of(_one(request, id, "renewals.turn_off_auto_renew"), request.today))


def shown(row: Told) -> dict[str, Any]:
    return {
        "id": row.id,
        "offer": row.offer,
        "status": str(row.standing.status),
        "suspended": row.standing.suspended,
        "starts_on": row.starts_on,
        "expires_on": row.expires_on,
        "renewal_opens_on": row.renewal_opens_on,
        "renewal_closes_on": row.renewal_closes_on,
        "auto_renew": row.auto_renew,
        "card": row.card,
        "cancelled_on": row.cancelled_on,
    }


def _term(row: Any) -> dict[str, Any]:
    return {
        "n": row.n,
        "kind": row.kind,
        "starts_on": day(row.starts_on),
        "expires_on": day(row.expires_on),
        "renewal_opens_on": day(row.renewal_opens_on),
        "renewal_closes_on": day(row.renewal_closes_on),
        "revoked": row.revoked_at is not None,
    }
