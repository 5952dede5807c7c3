"""What follows from joining, inviting and asking for help: letters. Shallow on purpose."""

from datetime import datetime

from django.db import transaction

from tenure import events
from tenure.enrolment.rules import State
from tenure.partners.queries import get as partner_by_id
from tenure.people.actions import tell
from tenure.people.queries import holders, invitation_by_id, people_by_id
from tenure.plumbing import mail
from tenure.plumbing.db import pack
from tenure.plumbing.models import Event, Mail
from tenure.programme.queries import current
from tenure.support.queries import get


def _tell(people, code: str, event: Event, now: datetime, link: str, **facts) -> None:
    partner = partner_by_id(event.partner_id)
    with transaction.atomic():
        tell(
            list(people),
            code,
            {"company": partner.legal_name, "partner_number": partner.number, **facts},
            key=f"event:{event.pk}",
            now=now,
            partner_id=partner.pk,
            link=link,
        )


def tell_confirmation(happened: events.ConfirmationAsked, event: Event, now: datetime) -> None:
    """The link that confirms an address. It goes to the address itself; the link is signed when it is written."""
    partner = partner_by_id(event.partner_id)
    person = people_by_id([happened.person]).get(happened.person)
    letter = Mail(
        key=f"event:{event.pk}",
        person_id=happened.person,
        partner_id=partner.pk,
        address=partner.contact_email,
        language=person.language if person else partner.language,
        code="enrolment.confirm_email",
        facts=pack({"person": partner.contact_name, "company": partner.legal_name, "partner": partner.pk}),
        queued_at=now,
    )
    with transaction.atomic():
        mail.queue([letter])


def tell_verified(happened: events.PartnerVerified, event: Event, now: datetime) -> None:
    people = holders(event.partner_id, "purchases.buy", current())
    _tell(people, "enrolment.verified", event, now, "/offers/")


def tell_rejected(happened: events.CheckDecided, event: Event, now: datetime) -> None:
    if happened.state == State.REJECTED:
        people = holders(event.partner_id, "company.edit", current())
        _tell(people, "enrolment.rejected", event, now, "/company/", kind=happened.kind, reason=happened.reason)


def tell_invited(happened: events.PersonInvited, event: Event, now: datetime) -> None:
    """An invitation goes to somebody who is nobody here yet."""
    row = invitation_by_id(happened.invitation)
    partner = partner_by_id(row.partner_id)
    facts = {
        "person": row.name,
        "company": partner.legal_name,
        "by": row.invited_by.name if row.invited_by else "",
        "invitation": row.pk,
        "expires_at": row.expires_at,
    }
    letter = Mail(
        key=f"event:{event.pk}",
        partner_id=partner.pk,
        address=row.email,
        language=row.language,
        code="people.invitation",
        facts=pack(facts),
        about=f"invitation:{row.pk}",
        queued_at=now,
    )
    with transaction.atomic():
        mail.queue([letter])


def invitation_stands(about: str, now: datetime) -> str:
    row = invitation_by_id(int(about.split(":")[1]))
    return "withdrawn" if row.withdrawn_at or row.accepted_at else ""


def tell_place_ending(happened: events.PlaceEnding, event: Event, now: datetime) -> None:
    """The person whose place ends, and those who may give it longer."""
    person = people_by_id([happened.person])[happened.person]
    told = {user.pk: user for user in [person, *holders(event.partner_id, "people.set_end", current())]}
    facts = {"name": person.name, "until_on": happened.until_on}
    _tell(told.values(), "people.place_ending", event, now, "/users/", **facts)


def tell_invited_here(happened: events.PartnerInvitedHere, event: Event, now: datetime) -> None:
    people = holders(event.partner_id, "partners.move_here", current())
    _tell(people, "partners.invited_here", event, now, "/offers/")


def tell_opened(happened: events.RequestOpened, event: Event, now: datetime) -> None:
    row = get(happened.number)
    cancelling = row.action == "cancel"
    link = f"/support/{row.number}/"
    _tell([row.opened_by], "support.received", event, now, link, number=row.number, cancelling=cancelling)


def tell_replied(happened: events.RequestReplied, event: Event, now: datetime) -> None:
    if happened.by_staff and not happened.internal:
        row = get(happened.number)
        _tell([row.opened_by], "support.replied", event, now, f"/support/{row.number}/", number=row.number)


def tell_closed(happened: events.RequestClosed, event: Event, now: datetime) -> None:
    row = get(happened.number)
    link = f"/support/{row.number}/"
    _tell([row.opened_by], "support.closed", event, now, link, number=row.number, outcome=happened.outcome)


def tell_qualified(happened: events.CompetencyQualified, event: Event, now: datetime) -> None:
    programme = current()
    people = holders(event.partner_id, "purchases.buy", programme)
    _tell(people, "competencies.qualified", event, now, "/offers/", offer=programme.offer(happened.offer).name)
