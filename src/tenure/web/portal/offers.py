"""Membership offers: what the company holds, what it can renew today, what it can buy next, and why not.

It shapes what ``renewals.queries.overview`` has decided into tiles and lists, and adds who can help. It must never
hide a reason or decide one. Read next: ``web/portal/needs.py`` and ``renewals/queries.py``.
"""

from datetime import date
from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tenure.kernel.access import may
from tenure.kernel.refusals import Check, NotYours
from tenure.memberships.queries import Holding
from tenure.memberships.rules import Status
from tenure.programme.rules import Criterion
from tenure.purchases.queries import OrderView, buyer
from tenure.purchases.rules import OrderStatus
from tenure.renewals.queries import Overview, Tile, overview, tile
from tenure.support.queries import open_cancels
from tenure.web.portal.needs import needs
from tenure.web.shared.language import fill, language, say_fact
from tenure.web.shared.pages import can_help, portal

BUYS = {"buy": "purchases.buy", "renew": "renewals.renew"}
OPEN = (OrderStatus.AWAITING_PAYMENT, OrderStatus.SHORT_PAID, OrderStatus.UNFINISHED, OrderStatus.CHECKING)


def told(sentence: str, **facts: Any) -> str:
    return fill(sentence, facts, language())


@portal("offers.view")
def offers(request: HttpRequest) -> HttpResponse:
    """The home of the product: available, purchased, expired."""
    seen = overview(request.partner, request.programme, request.today)
    cancels = open_cancels(request.partner.pk)
    helpers = {action: can_help(request, permission) for action, permission in BUYS.items()}
    given = {
        "needs": needs(request, seen, cancels),
        "tiles": [shaped(request, each, helpers, cancels) for each in seen.tiles],
        "purchased": purchased(request, seen),
        "expired": expired(request, seen),
        "helpers": helpers["buy"],
        "may_invoice": may(request.actor, "billing.view", request.partner.pk),
        "may_orders": may(request.actor, "orders.view", request.partner.pk),
    }
    return render(request, "portal/offers.html", given)


@portal("offers.view")
def offer(request: HttpRequest, code: str) -> HttpResponse:
    """One offer: what it brings, what it asks, what it costs, its terms, and every condition with its state."""
    facts = buyer(request.partner, request.programme, request.today)
    found = next((offer for offer in request.programme.offers if offer.code == code), None)
    if found is None:
        raise NotYours("offer")
    here = tile(facts, found)
    helpers = can_help(request, BUYS["renew" if here.action == "renew" else "buy"])
    figures = facts.figures.get(code, {})
    given = {
        "tile": here,
        "offer": found,
        "action": action_of(request, here, {here.action: helpers}),
        "helpers": helpers,
        "benefits": [(benefit, f"{benefit.quantity:,}") for benefit in found.benefits],
        "requirements": [requirement(c, figures.get(c.code, 0)) for c in found.criteria],
        "rate": f"{here.quote.taxed.rate_bp / 100:g}%" if here.quote else "",
        "terms": request.programme.agreement(found.terms) if found.terms else None,
        "status": status_of(here),
        "family": request.programme.families.get(found.family),
        "nav": "portal:offers",
    }
    return render(request, "portal/offer.html", given)


def requirement(criterion: Criterion, value: int) -> dict[str, Any]:
    """One criterion, how far the company has come, and whether that is enough."""
    met = value >= criterion.threshold
    return {
        "name": criterion.name,
        "value": f"{value:,}",
        "need": f"{criterion.threshold:,}",
        "unit": criterion.unit,
        "met": met,
    }


def status_of(seen: Tile) -> str:
    """The word on an offer: what is held of it today."""
    if seen.standing is None:
        return "not_held"
    return "suspended" if seen.standing.suspended else str(seen.standing.status)


