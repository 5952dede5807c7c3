"""The card gateways' doorbells, at the door: what is kept, what is turned away, and whom a notice reaches.

Read next: ``web/hooks/gateways.py``; ``payments/gateways/doorbells.py``, which reads the signature.
"""

import hashlib
import hmac
import json
import time
import uuid

import pytest

from tenure.payments.models import GatewayEvent
from tenure.payments.queries import attempts
from tests.conftest import GATEWAY_SECRET


@pytest.fixture
def ring(client):
    def rung(where="/hooks/demo", secret=GATEWAY_SECRET, thing=None, age_s=0, **more):
        said = {"id": f"evt_{uuid.uuid4().hex}", "type": "payment_intent.succeeded", "livemode": False}
        said |= {"created": int(time.time()), "data": {"object": thing or {"id": "pi_unheard_of"}}} | more
        body, at = json.dumps(said).encode(), int(time.time()) - age_s
        signature = hmac.new(secret.encode(), b"%d.%s" % (at, body), hashlib.sha256).hexdigest()
        headers = {"Stripe-Signature": f"t={at},v1={signature}"}
        return client.post(where, body, content_type="application/json", headers=headers).status_code

    return rung


def kept():
    return list(GatewayEvent.objects.order_by("pk").values_list("gateway", "kind", "outcome"))


def test_a_notice_finds_its_order_under_an_id_that_we_have_not_heard_of(world, ring):
    """The page was paid and nobody came back: the payment's own id is news, our numbers in it are not."""
    order = world.buy()
    world.choose_card(order)
    attempt = attempts(order.pk)[0]
    assert attempt.ref.startswith("cs_")
    thing = {"id": "pi_news", "metadata": {"order": order.number, "attempt": str(attempt.n)}}
    assert ring(thing=thing) == 200
    order.refresh_from_db()
    attempt.refresh_from_db()
    assert order.paid_at and attempt.ref.startswith("pi_") and attempt.ref != "pi_news", "read from the source"
    assert kept() == [("demo", "payment_intent.succeeded", "applied")]


@pytest.mark.parametrize("about", [{"order": "T-1", "attempt": "1"}, {"order": "T-1", "attempt": "x"}, {}])
def test_a_notice_about_nobody_we_know_is_kept_and_parked(world, ring, about):
    assert ring(thing={"id": "pi_news", "metadata": about}) == 200
    assert kept() == [("demo", "payment_intent.succeeded", "parked")]


def test_a_notice_of_another_account_or_mode_changes_nothing(world, ring):
    order = world.buy()
    world.choose_card(order)
    thing = {"id": attempts(order.pk)[0].ref}
    assert ring(thing=thing, livemode=True) == ring(thing=thing, account="acct_other") == 200
    order.refresh_from_db()
    assert order.paid_at is None and {outcome for *_, outcome in kept()} == {"foreign"}
    assert ring(thing=thing) == 200
    order.refresh_from_db()
    assert order.paid_at, "its twin of our own account does"


def test_a_forged_or_old_notice_is_not_even_kept(world, ring, client):
    assert ring(secret="a guess") == ring(age_s=301) == 400
    assert client.post("/hooks/demo", b"{}", content_type="application/json").status_code == 400
    assert client.post("/hooks/demo", b"x" * 70_000, content_type="application/json").status_code == 413
    assert client.get("/hooks/demo").status_code == 405
    assert kept() == []


def test_stripes_door_is_closed_until_it_has_a_word(world, ring, settings):
    assert ring("/hooks/stripe/") == 404
    settings.TENURE_STRIPE_SECRET_KEY = "sk_test_x"
    settings.TENURE_STRIPE_WEBHOOK_SECRETS = ["an older word", "a newer word"]
    from tenure.wiring import gateway

    gateway.cache_clear()
    try:
        for word in settings.TENURE_STRIPE_WEBHOOK_SECRETS:
            assert ring("/hooks/stripe/", secret=word) == 200
        assert ring("/hooks/stripe/") == 400, "the pretend gateway's word is not Stripe's"
        assert kept() == [("stripe", "payment_intent.succeeded", "parked")] * 2
        settings.TENURE_DEMO = False
        assert ring() == 404, "nobody pretends outside a demonstration"
    finally:
        gateway.cache_clear()
