"""Parked work: what kept failing and what only a person can settle, the oldest first.

It must never repair anything; it asks for another try or notes that somebody has settled it. Read next:
``plumbing/outbox.py``.
"""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from tenure.partners.queries import by_id
from tenure.payments.queries import unanswered
from tenure.plumbing import outbox
from tenure.plumbing.queries import open_tasks, reaction, task
from tenure.plumbing.queries import parked as parked_reactions
from tenure.reports.queries import SEEN_ELSEWHERE
from tenure.web.office.lists import paged
from tenure.web.office.rights import rights
from tenure.web.office.task_words import task_words
from tenure.web.shared.happened import sentence
from tenure.web.shared.pages import found, office

SHOWN = 100


@office("parked.retry")
def parked(request: HttpRequest) -> HttpResponse:
    """Parked reactions with their last error, and open tasks."""
    page = paged(request, open_tasks().exclude(kind__in=("reaction", *SEEN_ELSEWHERE)))
    reactions = list(parked_reactions()[:SHOWN])
    companies = by_id({row.partner_id for row in page.rows} | {row.event.partner_id for row in reactions} - {None})
    given = {
        "reactions": [
            (row, sentence(row.event.name, outbox.read(row.event).payload), companies.get(row.event.partner_id))
            for row in reactions
        ],
        "charges": list(unanswered()[:SHOWN]),
        "page": page,
        "tasks": [
            (row, task_words(row.kind, row.object, row.reason), companies.get(row.partner_id)) for row in page.rows
        ],
        "rights": rights(request, close="parked.close_task"),
    }
    return render(request, "office/parked.html", given)


@office("parked.retry")
def retry(request: HttpRequest, id: int) -> HttpResponse:
    """Another five tries for one reaction."""
    row = found(reaction(id))
    if request.method == "POST":
        outbox.retry_parked(request.actor, row, now=request.now)
        messages.success(request, _("It is tried again. If it fails again, it comes back here."))
    return redirect("office:parked")


@office("parked.close_task")
def close(request: HttpRequest, id: int) -> HttpResponse:
    """Somebody has settled what a task asked for."""
    row = found(task(id))
    if request.method == "POST":
        outbox.settle_task(request.actor, row, now=request.now)
        messages.success(request, _("The task is done."))
    return redirect("office:parked")
