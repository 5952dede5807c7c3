"""Reading endpoints, deliveries and what was sent."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Count, Max, Q, QuerySet
from django.db.models.functions import Greatest

from tenure.webhooks.models import Delivery, Endpoint, Sending
from tenure.webhooks.rules import Status

OPEN = (Status.ACTIVE, Status.PAUSED, Status.GONE, Status.FAILING)


def endpoints(partner_id: int | None) -> list[Endpoint]:
    """A company's endpoints, or the office's own, the newest first; removed ones are not shown."""
    return list(listed(partner_id).order_by("-pk"))


def listed(partner_id: int | None, *, everybody: bool = False) -> QuerySet[Endpoint]:
    """The endpoints of a company, or of everybody."""
    rows = Endpoint.objects.filter(status__in=OPEN).select_related("partner")
    return rows if everybody else rows.filter(partner_id=partner_id)


def get(id: int) -> Endpoint | None:
    """An endpoint, be it removed: what was sent to it can still be read."""
    return Endpoint.objects.filter(pk=id).select_related("partner").first()


def types(endpoint: Endpoint) -> list[str]:
    """Which events an endpoint has chosen."""
    return endpoint.selections.order_by("pk").last().types


def deliveries(endpoint: Endpoint, state: str = "") -> QuerySet[Delivery]:
    """What was owed to an endpoint, the newest first."""
    found = endpoint.deliveries.select_related("entry__event").order_by("-pk")
    return found.filter(state=state) if state else found


def delivery(id: int) -> Delivery | None:
    return Delivery.objects.select_related("endpoint", "entry__event").filter(pk=id).first()


def sendings(row: Delivery) -> list[Sending]:
    """Every try of a delivery, the newest first."""
    return list(row.sendings.order_by("-n"))


def counts(rows: Iterable[Endpoint]) -> dict[int, dict[str, int]]:
    """How many deliveries of each state an endpoint has."""
    found = Delivery.objects.filter(endpoint__in=list(rows)).values("endpoint", "state").annotate(n=Count("pk"))
    told: dict[int, dict[str, int]] = {}
    for row in found:
        told.setdefault(row["endpoint"], {})[row["state"]] = row["n"]
    return told


def secrets_end_at(endpoint: Endpoint, now: datetime) -> datetime | None:
    """Until when the secret before the newest signs as well."""
    return endpoint.secrets.filter(ends_at__gt=now).aggregate(last=Max("ends_at"))["last"]


def troubled() -> QuerySet[Endpoint]:
    """Endpoints of all companies that fail now or were shut by us, those of longest standing first."""
    bad = Q(status__in=(Status.GONE, Status.FAILING)) | Q(status=Status.ACTIVE, failing_since__isnull=False)
    return Endpoint.objects.filter(bad).select_related("partner").order_by("failing_since", "pk")


def anything_due(now: datetime) -> bool:
    """Whether something waits to be sent."""
    rested = Q(endpoint__resting_until=None) | Q(endpoint__resting_until__lte=now)
    return Delivery.objects.filter(rested, state="due", due_at__lte=now, endpoint__status=Status.ACTIVE).exists()


def next_due_at(now: datetime) -> datetime | None:
    """The next instant after now at which something is to be sent again."""
    due = Delivery.objects.filter(state="due", endpoint__status=Status.ACTIVE)
    told = due.annotate(at=Greatest("due_at", "endpoint__resting_until")).filter(at__gt=now).order_by("at")
    return told.values_list("at", flat=True).first()
