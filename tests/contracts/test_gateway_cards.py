"""The contract's third part: a card that is named to be kept, without a charge, and one that is forgotten.

Read next: ``test_gateways.py``.
"""

from dataclasses import replace
from itertools import count

import pytest

from tenure.payments.gateways.base import CardPageRequest, Rejected

NAMES = count(1)


@pytest.fixture
def asked():
    whose = f"k-{next(NAMES):04}"
    return CardPageRequest(
        key=f"{whose}:card:1", customer=whose, currency="TWD", language="en", return_path="/subscriptions/1/card/",
        payer_name="Fabrik & Söhne", merchant="Aurora",
    )  # fmt: skip


def test_a_card_is_kept_without_a_charge_and_charged_later(lab, gateway, asked):
    before = len(gateway.charges())
    page = gateway.open_card_page(asked)
    assert gateway.open_card_page(asked) == page and gateway.look_card(page.ref) is None
    status, html, _ = lab.http("GET", page.path)
    assert status == 200 and "Keep this card" in html and "Fabrik &amp; Söhne" in html and "NT$" not in html
    assert lab.pay(page.path, "approves")[2]["Location"] == asked.return_path
    card = gateway.look_card(page.ref)
    assert (card.brand, card.last4, card.exp_year) == ("Visa", "4242", 2049) and card.token.startswith("pm_")
    assert len(gateway.charges()) == before
    charge = lab.charge(card.token, customer=asked.customer)
    assert gateway.confirm(gateway.prepare(charge).ref, charge.key).status == "succeeded"
    with pytest.raises(Rejected, match="card_unknown"):
        gateway.prepare(lab.charge(card.token, customer="somebody else"))


def test_a_page_that_was_used_keeps_its_one_card(lab, gateway, asked):
    page = gateway.open_card_page(asked)
    lab.pay(page.path, "approves")
    card = gateway.look_card(page.ref)
    lab.pay(page.path, "declines_later")
    assert gateway.look_card(page.ref) == card and "This card is kept" in lab.http("GET", page.path)[1]


def test_a_declined_card_is_not_kept_and_another_may_be_tried(lab, gateway, asked):
    page = gateway.open_card_page(asked)
    assert lab.pay(page.path, "declined")[2]["Location"] == page.path
    assert gateway.look_card(page.ref) is None and "The bank declined this card" in lab.http("GET", page.path)[1]
    assert lab.press(page.path, do="pay")[0] == 422
    lab.pay(page.path, "approves")
    assert gateway.look_card(page.ref).last4 == "4242"


@pytest.mark.parametrize(("button", "kept"), [("approve", True), ("refuse", False)])
def test_a_bank_may_ask_before_a_card_is_kept(lab, gateway, asked, button, kept):
    page = gateway.open_card_page(asked)
    lab.pay(page.path, "authenticates")
    assert gateway.look_card(page.ref) is None and "approve this card" in lab.http("GET", page.path)[1]
    lab.press(page.path, do=button)
    assert (gateway.look_card(page.ref) is not None) == kept


def test_a_page_that_was_left_keeps_nothing(lab, gateway, asked):
    page = gateway.open_card_page(asked)
    assert lab.press(page.path, do="cancel")[2]["Location"] == asked.return_path
    lab.pay(page.path, "approves")
    assert gateway.look_card(page.ref) is None


def test_a_page_speaks_chinese_and_returns_to_the_portal_only(lab, gateway, asked):
    page = gateway.open_card_page(replace(asked, key="zh", language="zh-hant"))
    assert "保留這張卡片" in lab.http("GET", page.path)[1]
    with pytest.raises(Rejected, match="invalid_return_path"):
        gateway.open_card_page(replace(asked, key="away", return_path="//elsewhere.example/"))
    gateway.open_card_page(replace(asked, currency="USD"))
    with pytest.raises(Rejected, match="idempotency_mismatch"):
        gateway.open_card_page(asked)


def test_a_forgotten_card_charges_no_more_and_may_be_forgotten_twice(lab, gateway, asked):
    page = gateway.open_card_page(asked)
    lab.pay(page.path, "approves")
    token = gateway.look_card(page.ref).token
    ready = lab.charge(token, customer=asked.customer)
    prepared = gateway.prepare(ready)
    gateway.detach(token)
    gateway.detach(token)
    gateway.detach("pm_unheard_of")
    with pytest.raises(Rejected, match="card_unknown"):
        gateway.prepare(lab.charge(token, customer=asked.customer))
    with pytest.raises(Rejected):
        gateway.confirm(prepared.ref, ready.key)
    assert not lab.charged(ready.order)


def test_no_page_of_a_name_nobody_made(gateway):
    with pytest.raises(Rejected, match="not_found"):
        gateway.look_card("cs_unheard_of")
