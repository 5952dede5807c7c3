"""Tax exemption: a company applies with its certificate and sees how its applications stand.

It must never decide one; staff does (``partners/exemptions.py``). Read next: ``web/office/certificates.py``.
"""

from typing import Any

from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from tenure.kernel.refusals import Invalid, Refusal
from tenure.partners.exemptions import WORDS_LIMIT, ask_exemption
from tenure.partners.queries import applications, exemptions, undecided_application
from tenure.partners.rules import ApplicationStatus, ExemptionKind
from tenure.plumbing.files import handed_in
from tenure.web.shared.forms import MEGABYTE, Field, Reading
from tenure.web.shared.messages import field_errors, words_of
from tenure.web.shared.once import key_of, read_key
from tenure.web.shared.pages import portal
from tenure.web.shared.statuses import status_of


@portal("partners.ask_exemption")
def exemption(request: HttpRequest) -> HttpResponse:
    """Apply, answer what staff has asked, or see that the application is being checked."""
    errors: dict[str, str] = {}
    status = 200
    if request.method == "POST":
        try:
            _ask(request)
        except Invalid as invalid:
            errors, status = field_errors(invalid), 422
        except Refusal as refusal:
            errors, status = {"form": words_of(refusal)}, 409
        else:
            flash.success(request, _("The application is sent. We'll mail you when it is decided."), extra_tags="ok")
            return redirect("portal:exemption")
    undecided = undecided_application(request.partner.pk)
    given = {
        "undecided": undecided,
        "form": undecided is None or undecided.status == ApplicationStatus.PENDING_PARTNER,
        "exemptions": exemptions(request.partner),
        "earlier": [row for row in applications(request.partner.pk) if undecided is None or row.pk != undecided.pk],
        "fields": _fields(request, undecided, errors),
        "key": key_of(request),
        "errors": errors,
        "nav": "portal:company",
    }
    return render(request, "portal/exemption.html", given, status=status)


def _ask(request: HttpRequest) -> None:
    undecided = undecided_application(request.partner.pk)
    reading = Reading(request.POST, request.FILES)
    kind = reading.choice("kind", list(ExemptionKind))
    certificate = reading.text("certificate", limit=80, missing="exemption.certificate_missing")
    valid_from, valid_to = reading.day("valid_from"), reading.day("valid_to")
    upload = reading.file("file", limit=MEGABYTE, required=undecided is None)
    note = reading.text("note", limit=WORDS_LIMIT, required=False)
    key = read_key(request, reading)
    reading.check()
    ask_exemption(
        request.actor,
        request.partner,
        key=key,
        kind=ExemptionKind(kind),
        certificate=certificate,
        valid_from=valid_from,
        valid_to=valid_to,
        file=handed_in(upload.name, upload.kind, upload.content) if upload else None,
        note=note,
        now=request.now,
    )


def _fields(request: HttpRequest, undecided: Any, errors: dict[str, str]) -> list[Field]:
    names = ("kind", "certificate", "valid_from", "valid_to", "note")
    before = {name: str(getattr(undecided, name)) for name in names} if undecided else {}
    value = {**before, **request.POST.dict()}

    def field(name: str, label: str, **more: Any) -> Field:
        return Field(name, label, value.get(name, ""), errors.get(name, ""), **more)

    kept = _("PDF, JPEG, PNG or GIF, at most 1 MB. Leave it empty to keep the one you sent.")
    day = _("Like 2019-07-03 or 108/7/3.")
    kinds = [(str(kind), status_of(kind)[0]) for kind in ExemptionKind]
    return [
        field("kind", _("Your company is exempt as"), type="select", options=kinds),
        field("certificate", _("Certificate number"), maxlength=80),
        field("valid_from", _("Valid from"), hint=day, short=True),
        field("valid_to", _("Valid to, this day included"), hint=day, short=True),
        field(
            "file",
            _("Certificate"),
            type="file",
            optional=undecided is not None,
            hint=kept if undecided else _("PDF, JPEG, PNG or GIF, at most 1 MB."),
        ),
        field("note", _("Note to our finance team"), type="textarea", rows=3, optional=True, maxlength=WORDS_LIMIT),
    ]
