"""What leaves the house about an event, to whom, and when a receiver that does not answer is tried again.

It decides which events a partner company may see, which of their facts are told, and the plan of retries. It must
never let a fact out that is not named here: free words, addresses and names of people stay inside. Read next:
``webhooks/feed.py``, which numbers events; docs/how-to/receive-webhooks.md, which promises all this to receivers.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from tenure.kernel.access import holds
from tenure.kernel.money import Money
from tenure.kernel.text import Text

VERSION = 1
ALL = "*"
TEST = "webhooks.tested"

TOLD: dict[str, str] = {
    "benefits.granted": "term",
    "benefits.key_revealed": "grant key",
    "benefits.revoked": "term",
    "benefits.used": "grant quantity",
    "billing.invoice_issued": "invoice number",
    "competencies.evidence_recorded": "criterion value",
    "competencies.qualified": "offer",
    "enrolment.agreement_accepted": "agreement version person",
    "enrolment.appealed": "kind",
    "enrolment.check_decided": "kind state",
    "enrolment.email_confirmed": "",
    "enrolment.evidence_handed_in": "kind",
    "enrolment.recovery_moved": "status",
    "enrolment.verified": "",
    "memberships.ended": "reason",
    "memberships.subscribed": "offer",
    "memberships.term_opened": "term n kind starts_on expires_on",
    "orders.approval_asked": "number",
    "orders.approval_decided": "number approved",
    "orders.cancelled": "number",
    "orders.expired": "number",
    "orders.expiring": "number",
    "orders.method_changed": "number method",
    "orders.paid": "number term invoice",
    "orders.placed": "number purpose method",
    "orders.proof_uploaded": "number",
    "partners.approval_limit_set": "above",
    "partners.changed": "fields",
    "partners.exempted": "certificate valid_from valid_to",
    "partners.exemption_ending": "certificate valid_to",
    "partners.exemption_moved": "application status",
    "partners.joined": "number",
    "partners.location_added": "number",
    "partners.location_changed": "number fields",
    "partners.location_removed": "number",
    "partners.moved_here": "",
    "partners.reinstated": "",
    "partners.suspended": "",
    "payments.action_needed": "number",
    "payments.card_removed": "card renewed",
    "payments.declined": "number reason hard automatic",
    "payments.dispute_closed": "number dispute won",
    "payments.disputed": "number dispute reason",
    "payments.late_capture_returned": "number",
    "payments.refunded": "refund credit_note",
    "payments.transfer_held": "line",
    "payments.transfer_matched": "line number",
    "payments.transfer_short": "number missing_minor currency",
    "payments.unknown": "number",
    "payments.withholding_moved": "withholding number status",
    "people.deactivated": "person",
    "people.invited": "invitation",
    "people.joined": "person",
    "people.key_made": "key prefix scopes",
    "people.key_revoked": "key prefix",
    "people.key_rotated": "key replaced prefix",
    "people.place_limited": "person before after",
    "people.place_ending": "person until_on",
    "people.reactivated": "person",
    "people.roles_changed": "person before after",
    "renewals.auto_renew_turned_off": "cause",
    "renewals.auto_renew_turned_on": "cause",
    "renewals.card_changed": "card",
    "renewals.fell_due": "due action",
    "renewals.lapsed": "term",
    "support.closed": "number outcome",
    "support.opened": "number problem_type",
    "support.reopened": "number",
    "support.replied": "number by_staff",
    "webhooks.endpoint_added": "endpoint host types",
    "webhooks.endpoint_changed": "endpoint host types status",
    "webhooks.endpoint_disabled": "endpoint host reason",
    "webhooks.secret_rotated": "endpoint",
    "webhooks.tested": "endpoint",
}
"""Events a partner company may see, each with the facts that are told of it."""

INSIDE: dict[str, str] = {
    "billing.month_closed": "month",
    "charging.released": "",
    "charging.started": "",
    "charging.stopped": "cause",
    "enrolment.confirmation_asked": "person",
    "partners.invited_here": "",
    "payments.transfer_ignored": "line",
    "payments.transfer_received": "line",
    "programme.applied": "version sha256",
    "renewals.ran": "run",
    "support.refund_approved": "number",
}
"""Events that only the office sees."""


class Status(StrEnum):
    """How an endpoint stands. ``gone`` answered 410, ``failing`` did not answer for days; both were shut by us."""

    ACTIVE = "active"
    PAUSED = "paused"
    GONE = "gone"
    FAILING = "failing"
    REMOVED = "removed"


SHUT = (Status.GONE, Status.FAILING, Status.REMOVED)


class Verdict(StrEnum):
    """What an answer means for a delivery."""

    DELIVERED = "delivered"
    AGAIN = "again"
    GONE = "gone"


# What is told


def shown(name: str, partner_id: int | None, payload: Mapping[str, Any]) -> bool:
    """Whether the partner company an event is about may see it. An internal note is none of its business.

    >>> shown("orders.paid", 7, {}), shown("support.replied", 7, {"internal": True}), shown("renewals.ran", None, {})
    (True, False, False)
    """
    return partner_id is not None and name in TOLD and not payload.get("internal")


def data(name: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of an event that leave the house, as plain JSON.

    >>> data("partners.changed", {"before": {"city": "Taipei"}, "after": {"city": "Tainan"}})
    {'fields': ['city']}
    >>> data("partners.suspended", {"reason": "They owe us, says Bo"})
    {}
    """
    facts = dict(payload)
    if name == "partners.changed":
        facts["fields"] = sorted({*payload["before"], *payload["after"]})
    wanted = TOLD.get(name) or INSIDE.get(name, "")
    return {field: _plain(facts[field]) for field in wanted.split() if field in facts}


