"""The page behind an alert's link: a company is to get a new admin, and whoever was told may stop it.

It decides nothing. Looking changes nothing: programs follow links in letters, only a press of the button acts. Read
next: ``enrolment/recovery.py``.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from tenure.enrolment.queries import recovery_of_token
from tenure.enrolment.recovery import stop_recovery
from tenure.web.shared.pages import public


@public
def recovery(request: HttpRequest, token: str) -> HttpResponse:
    """What is about to happen, and the one button that stops it."""
    row, who = recovery_of_token(token)
    if row is None:
        words = _("This is not the whole link from the letter. Open it again from the mail.")
        return render(request, "portal/link_dead.html", {"words": words}, status=404)
    if request.method == "POST" and row.open:
        stop_recovery(request.actor, row, who=who, now=request.now)
        return redirect("portal:recovery", token)
    return render(request, "portal/recovery.html", {"recovery": row, "company": row.partner})
