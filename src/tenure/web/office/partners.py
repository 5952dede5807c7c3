"""Partners: the list, and the whole story of one company on a page with what the desk may do about it.

It must never decide a standing or an exemption; the verbs do. Read next: ``partners/actions.py``.
"""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from tenure.benefits.queries import of_partner as benefits_of
from tenure.billing.queries import of_partner as invoices_of
from tenure.competencies import actions as competencies
from tenure.competencies.queries import history
from tenure.enrolment.queries import checks
from tenure.kernel.money import Money
from tenure.kernel.refusals import Invalid, Refusal
from tenure.memberships.queries import holdings_in, terms_of_partner
from tenure.partners import actions as partners
from tenure.partners import locations as branches
from tenure.partners.queries import exemptions, find, locations, of_standing, search
from tenure.partners.rules import ManagedIn, Standing
from tenure.payments.queries import held
from tenure.people.queries import colleagues, names, open_invitations
from tenure.plumbing.queries import letters_of, timeline
from tenure.purchases.queries import of_partner as orders_of
from tenure.purchases.queries import views
from tenure.support.queries import of_partner as requests_of
from tenure.web.office.lists import chosen, filters, paged, searched
from tenure.web.office.rights import Right, rights
from tenure.web.shared.forms import Reading
from tenure.web.shared.happened import entries
from tenure.web.shared.language import language
from tenure.web.shared.messages import field_errors, words_of
from tenure.web.shared.pages import found, office
from tenure.web.shared.statuses import status_of

SHOWN = 20
EVENTS = 40
LETTERS = 8
REASON_LIMIT = 300


@office("partners.view")
def partners_list(request: HttpRequest) -> HttpResponse:
    """Partners by name, ID or address, and by standing."""
    q, standing = searched(request), chosen(request, "standing", list(Standing))
    rows = search(request.actor, q)
    if standing:
        rows = of_standing(rows, Standing(standing))
    options = [(str(s), status_of(s)[0]) for s in Standing]
    given = {"page": paged(request, rows), "q": q, "filters": filters(request, "standing", options)}
    return render(request, "office/partners.html", given | {"standing": standing})


@office("partners.view")
def partner(request: HttpRequest, id: int) -> HttpResponse:
    """Everything about one company."""
    return _story(request, found(find(id)))


@office("partners.view")
def act(request: HttpRequest, id: int, verb: str) -> HttpResponse:
    """One of the desk's acts on a company; a faulty form comes back with everything in it."""
    row = found(find(id))
    if request.method == "POST":
        try:
            messages.success(request, ACTS[verb](request, row))
        except Invalid as invalid:
            return _story(request, row, errors=field_errors(invalid), opened=verb, status=400)
        except Refusal as refusal:
            return _story(request, row, errors={"form": words_of(refusal)}, opened=verb, status=409)
    return redirect("office:partner", row.pk)


def _suspend(request: HttpRequest, row: Any) -> str:
    reading = Reading(request.POST)
    reason = reading.text("reason", limit=REASON_LIMIT)
    reading.check()
    partners.suspend(request.actor, row, reason=reason, now=request.now)
    return _("The account is suspended. What the company holds goes on; it cannot buy or renew.")


def _reinstate(request: HttpRequest, row: Any) -> str:
    partners.reinstate(request.actor, row, now=request.now)
    return _("The suspension is lifted.")


def _exempt(request: HttpRequest, row: Any) -> str:
    grant_exemption(request, row)
    return _("The exemption is recorded. Orders placed within its dates carry no tax.")


def grant_exemption(request: HttpRequest, row: Any) -> None:
    """Record a certificate from the form's fields; support's exemption requests use the same form."""
    reading = Reading(request.POST)
    certificate = reading.text("certificate", limit=80)
    valid_from, valid_to = reading.day("valid_from"), reading.day("valid_to")
    if valid_from and valid_to and valid_to < valid_from:
        reading.refuse("valid_to", "date.impossible")
    reading.check()
    partners.grant_exemption(
        request.actor, row, certificate=certificate, valid_from=valid_from, valid_to=valid_to, now=request.now
    )


def _invite(request: HttpRequest, row: Any) -> str:
    partners.invite_from_old_portal(request.actor, row, now=request.now)
    return _("The company is invited to move here.")


def _remove_location(request: HttpRequest, row: Any) -> str:
    reading = Reading(request.POST)
    known = {str(each.pk): each for each in locations(row.pk)}
    chosen_one = reading.choice("location", list(known))
    reason = reading.text("location_reason", limit=REASON_LIMIT)
    reading.check()
    branches.remove_location(request.actor, known[chosen_one], reason=reason, now=request.now)
    return _("The location is removed. Its ID is never given again.")