def _plain(value: Any) -> Any:
    match value:
        case Money():
            return {"amount_minor": value.minor, "currency": value.currency}
        case datetime():
            return stamp(value)
        case date():
            return value.isoformat()
        case Text():
            return {"en": value.en, "zh-hant": value.zh_hant}
        case list() | tuple():
            return [_plain(each) for each in value]
        case _:
            return value


def stamp(at: datetime) -> str:
    """An instant in UTC, as RFC 3339 with microseconds.

    >>> stamp(datetime(2019, 6, 22, 16, 0, tzinfo=UTC))
    '2019-06-22T16:00:00.000000Z'
    """
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def names() -> list[str]:
    """Every event that can be chosen, in the order of the catalogue."""
    return [name for name in TOLD if name != TEST]


def wants(types: Collection[str], name: str) -> bool:
    """Whether a choice of events covers one; ``*`` and ``orders.*`` cover many.

    >>> wants(["orders.*"], "orders.paid"), wants(["*"], "people.joined"), wants(["orders.paid"], "orders.placed")
    (True, True, False)
    """
    return holds(frozenset(types), name)


# What an answer means


def verdict(status: int) -> Verdict:
    """What a status means: 2xx is a receipt, 410 goodbye, anything else, a redirect too, another try.

    >>> [str(verdict(status)) for status in (200, 204, 301, 404, 410, 429, 500)]
    ['delivered', 'delivered', 'again', 'again', 'gone', 'again', 'again']
    """
    if 200 <= status < 300:
        return Verdict.DELIVERED
    return Verdict.GONE if status == 410 else Verdict.AGAIN


DELAYS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
TRIES = len(DELAYS) + 1
JITTER = 0.2
RESTS = (timedelta(0), timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))
SHUT_AFTER = timedelta(days=5)
LONGEST_WAIT = timedelta(hours=24)


def next_try(tries: int, spread: float) -> timedelta | None:
    """How long to wait after so many tries, up to a fifth more by chance; nothing when it was the last.

    >>> next_try(1, 0.0), next_try(9, 1.0), next_try(10, 0.0)
    (datetime.timedelta(seconds=5), datetime.timedelta(days=1, seconds=17280), None)
    """
    return None if tries >= TRIES else DELAYS[tries - 1] * (1 + JITTER * spread)


def rest(failures: int) -> timedelta:
    """How long a receiver is left alone after failing so many times on end, whatever else waits for it.

    >>> [str(rest(n)) for n in (1, 2, 3, 4, 9)]
    ['0:00:00', '0:01:00', '0:05:00', '0:15:00', '1:00:00']
    """
    return RESTS[min(failures, len(RESTS)) - 1]


def asked_to_wait(header: str, machine: datetime) -> timedelta | None:
    """What ``Retry-After`` asks for, in seconds or as a date, but a day at most.

    >>> asked_to_wait("120", datetime(2019, 6, 22, tzinfo=UTC))
    datetime.timedelta(seconds=120)
    >>> asked_to_wait("soon", datetime(2019, 6, 22, tzinfo=UTC)) is None
    True
    """
    text = header.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return min(timedelta(seconds=int(text)), LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(timedelta(0), min(until - machine, LONGEST_WAIT))


@dataclass(frozen=True, slots=True)
class Told:
    """An event as it leaves the house: the same in the feed and in a webhook, whoever reads it and however often."""

    id: int
    name: str
    at: datetime
    partner: str | None
    object: str
    number: int
    data: dict[str, Any]

    @property
    def key(self) -> str:
        return f"evt_{self.id}"

    @property
    def body(self) -> dict[str, Any]:
        return {
            "id": self.key,
            "type": self.name,
            "version": VERSION,
            "timestamp": stamp(self.at),
            "partner": self.partner,
            "object": self.object,
            "number": self.number,
            "data": self.data,
        }
