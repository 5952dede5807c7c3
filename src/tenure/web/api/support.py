"""Support requests: asking for help, cancelling a subscription, following the thread.

A request of the type that cancels turns auto-renew off at once and is decided by staff. It must never show a note that
is for staff only. Read next: ``support/actions.py``.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Body as FromBody
from ninja import Query
from pydantic import Field

from tenure.kernel.refusals import Refusal
from tenure.memberships.queries import get as subscription_by_id
from tenure.support import actions as support
from tenure.support import queries as requests
from tenure.web.api.listing import Page, newest_first, paged
from tenure.web.api.operations import operation
from tenure.web.api.shapes import IN_DIGITS, Body, Id, Line, Paragraphs, Shape, instant
from tenure.web.shared.pages import owned

Status = Literal["open", "attention_needed", "closed"]
Outcome = Literal["", "refunded", "do_not_renew", "tax_refunded", "answered"]
ProblemType = Annotated[
    str, Field(min_length=1, max_length=60, description="A code of the programme.", examples=["tax"])
]


class RequestWanted(Body):
    """What a request begins with."""

    problem_type: ProblemType
    subject: Line
    description: Paragraphs
    subscription: Annotated[Id | None, Field(description="What it is about; a cancellation needs it.")] = None


class NoteWanted(Body):
    text: Paragraphs


class NoteShown(Shape):
    """One entry of the thread."""

    text: str
    by_staff: bool
    author: str
    at: datetime


class RequestShown(Shape):
    number: Annotated[str, Field(examples=["SR-2019-0001"])]
    problem_type: str
    subject: str
    subscription: Id | None
    action: Literal["", "cancel", "refund", "exemption"]
    status: Status
    outcome: Outcome
    opened_at: datetime
    moved_at: datetime
    closed_at: datetime | None


class RequestWhole(RequestShown):
    notes: list[NoteShown]


class Requests(Shape):
    items: list[RequestShown]
    next: str | None


class RequestsWanted(Page):
    status: Status | None = None
    subscription: Annotated[int, Field(ge=1), IN_DIGITS] | None = None


@operation("GET", "/support-requests", id="listSupportRequests", permission="support.view", answers=Requests)
def listed(request: HttpRequest, page: Query[RequestsWanted]) -> dict:
    """List the support requests that the key's maker may see, the newest first."""
    rows = requests.listed(request.actor, request.bearer.partner_id)
    given = {"status": page.status, "subscription_id": page.subscription}
    rows = rows.filter(**{name: value for name, value in given.items() if value is not None})
    return paged(page, "support", newest_first(page, "support", rows), shown, lambda row: row.pk)


@operation(
    "POST",
    "/support-requests",
    id="openSupportRequest",
    permission="support.open_request",
    answers=RequestWhole,
    status=201,
)
def opened(request: HttpRequest, sent: FromBody[RequestWanted]) -> dict:
    """Open a support request. One that cancels a subscription turns its auto-renew off at once."""
    subscription = None
    if sent.subscription is not None:
        subscription = owned(request, subscription_by_id(sent.subscription), "support.open_request")
    row = support.open_request(
        request.actor,
        request.partner,
        problem_type=sent.problem_type,
        subject=sent.subject,
        description=sent.description,
        subscription=subscription,
        now=request.now,
    )
    return whole(row)


def _one(request: HttpRequest, number: str, permission: str = "support.view") -> Any:
    row = owned(request, requests.get(number), permission)
    if not requests.visible_to(request.actor).filter(pk=row.pk).exists():
        raise Refusal("access.forbidden", permission="support.view_all", partner_id=row.partner_id)
    return row


@operation("GET", "/support-requests/{number}", id="getSupportRequest", permission="support.view", answers=RequestWhole)
def one(request: HttpRequest, number: str) -> dict:
    """Show a support request with its thread."""
    return whole(_one(request, number))


@operation(
    "POST",
    "/support-requests/{number}/notes",
    id="replyToSupportRequest",
    permission="support.reply",
    answers=RequestWhole,
    status=201,
    current=lambda request, number: whole(_one(request, number)),
)
def replied(request: HttpRequest, number: str, sent: FromBody[NoteWanted]) -> dict:
    """Write into a request's thread; a closed one opens again."""
    row = _one(request, number, "support.reply")
    support.reply(request.actor, row, text=sent.text, now=request.now)
    return whole(requests.get(number))


def shown(row: Any) -> dict[str, Any]:
    return {
        "number": row.number,
        "problem_type": row.problem_type,
        "subject": row.subject,
        "subscription": row.subscription_id,
        "action": row.action,
        "status": row.status,
        "outcome": row.outcome,
        "opened_at": instant(row.opened_at),
        "moved_at": instant(row.moved_at),
        "closed_at": instant(row.closed_at),
    }


def whole(row: Any, *, staff: bool = False) -> dict[str, Any]:
    thread = requests.thread(row, staff=staff)
    return shown(row) | {"notes": [_note(note, staff) for note in thread]}


def _note(note: Any, staff: bool) -> dict[str, Any]:
    told = {
        "text": note.text,
        "by_staff": note.by_staff,
        "author": note.author.name if note.author else "",
        "at": instant(note.at),
    }
    return told | {"internal": note.internal} if staff else told
