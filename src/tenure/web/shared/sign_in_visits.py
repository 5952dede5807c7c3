"""Every signed-in browser is a visit: begun at the door, looked at on every request, ended with its session.

It decides nothing about how long: ``people/rules.py`` does. A session without a visit that goes on is nobody's. It
must never let one live on after a password or a factor has changed elsewhere. Read next: ``people/visits.py``.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as factors
from allauth.mfa.models import Authenticator
from django.contrib import messages as flash
from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from tenure.people import seeds, visits
from tenure.people.rules import PASSWORD_MOST, visit_over
from tenure.plumbing import clock
from tenure.web.shared import messages
from tenure.web.shared import sign_in_device as device
from tenure.web.shared.sign_in_address import address_of
from tenure.web.shared.sign_in_gate import held_back

VISIT = "visit"
LOOKED = "visit_looked_at"
"""In the session: under which key, when the visit began and when its row was last looked at, in seconds."""
PASSWORDS = ("password", "oldpassword", "password1", "password2")


class Visits:
    """Middleware: whoever's visit is over is nobody, and is told why."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            self._look_at(request)
        response = self.get_response(request)
        if someone := getattr(request, "has_signed_in", None):
            device.remember(request, response, someone.email)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """What no page reads: a password of a megabyte, and allauth's own pages before a factor is set up."""
        if any(len(text) > PASSWORD_MOST for name in PASSWORDS for text in request.POST.getlist(name)):
            words = messages.say("password.too_long", {"limit": PASSWORD_MOST})
            return render(request, "409.html", {"words": words}, status=422)
        return held_back(request) if request.path.startswith("/accounts/") else None

    def _look_at(self, request: HttpRequest) -> None:
        now = clock.machine()
        if _looked_at_lately(request, now):
            return
        visit, why = visits.goes_on(
            request.session.get(VISIT, 0),
            request.user,
            session=request.session.session_key or "",
            address=address_of(request),
            now=now,
        )
        if visit is not None:
            _note_look(request, visit.began_at, visit.seen_at)
            return
        logout(request)
        if why in ("idle", "absolute"):
            flash.info(request, _("You were signed out because some time has passed. Sign in again to go on."))


def _looked_at_lately(request: HttpRequest, now: datetime) -> bool:
    """Whether the row need not be asked: a visit that was ended took its session along, and time is told by this."""
    key, began, seen = request.session.get(LOOKED, ("", 0, 0))
    began_at, seen_at = (datetime.fromtimestamp(at, UTC) for at in (began, seen))
    over = visit_over(began_at, seen_at, now, staff=bool(request.user.staff_roles))
    return key == request.session.session_key and now - seen_at < visits.SEEN_EVERY and not over


def _note_look(request: HttpRequest, began_at: datetime, seen_at: datetime) -> None:
    request.session[LOOKED] = [request.session.session_key, began_at.timestamp(), seen_at.timestamp()]


def began(sender: Any, request: HttpRequest, user: Any, **more: Any) -> None:
    """Somebody has come in, by whatever door. Whoever was here before in this browser has left."""
    if before := visits.one_of(user, request.session.get(VISIT, 0)):
        if before.session == request.session.session_key:
            # Coming in again as oneself keeps the session; it must not go with the visit that ends.
            request.session.cycle_key()
        visits.end(before, "again", now=clock.machine())
    if request.session.session_key is None:
        request.session.create()
    visit = visits.begin(
        user,
        session=request.session.session_key,
        address=address_of(request),
        agent=request.META.get("HTTP_USER_AGENT", ""),
        now=clock.machine(),
    )
    request.session[VISIT] = visit.pk
    _note_look(request, visit.began_at, visit.seen_at)
    request.has_signed_in = user


def left(sender: Any, request: HttpRequest, user: Any, **more: Any) -> None:
    if user is not None and (visit := visits.one_of(user, request.session.get(VISIT, 0))):
        visits.end(visit, "signed_out", now=clock.machine())


def changed(sender: Any, request: HttpRequest, user: Any, **more: Any) -> None:
    """A password or a factor has changed: every other browser signs in anew, and this one gets a new session."""
    kept = Authenticator.objects.filter(user=user).values_list("data", flat=True)
    seeds.forget(user, {str(data[name]) for data in kept for name in ("secret", "seed") if name in data})
    here = request.session.get(VISIT, 0) if request.user.is_authenticated else None
    visits.end_all(user.pk, "changed", now=clock.machine(), but=here)
    if here and request.session.session_key:
        request.session.cycle_key()


def proved(sender: Any, request: HttpRequest, **more: Any) -> None:
    """Whoever has shown anew who they are may do more than before: under a new session id."""
    if request.user.is_authenticated and request.session.session_key:
        request.session.cycle_key()


def added(sender: Any, request: HttpRequest, user: Any, authenticator: Any, **more: Any) -> None:
    """The code that has set an authenticator up is used by that."""
    if authenticator.type == Authenticator.Type.TOTP:
        authenticator.data["last_step"] = int(clock.machine().timestamp()) // 30
        authenticator.save(update_fields=["data"])
    changed(sender, request, user)


def connect() -> None:
    """Hear of every way in and out, once."""
    user_logged_in.connect(began, dispatch_uid="visits.began")
    user_logged_out.connect(left, dispatch_uid="visits.left")
    for signal in (account.password_changed, account.password_set, account.password_reset):
        signal.connect(changed, dispatch_uid="visits.changed")
    account.authentication_step_completed.connect(proved, dispatch_uid="visits.proved")
    factors.authenticator_added.connect(added, dispatch_uid="visits.added")
    for signal in (factors.authenticator_removed, factors.authenticator_reset):
        signal.connect(changed, dispatch_uid="visits.changed")
