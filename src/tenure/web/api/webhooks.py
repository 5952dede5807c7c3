"""Webhook endpoints of a company, and with a staff key the office's own and everybody's that need help.

A secret is told once, when it is made: ``PUT …/secret`` makes one and is never answered from what was kept. It decides
nothing. Read next: ``webhooks/actions.py``.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Body as FromBody
from ninja import Query
from pydantic import Field

from tenure.web.api.listing import Page, newest_first, paged
from tenure.web.api.operations import operation
from tenure.web.api.shapes import BLANK, Body, Id, Shape, instant
from tenure.web.shared.pages import found, owned
from tenure.webhooks import actions as webhooks
from tenure.webhooks import queries as known
from tenure.webhooks.rules import ALL, TOLD, names

GROUPS = sorted({f"{name.split('.')[0]}.*" for name in TOLD})
Chosen = Literal[(ALL, *GROUPS, *names())]  # type: ignore[valid-type]
Types = Annotated[list[Chosen], Field(min_length=1, max_length=100, examples=[["orders.*", "memberships.term_opened"]])]  # type: ignore[valid-type]
URL = r"^https://[A-Za-z0-9.-]+\.[A-Za-z]{2,}(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?(\?[A-Za-z0-9._~=&-]*)?$"
Url = Annotated[str, Field(max_length=500, pattern=URL, examples=["https://hooks.contoso.example/tenure"])]


class EndpointWanted(Body):
    url: Url
    types: Types
    name: Annotated[str, Field(max_length=120, pattern=BLANK)] = ""


class EndpointShown(Shape):
    """An address that is told of events. Its secret is never shown again."""

    id: Id
    partner: Annotated[str | None, Field(description="The partner ID; none where it is the office's own.")]
    url: str
    name: str
    types: list[str]
    status: Literal["active", "paused", "gone", "failing", "removed"]
    failing_since: datetime | None
    added_at: datetime


class Endpoints(Shape):
    items: list[EndpointShown]
    next: str | None


class EndpointsWanted(Page):
    status: Literal["active", "paused", "gone", "failing"] | None = None


class SecretShown(Shape):
    """The new secret, told this once. The one before signs beside it until ``previous_ends_at``."""

    secret: Annotated[str, Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])]
    previous_ends_at: datetime | None


class ResumeWanted(Body):
    catch_up: Annotated[bool, Field(description="Send what it missed while it was shut.")] = False


class ReplayWanted(Body):
    """Either some deliveries, or everything that failed since an instant."""

    deliveries: Annotated[list[Id], Field(min_length=1, max_length=100)]


class ReplayFailedWanted(Body):
    since: Annotated[
        str, Field(pattern=r"^20\d\d-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$")
    ]


class Replayed(Shape):
    deliveries: Annotated[int, Field(description="How many are sent again, under the ids they had.")]


class DeliveryShown(Shape):
    id: Id
    event: Annotated[str, Field(examples=["evt_120"])]
    type: str
    state: Literal["due", "delivered", "failed"]
    tries: int
    due_at: datetime | None
    last_at: datetime | None
    answer: Annotated[int | None, Field(description="The status that the receiver answered last.")]
    fault: Annotated[str, Field(description="Why it has not arrived.", examples=["slow"])]


class Deliveries(Shape):
    items: list[DeliveryShown]
    next: str | None


class DeliveriesWanted(Page):
    state: Literal["due", "delivered", "failed"] | None = None


def shown(row: Any) -> dict[str, Any]:
    return {
        "id": row.pk,
        "partner": row.partner.number if row.partner_id else None,
        "url": row.url,
        "name": row.name,
        "types": known.types(row),
        "status": row.status,
        "failing_since": instant(row.failing_since),
        "added_at": instant(row.added_at),
    }


def _delivery(row: Any) -> dict[str, Any]:
    return {
        "id": row.pk,
        "event": f"evt_{row.entry_id}",
        "type": row.entry.name,
        "state": row.state,
        "tries": row.tries,
        "due_at": instant(row.due_at) if row.state == "due" else None,
        "last_at": instant(row.last_at),
        "answer": row.answer,
        "fault": row.fault,
    }


def _declare(place: str, of: str, *, office: bool) -> None:
    """The same operations for a company's endpoints and, in the office, for everybody's."""

    def one(request: HttpRequest, id: int, right: str) -> Any:
        return found(known.get(id)) if office else owned(request, known.get(id), right)

    def company(request: HttpRequest) -> Any:
        return None if office else request.partner

    def now(request: HttpRequest, id: int) -> dict:
        return shown(one(request, id, "webhooks.view"))

    def declared(method: str, path: str, name: str, right: str, answers: Any, status: int = 200, **more: Any) -> Any:
        full, named = f"{place}{path}", f"webhooks.{right}"
        return operation(
            method, full, id=name.format(of), permission=named, answers=answers, status=status, office=office, **more
        )

    @declared("GET", "", "list{}WebhookEndpoints", "view", Endpoints)
    def listed(request: HttpRequest, page: Query[EndpointsWanted]) -> dict:
        """List the addresses that are told of events, the newest first."""
        rows = known.listed(None if office else request.bearer.partner_id, everybody=office)
        rows = rows.filter(status=page.status) if page.status else rows
        return paged(page, f"{of}webhooks", newest_first(page, f"{of}webhooks", rows), shown, lambda row: row.pk)

    @declared("POST", "", "add{}WebhookEndpoint", "add_endpoint", EndpointShown, 201)
    def add(request: HttpRequest, sent: FromBody[EndpointWanted]) -> dict:
        """Tell an address of events from now on. Then make its secret."""
        given = {"url": sent.url, "name": sent.name, "types": list(sent.types), "now": request.now}
        return shown(webhooks.add_endpoint(request.actor, company(request), **given).endpoint)

    @declared("GET", "/{int:id}", "get{}WebhookEndpoint", "view", EndpointShown)
    def get(request: HttpRequest, id: int) -> dict:
        """Show an address and how it stands."""
        return now(request, id)

    @declared("PUT", "/{int:id}", "change{}WebhookEndpoint", "change_endpoint", EndpointShown, current=now)
    def change(request: HttpRequest, id: int, sent: FromBody[EndpointWanted]) -> dict:
        """Change the address, its name or the choice of events; the choice holds from now on."""
        row = one(request, id, "webhooks.change_endpoint")
        given = {"url": sent.url, "name": sent.name, "types": list(sent.types), "now": request.now}
        return shown(webhooks.change_endpoint(request.actor, row, **given))

    @declared("DELETE", "/{int:id}", "remove{}WebhookEndpoint", "remove_endpoint", None, 204)
    def remove(request: HttpRequest, id: int) -> None:
        """Tell an address nothing any more."""
        webhooks.remove_endpoint(request.actor, one(request, id, "webhooks.remove_endpoint"), now=request.now)

    @declared("PUT", "/{int:id}/secret", "renew{}WebhookSecret", "rotate_secret", SecretShown)
    def secret(request: HttpRequest, id: int) -> dict:
        """Make a new secret, told this once; the one before signs beside it for a day."""
        made = webhooks.rotate_secret(request.actor, one(request, id, "webhooks.rotate_secret"), now=request.now)
        ends = known.secrets_end_at(made.endpoint, request.now)
        return {"secret": made.secret, "previous_ends_at": instant(ends)}

    @declared("POST", "/{int:id}/pause", "pause{}WebhookEndpoint", "pause_endpoint", EndpointShown)
    def pause(request: HttpRequest, id: int) -> dict:
        """Send nothing for a while; what happens meanwhile waits."""
        return shown(
            webhooks.pause_endpoint(request.actor, one(request, id, "webhooks.pause_endpoint"), now=request.now)
        )

    @declared("POST", "/{int:id}/resume", "resume{}WebhookEndpoint", "resume_endpoint", EndpointShown)
    def resume(request: HttpRequest, id: int, sent: FromBody[ResumeWanted]) -> dict:
        """Send again. An address that was shut starts anew, or catches up with what it missed."""
        row = one(request, id, "webhooks.resume_endpoint")
        return shown(webhooks.resume_endpoint(request.actor, row, catch_up=sent.catch_up, now=request.now))

    @declared("POST", "/{int:id}/test", "test{}WebhookEndpoint", "send_test", EndpointShown)
    def test(request: HttpRequest, id: int) -> dict:
        """Send an event that is only for this address."""
        row = one(request, id, "webhooks.send_test")
        webhooks.send_test(request.actor, row, now=request.now)
        return shown(row)

    @declared("GET", "/{int:id}/deliveries", "list{}WebhookDeliveries", "view", Deliveries)
    def deliveries(request: HttpRequest, id: int, page: Query[DeliveriesWanted]) -> dict:
        """List what was owed to an address and what became of it, the newest first."""
        rows, name = known.deliveries(one(request, id, "webhooks.view"), page.state or ""), f"{of}deliveries:{id}"
        return paged(page, name, newest_first(page, name, rows), _delivery, lambda row: row.pk)

    @declared("POST", "/{int:id}/replay", "replay{}WebhookDeliveries", "replay", Replayed)
    def replay(request: HttpRequest, id: int, sent: FromBody[ReplayWanted]) -> dict:
        """Send some deliveries again, under the ids they had."""
        row = one(request, id, "webhooks.replay")
        return {"deliveries": webhooks.replay(request.actor, row, deliveries=list(sent.deliveries), now=request.now)}

    @declared("POST", "/{int:id}/replay-failed", "replayFailed{}WebhookDeliveries", "replay_failed", Replayed)
    def replay_failed(request: HttpRequest, id: int, sent: FromBody[ReplayFailedWanted]) -> dict:
        """Send again everything that failed since an instant, under the ids it had."""
        row, since = one(request, id, "webhooks.replay_failed"), datetime.fromisoformat(sent.since)
        return {"deliveries": webhooks.replay_failed(request.actor, row, since=since, now=request.now)}


_declare("/webhook-endpoints", "", office=False)
_declare("/office/webhook-endpoints", "Any", office=True)
