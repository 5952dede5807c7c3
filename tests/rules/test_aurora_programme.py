"""The demonstration programme promises: it is sound, and it holds the prices and rules the scenarios rest on."""

import re
import time
from dataclasses import fields, is_dataclass, replace
from datetime import date
from pathlib import Path

import pytest
from babel import Locale
from stdnum import iban
from stdnum.tw import ubn

from tenure.kernel.money import Money
from tenure.kernel.text import Text
from tenure.programme.comparing import Change, changes, rewrites
from tenure.programme.reading import read
from tenure.programme.vocabulary import COUNTRIES, LETTERS

AURORA = (Path(__file__).parents[2] / "programmes" / "aurora.toml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def aurora():
    return read(AURORA)


def edited(old: str, new: str):
    assert old in AURORA, f"aurora.toml no longer holds {old!r}"
    return read(AURORA.replace(old, new, 1))


def test_aurora_is_sound_and_quick_to_read():
    began = time.process_time()
    assert read(AURORA).code == "aurora"
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("offer", "twd", "usd"),
    [
        ("action-pack", 15_000, 475_00),
        ("silver-cloud", 50_000, 1_670_00),
        ("silver-data", 50_000, 1_670_00),
        ("gold-cloud", 150_000, 4_730_00),
        ("gold-data", 150_000, 4_730_00),
    ],
)
def test_the_prices_are_those_of_the_acceptance_scenarios(aurora, offer, twd, usd):
    found = {price.net.currency: price for price in aurora.prices if price.offer == offer}
    assert (found["TWD"].net, found["TWD"].countries) == (Money(twd, "TWD"), ("TW",))
    assert (found["USD"].net, found["USD"].countries) == (Money(usd, "USD"), ())
    assert "DE" in found["EUR"].countries and set(found) == {"TWD", "USD", "EUR", "GBP", "JPY"}


def test_the_policy_holds_the_decisions_that_bind(aurora):
    policy = aurora.policy_on(date(2018, 6, 22))
    assert (policy.opens_offset_days, policy.window_days, policy.retry_days) == (1, 30, (4, 8, 15, 22))
    assert (policy.reminder_days, policy.refund_days, policy.order_expiry_days) == ((-15, 23), 30, 30)
    assert (policy.anchor, policy.term_length, policy.benefits_in_window) == ("anniversary", "calendar_year", True)
    assert policy.refund_limit["TWD"] == 60_000 and policy.refund_limit["USD"] == 2_000_00


@pytest.mark.parametrize(
    ("country", "points"), [("TW", 500), ("GB", 2000), ("DE", 1900), ("FI", 2550), ("US", 0), ("BR", 0)]
)
def test_tax_follows_the_country(aurora, country, points):
    assert aurora.tax_of(country).rate_bp == points


def test_silver_is_not_sold_to_the_holder_of_gold_in_the_same_family(aurora):
    for silver, gold in (("silver-cloud", "gold-cloud"), ("silver-data", "gold-data")):
        assert aurora.offer(silver).excluded_by == (gold,)
        assert aurora.offer(silver).family == aurora.offer(gold).family


def test_the_agreement_found_by_its_id_is_the_newest(aurora):
    assert aurora.agreement("programme").version == "2018-01"
    assert [each.version for each in aurora.agreements if each.id == "programme"] == ["2018-01", "2010-01"]


def test_the_problem_types_a_cancellation_and_an_exemption_need(aurora):
    kinds = {kind.action: kind for kind in aurora.problem_types if kind.action}
    assert kinds["cancel"].code == "invoice-payment-reconciliation"
    assert kinds["cancel"].name.en == "Help with partner invoice, payment or reconciliation file"
    assert kinds["cancel"].name.zh_hant == "合作夥伴發票、付款或對帳檔案的說明"
    assert kinds["exemption"].name == Text("Cannot manage my profile", "無法管理我的設定檔")


