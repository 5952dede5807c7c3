"""The headers of every answer, files and faults included: what a browser may load, send, show and keep.

It decides nothing about who may see a page. A page that has a stricter policy of its own keeps it.
Read next: ``web/shared/pages.py``.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

SIGN_OUT = "/accounts/logout/"


def policy(card_pages: list[str]) -> str:
    """What a page may do. Forms go to us, and from there to the page on which a card is typed, nowhere else.

    >>> policy(["https://pay.example"]).split("; ")[-1]
    "form-action 'self' https://pay.example"
    """
    return "; ".join(
        (
            "default-src 'self'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "object-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            # A browser holds a form's redirects to this, too.
            " ".join(("form-action 'self'", *card_pages)),
        )
    )


class Headers:
    """Middleware: outside of all others but the one that names the request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response
        self.headers = {
            "Content-Security-Policy": policy(settings.TENURE_CARD_PAGES),
            "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
            "Cross-Origin-Resource-Policy": "same-origin",
        }

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in self.headers.items():
            response.headers.setdefault(name, value)
        if request.method == "POST" and request.path == SIGN_OUT:
            # What was on the screen goes with whoever leaves; the language and the known device stay.
            response.headers["Clear-Site-Data"] = '"cache", "storage"'
        if getattr(request, "person", None) is not None:
            response.headers.setdefault("Cache-Control", "no-store")
        return response
