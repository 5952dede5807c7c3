"""What stands between being signed in and doing something: a second factor where a role asks for one, and a fresh
proof of who one is for what could do harm in a stranger's hands.

It decides by the roles held now and by how this session was signed in to, read at every request. In a demonstration
whoever came in without a password is asked for neither; outside one there is no such way in. It must never lose what
somebody has typed. Read next: ``pages.py``, ``people/rules.py``.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import STATE_SESSION_KEY, get_reauthentication_flows
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import resolve
from django.utils.http import urlencode

from tenure.people.rules import LATELY, proof_is_old
from tenure.plumbing import clock
from tenure.web.shared.sign_in_factors import FACTORS

CARRY_ON = "tenure.web.shared.sign_in_gate.carry_on"

# What somebody may do who still has to set up a second factor.
OPEN: set[str | None] = {
    "account_logout",
    "account_reauthenticate",
    "mfa_index",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "mfa_list_webauthn",
    "mfa_view_recovery_codes",
    "mfa_reauthenticate",
    "mfa_reauthenticate_webauthn",
}


def looks_around(request: HttpRequest) -> bool:
    """Whether somebody came in by the demonstration's own door, which asks for nothing."""
    return settings.TENURE_DEMO and not get_authentication_records(request, request.user)


def lacks_factor(request: HttpRequest) -> bool:
    """Whether a role asks for a second factor that the person does not have yet."""
    return (
        request.actor.second_factor and not looks_around(request) and not is_mfa_enabled(request.person, types=FACTORS)
    )


def turned_away(request: HttpRequest) -> HttpResponse | None:
    """The way to the page that sets a second factor up, for whoever must have one and has none."""
    return redirect("portal:security") if lacks_factor(request) else None


def held_back(request: HttpRequest) -> HttpResponse | None:
    """The same for the pages of the sign-in library, which carry no guard of ours."""
    if request.person is None or request.resolver_match.url_name in OPEN:
        return None
    return turned_away(request)


def proven(request: HttpRequest) -> bool:
    """Whether the person has shown within the last quarter of an hour that it is them."""
    return looks_around(request) or not proof_is_old(get_authentication_records(request, request.user), clock.machine())


def confirmed(view: Callable) -> Callable:
    """Ask once more who it is before something is done; what was typed is kept and done after that.

    Stands under the guard of a page: ``@portal("renewals.remove_card")``, then ``@confirmed``.
    """

    @wraps(view)
    def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST" or proven(request):
            return view(request, *args, **kwargs)
        return ask_again(request)

    asked.asks_again = True
    return asked


def ask_again(request: HttpRequest) -> HttpResponse:
    """To the page that asks for the password or a factor, and back to where this request was going."""
    path = request.get_full_path()
    if request.method == "POST":
        kept = request.POST.copy()
        kept.pop("csrfmiddlewaretoken", None)
        state = {"path": path, "fields": kept.urlencode(), "at": clock.machine().timestamp()}
        request.session[STATE_SESSION_KEY] = {"state": state, "callback": CARRY_ON}
    methods = get_adapter().get_reauthentication_methods(request.user)
    where = methods[0]["url"] if methods else "/security/again/"
    return redirect(f"{where}?{urlencode({'next': path})}")


def carry_on(request: HttpRequest, state: dict[str, Any]) -> HttpResponse:
    """Do what was asked before the question came; something older, or meant for elsewhere, is only gone back to."""
    path = state["path"]
    fresh = clock.machine().timestamp() - state["at"] < LATELY.total_seconds()
    if not fresh or (request.POST.get("next") or request.GET.get("next")) != path:
        return redirect(path)
    request.method, request.POST = "POST", QueryDict(state["fields"])
    request.path = request.path_info = path.partition("?")[0]
    request.GET = QueryDict(path.partition("?")[2])
    request.resolver_match = found = resolve(request.path)
    return found.func(request, *found.args, **found.kwargs)


def can_prove(user: Any) -> bool:
    """Whether somebody has a password or a factor here to prove themselves with."""
    return bool(get_reauthentication_flows(user))
