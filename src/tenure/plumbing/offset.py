"""How far each gateway's clock is from this machine's, as its newest answer said in its ``Date`` header.

It decides what counts as wrong: more than a minute is said, more than ten minutes stops charging (reliability.md,
I-32). It must never look at the programme's clock: a demonstration stands still on purpose, a gateway never does.
Read next: ``plumbing/charging.py``, which asks.
"""

from datetime import timedelta

from django.db.models import Q

from tenure.plumbing import clock
from tenure.plumbing.models import GatewayClock

SAID_S, TOO_FAR_S = 60, 600
KEPT_FOR = timedelta(minutes=10)
BELIEVED_FOR = timedelta(hours=1)


def note(gateway: str, ahead_s: float) -> None:
    """Keep how far ahead a gateway's clock is; an offset that has been known for minutes is not written again."""
    ahead, now = round(ahead_s), clock.machine()
    known = GatewayClock.objects.filter(gateway=gateway).first()
    if known and _kind(known.ahead_s) == _kind(ahead) and now - known.seen_at < KEPT_FOR:
        return
    GatewayClock.objects.update_or_create(gateway=gateway, defaults={"ahead_s": ahead, "seen_at": now})


def _kind(ahead_s: int) -> int:
    """0 when the clocks agree, 1 when a person should hear of it, 2 when nothing is charged.

    >>> [_kind(seconds) for seconds in (0, -60, 61, -600, 601)]
    [0, 0, 1, 1, 2]
    """
    return (abs(ahead_s) > SAID_S) + (abs(ahead_s) > TOO_FAR_S)


def wrong() -> GatewayClock | None:
    """The gateway whose clock is furthest from ours, when that is more than a minute."""
    rows = GatewayClock.objects.filter(Q(ahead_s__gt=SAID_S) | Q(ahead_s__lt=-SAID_S))
    return max(rows, key=lambda row: abs(row.ahead_s), default=None)


def too_far(row: GatewayClock | None) -> bool:
    """Whether nothing may be charged; what was seen long ago is measured anew by the next call."""
    return row is not None and _kind(row.ahead_s) > 1 and fresh(row)


def fresh(row: GatewayClock) -> bool:
    """Whether an offset was seen within the hour."""
    return clock.machine() - row.seen_at < BELIEVED_FOR
