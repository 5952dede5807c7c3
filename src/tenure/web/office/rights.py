"""What the person at the desk may do, and who can when they may not: a button is open or names its holders.

It must never decide: ``kernel.access`` does, and the verb asks again. Read next: ``web/shared/pages.py``.
"""

from dataclasses import dataclass

from django.http import HttpRequest

from tenure.kernel.access import may
from tenure.people.queries import staff_with


@dataclass(frozen=True, slots=True)
class Right:
    """Whether the person may, and the names of those who can."""

    allowed: bool
    helpers: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.allowed


def right(request: HttpRequest, permission: str) -> Right:
    """The person's right to one permission; colleagues are looked up only when it is missing."""
    if may(request.actor, permission):
        return Right(True)
    return Right(False, tuple(person.name for person in staff_with(permission, request.programme)))


def rights(request: HttpRequest, **permissions: str) -> dict[str, Right]:
    """Several rights under the names a template uses for them."""
    return {name: right(request, permission) for name, permission in permissions.items()}
