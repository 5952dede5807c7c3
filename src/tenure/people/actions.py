"""People: invite, join, change roles, leave, tell. The only writer of their rows.

It decides that a company always keeps an administrator, even when two remove each other at once. It must
never grant a role the programme does not know. Read next: ``people/queries.py``.
"""

from datetime import date, datetime, timedelta
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from tenure import events
from tenure.kernel.access import SYSTEM, Actor, Side, declare
from tenure.kernel.periods import day_of, plus_days
from tenure.kernel.refusals import Invalid, Refusal
from tenure.people import visits
from tenure.people.models import ApiKey, Colleague, Invitation, Notice, User
from tenure.people.queries import places_for_a_time
from tenure.people.rules import ENDING_DAYS, PASSWORD_LENGTH, PASSWORD_MOST
from tenure.plumbing import clock, mail
from tenure.plumbing.db import beat, inside, pack, verb
from tenure.plumbing.models import Mail
from tenure.plumbing.outbox import record
from tenure.programme.queries import current

INVITATION_DAYS = 14
PASSWORD_FAULTS = {
    "password_too_short": "password.too_short",
    "password_too_common": "password.too_common",
    "password_too_similar": "password.like_the_person",
}
declare("people.view", Side.BOTH, says="See the company's people, their roles and open invitations.")

# VERBS


@verb(Side.PARTNER)
def invite(
    actor: Actor,
    company: Any,
    *,
    email: str,
    name: str,
    roles: list[str],
    language: str,
    until_on: date | None = None,
    now: datetime,
) -> Invitation:
    """Invite a colleague by mail, for good or until a day. Somebody who already belongs to the company is refused."""
    email = email.strip().lower()
    _known(roles)
    _in_time(until_on, now)
    if Colleague.objects.filter(partner_id=company.partner_id, user__email__iexact=email, ended_at=None).exists():
        raise Refusal("people.email_taken", email=email)
    said = {"email": email, "name": name, "roles": roles, "language": language, "until_on": until_on}
    return invitation(actor, company.partner_id, **said, verb="people.invite", now=now)


@verb(Side.ANYONE)
def accept_invitation(actor: Actor, invitation: Invitation, *, password: str | None, now: datetime) -> User:
    """Join the company that invited; the link works once, and only for the address it was sent to."""
    row = Invitation.objects.select_for_update().get(pk=invitation.pk)
    if row.accepted_at or row.withdrawn_at:
        raise Refusal("people.invitation_used")
    if row.expires_at < now or (row.until_on and row.until_on < day_of(now, current().zone)):
        raise Refusal("people.invitation_expired", expired_at=row.expires_at)
    user = User.objects.filter(email__iexact=row.email).first()
    if user is None:
        sound_password(password, name=row.name, email=row.email)
        user = create_person(name=row.name, email=row.email, password=password, language=row.language, now=now)
    place(user, row.partner_id, row.roles, now, until_on=row.until_on)
    row.accepted_at, row.accepted_by = now, user
    row.save()
    record(
        Actor("person", user.pk),
        "people.accept_invitation",
        now,
        events.PersonJoined(partner_id=row.partner_id, subject=f"person:{user.pk}", person=user.pk),
    )
    return user


@verb(Side.PARTNER)
def withdraw_invitation(actor: Actor, invitation: Invitation, *, now: datetime) -> None:
    """Take back an invitation nobody has used yet."""
    Invitation.objects.filter(pk=invitation.pk, accepted_at=None).update(withdrawn_at=now)


@verb(Side.PARTNER)
def change_roles(actor: Actor, colleague: Colleague, *, roles: list[str], now: datetime) -> Colleague:
    """Give a colleague other roles; the last administrator keeps theirs."""
    _known(roles)
    row = _guard_last_admin(colleague, roles)
    before, row.roles = row.roles, roles
    row.save(update_fields=["roles"])
    record(
        actor,
        "people.change_roles",
        now,
        events.RolesChanged(
            partner_id=row.partner_id,
            subject=f"person:{row.user_id}",
            person=row.user_id,
            before=before,
            after=roles,
        ),
    )
    return row


@verb(Side.PARTNER)
def deactivate(actor: Actor, colleague: Colleague, *, now: datetime) -> Colleague:
    """End a colleague's place in the company; the person and the history stay."""
    row = _guard_last_admin(colleague, [])
    _leave(actor, row, "people.deactivate", now)
    return row


