"""What needs doing about a company's memberships, the most pressing first, each with one way to do it.

It decides the order and the words, never a state: those come with the overview. Used by home and offers.
"""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from tenure.billing.queries import withholdings
from tenure.billing.rules import WithholdingStatus
from tenure.kernel.access import may
from tenure.kernel.periods import Span
from tenure.memberships.rules import Status
from tenure.partners.queries import undecided_application
from tenure.partners.rules import ApplicationStatus, ManagedIn
from tenure.partners.rules import Standing as PartnerStanding
from tenure.purchases.queries import OrderView
from tenure.purchases.rules import OrderStatus
from tenure.renewals.queries import Overview, Tile
from tenure.web.shared.language import fill, language

Need = dict[str, Any]


def need(tone: str, words: str, href: str = "", label: str = "", *, post: bool = False, **facts: Any) -> Need:
    return {"tone": tone, "words": fill(words, facts, language()), "href": href, "label": label, "post": post}


def needs(request: HttpRequest, seen: Overview, cancels: dict[int, str]) -> list[Need]:
    """Money first, then windows that close, then the company's own standing."""
    found = [n for shown in seen.orders if (n := _order(request, shown))]
    found += [n for each in seen.tiles if (n := _window(each, cancels))]
    found += company(request)
    return sorted(found, key=lambda n: ("danger", "warn", "", "ok").index(n["tone"]))


def company(request: HttpRequest) -> list[Need]:
    """What the company itself waits for."""
    partner, found = request.partner, []
    profile = reverse("portal:company")
    match partner.standing:
        case PartnerStanding.PENDING:
            words = _("We are still verifying your company. You can buy as soon as the verification has passed.")
            found.append(need("warn", words, profile, _("See the verification")))
        case PartnerStanding.REJECTED:
            words = _("Your company did not pass the verification. You can appeal and add evidence.")
            found.append(need("danger", words, profile, _("See why and appeal")))
        case PartnerStanding.SUSPENDED:
            words = _("Your company's account is suspended. Nothing can be bought or renewed meanwhile.")
            found.append(need("danger", words, reverse("portal:support"), _("Ask support")))
    if partner.managed_in == ManagedIn.OLD_PORTAL:
        found.append(_old_portal(request))
    return found + _certificates(request)


def _certificates(request: HttpRequest) -> list[Need]:
    """Tax certificates about which staff has asked something, for those who may answer."""
    partner, found = request.partner, []
    if may(request.actor, "partners.ask_exemption", partner.pk):
        asked = undecided_application(partner.pk)
        if asked is not None and asked.status == ApplicationStatus.PENDING_PARTNER:
            words = _("Our finance team has a question about your application for tax exemption.")
            found.append(need("danger", words, reverse("portal:exemption"), _("Answer")))
    withholds = partner.country in request.programme.withholding
    if withholds and may(request.actor, "purchases.send_withholding", partner.pk):
        for row in withholdings(partner.pk).filter(status=WithholdingStatus.PENDING_PARTNER):
            words = _("Our finance team has a question about the certificate of %(withheld)s withheld tax.")
            found.append(need("danger", words, reverse("portal:withholdings"), _("Answer"), withheld=row.amount))
    return found


def _old_portal(request: HttpRequest) -> Need:
    """Truthful about what moving changes: the old early window goes, this one opens the day after expiry."""
    if request.partner.invited_here_at is None:
        return need(
            "", _("Your memberships are managed in the old portal. Renew them there until you are invited to move.")
        )
    words = _(
        "Your company is invited to move here. Once you have moved, memberships can no longer be renewed in the old "
        "portal; here, renewal opens on the day after expiry."
    )
    if not may(request.actor, "partners.move_here", request.partner.pk):
        return need("warn", words)
    return need("warn", words, reverse("portal:move_here"), _("Move here"), post=True)


def _order(request: HttpRequest, shown: OrderView) -> Need | None:
    row = shown.order
    if not may(request.actor, "orders.view", request.partner.pk):
        return None
    page, offer = reverse("portal:order", args=[row.number]), request.programme.offer(row.offer).name
    facts = {"number": row.number, "offer": offer, "total": row.total}
    match shown.status:
        case OrderStatus.AWAITING_PAYMENT:
            words = _("Order %(number)s for %(offer)s awaits your transfer of %(total)s by %(pay_by)s.")
            return need("warn", words, page, _("See how to pay"), pay_by=row.expires_on, **facts)
        case OrderStatus.SHORT_PAID:
            words = _("%(missing)s is missing for order %(number)s (%(offer)s). Transfer the rest by %(pay_by)s.")
            label = _("See what is missing")
            return need("danger", words, page, label, missing=shown.missing, pay_by=row.expires_on, **facts)
        case OrderStatus.CHECKING if shown.unopened:
            words = _("The card page for order %(number)s did not open. Nothing has been charged.")
            return need("warn", words, page, _("Finish paying"), **facts)
        case OrderStatus.CHECKING:
            words = _("We're checking the payment for order %(number)s with the bank. Don't pay again.")
            return need("warn", words, page, _("See the order"), **facts)
        case OrderStatus.UNFINISHED:
            words = _("Order %(number)s for %(offer)s is not paid yet.")
            return need("warn", words, page, _("Finish paying"), **facts)
    return None


def _window(each: Tile, cancels: dict[int, str]) -> Need | None:
    """An expired membership that can still be renewed, unless an order for it is already open."""
    held = each.holding
    if each.action != "renew" or not held or each.standing.status is not Status.RENEWAL_WINDOW:
        return None
    term, page = held.term, reverse("portal:subscription", args=[held.subscription.pk])
    if not each.decision.allowed or held.subscription.pk in cancels:
        return None
    facts = {"offer": each.offer.name, "expired": term.expires_on}
    if held.subscription.auto_renew:
        words = _(
            "%(offer)s expired on %(expired)s and has not been renewed by card yet. You can renew it yourself until "
            "%(last)s."
        )
        return need("warn", words, page, _("Renew"), last=term.renewal_closes_on, **facts)
    words = _(
        "%(offer)s expired on %(expired)s. You can renew it from %(window)s. After that it has to be bought again."
    )
    window = Span(term.renewal_opens_on, term.renewal_closes_on)
    return need("warn", words, page, _("Renew"), window=window, **facts)
