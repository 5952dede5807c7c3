"""Dates: the programme's day, the nth boundary from an anchor, and the way a date is written.

It decides which calendar day an instant belongs to and where a yearly term ends. It must never read a
clock, add 24-hour blocks, or build a date from parts. Read next: ``renewals/rules.py``.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

MONTHS = "January February March April May June July August September October November December".split()


@dataclass(frozen=True, slots=True)
class Span:
    """Days from the first to the last, both inclusive.

    >>> window = Span(date(2019, 6, 23), date(2019, 7, 22))
    >>> window.days, date(2019, 7, 22) in window, date(2019, 7, 23) in window
    (30, True, False)
    """

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"{self.last} is before {self.first}")

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


def day_of(instant: datetime, zone: str) -> date:
    """The calendar day on which an instant falls in the programme's zone.

    >>> day_of(datetime(2019, 6, 22, 15, 59, 59, tzinfo=UTC), "Asia/Taipei")
    datetime.date(2019, 6, 22)
    >>> day_of(datetime(2019, 6, 22, 16, 0, tzinfo=UTC), "Asia/Taipei")
    datetime.date(2019, 6, 23)
    """
    if instant.tzinfo is None:
        raise ValueError("an instant carries its zone")
    return instant.astimezone(ZoneInfo(zone)).date()


def start_of(day: date, zone: str) -> datetime:
    """The first instant of a day in a zone, in UTC.

    >>> start_of(date(2019, 6, 23), "Asia/Taipei").isoformat()
    '2019-06-22T16:00:00+00:00'
    """
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def plus_days(day: date, days: int) -> date:
    return day + timedelta(days=days)


def years_after(anchor: date, years: int) -> date:
    """The same day ``years`` later; 29 February becomes the 28th in common years and returns after.

    Always counted from the stored anchor, never from the last result (domain.md, decision 2).

    >>> [years_after(date(2020, 2, 29), n).isoformat() for n in (1, 3, 4)]
    ['2021-02-28', '2023-02-28', '2024-02-29']
    """
    return anchor + relativedelta(years=years)


def say_day(day: date, language: str = "en") -> str:
    """A date in full as the words page writes it.

    >>> say_day(date(2019, 6, 22)), say_day(date(2019, 6, 22), "zh-hant")
    ('22 June 2019', '2019年6月22日')
    """
    if language == "zh-hant":
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def say_span(first: date, last: date, language: str = "en") -> str:
    """A range of days, the year said once where it is the same.

    >>> say_span(date(2019, 6, 23), date(2019, 7, 22))
    '23 June to 22 July 2019'
    >>> say_span(date(2019, 12, 16), date(2020, 1, 14), "zh-hant")
    '2019年12月16日至2020年1月14日'
    >>> say_span(date(2019, 6, 23), date(2019, 7, 22), "zh-hant")
    '2019年6月23日至7月22日'
    """
    same = first.year == last.year
    if language == "zh-hant":
        return f"{say_day(first, language)}至" + (f"{last.month}月{last.day}日" if same else say_day(last, language))
    start = f"{first.day} {MONTHS[first.month - 1]}" if same else say_day(first)
    return f"{start} to {say_day(last)}"
