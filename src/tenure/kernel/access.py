"""Who may do what: the actor, the table of permissions, and the one decision over both.

It decides whether an actor may use a permission for a partner company. Strangers learn nothing: another
company's object does not exist for them; a colleague without the right is told so (domain.md, decision 9).
It must never read a row or know a role's name: roles are data of the programme. Read next:
``plumbing/db.py`` for how a verb declares its permission.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from tenure.kernel.refusals import NotYours, Refusal

ALL = "*"


class Side(StrEnum):
    """Who a permission is meant for."""

    PARTNER = "partner"
    STAFF = "staff"
    BOTH = "both"
    SYSTEM = "system"
    ANYONE = "anyone"


@dataclass(frozen=True, slots=True)
class Permission:
    """A right by name: a verb's dotted name, or ``capability.view`` for reading."""

    name: str
    side: Side
    money: bool = False
    says: str = ""


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who asks: a person, a program with a person's key, or the system itself acting for the clock.

    ``grants`` maps a partner's id to the permissions held there; ``staff`` holds the office permissions. A key's
    ``id`` is the person who made it, and ``key`` says which.
    """

    kind: str
    id: int | None = None
    name: str = ""
    grants: Mapping[int, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    staff: frozenset[str] = frozenset()
    key: int | None = None
    second_factor: bool = False
    """Whether a role held asks for more than a password at the door."""

    @property
    def label(self) -> str:
        """How the actor stands in an event: ``person:12``, ``key:3`` or ``system``."""
        if self.key is not None:
            return f"key:{self.key}"
        return self.kind if self.id is None else f"{self.kind}:{self.id}"

    @property
    def behind(self) -> str:
        """Who answers for it where two people have to agree: a key is its maker, never a second person.

        >>> Actor("key", 12, key=3).label, Actor("key", 12, key=3).behind
        ('key:3', 'person:12')
        """
        return f"person:{self.id}" if self.key is not None else self.label

    @property
    def is_staff(self) -> bool:
        return bool(self.staff)


SYSTEM = Actor("system", name="Tenure")
NOBODY = Actor("nobody")

TABLE: dict[str, Permission] = {}


def declare(name: str, side: Side, *, money: bool = False, says: str = "") -> Permission:
    """Enter a permission into the one table; a name belongs to one place."""
    if name in TABLE:
        raise ValueError(f"permission {name} is declared twice")
    return TABLE.setdefault(name, Permission(name, side, money, says))


def holds(permissions: frozenset[str], name: str) -> bool:
    """Whether a set of permissions covers a name; ``*`` and ``capability.*`` cover many.

    >>> holds(frozenset({"offers.view"}), "offers.view"), holds(frozenset({"billing.*"}), "billing.view")
    (True, True)
    >>> holds(frozenset({"billing.*"}), "payments.view")
    False
    """
    return name in permissions or ALL in permissions or f"{name.split('.')[0]}.{ALL}" in permissions


def may(actor: Actor, name: str, partner_id: int | None = None) -> bool:
    """Whether the actor may use a permission, for one partner or for the programme as a whole."""
    try:
        decide(actor, name, partner_id)
    except Refusal:
        return False
    return True


def decide(actor: Actor, name: str, partner_id: int | None = None) -> None:
    """Let the actor pass or raise: ``NotYours`` to a stranger, ``access.forbidden`` to a colleague.

    >>> ming = Actor("person", 1, "Ming", {7: frozenset({"offers.view"})})
    >>> _ = TABLE.setdefault("offers.view", Permission("offers.view", Side.BOTH))
    >>> decide(ming, "offers.view", 7)
    >>> decide(ming, "offers.view", 8)
    Traceback (most recent call last):
    ...
    tenure.kernel.refusals.NotYours: access.not_found
    """
    permission = TABLE[name]
    if actor.kind == "system" or permission.side is Side.ANYONE:
        return
    if permission.side in (Side.STAFF, Side.BOTH) and holds(actor.staff, name):
        return
    if permission.side in (Side.PARTNER, Side.BOTH) and partner_id is not None and partner_id in actor.grants:
        if holds(actor.grants[partner_id], name):
            return
        raise Refusal("access.forbidden", permission=name, partner_id=partner_id)
    if actor.is_staff:
        raise Refusal("access.forbidden", permission=name)
    raise NotYours()
