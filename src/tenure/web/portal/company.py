"""The company's page: its data, how far its verification is, what it has agreed to, and where it is managed.

It decides nothing: whether data can be right is ``enrolment/rules.py``'s business, what a change re-opens
``enrolment/actions.py``'s. Read next: ``company_form.py``.
"""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tenure.enrolment import actions as enrolment
from tenure.enrolment import queries as enrolments
from tenure.enrolment.rules import Kind, State
from tenure.kernel.access import may
from tenure.kernel.periods import Span, plus_days
from tenure.kernel.refusals import Invalid, NotYours
from tenure.memberships.queries import holdings
from tenure.partners import actions as partners
from tenure.partners.queries import by_id, exemptions, undecided_application
from tenure.partners.rules import ManagedIn
from tenure.plumbing.files import handed_in
from tenure.programme.rules import Programme
from tenure.web.portal.approvals import limit_of
from tenure.web.portal.company_form import groups, read_company, values_of
from tenure.web.shared.forms import Field, Reading
from tenure.web.shared.messages import field_errors
from tenure.web.shared.pages import can_help, owned, portal, signed_in

COMMENT_LIMIT = 2000


@portal("company.view")
def company(request: HttpRequest) -> HttpResponse:
    """Everything the programme knows of the company, and what can be done about it."""
    partner = request.partner
    checks = enrolments.checks(partner)
    managed_here = partner.managed_in == ManagedIn.HERE
    return render(
        request,
        "portal/company.html",
        {
            "checks": checks,
            "appealable": State.REJECTED if may(request.actor, "enrolment.appeal", partner.pk) else None,
            "may_edit": may(request.actor, "company.edit", partner.pk),
            "may_directory": may(request.actor, "people.set_up_directory", partner.pk),
            "may_cards": may(request.actor, "renewals.remove_card", partner.pk),
            "edit_helpers": can_help(request, "company.edit"),
            "may_ask_again": _waits_for_address(checks)
            and may(request.actor, "enrolment.ask_confirmation_again", partner.pk),
            "agreed": enrolments.agreed(partner.pk, request.programme),
            "may_hand_in": may(request.actor, "enrolment.hand_in", partner.pk),
            "domain_proof": enrolments.domain_proof(partner),
            "approval_limit": limit_of(partner),
            "may_limit": may(request.actor, "purchases.set_approval_limit", partner.pk),
            "papers": enrolments.papers(partner.pk),
            "accepted": _with_texts(enrolments.acceptances(partner), request.programme),
            "exemptions": exemptions(partner),
            "applying": undecided_application(partner.pk),
            "may_ask_exemption": may(request.actor, "partners.ask_exemption", partner.pk),
            "moving": [] if managed_here else _windows(request),
            "managed_here": managed_here,
            "move_helpers": can_help(request, "partners.move_here"),
            "companies": [by_id(request.actor.grants)[pk] for pk in sorted(request.actor.grants) if pk != partner.pk],
        },
    )


@portal("company.edit")
def company_edit(request: HttpRequest) -> HttpResponse:
    """Change the company's data."""
    errors: dict[str, str] = {}
    values: Mapping[str, Any] = values_of(request.partner)
    if request.method == "POST":
        values = request.POST
        try:
            reading = Reading(request.POST)
            wanted = read_company(reading)
            reading.check()
            changed = enrolment.change_company(request.actor, request.partner, company=wanted, now=request.now)
        except Invalid as invalid:
            errors = field_errors(invalid)
        else:
            flash.success(request, _("The company's data is saved."), extra_tags="ok")
            if changed.verified_at is None:
                flash.warning(request, _("What you changed has to be verified again."), extra_tags="warn")
            return redirect("portal:company")
    return render(request, "portal/company_edit.html", {"errors": errors, "groups": groups(values, errors, request)})


@portal("enrolment.ask_confirmation_again")
@require_POST
def confirmation_again(request: HttpRequest) -> HttpResponse:
    """Send the link that confirms the contact's address once more."""
    enrolment.ask_confirmation_again(request.actor, request.partner, now=request.now)
    words = _("A new link is on its way to %(email)s.") % {"email": request.partner.contact_email}
    flash.success(request, words, extra_tags="ok")
    return redirect("portal:company")


@portal("enrolment.appeal")
def appeal(request: HttpRequest, id: int) -> HttpResponse:
    """Ask for another look at a check that was not passed, with a comment and a document."""
    check = owned(request, enrolments.check(id), "enrolment.appeal")
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            reading = Reading(request.POST, request.FILES)
            comment = reading.text("comment", limit=COMMENT_LIMIT)
            file = reading.file("evidence", required=False)
            reading.check()
            evidence = handed_in(file.name, file.kind, file.content) if file else None
            enrolment.appeal(request.actor, check, comment=comment, evidence=evidence, now=request.now)
        except Invalid as invalid:
            errors = field_errors(invalid)
        else:
            flash.success(request, _("Your appeal has been sent. We'll look at the check again."), extra_tags="ok")
            return redirect("portal:company")
    if check.state != State.REJECTED:
        return redirect("portal:company")
    fields = [
        Field(
            "comment",
            _("Why should the decision change?"),
            request.POST.get("comment", ""),
            errors.get("comment", ""),
            type="textarea",
        ),
        Field(
            "evidence",
            _("Document"),
            error=errors.get("evidence", ""),
            type="file",
            optional=True,
            hint=_("For example an extract from the company register. PDF, JPEG, PNG or GIF, at most 10 MB."),
        ),
    ]
    return render(request, "portal/appeal.html", {"check": check, "fields": fields, "errors": errors})


@portal("partners.move_here")
@require_POST
def move_here(request: HttpRequest) -> HttpResponse:
    """Accept the invitation to be managed here from now on."""
    partners.move_here(request.actor, request.partner, now=request.now)
    flash.success(request, _("Your company is managed here from now on."), extra_tags="ok")
    return redirect("portal:company")


@signed_in
@require_POST
def company_switch(request: HttpRequest) -> HttpResponse:
    """Work for another of the companies one belongs to."""
    chosen = request.POST.get("partner", "")
    if not chosen.isascii() or not chosen.isdigit() or int(chosen) not in request.actor.grants:
        raise NotYours("partner")
    request.session["partner"] = int(chosen)
    return redirect("portal:home")


def _waits_for_address(checks: list[Any]) -> bool:
    return any(check.kind == Kind.EMAIL and check.state != State.PASSED for check in checks)


def _with_texts(accepted: Any, programme: Programme) -> list[tuple[Any, Any]]:
    """Each acceptance beside the text that was accepted, as far as the programme still prints it."""
    texts = {(text.id, text.version): text for text in programme.agreements}
    return [(row, texts.get((row.agreement, row.version))) for row in accepted]


def _windows(request: HttpRequest) -> list[dict[str, Any]]:
    """For every membership held: when the old portal would renew it, and when it is renewed here."""
    found = []
    for holding in holdings(request.partner.pk):
        term, policy = holding.term, holding.policy
        if not holding.standing(request.today).live or holding.subscription.superseded_at:
            continue
        opened = plus_days(term.expires_on, -policy.legacy_open_before_days)
        found.append(
            {
                "name": request.programme.offer(holding.subscription.offer).name,
                "expires_on": term.expires_on,
                "there": Span(opened, term.expires_on),
                "here": Span(term.renewal_opens_on, term.renewal_closes_on),
            }
        )
    return found
