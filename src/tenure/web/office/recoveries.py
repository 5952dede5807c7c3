"""Companies whose admins are all gone: the list, starting a recovery with its evidence, and the second yes.

It decides nothing; ``enrolment/recovery.py`` does. Read next: that file.
"""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tenure.enrolment.queries import recoveries as all_recoveries
from tenure.enrolment.queries import recovery as recovery_by_id
from tenure.enrolment.recovery import agree_recovery, start_recovery, stop_recovery
from tenure.kernel.refusals import Invalid, Refusal
from tenure.kernel.text import LANGUAGES
from tenure.partners.queries import find
from tenure.people.queries import names
from tenure.plumbing.files import handed_in
from tenure.web.office.files import download
from tenure.web.office.lists import paged
from tenure.web.office.rights import rights
from tenure.web.shared.forms import Field, Reading
from tenure.web.shared.messages import field_errors, say, words_of
from tenure.web.shared.pages import found, office

REASON_LIMIT = 1000
NAV = "office:verifications"


@office("partners.view")
def recoveries(request: HttpRequest) -> HttpResponse:
    """Every recovery, the newest first."""
    return render(request, "office/recoveries.html", {"page": paged(request, all_recoveries()), "nav": NAV})


@office("enrolment.start_recovery")
def recovery_new(request: HttpRequest, id: int) -> HttpResponse:
    """Start the recovery of a company, with what shows that the person who asks may."""
    company = found(find(id))
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            row = _started(request, company)
        except Invalid as invalid:
            errors = field_errors(invalid)
        except Refusal as refusal:
            errors = {"name": words_of(refusal)}
        else:
            messages.success(request, _("Started. Everybody the company knew has been told."))
            return redirect("office:recovery", row.pk)
    given = {"company": company, "fields": _fields(request, errors), "errors": errors, "nav": NAV}
    return render(request, "office/recovery_new.html", given, status=400 if errors else 200)


@office("partners.view")
def recovery(request: HttpRequest, id: int) -> HttpResponse:
    """One recovery: who is to come in, on what ground, and how far it is."""
    return _page(request, found(recovery_by_id(id)))


@office("enrolment.agree_recovery")
@require_POST
def recovery_agree(request: HttpRequest, id: int) -> HttpResponse:
    """The second yes."""
    row = found(recovery_by_id(id))
    try:
        agree_recovery(request.actor, row, now=request.now)
    except Refusal as refusal:
        return _page(request, row, say(refusal.code, refusal.facts))
    messages.success(request, _("Agreed. The invitation goes out when the waiting days are over."))
    return redirect("office:recovery", row.pk)


@office("enrolment.start_recovery")
@require_POST
def recovery_stop(request: HttpRequest, id: int) -> HttpResponse:
    """End it: whoever could begin it may."""
    row = found(recovery_by_id(id))
    try:
        stop_recovery(request.actor, row, who=request.actor.label, now=request.now)
    except Refusal as refusal:
        return _page(request, row, say(refusal.code, refusal.facts))
    messages.success(request, _("Stopped. Nobody has become an admin."))
    return redirect("office:recovery", row.pk)


def _page(request: HttpRequest, row, error: str = "") -> HttpResponse:
    people = names({row.started_by, row.agreed_by, row.stopped_by})
    given = {
        "recovery": row,
        "company": row.partner,
        "error": error,
        "started_by": people.get(row.started_by, ""),
        "agreed_by": people.get(row.agreed_by, ""),
        "stopped_by": people.get(row.stopped_by, ""),
        "rights": rights(request, agree="enrolment.agree_recovery", start="enrolment.start_recovery"),
        "own": row.started_by == request.actor.behind,
        "nav": NAV,
    }
    return render(request, "office/recovery.html", given, status=409 if error else 200)


@office("enrolment.start_recovery")
def recovery_evidence(request: HttpRequest, id: int) -> HttpResponse:
    """The document that shows who asks."""
    return download(found(recovery_by_id(id)).evidence)


def _started(request: HttpRequest, company):
    reading = Reading(request.POST, request.FILES)
    name = reading.text("name", limit=120)
    email = reading.email("email")
    spoken = reading.choice("language", LANGUAGES)
    reason = reading.text("reason", limit=REASON_LIMIT)
    file = reading.file("evidence")
    reading.check()
    evidence = handed_in(file.name, file.kind, file.content)
    given = {"name": name, "email": email, "language": spoken, "reason": reason, "evidence": evidence}
    return start_recovery(request.actor, company, **given, now=request.now)


def _fields(request: HttpRequest, errors: dict[str, str]) -> list[Field]:
    posted = request.POST
    return [
        Field("name", _("Name"), posted.get("name", ""), errors.get("name", ""), hint=_("Who is to be invited.")),
        Field("email", _("E-mail address"), posted.get("email", ""), errors.get("email", ""), type="email"),
        Field(
            "language",
            _("Language of the invitation"),
            posted.get("language", "en"),
            errors.get("language", ""),
            type="select",
            options=(("en", "English"), ("zh-hant", "繁體中文")),
            short=True,
        ),
        Field(
            "reason",
            _("How it was shown that the admins are gone and this person may act"),
            posted.get("reason", ""),
            errors.get("reason", ""),
            type="textarea",
            maxlength=REASON_LIMIT,
        ),
        Field(
            "evidence",
            _("Evidence"),
            error=errors.get("evidence", ""),
            type="file",
            hint=_("For example an extract from the company register. PDF, JPEG, PNG or GIF, at most 10 MB."),
        ),
    ]
