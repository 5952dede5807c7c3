"""Visits: the browsers a person is signed in on, seen and ended one by one.

It decides when a visit is over, and that its session goes with it, so that a copied cookie opens nothing. The
machine's clock counts here, never the demonstration's. Read next: ``web/shared/sign_in_visits.py``.
"""

from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from tenure.people.models import User, Visit
from tenure.people.rules import visit_over

SEEN_EVERY = timedelta(seconds=60)
KEPT = timedelta(days=90)
SWEEP = 50


def begin(user: User, *, session: str, address: str, agent: str, now: datetime) -> Visit:
    """A person has signed in on a browser. Now and then the door sweeps behind whoever comes in."""
    visit = Visit.objects.create(
        user=user, session=session, address=address[:45], agent=agent[:200], began_at=now, seen_at=now
    )
    if visit.pk % SWEEP == 0:
        tidy(now)
    return visit


def goes_on(id: int, user: User, *, session: str, address: str, now: datetime) -> tuple[Visit | None, str]:
    """The visit if it goes on, which is noted once a minute; else nothing, and why not."""
    visit = Visit.objects.filter(pk=id, user=user).first()
    if visit is None or visit.ended_at:
        return None, "ended"
    if why := visit_over(visit.began_at, visit.seen_at, now, staff=bool(user.staff_roles)):
        end(visit, why, now=now)
        return None, why
    if now - visit.seen_at >= SEEN_EVERY or visit.session != session:
        visit.seen_at, visit.session, visit.address = now, session, address[:45]
        visit.save(update_fields=["seen_at", "session", "address"])
    return visit, ""


def of(user: User, now: datetime) -> list[Visit]:
    """The visits a person has open, the one seen last first."""
    staff = bool(user.staff_roles)
    rows = Visit.objects.filter(user=user, ended_at=None).order_by("-seen_at")
    return [row for row in rows if not visit_over(row.began_at, row.seen_at, now, staff=staff)]


def one_of(user: User, id: int) -> Visit | None:
    return Visit.objects.filter(user=user, pk=id, ended_at=None).first()


def end(visit: Visit, why: str, *, now: datetime) -> None:
    """End one visit; its session is gone from the same moment."""
    _end(Visit.objects.filter(pk=visit.pk), why, now)


def end_all(user_id: int, why: str, *, now: datetime, but: int | None = None) -> int:
    """End every visit of a person, or every other one."""
    return _end(Visit.objects.filter(user_id=user_id).exclude(pk=but or 0), why, now)


def tidy(now: datetime) -> int:
    """Forget sessions that are over, and visits that nobody has made for months."""
    _sessions().clear_expired()
    return Visit.objects.filter(seen_at__lt=now - KEPT).delete()[0]


def _end(visits: QuerySet[Visit], why: str, now: datetime) -> int:
    open_ones = visits.filter(ended_at=None)
    sessions = list(open_ones.values_list("session", flat=True))
    ended = open_ones.update(ended_at=now, why_ended=why)
    for session in sessions:
        _sessions()(session).delete()
    return ended


def _sessions() -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore
