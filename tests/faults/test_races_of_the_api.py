"""Eight programs send one request under one key at the same instant: one order, one answer, and who came too early waits.

With the claim taken away, the database's own bound still keeps one order, but the answers differ: the negative control.
"""

import json
import threading

import pytest
from django.db import connections
from django.test import Client

from tenure.plumbing import answers
from tenure.plumbing.models import Answer
from tenure.purchases.models import Order
from tests.doors.api import key_of

AT_ONCE = 8


def body() -> bytes:
    contact = {"name": "Mei Chen", "phone": "02 2712 3456", "email": "mei@contoso.example"}
    told = {"offer": "action-pack", "purpose": "purchase", "payment_method": "bank_transfer", "contact": contact}
    total = {"amount": "15750", "currency": "TWD"}
    return json.dumps(told | {"expected_total": total, "terms_version": "2018-01"}).encode()


def all_at_once(secret: str, keys: list[str]) -> list:
    """One request from each of several programs, let go together."""
    gate, met = threading.Barrier(len(keys)), []

    def ask(key: str) -> None:
        headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": key}
        gate.wait(10)
        try:
            met.append(
                Client().generic("POST", "/api/v1/orders", body(), content_type="application/json", headers=headers)
            )
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask, args=[key]) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(met) == len(keys)
    return met


@pytest.fixture
def secret(transactional_db, world) -> str:
    world.work()
    return key_of(world, world.ann)


def test_one_key_at_the_same_instant_is_one_order_and_one_answer(secret):
    met = all_at_once(secret, ["one-key"] * AT_ONCE)
    done = [answer for answer in met if answer.status_code == 201]
    waits = [answer for answer in met if answer.status_code != 201]
    assert done
    assert len({answer.content for answer in done}) == 1
    assert {(answer.status_code, answer.json()["code"]) for answer in waits} <= {(409, "idempotency.in_flight")}
    assert Order.objects.count() == Answer.objects.count() == 1
    late = all_at_once(secret, ["one-key"])[0]
    assert (late.status_code, late.content) == (201, done[0].content)


def test_without_the_claim_several_work_on_it(secret, monkeypatch):
    """The negative control: nobody claims, so more than one request reaches the verb."""
    reached = []
    monkeypatch.setattr(answers, "claim", lambda scope, key, of: reached.append(key))
    all_at_once(secret, ["one-key"] * AT_ONCE)
    assert len(reached) == AT_ONCE
    assert Order.objects.count() == 1, "the order's own key holds even then"


def test_eight_keys_at_the_same_instant_are_still_one_order_of_an_offer(secret):
    met = all_at_once(secret, [f"key-{n}" for n in range(AT_ONCE)])
    assert sorted(answer.status_code for answer in met) == [201] + [409] * (AT_ONCE - 1)
    assert {answer.json()["code"] for answer in met if answer.status_code == 409} == {"offers.order_open"}
    assert Order.objects.count() == 1
