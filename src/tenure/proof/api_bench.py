"""A list of twenty subscriptions through the API, beside the least that a Django view can do: both on one server.

It decides nothing; it must never be a test, because seconds do not travel between machines. The rows are made in a
database of its own. Read next: ``cli/bench_api.py``, which starts the server and prints the figures.
"""

import http.client
import statistics
import time
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.urls import include, path

from tenure.enrolment import actions as enrolment
from tenure.kernel.access import NOBODY, SYSTEM
from tenure.kernel.periods import day_of, years_after
from tenure.memberships import actions as memberships
from tenure.memberships.models import Term
from tenure.memberships.rules import TermDates, window
from tenure.partners.rules import Company
from tenure.people.keys import make_key
from tenure.people.queries import actor_of, person
from tenure.plumbing import clock
from tenure.programme import actions as programme_actions
from tenure.programme.queries import current
from tenure.proof.world import PROGRAMME

SUBSCRIPTIONS = 20
FIELDS = (
    "subscription_id",
    "subscription__offer",
    "starts_on",
    "expires_on",
    "renewal_opens_on",
    "renewal_closes_on",
    "subscription__auto_renew",
    "subscription__cancelled_on",
    "subscription__held_until",
    "subscription__disputed_at",
    "subscription__card__last4",
)
API, YARDSTICK = "/api/v1/subscriptions", "/yardstick"


def yardstick(request: HttpRequest) -> JsonResponse:
    """One query, one answer: whoever asks, for everybody's rows."""
    rows = Term.objects.order_by("-subscription_id").values(*FIELDS)[:SUBSCRIPTIONS]
    return JsonResponse({"items": list(rows)})


urlpatterns = [path("yardstick", yardstick), path("", include("tenure.urls"))]


def furnish() -> str:
    """A programme, a company with twenty subscriptions, and a key that may see them; returns the key."""
    now = clock.now()
    programme_actions.apply(SYSTEM, None, source=PROGRAMME.read_text(encoding="utf-8"), now=now)
    programme = current()
    company = Company(
        legal_name="Contoso Taiwan Ltd",
        country="TW",
        address="7 Section 5, Xinyi Road",
        city="Taipei",
        postcode="110",
        contact_name="Ann Lin",
        contact_email="ann@contoso.example",
        contact_phone="02 2712 3456",
        tax_id="04595257",
    )
    agreement = programme.agreement("programme").version
    given = {"company": company, "password": "correct horse battery", "language": "en"}
    partner = enrolment.join(NOBODY, None, **given, agreement_version=agreement, now=now)
    _subscriptions(partner.pk, day_of(now, programme.zone))
    actor = actor_of(person("ann@contoso.example"), programme)
    asked = {"name": "bench", "scopes": ["memberships.view"], "days": 1, "programme": programme}
    return make_key(actor, partner, **asked, now=now).secret


def _subscriptions(partner_id: int, today: date) -> None:
    programme, policy = current(), current().policies[0]
    ends = years_after(today, 1)
    span = window(ends, policy)
    dates = TermDates(today, ends, span.first, span.last)
    given = {"partner_id": partner_id, "anchor_on": today, "dates": dates, "programme": programme}
    with transaction.atomic():
        for n in range(SUBSCRIPTIONS):
            memberships.bring_in(**given, offer=f"bench-{n:02d}", policy=policy.version, now=clock.now())


@dataclass(frozen=True, slots=True)
class Rates:
    """Requests a second, the middle of several batches taken in turn."""

    yardstick: float
    api: float
    rounds: int
    batch: int


def race(port: int, key: str, *, rounds: int, batch: int) -> Rates:
    """Ask both in turn, a batch of each, over one connection kept open."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Authorization": f"Bearer {key}"}
    taken: dict[str, list[float]] = {YARDSTICK: [], API: []}
    for turn in range(rounds + 1):
        for address, rates in taken.items():
            began = time.perf_counter()
            for _ in range(batch):
                line.request("GET", address, headers=headers)
                answer = line.getresponse()
                body = answer.read()
                assert answer.status == 200, body[:500]
                assert body.count(b"bench-") == SUBSCRIPTIONS
            if turn:
                rates.append(batch / (time.perf_counter() - began))
    line.close()
    return Rates(statistics.median(taken[YARDSTICK]), statistics.median(taken[API]), rounds, batch)
