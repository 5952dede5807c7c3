"""One subscription: its term, its auto-renew, its invoices, what happened to it, and the way to stop.

It shows what was decided and passes on one wish, to turn auto-renew off. It must never turn it on: the way back is
a paid renewal. Read next: ``renewals/actions.py`` and ``web/portal/offers.py``.
"""

from urllib.parse import urlencode

from django.contrib import messages as notes
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from tenure.billing.queries import of_orders
from tenure.kernel.access import may
from tenure.kernel.refusals import NotYours
from tenure.memberships.queries import facts_of, terms_of
from tenure.memberships.queries import get as subscription_by_id
from tenure.plumbing.queries import happened
from tenure.purchases.queries import buyer, of_subscription
from tenure.renewals import actions as renewals
from tenure.renewals.queries import next_charge, tile
from tenure.support.queries import open_cancel, refund_case
from tenure.web.portal.cards import ends_before
from tenure.web.portal.offers import action_of, auto_renew, renew_by, status_of
from tenure.web.shared.forms import Reading
from tenure.web.shared.happened import entries
from tenure.web.shared.language import fill, language
from tenure.web.shared.pages import can_help, owned, portal


def _owned(request: HttpRequest, id: int, permission: str):
    row = owned(request, subscription_by_id(id), permission)
    holding = facts_of(row)
    if holding is None:
        raise NotYours("subscription")
    return row, holding


@portal("memberships.view")
@require_GET
def subscription(request: HttpRequest, id: int) -> HttpResponse:
    """The subscription as it stands today."""
    row, holding = _owned(request, id, "memberships.view")
    facts = buyer(request.partner, request.programme, request.today)
    offer = request.programme.offer(row.offer)
    # A subscription that a fresh purchase has replaced is only looked at; the tile is the newer one's.
    current = facts.holding(row.offer)
    seen = tile(facts, offer) if current and current.subscription.pk == row.pk else None
    orders, terms = of_subscription(row.pk, request.today), terms_of(row)
    standing = holding.standing(request.today)
    helpers = can_help(request, "renewals.renew")
    subjects = [f"subscription:{row.pk}", *(f"order:{v.order.pk}" for v in orders)]
    given = {
        "subscription": row,
        "holding": holding,
        "standing": standing,
        "status": status_of(seen) if seen else ("suspended" if standing.suspended else str(standing.status)),
        "offer": offer,
        "family": request.programme.families.get(offer.family),
        "seen": seen,
        "terms": terms,
        "since": terms[-1].starts_on,
        "renew_by": renew_by(holding, request.today),
        "auto_renew": auto_renew(holding),
        "next_charge": next_charge(holding, request.today) if standing.live else None,
        "action": action_of(request, seen, {seen.action: helpers}) if seen else None,
        "helpers": helpers,
        "documents": documents(request, orders, terms),
        "orders": orders,
        "timeline": entries(list(happened(*subjects))),
        "cancel": open_cancel(row),
        "refund": refund_case(row, request.today) if standing.live else None,
        "card_short": ends_before(row.card, row.auto_renew and holding.term.renewal_opens_on),
        "may": {
            "change_card": may(request.actor, "renewals.change_card", row.partner_id),
            "turn_off": may(request.actor, "renewals.turn_off_auto_renew", row.partner_id),
            "invoice": may(request.actor, "billing.view", row.partner_id),
            "orders": may(request.actor, "orders.view", row.partner_id),
            "benefits": may(request.actor, "benefits.view", row.partner_id),
            # Asking to cancel turns auto-renew off at once, so it takes that right as well.
            "cancel": may(request.actor, "support.open_request", row.partner_id)
            and may(request.actor, "renewals.turn_off_auto_renew", row.partner_id),
        },
        "nav": "portal:offers",
    }
    return render(request, "portal/subscription.html", given)


def documents(request: HttpRequest, orders, terms) -> list[tuple]:
    """Invoices and credit notes of its orders, the newest first, each with the term it is for."""
    if not may(request.actor, "billing.view", request.partner.pk):
        return []
    for_order = {term.order_id: term for term in terms}
    return [(invoice, for_order.get(invoice.order_id)) for invoice in of_orders(v.order.pk for v in orders)]


@portal("renewals.turn_off_auto_renew")
def auto_renew_off(request: HttpRequest, id: int) -> HttpResponse:
    """Asked once on a page of its own, because it cannot be undone before the next renewal."""
    row, holding = _owned(request, id, "renewals.turn_off_auto_renew")
    if request.method == "POST":
        if Reading(request.POST).ticked("auto_renew"):
            renewals.turn_on_auto_renew(request.actor, row, now=request.now)
        else:
            renewals.turn_off_auto_renew(request.actor, row, now=request.now)
            words = _(
                "Auto-renew is off. You can't turn it on again until you next renew. We'll remind you before the "
                "membership expires."
            )
            notes.success(request, words, extra_tags="ok")
        return redirect("portal:subscription", row.pk)
    if not row.auto_renew:
        return redirect("portal:subscription", row.pk)
    offer, term = request.programme.offer(row.offer), holding.term
    given = {
        "subscription": row,
        "holding": holding,
        "title": fill(_("Turn off auto-renew for %(offer)s?"), {"offer": offer.name}, language()),
        "benefits_end": term.renewal_closes_on if holding.policy.benefits_in_window else term.expires_on,
        "charge_on": next_charge(holding, request.today),
        "nav": "portal:offers",
    }
    return render(request, "portal/auto_renew_off.html", given)


@portal("support.open_request")
def cancel(request: HttpRequest, id: int) -> HttpResponse:
    """Cancelling is a support request of the type that cancels, filled in (domain.md, decision 7)."""
    row = owned(request, subscription_by_id(id), "support.open_request")
    problem = next((kind.code for kind in request.programme.problem_types if kind.action == "cancel"), "")
    query = urlencode({"subscription": row.pk, "problem": problem})
    return redirect(f"{reverse('portal:support_new')}?{query}")
