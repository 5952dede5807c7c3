"""Reading what belongs to no capability: the events as a timeline, letters, tasks and parked reactions."""

from django.db.models import Q, QuerySet

from tenure.plumbing.models import Event, Mail, Reaction, Task


def happened(*subjects: str) -> QuerySet[Event]:
    """What happened to some things (``order:12``), the newest first."""
    return Event.objects.filter(subject__in=subjects).order_by("-id")


def timeline(partner_id: int) -> QuerySet[Event]:
    """Everything that happened to a company, the newest first."""
    return Event.objects.filter(partner_id=partner_id).order_by("-id")


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
