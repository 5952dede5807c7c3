"""The feed: every event in one order that no reader can miss anything by, and what is owed for it.

It decides an event's place and its number among the events of its object. Ids are given out before they are
committed, so a lower one may appear after a higher one; places are given afterwards, by one writer at a time, to
what is committed, and the deliveries of an event are written with its place. It must never give a place twice or
leave one out. Read next: ``webhooks/sending.py``.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Max, QuerySet

from tenure.kernel.access import Side, declare
from tenure.kernel.refusals import Refusal
from tenure.partners.queries import by_id
from tenure.plumbing.crash import passes
from tenure.plumbing.db import beat, inside, take_numbers, unpack
from tenure.plumbing.models import Counter, Event, Seal
from tenure.webhooks.models import Delivery, Endpoint, Entry, Selection
from tenure.webhooks.rules import SHUT, TEST, Told, data, shown, wants

BATCH = 1000
LIMIT = 100
PLACES, THROUGH = "feed", "feed.through"
declare("events.view", Side.BOTH, says="Read the feed of events.")

# Everything up to THROUGH has its place; beyond it, whatever has none is new, in whatever order it was committed.
NEW = """
SELECT e.id FROM plumbing_event e LEFT JOIN webhooks_entry f ON f.event_id = e.id
WHERE e.id > %s AND f.event_id IS NULL ORDER BY e.id LIMIT %s
"""


def publish(now: datetime) -> int:
    """Give every committed event its place, and write what is owed for it; how many were new."""
    total = 0
    while _new(1):
        with beat():
            total += _publish(now)
    _settle()
    return total


def end() -> int:
    """The newest place, held until the caller's transaction ends: nobody publishes meanwhile."""
    inside("holding the feed")
    return take_numbers(PLACES, 0) - 1


def _new(limit: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(NEW, [_through(), limit])
        return [id for (id,) in cursor.fetchall()]


def _through() -> int:
    return Counter.objects.filter(name=THROUGH).values_list("last", flat=True).first() or 0


def _publish(now: datetime) -> int:
    last = end()
    # Read after the lock is held: what another writer has published meanwhile is seen.
    events = list(Event.objects.filter(pk__in=_new(BATCH)).order_by("pk"))
    entries = _placed(events, last)
    take_numbers(PLACES, len(entries))
    Entry.objects.bulk_create(entries)
    passes("feed.placed")
    owe(entries, Selection.objects.filter(through=None).exclude(endpoint__status__in=SHUT), now)
    return len(entries)


def _placed(events: Sequence[Event], last: int) -> list[Entry]:
    subjects = {event.subject for event in events}
    rows = Entry.objects.filter(subject__in=subjects)
    numbers = defaultdict(int, rows.values("subject").annotate(n=Max("number")).values_list("subject", "n"))
    told = rows.exclude(shown_number=None).values("partner", "subject").annotate(n=Max("shown_number"))
    seen: dict[tuple, int] = defaultdict(int, {(row["partner"], row["subject"]): row["n"] for row in told})
    entries = []
    for place, event in enumerate(events, last + 1):
        numbers[event.subject] += 1
        entry = Entry(event=event, position=place, name=event.name, subject=event.subject)
        entry.partner_id, entry.number = event.partner_id, numbers[event.subject]
        if shown(event.name, event.partner_id, event.payload):
            seen[event.partner_id, event.subject] += 1
            entry.shown_number = seen[event.partner_id, event.subject]
        entries.append(entry)
    return entries


def owe(entries: Iterable[Entry], selections: QuerySet[Selection], now: datetime) -> None:
    """One delivery for each event that an endpoint chose and may see."""
    chosen = list(selections.select_related("endpoint"))
    if not chosen:
        return
    owed = [
        Delivery(endpoint=selection.endpoint, entry=entry, due_at=now)
        for entry in entries
        for selection in chosen
        if concerns(entry, selection.endpoint, selection.types)
    ]
    Delivery.objects.bulk_create(owed)


def concerns(entry: Entry, endpoint: Endpoint, types: list[str]) -> bool:
    """Whether an endpoint is told of an event: its own test always, else what it chose of what it may see."""
    if entry.name == TEST:
        return entry.subject == f"webhook:{endpoint.pk}"
    if endpoint.partner_id is not None and (endpoint.partner_id != entry.partner_id or entry.shown_number is None):
        return False
    return wants(types, entry.name)


def _settle() -> None:
    """Move THROUGH up to the newest seal: sealing waits for all writers, so below it nothing can appear any more."""
    sealed = Seal.objects.filter(chain="events").aggregate(last=Max("last_id"))["last"] or 0
    if sealed <= _through():
        return
    with beat():
        take_numbers(THROUGH, 0)
        # What was sealed before this look and has no place yet would be lost behind the mark.
        left = [id for id in _new(1) if id <= sealed]
        Counter.objects.filter(name=THROUGH).update(last=min([sealed, *(id - 1 for id in left)]))


# READING


def read(partner_id: int | None, *, after: str = "", types: Sequence[str] = (), limit: int = LIMIT) -> list[Told]:
    """The events after one (``evt_12``), the oldest first: a company's, or without a company the office's."""
    rows = _visible(partner_id)
    if after:
        rows = rows.filter(position__gt=_place(rows, after))
    if types:
        rows = rows.filter(name__in=types)
    return told(rows.order_by("position")[: max(1, min(limit, LIMIT))], for_office=partner_id is None)


def one(partner_id: int | None, key: str) -> Told:
    """One event by its key."""
    rows = _visible(partner_id)
    return told(rows.filter(position=_place(rows, key)), for_office=partner_id is None)[0]


def _visible(partner_id: int | None) -> QuerySet[Entry]:
    if partner_id is None:
        return Entry.objects.all()
    return Entry.objects.filter(partner_id=partner_id, shown_number__isnull=False)


def _place(rows: QuerySet[Entry], key: str) -> int:
    number = key.removeprefix("evt_")
    if key.startswith("evt_") and number.isascii() and number.isdigit() and len(number) < 19:
        place = rows.filter(event_id=int(number)).values_list("position", flat=True).first()
        if place is not None:
            return place
    raise Refusal("events.after_unknown", after=key[:40])


def told(rows: QuerySet[Entry], *, for_office: bool) -> list[Told]:
    """Entries as they leave the house."""
    entries = list(rows.select_related("event"))
    companies: dict[int, Any] = by_id({entry.partner_id for entry in entries} - {None})
    return [_told(entry, companies, for_office) for entry in entries]


def _told(entry: Entry, companies: dict[int, Any], for_office: bool) -> Told:
    event = entry.event
    return Told(
        id=event.pk,
        name=event.name,
        at=event.occurred_at,
        partner=companies[event.partner_id].number if event.partner_id in companies else None,
        object=event.subject,
        number=entry.number if for_office else entry.shown_number or 0,
        data=data(event.name, unpack(event.payload)),
    )
