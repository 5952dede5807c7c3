"""Webhook endpoints: those that need help, and the office's own. Read next: ``web/shared/webhooks_page.py``."""

from django.http import HttpRequest, HttpResponse

from tenure.web.shared import webhooks_page
from tenure.web.shared.pages import office

HOUSE = webhooks_page.House("office")


@office("webhooks.view")
def webhooks(request: HttpRequest) -> HttpResponse:
    """The office's own endpoints, adding one, and those of companies that fail."""
    return webhooks_page.listed(request, HOUSE)


@office("webhooks.view")
def webhook(request: HttpRequest, id: int) -> HttpResponse:
    """One endpoint, and what was sent to it."""
    return webhooks_page.shown(request, HOUSE, id)


@office("webhooks.view")
def webhook_delivery(request: HttpRequest, id: int) -> HttpResponse:
    """One event that was sent to an endpoint."""
    return webhooks_page.delivery(request, HOUSE, id)
