"""Every request is one line of the log and has a name, which the answer carries, so that the two can be put together.

It decides nothing. It must never log an address, a header, a parameter or a body. Read next: ``plumbing/logs.py``.
"""

import re
import time
import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

NAME = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
log = structlog.get_logger("tenure.web")


class Requests:
    """Middleware, the outermost: name the request, time it, tell of it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        request.name = given if NAME.fullmatch(given) else uuid.uuid4().hex
        began = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request=request.name):
            response = self.get_response(request)
            actor = getattr(request, "actor", None)
            log.info(
                "request",
                method=request.method,
                route=request.resolver_match.route if request.resolver_match else "",
                status=response.status_code,
                ms=round(1000 * (time.perf_counter() - began), 1),
                actor=actor.label if actor else "nobody",
                partner=_partner_of(request),
            )
        response.headers["X-Request-Id"] = request.name
        return response


def _partner_of(request: HttpRequest) -> int | None:
    """The company's id; where only that is known, nothing more is read for the sake of the log."""
    if known := getattr(request, "partner_id", None):
        return known
    partner = getattr(request, "partner", None)
    return partner.pk if partner else None
