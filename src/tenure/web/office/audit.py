"""Who did what, everywhere, and how far it is sealed. It decides nothing. Read next: ``web/shared/trail.py``."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tenure.people.queries import names
from tenure.plumbing.queries import newest_seal
from tenure.proof.seals import EVENTS, sealed
from tenure.web.office.lists import paged
from tenure.web.shared.happened import Entry, entries
from tenure.web.shared.pace import paced
from tenure.web.shared.pages import office
from tenure.web.shared.trail import Asked, as_file


@dataclass(frozen=True, slots=True)
class Line:
    """One event as an auditor reads it."""

    row: Any
    entry: Entry
    who: str


@office("audit.view")
def audit(request: HttpRequest) -> HttpResponse:
    """The newest first; the newest seal is worked out again at every look."""
    asked = Asked.of(request)
    page = paged(request, asked.rows(request.programme.zone, None))
    people = names({row.actor for row in page.rows})
    told = zip(page.rows, entries(page.rows), strict=True)
    seal = newest_seal(EVENTS)
    given = {
        "page": page,
        "lines": [Line(row, entry, people.get(row.actor, entry.by)) for row, entry in told],
        "asked": asked,
        "words": request.GET.urlencode(),
        "seal": seal,
        "whole": seal is not None and sealed(EVENTS, seal.previous, seal.first_id - 1, seal.last_id)[1] == seal.hash,
    }
    return render(request, "office/audit.html", given)


@office("audit.view")
@paced("export")
def audit_file(request: HttpRequest) -> HttpResponse:
    """The same as a file."""
    return as_file(Asked.of(request).rows(request.programme.zone, None), f"audit-{request.today.isoformat()}")
