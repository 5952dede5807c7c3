"""The card gateways' doorbells: a signed notice that something happened, which is then looked up, never believed.

It decides nothing but the answer: 200 is said only once the event is stored. Read next: ``purchases/actions.py``,
``heard``; ``payments/gateways/doorbells.py``, which reads the signature.
"""

import hashlib

from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import RawPostDataException
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from tenure.payments.gateways.base import Forged
from tenure.plumbing import clock
from tenure.plumbing.db import wiring
from tenure.plumbing.limits import take
from tenure.purchases.actions import heard
from tenure.web.shared.pages import machine
from tenure.web.shared.sign_in_address import address_of

LIMIT = 64 * 1024
BELLS_A_MINUTE = 100 * 60
"""From one address, counted before a signature is looked at; a gateway rings again."""


@machine
@csrf_exempt
@require_POST
def doorbell(request: HttpRequest, gateway: str) -> HttpResponse:
    """200 once the event is stored; 400 for a signature that is wrong or old; 404 where nobody pays that way; 429 for
    more than a hundred a second.
    """
    if not wiring().listens(gateway):
        raise Http404
    heard_from = hashlib.sha256(address_of(request).encode()).hexdigest()[:16]
    allowance = take(f"bell:{gateway}:{heard_from}", BELLS_A_MINUTE)
    if not allowance.allowed:
        return HttpResponse(status=429, headers={"Retry-After": str(allowance.resets_in_s)})
    length = request.headers.get("Content-Length") or "0"
    if not length.isdecimal() or int(length) > LIMIT:
        return HttpResponse(status=413)
    try:
        heard(gateway, request.body, request.headers, now=clock.now())
    except (Forged, RawPostDataException):  # a form with parts has been read before us: no gateway sends one
        return HttpResponse(status=400)
    return HttpResponse(status=200)
