"""The page on which keys for programs are made, replaced and revoked: the same in the portal and in the office.

A secret is shown in the answer to the press that made it and nowhere else. It must never store one, not in a session
either. Read next: ``people/keys.py``.
"""

from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tenure.kernel.access import may
from tenure.kernel.refusals import Invalid, NotYours, Refusal
from tenure.people import keys
from tenure.web.shared.forms import Field, Reading
from tenure.web.shared.messages import field_errors, words_of

DAYS = (30, 90, 180, 365)
SOON_DAYS = 14


def show(request: HttpRequest, company: Any, template: str) -> HttpResponse:
    """The keys that are there, and the form for another. ``company`` is ``None`` in the office."""
    errors, made = {}, None
    if request.method == "POST":
        try:
            made = _make(request, company)
        except Invalid as invalid:
            errors = field_errors(invalid)
    return _page(request, company, template, made=made, errors=errors)


def replace(request: HttpRequest, company: Any, template: str, id: int) -> HttpResponse:
    """Put a new key in an old one's place; the old one works on for a day."""
    row = _own(company, id)
    try:
        made = keys.rotate_key(request.actor, row, now=request.now)
    except Refusal as refusal:
        return _page(request, company, template, errors={"form": words_of(refusal)})
    return _page(request, company, template, made=made)


def revoke(request: HttpRequest, company: Any, back: str, id: int) -> HttpResponse:
    keys.revoke_key(request.actor, _own(company, id), now=request.now)
    return redirect(back)


def _own(company: Any, id: int) -> Any:
    row = keys.get(id)
    if row is None or row.partner_id != (company.pk if company is not None else None):
        raise NotYours("key")
    return row


def _make(request: HttpRequest, company: Any) -> keys.Made:
    reading = Reading(request.POST)
    may_give = keys.may_give(request.actor, company.pk if company is not None else None)
    name = reading.text("name", limit=keys.NAME_LIMIT)
    days = reading.choice("days", [str(each) for each in DAYS])
    scopes = reading.choices("scopes", may_give, required=True)
    reading.check()
    given = {"name": name, "scopes": scopes, "days": int(days), "programme": request.programme}
    return keys.make_key(request.actor, company, **given, now=request.now)


def _page(
    request: HttpRequest,
    company: Any,
    template: str,
    *,
    made: keys.Made | None = None,
    errors: dict[str, str] | None = None,
) -> HttpResponse:
    partner_id = company.pk if company is not None else None
    posted, errors = (request.POST if errors else {}), errors or {}
    names = keys.may_give(request.actor, partner_id)
    groups = [(head, list(each)) for head, each in groupby(names, key=lambda name: name.split(".")[0])]
    given = {
        "keys": [(row, _state(row, request.now)) for row in keys.keys_of(partner_id)],
        "made": made,
        "errors": errors,
        "groups": groups,
        "chosen": posted.getlist("scopes") if posted else [],
        "fields": _fields(posted, errors),
        "may_make": may(request.actor, "people.make_key", partner_id),
        "may_replace": may(request.actor, "people.rotate_key", partner_id),
        "may_revoke": may(request.actor, "people.revoke_key", partner_id),
    }
    return render(request, template, given, status=422 if errors else 200)


def _fields(posted: Any, errors: dict[str, str]) -> list[Field]:
    terms = [(str(days), ngettext("%(days)d day", "%(days)d days", days) % {"days": days}) for days in DAYS]
    hint = _("What it is for, so that you know it again.")
    return [
        Field("name", _("Name"), posted.get("name", ""), errors.get("name", ""), hint=hint, maxlength=keys.NAME_LIMIT),
        Field(
            "days",
            _("Ends after"),
            posted.get("days", "90"),
            errors.get("days", ""),
            type="select",
            options=terms,
            short=True,
        ),
    ]


def _state(row: Any, now: Any) -> str:
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if row.expires_at <= now else "active"
