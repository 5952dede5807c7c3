"""Who people are elsewhere: an issuer and its subject, linked by the person who is signed in, or by an invitation.

It decides that one identity is one person's, and that an address links nothing: whoever runs a directory may write
any address into it. Read next: ``web/shared/sign_in_elsewhere.py``.
"""

from datetime import datetime

from django.db import IntegrityError, transaction

from tenure.kernel.refusals import Refusal
from tenure.people.models import Identity, User


def person_of(issuer: str, subject: str, now: datetime) -> User | None:
    """Who signs in with an identity; nobody while it is linked to no active person."""
    row = Identity.objects.select_related("user").filter(issuer=issuer, subject=subject).first()
    if row is None or not row.user.is_active:
        return None
    Identity.objects.filter(pk=row.pk).update(used_at=now)
    return row.user


def link(user: User, issuer: str, subject: str, now: datetime) -> Identity:
    """Link an identity with a person; one that is somebody else's stays theirs."""
    try:
        with transaction.atomic():
            row, _ = Identity.objects.get_or_create(
                issuer=issuer, subject=subject, defaults={"user": user, "linked_at": now}
            )
    except IntegrityError:
        row = Identity.objects.get(issuer=issuer, subject=subject)
    if row.user_id != user.pk:
        raise Refusal("people.identity_taken")
    return row


def of(user: User) -> list[Identity]:
    return list(Identity.objects.filter(user=user).order_by("pk"))


def unlink(user: User, id: int) -> bool:
    """Part a person from an identity; whether there was one."""
    return bool(Identity.objects.filter(user=user, pk=id).delete()[0])