def _evidence(request: HttpRequest, row: Any) -> str:
    reading = Reading(request.POST)
    both = reading.choice("criterion", [value for value, _words in criteria(request)])
    value = reading.number("value")
    as_of = reading.day("as_of", not_after=request.today)
    note = reading.text("note", limit=300, required=False)
    reading.check()
    offer, _slash, criterion = both.partition("/")
    competencies.record_evidence(
        request.actor, row, offer=offer, criterion=criterion, value=value, as_of=as_of, note=note, now=request.now
    )
    return _("The evidence is recorded.")


ACTS = {
    "suspend": _suspend,
    "reinstate": _reinstate,
    "exempt": _exempt,
    "invite": _invite,
    "evidence": _evidence,
    "location": _remove_location,
}


def criteria(request: HttpRequest) -> list[tuple[str, str]]:
    """Every criterion of every offer, as the options of a select."""
    spoken = language()
    return [
        (
            f"{offer.code}/{criterion.code}",
            _("%(name)s: %(value)s") % {"name": offer.name.say(spoken), "value": criterion.name.say(spoken)},
        )
        for offer in request.programme.offers
        for criterion in offer.criteria
    ]


@dataclass(frozen=True, slots=True)
class Held:
    """A subscription as the story shows it: its newest term, its standing, all its terms."""

    holding: Any
    name: Any
    status: str
    suspended: bool
    terms: list[Any]


def _story(
    request: HttpRequest,
    row: Any,
    *,
    errors: dict[str, str] | None = None,
    opened: str = "",
    status: int = 200,
) -> HttpResponse:
    may_do = rights(
        request,
        suspend="partners.suspend",
        reinstate="partners.reinstate",
        exempt="partners.grant_exemption",
        invite="partners.invite_from_old_portal",
        evidence="competencies.record_evidence",
        location="partners.remove_location",
        recovery="enrolment.start_recovery",
        people="people.view",
        memberships="memberships.view",
        orders="orders.view",
        billing="billing.view",
        support="support.view",
        competencies="competencies.view",
        payments="payments.view",
        mail="mail.view",
        enrolment="enrolment.decide",
    )
    given = {
        "company": row,
        "checks": checks(row),
        "locations": list(locations(row.pk)),
        "exemptions": list(exemptions(row)),
        "legacy": row.managed_in == ManagedIn.OLD_PORTAL,
        "suspended": row.standing is Standing.SUSPENDED,
        "rights": may_do,
        "criteria": criteria(request),
        "errors": errors,
        "opened": opened,
        "values": request.POST if errors else {},
        "happened": entries(list(timeline(row.pk)[:EVENTS]), lambda _row, facts: _leads(may_do, facts)),
        **_sections(request, row, may_do),
    }
    return render(request, "office/partner.html", given, status=status)


def _sections(request: HttpRequest, row: Any, may_do: dict[str, Right]) -> dict[str, Any]:
    """What the person may see of the company, each section with one query or two."""
    given: dict[str, Any] = {}
    if may_do["people"]:
        roles = {role.code: role.name for role in request.programme.roles}
        given["people"] = [(place, [roles.get(code, code) for code in place.roles]) for place in colleagues(row.pk)]
        given["invitations"] = list(open_invitations(row.pk))
    if may_do["memberships"]:
        given["held"] = _held(request, row)
    if may_do["orders"]:
        given["orders"] = views(orders_of(row.pk)[:SHOWN], request.today)
    if may_do["billing"]:
        given["invoices"] = list(invoices_of(row.pk)[:SHOWN])
    if may_do["support"]:
        given["requests"] = list(requests_of(row.pk)[:SHOWN])
    if may_do["competencies"]:
        evidence = list(history(row.pk)[:SHOWN])
        people = names({line.recorded_by for line in evidence})
        words = dict(criteria(request))
        given["evidence"] = [
            (line, words.get(f"{line.offer}/{line.criterion}", line.criterion), people.get(line.recorded_by, ""))
            for line in evidence
        ]
        given["benefits"] = list(benefits_of(row.pk)[:SHOWN])
    if may_do["payments"]:
        given["held_money"] = [(part, Money(part.amount_minor, part.currency)) for part in held(row.pk)]
    if may_do["mail"]:
        given["letters"] = list(letters_of(row.pk)[:LETTERS])
    return given


def _held(request: HttpRequest, row: Any) -> list[Held]:
    terms = terms_of_partner(row.pk)
    names_of = {offer.code: offer.name for offer in request.programme.offers}
    found_here = []
    for holding in holdings_in(terms):
        standing = holding.standing(request.today)
        own = [term for term in terms if term.subscription_id == holding.subscription.pk]
        name = names_of.get(holding.subscription.offer, holding.subscription.offer)
        found_here.append(Held(holding, name, standing.status, standing.suspended, own))
    return found_here


def _leads(may_do: dict[str, Right], facts: dict[str, Any]) -> str:
    """Where a line of the timeline leads: to its order, its request or its document."""
    number = str(facts.get("number", ""))
    if number.startswith("SR-") and may_do["support"]:
        return reverse("office:request", args=[number])
    if number.startswith("O-") and may_do["orders"]:
        return reverse("office:order", args=[number])
    return ""
