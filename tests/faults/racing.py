"""The frame of the races: who meets whom, where, how often, and with which guard taken away.

A race is run free (``at_once``, some rounds) and at its worst place (``amid``: the second runs while the first stands
in the middle). Its control runs the same with a guard off, and must show the harm. Guards go only here: the lock on
a row (``unlocked``), a constraint, index or trigger of the test's own database (``unconstrained``), or a function
that a test replaces. Read next: ``docs/races.md``, the list of all of them.
"""

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from django.db import DatabaseError, connection, models
from django.db.models import QuerySet

from tenure.kernel.access import SYSTEM, Actor
from tenure.kernel.refusals import Refusal
from tenure.memberships.models import Subscription
from tenure.partners.models import Partner
from tenure.payments.gateways.base import Rejected
from tenure.payments.queries import cards
from tenure.people.models import User
from tenure.purchases import actions as purchases
from tenure.support import actions as support
from tests.worlds import World

ROUNDS = 3
SECONDS = 20


def told(call: Callable[[], Any]) -> Any:
    """What a caller hears: a value, a refusal, the gateway's no, or the database's own."""
    try:
        return call()
    except (Refusal, Rejected, DatabaseError) as no:
        return no
    finally:
        connection.close()


def codes(answers: Iterable[Any]) -> list[str]:
    """The refusals among some answers. A bare error of the database or the gateway is nobody's answer."""
    found = []
    for answer in answers:
        assert not isinstance(answer, DatabaseError | Rejected), answer
        if isinstance(answer, Refusal):
            found.append(answer.code)
    return sorted(found)


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Start calls on connections of their own at the same instant."""
    gate = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        gate.wait(SECONDS)
        return told(call)

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def crowd(call: Callable[[], Any], times: int, *, hands: int = 12) -> list[Any]:
    """The same call very often, as many at a time as the house's database has connections to spare."""
    gate = threading.Barrier(hands)

    def run(n: int) -> Any:
        if n < hands:
            gate.wait(SECONDS)
        return told(call)

    with ThreadPoolExecutor(hands) as pool:
        return list(pool.map(run, range(times)))


def amid(
    place: tuple[Any, str],
    first: Callable[[], Any],
    second: Callable[[], Any],
    *,
    after: bool = False,
    longest: float = SECONDS / 2,
) -> list[Any]:
    """Run the second while the first stands at a place: before that function, or after it.

    The first goes on once the second is through, or is seen to wait for a lock, as it would in life.
    """
    owner, name = place
    real = getattr(owner, name)
    stands, came, done = threading.Event(), threading.Event(), threading.Event()
    firsts, seconds = threading.local(), []

    def stop() -> None:
        if getattr(firsts, "here", False) and not came.is_set():
            came.set()
            stands.set()
            until = time.monotonic() + longest
            while not (done.wait(0.02) or _waits(seconds) or time.monotonic() > until):
                pass

    def watched(*args: Any, **given: Any) -> Any:
        if not after:
            stop()
        answer = real(*args, **given)
        if after:
            stop()
        return answer

    def one() -> Any:
        firsts.here = True
        try:
            return told(first)
        finally:
            stands.set()

    def other() -> Any:
        assert stands.wait(SECONDS)
        try:
            connection.ensure_connection()
            seconds.append(connection.connection.info.backend_pid)
            return told(second)
        finally:
            done.set()

    with patch.object(owner, name, watched), ThreadPoolExecutor(2) as pool:
        both = [pool.submit(one), pool.submit(other)]
        answers = [answer.result(SECONDS) for answer in both]
    assert came.is_set(), f"the first never came to {name}"
    return answers


def _waits(seconds: list[int]) -> bool:
    """Whether the second's connection waits for a lock, the first's or one that waits behind it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_locks WHERE pid = ANY(%s) AND NOT granted", [seconds])
        return cursor.fetchone() is not None


@contextmanager
def unlocked(*rows: type[models.Model]):
    """No lock on the rows of these models, for as long as it lasts."""
    real = QuerySet.select_for_update

    def select(query: QuerySet, **how: Any) -> QuerySet:
        return query.all() if query.model in rows else real(query, **how)

    with patch.object(QuerySet, "select_for_update", select):
        yield


CONSTRAINT = "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s"
INDEX = "SELECT tablename, indexdef FROM pg_indexes WHERE indexname = %s"
TRIGGER = "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = %s"


@contextmanager
def unconstrained(*names: str):
    """Without these constraints, indexes and triggers of the test's own database.

    What was written meanwhile would not bear them: its tables are emptied before they come back.
    """
    with ExitStack() as restored, connection.cursor() as cursor:
        for name in names:
            restored.callback(_dropped(cursor, name))
        yield


def _dropped(cursor: Any, name: str) -> Callable[[], None]:
    if found := _one(cursor, CONSTRAINT, name):
        table, definition = found
        cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        again = f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}'
    elif found := _one(cursor, INDEX, name):
        table, again = found
        cursor.execute(f'DROP INDEX "{name}"')
    else:
        (table,) = _one(cursor, TRIGGER, name)
        cursor.execute(f'ALTER TABLE {table} DISABLE TRIGGER "{name}"')
        again = f'ALTER TABLE {table} ENABLE TRIGGER "{name}"'

    def restore() -> None:
        with connection.cursor() as fresh:
            fresh.execute(f"TRUNCATE {table} CASCADE")
            fresh.execute(again)

    return restore


def _one(cursor: Any, query: str, name: str) -> tuple | None:
    cursor.execute(query, [name])
    return cursor.fetchone()


def janitor(world: World) -> None:
    """What the worker repairs of money afterwards, without its letters and documents."""
    purchases.ask_open_attempts(world.now)
    purchases.finish_refunds(world.now)
    support.finish_refunded(world.now, SYSTEM)


@dataclass
class Firm:
    """A company of its own for one round, with its administrator."""

    world: World
    partner: Partner
    person: User

    @property
    def actor(self) -> Actor:
        return self.world.actor(self.person)

    @property
    def subscription(self) -> Subscription:
        return self.world.holding(partner=self.partner).subscription

    @property
    def card(self) -> int:
        return cards(self.partner.pk).first().pk


def firm(world: World, n: int = 1) -> Firm:
    partner = world.company(f"Firm {n} Ltd", f"firm{n}.example", f"Fay{n} Fu")
    return Firm(world, partner, User.objects.get(email=f"fay{n}@firm{n}.example"))


def firms(world: World, count: int = ROUNDS) -> list[Firm]:
    """Companies that bought with a card they keep, on 22 June 2018."""
    world.go("2018-06-22")
    found = [firm(world, n) for n in range(1, count + 1)]
    for one in found:
        assert world.buy_by_card(who=one.person, partner=one.partner).paid_at
    return found
