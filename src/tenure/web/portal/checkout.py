"""The checkout, one for buying and renewing: payment method › details › review › order.

It decides nothing: what may be bought, at what price and until when comes with ``renewals.queries.checkout``,
and the verb decides again at the instant of ordering. It must never order what differs from what was shown.
Read next: ``purchases/actions.py`` and ``web/portal/orders.py``, where every checkout ends.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages as notes
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tenure.kernel.access import may
from tenure.kernel.money import Money
from tenure.kernel.refusals import Invalid, NotYours, Refusal
from tenure.memberships.queries import get as subscription_by_id
from tenure.payments.queries import held
from tenure.payments.rules import Method
from tenure.purchases import actions as purchases
from tenure.purchases.queries import draft as draft_by_key
from tenure.purchases.queries import order_of
from tenure.purchases.rules import Contact, Wanted, check_contact
from tenure.renewals import actions as renewals
from tenure.renewals.queries import Checkout
from tenure.renewals.queries import checkout as checkout_of
from tenure.web.portal.cards import kept_cards
from tenure.web.portal.orders import onward, said_no
from tenure.web.shared import messages
from tenure.web.shared.forms import Reading
from tenure.web.shared.pace import paced
from tenure.web.shared.pages import owned, portal

CARD = "card"


def steps() -> list[str]:
    return [_("Payment method"), _("Details"), _("Review"), _("Confirmation")]


@portal("purchases.draft")
@require_POST
@paced("checkout")
def start(request: HttpRequest) -> HttpResponse:
    """Begin a checkout, or pick up the one that was left; told where the reasons stand when it isn't open."""
    reading = Reading(request.POST)
    renews, subscription = reading.number("subscription", required=False), None
    code = reading.text("offer", required=False)
    if renews is not None:
        subscription = owned(request, subscription_by_id(renews), "renewals.renew")
        code = subscription.offer
    offer = next((offer for offer in request.programme.offers if offer.code == code), None)
    if offer is None:
        raise NotYours("offer")
    desk = checkout_of(request.partner, request.programme, request.today, offer, renews)
    if not desk.decision.allowed:
        return _turned_away(request, desk)
    draft = purchases.draft(
        request.actor,
        request.partner,
        offer=offer.code,
        subscription=subscription,
        language=request.person.language,
        now=request.now,
    )
    return redirect("portal:checkout", draft.key)


def _turned_away(request: HttpRequest, desk: Checkout) -> HttpResponse:
    """Back to the offer, where every reason stands."""
    check = desk.decision.first
    notes.error(request, messages.say(check.code, check.facts))
    return redirect(f"{reverse('portal:offer', args=[desk.offer.code])}#why")


def step(view: Callable) -> Callable:
    """A page of the checkout. An ordered draft leads to its order, so going back is safe."""

    @portal("purchases.draft")
    @wraps(view)
    def stepping(request: HttpRequest, key: UUID) -> HttpResponse:
        draft = owned(request, draft_by_key(key), "purchases.draft")
        if order := order_of(draft):
            return redirect("portal:order", order.number)
        offer = next((offer for offer in request.programme.offers if offer.code == draft.offer), None)
        if offer is None:
            raise Refusal("offers.not_for_sale")
        desk = checkout_of(request.partner, request.programme, request.today, offer, draft.subscription_id)
        if not desk.decision.allowed:
            return _turned_away(request, desk)
        return view(request, draft, desk)

    return stepping


def _page(
    request: HttpRequest, template: str, at: int, draft, desk: Checkout, status: int = 200, **more
) -> HttpResponse:
    rate = f"{desk.quote.taxed.rate_bp / 100:g}%" if desk.quote else ""
    given = {"draft": draft, "desk": desk, "steps": steps(), "at": at, "rate": rate, "nav": "portal:offers"}
    return render(request, f"portal/{template}.html", given | more, status=status)


@step
def checkout(request: HttpRequest, draft, desk: Checkout) -> HttpResponse:
    """How to pay, with what follows from each way."""
    kept = kept_cards(request.partner.pk) if Method.CARD in desk.methods else {}
    choices = [*kept, *map(str, desk.methods)]
    errors, status = {}, 200
    if request.method == "POST":
        reading = Reading(request.POST)
        chosen = reading.choice("method", choices)
        try:
            reading.check()
        except Invalid as invalid:
            errors, status = messages.field_errors(invalid), 422
        else:
            method = Method.CARD if chosen in kept else Method(chosen)
            same = (draft.method, draft.card_id) == (method, kept[chosen].pk if chosen in kept else None)
            purchases.fill_draft(request.actor, draft, method=method, card=kept.get(chosen))
            back = same and request.GET.get("from") == "review"
            return redirect("portal:checkout_review" if back else "portal:checkout_details", draft.key)
    chosen = request.POST.get("method") or (f"card-{draft.card_id}" if draft.card_id else draft.method)
    given = {"kept": kept, "chosen": chosen, "choices": choices, "errors": errors, "waiting": _waiting(desk)}
    return _page(request, "checkout_method", 0, draft, desk, status, **given)


