"""What follows from an endpoint's being shut: its company is told. Shallow on purpose."""

from datetime import datetime

from django.db import transaction

from tenure import events
from tenure.partners.queries import get as partner_by_id
from tenure.people.actions import tell
from tenure.people.queries import holders
from tenure.plumbing.models import Event
from tenure.programme.queries import current


def tell_disabled(happened: events.EndpointDisabled, event: Event, now: datetime) -> None:
    """A letter and a notice to everybody who can put it right. The office's own endpoints leave a task instead."""
    if event.partner_id is None:
        return
    partner = partner_by_id(event.partner_id)
    with transaction.atomic():
        tell(
            holders(event.partner_id, "webhooks.resume_endpoint", current()),
            f"webhooks.{happened.reason}",
            {"company": partner.legal_name, "host": happened.host, "at": event.occurred_at},
            key=f"event:{event.pk}",
            now=now,
            partner_id=partner.pk,
            link=f"/webhooks/{happened.endpoint}/",
        )
