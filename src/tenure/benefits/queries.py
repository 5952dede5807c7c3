"""Reading benefits: grants with what is used and left, and what stands against a refund."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from tenure.benefits.models import Grant, Key, Usage


def of_partner(partner_id: int) -> QuerySet[Grant]:
    return (
        Grant.objects.filter(partner_id=partner_id)
        .select_related("term__subscription", "term__programme")
        .prefetch_related("keys")
        .order_by("-term_id", "id")
    )


def get(id: int) -> Grant | None:
    return Grant.objects.select_related("term__subscription", "term__programme", "partner").filter(pk=id).first()


def usages(grant: Grant) -> list[Usage]:
    """What was taken of a grant, the last first."""
    return list(grant.usages.order_by("-pk"))


def keys_of(grant: Grant) -> list[Key]:
    """The product keys revealed from a grant, the last first."""
    return list(grant.keys.order_by("-revealed_at", "-pk"))


@dataclass(frozen=True, slots=True)
class Used:
    """What has been taken of a term's benefits: a key seen ends the right to a refund (R17)."""

    key_revealed_at: datetime | None
    anything_used: bool


def used_of_term(term_id: int) -> Used:
    revealed = Key.objects.filter(grant__term_id=term_id).order_by("revealed_at").values_list("revealed_at", flat=True)
    return Used(revealed.first(), Grant.objects.filter(term_id=term_id, used__gt=0).exclude(kind="keys").exists())
