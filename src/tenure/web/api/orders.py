"""Orders: buying and renewing in one request, paying, cancelling, and showing that a transfer was made.

It passes on what a program asks for; the verbs decide at the instant of asking. It must never take a card number: a
card is one that was kept before, or one that a person enters on the gateway's own page (``pay_url``). Read next:
``purchases/actions.py``.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from django.conf import settings
from django.http import HttpRequest
from ninja import Body as FromBody
from ninja import File, Form, Query
from ninja.files import UploadedFile
from pydantic import ConfigDict, Field

from tenure.billing.actions import bank_of
from tenure.kernel.access import decide
from tenure.kernel.refusals import Refusal
from tenure.memberships.queries import get as subscription_by_id
from tenure.payments.queries import cards as cards_of
from tenure.payments.queries import open_attempt
from tenure.payments.rules import AttemptStatus, Method
from tenure.plumbing.files import handed_in
from tenure.programme.queries import version
from tenure.purchases import actions as purchases
from tenure.purchases.queries import OrderView, buyer, of_partner, views
from tenure.purchases.queries import order as order_by_number
from tenure.purchases.rules import Contact, Wanted
from tenure.renewals import actions as renewals
from tenure.renewals.queries import buying_decision, renewal_decision
from tenure.web.api.listing import Page, newest_first, paged
from tenure.web.api.once import HEADER, order_key
from tenure.web.api.operations import operation
from tenure.web.api.shapes import (
    Amount,
    AmountGiven,
    Body,
    Day,
    Email,
    Flag,
    Id,
    Language,
    Line,
    Name,
    Phone,
    Shape,
    amount,
    day,
    instant,
)
from tenure.web.shared.forms import Reading
from tenure.web.shared.pages import owned

CARD = "card_"
Status = Literal["awaiting_payment", "short_paid", "unfinished", "checking", "paid", "refunded", "expired", "cancelled"]
OfferCode = Annotated[
    str, Field(min_length=1, max_length=60, pattern=r"^[a-z0-9][a-z0-9-]*$", examples=["action-pack"])
]


class CardKept(Shape):
    """A card that the gateway keeps; its token pays or renews without anybody at a screen."""

    payment_token: Annotated[str, Field(examples=["card_12"])]
    brand: str
    last4: str
    expires: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}$", examples=["2027-09"])]


class CardsKept(Shape):
    items: list[CardKept]


class ContactGiven(Body):
    """Whom the programme can reach about a transfer."""

    name: Name
    phone: Phone
    email: Email


class _Wanted(Body):
    offer: OfferCode
    purpose: Literal["purchase", "renewal"]
    subscription: Annotated[Id | None, Field(description="Which subscription to renew; a renewal needs it.")] = None
    terms_version: Annotated[str, Field(max_length=20, description="Of the offer's terms, as the offer shows it.")]
    expected_total: Annotated[AmountGiven, Field(description="What was shown; another price refuses the order.")]
    language: Annotated[Language | None, Field(description="Of the documents; else the key's maker's.")] = None


class ByCard(_Wanted):
    """Pay by card: with a kept one at once, or on the gateway's page at ``pay_url``."""

    payment_method: Literal["card"]
    payment_token: Annotated[str | None, Field(pattern=r"^card_[0-9]{1,18}$", examples=["card_12"])] = None
    auto_renew: bool = True


class ByTransfer(_Wanted):
    """Pay by bank transfer: the order waits for the money, with a reference and a last day."""

    payment_method: Literal["bank_transfer"]
    contact: ContactGiven


OrderWanted = Annotated[ByCard | ByTransfer, Field(discriminator="payment_method")]


class HowToTransfer(Shape):
    """Where the money goes; the reference finds the order."""

    holder: str
    bank: str
    account: str
    swift: str
    reference: str


class OrderShown(Shape):
    """An order as it stands today."""

    number: Annotated[str, Field(examples=["O-2019-000418"])]
    status: Status
    purpose: Literal["purchase", "renewal"]
    offer: str
    subscription: Annotated[Id | None, Field(description="What it renews or has opened.")]
    payment_method: Literal["card", "bank_transfer"]
    net: Amount
    tax: Amount
    total: Amount
    received: Amount
    placed_at: datetime
    pay_by: Annotated[date, Field(description="The last day on which it can be paid, inclusive.")]
    paid_at: datetime | None
    invoice: Annotated[str | None, Field(examples=["INV-2019-000001"])]
    decline: Annotated[str, Field(description="Why the bank declined last; empty when it did not.")]


