"""Reading what belongs to no capability: the events as a timeline, letters, tasks and parked reactions."""

from datetime import datetime

from django.db.models import Q, QuerySet

from tenure.plumbing.models import Event, Mail, Reaction, Seal, Task


def happened(*subjects: str) -> QuerySet[Event]:
    """What happened to some things (``order:12``), the newest first."""
    return Event.objects.filter(subject__in=subjects).order_by("-id")


def timeline(partner_id: int) -> QuerySet[Event]:
    """Everything that happened to a company, the newest first."""
    return Event.objects.filter(partner_id=partner_id).order_by("-id")


def trail(
    partner_id: int | None,
    *,
    actor: str = "",
    text: str = "",
    since: datetime | None = None,
    before: datetime | None = None,
) -> QuerySet[Event]:
    """Who did what, the newest first: in one company, without what colleagues noted for themselves, or everywhere."""
    found = Event.objects.order_by("-id")
    if partner_id is not None:
        found = found.filter(partner_id=partner_id).exclude(payload__contains={"internal": True})
    if actor:
        found = found.filter(actor=actor)
    if text:
        asked = (Q(name__icontains=text), Q(verb__icontains=text), Q(subject__icontains=text), Q(actor__icontains=text))
        found = found.filter(asked[0] | asked[1] | asked[2] | asked[3] | Q(request=text))
    if since:
        found = found.filter(occurred_at__gte=since)
    return found.filter(occurred_at__lt=before) if before else found


def newest_seal(chain: str) -> Seal | None:
    return Seal.objects.filter(chain=chain).order_by("-n").first()


def letters(text: str = "", state: str = "") -> QuerySet[Mail]:
    """Letters, the newest first; by address or subject, and by what became of them."""
    found = Mail.objects.order_by("-id")
    if state:
        found = found.filter(state=state)
    if text:
        found = found.filter(Q(address__icontains=text) | Q(subject__icontains=text))
    return found


def letters_of(partner_id: int) -> QuerySet[Mail]:
    return Mail.objects.filter(partner_id=partner_id).order_by("-id")


def letter(id: int) -> Mail | None:
    return Mail.objects.filter(pk=id).first()


def due_reactions() -> QuerySet[Reaction]:
    """Duties nobody has done yet, the oldest first."""
    return Reaction.objects.filter(state="due").select_related("event").order_by("id")


def parked() -> QuerySet[Reaction]:
    """Reactions that failed too often and wait for a person, the oldest first."""
    return Reaction.objects.filter(state="parked").select_related("event").order_by("id")


def reaction(id: int) -> Reaction | None:
    return Reaction.objects.select_related("event").filter(pk=id).first()


def open_tasks() -> QuerySet[Task]:
    """What only a person can settle, the oldest first."""
    return Task.objects.filter(closed_at=None).order_by("opened_at", "id")


def task(id: int) -> Task | None:
    return Task.objects.filter(pk=id).first()
