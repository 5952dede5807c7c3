"""What every event is: frozen, about one subject, perhaps one partner's, under a name that the outside may rely on.

It must never know a single event; ``events.py`` lists them all. Read next: ``events.py``.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar, dataclass_transform


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    name: ClassVar[str] = ""
    partner_id: int | None = None
    subject: str

    @property
    def payload(self) -> dict[str, Any]:
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("partner_id", "subject")}


BY_NAME: dict[str, type[Event]] = {}


@dataclass_transform(frozen_default=True, kw_only_default=True)
def event(name: str) -> Callable[[type], Any]:
    """Make a class an event and enter it under its wire name."""

    def named(cls: type) -> Any:
        made: Any = dataclass(frozen=True, slots=True, kw_only=True)(cls)
        made.name = name
        BY_NAME[name] = made
        return made

    return named