def shaped(request: HttpRequest, seen: Tile, helpers: dict, cancels: dict[int, str]) -> dict[str, Any]:
    """A tile as ``parts/tile.html`` draws it: one primary action, or why there is none."""
    held, subject = seen.holding, seen.offer
    details = reverse("portal:offer", args=[subject.code])
    if held and may(request.actor, "memberships.view", request.partner.pk):
        details = reverse("portal:subscription", args=[held.subscription.pk])
    primary = action_of(request, seen, helpers)
    return {
        "key": subject.code,
        "mark": subject.mark,
        "tier": subject.tier,
        "title": subject.name,
        "subtitle": request.programme.families.get(subject.family) or _("Annual subscription"),
        "status": status_of(seen),
        "href": details,
        "line": _line(held) if held and _shows_line(seen, request.today) else None,
        "summary": "" if held else subject.summary,
        "progress": _progress(seen),
        "facts": _facts(request, seen, cancels),
        "actions": [primary, {"label": _("View details"), "href": details}],
        "reasons": reasons(seen, helpers) if primary.get("refused") else [],
    }


def _line(held: Holding) -> dict[str, date]:
    term = held.term
    return {
        "starts_on": term.starts_on,
        "expires_on": term.expires_on,
        "opens_on": term.renewal_opens_on,
        "closes_on": term.renewal_closes_on,
    }


def _shows_line(seen: Tile, today: date) -> bool:
    return seen.standing is not None and (
        seen.standing.live or (today - seen.holding.term.renewal_closes_on).days < 366
    )


def _progress(seen: Tile) -> tuple[int, int] | None:
    every = len(seen.offer.criteria)
    if seen.holding or not every:
        return None
    missing: list = next(
        (c.facts["missing"] for c in seen.decision.checks if c.code == "offers.requirements_missing"), []
    )
    return every - len(missing), every


def _facts(request: HttpRequest, seen: Tile, cancels: dict[int, str]) -> list[tuple[str, str]]:
    facts, held, spoken = [], seen.holding, language()
    if held and seen.standing.status is Status.ACTIVE:
        facts.append((_("Expires"), say_fact(held.term.expires_on, spoken)))
    elif held:
        facts.append((_("Expired"), say_fact(held.term.expires_on, spoken)))
    if held and seen.standing.status is Status.RENEWAL_WINDOW and not seen.standing.suspended:
        facts.append((_("Renew by"), renew_by(held, request.today)))
    if held and seen.standing.live:
        facts.append((_("Auto-renew"), auto_renew(held)))
    if progress := _progress(seen):
        facts.append((_("Requirements"), told(_("%(met)d of %(all)d met"), met=progress[0], all=progress[1])))
    if seen.quote:
        price = told(_("%(net)s a year, tax excluded"), net=seen.quote.taxed.net)
        facts.append((_("Price"), price))
    if held and held.subscription.pk in cancels:
        facts.append((_("Cancellation"), told(_("Requested in %(number)s"), number=cancels[held.subscription.pk])))
    return facts


def renew_by(held: Holding, today: date) -> str:
    left = (held.term.renewal_closes_on - today).days + 1
    words = ngettext("%(day)s · last day", "%(day)s · %(left)d days left", left)
    return told(words, day=held.term.renewal_closes_on, left=left)


def auto_renew(held: Holding) -> str:
    if not held.subscription.auto_renew:
        return _("Off")
    return told(_("On · %(card)s"), card=str(held.subscription.card)) if held.subscription.card else _("On")


def action_of(request: HttpRequest, seen: Tile, helpers: dict) -> dict[str, Any]:
    """The one primary action of an offer today. Refused, it stays and leads to the reasons."""
    if seen.action == "continue":
        return {
            "label": _("Continue with the order"),
            "primary": True,
            "href": reverse("portal:order", args=[seen.open_order.number]),
        }
    label = _("Renew subscription") if seen.action == "renew" else _("Buy")
    if seen.decision.allowed and helpers[seen.action] is None:
        fields = (
            {"subscription": seen.holding.subscription.pk} if seen.action == "renew" else {"offer": seen.offer.code}
        )
        return {"label": label, "primary": True, "href": reverse("portal:checkout_start"), "fields": fields}
    return {"label": label, "refused": True, "href": f"{reverse('portal:offer', args=[seen.offer.code])}#why"}


