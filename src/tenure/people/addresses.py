"""Another e-mail address for a person: asked for while signed in, agreed to at the old address and at the new one.

It decides that neither address alone is enough: a stranger in a forgotten session can't take the person's place, and
nobody becomes whoever they like by naming an address. Until both have agreed nothing changes. Read next:
``web/portal/addresses.py``.
"""

from datetime import datetime, timedelta

from django.core import signing
from django.db.models import Q

from tenure.kernel.access import Actor, Side
from tenure.kernel.refusals import Invalid, Refusal
from tenure.people.actions import tell
from tenure.people.models import EmailChange, User
from tenure.plumbing import mail
from tenure.plumbing.db import pack, verb, wiring
from tenure.plumbing.models import Mail

SALT = "people.email_change"
VALID = timedelta(days=2)
OLD, NEW = "old", "new"


@verb(Side.ANYONE)
def ask_email_change(actor: Actor, person: User, *, email: str, now: datetime) -> EmailChange:
    """Ask for another address; a link goes to the old one and to the new one. What was asked before is void."""
    user = User.objects.select_for_update().get(pk=person.pk)
    email = email.strip().lower()
    if email == user.email:
        raise Invalid({"email": "people.email_same"})
    EmailChange.objects.filter(user=user, closed_at=None).update(closed_at=now)
    change = EmailChange.objects.create(user=user, old=user.email, new=email, asked_at=now, expires_at=now + VALID)
    for side, address in ((OLD, user.email), (NEW, email)):
        _write(user, change, side, address, now)
    return change


@verb(Side.ANYONE)
def agree_email_change(actor: Actor, change: EmailChange, *, side: str, now: datetime) -> EmailChange:
    """Agree at one of the two addresses; with the second agreement the address changes."""
    change = EmailChange.objects.select_for_update().select_related("user").get(pk=change.pk)
    if change.closed_at and not change.done:
        raise Refusal("people.email_change_over")
    if change.done:
        return change
    if change.expires_at < now:
        raise Refusal("people.email_change_over")
    field = f"{side}_agreed_at"
    setattr(change, field, getattr(change, field) or now)
    if change.old_agreed_at and change.new_agreed_at:
        _change(change, now)
    change.save()
    return change


@verb(Side.ANYONE)
def mention_join(actor: Actor, subject: None, *, email: str, now: datetime) -> None:
    """Tell the owner of an address that somebody has tried to join with it; nobody else is told anything."""
    user = User.objects.filter(email__iexact=email.strip()).first()
    if user is not None:
        tell([user], "people.join_known", {}, key=f"join_known:{user.pk}:{now:%Y%m%d}", now=now)


def open_change(user: User, now: datetime) -> EmailChange | None:
    """The change that waits for somebody's yes."""
    return EmailChange.objects.filter(user=user, closed_at=None, expires_at__gt=now).first()


def token(change: int, side: str) -> str:
    """The signed text that stands in a letter's link."""
    return signing.dumps([change, side], salt=SALT)


def change_of(text: str) -> tuple[EmailChange | None, str]:
    """The change and the side that a link stands for."""
    try:
        pk, side = signing.loads(text, salt=SALT, max_age=VALID)
    except (signing.BadSignature, ValueError, TypeError):
        return None, ""
    return EmailChange.objects.select_related("user").filter(pk=pk).first(), side


def _change(change: EmailChange, now: datetime) -> None:
    """Whether the new address has become somebody's meanwhile is said only to whoever reads mail there."""
    if User.objects.filter(Q(email__iexact=change.new) & ~Q(pk=change.user_id)).exists():
        raise Refusal("people.email_taken", email=change.new)
    change.user.email = change.new
    change.user.save(update_fields=["email"])
    change.closed_at, change.done = now, True
    tell([change.user], "people.email_changed", {"email": change.new}, key=f"email_changed:{change.pk}", now=now)


def _write(user: User, change: EmailChange, side: str, address: str, now: datetime) -> None:
    facts = {"person": user.name, "email": change.new, "change": change.pk}
    mail.queue(
        [
            Mail(
                key=f"email_change:{change.pk}:{side}",
                person_id=user.pk,
                address=address,
                language=user.language,
                code=f"people.email_change_{side}",
                facts=pack(facts),
                queued_at=now,
            )
        ]
    )
    wiring().wake()
