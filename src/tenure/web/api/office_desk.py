"""The office's desk: support requests of all partners, the decision about a cancellation, and its second yes.

It decides nothing: the rule does, and above the limit two people have to agree; a key is its maker, never a second
person. Read next: ``support/actions.py``.
"""

from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Body as FromBody
from ninja import Query
from pydantic import Field

from tenure.support import actions as support
from tenure.support import queries as requests
from tenure.web.api.listing import Page, newest_first, paged
from tenure.web.api.operations import operation
from tenure.web.api.shapes import BLANK, Body, Line, Paragraphs, Shape
from tenure.web.api.support import NoteShown, RequestShown, shown, whole
from tenure.web.shared.pages import found


class NoteOfStaff(NoteShown):
    internal: bool


class RequestOfPartner(RequestShown):
    partner: Annotated[str, Field(description="The partner ID.")]


class RequestAtDesk(RequestOfPartner):
    notes: list[NoteOfStaff]


class RequestsAtDesk(Shape):
    items: list[RequestOfPartner]
    next: str | None


class RequestsWanted(Page):
    status: Literal["open", "attention_needed", "closed"] | None = None
    partner: Annotated[str | None, Field(max_length=20, description="The partner ID.")] = None


class NoteOfStaffWanted(Body):
    text: Paragraphs
    internal: Annotated[bool, Field(description="For colleagues only.")] = False


class LastWordWanted(Body):
    text: Annotated[str, Field(max_length=5000, pattern=BLANK, description="The last word to the partner.")] = ""


class RefundDecisionWanted(Body):
    """Give the money back, by the rule or against it with a reason; or let the subscription run out."""

    refund: bool
    override: bool = False
    reason: Annotated[Line | None, Field(description="Against the rule it needs one.")] = None


@operation(
    "GET",
    "/office/support-requests",
    id="listAllSupportRequests",
    permission="support.view",
    answers=RequestsAtDesk,
    office=True,
)
def listed(request: HttpRequest, page: Query[RequestsWanted]) -> dict:
    """List the support requests of all partners, the newest first."""
    rows = requests.visible_to(request.actor).select_related("partner")
    given = {"status": page.status, "partner__number": page.partner}
    rows = rows.filter(**{name: value for name, value in given.items() if value is not None})
    return paged(page, "desk", newest_first(page, "desk", rows), _shown, lambda row: row.pk)


def _now(request: HttpRequest, number: str) -> dict:
    return _whole(found(requests.get(number)))


@operation(
    "GET",
    "/office/support-requests/{number}",
    id="getSupportRequestAtDesk",
    permission="support.view",
    answers=RequestAtDesk,
    office=True,
)
def one(request: HttpRequest, number: str) -> dict:
    """Show a support request with its thread, notes for colleagues included."""
    return _now(request, number)


@operation(
    "POST",
    "/office/support-requests/{number}/notes",
    id="answerSupportRequest",
    permission="support.reply",
    answers=RequestAtDesk,
    status=201,
    office=True,
    current=_now,
)
def answer(request: HttpRequest, number: str, sent: FromBody[NoteOfStaffWanted]) -> dict:
    """Answer the partner, or leave a note for colleagues."""
    row = found(requests.get(number))
    support.reply(request.actor, row, text=sent.text, internal=sent.internal, now=request.now)
    return _now(request, number)


@operation(
    "POST",
    "/office/support-requests/{number}/close",
    id="closeSupportRequest",
    permission="support.close_request",
    answers=RequestAtDesk,
    office=True,
    current=_now,
)
def close(request: HttpRequest, number: str, sent: FromBody[LastWordWanted]) -> dict:
    """Close a request, with a last word or without."""
    support.close_request(request.actor, found(requests.get(number)), text=sent.text, now=request.now)
    return _now(request, number)


@operation(
    "POST",
    "/office/support-requests/{number}/decision",
    id="decideCancellation",
    permission="support.decide",
    answers=RequestAtDesk,
    office=True,
    money=True,
    current=_now,
)
def decide(request: HttpRequest, number: str, sent: FromBody[RefundDecisionWanted]) -> dict:
    """Decide a cancellation. Above the limit the first yes is kept, and another person's gives the money back."""
    row = found(requests.get(number))
    given = {"refund": sent.refund, "override": sent.override, "reason": sent.reason or ""}
    support.decide(request.actor, row, **given, now=request.now)
    return _now(request, number)


@operation(
    "POST",
    "/office/support-requests/{number}/approval",
    id="approveRefund",
    permission="support.approve_refund",
    answers=RequestAtDesk,
    office=True,
    money=True,
    current=_now,
)
def approve(request: HttpRequest, number: str) -> dict:
    """Give the second yes to a refund above the limit."""
    support.approve_refund(request.actor, found(requests.get(number)), now=request.now)
    return _now(request, number)


@operation(
    "POST",
    "/office/support-requests/{number}/tax-refund",
    id="refundTax",
    permission="support.refund_tax",
    answers=RequestAtDesk,
    office=True,
    money=True,
    current=_now,
)
def refund_tax(request: HttpRequest, number: str) -> dict:
    """Give back the tax of a payment made within the last year, for a partner exempted since."""
    support.refund_tax(request.actor, found(requests.get(number)), now=request.now)
    return _now(request, number)


def _shown(row) -> dict:
    return shown(row) | {"partner": row.partner.number}


def _whole(row) -> dict:
    return whole(row, staff=True) | {"partner": row.partner.number}
