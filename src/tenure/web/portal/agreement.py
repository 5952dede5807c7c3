"""What a company owes the programme while it is a member: the agreement's newest version, and papers for open checks.

It decides nothing: who may accept and when a paper is taken stands in ``enrolment/actions.py``. Read next: that file.
"""

from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from tenure.enrolment import actions as enrolment
from tenure.enrolment import queries as enrolments
from tenure.enrolment.queries import AGREEMENT
from tenure.enrolment.rules import Kind, State
from tenure.kernel.refusals import Invalid, Refusal
from tenure.plumbing.files import handed_in
from tenure.web.shared.forms import Field, Reading
from tenure.web.shared.messages import field_errors, say
from tenure.web.shared.pages import can_help, owned, portal

NOTE_LIMIT = 500


@portal("company.view")
def agreement(request: HttpRequest) -> HttpResponse:
    """The agreement that is put before people now, with the button that accepts it."""
    errors: dict[str, str] = {}
    if request.method == "POST":
        reading = Reading(request.POST)
        try:
            reading.ticked("agreement", required="enrolment.agreement_not_accepted")
            reading.check()
            version = request.POST.get("agreement_version", "")
            enrolment.accept_agreement(request.actor, request.partner, version=version, now=request.now)
        except Invalid as invalid:
            errors = field_errors(invalid)
        except Refusal as refusal:
            if refusal.code == "access.forbidden":
                raise
            errors = {"agreement": say(refusal.code, refusal.facts)}
        else:
            flash.success(request, _("The agreement is accepted for your company."), extra_tags="ok")
            return redirect("portal:company")
    given = {
        "agreement": request.programme.agreement(AGREEMENT),
        "agreed": enrolments.agreed(request.partner.pk, request.programme),
        "helpers": can_help(request, "enrolment.accept_agreement"),
        "errors": errors,
        "nav": "portal:company",
    }
    return render(request, "portal/agreement.html", given, status=400 if errors else 200)


@portal("enrolment.hand_in")
def document(request: HttpRequest, id: int) -> HttpResponse:
    """Hand in a document for a check that is still open."""
    check = owned(request, enrolments.check(id), "enrolment.hand_in")
    if check.state != State.PENDING or check.kind == Kind.EMAIL:
        return redirect("portal:company")
    errors: dict[str, str] = {}
    if request.method == "POST":
        reading = Reading(request.POST, request.FILES)
        try:
            note = reading.text("note", limit=NOTE_LIMIT, required=False)
            upload = reading.file("file")
            reading.check()
            file = handed_in(upload.name, upload.kind, upload.content)
            enrolment.hand_in(request.actor, check, file=file, note=note, now=request.now)
        except Invalid as invalid:
            errors = field_errors(invalid)
        else:
            flash.success(request, _("The document is with us."), extra_tags="ok")
            return redirect("portal:company")
    hint = _("For example an extract from the company register. PDF, JPEG, PNG or GIF, at most 10 MB.")
    note = request.POST.get("note", "")
    fields = [
        Field("file", _("Document"), error=errors.get("file", ""), type="file", hint=hint),
        Field("note", _("Note"), note, errors.get("note", ""), optional=True, maxlength=NOTE_LIMIT),
    ]
    given = {"check": check, "fields": fields, "errors": errors, "nav": "portal:company"}
    return render(request, "portal/check_document.html", given, status=400 if errors else 200)
