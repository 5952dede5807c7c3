"""The renewal window to the day: domain.md §4.1 row by row, then every expiry of forty years."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.kernel.periods import day_of, plus_days, say_span, start_of
from tenure.kernel.text import Text
from tenure.memberships.rules import Status, TermFacts, benefits_run, standing, window
from tenure.offers.rules import BuyerFacts
from tenure.programme.rules import Offer, OfferKind, Policy
from tenure.renewals.rules import RenewableTerm, may_renew, offset_day, tellings

AURORA = Policy(1, date(2010, 1, 1))
WORDS = Text("Action Pack", "行動套件")
PACK = Offer("action-pack", OfferKind.PACK, "", WORDS, WORDS, WORDS, "AP", "base")
ZONES = (
    "Pacific/Kiritimati Pacific/Chatham Pacific/Auckland Australia/Lord_Howe Australia/Sydney Asia/Tokyo Asia/Taipei "
    "Asia/Kathmandu Asia/Tehran Europe/Moscow Europe/Berlin Europe/London Africa/Casablanca Atlantic/Azores "
    "America/St_Johns America/Santiago America/New_York America/Los_Angeles Pacific/Honolulu Etc/GMT+12"
).split()
# Expiry, reminder 15 days before, first and last day of the window, reminder 23 days after, first lapsed day.
WORKED = [
    ("2019-06-22", "2019-06-07", "2019-06-23", "2019-07-22", "2019-07-15", "2019-07-23"),
    ("2018-10-15", "2018-09-30", "2018-10-16", "2018-11-14", "2018-11-07", "2018-11-15"),
    ("2019-09-01", "2019-08-17", "2019-09-02", "2019-10-01", "2019-09-24", "2019-10-02"),
    ("2019-12-15", "2019-11-30", "2019-12-16", "2020-01-14", "2020-01-07", "2020-01-15"),
    ("2020-01-30", "2020-01-15", "2020-01-31", "2020-02-29", "2020-02-22", "2020-03-01"),
    ("2020-02-29", "2020-02-14", "2020-03-01", "2020-03-30", "2020-03-23", "2020-03-31"),
    ("2021-02-28", "2021-02-13", "2021-03-01", "2021-03-30", "2021-03-23", "2021-03-31"),
]


def on(text: str) -> date:
    return date.fromisoformat(text)


def renewable(expires_on: date, day: date, **buyer) -> bool:
    span = window(expires_on, AURORA)
    term = RenewableTerm(TermFacts(expires_on, span.last), span.first, span.last)
    return may_renew(term, BuyerFacts(**buyer), PACK, AURORA, day, "Asia/Taipei").allowed


@pytest.mark.parametrize("row", WORKED, ids=[row[0] for row in WORKED])
def test_the_worked_dates_of_the_domain(row):
    expires_on, before, opens_on, closes_on, within, lapsed_on = map(on, row)
    span = window(expires_on, AURORA)
    assert (span.first, span.last, span.days) == (opens_on, closes_on, 30)
    assert offset_day(expires_on, -15) == before and offset_day(expires_on, 23) == within
    told = {due.action: due.due_on for due in tellings(expires_on, closes_on, AURORA)}
    assert told["reminder:-15"] == before and told["opened:+1"] == opens_on and told["reminder:+23"] == within
    assert told["last_call:+29"] == plus_days(closes_on, -1) and told["lapsed:+31"] == lapsed_on
    facts = TermFacts(expires_on, closes_on)
    days = (expires_on, opens_on, closes_on, lapsed_on)
    assert [standing(facts, day).status.value for day in days] == ["active"] + 2 * ["renewal_window"] + ["lapsed"]
    assert [renewable(expires_on, day) for day in days] == [False, True, True, False]


def test_s09_and_s10_windows_across_the_turn_of_a_month_and_of_a_year():
    """15 October 2018 shows 16 October to 14 November; December runs into January, January to a leap day."""
    shown = [window(on(day), AURORA) for day in ("2018-10-15", "2019-12-15", "2020-01-30")]
    assert [say_span(span.first, span.last) for span in shown] == [
        "16 October to 14 November 2018",
        "16 December 2019 to 14 January 2020",
        "31 January to 29 February 2020",
    ]


def test_every_expiry_of_forty_years_opens_on_exactly_thirty_days_in_a_row():
    """2020 to 2059, each expiry with the two days before it to the thirty-three after it (reliability.md I-25)."""
    day, last = date(2020, 1, 1), date(2059, 12, 31)
    while day <= last:
        span = window(day, AURORA)
        assert span.days == 30 and span.first == day + timedelta(1) and span.last == day + timedelta(30), day
        assert [offset for offset in range(-2, 34) if day + timedelta(offset) in span] == list(range(1, 31)), day
        day += timedelta(1)


DAYS = st.dates(date(2020, 1, 1), date(2059, 12, 31))


@given(expires_on=DAYS, offset=st.integers(-400, 400))
def test_renewable_if_and_only_if_the_day_is_in_the_window(expires_on, offset):
    day = expires_on + timedelta(offset)
    assert renewable(expires_on, day) == (1 <= offset <= 30)
    assert not renewable(expires_on, day, suspended=True)
    assert not renewable(expires_on, day, open_order="O-2019-000001")
    assert not renewable(expires_on, day, unknown_order="O-2019-000001")
    assert not renewable(expires_on, day, verified=False)


@given(expires_on=DAYS, offset=st.integers(-60, 120), held=st.none() | st.integers(-10, 90))
def test_a_standing_is_one_of_four_and_benefits_run_only_while_it_is_paid_or_in_its_window(expires_on, offset, held):
    held_until = None if held is None else expires_on + timedelta(held)
    facts = TermFacts(expires_on, window(expires_on, AURORA).last, held_until)
    found = standing(facts, expires_on + timedelta(offset))
    if offset <= 0:
        assert (found.status, found.suspended) == (Status.ACTIVE, False)
    elif offset <= 30:
        assert (found.status, found.suspended) == (Status.RENEWAL_WINDOW, False)
    elif held is not None and offset <= held:
        assert (found.status, found.suspended) == (Status.RENEWAL_WINDOW, True)
    else:
        assert (found.status, found.suspended) == (Status.LAPSED, False)
    assert benefits_run(found, AURORA) == (offset <= 30)
    assert standing(TermFacts(expires_on, facts.renewal_closes_on, held_until, expires_on), expires_on).status is (
        Status.CANCELLED
    )


def transitions(zone: str, year: int) -> list[datetime]:
    """The instants of a year at which a zone's clocks change."""
    found, info = [], ZoneInfo(zone)
    hour, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    while hour < end:
        following = hour + timedelta(hours=1)
        if hour.astimezone(info).utcoffset() != following.astimezone(info).utcoffset():
            found.append(following)
        hour = following
    return found