def test_who_buys_who_pays_and_who_only_looks(aurora):
    buyers = {
        role.code for role in aurora.roles if role.side == "partner" and {"*", "purchases.buy"} & role.permissions
    }
    assert buyers == {"global_admin", "programme_admin"}
    billing = aurora.role("billing_admin").permissions
    assert {"billing.view", "purchases.upload_proof"} <= billing and "purchases.buy" not in billing
    assert all({"support.open_request", "*"} & role.permissions for role in aurora.roles if role.side == "partner")
    changing = {name for name in aurora.role("auditor").permissions if not name.endswith((".view", ".books"))}
    assert not changing, "an auditor changes nothing"
    asks, approves = (aurora.role(code).permissions for code in ("support_agent", "finance"))
    assert "support.approve_refund" in approves - asks and "support.decide" in asks - approves


def test_the_seller_can_be_paid_in_every_currency(aurora):
    assert set(aurora.seller.bank_accounts) == {"TWD", "USD", "EUR", "GBP", "JPY"}
    assert ubn.is_valid(aurora.seller.tax_id)
    assert all(iban.is_valid(aurora.seller.bank_accounts[currency]) for currency in ("EUR", "GBP"))


def test_every_letter_says_its_date_in_the_subject(aurora):
    assert {letter.code for letter in aurora.letters} == set(LETTERS)
    for letter in aurora.letters:
        assert re.search(r"\{(expires|opens|closes|charge)_on\}", letter.subject.en), letter.code


def texts(value):
    if isinstance(value, Text):
        yield value
    elif is_dataclass(value):
        for field in fields(value):
            yield from texts(getattr(value, field.name))
    elif isinstance(value, dict | tuple):
        for below in value.values() if isinstance(value, dict) else value:
            yield from texts(below)


def test_the_programme_speaks_the_house_style(aurora):
    for text in texts(aurora):
        assert not re.search(
            r"[!！]|\b(please|successfully)\b|(?<![邀申])請|成功地|你", text.en + text.zh_hant, re.IGNORECASE
        ), text
        assert not re.search(r"[\u4e00-\u9fff][A-Za-z0-9]|[A-Za-z0-9][\u4e00-\u9fff]", without_dates(text.zh_hant)), (
            text
        )


def without_dates(chinese: str) -> str:
    """Dates, addresses and placeholders are formatted, so the half space around Latin letters is not asked of them."""
    return re.sub(r"\{\w+\}|\d+(號|樓)", "", chinese)


def test_the_countries_are_those_of_the_standard():
    assert set(Locale("en").territories) >= COUNTRIES and len(COUNTRIES) == 249


# ── What a file changes ──────────────────────────────────────────────────────────────────────────────────


def test_the_same_file_changes_nothing(aurora):
    assert changes(aurora, replace(read(AURORA), version=9)) == []


def test_a_change_is_named_piece_by_piece(aurora):
    after = edited('net = "475.00"', 'net = "480.00"')
    assert changes(aurora, after) == [Change("prices.action-pack/USD/2010-01-01.net", "US$475.00", "US$480.00")]


def test_what_was_empty_and_what_is_new_are_told_as_added(aurora):
    after = edited('terms = "purchase"\nmethods', 'terms = "purchase"\nexcluded_by = ["gold-data"]\nmethods')
    assert changes(aurora, after) == [Change("offers.action-pack.excluded_by", None, "gold-data")]
    assert changes(after, aurora) == [Change("offers.action-pack.excluded_by", "gold-data", None)]


def test_a_policy_that_has_begun_and_an_accepted_agreement_cannot_be_rewritten(aurora):
    shorter = edited("window_days = 30", "window_days = 31")
    assert [each.path for each in rewrites(aurora, shorter, date(2019, 1, 1))] == ["policies.1.window_days"]
    assert rewrites(aurora, shorter, date(2009, 12, 31)) == []
    reworded = edited("1. Membership. The programme", "1. Members. The programme")
    assert [each.path for each in rewrites(aurora, reworded, date(2009, 1, 1))] == ["agreements.programme@2018-01.body"]


def test_only_listed_countries_withhold_and_never_half_of_the_price(aurora):
    assert aurora.withholding["IN"] == 1000 and "TW" not in aurora.withholding
    assert all(0 < points < 5000 for points in aurora.withholding.values())
    assert all(aurora.tax_of(country).rate_bp == 0 for country in aurora.withholding)
