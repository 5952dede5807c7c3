"""A browser that a person has signed in on before carries a mark, and its tries are counted by themselves.

It decides only whose tries are counted together: the mark opens nothing and replaces no factor. It must never hold
an address in the clear. Read next: ``sign_in.py``.
"""

import hashlib
import secrets

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

SALT = "tenure.known-device"
KEPT_SECONDS = 180 * 24 * 60 * 60
PEOPLE = 5


def known(request: HttpRequest, email: str) -> str:
    """The mark of a browser on which this address has signed in before; empty when it never has."""
    mark = _read(request)
    return mark["device"] if _person(email) in mark["people"] else ""


def remember(request: HttpRequest, response: HttpResponse, email: str) -> None:
    """Note on a browser that this address has signed in on it."""
    mark, person = _read(request), _person(email)
    people = [person, *(other for other in mark["people"] if other != person)][:PEOPLE]
    response.set_cookie(
        settings.KNOWN_DEVICE_COOKIE_NAME,
        signing.dumps({"device": mark["device"], "people": people}, salt=SALT),
        max_age=KEPT_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=settings.SECURE_COOKIES,
    )


def _read(request: HttpRequest) -> dict:
    try:
        mark = signing.loads(
            request.COOKIES.get(settings.KNOWN_DEVICE_COOKIE_NAME, ""), salt=SALT, max_age=KEPT_SECONDS
        )
    except signing.BadSignature:
        mark = None
    return mark or {"device": secrets.token_urlsafe(12), "people": []}


def _person(email: str) -> str:
    return hashlib.sha256(f"{SALT}:{email.strip().lower()}".encode("utf-8", "replace")).hexdigest()[:32]


SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)
BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))


def describe(agent: str) -> str:
    """A browser in few words, as far as it tells; empty when it says nothing that is known.

    >>> describe("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120 Safari/537.36 Edg/120.0")
    'Edge, Windows'
    """
    told = (next((name for sign, name in each if sign in agent), "") for each in (BROWSERS, SYSTEMS))
    return ", ".join(part for part in told if part)
