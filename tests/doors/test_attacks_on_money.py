"""What is sent to the gateways' doorbells in bad faith, and money that is not what it says (reliability.md §4).

Each test's name carries its row. Read next: ``docs/operations/attacks.md``, which has all sixty.
"""

import hashlib
import hmac
import json
import time
import uuid

import pytest
from django.test import Client

from tenure.billing.models import Invoice
from tenure.payments.models import Attempt, GatewayEvent
from tenure.payments.queries import attempts
from tenure.purchases.models import Order
from tests.conftest import GATEWAY_SECRET
from tests.doors.till import Till

DOOR = "/hooks/demo"
CPU_S = 0.05


def signed(thing, *, age_s=0, secret=GATEWAY_SECRET, event=""):
    """A notice as the gateway sends it: the body, and its signature of some seconds ago."""
    at = int(time.time()) - age_s
    said = {"id": event or f"evt_{uuid.uuid4().hex}", "type": "payment_intent.succeeded", "livemode": False}
    body = json.dumps(said | {"created": at, "data": {"object": thing}}).encode()
    return body, f"t={at},v1={hmac.new(secret.encode(), b'%d.%s' % (at, body), hashlib.sha256).hexdigest()}"


def ring(body, signature, **more):
    client = Client(raise_request_exception=False)
    return client.post(DOOR, body, content_type="application/json", headers={"Stripe-Signature": signature} | more)


@pytest.fixture
def chosen(world):
    """An order whose card was chosen on the gateway's page; nobody has come back from there."""
    order = world.buy()
    world.choose_card(order)
    return order


def test_attack_21_without_the_right_signature_nothing_is_kept(world, chosen):
    body, right = signed({"id": attempts(chosen.pk)[0].ref})
    _, wrong = signed({"id": attempts(chosen.pk)[0].ref}, secret="another word")
    for signature in (
        "",
        "t=1,v1=",
        wrong,
        right[:-1],
        right.replace("v1", "v0"),
        right.replace("t=", "t=-"),
        "v1=" + "0" * 64,
    ):
        assert ring(body, signature).status_code == 400, signature
    assert not GatewayEvent.objects.exists()
    assert ring(body, right).status_code == 200, "and the right one is heard"


def test_attack_22_the_same_notice_again_has_no_second_effect_and_a_late_one_none(world, chosen):
    ref = attempts(chosen.pk)[0].ref
    body, old = signed({"id": ref}, age_s=301)
    assert ring(body, old).status_code == 400 and not GatewayEvent.objects.exists()
    body, right = signed({"id": ref}, age_s=290)
    assert [ring(body, right).status_code for _ in range(5)] == [200] * 5
    assert GatewayEvent.objects.count() == 1 and world.charged() == 1 and Invoice.objects.count() == 1


@pytest.mark.parametrize(
    "signature",
    ["t=1," * 1000 + "v1=0", "t=1," + ",".join(f"v1={n:064x}" for n in range(1000)), "v1=" * 20_000, ",=" * 10_000],
    ids=["times", "signatures", "names", "nothing"],
)
def test_attack_23_a_signature_made_to_be_long_costs_next_to_nothing(world, signature):
    body, _ = signed({"id": "pi_1"})
    ring(b"{}", "")  # whatever is read once has been read
    began = time.process_time()
    status = ring(body, signature).status_code
    assert status == 400 and time.process_time() - began < CPU_S and not GatewayEvent.objects.exists()


def test_attack_23_a_body_of_a_megabyte_is_not_read(world):
    body, signature = signed({"id": "x" * 1_000_000})
    ring(b"{}", "")  # whatever is read once has been read
    began = time.process_time()
    assert ring(body, signature).status_code == 413 and time.process_time() - began < CPU_S
    assert not GatewayEvent.objects.exists()


@pytest.mark.parametrize("said", [1, 15749, 15751, 1575000])
def test_attack_25_another_amount_than_asked_for_opens_nothing(world, chosen, said):
    """The gateway took 15,750; what we asked for is made to differ, as if it had answered about something else."""
    Attempt.objects.filter(order_id=chosen.pk).update(amount_minor=said)
    body, signature = signed({"id": attempts(chosen.pk)[0].ref})
    assert ring(body, signature).status_code == 200
    chosen.refresh_from_db()
    assert chosen.paid_at is None and world.holding() is None and not Invoice.objects.exists()
    assert ("payment", "amount_mismatch") in world.tasks(), "and somebody is asked to look"


def test_attack_26_a_notice_that_comes_before_its_order_is_kept_and_applied_later(world):
    body, signature = signed({"id": "pi_news", "metadata": {"order": "O-2018-999999", "attempt": "1"}})
    assert ring(body, signature).status_code == 200
    assert GatewayEvent.objects.get().outcome == "parked"
    order = world.buy()
    world.choose_card(order)
    world.asked()
    order.refresh_from_db()
    assert order.paid_at and world.charged() == 1, "what the bell could not say is asked for"


@pytest.mark.parametrize("claim", ["status=success", "redirect_status=succeeded&payment_intent=pi_1", "paid=1&total=0"])
def test_attack_27_what_a_returning_browser_claims_is_not_read(world, claim):
    till = Till(world)
    page = till.order()
    order = Order.objects.get()
    answer = till.client.get(f"/orders/{order.number}/?{claim}")
    order.refresh_from_db()
    assert page.startswith("/pay/") and answer.status_code in (200, 302)
    assert order.paid_at is None and world.charged() == 0 and not Invoice.objects.exists()
