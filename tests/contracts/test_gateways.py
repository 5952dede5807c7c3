"""One contract for every card gateway: what the payment verbs rely on, asked of the real thing over HTTP.

It must never reach into a gateway's process: pages are pressed and answers are lost from outside. Read next:
``payments/gateways/base.py``, the promises in words; ``conftest.py``, the labs; ``test_gateway_doorbells.py``.
"""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tenure.kernel.money import Money
from tenure.payments.gateways.base import RefundRequest, Rejected, Unknown

# Paying on the gateway's page


def test_a_page_charges_once_and_keeps_the_card(lab, gateway):
    asked = lab.page()
    page = gateway.open_page(asked)
    before = gateway.look(page.ref)
    assert (before.status, before.confirmed, before.action_path) == ("needs_action", False, page.path)
    assert (before.order, before.attempt, before.amount) == (asked.order, 1, lab.price)

    status, _, headers = lab.pay(page.path, "approves")
    assert (status, headers["Location"]) == (303, asked.return_path)
    paid = gateway.look(page.ref)
    assert (paid.status, paid.final, paid.card.brand, paid.card.last4) == ("succeeded", True, "Visa", "4242")
    assert paid.card.token and abs(paid.captured_at.timestamp() - time.time()) < 60

    assert lab.pay(page.path, "declined")[0] == 303, "the back button finds the payment decided"
    assert gateway.look(page.ref) == paid
    assert lab.charged(asked.order) == [paid]
    assert "This payment is complete" in lab.http("GET", page.path)[1]


def test_a_button_pressed_twice_at_once_charges_once(lab, gateway):
    asked = lab.page()
    page = gateway.open_page(asked)
    with ThreadPoolExecutor(8) as hands:
        answers = list(hands.map(lambda _: lab.pay(page.path, "approves")[0], range(8)))
    assert answers == [303] * 8
    assert len(lab.charged(asked.order)) == 1


def test_a_card_is_kept_only_with_consent(lab, gateway):
    page = gateway.open_page(lab.page(save_card=False))
    lab.pay(page.path, "approves")
    assert gateway.look(page.ref).card.token == ""


@pytest.mark.parametrize(
    ("card", "code", "hard"),
    [
        ("declined", "card_declined", False),
        ("insufficient_funds", "insufficient_funds", False),
        ("expired", "expired_card", True),
    ],
)
def test_a_declined_page_says_why_and_frees_the_attempt(lab, gateway, card, code, hard):
    asked = lab.page()
    page = gateway.open_page(asked)
    assert lab.pay(page.path, card)[2]["Location"] == asked.return_path
    no = gateway.look(page.ref)
    assert (no.status, no.decline_code, no.hard, no.captured_at) == ("declined", code, hard, None)
    assert not lab.charged(asked.order)
    assert gateway.cancel(page.ref, asked.key).status == "cancelled"
    again = gateway.open_page(replace(asked, key=f"{asked.order}:2", attempt=2))
    assert again.ref != page.ref
    lab.pay(again.path, "approves")
    assert gateway.find(asked.order, 2).status == "succeeded"


@pytest.mark.parametrize(("button", "status"), [("approve", "succeeded"), ("refuse", "declined")])
def test_authentication_is_asked_and_answered_on_the_page(lab, gateway, button, status):
    asked = lab.page()
    page = gateway.open_page(asked)
    assert lab.pay(page.path, "authenticates")[2]["Location"] == page.path
    waiting = gateway.look(page.ref)
    assert (waiting.status, waiting.confirmed, waiting.final) == ("needs_action", True, False)
    assert "Your bank asks you to approve" in lab.http("GET", page.path)[1]
    assert lab.press(page.path, do=button)[2]["Location"] == asked.return_path
    assert gateway.look(page.ref).status == status
    assert len(lab.charged(asked.order)) == (status == "succeeded")


