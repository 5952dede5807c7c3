"""The frame of every page: who asks, for which company, at what instant, and how a refusal is shown.

It decides nothing itself: a guard names the permission and ``kernel.access`` decides; a refusal's words come
from ``messages.py``. It must never hold a rule. Every view carries its guard as ``view.access``, from which the
access walk and ``docs/access.md`` are made.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject

from tenure.kernel.access import NOBODY, Side, decide, declare, may
from tenure.kernel.periods import day_of
from tenure.kernel.refusals import NotYours, Refusal
from tenure.partners.queries import get as partner_by_id
from tenure.people.limits import TOO_MANY
from tenure.people.queries import actor_of, holders, notices, staff_with
from tenure.plumbing import clock, offset, sight
from tenure.plumbing.charging import why_not
from tenure.programme.queries import current
from tenure.web.shared import messages
from tenure.web.shared.sign_in_gate import turned_away

METHODS = ("GET", "HEAD", "POST")
FREE_IN_METHOD = ("api", "machine")
"""Doors whose own programs say which methods they know."""
declare("office.view", Side.STAFF, says="Enter the back office.")
declare("notices.view", Side.PARTNER, says="See one's notices.")


@dataclass(frozen=True, slots=True)
class Access:
    """Who may open a page: which door it belongs to and the permission it asks for."""

    door: str
    permission: str | None


class Shell:
    """Middleware: who asks, in which language, and the page for a refusal."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.actor, request.partner, request.person = NOBODY, None, None
        request.now = request.today = request.programme = None
        if request.user.is_authenticated:
            request.person = request.user
            translation.activate(request.user.language)
            request.LANGUAGE_CODE = request.user.language
        if request.path.startswith("/accounts/"):
            # allauth's own views carry no guard of ours; their pages still want the programme's name and day.
            _enter(request)
        try:
            return self.get_response(request)
        finally:
            sight.with_open_eyes()

    def process_view(
        self, request: HttpRequest, view: Callable, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        access = getattr(view, "access", None)
        if not request.path.isprintable() and not request.path.startswith("/api/"):
            # Nothing of ours has such a name, and the database would take it for a fault.
            return refused(request, NotYours("page"))
        if access is None or access.door in FREE_IN_METHOD or request.method in METHODS:
            return None
        return HttpResponseNotAllowed(METHODS)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return refused(request, exception) if isinstance(exception, Refusal) else None


def refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """The page for a refusal that no form has taken: 404 to strangers, 403 with names to colleagues, else 409."""
    if isinstance(refusal, NotYours):
        return render(request, "404.html", status=404)
    if refusal.code == "access.forbidden":
        return render(request, "403.html", {"helpers": helpers(request, refusal.facts["permission"])}, status=403)
    words = messages.say(refusal.code, refusal.facts)
    if refusal.code == TOO_MANY:
        page = render(request, "429.html", {"words": words}, status=429)
        page.headers["Retry-After"] = str(refusal.facts["seconds"])
        return page
    return render(request, "409.html", {"words": words}, status=409)


def helpers(request: HttpRequest, permission: str) -> list[str]:
    """The names of the colleagues who hold a permission: who can help."""
    if request.partner is None:
        return [person.name for person in staff_with(permission, request.programme)] if request.actor.is_staff else []
    return [person.name for person in holders(request.partner.pk, permission, request.programme)]


def can_help(request: HttpRequest, permission: str) -> list[str] | None:
    """Names to show beside a closed button, or ``None`` when the person holds the permission."""
    if may(request.actor, permission, request.partner.pk):
        return None
    return helpers(request, permission)


def _enter(request: HttpRequest) -> None:
    """Read the clock and the programme once, and make the person an actor."""
    request.now = clock.now()
    request.programme = current()
    request.today = day_of(request.now, request.programme.zone)
    timezone.activate(ZoneInfo(request.programme.zone))
    if request.person is not None:
        request.actor = actor_of(request.person, request.programme)


def portal(permission: str) -> Callable:
    """A page for a partner's people who hold a permission."""

    def guarding(view: Callable) -> Callable:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.person is None:
                return redirect_to_login(request.get_full_path())
            _enter(request)
            request.partner = _company(request)
            if away := turned_away(request):
                return away
            if request.partner is None:
                return redirect("office:today" if request.actor.is_staff else "portal:join")
            decide(request.actor, permission, request.partner.pk)
            sight.through_eyes_of(request.actor)
            return view(request, *args, **kwargs)

        guarded.access = Access("portal", permission)
        return guarded

    return guarding


def office(permission: str) -> Callable:
    """A page for the operator's staff who hold a permission. To everybody else it does not exist."""

    def guarding(view: Callable) -> Callable:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.person is None:
                return redirect_to_login(request.get_full_path())
            _enter(request)
            if not request.actor.is_staff:
                raise NotYours("page")
            if away := turned_away(request):
                return away
            decide(request.actor, permission)
            return view(request, *args, **kwargs)

        guarded.access = Access("office", permission)
        return guarded

    return guarding


def signed_in(view: Callable) -> Callable:
    """A page for anybody who has signed in."""
    return _for_persons(view, turned_away)


def before_factor(view: Callable) -> Callable:
    """The same, open also to whoever still has to set up a second factor: the page where that is done."""
    return _for_persons(view, lambda request: None)


def _for_persons(view: Callable, away_from: Callable[[HttpRequest], HttpResponse | None]) -> Callable:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.person is None:
            return redirect_to_login(request.get_full_path())
        _enter(request)
        request.partner = _company(request)
        if away := away_from(request):
            return away
        sight.through_eyes_of(request.actor)
        return view(request, *args, **kwargs)

    guarded.access = Access("signed in", None)
    return guarded


def public(view: Callable) -> Callable:
    """A page for everybody."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        _enter(request)
        return view(request, *args, **kwargs)

    guarded.access = Access("public", None)
    return guarded


def machine(view: Callable) -> Callable:
    """An address for other programs, which prove themselves in their own way."""
    view.access = Access("machine", None)
    return view


def owned(request: HttpRequest, row: Any, permission: str) -> Any:
    """A row of the person's own company; another's, or none at all, is not found."""
    if row is None:
        raise NotYours()
    decide(request.actor, permission, row.partner_id)
    return row


def found(row: Any) -> Any:
    """A row for staff, or not found."""
    if row is None:
        raise NotYours()
    return row


def _company(request: HttpRequest) -> Any:
    """The company the person works for now: the one chosen, else the first."""
    chosen = request.session.get("partner")
    grants = request.actor.grants
    if not grants:
        return None
    return partner_by_id(chosen if chosen in grants else min(grants))


def context(request: HttpRequest) -> dict[str, Any]:
    """What every template knows."""
    person = getattr(request, "person", None)
    return {
        "actor": getattr(request, "actor", NOBODY),
        "partner": getattr(request, "partner", None),
        "person": person,
        "programme": getattr(request, "programme", None),
        "today": getattr(request, "today", None),
        "now": getattr(request, "now", None),
        "demo": settings.TENURE_DEMO,
        "standstill": SimpleLazyObject(why_not) if person else None,
        "clock_off": SimpleLazyObject(offset.wrong) if person else None,
        "unread_notices": SimpleLazyObject(lambda: notices(person).filter(read_at=None).count()) if person else 0,
    }
