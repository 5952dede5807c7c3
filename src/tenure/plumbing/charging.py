"""Whether cards may be charged from here, and if not, why: the one place that says it.

Four things stop it: a database that was restored or copied and not released, a person's switch, the hourly bound, and
a clock that is wrong by more than ten minutes. While it is stopped nothing new is charged; what was begun is asked
about and settled, and only an unreleased installation gives no money back either. It must never end an order.
Read next: ``payments/actions.py``, ``gateway``, which asks before each call that moves money;
docs/operations/stop-charging.md.
"""

from dataclasses import dataclass
from datetime import datetime

from tenure import events
from tenure.kernel.access import Actor, Side, declare
from tenure.kernel.refusals import Invalid, Refusal
from tenure.plumbing import offset
from tenure.plumbing.db import inside, verb
from tenure.plumbing.instance import REASON_LIMIT, count_move, released
from tenure.plumbing.models import ChargingStop, Instance
from tenure.plumbing.outbox import close_task, open_task, record

HAND, BOUND, UNRELEASED, CLOCK = "hand", "bound", "unreleased", "clock"
TASK = ("charging", "charging")
GIVES_BACK = "refund"
COUNTED = ("prepare", "open_page", "refund")

declare("charging.view", Side.STAFF, says="See whether cards are charged, and why not.")


@dataclass(frozen=True, slots=True)
class Standstill:
    """Why no card is charged: ``hand``, ``bound``, ``unreleased`` or ``clock``, with who said so and since when."""

    cause: str
    reason: str = ""
    since: datetime | None = None
    by: str = ""


def why_not() -> Standstill | None:
    """Why no card may be charged now; nothing when it may."""
    if not released():
        return Standstill(UNRELEASED)
    if stop := open_stop():
        return Standstill(stop.cause, stop.reason, stop.stopped_at, stop.stopped_by)
    if offset.too_far(offset.wrong()):
        return Standstill(CLOCK)
    return None


def open_stop() -> ChargingStop | None:
    return ChargingStop.objects.filter(started_at=None).first()


def last_started() -> datetime | None:
    """When charging last went on after a stop."""
    return ChargingStop.objects.order_by("-pk").values_list("started_at", flat=True).first()


def stops() -> list[ChargingStop]:
    """The times that charging was stopped, the newest first."""
    return list(ChargingStop.objects.order_by("-pk")[:50])


def require(move: str = "prepare") -> None:
    """Refuse a call that moves money while it may not be; the name is the gateway's own (``gateways/base.py``)."""
    if move == GIVES_BACK:
        may_speak_for_us()
    elif why_not():
        raise Refusal("charging.stopped")
    if move in COUNTED:
        count_move()


def may_speak_for_us() -> None:
    """Refuse what would take something away from another installation: a copy knows the same cards."""
    if not released():
        raise Refusal("charging.unreleased")


# VERBS


@verb(Side.STAFF, name="charging.stop")
def stop(actor: Actor, subject: None, *, reason: str, now: datetime) -> bool:
    """Stop charging cards from now on. Whether it had not been stopped before."""
    return halt(actor, HAND, _given(reason), now)


@verb(Side.STAFF, name="charging.start")
def start(actor: Actor, subject: None, *, reason: str, now: datetime) -> bool:
    """Let cards be charged again after a stop. Whether it had been stopped."""
    reason = _given(reason)
    row = ChargingStop.objects.select_for_update().filter(started_at=None).first()
    if row is None:
        return False
    row.started_at, row.started_by, row.started_reason = now, actor.label, reason
    row.save()
    close_task(*TASK, actor, now)
    record(actor, "charging.start", now, events.ChargingStarted(subject="charging", reason=reason))
    return True


def _given(reason: str) -> str:
    reason = reason.strip()
    if not reason or len(reason) > REASON_LIMIT:
        raise Invalid({"reason": "text.missing" if not reason else "text.too_long"})
    return reason


# STEPS


def halt(actor: Actor, cause: str, reason: str, now: datetime) -> bool:
    """Write a stop down, unless one stands already; whether it is new."""
    inside("stopping charging")
    given = {"cause": cause, "reason": reason, "stopped_at": now, "stopped_by": actor.label}
    # Two who stop it at once come one after the other.
    Instance.objects.select_for_update().order_by("pk").first()
    if ChargingStop.objects.filter(started_at=None).exists():
        return False
    ChargingStop.objects.create(**given)
    record(actor, "charging.stop", now, events.ChargingStopped(subject="charging", cause=cause, reason=reason))
    return True


def renewals_wait(now: datetime) -> None:
    """Tell a person once that automatic renewals wait."""
    open_task(*TASK, None, "charging.renewals_wait", now)
