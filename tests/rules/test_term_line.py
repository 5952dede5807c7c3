"""The term line promises: whatever the dates and the language, no label is cut and none touches another."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.kernel.periods import Span
from tenure.web.shared.language import say_short
from tenure.web.shared.term_line import (
    GAP,
    WIDTH,
    Line,
    Moment,
    Words,
    lay_out,
    text_width,
)

TERM = Span(date(2018, 6, 23), date(2019, 6, 22))
WINDOW = Span(date(2019, 6, 23), date(2019, 7, 22))
OLD_WINDOW = Span(date(2019, 3, 24), date(2019, 6, 22))

NAMES = ("today", "starts", "expires", "closes", "window")
CAPTIONS = {
    "en": ("Today, last day to renew", "Started", "Expired", "Renew by", "Renewal window"),
    "zh-hant": ("今天，續約最後一天", "開始日", "到期日", "續約截止", "續約期間"),
}


def drawn(term: Span, window: Span | None, today: date, language: str = "en") -> Line:
    words = Words(
        starts_on=say_short(term.first, language),
        expires_on=say_short(term.last, language),
        closes_on=say_short(window.last, language) if window else "",
        **dict(zip(NAMES, CAPTIONS[language], strict=True)),
    )
    return lay_out(term, window, today, words)


def names(line: Line) -> set[str]:
    return {label.name for label in line.labels}


@given(
    starts=st.dates(date(2000, 1, 1), date(2080, 1, 1)),
    days=st.integers(1, 800),
    window=st.sampled_from(["after", "inside", "none"]),
    length=st.integers(1, 120),
    today=st.integers(-900, 2000),
    language=st.sampled_from(sorted(CAPTIONS)),
)
def test_labels_stay_inside_and_apart(starts, days, window, length, today, language):
    term = Span(starts, starts + timedelta(days - 1))
    spans = {
        "after": Span(term.last + timedelta(1), term.last + timedelta(length)),
        "inside": Span(max(term.first, term.last - timedelta(length)), term.last),
        "none": None,
    }
    line = drawn(term, spans[window], starts + timedelta(today), language)
    for row in {label.row for label in line.labels}:
        labels = sorted((label for label in line.labels if label.row == row), key=lambda label: label.x)
        assert labels[0].x >= 0 and labels[-1].right <= WIDTH + 1e-9
        for left, right in pairwise(labels):
            assert left.right + GAP <= right.x + 1e-9
    assert {"today", "expires"} <= names(line)
    assert 0 <= line.today <= WIDTH
    assert all(bar.x >= 0 and bar.width >= 0 and bar.x + bar.width <= WIDTH + 1e-9 for bar in line.bars)


@pytest.mark.parametrize("language", sorted(CAPTIONS))
@pytest.mark.parametrize("today", [date(2018, 6, 1), TERM.first, TERM.last, WINDOW.first, WINDOW.last])
def test_all_three_dates_are_always_told(today, language):
    assert {"starts", "expires", "closes"} <= names(drawn(TERM, WINDOW, today, language))


@pytest.mark.parametrize("language", sorted(CAPTIONS))
def test_the_longest_dates_fit_when_the_window_crosses_new_year(language):
    term = Span(date(2018, 12, 23), date(2019, 12, 22))
    line = drawn(term, Span(date(2019, 12, 23), date(2020, 1, 21)), date(2019, 12, 22), language)
    assert [label.name for label in line.labels if label.row == "date"] == ["starts", "expires", "closes"]


@pytest.mark.parametrize(
    ("today", "moment"),
    [
        (date(2018, 6, 22), Moment.BEFORE),
        (date(2018, 6, 23), Moment.RUNNING),
        (date(2019, 6, 22), Moment.LAST_DAY),
        (date(2019, 6, 23), Moment.WINDOW),
        (date(2019, 7, 22), Moment.LAST_CALL),
        (date(2019, 7, 23), Moment.OVER),
    ],
)
def test_the_last_paid_day_is_not_yet_the_window(today, moment):
    assert drawn(TERM, WINDOW, today).moment is moment


def test_today_moves_forward_day_by_day_and_crosses_into_the_window_after_expiry():
    days = [date(2018, 6, 23) + timedelta(n) for n in range(395)]
    places = [drawn(TERM, WINDOW, day).today for day in days]
    assert places == sorted(places)
    expiry = drawn(TERM, WINDOW, TERM.last)
    assert expiry.today < expiry.last_day < drawn(TERM, WINDOW, WINDOW.first).today


def test_the_old_portals_window_is_drawn_upon_the_term():
    line = drawn(TERM, OLD_WINDOW, date(2019, 5, 1))
    window = next(bar for bar in line.bars if bar.name == "window")
    assert line.moment is Moment.WINDOW
    assert window.x < line.today < window.x + window.width <= WIDTH


def test_what_is_over_is_muted():
    assert {bar.name for bar in drawn(TERM, WINDOW, date(2019, 8, 1)).bars} == {"gone", "shut"}


def test_a_label_wider_than_the_drawing_is_left_out_rather_than_cut():
    assert text_width("a" * 60) > WIDTH
    words = Words(today="a" * 60, starts_on="1 Jan 2019", expires_on="31 Dec 2019")
    assert "today" not in names(lay_out(TERM, None, TERM.first, words))
