"""How an attempt to charge moves, which reference a transfer quotes, and how much of it has arrived. Pure.

It decides which changes of an attempt's status exist at all, and never whether one happened: that is the
gateway's word. Sources: reliability.md §0.4 and I-16; domain.md §3.5. Read next: ``payments/actions.py``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tenure.kernel.money import Money


class Method(StrEnum):
    CARD = "card"
    BANK_TRANSFER = "bank_transfer"


class AttemptStatus(StrEnum):
    NEW = "new"
    CALLING = "calling"
    NEEDS_ACTION = "needs_action"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    CANCELLED = "cancelled"


A = AttemptStatus
UNANSWERED = frozenset({A.CALLING, A.UNKNOWN})
"""Somebody may have been charged, and nobody can say."""

OPEN = frozenset({A.NEW, A.CALLING, A.NEEDS_ACTION, A.UNKNOWN})
"""While one of an order's attempts is open, no other may begin (I-13)."""

NEXT: dict[AttemptStatus, frozenset[AttemptStatus]] = {
    A.NEW: frozenset({A.CALLING, A.CANCELLED}),
    A.CALLING: frozenset({A.NEEDS_ACTION, A.UNKNOWN, A.SUCCEEDED, A.DECLINED, A.CANCELLED}),
    A.NEEDS_ACTION: frozenset({A.UNKNOWN, A.SUCCEEDED, A.DECLINED, A.CANCELLED}),
    A.UNKNOWN: frozenset({A.NEEDS_ACTION, A.SUCCEEDED, A.DECLINED, A.CANCELLED}),
    A.SUCCEEDED: frozenset(),
    A.DECLINED: frozenset(),
    A.CANCELLED: frozenset(),
}


def may_become(before: AttemptStatus, after: AttemptStatus) -> bool:
    """Whether the table has this edge; what is decided never moves again (I-17).

    >>> may_become(A.UNKNOWN, A.SUCCEEDED), may_become(A.DECLINED, A.SUCCEEDED)
    (True, False)
    """
    return after in NEXT[before]


ASKED_AFTER = (timedelta(minutes=5), timedelta(hours=1))
"""How long after the call a payment without an end is asked about by itself; after these, once a day."""


STUCK_AFTER, ENDLESS_AFTER = timedelta(minutes=15), timedelta(days=7)
"""When a person hears of it: silence of the gateway (found at the ask after an hour), and anything left open."""


def next_ask(since: datetime, asked_at: datetime | None) -> datetime:
    """When the gateway is asked next: five minutes after the call, an hour after it, then daily.

    A doorbell or the customer coming back asks at once; this is for silence. ``since`` is the call, or the promise
    where the call never began. A time that was slept through is made up for once, not once for each time missed.

    >>> call = datetime(2019, 6, 23, 0, 4)
    >>> [str(next_ask(call, call + gone)) for gone in (timedelta(0), timedelta(minutes=5), timedelta(days=3))]
    ['2019-06-23 00:09:00', '2019-06-23 01:04:00', '2019-06-27 00:04:00']
    """
    gone = (asked_at or since) - since
    for step in ASKED_AFTER:
        if gone < step:
            return since + step
    return since + timedelta(days=gone // timedelta(days=1) + 1)


SENT_AGAIN_WITHIN = timedelta(hours=20)
"""How long one key may be sent again. Gateways forget keys after a day; a forgotten one would charge anew (C2)."""


def too_old_to_send_again(sent_at: datetime | None, now: datetime) -> bool:
    """Whether a call may only be asked about any more; one that was never sent is not old.

    >>> sent = datetime(2019, 6, 23, 0, 4)
    >>> [too_old_to_send_again(sent, sent + timedelta(hours=hours)) for hours in (0, 19, 20)]
    [False, False, True]
    >>> too_old_to_send_again(None, sent)
    False
    """
    return sent_at is not None and now - sent_at >= SENT_AGAIN_WITHIN


BUSY_DAYS = 28
"""Over how many days before the charge the busiest hours are looked at."""


def bound(busiest: Sequence[int], least: int) -> int:
    """How many charges within an hour are believed: three times the mean of the days' busiest hours, or ``least``.

    Automatic renewals come in one burst a day, so that a mean over all hours would be passed each morning. Days on
    which nothing was charged count for nothing.

    >>> bound([40, 50, 60], 100), bound([40, 50, 60], 200), bound([], 200)
    (150, 200, 200)
    """
    return max(least, 3 * sum(busiest) // len(busiest) if busiest else 0)


class RefundStatus(StrEnum):
    NEW = "new"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    REFUSED = "refused"


class RefundKind(StrEnum):
    FULL = "full"
    TAX = "tax"
    LATE_CAPTURE = "late_capture"


def reference_for(number: str) -> str:
    """The structured creditor reference (ISO 11649) of an order: RF, two check digits, the order's digits.

    >>> reference_for("O-2019-000418")
    'RF942019000418'
    """
    digits = re.sub(r"\D", "", number)
    return f"RF{98 - int(digits + '271500') % 97:02d}{digits}"


def spaced(reference: str) -> str:
    """A reference as people copy it, in groups of four.

    >>> spaced("RF942019000418")
    'RF94 2019 0004 18'
    """
    return " ".join(reference[i : i + 4] for i in range(0, len(reference), 4))


def epc_lines(holder: str, bic: str, iban: str, amount: Money, reference: str) -> tuple[str, ...]:
    """What a SEPA transfer's code says (EPC069-12, version 002), line by line, with the structured reference.

    >>> epc_lines("Aurora Systems", "FMHBTWTP", "DE66 5009", Money(49875, "EUR"), "RF942019000418")[-5:]
    ('Aurora Systems', 'DE665009', 'EUR498.75', '', 'RF942019000418')
    """
    if amount.currency != "EUR":
        raise ValueError("a SEPA transfer is in euro")
    figure = f"EUR{amount.minor // 100}.{amount.minor % 100:02d}"
    return ("BCD", "002", "1", "SCT", bic, holder[:70], iban.replace(" ", ""), figure, "", reference)


def references_in(text: str) -> tuple[str, ...]:
    """Every sound reference that a bank's free text carries, however it is spaced.

    >>> references_in("Action Pack RF94 2019 0004 18 / Contoso"), references_in("RF20 2019 0004 18")
    (('RF942019000418',), ())
    """
    packed = re.sub(r"[\s\-./]", "", text.upper())
    found = []
    for match in re.finditer(r"RF(\d{2})(\d{10})", packed):
        check, digits = match.groups()
        if (int(digits + "2715" + check)) % 97 == 1:
            found.append(match.group())
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Received:
    """What has come in for an order: whether it is enough, what is missing, what is left over."""

    enough: bool
    missing: Money
    over: Money


def compare(expected: Money, received: Money, tolerance_minor: int = 0) -> Received:
    """Hold the money received against the order's total.

    >>> compare(Money(15750, "TWD"), Money(15000, "TWD"))
    Received(enough=False, missing=Money(minor=750, currency='TWD'), over=Money(minor=0, currency='TWD'))
    """
    gap = (expected - received).minor
    zero = Money(0, expected.currency)
    if gap > tolerance_minor:
        return Received(False, Money(gap, expected.currency), zero)
    return Received(True, zero, Money(max(0, -gap), expected.currency))