def test_cancel_and_return_leaves_nothing_to_pay(lab, gateway):
    asked = lab.page(language="zh-hant")
    page = gateway.open_page(asked)
    assert lab.press(page.path, do="cancel")[2]["Location"] == asked.return_path
    assert gateway.look(page.ref).status == "cancelled"
    lab.pay(page.path, "approves")
    assert gateway.look(page.ref).status == "cancelled"
    assert "這筆付款已取消" in lab.http("GET", page.path)[1]


def test_a_page_that_nobody_used_for_a_day_is_closed(lab, gateway):
    asked = lab.page()
    page = gateway.open_page(asked)
    lab.faults(clock_s=24 * 3600 - 60)
    assert gateway.look(page.ref).status == "needs_action"
    lab.faults(clock_s=24 * 3600 + 1)
    assert gateway.look(page.ref).status == gateway.cancel(page.ref, asked.key).status == "cancelled"
    assert lab.pay(page.path, "approves")[2]["Location"] == asked.return_path
    assert not lab.charged(asked.order)


@pytest.mark.parametrize(
    ("language", "lang", "pay", "pretend"),
    [("en", "en", "Pay NT$15,750", "Nothing is charged."), ("zh-hant", "zh-Hant", "付款 NT$15,750", "不會真的扣款")],
)
def test_the_page_speaks_the_customers_language_and_says_it_pretends(lab, gateway, language, lang, pay, pretend):
    asked = lab.page(language=language, description="<b>Pack</b>")
    page = gateway.open_page(asked)
    status, html, headers = lab.http("GET", page.path)
    assert status == 200 and f'<html lang="{lang}">' in html
    for words in (pay, pretend, asked.order, "Aurora", "Fabrik &amp; Söhne", "&lt;b&gt;Pack&lt;/b&gt;"):
        assert words in html
    assert html.count('type="radio"') == 8 and 'type="text"' not in html and "<script" not in html
    assert "style=" not in html and headers["Cache-Control"] == "no-store"
    status, html, _ = lab.press(page.path, do="pay")
    assert status == 422 and 'role="alert"' in html
    assert gateway.look(page.ref).confirmed is False
    assert lab.http("GET", "/pay/cs_unheard_of")[0] == 404


@pytest.mark.parametrize("path", ["//elsewhere.example/", "https://elsewhere.example/", "/\\elsewhere", "/a\r\nb", ""])
def test_a_page_returns_to_the_portal_only(lab, gateway, path):
    with pytest.raises(Rejected, match="invalid_return_path"):
        gateway.open_page(lab.page(return_path=path))


# Charging a saved card


def test_a_saved_card_charges_in_two_steps(lab, gateway):
    first = lab.page()
    page = gateway.open_page(first)
    lab.pay(page.path, "approves")
    token = gateway.look(page.ref).card.token

    charge = lab.charge(token, customer=first.customer)
    ready = gateway.prepare(charge)
    assert (ready.status, ready.confirmed, ready.action_path) == ("needs_action", False, "")
    assert not lab.charged(charge.order)
    done = gateway.confirm(ready.ref, charge.key)
    assert (done.status, done.ref, done.amount, done.card.token) == ("succeeded", ready.ref, lab.price, token)
    assert gateway.look(ready.ref) == gateway.find(charge.order, 1) == done
    with pytest.raises(Rejected, match="card_unknown"):
        gateway.prepare(lab.charge(token, customer="somebody else"))


@pytest.mark.parametrize(
    ("card", "code", "hard"),
    [
        ("declined", "card_declined", False),
        ("insufficient_funds", "insufficient_funds", False),
        ("expired", "expired_card", True),
        ("authenticates", "authentication_required", False),
        ("declines_later", "card_declined", False),
    ],
)
def test_a_saved_card_declines_when_the_customer_is_away(lab, gateway, card, code, hard):
    charge = lab.charge(card)
    no = gateway.confirm(gateway.prepare(charge).ref, charge.key)
    assert (no.status, no.decline_code, no.hard) == ("declined", code, hard)
    assert not lab.charged(charge.order)


