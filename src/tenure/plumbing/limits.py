"""How often somebody may ask: counted in the database, so that all processes count together.

It decides whether one more request fits into the running minute. A process takes requests a score at a time, so that
most of them cost no statement; what it does not use lapses with the minute, so never more than allowed are let in.
The table is unlogged: no waiting for the disk. It must never lock anybody out for longer than the minute. Read next:
``web/api/door.py``.
"""

import threading
import time
from dataclasses import dataclass

from django.db import connection

PERIOD_S = 60
SCORE = 20
MOST_NAMES = 10_000
# The database's own clock: processes on several machines agree, and a demonstration's standing clock does not count.
TAKE = f"""
INSERT INTO plumbing_allowance AS a (bucket, "window", used)
VALUES (%s, floor(extract(epoch FROM clock_timestamp()) / {PERIOD_S}), %s)
ON CONFLICT (bucket) DO UPDATE SET
    used = CASE WHEN a."window" = excluded."window" THEN a.used ELSE 0 END + excluded.used,
    "window" = excluded."window"
RETURNING used, ceil(("window" + 1) * {PERIOD_S} - extract(epoch FROM clock_timestamp()))::int
"""


@dataclass(frozen=True, slots=True)
class Taken:
    limit: int
    left: int
    resets_in_s: int
    allowed: bool


@dataclass(slots=True)
class _Score:
    """Requests this process has taken and not used yet, until the minute ends."""

    here: int
    left_there: int
    ends_at: float


_taken: dict[str, _Score] = {}
_lock = threading.Lock()


def take(bucket: str, limit: int) -> Taken:
    """Count one request under a name; past ``limit`` in a minute it is not allowed."""
    with _lock:
        score = _taken.get(bucket)
        if score is not None and score.here and time.monotonic() < score.ends_at:
            score.here -= 1
            return Taken(limit, score.left_there + score.here, max(1, round(score.ends_at - time.monotonic())), True)
    score = _fetch(bucket, limit)
    with _lock:
        if len(_taken) > MOST_NAMES:
            _taken.clear()
        _taken[bucket] = score
    resets_in = max(1, round(score.ends_at - time.monotonic()))
    if not score.here:
        return Taken(limit, 0, resets_in, False)
    score.here -= 1
    return Taken(limit, score.left_there + score.here, resets_in, True)


def forget() -> None:
    """Let go of what this process has taken: for tests, whose database forgets as well."""
    with _lock:
        _taken.clear()


def _fetch(bucket: str, limit: int) -> _Score:
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [bucket[:120], SCORE])
        used, resets_in = cursor.fetchone()
    granted = max(0, min(SCORE, limit - (used - SCORE)))
    return _Score(granted, max(0, limit - used), time.monotonic() + max(1, resets_in))
