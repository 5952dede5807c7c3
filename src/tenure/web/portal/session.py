"""What belongs to a visit and not to a company: the language, the demonstration's clock and its way in.

It decides where a visitor is sent back to, only ever inside this site, and how far one press may move the
demonstration's clock. Outside a demonstration the clock and the way in do not exist. Read next:
``plumbing/jobs.py``, which walks time forward.
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages as flash
from django.contrib.auth import login
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tenure.kernel.periods import day_of
from tenure.kernel.refusals import Invalid, NotYours, Refusal
from tenure.kernel.text import LANGUAGES
from tenure.people import actions as people
from tenure.people.queries import people_by_id
from tenure.plumbing import jobs
from tenure.web.shared.forms import Reading
from tenure.web.shared.language import language as spoken
from tenure.web.shared.language import say_moment
from tenure.web.shared.messages import field_errors, say
from tenure.web.shared.pages import public

MOVES = {"1d": 1, "7d": 7, "30d": 30}
FARTHEST_DAYS = 400
YEAR_SECONDS = 365 * 24 * 60 * 60


@public
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Read on in the other language; a person's choice is kept and their mail follows it."""
    chosen = request.POST.get("language", "")
    answer = redirect(back_to(request))
    if chosen not in LANGUAGES:
        return answer
    if request.person is not None:
        people.choose_language(request.actor, None, language=chosen)
    answer.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        chosen,
        max_age=YEAR_SECONDS,
        samesite="Lax",
        httponly=True,
        secure=settings.SECURE_COOKIES,
    )
    return answer


@public
@require_POST
def clock(request: HttpRequest) -> HttpResponse:
    """Move the demonstration's clock, living through every day on the way."""
    _only_in_a_demonstration()
    try:
        to = _asked_instant(request)
        jobs.advance(to, request.programme.zone)
    except Invalid as invalid:
        flash.error(request, " ".join(field_errors(invalid).values()))
    except Refusal as refusal:
        flash.error(request, say(refusal.code, refusal.facts))
    else:
        now = say_moment(to, spoken(), request.programme.zone)
        flash.success(request, _("The demo clock now says %(now)s.") % {"now": now}, extra_tags="ok")
    return redirect(back_to(request))


@public
@require_POST
def enter(request: HttpRequest, id: int) -> HttpResponse:
    """Sign in as one of the demonstration's people, without a password."""
    _only_in_a_demonstration()
    person = people_by_id([id]).get(id)
    if person is None or not person.is_active:
        raise NotYours("person")
    login(request, person, backend=settings.AUTHENTICATION_BACKENDS[0])
    translation.activate(person.language)
    return redirect(back_to(request))


def unreadable(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The page for a request that could not be read: too large says so, anything else was broken."""
    if isinstance(exception, RequestDataTooBig):
        return render(request, "413.html", status=413)
    return render(request, "400.html", status=400)


def back_to(request: HttpRequest) -> str:
    """Where the visitor came from, when that is a place of this site; else its front page.

    An address that carries its own host, or a second slash that browsers read as one, leads away from here.
    """
    return local_or_home(request.POST.get("next", ""))


def local_or_home(there: str) -> str:
    """An address within this site as it is, anything else as the front page."""
    local = there.startswith("/") and url_has_allowed_host_and_scheme(there, allowed_hosts=None)
    return there if local else "/"


def _only_in_a_demonstration() -> None:
    if not settings.TENURE_DEMO:
        raise NotYours("page")


def _asked_instant(request: HttpRequest) -> datetime:
    if days := MOVES.get(request.POST.get("move", "")):
        return request.now + timedelta(days=days)
    reading = Reading(request.POST)
    day = reading.day("to")
    reading.check()
    assert day is not None
    return _same_hour(day, request)


def _same_hour(day: date, request: HttpRequest) -> datetime:
    """The instant on another day at which the clock on the wall stands as it does now."""
    zone = ZoneInfo(request.programme.zone)
    if (day - day_of(request.now, request.programme.zone)).days > FARTHEST_DAYS:
        raise Refusal("clock.too_far", days=FARTHEST_DAYS)
    return datetime.combine(day, request.now.astimezone(zone).time(), zone)
