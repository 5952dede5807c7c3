"""A form's own key: minted with the page, so that sending it twice is sending it once. Read next: ``forms.py``."""

import uuid

from django.http import HttpRequest

from tenure.web.shared.forms import Reading

NAME = "key"


def key_of(request: HttpRequest) -> str:
    """The key that came with the form, else a fresh one for the page about to be shown."""
    return _sound(request.POST.get(NAME, "")) or str(uuid.uuid4())


def read_key(request: HttpRequest, reading: Reading) -> str:
    """The key of a form that was sent; one without is refused."""
    key = _sound(request.POST.get(NAME, ""))
    if not key:
        reading.refuse(NAME, "choice.unknown")
    return key


def _sound(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return ""
