"""How often somebody may ask: counted in the database, so that all processes count together.

It decides whether one more request fits into the running minute. The table is unlogged: one cheap statement, no
waiting for the disk. It must never lock anybody out for longer than the minute. Read next: ``web/api/door.py``.
"""

from dataclasses import dataclass

from django.db import connection

PERIOD_S = 60
# The database's own clock: processes on several machines agree, and a demonstration's standing clock does not count.
TAKE = f"""
INSERT INTO plumbing_allowance AS a (bucket, "window", used)
VALUES (%s, floor(extract(epoch FROM clock_timestamp()) / {PERIOD_S}), 1)
ON CONFLICT (bucket) DO UPDATE SET
    used = CASE WHEN a."window" = excluded."window" THEN a.used + 1 ELSE 1 END, "window" = excluded."window"
RETURNING used, ceil(("window" + 1) * {PERIOD_S} - extract(epoch FROM clock_timestamp()))::int
"""


@dataclass(frozen=True, slots=True)
class Taken:
    limit: int
    left: int
    resets_in_s: int
    allowed: bool


def take(bucket: str, limit: int) -> Taken:
    """Count one request under a name; past ``limit`` in a minute it is not allowed."""
    with connection.cursor() as cursor:
        cursor.execute(
            TAKE,
            [
                bucket[:120],
            ],
        )
        used, resets_in = cursor.fetchone()
    return Taken(limit, max(0, limit - used), max(1, resets_in), used <= limit)
