"""API keys of the office. Read next: ``web/shared/keys_page.py``."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from tenure.web.shared import keys_page
from tenure.web.shared.pace import paced
from tenure.web.shared.pages import office
from tenure.web.shared.sign_in_gate import confirmed

TEMPLATE = "office/keys.html"


@office("people.keys")
@confirmed
@paced("key")
def keys(request: HttpRequest) -> HttpResponse:
    """The office's keys, and making one."""
    return keys_page.show(request, None, TEMPLATE)


@office("people.rotate_key")
@confirmed
@require_POST
@paced("key")
def key_replace(request: HttpRequest, id: int) -> HttpResponse:
    """A new key in an old one's place."""
    return keys_page.replace(request, None, TEMPLATE, id)


@office("people.revoke_key")
@confirmed
@require_POST
def key_revoke(request: HttpRequest, id: int) -> HttpResponse:
    """End a key at once."""
    return keys_page.revoke(request, None, "office:keys", id)
