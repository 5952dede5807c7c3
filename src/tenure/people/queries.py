"""Reading people: who somebody is, what they may do, and who in a company can help."""

from types import MappingProxyType

from django.core import signing
from django.db.models import QuerySet

from tenure.kernel.access import Actor, holds
from tenure.people.models import Colleague, Invitation, Notice, User
from tenure.programme.rules import Programme

INVITATION = "people.invitation"


def actor_of(user: User, programme: Programme) -> Actor:
    """The person as an actor: permissions are the union of the roles held, read afresh at every request."""
    rights = {role.code: role.permissions for role in programme.roles}

    def union(codes: list[str]) -> frozenset[str]:
        return frozenset().union(*(rights.get(code, frozenset()) for code in codes))

    places = Colleague.objects.filter(user=user, ended_at=None).values_list("partner_id", "roles")
    grants = {partner_id: union(roles) for partner_id, roles in places}
    return Actor("person", user.pk, user.name, MappingProxyType(grants), union(user.staff_roles))


def person(email: str) -> User | None:
    return User.objects.filter(email__iexact=email.strip()).first()


def people_by_id(ids: list[int]) -> dict[int, User]:
    return User.objects.in_bulk(ids)


def colleagues(partner_id: int) -> QuerySet[Colleague]:
    return Colleague.objects.filter(partner_id=partner_id).select_related("user").order_by("ended_at", "user__name")


def open_invitations(partner_id: int) -> QuerySet[Invitation]:
    return Invitation.objects.filter(partner_id=partner_id, accepted_at=None, withdrawn_at=None).order_by("-id")


def holders(partner_id: int, permission: str, programme: Programme) -> list[User]:
    """The active colleagues who hold a permission: whom to write to, and who can help."""
    roles = [r.code for r in programme.roles if r.side == "partner" and holds(r.permissions, permission)]
    places = colleagues(partner_id).filter(ended_at=None, user__is_active=True, roles__overlap=roles)
    return [place.user for place in places]


def staff_with(permission: str, programme: Programme) -> list[User]:
    roles = [r.code for r in programme.roles if r.side == "staff" and holds(r.permissions, permission)]
    return list(User.objects.filter(is_active=True, staff_roles__overlap=roles).order_by("name"))


def invitation_by_id(id: int) -> Invitation:
    return Invitation.objects.select_related("invited_by").get(pk=id)


def invitation_token(invitation: Invitation) -> str:
    """The signed text that stands in the invitation's link."""
    return signing.dumps(invitation.pk, salt=INVITATION)


def invitation_of(token: str) -> Invitation | None:
    try:
        return Invitation.objects.filter(pk=signing.loads(token, salt=INVITATION)).first()
    except signing.BadSignature:
        return None


def notices(user: User) -> QuerySet[Notice]:
    return Notice.objects.filter(user=user).order_by("-id")
