"""The demo gateway's doorbell: a signed notice that something happened, which is then looked up, never believed."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from tenure.payments.gateways.base import Forged
from tenure.plumbing import clock
from tenure.purchases.actions import heard
from tenure.web.shared.pages import machine

LIMIT = 64 * 1024


@machine
@csrf_exempt
@require_POST
def doorbell(request: HttpRequest) -> HttpResponse:
    """200 once the event is stored; 400 for a signature that is wrong or old."""
    if int(request.headers.get("Content-Length") or 0) > LIMIT:
        return HttpResponse(status=413)
    try:
        heard("demo", request.body, request.headers, now=clock.now())
    except Forged:
        return HttpResponse(status=400)
    return HttpResponse(status=200)
