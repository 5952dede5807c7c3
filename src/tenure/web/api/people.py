"""The company's people and invitations, and what a key says of itself.

That a company keeps an administrator is decided by the verbs. Read next: ``people/actions.py``.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Body as FromBody
from ninja import Query
from pydantic import Field

from tenure.people import actions as people
from tenure.people import queries as known
from tenure.web.api.listing import Page, newest_first, paged
from tenure.web.api.operations import operation
from tenure.web.api.shapes import Body, Email, Flag, Id, Language, Name, Shape, instant
from tenure.web.shared.pages import owned

Roles = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=40)]],
    Field(min_length=1, max_length=20, description="Codes of the programme's roles.", examples=[["member"]]),
]


class UserShown(Shape):
    """A person's place in the company."""

    id: Id
    name: str
    email: str
    roles: list[str]
    since: datetime
    active: bool


class Users(Shape):
    items: list[UserShown]
    next: str | None


class UsersWanted(Page):
    active: Flag | None = None


class UserChanged(Body):
    """What becomes of a colleague."""

    roles: Roles
    active: bool = True


class InvitationWanted(Body):
    email: Email
    name: Name
    roles: Roles
    language: Language = "en"


class InvitationShown(Shape):
    id: Id
    email: str
    name: str
    roles: list[str]
    invited_at: datetime
    expires_at: datetime


class Invitations(Shape):
    items: list[InvitationShown]
    next: str | None


class KeyToldOf(Shape):
    """What the key that asks may do; its secret is never told."""

    name: str
    prefix: Annotated[str, Field(examples=["tnr_5f2a9c1e"])]
    side: Literal["partner", "office"]
    partner: Annotated[str | None, Field(description="The partner ID of the company it acts for.")]
    scopes: Annotated[list[str], Field(description="What was given to it.")]
    rights: Annotated[list[str], Field(description="What of it its maker may still do, so that it may.")]
    expires_at: datetime


@operation("GET", "/key", id="getKey", permission=None, answers=KeyToldOf)
def key(request: HttpRequest) -> dict:
    """Say what the key that asks is, and what it may do now."""
    asking, partner_id = request.bearer, request.bearer.partner_id
    rights = asking.actor.staff if partner_id is None else asking.actor.grants[partner_id]
    return {
        "name": asking.name,
        "prefix": asking.prefix,
        "side": "office" if partner_id is None else "partner",
        "partner": request.partner.number if partner_id else None,
        "scopes": sorted(asking.scopes),
        "rights": sorted(rights),
        "expires_at": instant(asking.expires_at),
    }


@operation("GET", "/users", id="listUsers", permission="people.view", answers=Users)
def users(request: HttpRequest, page: Query[UsersWanted]) -> dict:
    """List everybody who has or had a place in the company, the newest first."""
    rows = known.colleagues(request.bearer.partner_id)
    if page.active is not None:
        rows = rows.filter(ended_at__isnull=page.active)
    return paged(page, "users", newest_first(page, "users", rows), shown, lambda row: row.pk)


def _now(request: HttpRequest, id: int) -> dict:
    return shown(owned(request, known.colleague(id), "people.view"))


@operation("GET", "/users/{int:id}", id="getUser", permission="people.view", answers=UserShown)
def user(request: HttpRequest, id: int) -> dict:
    """Show a colleague."""
    return _now(request, id)


@operation(
    "PUT",
    "/users/{int:id}",
    id="changeUser",
    permission="people.change_roles",
    answers=UserShown,
    current=_now,
    must_match=True,
)
def change(request: HttpRequest, id: int, sent: FromBody[UserChanged]) -> dict:
    """Give a colleague other roles, or end or renew their place.

    The last administrator keeps theirs. ``If-Match`` says which state you saw, so that nobody's change is undone.
    """
    place = owned(request, known.colleague(id), "people.change_roles")
    if sent.active and place.ended_at is not None:
        place = people.reactivate(request.actor, place, now=request.now)
    if sorted(sent.roles) != sorted(place.roles):
        place = people.change_roles(request.actor, place, roles=list(dict.fromkeys(sent.roles)), now=request.now)
    if not sent.active and place.ended_at is None:
        people.deactivate(request.actor, place, now=request.now)
    return shown(known.colleague(id))


@operation("GET", "/invitations", id="listInvitations", permission="people.view", answers=Invitations)
def invitations(request: HttpRequest, page: Query[Page]) -> dict:
    """List the invitations nobody has used yet, the newest first."""
    rows = known.open_invitations(request.bearer.partner_id)
    return paged(page, "invitations", newest_first(page, "invitations", rows), invited, lambda row: row.pk)


@operation("POST", "/invitations", id="invite", permission="people.invite", answers=InvitationShown, status=201)
def invite(request: HttpRequest, sent: FromBody[InvitationWanted]) -> dict:
    """Invite a colleague by mail; the link works once and for fourteen days."""
    row = people.invite(
        request.actor,
        request.partner,
        email=sent.email,
        name=sent.name,
        roles=list(dict.fromkeys(sent.roles)),
        language=sent.language,
        now=request.now,
    )
    return invited(row)


@operation(
    "DELETE",
    "/invitations/{int:id}",
    id="withdrawInvitation",
    permission="people.withdraw_invitation",
    answers=None,
    status=204,
)
def withdraw(request: HttpRequest, id: int) -> None:
    """Take back an invitation nobody has used yet."""
    row = owned(request, known.invitation(id), "people.withdraw_invitation")
    people.withdraw_invitation(request.actor, row, now=request.now)


def shown(row: Any) -> dict[str, Any]:
    return {
        "id": row.pk,
        "name": row.user.name,
        "email": row.user.email,
        "roles": list(row.roles),
        "since": instant(row.since),
        "active": row.ended_at is None,
    }


def invited(row: Any) -> dict[str, Any]:
    return {
        "id": row.pk,
        "email": row.email,
        "name": row.name,
        "roles": list(row.roles),
        "invited_at": instant(row.invited_at),
        "expires_at": instant(row.expires_at),
    }
