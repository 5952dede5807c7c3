"""The feed of events: everything that has happened, in one order that nobody misses any by.

It decides nothing; which facts are told stands in ``webhooks/rules.py``. Read next: ``webhooks/feed.py``.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Query
from pydantic import BaseModel, ConfigDict, Field

from tenure.web.api.operations import operation
from tenure.web.api.shapes import Shape
from tenure.webhooks import feed
from tenure.webhooks.rules import INSIDE, TOLD, Told

PartnerEvent = Literal[tuple(TOLD)]  # type: ignore[valid-type]
OfficeEvent = Literal[tuple(sorted({*TOLD, *INSIDE}))]  # type: ignore[valid-type]
EventId = Annotated[str, Field(pattern=r"^evt_[0-9]{1,18}$", examples=["evt_120"])]


class EventTold(Shape):
    """Something that has happened; a webhook's body reads the same."""

    id: EventId
    type: Annotated[str, Field(examples=["orders.paid"])]
    version: int
    timestamp: datetime
    partner: Annotated[str | None, Field(description="The partner ID of the company it happened to.")]
    object: Annotated[str, Field(description="What it happened to.", examples=["order:12"])]
    number: Annotated[int, Field(description="Counts the events of the object from 1, without a gap.")]
    data: Annotated[dict[str, Any], Field(examples=[{"number": "O-2019-000012"}])]


class Events(Shape):
    items: list[EventTold]
    next: Annotated[str | None, Field(description="The last event's id, where there may be more.")]


class Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid")
    after: Annotated[EventId | None, Field(description="The newest event you have.")] = None
    limit: Annotated[int, Field(ge=1, le=feed.LIMIT, description="How many at most.")] = feed.LIMIT


class WantedByPartner(Wanted):
    type: PartnerEvent | None = None  # type: ignore[valid-type]


class WantedByOffice(Wanted):
    type: OfficeEvent | None = None  # type: ignore[valid-type]


@operation("GET", "/events", id="listEvents", permission="events.view", answers=Events)
def events(request: HttpRequest, page: Query[WantedByPartner]) -> dict:
    """List what has happened to the company, the oldest first; ask again after the last one for what is new."""
    return _page(request, page, request.bearer.partner_id)


@operation("GET", "/office/events", id="listAllEvents", permission="events.view", answers=Events, office=True)
def all_events(request: HttpRequest, page: Query[WantedByOffice]) -> dict:
    """List what has happened to all companies and in the office, the oldest first."""
    return _page(request, page, None)


def _page(request: HttpRequest, page: Any, partner_id: int | None) -> dict:
    feed.publish(request.now)
    types = [page.type] if page.type else []
    found = feed.read(partner_id, after=page.after or "", types=types, limit=page.limit)
    more = len(found) == page.limit
    return {"items": [_told(event) for event in found], "next": found[-1].key if more else None}


def _told(event: Told) -> dict[str, Any]:
    return event.body
