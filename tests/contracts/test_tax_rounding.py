"""Rounding line by line against the standard's rounding by rate, over amounts made to run apart."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from test_tax_invoice import broken_rules, made, read

from tenure.billing.einvoice import amount, xml
from tenure.billing.rules import InvoiceLine, InvoiceView
from tenure.kernel.money import Money, TaxedPrice

KEPT = "kind number issued_on language seller bank buyer tax_name order_number payment".split()


def of(lines, currency):
    view = made("en", 100, currency, 500, "S")
    lines = [
        InvoiceLine.of("Seat", None, TaxedPrice.of(Money(minor, currency), rate), category)
        for minor, (rate, category) in lines
    ]
    return InvoiceView.of(lines=lines, currency=currency, **{name: getattr(view, name) for name in KEPT})


RATES = st.sampled_from([(500, "S"), (1000, "S"), (0, "Z"), (0, "E")])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 99), RATES), min_size=1, max_size=12), st.sampled_from(["TWD", "EUR"]))
def test_whatever_the_lines_the_standard_finds_no_fault_and_the_total_is_the_pages(lines, currency):
    view = of(lines, currency)
    content = xml(view)
    assert broken_rules(content)[0] == []
    assert Decimal(read(content, "TotalPrepaidAmount")[0]) == amount(view.total)
    assert Decimal(read(content, "DuePayableAmount")[0]) == 0


def test_what_the_standard_does_not_allow_in_the_tax_is_a_rounding_amount():
    """Three lines of 30 at 5 %: 1.5 each is 2, 6 together, where the standard takes 4.5 of 90."""
    content = xml(of([(30, (500, "S"))] * 3, "TWD"))
    assert [read(content, name)[0] for name in ("TaxTotalAmount", "GrandTotalAmount", "RoundingAmount")] == [
        "4",
        "94",
        "2",
    ]
    assert read(content, "TotalPrepaidAmount") == ["96"]


def test_the_judges_refuse_the_same_lines_when_the_rest_is_left_in_the_tax():
    content = xml(of([(30, (500, "S"))] * 3, "TWD"))
    left = (
        content.replace(b">4</ram:CalculatedAmount>", b">6</ram:CalculatedAmount>")
        .replace(b'<ram:TaxTotalAmount currencyID="TWD">4<', b'<ram:TaxTotalAmount currencyID="TWD">6<')
        .replace(b">94</ram:GrandTotalAmount>", b">96</ram:GrandTotalAmount>")
        .replace(b"<ram:RoundingAmount>2<", b"<ram:RoundingAmount>0<")
    )
    assert left != content
    assert any("BR-CO-17" in rule or "BR-S-0" in rule for rule in broken_rules(left)[0])
