"""The API's door: whose key it is, whether one more request fits, what may be sent, and how every no is told.

It decides nothing about a company's objects: the permission named above an operation is decided by ``kernel.access``
before anything of the request is read. It must never take a key from an address or a cookie. Read next:
``web/api/operations.py``.
"""

import json
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject
from django.utils.translation.trans_real import parse_accept_lang_header
from ninja.parser import Parser
from ninja.security import HttpBearer

from tenure.kernel.access import TABLE, Side, decide, holds
from tenure.kernel.cardnumbers import looks_like_card
from tenure.kernel.periods import day_of
from tenure.kernel.refusals import NotYours, Refusal
from tenure.partners.queries import get as partner_by_id
from tenure.people.keys import bearer
from tenure.plumbing import clock, sight
from tenure.plumbing.limits import Taken, take
from tenure.web.api.problems import of_fault, of_refusal, problem

PER_MINUTE = 600
DEEPEST, WIDEST, MOST = 32, 100, 5_000
"""How deep a body goes, how many names an object has, how many texts are in the whole."""
MULTIPART, JSON = "multipart/form-data", "application/json"


class Unreadable(Refusal):
    """A body that is no JSON."""

    def __init__(self) -> None:
        super().__init__("request.unreadable")


class Key(HttpBearer):
    """Whose key came with the request, and whether it may do this. One for each operation."""

    def __init__(self, permission: str | None, *, office: bool, objects: bool):
        super().__init__()
        self.permission, self.office, self.objects = permission, office, objects

    def __call__(self, request: HttpRequest) -> Any:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Refusal("access.key_missing")
        return self.authenticate(request, token.strip())

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        request.now = clock.now()
        found = bearer(token, request.now)
        if found is None:
            raise Refusal("access.key_unknown")
        request.bearer, request.actor, request.programme = found, found.actor, found.programme
        request.allowance = take(found.actor.label, settings.TENURE_API_PER_MINUTE)
        if not request.allowance.allowed:
            raise Refusal("request.too_many", seconds=request.allowance.resets_in_s)
        request.today = day_of(request.now, request.programme.zone)
        timezone.activate(ZoneInfo(request.programme.zone))
        if found.partner_id is not None:
            request.partner_id = found.partner_id
            request.partner = SimpleLazyObject(lambda: partner_by_id(found.partner_id))
        self._decide(request)
        sight.through_eyes_of(found.actor)
        return found

    def _decide(self, request: HttpRequest) -> None:
        partner_id = request.bearer.partner_id
        if self.permission is None:
            return
        if self.office or partner_id is not None:
            decide(request.actor, self.permission, None if self.office else partner_id)
        elif not self.objects or TABLE[self.permission].side is not Side.BOTH:
            raise Refusal("access.partner_key_needed")
        elif not holds(request.actor.staff, self.permission):
            # The object itself is decided on once it is known whose it is.
            raise Refusal("access.forbidden", permission=self.permission)


class Once(Parser):
    """The body as it was read at the door."""

    def parse_body(self, request: HttpRequest) -> Any:
        return request.sent


def door(view: Callable, methods: dict[str, Any]) -> Callable:
    """Stand before one address with all its methods."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        speak(request)
        try:
            operation = methods.get(request.method)
            if operation is None:
                answer = problem("request.method_unknown", headers={"Allow": ", ".join(sorted(methods))})
            else:
                _check(request, operation)
                answer = view(request, *args, **kwargs)
        except Refusal as refusal:
            answer = of_refusal(refusal)
        except (RequestDataTooBig, TooManyFilesSent):
            answer = problem("request.too_large")
        except Exception as fault:
            answer = of_fault(request, fault)
        return _finished(request, answer)

    return answered


def speak(request: HttpRequest) -> None:
    """The language of a problem is the one asked for; no cookie and no person's choice counts here."""
    for code, _weight in parse_accept_lang_header(request.headers.get("Accept-Language", "")[:500].lower()):
        if code.startswith(("zh", "en")):
            spoken = "zh-hant" if code.startswith("zh") else "en"
            break
    else:
        spoken = "en"
    translation.activate(spoken)
    request.LANGUAGE_CODE = spoken


def _check(request: HttpRequest, operation: Any) -> None:
    """What can be said of a request before it is known whose it is; but a key is asked for before a fault is named."""
    operation.key(request)
    if not request.path.isprintable():
        raise NotYours("page")
    if not request.accepts(operation.media) and not request.accepts("application/problem+json"):
        raise Refusal("request.not_acceptable", media=operation.media)
    if strange := sorted(request.GET.keys() - operation.parameters):
        raise Refusal("request.parameter_unknown", parameter=strange[0][:80])
    if any("\x00" in value for _, values in request.GET.lists() for value in values):
        raise Unreadable
    if request.method in ("GET", "HEAD", "DELETE") and not operation.takes:
        return
    if operation.takes and request.content_type != operation.takes:
        raise Refusal("request.media_unknown", media=operation.takes)
    request.sent = _sent(request, operation)
    for n, text in enumerate(_texts(request, operation)):
        if n > MOST:
            raise Refusal("request.too_large")
        if looks_like_card(text):
            raise Refusal("input.card_data")


def _sent(request: HttpRequest, operation: Any) -> Any:
    if operation.takes != JSON:
        return None
    try:
        given = {"parse_constant": _no_number, "parse_float": _number, "object_pairs_hook": _each_once}
        sent = json.loads(request.body, **given)
    except (ValueError, UnicodeDecodeError, RecursionError):
        raise Unreadable from None
    if not isinstance(sent, dict):
        raise Refusal("request.not_an_object")
    return sent


def _number(text: str) -> int | float:
    """In JSON 48.0 is a whole number."""
    number = float(text)
    return int(number) if number.is_integer() else number


def _no_number(_text: str) -> None:
    raise ValueError("neither infinite nor not a number")


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A name said twice has two readers who disagree about which one counts."""
    found = dict(pairs)
    if len(found) != len(pairs) or len(found) > WIDEST:
        raise ValueError("a name twice, or too many of them")
    return found


def _texts(request: HttpRequest, operation: Any) -> Iterator[str]:
    """Everything in a request that a card number could stand in."""
    yield request.path
    if operation.takes == JSON:
        yield from _leaves(request.sent, 0)
    elif operation.takes == MULTIPART:
        for name, values in request.POST.lists():
            yield from (name, *values)
        yield from (file.name or "" for _, listed in request.FILES.lists() for file in listed)


def _leaves(value: Any, depth: int) -> Iterator[str]:
    if depth > DEEPEST:
        raise Unreadable
    if isinstance(value, str):
        yield value
    elif isinstance(value, int) and not isinstance(value, bool):
        yield str(value)[:40]
    elif isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from _leaves(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, depth + 1)


def _finished(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
    """The headers of every answer."""
    allowance: Taken | None = getattr(request, "allowance", None)
    if allowance is not None:
        answer["RateLimit-Limit"] = str(allowance.limit)
        answer["RateLimit-Remaining"] = str(allowance.left)
        answer["RateLimit-Reset"] = str(allowance.resets_in_s)
    if answer.status_code == 429 and allowance is not None:
        answer["Retry-After"] = str(allowance.resets_in_s)
    answer.headers.setdefault("Content-Language", "zh-Hant" if request.LANGUAGE_CODE == "zh-hant" else "en")
    answer.headers.setdefault("Cache-Control", "private, no-cache")
    answer.headers.setdefault("Vary", "Authorization, Accept-Language")
    return answer
