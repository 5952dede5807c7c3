"""The living world of a demonstration: firms and people, moved by verbs and by the clock only.

It decides nothing: between two acts of the stories every day on the way is lived. It must never write a row of
its own, but for the one password that all pretend people share. Read next: ``proof/story.py``, ``plumbing/jobs.py``.
"""

import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from django.contrib.auth.hashers import make_password
from django.db import connection, transaction

from tenure.benefits import actions as benefits
from tenure.kernel.access import SYSTEM
from tenure.people import actions as people
from tenure.people.models import User
from tenure.plumbing import clock, jobs
from tenure.plumbing.db import wiring
from tenure.plumbing.models import Counter
from tenure.programme import actions as programme_actions
from tenure.programme.queries import applied, current
from tenure.proof.acts import Acts
from tenure.proof.cast import Act, Firm, Person
from tenure.proof.crowd import arrivals
from tenure.proof.story import BEGINS, ENDS, FIRMS, STAFF

PASSWORD = "welcome to aurora"
"""Everybody in the demonstration signs in with this."""
PROGRAMME = Path(__file__).resolve().parents[3] / "programmes" / "aurora.toml"
KEYS_IN_A_POOL = 200
UNFINISHED = "demo:unfinished"

Happening = tuple[datetime, Callable[[], None]]


def empty() -> bool:
    """Whether there is no programme yet: only then may a world be built."""
    return not applied()


def unfinished() -> bool:
    """Whether a world was being built here when its builder was stopped."""
    return Counter.objects.filter(name=UNFINISHED).exists()


def clear() -> None:
    """Drop what an unfinished build left; the tables come back with the next migration."""
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE")
        cursor.execute("CREATE SCHEMA public")


def build(seed: int, *, extra: int = 0, tell: Callable[[date], None] = lambda day: None) -> "World":
    """Build the whole demonstration, from the first firm to its today, with ``extra`` generated partners."""
    _do_not_wait_for_the_disk()
    Counter.objects.create(name=UNFINISHED)
    with _nobody_needs_waking():
        world = World(seed, begins=BEGINS, tell=tell)
        world.employ(STAFF)
        world.stock_keys()
        world.live([*world.told(FIRMS), *arrivals(world, extra, seed)], until=ENDS)
    world.give_password()
    Counter.objects.filter(name=UNFINISHED).delete()
    return world


def _do_not_wait_for_the_disk() -> None:
    """A build cut off by a power failure is begun anew, so its commits need not reach the disk one by one."""
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off")


@contextmanager
def _nobody_needs_waking() -> Iterator[None]:
    """Everything that follows is done by hand, so the worker is not called for each of it."""
    page = wiring()
    before, page.wake = page.wake, lambda: None
    try:
        yield
    finally:
        page.wake = before


class World(Acts):
    """Where the stories happen. ``tell`` says aloud which day it is."""

    def __init__(self, seed: int, *, begins: str, tell: Callable[[date], None] = lambda day: None):
        self.random = random.Random(seed)
        self.tell = tell
        self.staff = {}
        self.now = clock.put(datetime.fromisoformat(begins).replace(tzinfo=UTC))
        programme_actions.apply(SYSTEM, None, source=PROGRAMME.read_text(encoding="utf-8"), now=self.now)
        self.zone = current().zone

    def instant(self, at: str) -> datetime:
        return datetime.fromisoformat(at).replace(tzinfo=ZoneInfo(self.zone))

    def told(self, firms: Iterable[Firm]) -> list[Happening]:
        """The firms' stories as things that happen, each at its instant."""
        return [(self.instant(act.at), partial(self._act, firm, act)) for firm in firms for act in firm.story]

    def live(self, happenings: Iterable[Happening], *, until: str) -> None:
        """Let everything happen in the order of time, living every day in between."""
        for at, happen in sorted(happenings, key=lambda entry: entry[0]):
            self.go(at)
            happen()
            jobs.settle_down(self.now)
        self.go(self.instant(until))

    def go(self, to: datetime) -> None:
        """Live every day up to an instant."""
        if to > self.now:
            jobs.advance(to, self.zone)
            self.now = to
            self.tell(self.today)

    def _act(self, firm: Firm, act: Act) -> None:
        try:
            getattr(self, act.does)(firm, **act.facts)
        except Exception as failure:
            failure.add_note(f"in the story of {firm.name}: {act}")
            raise

    def employ(self, staff: Iterable[Person]) -> None:
        with transaction.atomic():
            for one in staff:
                user = people.create_person(
                    name=one.name,
                    email=one.email,
                    password=None,
                    language=one.language,
                    now=self.now,
                    staff_roles=list(one.roles),
                )
                self.staff.setdefault(one.roles[0], user)

    def stock_keys(self) -> None:
        """Fill every pool of product keys that an offer promises."""
        pools = {benefit.code for offer in current().offers for benefit in offer.benefits if benefit.kind == "keys"}
        for pool in sorted(pools):
            values = [
                f"{pool.upper()[:6]}-" + "-".join(self._letters(5) for _ in range(3)) for _ in range(KEYS_IN_A_POOL)
            ]
            benefits.load_keys(self.office("operator"), None, pool=pool, values=values, now=self.now)

    def give_password(self) -> None:
        """One hash for all: hashing is slow on purpose, and nobody here is real."""
        User.objects.update(password=make_password(PASSWORD))

    def _letters(self, count: int) -> str:
        return "".join(self.random.choices("ABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=count))
