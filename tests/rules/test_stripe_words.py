"""Stripe's objects as our outcomes: every state has one meaning, every gap is a missing answer.

Read next: ``payments/gateways/stripe_words.py``.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.kernel.money import EXPONENTS, LIMIT_MINOR, Money
from tenure.payments.gateways import stripe_words as words
from tenure.payments.gateways.base import Status, Unknown

CARD = {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2049}
METHOD = {"id": "pm_1", "card": CARD, "customer": "cus_1"}
CHARGE = {"id": "ch_1", "created": 1_700_000_000, "amount_refunded": 500000}


def intent(**changes):
    said = {"id": "pi_1", "status": "succeeded", "amount": 1575000, "currency": "twd", "payment_method": METHOD}
    return {**said, "metadata": {"order": "T-1", "attempt": "1"}, "latest_charge": CHARGE, **changes}


@given(st.integers(0, LIMIT_MINOR), st.sampled_from(sorted(EXPONENTS)))
def test_money_goes_there_and_back(minor, currency):
    amount = Money(minor, currency)
    assert words.money(words.counted(amount), currency.lower()) == amount


def test_cents_of_a_currency_without_cents_are_never_rounded():
    with pytest.raises(Unknown, match="answer_unreadable"):
        words.payment(intent(amount=1575050))


@pytest.mark.parametrize(
    ("status", "ours", "confirmed", "final"),
    [
        ("requires_confirmation", "needs_action", False, False),
        ("requires_payment_method", "needs_action", False, False),
        ("requires_action", "needs_action", True, False),
        ("processing", "processing", True, False),
        ("requires_capture", "processing", True, False),
        ("succeeded", "succeeded", True, True),
        ("canceled", "cancelled", True, True),
    ],
)
def test_every_state_of_a_payment_means_one_thing(status, ours, confirmed, final):
    told = words.payment(intent(status=status))
    assert (told.status, told.confirmed, told.final) == (ours, confirmed, final)
    assert (told.captured_at is not None) == (status == "succeeded")


def test_a_state_that_we_do_not_know_is_a_missing_answer_and_not_a_no():
    with pytest.raises(Unknown, match="answer_unreadable"):
        words.payment(intent(status="requires_something_new"))


@pytest.mark.parametrize("name", ["id", "status", "amount", "currency"])
def test_an_answer_with_a_gap_is_a_missing_answer(name):
    said = intent()
    del said[name]
    with pytest.raises(Unknown, match="answer_unreadable"):
        words.payment(said)


@pytest.mark.parametrize(
    ("error", "code", "hard"),
    [
        ({"code": "card_declined", "decline_code": "generic_decline"}, "card_declined", False),
        ({"code": "card_declined", "decline_code": "do_not_honor"}, "do_not_honor", False),
        ({"code": "card_declined", "decline_code": "insufficient_funds"}, "insufficient_funds", False),
        ({"code": "card_declined", "decline_code": "try_again_later"}, "try_again_later", False),
        ({"code": "card_declined", "decline_code": "lost_card"}, "lost_card", True),
        ({"code": "card_declined", "decline_code": "stolen_card"}, "stolen_card", True),
        ({"code": "card_declined", "decline_code": "pickup_card"}, "pickup_card", True),
        ({"code": "card_declined"}, "card_declined", False),
        ({"code": "expired_card", "decline_code": "expired_card"}, "expired_card", True),
        ({"code": "authentication_required", "decline_code": "authentication_required"}, "authentication_required", 0),
        ({"code": "payment_intent_authentication_failure"}, "authentication_failed", False),
    ],
)
def test_a_banks_no_is_soft_or_hard(error, code, hard):
    said = intent(status="requires_payment_method", payment_method=None, last_payment_error=error, latest_charge=None)
    told = words.payment(said)
    assert (told.status, told.decline_code, told.hard) == ("declined", code, bool(hard))


def test_a_bank_that_asks_is_an_answer_or_a_no_by_whether_the_customer_is_there():
    here = words.payment(intent(status="requires_action"), "/pay/cs_1")
    assert (here.status, here.action_path) == (Status.NEEDS_ACTION, "/pay/cs_1")
    noted = {"order": "T-1", "attempt": "1", "off_session": "1"}
    away = words.payment(intent(status="requires_action", metadata=noted), "/pay/cs_1")
    assert (away.status, away.decline_code, away.action_path) == ("declined", "authentication_required", "")


@pytest.mark.parametrize("charge", ["ch_1", None, CHARGE])
def test_a_charge_told_by_its_id_alone_is_still_captured(charge):
    told = words.payment(intent(latest_charge=charge))
    assert told.status == "succeeded" and (told.captured_at is None) == (charge != CHARGE)


@pytest.mark.parametrize(("method", "token"), [(METHOD, "pm_1"), ({**METHOD, "customer": None}, "")])
def test_a_card_has_a_token_only_where_its_customer_let_it_be_kept(method, token):
    assert words.payment(intent(payment_method=method)).card.token == token


def page(**changes):
    said = {"id": "cs_1", "status": "open", "payment_intent": None, "amount_total": 1575000, "currency": "twd"}
    return {**said, "metadata": {"order": "T-1", "attempt": "1"}, **changes}


@pytest.mark.parametrize(
    ("said", "status", "ref", "path"),
    [
        (page(), "needs_action", "cs_1", "/pay/cs_1"),
        (page(status="expired"), "cancelled", "cs_1", ""),
        (page(payment_intent=intent(status="requires_action")), "needs_action", "cs_1", "/pay/cs_1"),
        (
            page(payment_intent=intent(status="requires_payment_method", last_payment_error={"code": "card_declined"})),
            "needs_action",
            "cs_1",
            "/pay/cs_1",
        ),
        (page(status="complete", payment_intent=intent()), "succeeded", "pi_1", ""),
        (page(status="expired", payment_intent=intent(status="canceled")), "cancelled", "pi_1", ""),
    ],
)
def test_a_page_is_what_its_customer_can_still_do_on_it(said, status, ref, path):
    told = words.session(said, "/pay/cs_1")
    assert (told.status, told.ref, told.action_path) == (status, ref, path)
    assert (told.order, told.attempt, told.amount) == ("T-1", 1, Money(15750, "TWD"))


def test_a_page_whose_payment_was_not_told_whole_is_a_missing_answer():
    with pytest.raises(Unknown, match="answer_unreadable"):
        words.session(page(status="complete", payment_intent="pi_1"))


@pytest.mark.parametrize(
    ("said", "ours"),
    [
        ("needs_response", "needs_response"),
        ("warning_needs_response", "needs_response"),
        ("under_review", "under_review"),
        ("warning_under_review", "under_review"),
        ("won", "won"),
        ("warning_closed", "won"),
        ("lost", "lost"),
    ],
)
def test_every_state_of_a_dispute_means_one_thing(said, ours):
    line = {"created": 1_700_000_000, "reporting_category": "dispute", "fee": 50000, "currency": "twd"}
    told = words.dispute({
        "id": "dp_1", "payment_intent": {"id": "pi_1"}, "amount": 1575000, "currency": "twd", "status": said,
        "reason": "fraudulent", "created": 1_700_000_000, "balance_transactions": [line],
    })  # fmt: skip
    assert (told.status, told.payment_ref, told.fee) == (ours, "pi_1", Money(500, "TWD"))


@pytest.mark.parametrize(
    ("category", "kind", "amount"),
    [
        ("charge", "charge", 1575000),
        ("refund", "refund", -500000),
        ("dispute", "dispute", -1575000),
        ("dispute_reversal", "dispute_reversal", 1575000),
        ("payout", "payout", -100),
        ("stripe_fee", "fee", -100),
        ("something_new", "fee", -100),
    ],
)
def test_every_line_of_the_account_has_a_kind(category, kind, amount):
    told = words.movement({
        "id": "txn_1", "reporting_category": category, "amount": amount, "fee": 0, "currency": "twd",
        "created": 1_700_000_000, "source": {"id": "x", "payment_intent": "pi_1"},
    })  # fmt: skip
    assert (told.kind, told.amount.minor, told.payment_ref) == (kind, amount // 100, "pi_1")
