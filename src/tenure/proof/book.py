"""The book the proof reads: one snapshot of every row, the instant it was taken, and the programme's versions.

It decides nothing; it must never write a row or change one. Read next: ``proof/verify.py``, ``proof/facts.py``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction

from tenure.kernel.periods import day_of
from tenure.payments.gateways.base import Outcome
from tenure.plumbing import clock
from tenure.plumbing.models import Instance
from tenure.programme.models import Version
from tenure.programme.queries import current, version
from tenure.programme.rules import Policy, Programme

AT_ONCE = 2000


@dataclass
class Book:
    """What every check is given. ``charges`` is what the gateways say, or ``None`` with the reason in ``silence``."""

    at: datetime
    today: date
    zone: str
    instance: str
    programmes: dict[int, Programme]
    charges: list[Outcome] | None = None
    silence: str = ""
    policies: dict[tuple[int, int], Policy] = field(default_factory=dict)

    def policy(self, n: int, policy: int) -> Policy:
        """The rules a term or an order was made under: programme version, policy version."""
        found = self.policies.get((n, policy))
        if found is None:
            found = self.policies[n, policy] = self.programmes[n].policy(policy)
        return found


@contextmanager
def snapshot() -> Iterator[None]:
    """One repeatable-read, read-only transaction, so that all rows read agree. An open one is joined."""
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        # A slow reader of our output must not lose the snapshot.
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        cursor.execute("SET LOCAL statement_timeout = 0")
        yield


def opened() -> Book:
    """The book as it stands in the snapshot. Its instant is read after the snapshot was taken."""
    instance = str(Instance.objects.order_by("pk").values_list("uuid", flat=True).first())
    programme = current()
    now = clock.now()
    at = max(now, newest_instant() or now)
    return Book(
        at,
        day_of(at, programme.zone),
        programme.zone,
        instance,
        {n: version(n) for n in Version.objects.order_by("n").values_list("n", flat=True)},
    )


def newest_instant() -> datetime | None:
    """When the last thing happened: a demonstration clock set back must not make it a thing of the future."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(occurred_at) FROM plumbing_event")
        return cursor.fetchone()[0]


def stream(sql: str, params: Any = None, at_once: int = AT_ONCE) -> Iterator[dict[str, Any]]:
    """Rows as dicts from a cursor on the server's side: memory stays flat however many there are."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql, params)
        names: list[str] = []
        while rows := cursor.fetchmany(at_once):
            names = names or [column.name for column in cursor.description]
            for row in rows:
                yield dict(zip(names, row, strict=True))
