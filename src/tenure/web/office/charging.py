"""The switch that stops charging cards: whether they are charged, why not, and who stopped it before.

It decides nothing: ``plumbing/charging.py`` does, and its verbs ask for a reason. Read next: ``plumbing/charging.py``.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tenure.kernel.refusals import Invalid
from tenure.people.queries import names
from tenure.plumbing import charging as switch
from tenure.plumbing import offset
from tenure.web.office.rights import rights
from tenure.web.shared.forms import Reading
from tenure.web.shared.messages import field_errors
from tenure.web.shared.pages import office


@office("charging.view")
def charging(request: HttpRequest) -> HttpResponse:
    """What is so now, the switch, and the times it was stopped."""
    return _page(request)


def _page(request: HttpRequest, errors: dict[str, str] | None = None) -> HttpResponse:
    rows, why = switch.stops(), switch.why_not()
    people = names({name for row in rows for name in (row.stopped_by, row.started_by)})
    given: dict[str, Any] = {
        "why": why,
        "off": offset.wrong(),
        "stopped": bool(why and why.cause in (switch.HAND, switch.BOUND)),
        "rows": [(row, people.get(row.stopped_by, "Tenure"), people.get(row.started_by, "Tenure")) for row in rows],
        "reason": request.POST.get("reason", "") if errors else "",
        "errors": errors or {},
        "rights": rights(request, stop="charging.stop", start="charging.start"),
        "nav": "office:charging",
    }
    return render(request, "office/charging.html", given, status=422 if errors else 200)


@office("charging.stop")
@require_POST
def stop(request: HttpRequest) -> HttpResponse:
    """Stop charging; the reason stays."""
    return _switched(request, switch.stop, _("No card is charged from now on."))


@office("charging.start")
@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Let cards be charged again; the reason stays."""
    return _switched(request, switch.start, _("Cards are charged again."))


def _switched(request: HttpRequest, verb: Callable[..., bool], words: str) -> HttpResponse:
    try:
        reason = Reading(request.POST).text("reason", limit=switch.REASON_LIMIT, required=False)
        verb(request.actor, None, reason=reason or "", now=request.now)
    except Invalid as invalid:
        return _page(request, field_errors(invalid))
    messages.success(request, words, "ok")
    return redirect("office:charging")
