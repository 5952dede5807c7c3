"""Who did what in the company. It decides nothing. Read next: ``web/shared/trail.py``."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tenure.people.queries import colleagues
from tenure.web.shared.happened import entries
from tenure.web.shared.pace import paced
from tenure.web.shared.pages import portal
from tenure.web.shared.trail import Asked, as_file

PAGE = 50


@portal("audit.view")
def history(request: HttpRequest) -> HttpResponse:
    """The newest first, by person and day."""
    asked = Asked.of(request)
    page = Paginator(asked.rows(request.programme.zone, request.partner.pk), PAGE).get_page(request.GET.get("page"))
    words = request.GET.copy()
    words.pop("page", None)
    given = {
        "entries": entries(list(page)),
        "page": page,
        "more": words.urlencode(),
        "asked": asked,
        "people": [(f"person:{place.user.pk}", place.user.name) for place in colleagues(request.partner.pk)],
    }
    return render(request, "portal/history.html", given)


@portal("audit.view")
@paced("export")
def history_file(request: HttpRequest) -> HttpResponse:
    """The same as a file."""
    rows = Asked.of(request).rows(request.programme.zone, request.partner.pk)
    return as_file(rows, f"history-{request.partner.number}-{request.today.isoformat()}")
