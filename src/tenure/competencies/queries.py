"""Reading evidence: the latest figure of each criterion."""

from django.db.models import QuerySet

from tenure.competencies.models import Evidence


def figures(partner_id: int) -> dict[str, dict[str, int]]:
    """Per offer and criterion, the figure last recorded."""
    rows = (
        Evidence.objects.filter(partner_id=partner_id)
        .order_by("offer", "criterion", "-id")
        .distinct("offer", "criterion")
        .values_list("offer", "criterion", "value")
    )
    found: dict[str, dict[str, int]] = {}
    for offer, criterion, value in rows:
        found.setdefault(offer, {})[criterion] = value
    return found


def history(partner_id: int) -> QuerySet[Evidence]:
    return Evidence.objects.filter(partner_id=partner_id).order_by("-id")
