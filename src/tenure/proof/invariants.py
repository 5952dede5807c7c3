"""What an invariant is: its number, what it says, the program that recomputes it, and what guards it meanwhile.

It decides the form of every check and of what a check finds. A check reads rows with SQL of its own and never
asks the queries it is there to control. Read next: ``proof/verify.py``, which runs them all.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from tenure.proof.book import Book, stream
from tenure.proof.seals import instant


class NotChecked(Exception):
    """The check could not look, and why; that is no violation."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is not as promised: ``object`` reads ``type:id``, the facts say what was found."""

    object: str
    facts: dict[str, Any] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        return {"object": self.object, "facts": {name: _plain(value) for name, value in self.facts.items()}}


Check = Callable[[Book], Iterable[Violation]]


@dataclass(frozen=True, slots=True)
class Invariant:
    """``guards`` are the constraints, indexes and triggers by which the database itself keeps the promise."""

    id: str
    statement: str
    check: Check
    tables: tuple[str, ...]
    guards: tuple[str, ...] = ()

    @property
    def order(self) -> int:
        return int(self.id.removeprefix("I-"))


INVARIANTS: dict[str, Invariant] = {}


def invariant(id: str, statement: str, *, tables: str, guards: str = "") -> Callable[[Check], Check]:
    """Enter a check under its number; a number belongs to one check."""

    def entering(check: Check) -> Check:
        if id in INVARIANTS:
            raise ValueError(f"{id} is checked twice")
        INVARIANTS[id] = Invariant(id, statement, check, tuple(tables.split()), tuple(guards.split()))
        return check

    return entering


def broken(sql: str, params: Any = None) -> Iterator[Violation]:
    """What a statement finds: its column ``object`` names the thing, all others are facts."""
    for row in stream(sql, params):
        yield Violation(row.pop("object"), row)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, int | str | bool | list | dict | None) else str(value)
