"""The cards kept for a company: which one renews a subscription, choosing another, naming a new one, removing one.

It shows and passes on one choice. It must never take a card's number: cards come from the gateway's own page.
Read next: ``renewals/actions.py``; ``payments/cards.py``, the page of a new card.
"""

from datetime import date
from typing import Any

from django.contrib import messages as notes
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tenure.kernel.refusals import Invalid, NotYours, Refusal
from tenure.memberships.queries import facts_of, renewed_by
from tenure.memberships.queries import get as subscription_by_id
from tenure.payments.cards import card_named, open_card_page
from tenure.payments.gateways.base import Rejected, Unknown
from tenure.payments.queries import card as card_by_id
from tenure.payments.queries import cards, cards_like
from tenure.renewals import actions as renewals
from tenure.renewals import cards as removing
from tenure.renewals.queries import next_charge
from tenure.renewals.rules import card_ends_on
from tenure.web.shared import messages
from tenure.web.shared.forms import Reading
from tenure.web.shared.language import fill, language
from tenure.web.shared.pages import owned, portal
from tenure.web.shared.sign_in_gate import confirmed


def kept_cards(partner_id: int) -> dict[str, Any]:
    """The cards kept for a company by the name their choice is sent under; one plastic card is shown once."""
    seen: dict[tuple, Any] = {}
    for card in cards(partner_id):
        seen.setdefault((card.brand, card.last4, card.exp_month, card.exp_year), card)
    return {f"card-{card.pk}": card for card in seen.values()}


def ends_before(card: Any, charge_on: date | None) -> bool:
    """Whether a card will have ended by the day it would be charged."""
    return bool(card and charge_on and card_ends_on(card.exp_year, card.exp_month) < charge_on)


@portal("renewals.change_card")
def renewal_card(request: HttpRequest, id: int) -> HttpResponse:
    """Choose the card that is charged at the next renewal."""
    row = owned(request, subscription_by_id(id), "renewals.change_card")
    holding, kept = facts_of(row), kept_cards(request.partner.pk)
    if holding is None or not row.auto_renew:
        return redirect("portal:subscription", row.pk)
    errors, status = {}, 200
    if request.method == "POST":
        reading = Reading(request.POST)
        chosen = reading.choice("card", [*kept])
        try:
            reading.check()
        except Invalid as invalid:
            errors, status = messages.field_errors(invalid), 422
        else:
            renewals.change_card(request.actor, row, card=kept[chosen].pk, now=request.now)
            notes.success(request, fill(_("%(card)s will be charged."), {"card": str(kept[chosen])}, language()), "ok")
            return redirect("portal:subscription", row.pk)
    charge_on, offer = next_charge(holding, request.today), request.programme.offer(row.offer)
    given = {
        "subscription": row,
        "title": fill(_("Which card renews %(offer)s?"), {"offer": offer.name}, language()),
        "charge_on": charge_on,
        "choices": [(name, card, ends_before(card, charge_on)) for name, card in kept.items()],
        "chosen": request.POST.get("card") or f"card-{row.card_id}",
        "errors": errors,
        "nav": "portal:offers",
    }
    return render(request, "portal/renewal_card.html", given, status=status)


# The page that a browser was sent to, by subscription: kept with the session, so that no address can name another's.
PAGES = "card_pages"


@portal("renewals.change_card")
@require_POST
def new_renewal_card(request: HttpRequest, id: int) -> HttpResponse:
    """On to the gateway's page, where a card is named and nothing is charged."""
    row = owned(request, subscription_by_id(id), "renewals.change_card")
    if not row.auto_renew:
        return redirect("portal:subscription", row.pk)
    page = open_card_page(
        row.partner_id,
        currency=request.programme.currency_of(request.partner.country),
        language=language(),
        payer=request.partner.billing_name or request.partner.legal_name,
        merchant=request.programme.name.say(language()),
        return_path=reverse("portal:new_card_back", args=[row.pk]),
    )
    if page is None:
        notes.warning(request, _("The card page can't be opened at the moment. Nothing was changed."), "warn")
        return redirect("portal:renewal_card", row.pk)
    request.session[PAGES] = {**request.session.get(PAGES, {}), str(row.pk): page.ref}
    return redirect(page.path)


@portal("renewals.change_card")
def new_card_back(request: HttpRequest, id: int) -> HttpResponse:
    """The browser is back from the card page. What its address says is not read; the gateway is asked."""
    row = owned(request, subscription_by_id(id), "renewals.change_card")
    ref = request.session.get(PAGES, {}).get(str(row.pk))
    if not ref or not row.auto_renew:
        return redirect("portal:subscription", row.pk)
    try:
        card = card_named(ref)
    except (Unknown, Rejected):
        words = _("We could not ask the card company which card was named. Try again in a few minutes.")
        notes.warning(request, words, "warn")
        return redirect("portal:renewal_card", row.pk)
    request.session[PAGES] = {n: page for n, page in request.session[PAGES].items() if n != str(row.pk)}
    if card is None:
        notes.warning(request, _("No new card was kept, so nothing has changed."), "warn")
        return redirect("portal:renewal_card", row.pk)
    chosen = renewals.change_card(request.actor, row, card=card, now=request.now).card
    notes.success(request, fill(_("%(card)s will be charged."), {"card": str(chosen)}, language()), "ok")
    return redirect("portal:subscription", row.pk)


@portal("renewals.remove_card")
@confirmed
def cards_kept(request: HttpRequest) -> HttpResponse:
    """The cards kept for the company, each with what it renews."""
    given = {"cards": [(card, _renews(request, card)) for card in kept_cards(request.partner.pk).values()]}
    return render(request, "portal/cards.html", given | {"nav": "portal:company"})


def _renews(request: HttpRequest, card: Any) -> list[Any]:
    """The offers that a card renews by itself."""
    return [request.programme.offer(row.offer).name for row in renewed_by(cards_like(card))]


@portal("renewals.remove_card")
def card_remove(request: HttpRequest, id: int) -> HttpResponse:
    """Asked once on a page of its own, which says first what is no longer renewed."""
    card = owned(request, card_by_id(id, request.partner.pk), "renewals.remove_card")
    renews, errors, status = _renews(request, card), {}, 200
    if request.method == "POST":
        reading = Reading(request.POST)
        agreed = reading.ticked("agreed", required="cards.agree_first" if renews else "")
        try:
            reading.check()
            removing.remove_card(request.actor, card, agreed=agreed, now=request.now)
        except NotYours:
            raise
        except Invalid as invalid:
            errors, status = messages.field_errors(invalid), 422
        except Refusal as refusal:
            if refusal.code == "access.forbidden":
                raise
            errors, status = {"form": messages.say(refusal.code, refusal.facts)}, 409
        else:
            notes.success(request, fill(_("%(card)s has been removed."), {"card": str(card)}, language()), "ok")
            return redirect("portal:cards")
    given = {
        "card": card,
        "renews": renews,
        "title": fill(_("Remove %(card)s?"), {"card": str(card)}, language()),
        "errors": errors,
        "nav": "portal:company",
    }
    return render(request, "portal/card_remove.html", given, status=status)
