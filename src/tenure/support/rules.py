"""Refunds and requests: what is owed, who must agree, and how a request moves. Pure.

Sources: domain.md, decisions 6 and 7, §3.7, R17, R18; reliability.md I-48. Read next: ``support/actions.py``.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from tenure.kernel.money import Money
from tenure.kernel.periods import plus_days
from tenure.kernel.refusals import Check, Decision
from tenure.programme.rules import Policy


class RequestStatus(StrEnum):
    OPEN = "open"
    ATTENTION = "attention_needed"
    CLOSED = "closed"


class Action(StrEnum):
    NONE = ""
    CANCEL = "cancel"
    REFUND = "refund"
    EXEMPTION = "exemption"


class Outcome(StrEnum):
    REFUNDED = "refunded"
    DO_NOT_RENEW = "do_not_renew"
    TAX_REFUNDED = "tax_refunded"
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class RefundFacts:
    purchased_on: date
    requested_on: date
    key_revealed_at: datetime | None
    benefit_used: bool
    refunded: bool


def may_refund(facts: RefundFacts, policy: Policy) -> Decision:
    """Whether a purchase is refunded in full: within the days, nothing used, no key even seen (R17).

    >>> aurora = Policy(1, date(2010, 1, 1))
    >>> may_refund(RefundFacts(date(2019, 6, 25), date(2019, 7, 25), None, False, False), aurora).allowed
    True
    >>> may_refund(RefundFacts(date(2019, 6, 25), date(2019, 7, 26), None, False, False), aurora).first.code
    'refund.too_late'
    """
    last_day = plus_days(facts.purchased_on, policy.refund_days)
    seen = facts.key_revealed_at
    return Decision(
        "refund",
        (
            Check("refund.already_refunded", not facts.refunded),
            Check("refund.too_late", facts.requested_on <= last_day, {"last_day": last_day}),
            Check("refund.key_revealed", seen is None, {"day": seen}),
            Check("refund.benefit_used", not facts.benefit_used),
        ),
        closes_on=last_day,
    )


def approvals_needed(amount: Money, policy: Policy) -> int:
    """How many people must agree to give this much back: two above the limit of its currency."""
    return 2 if amount.minor > policy.refund_limit.get(amount.currency, 0) else 1


def limit(policy: Policy, currency: str) -> Money:
    return Money(policy.refund_limit.get(currency, 0), currency)


MOVES: dict[RequestStatus, frozenset[RequestStatus]] = {
    RequestStatus.OPEN: frozenset({RequestStatus.ATTENTION, RequestStatus.CLOSED}),
    RequestStatus.ATTENTION: frozenset({RequestStatus.OPEN, RequestStatus.CLOSED}),
    RequestStatus.CLOSED: frozenset({RequestStatus.OPEN}),
}
