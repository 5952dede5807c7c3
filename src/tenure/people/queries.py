"""Reading people: who somebody is, what they may do, and who in a company can help."""

from collections.abc import Iterable
from datetime import date, datetime
from types import MappingProxyType

from django.core import signing
from django.db.models import QuerySet

from tenure.kernel.access import Actor, holds
from tenure.kernel.periods import day_of, plus_days
from tenure.people.models import ApiKey, Colleague, Invitation, Notice, User
from tenure.people.rules import ENDING_DAYS
from tenure.plumbing import clock
from tenure.programme.rules import Programme

INVITATION = "people.invitation"


def actor_of(user: User, programme: Programme) -> Actor:
    """The person as an actor: permissions are the union of the roles held, read afresh at every request."""
    rights = {role.code: role.permissions for role in programme.roles}

    def union(codes: list[str]) -> frozenset[str]:
        return frozenset().union(*(rights.get(code, frozenset()) for code in codes))

    rows = Colleague.objects.filter(user=user, ended_at=None).values_list("partner_id", "roles", "until_on")
    places = [(partner_id, roles) for partner_id, roles, until in rows if until is None or not _past(until, programme)]
    grants = {partner_id: union(roles) for partner_id, roles in places}
    held = set(user.staff_roles).union(*(roles for _, roles in places))
    guarded = any(role.second_factor for role in programme.roles if role.code in held)
    return Actor("person", user.pk, user.name, MappingProxyType(grants), union(user.staff_roles), second_factor=guarded)


def _past(until: date, programme: Programme) -> bool:
    """Whether a place's last day is over, although nothing may have run since."""
    return day_of(clock.now(), programme.zone) > until


def person(email: str) -> User | None:
    return User.objects.filter(email__iexact=email.strip()).first()


def people_by_id(ids: list[int]) -> dict[int, User]:
    return User.objects.in_bulk(ids)


def colleagues(partner_id: int) -> QuerySet[Colleague]:
    return Colleague.objects.filter(partner_id=partner_id).select_related("user").order_by("ended_at", "user__name")


def colleague(id: int) -> Colleague | None:
    return Colleague.objects.select_related("user").filter(pk=id).first()


def last_admin(places: Iterable[Colleague], programme: Programme) -> int | None:
    """Of a company's places, the one that alone keeps it administered; ``None`` while there are several."""
    admin = {role.code for role in programme.roles if role.admin and role.side == "partner"}
    held = [
        place.pk for place in places if not place.ended_at and not place.until_on and admin.intersection(place.roles)
    ]
    return held[0] if len(held) == 1 else None


def open_invitations(partner_id: int) -> QuerySet[Invitation]:
    return Invitation.objects.filter(partner_id=partner_id, accepted_at=None, withdrawn_at=None).order_by("-id")


def holders(partner_id: int, permission: str, programme: Programme) -> list[User]:
    """The active colleagues who hold a permission: whom to write to, and who can help."""
    roles = [r.code for r in programme.roles if r.side == "partner" and holds(r.permissions, permission)]
    places = colleagues(partner_id).filter(ended_at=None, user__is_active=True, roles__overlap=roles)
    return [place.user for place in places]


def once_holders(partner_id: int, programme: Programme) -> list[User]:
    """Everybody who holds, or held when they left, a role that administers the company."""
    admin = [role.code for role in programme.roles if role.admin and role.side == "partner"]
    places = Colleague.objects.filter(partner_id=partner_id, roles__overlap=admin).select_related("user")
    return [place.user for place in places.order_by("pk")]


def staff_with(permission: str, programme: Programme) -> list[User]:
    roles = [r.code for r in programme.roles if r.side == "staff" and holds(r.permissions, permission)]
    return list(User.objects.filter(is_active=True, staff_roles__overlap=roles).order_by("name"))


def invitation_by_id(id: int) -> Invitation:
    return Invitation.objects.select_related("invited_by").get(pk=id)


def invitation(id: int) -> Invitation | None:
    return Invitation.objects.filter(pk=id).first()


def invitation_token(invitation: Invitation) -> str:
    """The signed text that stands in the invitation's link."""
    return signing.dumps(invitation.pk, salt=INVITATION)


def invitation_of(token: str) -> Invitation | None:
    try:
        return Invitation.objects.filter(pk=signing.loads(token, salt=INVITATION)).first()
    except signing.BadSignature:
        return None


def invitation_fault(invitation: Invitation, now: datetime) -> str:
    """Why an invitation can't be accepted any more, as a refusal code; empty while it can."""
    if invitation.accepted_at:
        return "people.invitation_used"
    if invitation.withdrawn_at:
        return "people.invitation_withdrawn"
    return "people.invitation_expired" if invitation.expires_at < now else ""


def notices(user: User) -> QuerySet[Notice]:
    return Notice.objects.filter(user=user).order_by("-id")


def names(labels: Iterable[str]) -> dict[str, str]:
    """The names behind actor labels (``person:12``, ``key:3``), as far as they are people's or their keys'."""
    labels = set(labels)
    ids = {label: int(label.split(":")[1]) for label in labels if label.startswith("person:")}
    people = people_by_id(list(set(ids.values())))
    keys = {int(label.split(":")[1]) for label in labels if label.startswith("key:")}
    made = ApiKey.objects.select_related("maker").in_bulk(keys) if keys else {}
    found = {label: people[id].name for label, id in ids.items() if id in people}
    return found | {f"key:{id}": f"{key.maker.name} ({key.name})" for id, key in made.items()}


def cast(companies: int) -> tuple[list[User], list[Colleague]]:
    """Whom a demonstration offers to sign in as: the staff, and the people of the first companies."""
    staff = list(User.objects.filter(is_active=True).exclude(staff_roles=[]).order_by("pk"))
    places = Colleague.objects.filter(ended_at=None, user__is_active=True)
    first = places.order_by("partner_id").values_list("partner_id", flat=True).distinct()[:companies]
    return staff, list(places.filter(partner_id__in=list(first)).select_related("user").order_by("partner_id", "pk"))


def places_for_a_time() -> QuerySet[Colleague]:
    """The places that end by themselves and have not ended yet."""
    return Colleague.objects.filter(ended_at=None, until_on__isnull=False).select_related("user").order_by("pk")


def next_day_of_places(day: date) -> date | None:
    """The next day after one on which somebody is told that their place ends, or it ends."""
    due: set[date] = set()
    for until, warned in places_for_a_time().values_list("until_on", "warned_at"):
        due.add(plus_days(until, 1))
        if warned is None:
            due.add(max(plus_days(until, -ENDING_DAYS), plus_days(day, 1)))
    return min((each for each in due if each > day), default=None)
