"""The office's partners and verifications, for programs of the operator.

It must never decide a standing or a check; the verbs do. Read next: ``enrolment/actions.py``.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Body as FromBody
from ninja import Query
from pydantic import Field

from tenure.competencies import actions as competencies
from tenure.enrolment import actions as enrolment
from tenure.enrolment.queries import check as check_by_id
from tenure.enrolment.queries import waiting
from tenure.partners import actions as partners
from tenure.partners.queries import find, of_standing, search
from tenure.partners.rules import Standing
from tenure.web.api.listing import Page, newest_first, paged
from tenure.web.api.operations import operation
from tenure.web.api.shapes import BLANK, Body, Day, Id, Line, Shape, day, instant
from tenure.web.shared.pages import found

StandingName = Literal["pending", "authorised", "rejected", "suspended", "closed"]
Reason = Annotated[Line, Field(max_length=200, examples=["Fees of two years are open"])]


class PartnerShown(Shape):
    """A partner company."""

    id: Id
    number: Annotated[str, Field(description="The partner ID.", examples=["1234566"])]
    legal_name: str
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")]
    standing: StandingName
    managed_in: Literal["here", "legacy"]
    contact_name: str
    contact_email: str
    language: str
    created_at: datetime


class Partners(Shape):
    items: list[PartnerShown]
    next: str | None


class PartnersWanted(Page):
    standing: StandingName | None = None
    text: Annotated[
        str | None, Field(max_length=100, pattern=BLANK, description="In the name, the ID or the address.")
    ] = None


class SuspensionWanted(Body):
    reason: Reason


class ExemptionWanted(Body):
    certificate: Annotated[Line, Field(max_length=80)]
    valid_from: Day
    valid_to: Day


class ExemptionShown(Shape):
    certificate: str
    valid_from: date
    valid_to: date


class EvidenceWanted(Body):
    """A company's figure for one criterion of an offer."""

    offer: Annotated[str, Field(min_length=1, max_length=60)]
    criterion: Annotated[str, Field(min_length=1, max_length=60)]
    value: Annotated[int, Field(ge=0, le=1_000_000_000)]
    as_of: Day
    note: Annotated[str, Field(max_length=300, pattern=BLANK)] = ""


class EvidenceShown(Shape):
    offer: str
    criterion: str
    value: int
    as_of: date


class VerificationShown(Shape):
    """One check of a company: its address, its business, or that somebody works for it."""

    id: Id
    partner: Id
    partner_number: str
    kind: Literal["email", "employment", "business"]
    state: Literal["pending", "passed", "rejected"]
    reason: str
    appeal: str
    opened_at: datetime
    decided_at: datetime | None


class Verifications(Shape):
    items: list[VerificationShown]
    next: str | None


class DecisionWanted(Body):
    passed: bool
    reason: Annotated[
        str, Field(max_length=500, pattern=BLANK, description="Told to the partner; a rejection needs one.")
    ] = ""


@operation("GET", "/office/partners", id="listPartners", permission="partners.view", answers=Partners, office=True)
def partners_listed(request: HttpRequest, page: Query[PartnersWanted]) -> dict:
    """List partners, the newest first."""
    rows = search(request.actor, page.text or "")
    if page.standing is not None:
        rows = of_standing(rows, Standing(page.standing))
    return paged(page, "partners", newest_first(page, "partners", rows), shown, lambda row: row.pk)


def _now(request: HttpRequest, id: int) -> dict:
    return shown(found(find(id)))


@operation(
    "GET", "/office/partners/{int:id}", id="getPartner", permission="partners.view", answers=PartnerShown, office=True
)
def partner(request: HttpRequest, id: int) -> dict:
    """Show a partner."""
    return _now(request, id)


@operation(
    "POST",
    "/office/partners/{int:id}/suspension",
    id="suspendPartner",
    permission="partners.suspend",
    answers=PartnerShown,
    office=True,
    current=_now,
)
def suspend(request: HttpRequest, id: int, sent: FromBody[SuspensionWanted]) -> dict:
    """Suspend a partner: what it holds goes on, it can't buy or renew."""
    partners.suspend(request.actor, found(find(id)), reason=sent.reason, now=request.now)
    return _now(request, id)