@pytest.mark.parametrize("zone", ZONES)
def test_the_programmes_day_decides_in_every_zone_and_across_every_clock_change(zone):
    """Kill Bill #743: a billing day off by one near a change of the clocks. Here every day of 2024 and 2025 that
    begins or ends within two days of a change is held against the zone's own calendar, to the second."""
    changes = [change for year in (2024, 2025) for change in transitions(zone, year)]
    for change in changes or [datetime(2024, 3, 31, 1, tzinfo=UTC)]:
        for offset in range(-2, 3):
            expires_on = change.astimezone(ZoneInfo(zone)).date() + timedelta(offset)
            opens, after = start_of(plus_days(expires_on, 1), zone), start_of(plus_days(expires_on, 31), zone)
            second = timedelta(seconds=1)
            assert [renewable(expires_on, day_of(at, zone)) for at in (opens - second, opens)] == [False, True]
            assert [renewable(expires_on, day_of(at, zone)) for at in (after - second, after)] == [True, False]


@given(instant=st.datetimes(datetime(2019, 1, 1), datetime(2040, 1, 1)), zone=st.sampled_from(ZONES))
def test_an_instant_belongs_to_the_day_that_starts_before_it_and_ends_after_it(instant, zone):
    at = instant.replace(tzinfo=UTC)
    day = day_of(at, zone)
    assert start_of(day, zone) <= at < start_of(plus_days(day, 1), zone)


def test_an_instant_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="zone"):
        day_of(datetime(2019, 6, 22), "Asia/Taipei")


def test_a_policy_may_open_later_or_for_longer_and_may_stop_the_benefits():
    odd = Policy(2, date(2010, 1, 1), opens_offset_days=8, window_days=14, benefits_in_window=False)
    span = window(on("2019-06-22"), odd)
    assert (str(span.first), str(span.last)) == ("2019-06-30", "2019-07-13")
    inside = standing(TermFacts(on("2019-06-22"), span.last), on("2019-07-01"))
    assert inside.status is Status.RENEWAL_WINDOW and not benefits_run(inside, odd)
