"""The office's money: transfers that belong to nobody yet, and the orders, subscriptions and invoices of all partners.

It must never match by itself; a program names the order, and ``purchases`` acts. Read next: ``purchases/transfers.py``.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Body as FromBody
from ninja import Query
from pydantic import Field

from tenure.billing.queries import search as invoices_of_all
from tenure.kernel.refusals import Invalid
from tenure.memberships.queries import listed as subscriptions_of_all
from tenure.partners.queries import by_number
from tenure.payments.queries import bank_lines, unmatched
from tenure.payments.queries import line as line_by_id
from tenure.purchases import transfers as purchases
from tenure.purchases.queries import order as order_by_number
from tenure.purchases.queries import views, visible_to
from tenure.web.api.invoices import Invoices
from tenure.web.api.invoices import shown as invoice_told
from tenure.web.api.listing import Page, newest_first, paged
from tenure.web.api.once import HEADER, order_key
from tenure.web.api.operations import operation
from tenure.web.api.orders import OrderShown, order_told
from tenure.web.api.shapes import BLANK, Amount, AmountGiven, Body, Day, Flag, Id, Line, Shape, amount, day, instant
from tenure.web.shared.pages import found

Number = Annotated[str, Field(min_length=1, max_length=20, pattern=r"^[A-Za-z0-9-]+$", examples=["O-2019-000418"])]
PartnerId = Annotated[str, Field(min_length=1, max_length=20, pattern="^[0-9A-Za-z]+$", examples=["1234566"])]


class TransferShown(Shape):
    """One credit on a bank statement, and how much of it has been given to orders and partners."""

    id: Id
    account: str
    value_on: date
    amount: Amount
    given: Amount
    reference: str
    payer: str
    recorded_at: datetime
    ignored_reason: str


class Transfers(Shape):
    items: list[TransferShown]
    next: str | None


class TransfersWanted(Page):
    open: Annotated[Flag, Field(description="Only those that belong to nobody yet.")] = True
    value_from: Day | None = None
    value_to: Day | None = None


class TransferWanted(Body):
    """A credit as it stands on the statement."""

    account: Annotated[Line, Field(max_length=60)]
    value_on: Day
    amount: AmountGiven
    reference: Annotated[str, Field(max_length=300, pattern=BLANK)] = ""
    payer: Annotated[str, Field(max_length=200, pattern=BLANK)] = ""


class MatchWanted(Body):
    order: Number


class HoldWanted(Body):
    partner: Annotated[PartnerId, Field(description="The partner ID.")]


class IgnoreWanted(Body):
    reason: Line


class OrderOfAll(OrderShown):
    partner: PartnerId


class OrdersOfAll(Shape):
    items: list[OrderOfAll]
    next: str | None


class OfPartner(Page):
    partner: Annotated[PartnerId | None, Field(description="The partner ID.")] = None


class SubscriptionOfAll(Shape):
    """A subscription with its standing today."""

    id: Id
    partner: PartnerId
    offer: str
    status: Literal["active", "renewal_window", "lapsed", "cancelled"]
    suspended: bool
    expires_on: date
    renewal_opens_on: date
    renewal_closes_on: date
    auto_renew: bool


class SubscriptionsOfAll(Shape):
    items: list[SubscriptionOfAll]
    next: str | None


class SubscriptionsWanted(OfPartner):
    status: Literal["active", "renewal_window", "lapsed", "cancelled", "suspended"] | None = None
    offer: Annotated[str | None, Field(max_length=60)] = None


@operation("GET", "/office/transfers", id="listTransfers", permission="payments.view", answers=Transfers, office=True)
def transfers(request: HttpRequest, page: Query[TransfersWanted]) -> dict:
    """List bank credits, the newest first; without a filter those that belong to nobody yet."""
    rows = unmatched() if page.open else bank_lines()
    given = {"value_on__gte": page.value_from, "value_on__lte": page.value_to}
    rows = rows.filter(**{name: value for name, value in given.items() if value is not None})
    return paged(page, "transfers", newest_first(page, "transfers", rows), shown, lambda row: row.pk)


def _now(request: HttpRequest, id: int) -> dict:
    return shown(found(line_by_id(id)))


@operation(
    "GET",
    "/office/transfers/{int:id}",
    id="getTransfer",
    permission="payments.view",
    answers=TransferShown,
    office=True,
)
def transfer(request: HttpRequest, id: int) -> dict:
    """Show a bank credit."""
    return _now(request, id)


@operation(
    "POST",
    "/office/transfers",
    id="recordTransfer",
    permission="purchases.record_transfer",
    answers=TransferShown,
    status=201,
    office=True,
    money=True,
)
def record(request: HttpRequest, sent: FromBody[TransferWanted]) -> dict:
    """Record a credit; one whose reference names an order is given to it."""
    money = sent.amount.money()
    if money is None or money.minor <= 0:
        raise Invalid({"amount": "money.malformed"})
    if sent.value_on > request.today:
        raise Invalid({"value_on": "date.in_future"})
    line = purchases.record_transfer(
        request.actor,
        None,
        line_key=order_key(request.headers[HEADER]),
        account=sent.account,
        value_on=sent.value_on,
        amount=money,
        reference=sent.reference,
        payer=sent.payer,
        now=request.now,
    )
    return _now(request, line.pk)


@operation(
    "POST",
    "/office/transfers/{int:id}/match",
    id="matchTransfer",
    permission="purchases.match_transfer",
    answers=TransferShown,
    office=True,
    money=True,
    current=_now,
)
def match(request: HttpRequest, id: int, sent: FromBody[MatchWanted]) -> dict:
    """Give a credit to an order."""
    order = found(order_by_number(sent.order))
    purchases.match_transfer(request.actor, found(line_by_id(id)), order=order, now=request.now)
    return _now(request, id)


@operation(
    "POST",
    "/office/transfers/{int:id}/hold",
    id="holdTransfer",
    permission="purchases.hold_transfer",
    answers=TransferShown,
    office=True,
    money=True,
    current=_now,
)
def hold(request: HttpRequest, id: int, sent: FromBody[HoldWanted]) -> dict:
    """Keep a credit for a partner until an order needs it."""
    partner = found(by_number(sent.partner))
    purchases.hold_transfer(request.actor, found(line_by_id(id)), partner=partner, now=request.now)
    return _now(request, id)


@operation(
    "POST",
    "/office/transfers/{int:id}/ignore",
    id="ignoreTransfer",
    permission="purchases.ignore_transfer",
    answers=TransferShown,
    office=True,
    current=_now,
)
def ignore(request: HttpRequest, id: int, sent: FromBody[IgnoreWanted]) -> dict:
    """Note that a credit is for no order, and why."""
    purchases.ignore_transfer(request.actor, found(line_by_id(id)), reason=sent.reason, now=request.now)
    return _now(request, id)


@operation("GET", "/office/orders", id="listAllOrders", permission="orders.view", answers=OrdersOfAll, office=True)
def orders(request: HttpRequest, page: Query[OfPartner]) -> dict:
    """List the orders of all partners, or of one, the newest first."""
    rows = visible_to(request.actor).select_related("partner", "card")
    if page.partner is not None:
        rows = rows.filter(partner__number=page.partner)
    found_here = views(newest_first(page, "all-orders", rows), request.today)
    return paged(page, "all-orders", found_here, _order, lambda seen: seen.order.pk)


@operation(
    "GET",
    "/office/subscriptions",
    id="listAllSubscriptions",
    permission="memberships.view",
    answers=SubscriptionsOfAll,
    office=True,
)
def subscriptions(request: HttpRequest, page: Query[SubscriptionsWanted]) -> dict:
    """List the subscriptions of all partners, or of one, the newest first."""
    rows = subscriptions_of_all(request.today, status=page.status or "", offer=page.offer or "")
    if page.partner is not None:
        rows = rows.filter(partner__number=page.partner)
    rows = newest_first(page, "all-subscriptions", rows)
    return paged(page, "all-subscriptions", rows, _subscription, lambda row: row.pk)


@operation("GET", "/office/invoices", id="listAllInvoices", permission="billing.view", answers=Invoices, office=True)
def invoices(request: HttpRequest, page: Query[OfPartner]) -> dict:
    """List the invoices and credit notes of all partners, or of one, the newest first."""
    rows = invoices_of_all("")
    if page.partner is not None:
        rows = rows.filter(partner__number=page.partner)
    return paged(page, "all-invoices", newest_first(page, "all-invoices", rows), invoice_told, lambda row: row.pk)


def shown(row: Any) -> dict[str, Any]:
    money = row.amount
    return {
        "id": row.pk,
        "account": row.account,
        "value_on": day(row.value_on),
        "amount": amount(money),
        "given": amount(type(money)(row.allocated, row.currency)),
        "reference": row.reference,
        "payer": row.payer,
        "recorded_at": instant(row.recorded_at),
        "ignored_reason": row.ignored_reason,
    }


def _order(seen: Any) -> dict[str, Any]:
    return order_told(seen) | {"partner": seen.order.partner.number}


def _subscription(row: Any) -> dict[str, Any]:
    return {
        "id": row.pk,
        "partner": row.partner.number,
        "offer": row.offer,
        "status": row.status,
        "suspended": row.suspended,
        "expires_on": row.expires_on,
        "renewal_opens_on": row.renewal_opens_on,
        "renewal_closes_on": row.renewal_closes_on,
        "auto_renew": row.auto_renew,
    }
