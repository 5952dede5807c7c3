"""Locations of a company: added and kept up by the company, removed by support alone. The only writer of their rows.

It decides that a location's ID comes from the same series as the companies' own, so that no ID is ever two things,
and that a removed one stays for the papers that name it. Read next: ``partners/models.py``.
"""

from dataclasses import asdict
from datetime import datetime

from tenure import events
from tenure.kernel.access import Actor, Side
from tenure.kernel.refusals import Invalid, Refusal
from tenure.partners.actions import FIRST_NUMBER, lock
from tenure.partners.models import Location, Partner
from tenure.partners.rules import Place, check_place
from tenure.plumbing.db import take_numbers, verb
from tenure.plumbing.outbox import record

MOST = 200

# VERBS


@verb(Side.PARTNER)
def add_location(actor: Actor, partner: Partner, *, place: Place, now: datetime) -> Location:
    """Add a location of the company; it gets an ID of its own."""
    check_place(place)
    partner = lock(partner.pk)
    if partner.locations.filter(removed_at=None).count() >= MOST:
        raise Refusal("partners.too_many_locations", limit=MOST)
    number = str(FIRST_NUMBER + take_numbers("partner"))
    row = Location.objects.create(partner=partner, number=number, **asdict(place), added_at=now, added_by=actor.label)
    record(actor, "partners.add_location", now, events.LocationAdded(**_of(row), number=number))
    return row


@verb(Side.PARTNER)
def change_location(actor: Actor, location: Location, *, place: Place, now: datetime) -> Location:
    """Change what is said of a location, or whom to reach there."""
    check_place(place)
    row = _there(location)
    after = {name: value for name, value in asdict(place).items() if getattr(row, name) != value}
    if not after:
        return row
    for name, value in after.items():
        setattr(row, name, value)
    row.save(update_fields=list(after))
    said = events.LocationChanged(**_of(row), number=row.number, fields=sorted(after))
    record(actor, "partners.change_location", now, said)
    return row


@verb(Side.STAFF)
def remove_location(actor: Actor, location: Location, *, reason: str, now: datetime) -> Location:
    """Remove a location the company has asked support to remove; its ID is never given again."""
    if not reason.strip():
        raise Invalid({"reason": "text.missing"})
    row = _there(location)
    row.removed_at, row.removed_by, row.removed_reason = now, actor.label, reason.strip()
    row.save(update_fields=["removed_at", "removed_by", "removed_reason"])
    record(actor, "partners.remove_location", now, events.LocationRemoved(**_of(row), number=row.number))
    return row


def _there(location: Location) -> Location:
    """The location behind its company's lock; one that was removed is no longer changed."""
    lock(location.partner_id)
    row = Location.objects.select_for_update().get(pk=location.pk)
    if row.removed_at:
        raise Refusal("partners.location_removed", number=row.number)
    return row


def _of(row: Location) -> dict:
    return {"partner_id": row.partner_id, "subject": f"location:{row.pk}"}
