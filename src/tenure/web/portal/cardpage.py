"""The card page under our own address: what the pretend card processor shows, passed through unread.

It decides which headers pass and when the processor counts as gone. It must never follow a redirect, keep or log
what is typed, or say that a payment failed because an answer is missing. Read next: ``demogateway/pages.py``.
"""

import http.client
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.encoding import iri_to_uri
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from tenure.web.shared.pages import public

TIMEOUT_S = 10
FORM = "application/x-www-form-urlencoded"
LARGEST_FORM = 64 * 1024
LARGEST_PAGE = 512 * 1024
PASSED = ("Content-Type", "Cache-Control", "Content-Security-Policy", "Referrer-Policy", "X-Content-Type-Options")


class Gone(Exception):
    """The processor did not answer, or not in a way that can be shown."""


@csrf_exempt
@public
@require_http_methods(["GET", "HEAD", "POST"])
def pay(request: HttpRequest, path: str) -> HttpResponse:
    """Pass one page or one pressed button through. The page's name is its secret; a session adds nothing."""
    length = request.headers.get("Content-Length") or "0"
    if not length.isdecimal() or int(length) > LARGEST_FORM:
        return HttpResponse(status=413)
    if request.method == "POST" and request.content_type != FORM:
        return HttpResponse(status=415)
    try:
        return _passed(request, f"/pay/{quote(path, safe='/')}")
    except (OSError, http.client.HTTPException, Gone):
        return render(request, "portal/card_page_gone.html", {"sent": request.method == "POST"}, status=502)


def _passed(request: HttpRequest, path: str) -> HttpResponse:
    where = urlsplit(settings.TENURE_DEMO_GATEWAY_URL)
    line = http.client.HTTPConnection(where.hostname or "127.0.0.1", where.port, timeout=TIMEOUT_S)
    try:
        body, headers = None, {}
        if request.method == "POST":
            body, headers = request.body, {"Content-Type": request.headers.get("Content-Type", "")}
        line.request("POST" if request.method == "POST" else "GET", path, body, headers)
        answer = line.getresponse()
        content = answer.read(LARGEST_PAGE + 1)
    finally:
        line.close()
    if len(content) > LARGEST_PAGE:
        raise Gone
    shown = HttpResponse(content, status=answer.status)
    for name in PASSED:
        if value := answer.headers.get(name):
            shown[name] = value
    if location := answer.headers.get("Location"):
        shown["Location"] = _own(location)
    return shown


def _own(location: str) -> str:
    """Only an address of this site is passed on as the next one."""
    parts = urlsplit(location)
    if parts.scheme or parts.netloc or not location.startswith("/") or location.startswith(("//", "/\\")):
        raise Gone
    return iri_to_uri(location)
