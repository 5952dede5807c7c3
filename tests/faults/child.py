"""One deed in a process of its own: ``python -m tests.faults.child DEED [ARGUMENT]``."""

import os
import sys
from datetime import timedelta

os.environ["DJANGO_SETTINGS_MODULE"] = "tenure.settings"
os.environ["TENURE_DEMO"] = "1"

import django  # noqa: E402

django.setup()

from tenure.kernel.access import SYSTEM  # noqa: E402
from tenure.partners.queries import get as partner  # noqa: E402
from tenure.payments.queries import cards, open_attempt  # noqa: E402
from tenure.payments.rules import Method  # noqa: E402
from tenure.people.models import User  # noqa: E402
from tenure.people.queries import actor_of  # noqa: E402
from tenure.plumbing import clock, jobs  # noqa: E402
from tenure.programme.queries import current  # noqa: E402
from tenure.purchases import actions as purchases  # noqa: E402
from tenure.purchases.queries import order  # noqa: E402
from tenure.purchases.rules import Wanted  # noqa: E402
from tenure.renewals import actions as renewals  # noqa: E402
from tenure.support import actions as support  # noqa: E402
from tenure.support.queries import get  # noqa: E402


def run() -> None:
    """The daily run."""
    renewals.run(SYSTEM, None, now=clock.now())


def work() -> None:
    """Everything that is due five minutes later, when the gateway is asked for the first time."""
    clock.put(clock.now() + timedelta(minutes=5))
    jobs.run_until_idle(clock.now())


def ming():
    """The programme administrator of Contoso."""
    return actor_of(User.objects.get(email="ming@contoso.example"), current())


def buy(offer: str, *, kept: bool = True) -> None:
    """Ming buys, with the card the company keeps or one still to be typed."""
    buyer = ming()
    partner_id = min(buyer.grants)
    wanted = Wanted(
        key=f"child-{offer}",
        offer=offer,
        method=Method.CARD,
        language="en",
        terms_version=current().agreement(current().offer(offer).terms).version,
        card=cards(partner_id).first().pk if kept else None,
    )
    purchases.buy(buyer, partner(partner_id), wanted=wanted, now=clock.now())


def come_back(number: str) -> None:
    """The browser returns from the card page."""
    attempt = open_attempt(order(number).pk)
    if attempt:
        purchases.resolve(attempt, cause="return", now=clock.now())


def refund(number: str) -> None:
    """Staff decide that the money goes back."""
    sue = actor_of(User.objects.get(email="oda@aurora.example"), current())
    support.decide(sue, get(number), refund=True, now=clock.now())


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
