"""Certificates of withheld tax and of exemption: what may be withheld, what is left to the cent, which days count."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.billing.rules import UNDECIDED, WITHHOLDING_MOVES, WithholdingStatus, difference, most_withheld
from tenure.kernel.money import Money
from tenure.kernel.refusals import Invalid
from tenure.partners.rules import APPLICATION_MOVES, ApplicationStatus, Exemption, check_dates, goes_on

CENTS = st.integers(min_value=1, max_value=10**9)
RATES = st.integers(min_value=1, max_value=5000)


def usd(minor: int) -> Money:
    return Money(minor, "USD")


@pytest.mark.parametrize(
    ("net", "rate_bp", "most"),
    [(47500, 1000, 4750), (47500, 1500, 7125), (47505, 1000, 4750), (47515, 1000, 4752), (47500, 0, 0), (9, 1000, 1)],
)
def test_the_most_that_may_be_withheld_is_a_share_of_the_net_half_to_even(net, rate_bp, most):
    assert most_withheld(usd(net), rate_bp) == usd(most)


@given(net=CENTS, rate=RATES)
def test_never_more_than_half_and_never_less_than_nothing(net, rate):
    assert 0 <= most_withheld(usd(net), rate).minor <= net / 2 + 1


@given(total=CENTS, received=CENTS, withheld=CENTS)
def test_only_the_total_to_the_cent_leaves_nothing(total, received, withheld):
    left = difference(usd(total), usd(received), usd(withheld))
    assert (left.minor == 0) == (received + withheld == total)
    assert difference(usd(total), usd(received) + left, usd(withheld)).minor == 0


@pytest.mark.parametrize(
    ("received", "withheld", "left"),
    [(42750, 4750, 0), (42749, 4750, 1), (42751, 4750, -1), (0, 4750, 42750), (47500, 0, 0), (47500, 4750, -4750)],
)
def test_what_is_missing_or_too_much(received, withheld, left):
    assert difference(usd(47500), usd(received), usd(withheld)) == usd(left)


@pytest.mark.parametrize("moves", [WITHHOLDING_MOVES, APPLICATION_MOVES])
def test_what_is_decided_never_moves_and_what_is_not_can_be_decided(moves):
    assert {str(status) for status, onward in moves.items() if not onward} == {"accepted", "refused"}
    assert all({"accepted", "refused"} <= {str(to) for to in onward} for onward in moves.values() if onward)
    assert all(status not in onward for status, onward in moves.items())


def test_both_kinds_of_certificate_say_the_same_words():
    assert sorted(map(str, WithholdingStatus)) == sorted(map(str, ApplicationStatus))
    assert {str(status) for status in UNDECIDED} == {"submitted", "pending_partner"}


TODAY = date(2019, 6, 1)


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [
        (TODAY, TODAY, None),
        (date(2018, 1, 1), date(2019, 6, 1), None),
        (date(2019, 6, 2), date(2019, 6, 1), "exemption.ends_before_it_begins"),
        (date(2018, 1, 1), date(2019, 5, 31), "exemption.over"),
    ],
)
def test_days_between_which_orders_can_still_be_placed(first, last, code):
    if code is None:
        assert check_dates(first, last, TODAY) is None
    else:
        with pytest.raises(Invalid) as refused:
            check_dates(first, last, TODAY)
        assert refused.value.fields == {"valid_to": code}


@pytest.mark.parametrize(
    ("first", "last", "follows"),
    [
        (date(2020, 1, 1), date(2020, 12, 31), True),
        (date(2019, 6, 1), date(2020, 1, 1), True),
        (date(2020, 1, 2), date(2020, 12, 31), False),
        (date(2019, 1, 1), date(2019, 12, 31), False),
    ],
)
def test_an_exemption_is_followed_only_without_a_day_between(first, last, follows):
    assert goes_on(date(2019, 12, 31), [Exemption("B", first, last)]) is follows
