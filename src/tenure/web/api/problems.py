"""A refusal as a program reads it: ``application/problem+json`` with a stable code, facts, and words in its language.

It decides the status of each refusal and nothing else; the words come from ``messages.py``. It must never show what a
stranger may not know, nor anything of a fault's inside. Read next: ``web/shared/messages.py``.
"""

import logging
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as word
from pydantic_core import to_json

from tenure.kernel.money import Money
from tenure.kernel.refusals import Check, Invalid, NotYours, Refusal
from tenure.web.api.shapes import amount
from tenure.web.shared import messages
from tenure.web.shared.language import language

log = logging.getLogger(__name__)
MEDIA = "application/problem+json"

TITLES: dict[int, Any] = {
    400: word("The request can't be read"),
    401: word("A key is needed"),
    403: word("Not allowed"),
    404: word("Not found"),
    405: word("Not this way"),
    406: word("Not in this form"),
    409: word("Not as things stand"),
    412: word("Changed in the meantime"),
    413: word("Too large"),
    415: word("Not in this form"),
    422: word("Something in the request is wrong"),
    428: word("Say which state you saw"),
    429: word("Too many requests"),
    500: word("A fault on our side"),
}
STATUSES = {
    "access.not_found": 404,
    "access.forbidden": 403,
    "access.partner_key_needed": 403,
    "access.key_missing": 401,
    "access.key_unknown": 401,
    "form.invalid": 422,
    "input.card_data": 422,
    "idempotency.key_missing": 400,
    "idempotency.key_malformed": 400,
    "idempotency.other_body": 422,
    "paging.cursor_unknown": 400,
    "events.after_unknown": 404,
    "precondition.failed": 412,
    "precondition.required": 428,
    "request.unreadable": 400,
    "request.not_an_object": 400,
    "request.parameter_unknown": 400,
    "request.method_unknown": 405,
    "request.not_acceptable": 406,
    "request.too_large": 413,
    "request.media_unknown": 415,
    "request.too_many": 429,
    "server.fault": 500,
}
NOT_SAID = ("permission", "partner_id", "by_field", "kind")
"""Facts for our own use: which right is missing is said in words, whose it would be is not."""


def status_of(code: str) -> int:
    """409 is what the programme refuses; everything about the request itself has a status of its own."""
    return STATUSES.get(code, 409)


def problem(
    code: str,
    facts: Mapping[str, Any] | None = None,
    *,
    status: int | None = None,
    fields: Mapping[str, tuple[str, str]] | None = None,
    checks: Iterable[Check] = (),
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """The answer that says no. ``fields`` are names with the code and the words of each."""
    facts, status = dict(facts or {}), status or status_of(code)
    said: dict[str, Any] = {
        "type": f"/api/v1/docs#{code}",
        "title": str(TITLES[status]),
        "status": status,
        "detail": messages.say(code, facts),
        "code": code,
        "facts": {name: fact(value) for name, value in facts.items() if name not in NOT_SAID},
        "checks": [check_told(each) for each in checks],
        "fields": [{"name": name, "code": own, "detail": words} for name, (own, words) in (fields or {}).items()],
    }
    answer = HttpResponse(to_json(said), status=status, content_type=MEDIA, headers=dict(headers or {}))
    answer["Content-Language"] = "zh-Hant" if language() == "zh-hant" else "en"
    answer["Cache-Control"] = "no-store"
    if status == 401:
        answer["WWW-Authenticate"] = 'Bearer realm="tenure"'
    return answer


def of_refusal(refusal: Refusal) -> HttpResponse:
    """A verb's refusal; a stranger's object says no more than that it is not here."""
    if isinstance(refusal, NotYours):
        return problem("access.not_found")
    if isinstance(refusal, Invalid):
        words = messages.field_errors(refusal)
        fields = {name: (code, words[name]) for name, code in refusal.fields.items()}
        # What does not fit the document has been refused before; this does fit, and is refused as things stand.
        return problem(refusal.code, refusal.facts, status=409, fields=fields)
    return problem(refusal.code, refusal.facts, checks=getattr(refusal, "checks", ()))


def of_fault(request: HttpRequest, fault: Exception) -> HttpResponse:
    """Something broke: it is logged, and the program learns only that it may ask again."""
    log.error("a request to the API failed", exc_info=fault)
    return problem("server.fault")


def check_told(check: Check) -> dict[str, Any]:
    """One condition as it stands in eligibility and beside a refusal."""
    facts = {name: fact(value) for name, value in check.facts.items()}
    return {"code": check.code, "passed": check.passed, "detail": messages.why(check), "facts": facts}


def fact(value: Any) -> Any:
    """A fact as JSON: days and instants in ISO 8601, money with its currency, what has a name by its name."""
    match value:
        case Money():
            return amount(value)
        case datetime() | date():
            return value.isoformat()
        case dict():
            return {str(key): fact(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [fact(item) for item in value]
        case None | bool() | int() | str():
            return value
    if hasattr(value, "say"):
        return value.say(language())
    if hasattr(value, "name"):
        return fact(value.name)
    return str(value)