def test_a_card_that_approves_now_may_decline_later(lab, gateway):
    first = lab.page()
    page = gateway.open_page(first)
    lab.pay(page.path, "declines_later")
    paid = gateway.look(page.ref)
    later = lab.charge(paid.card.token, customer=first.customer)
    assert paid.status == "succeeded"
    assert gateway.confirm(gateway.prepare(later).ref, later.key).status == "declined"


def test_a_present_customer_is_asked_by_his_bank(lab, gateway):
    charge = lab.charge("authenticates", off_session=False, language="zh-hant", return_path="/orders/x")
    asked = gateway.confirm(gateway.prepare(charge).ref, charge.key)
    assert (asked.status, asked.confirmed) == ("needs_action", True)
    assert "銀行需要您核准這筆付款" in lab.http("GET", asked.action_path)[1]
    assert lab.press(asked.action_path, do="approve")[2]["Location"] == "/orders/x"
    assert gateway.look(asked.ref).status == "succeeded"


def test_the_next_charge_can_be_refused_as_stolen(lab, gateway):
    lab.faults(refuse_next=["stolen_card"])
    stolen, sound = lab.charge(), lab.charge()
    no = gateway.confirm(gateway.prepare(stolen).ref, stolen.key)
    assert (no.status, no.decline_code, no.hard) == ("declined", "stolen_card", True)
    assert gateway.confirm(gateway.prepare(sound).ref, sound.key).status == "succeeded"


# Keys and lost answers


def test_the_same_key_gives_the_same_answer_and_one_charge(lab, gateway):
    charge, asked = lab.charge(), lab.page()
    ready = [gateway.prepare(charge) for _ in range(3)]
    done = [gateway.confirm(ready[0].ref, charge.key) for _ in range(3)]
    assert len(set(ready)) == len(set(done)) == 1
    assert gateway.confirm(ready[0].ref, "another-key") == done[0], "a decided payment answers as it stands"
    assert lab.charged(charge.order) == done[:1]
    assert gateway.open_page(asked) == gateway.open_page(asked)


def test_a_key_with_another_request_is_rejected(lab, gateway):
    charge, asked = lab.charge(), lab.page()
    gateway.prepare(charge)
    gateway.open_page(asked)
    for again in (
        lambda: gateway.prepare(replace(charge, amount=Money(1, "TWD"))),
        lambda: gateway.open_page(replace(asked, amount=Money(1, "TWD"))),
    ):
        with pytest.raises(Rejected) as no:
            again()
        assert no.value.code == "idempotency_mismatch"
    assert gateway.find(charge.order, 1).amount == lab.price


def test_the_same_key_at_once_charges_once(lab, gateway):
    charge = lab.charge()
    ready = gateway.prepare(charge)

    def confirm(_):
        try:
            return gateway.confirm(ready.ref, charge.key).status
        except Unknown as unknown:
            return unknown.reason

    with ThreadPoolExecutor(8) as hands:
        answers = set(hands.map(confirm, range(16)))
    assert answers <= {"succeeded", "http_409"}
    assert len(lab.charged(charge.order)) == 1


def test_a_lost_answer_is_unknown_and_found_by_asking(lab, gateway):
    lab.faults(timeout_after_charge=1)
    charge = lab.charge()
    ready = gateway.prepare(charge)
    with pytest.raises(Unknown, match="no_answer"):
        gateway.confirm(ready.ref, charge.key)
    assert gateway.look(ready.ref).status == "succeeded"
    assert gateway.find(charge.order, 1) == gateway.confirm(ready.ref, charge.key) == gateway.look(ready.ref)
    assert len(lab.charged(charge.order)) == 1


def test_a_stored_error_is_repeated_for_its_key(lab, gateway):
    lab.faults(error_500_after_charge=1)
    charge = lab.charge()
    ready = gateway.prepare(charge)
    with pytest.raises(Unknown, match="http_500"):
        gateway.confirm(ready.ref, charge.key)
    assert gateway.look(ready.ref).status == "succeeded"
    assert len(lab.charged(charge.order)) == 1