def _waiting(desk: Checkout) -> Money | None:
    """Money held for the company that a transfer order would use."""
    currency = desk.facts.programme.currency_of(desk.facts.partner.country)
    rows = held(desk.facts.partner.pk).filter(currency=currency).values_list("amount_minor", flat=True)
    return Money(total, currency) if (total := sum(rows)) else None


@step
def details(request: HttpRequest, draft, desk: Checkout) -> HttpResponse:
    """A transfer's contact, or the consent to renew by card each year."""
    if draft.method not in desk.methods:
        return redirect("portal:checkout", draft.key)
    if draft.method == Method.BANK_TRANSFER:
        return _contact(request, draft, desk)
    if not desk.policy.auto_renew_supported:
        return redirect("portal:checkout_review", draft.key)
    if request.method == "POST":
        purchases.fill_draft(request.actor, draft, auto_renew=Reading(request.POST).ticked("auto_renew"))
        return redirect("portal:checkout_review", draft.key)
    return _page(request, "checkout_card", 1, draft, desk)


def _contact(request: HttpRequest, draft, desk: Checkout) -> HttpResponse:
    fields = {"name": draft.contact_name, "phone": draft.contact_phone, "email": draft.contact_email}
    errors, status = {}, 200
    if request.method == "POST":
        fields = {name: request.POST.get(name, "") for name in fields}
        try:
            contact = read_contact(Reading(request.POST))
        except Invalid as invalid:
            said, status = messages.field_errors(invalid), 422
            errors = {name: said[name] for name in fields if name in said}
        else:
            given = {f"contact_{name}": getattr(contact, name) for name in fields}
            purchases.fill_draft(request.actor, draft, **given)
            return redirect("portal:checkout_review", draft.key)
    return _page(request, "checkout_transfer", 1, draft, desk, status, fields=fields, errors=errors)


def read_contact(reading: Reading) -> Contact:
    """The contact of a transfer, every fault found at once."""
    contact = Contact(
        reading.text("name", limit=120, missing="contact.name_missing"),
        reading.text("phone", limit=40, missing="contact.phone_missing"),
        reading.text("email", limit=254, missing="contact.email_missing"),
    )
    try:
        check_contact(contact)
    except Invalid as invalid:
        for name, code in invalid.fields.items():
            reading.refuse(name, code)
    reading.check()
    return contact


@step
@paced("checkout")
def review(request: HttpRequest, draft, desk: Checkout) -> HttpResponse:
    """Everything that was answered, what it costs, and the one button that orders."""
    if draft.method not in desk.methods:
        return redirect("portal:checkout", draft.key)
    errors, status = {}, 200
    if request.method == "POST":
        try:
            return redirect(onward(_order(request, draft)))
        except NotYours:
            raise
        except Invalid as invalid:
            if not invalid.fields.keys() <= {"terms"}:
                notes.error(request, messages.say(invalid.code))
                return redirect("portal:checkout_details", draft.key)
            errors, status = messages.field_errors(invalid), 422
        except Refusal as refusal:
            if refusal.code == "access.forbidden":
                raise
            if order := order_of(draft):
                # It has been placed; what stands in the way is its charge.
                return said_no(request, order, refusal)
            errors, status = {"form": messages.say(refusal.code, refusal.facts)}, 409
    return _page(request, "checkout_review", 2, draft, desk, status, errors=errors, **_buyer(request))


def _order(request: HttpRequest, draft) -> Any:
    """Place the order exactly as it was shown; the draft's key makes a second click the same order."""
    reading = Reading(request.POST)
    reading.ticked("terms", required="orders.terms_not_accepted" if draft.offer else "")
    reading.check()
    wanted = Wanted(
        key=str(draft.key),
        offer=draft.offer,
        method=Method(draft.method),
        language=request.person.language,
        expected_total=_shown_total(request),
        terms_version=request.POST.get("terms_version", ""),
        contact=_contact_of(draft),
        auto_renew=draft.auto_renew,
        card=draft.card_id,
    )
    if draft.subscription_id:
        return renewals.renew(request.actor, draft.subscription, wanted=wanted, now=request.now)
    return purchases.buy(request.actor, request.partner, wanted=wanted, now=request.now)


def _shown_total(request: HttpRequest) -> Money:
    try:
        minor, currency = request.POST["expected_total"].split()
        return Money(int(minor), currency)
    except (KeyError, ValueError):
        raise Refusal("orders.price_changed") from None


def _contact_of(draft) -> Contact:
    if draft.method != Method.BANK_TRANSFER:
        return Contact()
    return Contact(draft.contact_name, draft.contact_phone, draft.contact_email)


def _buyer(request: HttpRequest) -> dict[str, Any]:
    """Who pays, as it stands on the invoice."""
    partner = request.partner
    address = partner.billing_address or ", ".join(
        part for part in (partner.address, f"{partner.postcode} {partner.city}".strip()) if part
    )
    return {
        "bill_to": [partner.billing_name or partner.legal_name, address],
        "may_change_company": may(request.actor, "company.view", partner.pk),
    }
