"""A company's own directory: the OpenID Connect provider its people sign in with.

It decides that the issuer is kept to the letter and the secret sealed, never shown again. That a directory is set up
lets nobody in: people link themselves, or accept an invitation through it. Read next: ``people/identities.py``.
"""

import secrets
from datetime import datetime
from typing import Any

from tenure.kernel.access import Actor, Side
from tenure.kernel.refusals import Invalid
from tenure.people.models import Directory
from tenure.plumbing.db import verb
from tenure.plumbing.sealed import seal, unseal

PURPOSE = "people.directory"


@verb(Side.PARTNER)
def set_up_directory(
    actor: Actor, company: Any, *, name: str, issuer: str, client: str, secret: str, now: datetime
) -> Directory:
    """Set up the company's own sign-in, or change it; an empty secret keeps the one there is."""
    row = Directory.objects.select_for_update().filter(partner_id=company.partner_id).first()
    if not secret and (row is None or row.issuer != issuer):
        # A secret goes only to whom it was given for.
        raise Invalid({"secret": "text.missing"})
    row = row or Directory(partner_id=company.partner_id, slug=secrets.token_hex(8))
    row.name, row.issuer, row.client, row.set_at, row.tested_at = name, issuer, client, now, None
    if secret:
        row.secret = seal(secret, PURPOSE)
    row.save()
    return row


@verb(Side.PARTNER)
def remove_directory(actor: Actor, company: Any, *, now: datetime) -> None:
    """Remove the company's own sign-in; links that people made stay and open nothing."""
    Directory.objects.filter(partner_id=company.partner_id).delete()


def of_company(partner_id: int) -> Directory | None:
    return Directory.objects.filter(partner_id=partner_id).first()


def by_slug(slug: str) -> Directory | None:
    return Directory.objects.filter(slug=slug).first()


def of_companies(partner_ids: list[int]) -> list[Directory]:
    return list(Directory.objects.filter(partner_id__in=partner_ids).order_by("name"))


def secret_of(row: Directory) -> str:
    return unseal(row.secret, PURPOSE)


def note_tested(row: Directory, now: datetime) -> None:
    """Somebody has come back from there, and what was said there was believed."""
    Directory.objects.filter(pk=row.pk).update(tested_at=now)
