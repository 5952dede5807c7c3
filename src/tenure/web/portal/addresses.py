"""Another e-mail address for the person who is signed in, and the two links that agree to it.

It decides nothing: that both addresses have to agree is ``people/addresses.py``'s business. A link shows what is to
happen; only a press of the button agrees. Read next: ``web/portal/security.py``.
"""

from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from tenure.kernel.refusals import Invalid, Refusal
from tenure.people import addresses
from tenure.plumbing import clock
from tenure.web.portal.security import shell_of
from tenure.web.shared.forms import Field, Reading
from tenure.web.shared.messages import field_errors, say
from tenure.web.shared.pages import public, signed_in
from tenure.web.shared.sign_in_gate import confirmed


@signed_in
@confirmed
def email_change(request: HttpRequest) -> HttpResponse:
    """Ask for another address. Whether it is somebody's already is not said here."""
    errors: dict[str, str] = {}
    if request.method == "POST":
        reading = Reading(request.POST)
        email = reading.email("email")
        try:
            reading.check()
            addresses.ask_email_change(request.actor, request.person, email=email, now=clock.machine())
        except Invalid as invalid:
            errors = field_errors(invalid)
        else:
            words = _("Two letters are on their way: one to your present address, one to the new one.")
            flash.success(request, words, extra_tags="ok")
            return redirect("portal:security")
    typed = request.POST.get("email", "")
    field = Field("email", _("New e-mail address"), typed, errors.get("email", ""), type="email", autocomplete="email")
    given = {"shell": shell_of(request), "errors": errors, "fields": [field]}
    return render(request, "portal/email_change.html", given)


@public
def email_agree(request: HttpRequest, token: str) -> HttpResponse:
    """The link from one of the two letters."""
    change, side = addresses.change_of(token)
    over = _("This link has been used or has expired. Ask for the change again from the page on how you sign in.")
    if change is None or (change.closed_at and not change.done):
        return render(request, "portal/link_dead.html", {"words": over}, status=410)
    if request.method == "POST":
        try:
            change = addresses.agree_email_change(request.actor, change, side=side, now=clock.machine())
        except Refusal as refusal:
            return render(request, "portal/link_dead.html", {"words": say(refusal.code, refusal.facts)}, status=410)
    agreed = change.old_agreed_at if side == addresses.OLD else change.new_agreed_at
    return render(request, "portal/email_agree.html", {"change": change, "agreed": bool(agreed), "done": change.done})