def reasons(seen: Tile, helpers: dict) -> list[Check]:
    """Why the action is closed, the first two reasons; all of them stand on the offer's page."""
    who = helpers[seen.action]
    lacking = [Check("access.forbidden", False, {"helpers": who})] if who is not None else []
    return [*seen.decision.failed[:2], *lacking]


def purchased(request: HttpRequest, seen: Overview) -> list[dict[str, Any]]:
    """Orders that are open, and the term each live subscription runs on, with the next action of each."""
    by_order = {term.order_id: term for term in seen.terms if term.order_id}
    running = {h.term.pk: h for h in seen.facts.holdings if h.standing(request.today).live}
    tiles = {each.offer.code: each for each in seen.tiles}
    rows = [row(request, v, None, None, tiles) for v in seen.orders if v.status in OPEN]
    orders = {v.order.pk: v for v in seen.orders}
    for held in running.values():
        rows.append(row(request, orders.get(held.term.order_id), held.term, held, tiles))
    return rows if by_order or rows else []


def row(
    request: HttpRequest, shown: OrderView | None, term: Any, held: Holding | None, tiles: dict[str, Tile]
) -> dict[str, Any]:
    code = held.subscription.offer if held else shown.order.offer
    return {
        "order": shown.order if shown else None,
        "status": str(shown.status) if shown and shown.status != OrderStatus.PAID else status_in(held, request.today),
        "offer": request.programme.offer(code).name,
        "term": term,
        "paid_by": paid_by(shown, held),
        "auto_renew": ("auto_renew_on" if held.subscription.auto_renew else "auto_renew_off") if held else "",
        "next": next_step(shown, held, tiles.get(code)),
        "invoice": shown.invoice if shown else "",
    }


def status_in(held: Holding | None, today: date) -> str:
    if held is None:
        return ""
    standing = held.standing(today)
    return "suspended" if standing.suspended else str(standing.status)


def paid_by(shown: OrderView | None, held: Holding | None) -> str:
    """The card as people recognise it, else the way of paying."""
    if shown is None:
        return ""
    if shown.order.method == "bank_transfer":
        return _("Bank transfer")
    card = shown.order.card or (held.subscription.card if held else None)
    return str(card) if card else _("Card")


def next_step(shown: OrderView | None, held: Holding | None, here: Tile | None) -> tuple[str, str] | None:
    """What a person would do next about a row: words and address."""
    if shown and shown.status in OPEN:
        address = reverse("portal:order", args=[shown.order.number])
        words = {
            OrderStatus.AWAITING_PAYMENT: _("See how to pay"),
            OrderStatus.SHORT_PAID: _("See what is missing"),
            OrderStatus.UNFINISHED: _("Finish paying"),
            OrderStatus.CHECKING: _("See the order"),
        }
        return words[shown.status], address
    if held and here and here.action == "renew" and here.decision.allowed:
        return _("Renew"), reverse("portal:subscription", args=[held.subscription.pk])
    return None


def expired(request: HttpRequest, seen: Overview) -> list[tuple[int, list[dict[str, Any]]]]:
    """Terms that are over, by the year they ended, each with its invoice."""
    live = {h.term.pk for h in seen.facts.holdings if h.standing(request.today).live}
    orders = {v.order.pk: v for v in seen.orders}
    over = [term for term in seen.terms if term.pk not in live]
    over.sort(key=lambda term: (term.expires_on, term.pk), reverse=True)
    told_of = [
        {
            "term": term,
            "offer": request.programme.offer(term.subscription.offer).name,
            "order": orders[term.order_id].order if term.order_id in orders else None,
            "invoice": orders[term.order_id].invoice if term.order_id in orders else "",
            "cancelled": term.subscription.cancelled_on is not None and term.revoked_at is not None,
        }
        for term in over
    ]
    return [(year, list(rows)) for year, rows in groupby(told_of, key=lambda entry: entry["term"].expires_on.year)]
