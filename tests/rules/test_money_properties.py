"""Money: whole minor units, one rounding, nothing lost between text and figure; references that check themselves."""

from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.kernel.money import EXPONENTS, LIMIT_MINOR, Money, TaxedPrice, number, parse, say
from tenure.payments.rules import compare, reference_for, references_in, spaced

CURRENCIES = st.sampled_from(sorted(EXPONENTS))
AMOUNTS = st.integers(-LIMIT_MINOR, LIMIT_MINOR)
RATES = st.integers(0, 10_000)
MONEY = st.builds(Money, AMOUNTS, CURRENCIES)


@given(money=MONEY, rate=RATES)
def test_a_share_is_the_exact_product_rounded_half_to_even(money, rate):
    exact = Fraction(money.minor * rate, 10_000)
    rounded = money.share(rate).minor
    assert abs(rounded - exact) <= Fraction(1, 2)
    if abs(rounded - exact) == Fraction(1, 2):
        assert rounded % 2 == 0
    assert rounded == round(exact), "the language's own rounding is half to even as well"


@pytest.mark.parametrize(("net", "tax"), [(10, 0), (30, 2), (50, 2), (70, 4), (90, 4), (15_000, 750), (50_000, 2_500)])
def test_five_per_cent_of_amounts_that_fall_on_a_half(net, tax):
    assert Money(net, "TWD").share(500).minor == tax
    assert Money(-net, "TWD").share(500).minor == -tax, "a credit rounds like its invoice"


@given(money=MONEY, rate=RATES)
def test_a_taxed_price_agrees_with_itself_and_no_other_can_exist(money, rate):
    price = TaxedPrice.of(money, rate)
    assert price.net + price.tax == price.total
    assert price.tax == price.net.share(rate)
    one = Money(1, money.currency)
    with pytest.raises(ValueError, match="total"):
        TaxedPrice(price.net, price.tax, price.total + one, rate)
    with pytest.raises(ValueError, match="rate"):
        TaxedPrice(price.net, price.tax + one, price.total + one, rate)


@given(money=MONEY)
def test_text_and_minor_units_round_trip(money):
    assert parse(number(money), money.currency) == money
    assert parse(str(Decimal(money.minor).scaleb(-EXPONENTS[money.currency])), money.currency) == money
    assert number(money).removeprefix("-") in say(money) and say(money).startswith("-") == (money.minor < 0)


@given(minor=AMOUNTS, currency=CURRENCIES, digit=st.integers(1, 9))
def test_more_decimals_than_the_currency_has_are_refused(minor, currency, digit):
    written = f"{abs(minor)}.{'0' * EXPONENTS[currency]}{digit}"
    with pytest.raises(ValueError, match=currency):
        parse(written, currency)


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "", "1e400000", "1e3", "12,50", "1,23,456", "1_000", "１５", "9" * 400, ".5", "--1"]
)
def test_what_is_no_amount_is_refused(text):
    """ "12,50" would have been 1,250; an exponent would have kept the machine busy for seconds."""
    with pytest.raises(ValueError, match="not an amount"):
        parse(text, "TWD")


@given(value=st.floats())
def test_no_float_becomes_money(value):
    with pytest.raises(TypeError):
        Money(value, "TWD")


@pytest.mark.parametrize("value", [True, "1", None, Decimal(1)])
def test_nothing_but_a_whole_number_becomes_money(value):
    with pytest.raises(TypeError):
        Money(value, "TWD")


@given(a=MONEY, b=MONEY)
def test_currencies_never_mix(a, b):
    if a.currency == b.currency:
        assert a + b - b == a and a + -a == Money(0, a.currency)
        return
    for mix in (lambda: a + b, lambda: a - b, lambda: compare(a, b)):
        with pytest.raises(ValueError, match="cannot be added"):
            mix()


def test_an_unknown_currency_is_refused():
    with pytest.raises(ValueError, match="XXX"):
        Money(1, "XXX")


@given(parts=st.lists(st.integers(0, LIMIT_MINOR), min_size=1, max_size=30), rate=RATES)
def test_very_large_totals_stay_exact(parts, rate):
    total = sum((Money(part, "USD") for part in parts), Money(0, "USD"))
    assert total.minor == sum(parts)
    exact = (Decimal(total.minor) * rate / 10_000).quantize(Decimal(1), ROUND_HALF_EVEN)
    assert total.share(rate).minor == int(exact)


ORDERS = st.builds("O-{}-{:06d}".format, st.integers(2010, 2099), st.integers(0, 999_999))


@given(order=ORDERS)
def test_a_reference_checks_by_the_rule_of_iso_11649(order):
    reference = reference_for(order)
    moved = reference[4:] + reference[:4]
    assert int("".join(str(int(sign, 36)) for sign in moved)) % 97 == 1
    assert references_in(reference) == (reference,)
    assert references_in(f"Aurora {spaced(reference).lower()} / CONTOSO 發票") == (reference,)


@given(order=ORDERS, place=st.integers(4, 13), wrong=st.integers(1, 9))
def test_one_wrong_digit_is_noticed(order, place, wrong):
    reference = reference_for(order)
    digit = str((int(reference[place]) + wrong) % 10)
    assert references_in(reference[:place] + digit + reference[place + 1 :]) == ()


@given(order=ORDERS, place=st.integers(4, 12))
def test_two_digits_the_wrong_way_round_are_noticed(order, place):
    reference = reference_for(order)
    swapped = reference[:place] + reference[place + 1] + reference[place] + reference[place + 2 :]
    assert references_in(swapped) == (() if swapped != reference else (reference,))


@given(orders=st.lists(ORDERS, min_size=2, max_size=4, unique=True))
def test_every_reference_in_a_text_is_found_once(orders):
    quoted = [reference_for(order) for order in orders]
    assert references_in(" and ".join(quoted + quoted[:1])) == tuple(quoted)


@given(text=st.text(max_size=200))
def test_any_text_of_a_bank_can_be_read(text):
    assert all(found.startswith("RF") for found in references_in(text))


@given(expected=st.integers(1, 10**9), received=st.integers(0, 10**9), tolerance=st.integers(0, 100))
def test_what_is_received_is_enough_short_or_over_and_never_two_of_them(expected, received, tolerance):
    found = compare(Money(expected, "TWD"), Money(received, "TWD"), tolerance)
    assert found.enough == (received >= expected - tolerance)
    assert found.missing.minor == (0 if found.enough else expected - received)
    assert found.over.minor == max(0, received - expected)
