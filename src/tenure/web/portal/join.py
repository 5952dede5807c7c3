"""The ways in: a company joins, its first person confirms the address, a colleague accepts an invitation.

It decides only what a visitor is shown; who may join and what is checked stands in ``enrolment/``. A link works
for whoever holds it, and only a press of a button acts: programs that look at links in mail change nothing.
"""

from typing import Any

from django.conf import settings
from django.contrib import messages as flash
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _

from tenure.enrolment import actions as enrolment
from tenure.enrolment import queries as enrolments
from tenure.enrolment.queries import AGREEMENT
from tenure.enrolment.rules import Kind, State, address_fault
from tenure.kernel.refusals import Invalid, Refusal
from tenure.partners.queries import get as partner_by_id
from tenure.people import actions as people
from tenure.people import addresses, directories, limits
from tenure.people.queries import invitation_fault, invitation_of, person
from tenure.plumbing import clock
from tenure.web.portal.company_form import groups, read_company
from tenure.web.shared.forms import Field, Reading
from tenure.web.shared.language import language
from tenure.web.shared.messages import field_errors, say
from tenure.web.shared.pages import public
from tenure.web.shared.sign_in import let_in
from tenure.web.shared.sign_in_address import address_of
from tenure.web.shared.sign_in_elsewhere import of_instance

AN_HOUR = 10
TAKEN = {"contact_email": "people.email_taken"}


@public
def join(request: HttpRequest) -> HttpResponse:
    """Enrol a company with its first person. A demonstration signs them in at once; elsewhere the mail comes first,

    so that nobody learns whether an address is somebody's.
    """
    if request.actor.grants:
        return redirect("portal:company")
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            if settings.SIGN_UPS_LIMITED:
                limits.take("join", address_of(request), amount=AN_HOUR, per=limits.HOUR, now=clock.machine())
            partner = _joined(request)
        except Invalid as invalid:
            if not settings.TENURE_DEMO and invalid.fields == TAKEN:
                return _as_if_joined(request)
            errors = field_errors(invalid)
        except Refusal as refusal:
            if refusal.code == limits.TOO_MANY:
                raise
            errors = {"agreement": say(refusal.code, refusal.facts)}
        else:
            if not settings.TENURE_DEMO:
                return redirect("portal:join_sent")
            let_in(request, person(partner.contact_email))
            words = _("Your company has joined. Its partner ID is %(number)s.") % {"number": partner.number}
            flash.success(request, words, extra_tags="ok")
            return redirect("portal:company")
    return render(
        request,
        "portal/join.html",
        {
            "errors": errors,
            "groups": groups(request.POST, errors, request),
            "password": _password_field(errors),
            "agreement": request.programme.agreement(AGREEMENT),
            "accepted": "agreement" in request.POST and "agreement" not in errors,
        },
    )


@public
def join_sent(request: HttpRequest) -> HttpResponse:
    """What everybody reads who has joined, and whoever tried to with an address that is somebody's."""
    return render(request, "portal/join_sent.html")


@public
def join_confirm(request: HttpRequest, token: str) -> HttpResponse:
    """The link from the mail that confirms an address."""
    partner = enrolments.partner_of_token(token)
    if partner is None:
        return render(request, "portal/link_dead.html", {"words": _dead_confirmation()}, status=404)
    _speak(request, partner.language)
    if request.method == "POST":
        enrolment.confirm_email(request.actor, partner, now=request.now)
        return redirect("portal:join_confirm", token)
    checks = enrolments.checks(partner)
    confirmed = any(check.kind == Kind.EMAIL and check.state == State.PASSED for check in checks)
    return render(request, "portal/join_confirm.html", {"company": partner, "confirmed": confirmed, "checks": checks})


@public
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Accept an invitation: somebody new sets a password, somebody known only confirms."""
    row = invitation_of(token)
    if row is None:
        return render(request, "portal/link_dead.html", {"words": _dead_invitation()}, status=404)
    _speak(request, row.language)
    if fault := invitation_fault(row, request.now):
        return render(request, "portal/link_dead.html", {"words": say(fault)}, status=410)
    known = person(row.email)
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            password = "" if known else request.POST.get("password", "")
            accepted = people.accept_invitation(request.actor, row, password=password, now=request.now)
        except Invalid as invalid:
            errors = field_errors(invalid)
        else:
            return _welcome(request, accepted, row.partner_id, new=known is None)
    company = partner_by_id(row.partner_id)
    return render(
        request,
        "portal/invitation.html",
        {
            "errors": errors,
            "invitation": row,
            "company": company,
            "known": known,
            "token": token,
            "providers": [at for at in (of_instance(), directories.of_company(row.partner_id)) if at],
            "roles": [role for role in request.programme.roles if role.code in row.roles],
            "password": _password_field(errors),
        },
    )


def _as_if_joined(request: HttpRequest) -> HttpResponse:
    """The same answer, and the same work, for an address that is somebody's: only its owner is told, by mail."""
    make_password(request.POST.get("password", ""))
    email = request.POST.get("contact_email", "")
    addresses.mention_join(request.actor, None, email=email, now=request.now)
    return redirect("portal:join_sent")


def _speak(request: HttpRequest, spoken: str) -> None:
    """A visitor who has not chosen a language reads on in that of the letter the link stood in."""
    if request.person is None and settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
        translation.activate(spoken)
        request.LANGUAGE_CODE = spoken


def _joined(request: HttpRequest) -> Any:
    reading = Reading(request.POST)
    company = read_company(reading)
    if company.contact_email and (fault := address_fault(company.contact_email)):
        reading.refuse("contact_email", fault)
    password = request.POST.get("password", "")
    try:
        people.sound_password(password, name=company.contact_name, email=company.contact_email)
    except Invalid as invalid:
        # Told together with everything else that is wrong on the page.
        reading.refuse("password", invalid.fields["password"], **invalid.facts)
    reading.ticked("agreement", required="enrolment.agreement_not_accepted")
    reading.check()
    return enrolment.join(
        request.actor,
        None,
        company=company,
        password=password,
        language=language(),
        agreement_version=request.POST.get("agreement_version", ""),
        now=request.now,
    )


def _welcome(request: HttpRequest, user: Any, partner_id: int, *, new: bool) -> HttpResponse:
    """Where somebody goes who has just accepted: in, if it is certain who they are, else through the sign-in page."""
    words = _("You now belong to %(company)s.") % {"company": partner_by_id(partner_id).legal_name}
    if new:
        let_in(request, user)
    if request.user.pk != user.pk:
        told = _("%(words)s Sign in as %(email)s.") % {"words": words, "email": user.email}
        flash.success(request, told, extra_tags="ok")
        return redirect(settings.LOGIN_URL)
    flash.success(request, words, extra_tags="ok")
    request.session["partner"] = partner_id
    return redirect("portal:home")


def _password_field(errors: dict[str, str]) -> list[Field]:
    hint = _("At least %(limit)s characters. A few words in a row are easy to remember and hard to guess.")
    return [
        Field(
            "password",
            _("Password"),
            error=errors.get("password", ""),
            hint=hint % {"limit": people.PASSWORD_LENGTH},
            type="password",
            autocomplete="new-password",
        )
    ]


def _dead_confirmation() -> str:
    return _("This link doesn't confirm an address any more. Sign in and send a new link from the company page.")


def _dead_invitation() -> str:
    return _("This is not the whole link from the invitation. Open it again from the mail, or ask for a new one.")
