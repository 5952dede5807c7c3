"""How often something may be tried: counted in the database, so that every process counts the same.

It decides that a try is counted before it is made, so that many at once are not let through together, and that
every wait ends. It must never keep an address: keys are digests. Read next: ``people/rules.py``.

    limits.attempt("password", email, allowed=5, now=now)     # refused while waiting; counts
    limits.forgive("password", email)                         # it was right after all
    limits.take("reset", address, amount=3, per=HOUR, now=now)
"""

import hashlib
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from tenure.kernel.refusals import Refusal
from tenure.people.models import Limit
from tenure.people.rules import QUIET, wait_after

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
KEPT = timedelta(days=2)
SWEEP = 50
TOO_MANY = "sign_in.too_many"


def attempt(name: str, key: str, *, allowed: int, now: datetime) -> None:
    """Count one try that may fail. While a wait lasts nothing is tried, and the wait does not grow."""
    with transaction.atomic():
        row = _row(name, key, now)
        if row.until and now < row.until:
            raise _refusal(row.until - now)
        if now - max(row.since, row.until or row.since) >= QUIET:
            row.count = 0
        row.count += 1
        row.since = now
        wait = wait_after(row.count, allowed)
        row.until = now + wait if wait else None
        row.save()


def forgive(name: str, key: str, *, all_of_them: bool = False) -> None:
    """The try was right: it does not count, and for whom it concerns alone nothing before it does."""
    row = Limit.objects.filter(name=name, key=_digest(key), count__gt=0)
    row.update(count=0 if all_of_them else F("count") - 1, until=None)


def take(name: str, key: str, *, amount: int, per: timedelta, now: datetime) -> None:
    """Count one of a fixed number that a span of time allows, or refuse until the span is over."""
    with transaction.atomic():
        row = _row(name, key, now)
        if now - row.since >= per:
            row.since, row.count = now, 0
        if row.count >= amount:
            raise _refusal(row.since + per - now)
        row.count += 1
        row.save()


def tidy(now: datetime) -> int:
    """Forget what has not been tried for days."""
    return Limit.objects.filter(since__lt=now - KEPT).delete()[0]


def _row(name: str, key: str, now: datetime) -> Limit:
    """The row of a key, locked, so that two tries are counted one after the other."""
    digest = _digest(key)
    Limit.objects.bulk_create([Limit(name=name, key=digest, since=now)], ignore_conflicts=True)
    row = Limit.objects.select_for_update().get(name=name, key=digest)
    if row.count == 0 and row.pk % SWEEP == 0:
        # Whoever tries name after name makes row after row; the door sweeps behind them.
        tidy(now)
    return row


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def _refusal(left: timedelta) -> Refusal:
    return Refusal(TOO_MANY, seconds=max(1, -(-int(left.total_seconds() * 1000) // 1000)))
