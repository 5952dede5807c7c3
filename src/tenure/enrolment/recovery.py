"""A company whose admins are all gone gets a new one: slowly, in the open, and by two of staff.

It decides that nothing is given before the waiting days are over, that everybody who may know better is told at once
and every day until then, and that any of them stops it with one press. It must never make anybody an admin by
itself: what comes at the end is an invitation. Read next: ``people/actions.py``, ``invitation``.
"""

from datetime import datetime

from tenure import events
from tenure.enrolment.models import Recovery
from tenure.enrolment.queries import recoveries, recovery_token
from tenure.enrolment.rules import address_fault
from tenure.kernel.access import SYSTEM, Actor, Side
from tenure.kernel.periods import day_of, plus_days
from tenure.kernel.refusals import Invalid, Refusal
from tenure.partners import actions as partners
from tenure.partners.models import Partner
from tenure.partners.queries import locations
from tenure.people import actions as people
from tenure.people.queries import once_holders
from tenure.plumbing import mail
from tenure.plumbing.db import beat, pack, verb
from tenure.plumbing.models import Mail, StoredFile
from tenure.plumbing.outbox import record
from tenure.programme.queries import current

# VERBS


@verb(Side.STAFF)
def start_recovery(
    actor: Actor,
    partner: Partner,
    *,
    name: str,
    email: str,
    language: str,
    reason: str,
    evidence: StoredFile,
    now: datetime,
) -> Recovery:
    """Begin to give a company without admins a new one; everybody who may know better is told at once."""
    if fault := address_fault(email):
        raise Invalid({"email": fault})
    if not reason.strip():
        raise Invalid({"reason": "text.missing"})
    partner = partners.lock(partner.pk)
    if recoveries(open_only=True).filter(partner=partner).exists():
        raise Refusal("enrolment.recovery_running")
    programme = current()
    today = day_of(now, programme.zone)
    evidence.stored_at = now
    evidence.save()
    row = Recovery.objects.create(
        partner=partner,
        name=name,
        email=email.strip().lower(),
        language=language,
        reason=reason.strip(),
        evidence=evidence,
        started_at=now,
        started_by=actor.behind,
        ready_on=plus_days(today, programme.policy_on(today).recovery_wait_days),
        told_on=today,
    )
    record(actor, "enrolment.start_recovery", now, events.RecoveryMoved(**_of(row), status="recovery_started"))
    _alert(row, now)
    return row


@verb(Side.STAFF)
def agree_recovery(actor: Actor, recovery: Recovery, *, now: datetime) -> Recovery:
    """The second yes, by somebody else of staff than who started it."""
    row = _open(recovery)
    if actor.behind == row.started_by:
        raise Refusal("enrolment.recovery_needs_another")
    if row.agreed_at is None:
        row.agreed_at, row.agreed_by = now, actor.behind
        row.save(update_fields=["agreed_at", "agreed_by"])
        record(actor, "enrolment.agree_recovery", now, events.RecoveryMoved(**_of(row), status="recovery_agreed"))
    return row


@verb(Side.ANYONE)
def stop_recovery(actor: Actor, recovery: Recovery, *, who: str, now: datetime) -> Recovery:
    """Stop it: anybody who was told may, and staff. Stopped stays stopped; it can only be started anew."""
    row = _open(recovery)
    row.stopped_at, row.stopped_by = now, who
    row.save(update_fields=["stopped_at", "stopped_by"])
    record(actor, "enrolment.stop_recovery", now, events.RecoveryMoved(**_of(row), status="recovery_stopped"))
    return row


# JOBS


def follow_recoveries(now: datetime) -> int:
    """Tell of every open recovery once a day; invite where the days are over and two have agreed."""
    programme = current()
    today = day_of(now, programme.zone)
    moved = 0
    for found in recoveries(open_only=True):
        with beat():
            partner = partners.lock(found.partner_id)
            row = Recovery.objects.select_for_update().get(pk=found.pk)
            if not row.open:
                continue
            if row.agreed_at and today >= row.ready_on:
                _invite(partner, row, now)
            elif row.told_on < today:
                row.told_on = today
                row.save(update_fields=["told_on"])
                _alert(row, now)
            else:
                continue
            moved += 1
    return moved


def _invite(partner: Partner, row: Recovery, now: datetime) -> None:
    admins = [role.code for role in current().roles if role.admin and role.side == "partner"]
    people.invitation(
        SYSTEM,
        partner.pk,
        email=row.email,
        name=row.name,
        roles=admins,
        language=row.language,
        verb="enrolment.follow_recoveries",
        now=now,
    )
    row.done_at = now
    row.save(update_fields=["done_at"])
    record(SYSTEM, "enrolment.follow_recoveries", now, events.RecoveryMoved(**_of(row), status="recovery_done"))


def _alert(row: Recovery, now: datetime) -> None:
    """Write to everybody who was ever an admin here, and to every contact the company has named."""
    partner, key = row.partner, f"recovery:{row.pk}:{row.told_on}"
    facts = {
        "company": partner.legal_name,
        "partner_number": partner.number,
        "name": row.name,
        "email": row.email,
        "ready_on": row.ready_on,
    }
    told = set()
    for user in once_holders(partner.pk, current()):
        told.add(user.email.lower())
        link = f"/recovery/{recovery_token(row.pk, f'person:{user.pk}')}/"
        people.tell([user], "enrolment.recovery", facts, key=key, now=now, partner_id=partner.pk, link=link)
    contacts = [(partner.contact_name, partner.contact_email)]
    contacts += [(place.contact_name, place.contact_email) for place in locations(partner.pk)]
    for name, address in contacts:
        if address.lower() in told:
            continue
        told.add(address.lower())
        link = f"/recovery/{recovery_token(row.pk, 'contact')}/"
        letter = Mail(
            key=f"{key}:{address.lower()}",
            partner_id=partner.pk,
            address=address,
            language=partner.language,
            code="enrolment.recovery",
            facts=pack({**facts, "link": link, "person": name}),
            queued_at=now,
        )
        mail.queue([letter])


def _open(recovery: Recovery) -> Recovery:
    partners.lock(recovery.partner_id)
    row = Recovery.objects.select_for_update().get(pk=recovery.pk)
    if not row.open:
        raise Refusal("enrolment.recovery_over")
    return row


def _of(row: Recovery) -> dict:
    return {"partner_id": row.partner_id, "subject": f"recovery:{row.pk}"}