@operation(
    "DELETE",
    "/office/partners/{int:id}/suspension",
    id="reinstatePartner",
    permission="partners.reinstate",
    answers=PartnerShown,
    office=True,
    current=_now,
)
def reinstate(request: HttpRequest, id: int) -> dict:
    """Lift a suspension."""
    partners.reinstate(request.actor, found(find(id)), now=request.now)
    return _now(request, id)


@operation(
    "POST",
    "/office/partners/{int:id}/move-invitation",
    id="invitePartnerHere",
    permission="partners.invite_from_old_portal",
    answers=PartnerShown,
    office=True,
    current=_now,
)
def invite_here(request: HttpRequest, id: int) -> dict:
    """Invite a partner managed in the old portal to move here."""
    partners.invite_from_old_portal(request.actor, found(find(id)), now=request.now)
    return _now(request, id)


@operation(
    "POST",
    "/office/partners/{int:id}/exemptions",
    id="grantExemption",
    permission="partners.grant_exemption",
    answers=ExemptionShown,
    status=201,
    office=True,
)
def exempt(request: HttpRequest, id: int, sent: FromBody[ExemptionWanted]) -> dict:
    """Record a certificate: orders placed between its days carry no tax."""
    days = {"valid_from": sent.valid_from, "valid_to": sent.valid_to}
    partners.grant_exemption(request.actor, found(find(id)), certificate=sent.certificate, **days, now=request.now)
    return {"certificate": sent.certificate, **days}


@operation(
    "POST",
    "/office/partners/{int:id}/evidence",
    id="recordEvidence",
    permission="competencies.record_evidence",
    answers=EvidenceShown,
    status=201,
    office=True,
)
def evidence(request: HttpRequest, id: int, sent: FromBody[EvidenceWanted]) -> dict:
    """Enter a company's figure for one criterion of a competency."""
    row = competencies.record_evidence(
        request.actor,
        found(find(id)),
        offer=sent.offer,
        criterion=sent.criterion,
        value=sent.value,
        as_of=sent.as_of,
        note=sent.note,
        now=request.now,
    )
    return {"offer": row.offer, "criterion": row.criterion, "value": row.value, "as_of": day(sent.as_of)}


@operation(
    "GET",
    "/office/verifications",
    id="listVerifications",
    permission="enrolment.decide",
    answers=Verifications,
    office=True,
)
def verifications(request: HttpRequest, page: Query[Page]) -> dict:
    """List the checks that wait for a decision, the newest first."""
    return paged(page, "verifications", newest_first(page, "verifications", waiting()), checked, lambda row: row.pk)


def _check_now(request: HttpRequest, id: int) -> dict:
    return checked(found(check_by_id(id)))


@operation(
    "GET",
    "/office/verifications/{int:id}",
    id="getVerification",
    permission="enrolment.decide",
    answers=VerificationShown,
    office=True,
)
def verification(request: HttpRequest, id: int) -> dict:
    """Show one check."""
    return _check_now(request, id)


@operation(
    "POST",
    "/office/verifications/{int:id}/decision",
    id="decideVerification",
    permission="enrolment.decide",
    answers=VerificationShown,
    office=True,
    current=_check_now,
)
def decide(request: HttpRequest, id: int, sent: FromBody[DecisionWanted]) -> dict:
    """Decide a check, once; a rejection says why."""
    enrolment.decide(request.actor, found(check_by_id(id)), passed=sent.passed, reason=sent.reason, now=request.now)
    return _check_now(request, id)


def shown(row: Any) -> dict[str, Any]:
    return {
        "id": row.pk,
        "number": row.number,
        "legal_name": row.legal_name,
        "country": row.country,
        "standing": str(row.standing),
        "managed_in": row.managed_in,
        "contact_name": row.contact_name,
        "contact_email": row.contact_email,
        "language": row.language,
        "created_at": instant(row.created_at),
    }


def checked(row: Any) -> dict[str, Any]:
    return {
        "id": row.pk,
        "partner": row.partner_id,
        "partner_number": row.partner.number,
        "kind": row.kind,
        "state": row.state,
        "reason": row.reason,
        "appeal": row.appeal,
        "opened_at": instant(row.opened_at),
        "decided_at": instant(row.decided_at),
    }
