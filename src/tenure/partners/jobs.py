"""What follows from a company's tax exemption: letters. Shallow on purpose."""

from datetime import datetime

from django.db import transaction

from tenure import events
from tenure.partners.queries import application
from tenure.partners.queries import get as partner_by_id
from tenure.people.actions import tell
from tenure.people.queries import holders
from tenure.plumbing.models import Event
from tenure.programme.queries import current


def _tell(code: str, event: Event, now: datetime, **facts) -> None:
    partner = partner_by_id(event.partner_id)
    with transaction.atomic():
        tell(
            list(holders(partner.pk, "partners.ask_exemption", current())),
            code,
            {"company": partner.legal_name, "partner_number": partner.number, **facts},
            key=f"event:{event.pk}",
            now=now,
            partner_id=partner.pk,
            link="/company/exemption/",
        )


def tell_moved(happened: events.ExemptionMoved, event: Event, now: datetime) -> None:
    """Each step of an application; what staff wrote stands in the letter."""
    row = application(happened.application)
    days = row.exemption or row
    facts = {"certificate": row.certificate, "valid_from": days.valid_from, "valid_to": days.valid_to}
    _tell(f"exemption.{happened.status}", event, now, answer=happened.words, **facts)


def tell_ending(happened: events.ExemptionEnding, event: Event, now: datetime) -> None:
    _tell("exemption.ending", event, now, certificate=happened.certificate, valid_to=happened.valid_to)
