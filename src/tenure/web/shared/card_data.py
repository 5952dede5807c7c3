"""No card number passes the doors, in whatever field of whatever form it is sent.

It decides only that a value is blotted out before any page reads it: what a page then finds is no text (it holds a
character that neither a form nor the database takes), so the field is refused where it stands and the rest of the form
stays. What a page has no words for is refused here. It must never keep, log or repeat the value. Doorbells are left
alone: they are signed, and read by the gateway's own program. Read next: ``kernel/cardnumbers.py``.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render

from tenure.kernel.cardnumbers import looks_like_card, without_cards
from tenure.web.shared import messages
from tenure.web.shared.forms import BLOTTED

DONE, REDIRECTED = 300, 400
UNPROCESSABLE = 422
TEXTS = ("application/json", "text/")


class Blotted(QueryDict):
    """A form's fields, a card number blotted out; the form notes here that it has refused it in its place."""

    refused = False


class CardData:
    """Middleware: blots card numbers out of what was sent, and refuses what no form has refused."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.card_data = False
        response = self.get_response(request)
        if not request.card_data or DONE <= response.status_code < REDIRECTED:
            return response
        if not request.POST.refused or response.streaming:
            return refused(request)
        response.status_code = UNPROCESSABLE
        response.content = response.content.replace(BLOTTED.encode(), b"")
        return response

    def process_view(
        self, request: HttpRequest, view: Callable, args: Iterable[Any], kwargs: Any
    ) -> HttpResponse | None:
        access = getattr(view, "access", None)
        # A doorbell is signed; the API looks for itself and answers in its own form.
        if access and access.door in ("machine", "api"):
            return None
        if any(looks_like_card(text) for text in (request.path, *request.GET, *_values(request.GET))):
            return refused(request)
        if request.method in ("GET", "HEAD"):
            return None
        files = [file.name or "" for _, listed in request.FILES.lists() for file in listed]
        if any(map(looks_like_card, [*files, *request.POST, *_text_of(request)])):
            return refused(request)
        blot_out(request)
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return refused(request) if request.card_data else None


def blot_out(request: HttpRequest) -> None:
    """Put a mark in the place of every value that holds a card number."""
    fields = Blotted(mutable=True, encoding=request.encoding)
    for name, values in request.POST.lists():
        fields.setlist(name, [BLOTTED if looks_like_card(value) else value for value in values])
        request.card_data |= BLOTTED in fields.getlist(name)
    if request.card_data:
        fields._mutable = False
        request.POST = fields  # type: ignore[assignment]


def _values(fields: QueryDict) -> Iterable[str]:
    return (value for _, listed in fields.lists() for value in listed)


def _text_of(request: HttpRequest) -> list[str]:
    """The body of a request that is no form."""
    kind = request.content_type or ""
    return [request.body.decode(errors="replace")] if kind.startswith(TEXTS) else []


def refused(request: HttpRequest) -> HttpResponse:
    words = messages.say("input.card_data", {})
    page = render(request, "422.html", {"words": words}, status=UNPROCESSABLE)
    # The frame of a page repeats its address.
    page.content = without_cards(page.content.decode()).encode()
    return page