@verb(Side.PARTNER)
def set_end(actor: Actor, colleague: Colleague, *, until_on: date | None, now: datetime) -> Colleague:
    """Give a colleague's place a last day, another one, or none; the last administrator stays for good."""
    _in_time(until_on, now)
    row = _guard_last_admin(colleague, [] if until_on else colleague.roles)
    if row.ended_at:
        raise Refusal("people.place_ended")
    if row.until_on != until_on:
        before, row.until_on, row.warned_at = row.until_on, until_on, None
        row.save(update_fields=["until_on", "warned_at"])
        of = {"partner_id": row.partner_id, "subject": f"person:{row.user_id}"}
        record(
            actor, "people.set_end", now, events.PlaceLimited(**of, person=row.user_id, before=before, after=until_on)
        )
    return row


@verb(Side.PARTNER)
def reactivate(actor: Actor, colleague: Colleague, *, now: datetime) -> Colleague:
    """Bring a colleague back with the roles they had."""
    row = Colleague.objects.select_for_update().get(pk=colleague.pk)
    row.ended_at = row.until_on = row.warned_at = None
    row.save(update_fields=["ended_at", "until_on", "warned_at"])
    record(
        actor,
        "people.reactivate",
        now,
        events.PersonReactivated(partner_id=row.partner_id, subject=f"person:{row.user_id}", person=row.user_id),
    )
    return row


@verb(Side.ANYONE)
def choose_language(actor: Actor, subject: None, *, language: str) -> None:
    """Keep the language a person reads in; mails and documents follow it."""
    User.objects.filter(pk=actor.id).update(language=language)


@verb(Side.ANYONE)
def read_notices(actor: Actor, subject: None, *, now: datetime) -> None:
    """Mark everything a person was told as read."""
    Notice.objects.filter(user_id=actor.id, read_at=None).update(read_at=now)


# STEPS


def invitation(
    actor: Actor,
    partner_id: int,
    *,
    email: str,
    name: str,
    roles: list[str],
    language: str,
    until_on: date | None = None,
    verb: str,
    now: datetime,
) -> Invitation:
    """A new way into a company, in the place of one that is still open; the letter goes to its address."""
    inside("inviting somebody")
    known = Invitation.objects.filter(partner_id=partner_id, email__iexact=email, accepted_at=None, withdrawn_at=None)
    known.update(withdrawn_at=now)
    row = Invitation.objects.create(
        partner_id=partner_id,
        email=email,
        name=name,
        roles=roles,
        language=language,
        until_on=until_on,
        invited_by_id=actor.id,
        invited_at=now,
        expires_at=now + timedelta(days=INVITATION_DAYS),
    )
    of = {"partner_id": row.partner_id, "subject": f"invitation:{row.pk}"}
    record(actor, verb, now, events.PersonInvited(**of, invitation=row.pk))
    return row


def sound_password(password: str | None, *, name: str, email: str) -> None:
    """Refuse a password that is empty or easily guessed, whoever asks; ``None`` is a person who cannot sign in."""
    if password == "":
        raise Invalid({"password": "password.missing"})
    if password is not None and len(password) > PASSWORD_MOST:
        raise Invalid({"password": "password.too_long"}, limit=PASSWORD_MOST)
    try:
        if password is not None:
            validate_password(password, User(name=name, email=email))
    except ValidationError as refused:
        code = PASSWORD_FAULTS.get(refused.error_list[0].code, "password.too_common")
        raise Invalid({"password": code}, limit=PASSWORD_LENGTH) from None


def create_person(
    *, name: str, email: str, password: str | None, language: str, now: datetime, staff_roles: list[str] | None = None
) -> User:
    """A new person; an address that is already somebody's is refused."""
    inside("creating a person")
    if User.objects.filter(email__iexact=email.strip()).exists():
        raise Refusal("people.email_taken", email=email)
    return User.objects.create_user(
        email, password, name=name, language=language, joined_at=now, staff_roles=staff_roles or []
    )


def place(user: User, partner_id: int, roles: list[str], now: datetime, *, until_on: date | None = None) -> Colleague:
    """Give a person their place in a company, or bring them back to it."""
    inside("placing a colleague")
    row, _ = Colleague.objects.update_or_create(
        user=user,
        partner_id=partner_id,
        defaults={"roles": roles, "ended_at": None, "until_on": until_on, "warned_at": None},
        create_defaults={"roles": roles, "since": now, "until_on": until_on},
    )
    return row


