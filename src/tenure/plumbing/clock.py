"""The one place that reads a clock.

It decides what time it is: the machine's, or in a demonstration the instant at which the demonstration
stands. It must never move by itself in a demonstration, and never move at all outside one. Everything
else receives ``now`` as a parameter. Read next: ``plumbing/jobs.py``, which walks time forward.
"""

from datetime import UTC, datetime, timedelta

from django.conf import settings

from tenure.kernel.refusals import Refusal
from tenure.plumbing.models import DemoClock


def machine() -> datetime:
    """The machine's own time, for leases and sign-ins."""
    return datetime.now(UTC)


def now() -> datetime:
    """The instant that counts for the programme, in UTC."""
    if settings.TENURE_DEMO:
        row = DemoClock.objects.order_by("pk").first()
        if row:
            return row.instant
    return machine()


def put(instant: datetime) -> datetime:
    """Set the demonstration clock. Refused outside a demonstration, and backwards by more than two days."""
    if not settings.TENURE_DEMO:
        raise Refusal("clock.no_demo")
    row = DemoClock.objects.order_by("pk").first() or DemoClock()
    if row.pk and instant < row.instant - timedelta(hours=48):
        raise Refusal("clock.backwards_too_far", now=row.instant)
    row.instant = instant
    row.save()
    return instant
