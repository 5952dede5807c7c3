"""What happens at the doors: keys for programs, sign-in, addresses that are told of events. A part of ``events.py``.

Its names are read as ``events.KeyMade``, like all others. It must never hold a secret. Read next: ``events.py``.
"""

from tenure.kernel.happening import Event as _Event
from tenure.kernel.happening import event as _event


@_event("people.key_made")
class KeyMade(_Event):
    key: int
    prefix: str
    scopes: list[str]


@_event("people.key_rotated")
class KeyRotated(_Event):
    key: int
    replaced: int
    prefix: str


@_event("people.key_revoked")
class KeyRevoked(_Event):
    key: int
    prefix: str
