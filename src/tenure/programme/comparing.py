"""What one programme changes in another, piece by piece: the plan shown before a file is applied.

It decides which pieces of two programmes are the same piece. It must never say whether a change is wise.
Read next: ``cli/programme.py``, which prints it.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from typing import Any

from tenure.kernel.money import Money, say
from tenure.kernel.text import Text
from tenure.programme.rules import Programme

# What members of a list are known by; it stands in their path already.
_NAMES = ("code", "id", "offer", "country", "version")


@dataclass(frozen=True, slots=True)
class Change:
    """A piece that was added (``before`` is None), removed (``after`` is None) or written differently."""

    path: str
    before: str | None
    after: str | None


def changes(before: Programme, after: Programme) -> list[Change]:
    """Everything that differs, the version number aside."""
    old, new = dict(_pieces(before, "")), dict(_pieces(after, ""))
    paths = dict.fromkeys([*new, *old])
    return [Change(path, old.get(path), new.get(path)) for path in paths if old.get(path) != new.get(path)]


def rewrites(before: Programme, after: Programme, today: date) -> list[Change]:
    """The changes that would rewrite the past: a policy that has begun, an agreement somebody may have accepted.

    Memberships keep the policy they were bought under and orders the terms they accepted; both are known by
    their version, so a version may never say something else or disappear.
    """
    begun = {f"policies.{policy.version}" for policy in before.policies if policy.valid_from <= today}
    accepted = {f"agreements.{agreement.id}@{agreement.version}" for agreement in before.agreements}
    return [change for change in changes(before, after) if _owner(change.path) in begun | accepted]


def _owner(path: str) -> str:
    return ".".join(path.split(".")[:2])


def _pieces(value: Any, path: str, told: Collection[str] = ("version",)) -> Iterator[tuple[str, str]]:
    """Every leaf with its path; members of a list are known by their code, so that order is no change."""
    match value:
        case Text():
            yield path, f"{value.en} | {value.zh_hant}"
        case Money():
            yield path, say(value)
        case _ if is_dataclass(value):
            for field in fields(value):
                if field.name not in told:
                    yield from _pieces(getattr(value, field.name), f"{path}.{field.name}".lstrip("."), ())
        case dict():
            for key, below in value.items():
                yield from _pieces(below, f"{path}.{key}", ())
        case None | ():
            return
        case tuple() if is_dataclass(value[0]):
            for below in value:
                yield from _pieces(below, f"{path}.{_known_by(below)}", _NAMES)
        case tuple() | frozenset():
            yield path, ", ".join(map(str, sorted(value, key=str) if isinstance(value, frozenset) else value))
        case _:
            yield path, str(value)


def _known_by(member: Any) -> str:
    names = {field.name for field in fields(member)}
    if {"id", "version"} <= names:
        return f"{member.id}@{member.version}"
    return str(next(getattr(member, name) for name in ("code", "id", "country", "version") if name in names))
