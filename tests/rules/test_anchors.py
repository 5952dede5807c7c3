"""Anniversaries: always counted from the anchor, so that 29 February comes back and no year is skipped or doubled."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.kernel.periods import years_after
from tenure.memberships.rules import first_term, nth_expiry, renewed_term
from tenure.programme.rules import Anchor, Policy, TermLength

AURORA = Policy(1, date(2010, 1, 1))
PAID = Policy(1, date(2010, 1, 1), anchor=Anchor.PAYMENT_DATE)
SHORT = Policy(1, date(2010, 1, 1), term_length=TermLength.DAYS_365)
PAID_SHORT = Policy(1, date(2010, 1, 1), anchor=Anchor.PAYMENT_DATE, term_length=TermLength.DAYS_365)


def on(text: str) -> date:
    return date.fromisoformat(text)


def life(bought_on: date, years: int, policy: Policy, days_late: int = 1) -> list:
    """The terms of a subscription that is renewed every year, each time so many days after its expiry."""
    anchor_on, terms = bought_on, [first_term(bought_on, policy)]
    for _ in range(years - 1):
        paid_on = terms[-1].expires_on + timedelta(days_late)
        anchor_on, term = renewed_term(anchor_on, terms[-1].expires_on, paid_on, policy)
        terms.append(term)
    return terms


def test_s11_the_life_of_a_membership_bought_on_29_february():
    """Bought on 29 February 2020: 28 February in common years, the 29th again in 2024 (NPSP 5332, lago 6173)."""
    expiries = [str(term.expires_on) for term in life(on("2020-02-29"), 9, AURORA)]
    assert expiries == [
        "2021-02-28", "2022-02-28", "2023-02-28", "2024-02-29", "2025-02-28",
        "2026-02-28", "2027-02-28", "2028-02-29", "2029-02-28",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "expected"),
    [(AURORA, "2020-06-22"), (SHORT, "2020-06-21"), (PAID, "2020-07-10"), (PAID_SHORT, "2020-07-09")],
    ids=["anchored", "anchored 365 days", "payment date", "payment date 365 days"],
)
def test_s12_and_s13_a_renewal_on_10_july_of_an_expiry_on_22_june(policy, expected):
    anchor_on, term = renewed_term(on("2018-06-22"), on("2019-06-22"), on("2019-07-10"), policy)
    assert str(term.expires_on) == expected
    assert str(term.starts_on) == ("2019-07-10" if policy.anchor is Anchor.PAYMENT_DATE else "2019-06-23")
    assert str(anchor_on) == ("2019-07-10" if policy.anchor is Anchor.PAYMENT_DATE else "2018-06-22")


def test_r4_a_purchase_on_1_september_may_be_renewed_from_2_september():
    term = first_term(on("2018-09-01"), AURORA)
    assert (str(term.expires_on), str(term.renewal_opens_on)) == ("2019-09-01", "2019-09-02")


@pytest.mark.parametrize("anchor", ["2020-02-28", "2020-02-29", "2020-03-01", "2021-02-28", "2021-03-01"])
@pytest.mark.parametrize("policy", [AURORA, SHORT, PAID, PAID_SHORT], ids=["anchored", "365", "paid", "paid 365"])
def test_forty_years_around_the_leap_day_are_strictly_later_each_time(anchor, policy):
    """killbill#127: the next date is always strictly later and exists."""
    terms = life(on(anchor), 40, policy)
    assert len(terms) == 40
    for before, after in pairwise(terms):
        assert after.expires_on > before.expires_on
        assert after.starts_on == before.expires_on + timedelta(1)
        assert 364 <= (after.expires_on - after.starts_on).days <= 366


ANCHORS = st.dates(date(2016, 1, 1), date(2032, 12, 31))


@given(anchor=ANCHORS, late=st.lists(st.integers(1, 30), min_size=39, max_size=39))
def test_however_late_each_year_is_paid_terms_abut_and_the_anniversary_stays(anchor, late):
    """I-26 and I-27: no gap, no overlap, no skipped year, and the anchor's day unless February has no 29th."""
    anchor_on, terms = anchor, [first_term(anchor, AURORA)]
    for n, days in enumerate(late, 2):
        paid_on = terms[-1].expires_on + timedelta(days)
        anchor_on, term = renewed_term(anchor_on, terms[-1].expires_on, paid_on, AURORA)
        assert term.starts_on == terms[-1].expires_on + timedelta(1)
        assert term.expires_on == years_after(anchor, n)
        assert (term.expires_on.month, term.expires_on.day) in {(anchor.month, anchor.day), (2, 28)}
        terms.append(term)
    assert anchor_on == anchor


@given(anchor=ANCHORS, late=st.integers(1, 30), years=st.integers(2, 12))
def test_anchored_to_the_payment_a_year_starts_on_the_day_it_is_paid(anchor, late, years):
    terms = life(anchor, years, PAID, late)
    for before, after in pairwise(terms):
        assert after.starts_on == before.expires_on + timedelta(late)
        assert after.expires_on == years_after(after.starts_on, 1)


@given(anchor=ANCHORS, n=st.integers(1, 40))
def test_365_days_are_365_days(anchor, n):
    assert nth_expiry(anchor, n, SHORT) - anchor == timedelta(365 * n)


@given(anchor=ANCHORS)
def test_counting_from_the_anchor_equals_counting_on_except_for_29_february(anchor):
    """Counted on from the last result, 29 February would stay on the 28th for ever."""
    counted_on = anchor
    for n in range(1, 41):
        counted_on = years_after(counted_on, 1)
        same = counted_on == nth_expiry(anchor, n, AURORA)
        assert same or ((anchor.month, anchor.day) == (2, 29) and n % 4 == 0)


POLICIES = st.sampled_from([AURORA, SHORT, PAID, PAID_SHORT])


@given(anchor=ANCHORS, years=st.integers(1, 12), first=POLICIES, then=POLICIES)
def test_a_change_of_policy_between_two_terms_never_sells_a_year_of_days(anchor, years, first, then):
    """No day is left out or paid twice. After years of 365 days the anchor's boundary lies a few days ahead: it is
    passed over, since a renewal that ran for a day would have cost a year's fee."""
    terms = life(anchor, years, first)
    _, following = renewed_term(anchor, terms[-1].expires_on, terms[-1].expires_on + timedelta(1), then)
    assert following.starts_on == terms[-1].expires_on + timedelta(1)
    assert 182 <= (following.expires_on - following.starts_on).days <= 366 + 182


def test_from_365_days_back_to_the_calendar_the_anniversary_returns():
    """Bought on 1 March 2019 for 365 days, so to 29 February 2020; renewed by the calendar it runs to 1 March 2021,
    not to 1 March 2020, which would have been one day."""
    term = first_term(on("2019-03-01"), SHORT)
    _, following = renewed_term(on("2019-03-01"), term.expires_on, on("2020-03-05"), AURORA)
    assert (str(term.expires_on), str(following.expires_on)) == ("2020-02-29", "2021-03-01")


def test_a_payment_booked_with_an_earlier_value_date_never_overlaps_the_paid_year():
    """A transfer that the bank values before the expiry still opens the day after it."""
    _, term = renewed_term(on("2018-06-22"), on("2019-06-22"), on("2019-06-20"), PAID)
    assert str(term.starts_on) == "2019-06-23"
