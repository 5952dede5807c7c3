"""Home: what needs doing, what the company holds, which dates come next.

It shows as much as the person's roles let them see and says who can do the rest. It decides nothing.
Read next: ``web/portal/offers.py``.
"""

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from tenure.kernel.access import may
from tenure.memberships.rules import Status
from tenure.purchases.rules import OrderStatus
from tenure.renewals.queries import Overview, overview
from tenure.support.queries import awaiting_answer, open_cancels
from tenure.web.portal.needs import company, need, needs
from tenure.web.portal.offers import status_of, told
from tenure.web.shared.pages import can_help, portal

SHORTCUTS = (
    ("portal:offers", "offers.view"),
    ("portal:benefits", "benefits.view"),
    ("portal:invoices", "billing.view"),
    ("portal:users", "people.view"),
    ("portal:support", "support.view"),
)


@portal("company.view")
def home(request: HttpRequest) -> HttpResponse:
    """The first page after signing in."""
    partner = request.partner
    sees = may(request.actor, "memberships.view", partner.pk)
    seen = overview(partner, request.programme, request.today) if sees else None
    found = needs(request, seen, open_cancels(partner.pk)) if seen else company(request)
    if may(request.actor, "support.view", partner.pk):
        found += [_answer(row) for row in awaiting_answer(request.actor, partner.pk)]
    given = {
        "needs": found,
        "sees": sees,
        "holdings": held(seen) if seen else [],
        "dates": dates(request, seen) if seen else [],
        "shortcuts": [(name, reverse(name)) for name, right in SHORTCUTS if may(request.actor, right, partner.pk)],
        "may_buy": may(request.actor, "offers.view", partner.pk),
        "helpers": None if sees else can_help(request, "offers.view"),
    }
    return render(request, "portal/home.html", given)


def _answer(row) -> dict[str, Any]:
    words = _("Support request %(number)s waits for your answer.")
    return need("warn", words, reverse("portal:support_request", args=[row.number]), _("Answer"), number=row.number)


def held(seen: Overview) -> list[dict[str, Any]]:
    """What the company holds today, as the page draws it."""
    return [
        {
            "offer": each.offer,
            "status": status_of(each),
            "term": each.holding.term,
            "href": reverse("portal:subscription", args=[each.holding.subscription.pk]),
        }
        for each in seen.tiles
        if each.holding and each.standing.live
    ]


def dates(request: HttpRequest, seen: Overview) -> list[tuple[date, str, str]]:
    """The days to come that matter, the nearest first: day, what happens, where."""
    found = []
    for each in seen.tiles:
        if not each.holding or not each.standing.live:
            continue
        term, row = each.holding.term, each.holding.subscription
        where, name = reverse("portal:subscription", args=[row.pk]), each.offer.name
        if each.standing.status is Status.ACTIVE:
            found.append((term.expires_on, told(_("%(offer)s expires"), offer=name), where))
        if row.auto_renew and row.card:
            words = told(_("%(offer)s renews by itself, %(card)s is charged"), offer=name, card=str(row.card))
            found.append((term.renewal_opens_on, words, where))
        else:
            if request.today < term.renewal_opens_on:
                found.append((term.renewal_opens_on, told(_("Renewal of %(offer)s opens"), offer=name), where))
            found.append((term.renewal_closes_on, told(_("Last day to renew %(offer)s"), offer=name), where))
    for shown in seen.orders:
        if shown.status in (OrderStatus.AWAITING_PAYMENT, OrderStatus.SHORT_PAID):
            words = told(_("Last day to pay order %(number)s"), number=shown.order.number)
            found.append((shown.order.expires_on, words, reverse("portal:order", args=[shown.order.number])))
    return sorted(entry for entry in found if entry[0] >= request.today)[:6]
