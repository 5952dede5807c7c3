"""Renewal runs: what each daily run found due and what became of it.

It must never start one; the worker does. Read next: ``renewals/actions.py``.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tenure.renewals.queries import dues_of
from tenure.renewals.queries import run as run_by_id
from tenure.renewals.queries import runs as all_runs
from tenure.web.office.lists import paged
from tenure.web.shared.happened import due_words
from tenure.web.shared.pages import found, office


@office("office.view")
def runs(request: HttpRequest) -> HttpResponse:
    """Every run that had something to do, the newest first."""
    return render(request, "office/runs.html", {"page": paged(request, all_runs()), "nav": "office:today"})


@office("memberships.view")
def run(request: HttpRequest, id: int) -> HttpResponse:
    """One run: its figures and everything it noted."""
    row = found(run_by_id(id))
    page = paged(request, dues_of(row))
    names = {offer.code: offer.name for offer in request.programme.offers}
    lines = [
        (due, due_words(due.action), names.get(due.subscription.offer, due.subscription.offer)) for due in page.rows
    ]
    return render(request, "office/run.html", {"run": row, "page": page, "lines": lines, "nav": "office:today"})
