"""Invoices add up, credit notes are their mirror, and a view survives being stored (reliability.md, I-9, I-24)."""

import json
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.billing.rules import (
    Bank,
    InvoiceLine,
    InvoiceView,
    Kind,
    Party,
    Payment,
    add_up,
    as_json,
    credit_of,
    from_json,
    printed_number,
    tax_correction,
)
from tenure.kernel.money import EXPONENTS, Money, TaxedPrice
from tenure.kernel.periods import Span

SELLER = Party("極光系統股份有限公司", ("臺北市信義區松仁路 100 號",), "TW", "24536806", email="billing@aurora.example")
BUYER = Party("Contoso", ("5F, No. 219", "Taipei"), "TW", "12345675", "1234566")
YEAR = Span(date(2019, 6, 23), date(2020, 6, 22))


def line(net=15000, currency="TWD", rate_bp=500, category="S", period=YEAR):
    return InvoiceLine.of("Action Pack", period, TaxedPrice.of(Money(net, currency), rate_bp), category)


def invoice(*lines, currency="TWD", **changes):
    facts = {
        "kind": Kind.INVOICE,
        "number": "INV-2019-00417",
        "issued_on": date(2019, 7, 10),
        "language": "en",
        "seller": SELLER,
        "bank": Bank("E.SUN Bank", "0048-940-012345", "ESUNTWTP"),
        "buyer": BUYER,
        "tax_name": "Business tax",
        "order_number": "ORD-2019-00952",
        "payment": Payment("card", paid_on=date(2019, 7, 10), instrument="Visa 4242"),
    }
    return InvoiceView.of(lines=lines or (line(),), currency=currency, **facts | changes)


def test_an_action_pack_comes_to_15750():
    view = invoice()
    assert (view.net, view.tax, view.total) == (Money(15000, "TWD"), Money(750, "TWD"), Money(15750, "TWD"))


@pytest.mark.parametrize(
    "change",
    [
        {"net": Money(15001, "TWD")},
        {"tax": Money(751, "TWD")},
        {"total": Money(15751, "TWD")},
        {"net": Money(15001, "TWD"), "total": Money(15751, "TWD")},
        {"lines": ()},
        {"currency": "JPY"},
        {"number": ""},
        {"amends": "INV-2019-00001"},
        {"kind": Kind.PRO_FORMA},
        {"kind": Kind.CREDIT_NOTE, "amends": "INV-2019-00001"},
        {"kind": "receipt"},
    ],
)
def test_a_view_that_does_not_add_up_cannot_exist(change):
    with pytest.raises(ValueError):
        replace(invoice(), **change)


@pytest.mark.parametrize("change", [{"tax": Money(700, "TWD")}, {"total": Money(15700, "TWD")}, {"tax_rate_bp": 0}])
def test_a_line_that_does_not_add_up_cannot_exist(change):
    with pytest.raises(ValueError):
        replace(line(), **change)


def test_money_never_goes_back_on_an_invoice():
    with pytest.raises(ValueError):
        invoice(-line())


def test_tax_is_told_by_rate_and_rounded_line_by_line():
    view = invoice(line(30), line(70), line(100, rate_bp=0, category="E"))
    assert [(tax.rate_bp, tax.category, tax.net.minor, tax.tax.minor) for tax in view.tax_lines] == [
        (500, "S", 100, 6),  # 1.5 and 3.5 become 2 and 4; 5 % of the sum would be 5
        (0, "E", 100, 0),
    ]


def test_a_credit_note_is_the_mirror_of_its_invoice():
    view = invoice(line(), line(2500), tax_note="Kept")
    credit = credit_of(view, "CN-2019-00012", date(2019, 7, 20))
    assert credit.amends == "INV-2019-00417"
    assert credit.lines == tuple(-part for part in view.lines)
    assert credit.total == -view.total
    assert credit.payment.paid_on is None
    assert (credit.seller, credit.buyer, credit.language) == (view.seller, view.buyer, view.language)


def test_only_an_invoice_can_be_credited():
    credit = credit_of(invoice(), "CN-2019-00012", date(2019, 7, 20))
    with pytest.raises(ValueError):
        credit_of(credit, "CN-2019-00013", date(2019, 7, 21))


def test_an_exemption_granted_later_gives_the_tax_back_and_nothing_else():
    correction = tax_correction(invoice(), "CN-2019-00013", date(2019, 9, 2), tax_note="Certificate 87")
    taxed, exempt = correction.lines
    assert (taxed.net.minor, taxed.tax.minor) == (-15000, -750)
    assert (exempt.net.minor, exempt.tax.minor, exempt.tax_category) == (15000, 0, "E")
    assert (correction.net.minor, correction.tax.minor, correction.total.minor) == (0, -750, -750)
    assert correction.tax_note == "Certificate 87"


def test_a_series_starts_at_one():
    assert printed_number("INV", 2019, 1) == "INV-2019-00001"
    with pytest.raises(ValueError):
        printed_number("INV", 2019, 0)


rates = st.sampled_from([(500, "S"), (2000, "S"), (725, "S"), (0, "Z"), (0, "E")])


@st.composite
def views(draw):
    currency = draw(st.sampled_from(sorted(EXPONENTS)))
    lines = [
        line(draw(st.integers(0, 10**9)), currency, *draw(rates), draw(st.sampled_from([YEAR, None])))
        for _ in range(draw(st.integers(1, 8)))
    ]
    bank = draw(st.sampled_from([None, Bank("Bank", "1")]))
    return invoice(*lines, currency=currency, bank=bank, buyer=replace(BUYER, name=draw(st.text())))


@given(views())
def test_sums_hold_for_any_lines(view):
    assert view.net + view.tax == view.total
    assert add_up((part.total for part in view.lines), view.currency) == view.total
    assert add_up((tax.tax for tax in view.tax_lines), view.currency) == view.tax
    assert add_up((tax.net for tax in view.tax_lines), view.currency) == view.net


@given(views())
def test_an_invoice_and_its_credit_note_cancel_out(view):
    credit = credit_of(view, "CN-2019-00001", date(2019, 8, 1))
    assert [view.net + credit.net, view.tax + credit.tax, view.total + credit.total] == [Money(0, view.currency)] * 3


@given(views())
def test_a_correction_gives_back_exactly_the_tax(view):
    correction = tax_correction(view, "CN-2019-00001", date(2019, 8, 1))
    assert (correction.net, correction.total) == (Money(0, view.currency), -view.tax)


@given(views())
def test_a_view_survives_being_stored(view):
    for one in (view, credit_of(view, "CN-2019-00001", date(2019, 8, 1))):
        assert from_json(json.loads(json.dumps(as_json(one)))) == one
