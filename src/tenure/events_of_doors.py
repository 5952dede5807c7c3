"""What happens at the doors: keys for programs, sign-in, addresses that are told of events. A part of ``events.py``.

Its names are read as ``events.KeyMade``, like all others. It must never hold a secret. Read next: ``events.py``.
"""

from datetime import date

from tenure.kernel.happening import Event as _Event
from tenure.kernel.happening import event as _event
from tenure.kernel.money import Money


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


@_event("enrolment.evidence_handed_in")
class EvidenceHandedIn(_Event):
    kind: str


@_event("enrolment.recovery_moved")
class RecoveryMoved(_Event):
    """A company without admins on its way to a new one: started, agreed to, stopped, or done and somebody invited."""

    status: str


@_event("people.place_limited")
class PlaceLimited(_Event):
    """A place has a last day, another one, or none any more."""

    person: int
    before: date | None
    after: date | None


@_event("people.place_ending")
class PlaceEnding(_Event):
    person: int
    until_on: date


@_event("orders.approval_asked")
class OrderApprovalAsked(_Event):
    number: str


@_event("orders.approval_decided")
class OrderApprovalDecided(_Event):
    number: str
    approved: bool


@_event("partners.approval_limit_set")
class ApprovalLimitSet(_Event):
    """From which amount on the company's orders wait for an approver of its own; none: never."""

    above: Money | None


@_event("partners.location_added")
class LocationAdded(_Event):
    number: str


@_event("partners.location_changed")
class LocationChanged(_Event):
    number: str
    fields: list[str]


@_event("partners.location_removed")
class LocationRemoved(_Event):
    number: str


@_event("webhooks.endpoint_added")
class EndpointAdded(_Event):
    endpoint: int
    host: str
    types: list[str]


@_event("webhooks.endpoint_changed")
class EndpointChanged(_Event):
    """Another address, choice or standing; ``status`` is the standing since."""

    endpoint: int
    host: str
    types: list[str]
    status: str


@_event("webhooks.endpoint_disabled")
class EndpointDisabled(_Event):
    """Shut by us: it said that it is ``gone``, or kept ``failing`` for days."""

    endpoint: int
    host: str
    reason: str


@_event("webhooks.secret_rotated")
class SecretRotated(_Event):
    endpoint: int


@_event("webhooks.tested")
class EndpointTested(_Event):
    endpoint: int