def test_being_turned_away_is_unknown_and_may_be_asked_again(lab, gateway):
    lab.faults(rate_limit=1)
    charge = lab.charge()
    with pytest.raises(Unknown, match="http_429"):
        gateway.prepare(charge)
    assert gateway.find(charge.order, 1) is None
    assert gateway.prepare(charge).confirmed is False


def test_the_card_that_loses_its_answer(lab, gateway):
    asked, started = lab.page(), time.monotonic()
    page = gateway.open_page(asked)
    status, html, headers = lab.pay(page.path, "loses_answer")
    assert status == 504 and "Location" not in headers and "Don't pay again" in html
    assert gateway.look(page.ref).status == "succeeded"
    charge = lab.charge("loses_answer")
    ready = gateway.prepare(charge)
    with pytest.raises(Unknown):
        gateway.confirm(ready.ref, charge.key)
    assert gateway.find(charge.order, 1).status == "succeeded"
    lab.until(lambda: lab.rung(gateway.look(page.ref).ref))
    assert time.monotonic() - started > 2.5, "the doorbell comes late"


def test_silence_and_a_wrong_secret(lab, gateway):
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        nobody = lab.adapter(f"http://127.0.0.1:{deaf.getsockname()[1]}", timeout=0.1)
        with pytest.raises(Unknown, match="timeout"):
            nobody.look("pi_1")
    with pytest.raises(Unknown, match="no_answer"):
        nobody.look("pi_1")
    with pytest.raises(Rejected, match="secret_unknown"):
        lab.adapter(secret="guess").look("pi_1")
    with pytest.raises(Rejected, match="not_found"):
        gateway.look("pi_1")


# Cancelling and refunding


def test_a_cancelled_payment_never_charges_and_a_captured_one_says_so(lab, gateway):
    idle, paid = lab.charge(), lab.charge()
    ready = gateway.prepare(idle)
    assert gateway.cancel(ready.ref, idle.key).status == "cancelled"
    assert gateway.confirm(ready.ref, idle.key).status == "cancelled"
    assert not lab.charged(idle.order)
    done = gateway.confirm(gateway.prepare(paid).ref, paid.key)
    assert gateway.cancel(done.ref, paid.key) == done


def test_refunds_never_exceed_the_capture(lab, gateway):
    charge = lab.charge()
    ready = gateway.prepare(charge)
    part = RefundRequest(f"{charge.order}:r1", ready.ref, Money(10000, "TWD"), "ended early")
    with pytest.raises(Rejected, match="payment_not_captured"):
        gateway.refund(part)
    gateway.confirm(ready.ref, charge.key)
    lab.faults(timeout_after_refund=1)
    with pytest.raises(Unknown):
        gateway.refund(part)
    made = gateway.refund(part)
    assert (made.status, made.payment_ref, made.amount) == ("succeeded", ready.ref, part.amount)
    assert gateway.refund(part) == made, "the same key gives no money twice"
    with pytest.raises(Rejected, match="refund_exceeds_capture"):
        gateway.refund(replace(part, key="r2", amount=Money(5751, "TWD")))
    with pytest.raises(Rejected, match="refund_currency_differs"):
        gateway.refund(replace(part, key="r3", amount=Money(1, "USD")))
    gateway.refund(replace(part, key=f"{charge.order}:r4", amount=Money(5750, "TWD")))
    assert gateway.look(ready.ref).refunded == lab.price
    assert gateway.look(ready.ref).status == "succeeded"


def test_refunds_at_once_stop_at_the_capture(lab, gateway):
    charge = lab.charge()
    ready = gateway.prepare(charge)
    gateway.confirm(ready.ref, charge.key)

    def refund(n):
        try:
            return gateway.refund(RefundRequest(f"{charge.order}:{n}", ready.ref, Money(5000, "TWD"), "")).status
        except Rejected as no:
            return no.code

    with ThreadPoolExecutor(8) as hands:
        answers = sorted(hands.map(refund, range(8)))
    assert answers == ["refund_exceeds_capture"] * 5 + ["succeeded"] * 3