def tell(
    people: list[User],
    code: str,
    facts: dict[str, Any],
    *,
    key: str,
    now: datetime,
    partner_id: int | None = None,
    link: str = "",
    about: str = "",
) -> None:
    """Tell people something in the app and by mail, once per person and key."""
    inside("telling people")
    packed = pack({**facts, "link": link})
    Notice.objects.bulk_create(
        [
            Notice(user=user, partner_id=partner_id, key=key, code=code, facts=packed, link=link, made_at=now)
            for user in people
        ],
        ignore_conflicts=True,
    )
    mail.queue(
        [
            Mail(
                key=f"{key}:{user.pk}",
                person_id=user.pk,
                partner_id=partner_id,
                address=user.email,
                language=user.language,
                code=code,
                facts={**packed, "person": user.name},
                about=about,
                queued_at=now,
            )
            for user in people
        ]
    )


def follow_places(now: datetime) -> int:
    """Tell of places that end within the week, once; end those whose last day is over. Asked for by the clock."""
    moved = 0
    today = day_of(now, current().zone)
    for found in places_for_a_time().filter(until_on__lte=plus_days(today, ENDING_DAYS)):
        with beat():
            row = Colleague.objects.select_for_update(of=("self",)).select_related("user").get(pk=found.pk)
            if row.ended_at or row.until_on is None:
                continue
            if row.until_on < today:
                _leave(SYSTEM, row, "people.follow_places", now)
            elif row.warned_at is None and row.until_on <= plus_days(today, ENDING_DAYS):
                row.warned_at = now
                row.save(update_fields=["warned_at"])
                of = {"partner_id": row.partner_id, "subject": f"person:{row.user_id}"}
                ending = events.PlaceEnding(**of, person=row.user_id, until_on=row.until_on)
                record(SYSTEM, "people.follow_places", now, ending)
            else:
                continue
            moved += 1
    return moved


def _leave(actor: Actor, row: Colleague, verb: str, now: datetime) -> None:
    """End a place and free what was held through it: visits, keys for programs, invitations nobody has answered."""
    row.ended_at = now
    row.save(update_fields=["ended_at"])
    # Whoever comes back in signs in anew, to whatever is left.
    visits.end_all(row.user_id, "deactivated", now=clock.machine())
    for key in ApiKey.objects.select_for_update().filter(
        partner_id=row.partner_id, maker_id=row.user_id, revoked_at=None
    ):
        key.revoked_at = now
        key.save(update_fields=["revoked_at"])
        of = {"partner_id": row.partner_id, "subject": f"key:{key.pk}"}
        record(actor, verb, now, events.KeyRevoked(**of, key=key.pk, prefix=key.prefix))
    Invitation.objects.filter(
        partner_id=row.partner_id, invited_by_id=row.user_id, accepted_at=None, withdrawn_at=None
    ).update(withdrawn_at=now)
    of = {"partner_id": row.partner_id, "subject": f"person:{row.user_id}"}
    record(actor, verb, now, events.PersonDeactivated(**of, person=row.user_id))


def _in_time(until_on: date | None, now: datetime) -> None:
    if until_on is not None and until_on < day_of(now, current().zone):
        raise Invalid({"until_on": "date.in_past"})


def _known(roles: list[str]) -> None:
    codes = {role.code for role in current().roles if role.side == "partner"}
    if not roles or not codes.issuperset(roles):
        raise Refusal("people.role_unknown", roles=roles)


def _guard_last_admin(colleague: Colleague, roles: list[str]) -> Colleague:
    """Lock the company's people in one order, so that two administrators cannot remove each other at once."""
    admin = {role.code for role in current().roles if role.admin and role.side == "partner"}
    places = list(
        Colleague.objects.select_for_update().filter(partner_id=colleague.partner_id, ended_at=None).order_by("pk")
    )
    row = next((place for place in places if place.pk == colleague.pk), colleague)
    # Whoever is here for a time keeps no company administered.
    lasting = [place for place in places if place.until_on is None]
    others = [place for place in lasting if place.pk != row.pk and admin.intersection(place.roles)]
    if admin.intersection(row.roles) and not admin.intersection(roles) and not others:
        raise Refusal("people.last_admin")
    return row
