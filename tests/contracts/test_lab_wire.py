"""The lab follows what Stripe documents, asked without its SDK: keys, errors, forms, dates.

It must never use our adapter: a mistake that both ends share would not show. Read next: ``demogateway/routes.py``.
"""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from itertools import count
from urllib.parse import urlencode

import pytest

KEYS = count(1)


@pytest.fixture
def ask(lab):
    """One request on the wire: status, object, headers."""

    def asked(method, path, form=None, key="", secret=lab.secret):
        body = urlencode(form or {}) if method == "POST" else None
        headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/x-www-form-urlencoded"}
        if method == "POST":
            headers["Idempotency-Key"] = key or f"wire-{next(KEYS)}"
        status, text, told = lab.http(method, f"/v1/{path}", body, **headers)
        return status, json.loads(text), told

    return asked


@pytest.fixture
def intent(ask):
    def made(card="tok_4242", amount="1575000", **more):
        customer = ask("POST", "customers", {"metadata[customer]": "p"})[1]["id"]
        form = {"amount": amount, "currency": "twd", "customer": customer, "payment_method": card}
        form |= {"metadata[order]": f"W-{next(KEYS)}", "metadata[attempt]": "1"}
        return ask("POST", "payment_intents", form | more)[1]

    return made


AWAY = {"off_session": "true"}


def test_a_payment_in_stripes_own_shape(ask, intent):
    made = intent()
    assert (made["object"], made["status"], made["amount"], made["currency"]) == (
        "payment_intent", "requires_confirmation", 1575000, "twd",
    )  # fmt: skip
    status, done, headers = ask("POST", f"payment_intents/{made['id']}/confirm", AWAY)
    assert (status, done["status"], done["amount_received"]) == (200, "succeeded", 1575000)
    assert isinstance(done["latest_charge"], str) and isinstance(done["payment_method"], str), "ids until expanded"
    shown = ask("GET", f"payment_intents/{made['id']}?" + urlencode({"expand[0]": "latest_charge"}))[1]
    assert shown["latest_charge"]["id"] == done["latest_charge"] and shown["latest_charge"]["captured"]
    assert headers["Request-Id"].startswith("req_")


def test_keys_are_kept_for_a_day_of_the_labs_own_clock(lab, ask, intent):
    form = {"metadata[customer]": "somebody"}
    first = ask("POST", "customers", form, "day")[1]
    assert ask("POST", "customers", form, "day")[1] == first
    status, said, _ = ask("POST", "customers", {"metadata[customer]": "another"}, "day")
    assert (status, said["error"]["type"]) == (400, "idempotency_error")
    lab.faults(clock_s=24 * 3600 - 60)
    assert ask("POST", "customers", form, "day")[1] == first
    lab.faults(clock_s=24 * 3600 + 1)
    assert ask("POST", "customers", form, "day")[1]["id"] != first["id"]


def test_a_key_in_flight_is_a_conflict_and_a_stored_error_is_repeated(lab, ask, intent):
    made = intent()
    with ThreadPoolExecutor(8) as hands:
        answers = list(
            hands.map(lambda _: ask("POST", f"payment_intents/{made['id']}/confirm", AWAY, "one")[:2], range(8))
        )
    assert {status for status, _ in answers} <= {200, 409} and 200 in {status for status, _ in answers}
    assert all(said["error"]["code"] == "idempotency_key_in_use" for status, said in answers if status == 409)
    lab.faults(error_500_after_charge=1)
    made = intent()
    for _ in range(3):
        status, said, _ = ask("POST", f"payment_intents/{made['id']}/confirm", AWAY, "broken")
        assert (status, said["error"]["type"]) == (500, "api_error")
    assert ask("GET", f"payment_intents/{made['id']}")[1]["status"] == "succeeded"


@pytest.mark.parametrize(
    ("card", "code", "decline"),
    [
        ("tok_0002", "card_declined", "generic_decline"),
        ("tok_9995", "card_declined", "insufficient_funds"),
        ("tok_0069", "expired_card", "expired_card"),
        ("tok_3155", "authentication_required", "authentication_required"),
    ],
)
def test_a_banks_no_is_an_error_with_the_payment_inside(ask, intent, card, code, decline):
    made = intent(card)
    status, said, _ = ask("POST", f"payment_intents/{made['id']}/confirm", AWAY, f"no-{card}")
    told = said["error"]
    assert (status, told["type"], told["code"], told["decline_code"]) == (402, "card_error", code, decline)
    assert told["payment_intent"]["id"] == made["id"]
    assert told["payment_intent"]["status"] == "requires_payment_method"
    assert ask("POST", f"payment_intents/{made['id']}/confirm", AWAY, f"no-{card}")[:2] == (402, said)


def test_a_decided_payment_is_confirmed_and_cancelled_no_more(ask, intent):
    made = intent()["id"]
    ask("POST", f"payment_intents/{made}/confirm", AWAY)
    for verb, form in (("confirm", AWAY), ("cancel", {})):
        status, said, _ = ask("POST", f"payment_intents/{made}/{verb}", form)
        assert (status, said["error"]["code"]) == (400, "payment_intent_unexpected_state")


def test_more_than_was_captured_is_never_refunded(ask, intent):
    made = intent()["id"]
    ask("POST", f"payment_intents/{made}/confirm", AWAY)
    refund = {"payment_intent": made, "amount": "1575100"}
    status, said, _ = ask("POST", "refunds", refund)
    assert (status, said["error"]["param"]) == (400, "amount")
    assert ask("POST", "refunds", refund | {"amount": "1575000"})[0] == 200
    status, said, _ = ask("POST", "refunds", refund | {"amount": "100"})
    assert (status, said["error"]["code"]) == (400, "charge_already_refunded")


def test_the_date_is_the_labs_own(lab, ask):
    lab.faults(clock_s=-120)
    told = parsedate_to_datetime(ask("GET", "payment_intents/pi_1")[2]["Date"]).timestamp()
    assert abs(told - (time.time() - 120)) < 3


@pytest.mark.parametrize(
    ("method", "path", "form", "status"),
    [
        ("GET", "payment_intents/pi_unheard_of", {}, 404),
        ("GET", "nothing/here", {}, 404),
        ("POST", "payment_intents", {"amount": "-1", "currency": "twd"}, 400),
        ("POST", "payment_intents", {"amount": "100", "currency": "xyz"}, 400),
        ("POST", "payment_intents", {"amount": "150", "currency": "twd"}, 400),
        ("POST", "payment_intents", {"amount": "1" * 5000, "currency": "twd"}, 400),
        ("POST", "payment_intents", {"amount[0]": "100", "currency": "twd"}, 400),
        ("POST", "payment_intents", {"amount": "100", "amount[0]": "1"}, 400),
        ("POST", "checkout/sessions", {"mode": "subscription"}, 400),
        ("POST", "checkout/sessions", {"mode": "payment", "line_items": "x"}, 400),
        ("GET", "charges?limit=1000", {}, 400),
        ("GET", "charges?created[gte]=soon", {}, 400),
        ("GET", "charges?starting_after=ch_nothing", {}, 404),
        ("GET", "payment_intents/search?query=everything", {}, 400),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(ask, method, path, form, status):
    got, said, _ = ask(method, path, form)
    assert got == status and said["error"]["type"] == "invalid_request_error" and said["error"]["message"]


def test_a_wrong_secret_is_told_nothing(ask):
    status, said, _ = ask("GET", "charges", secret="guess")
    assert status == 401 and "data" not in said