class OrderWhole(OrderShown):
    """An order with everything that helps to pay it."""

    pay_url: Annotated[str | None, Field(description="The gateway's page, where a person pays.")]
    transfer: HowToTransfer | None


class Orders(Shape):
    items: list[OrderShown]
    next: str | None


class OrdersWanted(Page):
    offer: Annotated[str | None, Field(max_length=60)] = None
    payment_method: Literal["card", "bank_transfer"] | None = None
    open: Annotated[Flag | None, Field(description="Only those that can still be paid, or only the others.")] = None


class ProofGiven(Body):
    """What stands on the slip."""

    # A form's fields are text.
    model_config = ConfigDict(extra="forbid", strict=False)
    paid_on: Annotated[Day, Field(description="Not after today.", examples=["2019-06-22"])]
    account: Annotated[Line, Field(max_length=60)]
    reference: Annotated[Line, Field(max_length=120)]


class ProofKept(Shape):
    order: str
    paid_on: date
    uploaded_at: datetime


@operation("GET", "/cards", id="listCards", permission="purchases.buy", answers=CardsKept)
def cards(request: HttpRequest) -> dict:
    """List the cards kept for the company."""
    return {"items": [_card(row) for row in cards_of(request.bearer.partner_id)]}


@operation("GET", "/orders", id="listOrders", permission="orders.view", answers=Orders)
def orders(request: HttpRequest, page: Query[OrdersWanted]) -> dict:
    """List the company's orders, the newest first."""
    rows = of_partner(request.bearer.partner_id)
    if page.offer is not None:
        rows = rows.filter(offer=page.offer)
    if page.payment_method is not None:
        rows = rows.filter(method=page.payment_method)
    if page.open is not None:
        still = {"paid_at": None, "closed_at": None, "expires_on__gte": request.today}
        rows = rows.filter(**still) if page.open else rows.exclude(**still)
    found = views(newest_first(page, "orders", rows), request.today)
    return paged(page, "orders", found, order_told, lambda seen: seen.order.pk)


def _one(request: HttpRequest, number: str, permission: str = "orders.view") -> Any:
    return owned(request, order_by_number(number), permission)


def _now(request: HttpRequest, number: str) -> dict:
    return whole(request, _one(request, number))


@operation("GET", "/orders/{number}", id="getOrder", permission="orders.view", answers=OrderWhole)
def order(request: HttpRequest, number: str) -> dict:
    """Show an order, and how it can be paid.

    A card order whose page was paid on is looked up at the gateway, so a program may simply ask again.
    """
    row = _one(request, number)
    attempt = open_attempt(row.pk)
    if attempt is not None and attempt.status == AttemptStatus.NEEDS_ACTION and request.bearer.partner_id:
        purchases.resolve(attempt, cause="return", now=request.now)
        row = _one(request, number)
    return whole(request, row)


@operation("POST", "/orders", id="createOrder", permission="offers.view", answers=OrderWhole, status=201, money=True)
def create(request: HttpRequest, sent: FromBody[OrderWanted]) -> dict:
    """Buy or renew an offer.

    Refused with the reasons when it may not be done today, when the price or the terms are not those shown, or when
    another order for the offer is open. With a kept card the answer tells whether it is paid.
    """
    wanted = _wanted(request, sent)
    if sent.purpose == "renewal":
        if sent.subscription is None:
            raise Refusal("renewals.not_held")
        subscription = owned(request, subscription_by_id(sent.subscription), "renewals.renew")
        if subscription.offer != sent.offer:
            raise Refusal("renewals.not_held")
        return whole(request, _explained(request, sent, lambda: _renew(request, subscription, wanted)))
    decide(request.actor, "purchases.buy", request.partner.pk)
    buy = purchases.buy
    placed = _explained(request, sent, lambda: buy(request.actor, request.partner, wanted=wanted, now=request.now))
    return whole(request, placed)


def _renew(request: HttpRequest, subscription: Any, wanted: Wanted) -> Any:
    return renewals.renew(request.actor, subscription, wanted=wanted, now=request.now)


def _wanted(request: HttpRequest, sent: Any) -> Wanted:
    total = sent.expected_total.money()
    if total is None:
        raise Refusal("orders.price_changed")
    contact = getattr(sent, "contact", None)
    token = getattr(sent, "payment_token", None)
    return Wanted(
        key=order_key(request.headers[HEADER]),
        offer=sent.offer,
        method=Method(sent.payment_method),
        language=sent.language or request.bearer.language,
        expected_total=total,
        terms_version=sent.terms_version,
        contact=Contact(contact.name, contact.phone, contact.email) if contact else Contact(),
        auto_renew=getattr(sent, "auto_renew", False),
        card=int(token.removeprefix(CARD)) if token else None,
    )


