"""Terms: when one begins and ends, when it may be renewed, and what a subscription is worth today. Pure.

It decides every boundary of a membership to the day. It must never look at a clock or at how something was
paid. Sources: domain.md, decisions 1 to 3, 5 and 10; §4.1. Read next: ``renewals/rules.py``.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from tenure.kernel.periods import Span, plus_days, years_after
from tenure.programme.rules import Anchor, Policy, TermLength

HALF_A_YEAR_DAYS = 182


class Status(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    RENEWAL_WINDOW = "renewal_window"
    LAPSED = "lapsed"
    CANCELLED = "cancelled"


class TermKind(StrEnum):
    PURCHASE = "purchase"
    RENEWAL = "renewal"
    AUTO_RENEWAL = "auto_renewal"
    UPGRADE = "upgrade"
    IMPORT = "import"


@dataclass(frozen=True, slots=True)
class TermDates:
    """A term's days, and the window in which it may be renewed; all ends inclusive."""

    starts_on: date
    expires_on: date
    renewal_opens_on: date
    renewal_closes_on: date


@dataclass(frozen=True, slots=True)
class TermFacts:
    """What a subscription's standing depends on."""

    expires_on: date
    renewal_closes_on: date
    held_until: date | None = None
    """Last day on which an open order holds the right to renew."""
    cancelled_on: date | None = None
    disputed: bool = False
    """The bank disputes the payment of the newest term."""


@dataclass(frozen=True, slots=True)
class Standing:
    status: Status
    suspended: bool = False

    @property
    def live(self) -> bool:
        return self.status in (Status.ACTIVE, Status.RENEWAL_WINDOW)


def window(expires_on: date, policy: Policy) -> Span:
    """The days on which a term may be renewed: the day after expiry and the days that follow, inclusive.

    >>> from tenure.programme.rules import Policy
    >>> aurora = Policy(1, date(2010, 1, 1))
    >>> span = window(date(2019, 6, 22), aurora)
    >>> str(span.first), str(span.last), span.days
    ('2019-06-23', '2019-07-22', 30)
    """
    first = plus_days(expires_on, policy.opens_offset_days)
    return Span(first, plus_days(first, policy.window_days - 1))


def nth_expiry(anchor_on: date, n: int, policy: Policy) -> date:
    """The last day of the nth term counted from the anchor, never from the last term.

    >>> from tenure.programme.rules import Policy
    >>> aurora = Policy(1, date(2010, 1, 1))
    >>> [str(nth_expiry(date(2020, 2, 29), n, aurora)) for n in (1, 3, 4)]
    ['2021-02-28', '2023-02-28', '2024-02-29']
    """
    if policy.term_length is TermLength.DAYS_365:
        return anchor_on + timedelta(days=365 * n)
    return years_after(anchor_on, n)


def first_term(paid_on: date, policy: Policy) -> TermDates:
    """The term of a purchase: from the day of payment to the same day a year later.

    >>> dates = first_term(date(2018, 6, 22), Policy(1, date(2010, 1, 1)))
    >>> str(dates.expires_on), str(dates.renewal_opens_on), str(dates.renewal_closes_on)
    ('2019-06-22', '2019-06-23', '2019-07-22')
    """
    return _dated(paid_on, nth_expiry(paid_on, 1, policy), policy)


def renewed_term(anchor_on: date, expires_on: date, paid_on: date, policy: Policy) -> tuple[date, TermDates]:
    """The term after one that expires on ``expires_on``, and the anchor from then on.

    Anchored to the anniversary, late payers win no days; anchored to the payment, the year starts with it.

    >>> from tenure.programme.rules import Policy
    >>> _, dates = renewed_term(date(2018, 6, 22), date(2019, 6, 22), date(2019, 7, 10), Policy(1, date(2010, 1, 1)))
    >>> str(dates.starts_on), str(dates.expires_on)
    ('2019-06-23', '2020-06-22')
    """
    if policy.anchor is Anchor.PAYMENT_DATE:
        starts_on = max(paid_on, plus_days(expires_on, 1))
        return starts_on, _dated(starts_on, nth_expiry(starts_on, 1, policy), policy)
    # A policy of 365 days drifts off the calendar's anniversary: the boundary a few days on is not a year's worth.
    beyond = plus_days(expires_on, HALF_A_YEAR_DAYS)
    n = max(1, expires_on.year - anchor_on.year)
    while n > 1 and nth_expiry(anchor_on, n - 1, policy) > beyond:
        n -= 1
    while (following := nth_expiry(anchor_on, n, policy)) <= beyond:
        n += 1
    return anchor_on, _dated(plus_days(expires_on, 1), following, policy)


def _dated(starts_on: date, expires_on: date, policy: Policy) -> TermDates:
    span = window(expires_on, policy)
    return TermDates(starts_on, expires_on, span.first, span.last)


def standing(facts: TermFacts, today: date) -> Standing:
    """What a subscription is today, from its dates alone (domain.md, decision 10).

    >>> june = TermFacts(date(2019, 6, 22), date(2019, 7, 22), held_until=date(2019, 8, 21))
    >>> standing(june, date(2019, 6, 22)).status.value, standing(june, date(2019, 7, 22)).status.value
    ('active', 'renewal_window')
    >>> standing(june, date(2019, 7, 23))
    Standing(status=<Status.RENEWAL_WINDOW: 'renewal_window'>, suspended=True)
    >>> standing(june, date(2019, 8, 22)).status.value
    'lapsed'
    >>> standing(TermFacts(date(2019, 6, 22), date(2019, 7, 22), disputed=True), date(2019, 1, 1)).suspended
    True
    """
    if facts.cancelled_on is not None:
        return Standing(Status.CANCELLED)
    if today <= facts.expires_on:
        return Standing(Status.ACTIVE, suspended=facts.disputed)
    if today <= facts.renewal_closes_on:
        return Standing(Status.RENEWAL_WINDOW, suspended=facts.disputed)
    if facts.held_until is not None and today <= facts.held_until:
        return Standing(Status.RENEWAL_WINDOW, suspended=True)
    return Standing(Status.LAPSED)


def benefits_run(standing: Standing, policy: Policy) -> bool:
    """Whether the term's benefits can be used: while active, and in the window if the policy keeps them (R5)."""
    if standing.suspended:
        return False
    if standing.status is Status.RENEWAL_WINDOW:
        return policy.benefits_in_window
    return standing.status is Status.ACTIVE
