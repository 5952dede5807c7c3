"""A company's webhook endpoints. Read next: ``web/shared/webhooks_page.py``."""

from django.http import HttpRequest, HttpResponse

from tenure.web.shared import webhooks_page
from tenure.web.shared.pages import portal

HOUSE = webhooks_page.House("portal")


@portal("webhooks.view")
def webhooks(request: HttpRequest) -> HttpResponse:
    """The company's endpoints, and adding one."""
    return webhooks_page.listed(request, HOUSE)


@portal("webhooks.view")
def webhook(request: HttpRequest, id: int) -> HttpResponse:
    """One endpoint, and what was sent to it."""
    return webhooks_page.shown(request, HOUSE, id)


@portal("webhooks.view")
def webhook_delivery(request: HttpRequest, id: int) -> HttpResponse:
    """One event that was sent to an endpoint."""
    return webhooks_page.delivery(request, HOUSE, id)
