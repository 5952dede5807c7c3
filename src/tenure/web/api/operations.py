"""How an operation is declared: method, address, name, permission, what it takes and what it answers.

    @operation("POST", "/orders/{number}/cancel", id="cancelOrder", permission="purchases.cancel_order",
               answers=Order, money=True, current=lambda request, number: shown(request, number))

It decides that what moves money has an idempotency key, that a change can say which state it saw, and that a list or
an object unchanged since is not sent again. It must never hold a rule of the programme. Read next: ``web/api/door.py``.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from pydantic_core import to_json

from tenure.kernel.refusals import Refusal
from tenure.web.api.door import JSON, MULTIPART, Key, Once
from tenure.web.api.once import key_of, once
from tenure.web.api.problems import of_fault, of_refusal, problem
from tenure.web.api.shapes import Problem

DESCRIPTION = (
    "Everything a partner can do in the portal, and with a staff key everything the office can do. Send a key as "
    "`Authorization: Bearer …`. Every POST that moves money needs an `Idempotency-Key`; asked twice with the same "
    "key, a thing happens once and the same answer is given for 30 days. Lists come in pages of at most 100. "
    "Another company's objects are not found. A refusal is `application/problem+json` with a stable `code`."
)


class Api(NinjaAPI):
    """The API without the framework's own pages; ``openapi.py`` makes the document."""

    def _validate(self) -> None:
        """Addresses are built once per process, by ``urls.py``."""


api = Api(
    title="Tenure",
    version="1.0.0",
    description=DESCRIPTION,
    docs_url=None,
    openapi_url=None,
    parser=Once(),
    urls_namespace="api",
)


@dataclass(frozen=True, slots=True)
class Operation:
    """What the door and the walk know of one method of one address."""

    id: str
    method: str
    path: str
    permission: str | None
    office: bool
    money: bool
    key: Key
    media: str
    takes: str
    parameters: frozenset[str]
    conditional: str
    """``""``, ``may`` or ``must``: whether a change can or has to say which state it saw."""


OPERATIONS: dict[str, Operation] = {}


def operation(
    method: str,
    path: str,
    *,
    id: str,
    permission: str | None,
    answers: Any,
    status: int = 200,
    office: bool = False,
    money: bool = False,
    files: bool = False,
    media: str = JSON,
    current: Callable[..., dict] | None = None,
    must_match: bool = False,
) -> Callable:
    """Declare an operation above its function, which returns what is told or a whole answer."""

    def declaring(view: Callable) -> Callable:
        key = Key(permission, office=office, objects="{" in path)

        @wraps(view)
        def guarded(request: HttpRequest, **given: Any) -> HttpResponse:
            def run() -> HttpResponse:
                _as_seen(request, current, must_match, given)
                told = view(request, **given)
                return told if isinstance(told, HttpResponse) else _told(request, told, status)

            if method != "POST":
                return run()
            twice = key_of(request, required=money)
            return run() if twice is None else once(request, twice, run)

        title, _sep, more = (view.__doc__ or "").strip().partition("\n")
        responses = {status: answers if media == JSON else None}
        responses |= dict.fromkeys(_problems(method, path, office, money, current, must_match), Problem)
        # The door has asked for the key before the body was looked at; asking twice would count twice.
        route = api.api_operation(
            [method],
            path,
            auth=None,
            operation_id=id,
            response=responses,
            summary=title.strip(),
            description=" ".join(more.split()) or None,
            tags=[_tag(path)],
            by_alias=True,
        )
        route(guarded)
        of = guarded._ninja_operation
        sources = {model.__ninja_param_source__: model for model in of.models}
        takes = MULTIPART if files else JSON if "body" in sources else ""
        query = sources.get("query")
        names = frozenset(query.__ninja_flatten_map__ if query else ())
        OPERATIONS[id] = Operation(
            id,
            method,
            re.sub(r"{\w+:", "{", path),
            permission,
            office,
            money,
            key,
            media,
            takes,
            names,
            "must" if must_match else "may" if current else "",
        )
        return view

    return declaring


def etag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _told(request: HttpRequest, told: Any, status: int) -> HttpResponse:
    if status == 204:
        return HttpResponse(status=204)
    body = to_json(told)
    tag = etag(body)
    if request.method in ("GET", "HEAD") and tag in _tags(request, "If-None-Match"):
        return HttpResponseNotModified(headers={"ETag": tag})
    return HttpResponse(body, status=status, content_type=JSON, headers={"ETag": tag})


def _tags(request: HttpRequest, header: str) -> list[str]:
    return [tag.strip().removeprefix("W/") for tag in request.headers.get(header, "").split(",")]


def _as_seen(request: HttpRequest, current: Callable[..., dict] | None, must_match: bool, given: dict) -> None:
    """Refuse a change by somebody who saw another state."""
    if current is None:
        return
    if not request.headers.get("If-Match"):
        if must_match:
            raise Refusal("precondition.required")
        return
    of_address = {name: value for name, value in given.items() if name in ("id", "number", "code")}
    tags = _tags(request, "If-Match")
    if "*" not in tags and etag(to_json(current(request, **of_address))) not in tags:
        raise Refusal("precondition.failed")


def _tag(path: str) -> str:
    parts = path.strip("/").split("/")
    return f"office/{parts[1]}" if parts[0] == "office" else parts[0]


def _problems(method: str, path: str, office: bool, money: bool, current: Any, must_match: bool) -> list[int]:
    """The refusals that a program has to reckon with."""
    found = [400, 401, 403, 404, 406, 409, 422, 429, 500]
    if method in ("POST", "PUT", "PATCH"):
        found += [413, 415]
    if current:
        found += [412]
    if must_match:
        found += [428]
    return sorted(found)


# How the framework's own exceptions are told.


@api.exception_handler(Refusal)
def _refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    return of_refusal(refusal)


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    fields: dict[str, tuple[str, str]] = {}
    for each in error.errors:
        name = ".".join(str(part) for part in each["loc"][1:] if part not in ("sent", "page"))[:120] or "body"
        fields.setdefault(name, (f"request.{each['type']}"[:80], words_of(each["type"])))
    return problem("form.invalid", fields=fields)


@api.exception_handler(HttpError)
def _unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
    return problem("request.unreadable")


@api.exception_handler(RequestDataTooBig)
def _too_large(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    return problem("request.too_large")


@api.exception_handler(Exception)
def _broken(request: HttpRequest, fault: Exception) -> HttpResponse:
    return of_fault(request, fault)


def words_of(kind: str) -> str:
    """What is wrong with a field, from the kind of its fault."""
    if kind == "missing":
        return _("This field is needed.")
    if kind == "extra_forbidden":
        return _("There is no field of this name.")
    if kind in ("literal_error", "enum", "union_tag_invalid", "union_tag_not_found"):
        return _("Choose one of the values that the document lists.")
    if kind.endswith(("_type", "_parsing")):
        return _("The value is of another kind than the document says.")
    return _("The value is outside what the document allows.")
