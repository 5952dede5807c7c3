"""How a person signs in: the password, the factors, the address, and the browsers that are signed in now.

It decides nothing: what a factor is and how long a visit lasts stands elsewhere. It is the one page of ours that is
open to whoever still has to set up a second factor. Read next: ``web/shared/sign_in_gate.py``, ``people/visits.py``.
"""

from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tenure.kernel.refusals import NotYours
from tenure.people import addresses, directories, identities, visits
from tenure.plumbing import clock
from tenure.web.shared.pages import before_factor
from tenure.web.shared.sign_in_device import describe
from tenure.web.shared.sign_in_elsewhere import of_instance, press
from tenure.web.shared.sign_in_gate import lacks_factor, proven
from tenure.web.shared.sign_in_visits import VISIT


@before_factor
def security(request: HttpRequest) -> HttpResponse:
    """Everything about how one signs in, on one page."""
    factors = list(Authenticator.objects.filter(user=request.person).order_by("created_at"))
    codes = next((each for each in factors if each.type == Authenticator.Type.RECOVERY_CODES), None)
    return render(
        request,
        "portal/security.html",
        {
            "shell": shell_of(request),
            "lacking": lacks_factor(request),
            "app": next((each for each in factors if each.type == Authenticator.Type.TOTP), None),
            "passkeys": [each for each in factors if each.type == Authenticator.Type.WEBAUTHN],
            "codes_left": len(codes.wrap().get_unused_codes()) if codes else None,
            "devices": [
                (visit, describe(visit.agent), visit.pk == request.session.get(VISIT))
                for visit in visits.of(request.person, clock.machine())
            ],
            "press": press(request),
            "identities": identities.of(request.person),
            "providers": _providers(request),
            "moving": addresses.open_change(request.person, clock.machine()),
        },
    )


@before_factor
@require_POST
def device_end(request: HttpRequest, id: int) -> HttpResponse:
    """Sign out one browser."""
    visit = visits.one_of(request.person, id)
    if visit is None:
        raise NotYours("visit")
    visits.end(visit, "ended", now=clock.machine())
    flash.success(request, _("That device is signed out."), extra_tags="ok")
    return redirect("portal:security")


@before_factor
@require_POST
def devices_end(request: HttpRequest) -> HttpResponse:
    """Sign out every browser but this one."""
    here = request.session.get(VISIT)
    visits.end_all(request.person.pk, "ended", now=clock.machine(), but=here)
    flash.success(request, _("Every other device is signed out."), extra_tags="ok")
    return redirect("portal:security")


@before_factor
def again(request: HttpRequest) -> HttpResponse:
    """For whoever has neither a password nor a factor here: signing in anew is the only proof."""
    if proven(request):
        return redirect("portal:security")
    return render(
        request, "portal/security_again.html", {"shell": "shell/plain.html", "providers": _providers(request)}
    )


def _providers(request: HttpRequest) -> list[Any]:
    """Where this person may link an account: the installation's provider, and those of their companies."""
    everybodys = of_instance()
    return [*([everybodys] if everybodys else []), *directories.of_companies(list(request.actor.grants))]


def shell_of(request: HttpRequest) -> str:
    """The frame around a page that belongs to a person and not to a company."""
    if lacks_factor(request) or not (request.actor.grants or request.actor.is_staff):
        return "shell/plain.html"
    return "shell/portal.html" if request.partner else "shell/office.html"