def _explained(request: HttpRequest, sent: Any, place: Any) -> Any:
    """A refusal of an order comes with every condition, as eligibility tells them."""
    try:
        return place()
    except Refusal as refusal:
        if refusal.code.partition(".")[0] in ("offers", "renewals"):
            refusal.checks = _checks(request, sent)
        raise


def _checks(request: HttpRequest, sent: Any) -> tuple:
    facts = buyer(request.partner, request.programme, request.today)
    offer = next((each for each in request.programme.offers if each.code == sent.offer), None)
    if offer is None:
        return ()
    held = next((each for each in facts.holdings if each.subscription.pk == sent.subscription), None)
    return (renewal_decision(facts, held) if held else buying_decision(facts, offer)).checks


@operation(
    "POST",
    "/orders/{number}/cancel",
    id="cancelOrder",
    permission="purchases.cancel_order",
    answers=OrderWhole,
    money=True,
    current=_now,
)
def cancel(request: HttpRequest, number: str) -> dict:
    """Cancel an order that nothing has been paid for."""
    row = _one(request, number, "purchases.cancel_order")
    return whole(request, purchases.cancel_order(request.actor, row, now=request.now))


@operation(
    "POST",
    "/orders/{number}/payment",
    id="payOrder",
    permission="purchases.pay_again",
    answers=OrderWhole,
    money=True,
    current=_now,
)
def pay(request: HttpRequest, number: str) -> dict:
    """Go on with an unfinished card order: its page opens again, a new one after a decline."""
    row = _one(request, number, "purchases.pay_again")
    return whole(request, purchases.pay_again(request.actor, row, now=request.now))


@operation(
    "POST",
    "/orders/{number}/payment-proofs",
    id="uploadPaymentProof",
    permission="purchases.upload_proof",
    answers=ProofKept,
    status=201,
    files=True,
)
def prove(request: HttpRequest, number: str, sent: Form[ProofGiven], file: File[UploadedFile]) -> dict:
    """Show that a transfer was made: a PDF or picture of the slip. It informs; it activates nothing."""
    row = _one(request, number, "purchases.upload_proof")
    reading = Reading({}, {"file": file})
    upload = reading.file("file")
    reading.check()
    assert upload is not None
    kept = handed_in(upload.name, upload.kind, upload.content)
    proof = purchases.upload_proof(
        request.actor,
        row,
        file=kept,
        paid_on=sent.paid_on,
        account=sent.account,
        reference=sent.reference,
        now=request.now,
    )
    return {"order": row.number, "paid_on": day(proof.paid_on), "uploaded_at": instant(proof.uploaded_at)}


# How an order is told.


def order_told(seen: OrderView) -> dict[str, Any]:
    row = seen.order
    return {
        "number": row.number,
        "status": str(seen.status),
        "purpose": row.purpose,
        "offer": row.offer,
        "subscription": row.subscription_id,
        "payment_method": row.method,
        "net": amount(row.net),
        "tax": amount(row.tax),
        "total": amount(row.total),
        "received": amount(seen.received),
        "placed_at": instant(row.placed_at),
        "pay_by": day(row.expires_on),
        "paid_at": instant(row.paid_at),
        "invoice": seen.invoice or None,
        "decline": seen.decline,
    }


def whole(request: HttpRequest, row: Any) -> dict[str, Any]:
    seen = views(of_partner(row.partner_id).filter(pk=row.pk), request.today)[0]
    attempt = open_attempt(row.pk)
    waits = attempt is not None and attempt.status == AttemptStatus.NEEDS_ACTION and attempt.page_path
    page = attempt.page_path if waits else ""
    return order_told(seen) | {
        "pay_url": (f"{settings.TENURE_BASE_URL}{page}" if page.startswith("/") else page) or None,
        "transfer": _transfer(row),
    }


def _transfer(row: Any) -> dict[str, str] | None:
    programme = version(row.programme.n)
    bank = bank_of(programme, row.currency, row.language)
    if row.method != Method.BANK_TRANSFER or bank is None:
        return None
    return {
        "holder": programme.seller.name.say(row.language),
        "bank": programme.seller.bank_name.say(row.language),
        "account": bank.account,
        "swift": bank.swift,
        "reference": row.reference,
    }


def _card(row: Any) -> dict[str, str]:
    return {
        "payment_token": f"{CARD}{row.pk}",
        "brand": row.brand,
        "last4": row.last4,
        "expires": f"{row.exp_year:04d}-{row.exp_month:02d}",
    }
