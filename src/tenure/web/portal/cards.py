"""The card that renews a subscription: which one, and choosing another of those the company keeps.

It shows and passes on one choice. It must never take a card's number: cards come from the gateway's own page.
Read next: ``renewals/actions.py``.
"""

from datetime import date
from typing import Any

from django.contrib import messages as notes
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from tenure.kernel.refusals import Invalid
from tenure.memberships.queries import facts_of
from tenure.memberships.queries import get as subscription_by_id
from tenure.payments.queries import cards
from tenure.renewals import actions as renewals
from tenure.renewals.queries import next_charge
from tenure.renewals.rules import card_ends_on
from tenure.web.shared import messages
from tenure.web.shared.forms import Reading
from tenure.web.shared.language import fill, language
from tenure.web.shared.pages import owned, portal


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
