"""Events are written with their cause; reactions follow after commit, at least once, and never undo it.

It decides the order of reactions and when one that keeps failing is parked for a person. It must never
swallow a failure or let one stuck reaction hold up the rest. Who reacts to what stands in ``wiring.py``.
"""

import logging
import traceback
from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog
from django.db import connection, transaction
from django.db.models import Q

from tenure import events
from tenure.kernel.access import Actor, Side
from tenure.plumbing import clock
from tenure.plumbing.crash import passes
from tenure.plumbing.db import inside, pack, unpack, verb, wiring
from tenure.plumbing.models import Event, Reaction, Task
from tenure.plumbing.together import first, insert_all

log = logging.getLogger(__name__)
ATTEMPTS = 5
LEASE = timedelta(minutes=2)


def record(actor: Actor, verb: str, now: datetime, *happened: events.Event) -> list[Event]:
    """Write what happened, and the duties that follow from it, in the caller's transaction."""
    inside("recording an event")
    rows = insert_all(
        Event,
        (
            Event(
                name=event.name,
                partner_id=event.partner_id,
                subject=event.subject,
                actor=actor.label,
                verb=verb,
                payload=pack(event.payload),
                request=structlog.contextvars.get_contextvars().get("request", ""),
                occurred_at=now,
            )
            for event in happened
        ),
    )
    listeners = wiring().REACTIONS
    duties = [
        Reaction(event=row, name=name)
        for row, event in zip(rows, happened, strict=True)
        for name in listeners.get(type(event), ())
    ]
    if duties:
        insert_all(Reaction, duties)
        first(_wake, None)
    passes("event.recorded")
    return rows


def _wake(asked: list[None]) -> None:
    wiring().wake()


def read(row: Event) -> events.Event:
    """The event as the frozen value it was recorded from."""
    return events.BY_NAME[row.name](partner_id=row.partner_id, subject=row.subject, **unpack(row.payload))


def drain() -> int:
    """Run reactions until none is due; returns how many were done."""
    done = 0
    while (reaction := _claim()) is not None:
        done += _run(reaction)
    return done


def _claim() -> Reaction | None:
    """Take the oldest due reaction under a lease, so that a killed worker's duty comes back."""
    machine = clock.machine()
    with transaction.atomic():
        reaction = (
            Reaction.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("event")
            .filter(Q(leased_until=None) | Q(leased_until__lt=machine), state="due")
            .order_by("attempts", "id")
            .first()
        )
        if reaction:
            reaction.attempts += 1
            reaction.leased_until = machine + LEASE
            reaction.save(update_fields=["attempts", "leased_until"])
    passes("reaction.claimed")
    return reaction


def _run(reaction: Reaction) -> bool:
    """Do one duty. A failure keeps it due with a reason; the fifth parks it and opens a task."""
    listener = wiring().LISTENERS[reaction.name]
    now = max(clock.now(), reaction.event.occurred_at)
    try:
        listener(read(reaction.event), reaction.event, now)
    except Exception:
        if connection.in_atomic_block and connection.needs_rollback:
            raise
        log.exception("reaction %s to event %s failed", reaction.name, reaction.event_id)
        _postpone(reaction, traceback.format_exc(limit=3)[-600:], now)
        return False
    passes("reaction.worked")
    Reaction.objects.filter(pk=reaction.pk).update(state="done", done_at=now, error="", leased_until=None)
    passes("reaction.noted")
    return True


def _postpone(reaction: Reaction, error: str, now: datetime) -> None:
    parked = reaction.attempts >= ATTEMPTS
    with transaction.atomic():
        Reaction.objects.filter(pk=reaction.pk).update(
            error=error, state="parked" if parked else "due", leased_until=None
        )
        if parked:
            open_task("reaction", f"reaction:{reaction.pk}", reaction.event.partner_id, reaction.name, now)


def retry(reaction: Reaction) -> None:
    """Give a parked reaction another five attempts."""
    Reaction.objects.filter(pk=reaction.pk, state="parked").update(state="due", attempts=0, leased_until=None)


def open_task(kind: str, object: str, partner_id: int | None, reason: str, now: datetime) -> None:
    """Ask for a person; asking twice while the task is open changes nothing."""
    Task.objects.bulk_create(
        [Task(kind=kind, object=object, partner_id=partner_id, reason=reason[:300], opened_at=now)],
        ignore_conflicts=True,
    )


def close_task(kind: str, object: str, by: Actor, now: datetime) -> None:
    close_tasks([kind], object, by, now)


def close_tasks(kinds: Iterable[str], object: str, by: Actor, now: datetime) -> None:
    """Whatever was asked of a person about something needs nobody any more."""
    first(_close, (tuple(kinds), object, by.label, now))


def _close(asked: list[tuple[tuple[str, ...], str, str, datetime]]) -> None:
    alike: dict[tuple, list[str]] = {}
    for kinds, object, by, now in asked:
        alike.setdefault((kinds, by, now), []).append(object)
    for (kinds, by, now), objects in alike.items():
        tasks = Task.objects.filter(kind__in=kinds, object__in=objects, closed_at=None)
        tasks.update(closed_at=now, closed_by=by)


# VERBS: parked work is nobody's capability, so its verbs stand here, under the name of the office's page.


@verb(Side.STAFF, name="parked.retry")
def retry_parked(actor: Actor, reaction: Reaction, *, now: datetime) -> None:
    """Try a parked reaction again; its task ends with the name of who asked."""
    retry(reaction)
    close_task("reaction", f"reaction:{reaction.pk}", actor, now)
    wiring().wake()


@verb(Side.STAFF, name="parked.close_task")
def settle_task(actor: Actor, task: Task, *, now: datetime) -> None:
    """Note that a person has settled what a task asked for."""
    close_task(task.kind, task.object, actor, now)
