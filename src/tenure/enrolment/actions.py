"""Joining the programme and being verified: the only writer of acceptances and checks.

It decides when a company becomes authorised. It must never let an unconfirmed address or an undecided check
pass by default. Read next: ``enrolment/rules.py``.
"""

from datetime import datetime

from tenure import events
from tenure.enrolment.models import Acceptance, Check, Evidence
from tenure.enrolment.queries import AGREEMENT, accepted, checks
from tenure.enrolment.rules import Kind, State, address_fault, check_company, reopened, still_changed, verdict
from tenure.kernel.access import Actor, Side
from tenure.kernel.refusals import Invalid, Refusal
from tenure.partners import actions as partners
from tenure.partners.models import Partner
from tenure.partners.rules import Company
from tenure.people import actions as people
from tenure.people import limits
from tenure.people.models import User
from tenure.people.queries import people_by_id
from tenure.plumbing.db import verb
from tenure.plumbing.models import StoredFile
from tenure.plumbing.outbox import record
from tenure.programme.queries import current

LINKS_AN_HOUR = 3
PAPERS_A_DAY = 20

# VERBS


@verb(Side.ANYONE)
def join(
    actor: Actor,
    subject: None,
    *,
    company: Company,
    password: str,
    language: str,
    agreement_version: str,
    now: datetime,
) -> Partner:
    """Enrol a company: its first person becomes its administrator and confirms the address by mail."""
    check_company(company)
    if fault := address_fault(company.contact_email):
        raise Invalid({"contact_email": fault})
    people.sound_password(password, name=company.contact_name, email=company.contact_email)
    programme = current()
    if agreement_version != programme.agreement(AGREEMENT).version:
        raise Refusal("enrolment.agreement_changed")
    try:
        user = people.create_person(
            name=company.contact_name, email=company.contact_email, password=password, language=language, now=now
        )
    except Refusal as refusal:
        raise Invalid({"contact_email": refusal.code}) from refusal
    partner = partners.create(company, language=language, now=now)
    admins = [role.code for role in programme.roles if role.admin and role.side == "partner"]
    people.place(user, partner.pk, admins, now)
    Check.objects.bulk_create(Check(partner=partner, kind=kind, opened_at=now) for kind in Kind)
    joined = Actor("person", user.pk, user.name)
    record(
        joined,
        "enrolment.join",
        now,
        events.PartnerJoined(**_of(partner), number=partner.number),
        events.ConfirmationAsked(**_of(partner), person=user.pk),
    )
    agree(joined, partner, user, agreement_version, "enrolment.join", now)
    return partner


@verb(Side.PARTNER)
def ask_confirmation_again(actor: Actor, partner: Partner, *, now: datetime) -> None:
    """Send the link that confirms the address once more, a few times an hour."""
    limits.take("confirmation", str(partner.pk), amount=LINKS_AN_HOUR, per=limits.HOUR, now=now)
    record(actor, "enrolment.ask_confirmation_again", now, events.ConfirmationAsked(**_of(partner), person=actor.id))


@verb(Side.PARTNER)
def accept_agreement(actor: Actor, partner: Partner, *, version: str, now: datetime) -> Partner:
    """Accept the programme agreement in the version that is put before people now. Twice is once."""
    partner = partners.lock(partner.pk)
    if version != current().agreement(AGREEMENT).version:
        raise Refusal("enrolment.agreement_changed")
    if not accepted(partner.pk, AGREEMENT, version):
        [user] = people_by_id([actor.id]).values()
        agree(actor, partner, user, version, "enrolment.accept_agreement", now)
    return partner


@verb(Side.ANYONE)
def confirm_email(actor: Actor, partner: Partner, *, now: datetime) -> Partner:
    """The link in the mail was followed: the address belongs to whoever reads it."""
    partner = partners.lock(partner.pk)
    check = Check.objects.select_for_update().get(partner=partner, kind=Kind.EMAIL)
    if check.state != State.PASSED:
        _decide(actor, check, State.PASSED, "", now)
        record(actor, "enrolment.confirm_email", now, events.EmailConfirmed(**_of(partner)))
        _conclude(actor, partner, now)
    return partner


@verb(Side.STAFF)
def decide(actor: Actor, check: Check, *, passed: bool, reason: str, now: datetime) -> Check:
    """Decide one check; a rejection says why in words the partner will read."""
    partner = partners.lock(check.partner_id)
    check = Check.objects.select_for_update().get(pk=check.pk)
    if check.state != State.PENDING:
        raise Refusal("enrolment.already_decided", by=check.decided_by)
    if not passed and not reason.strip():
        raise Invalid({"reason": "text.missing"})
    _decide(actor, check, State.PASSED if passed else State.REJECTED, reason.strip(), now)
    _conclude(actor, partner, now)
    return check


@verb(Side.PARTNER)
def hand_in(actor: Actor, check: Check, *, file: StoredFile, note: str, now: datetime) -> Evidence:
    """Hand in a document for a check that is not decided yet; it decides nothing."""
    partner = partners.lock(check.partner_id)
    check = Check.objects.select_for_update().get(pk=check.pk)
    if check.state != State.PENDING or check.kind == Kind.EMAIL:
        raise Refusal("enrolment.nothing_to_prove")
    limits.take("evidence", str(partner.pk), amount=PAPERS_A_DAY, per=limits.DAY, now=now)
    return _keep(actor, check, file, note.strip(), now)


@verb(Side.PARTNER)
def appeal(actor: Actor, check: Check, *, comment: str, evidence: StoredFile | None, now: datetime) -> Check:
    """Ask for another look at a rejected check, with a comment and a document."""
    if not comment.strip():
        raise Invalid({"comment": "text.missing"})
    partner = partners.lock(check.partner_id)
    check = Check.objects.select_for_update().get(pk=check.pk)
    if check.state != State.REJECTED:
        raise Refusal("enrolment.nothing_to_appeal")
    if evidence is not None:
        _keep(actor, check, evidence, "", now)
    check.state, check.appeal, check.appealed_at, check.evidence = State.PENDING, comment.strip(), now, evidence
    check.opened_at = now
    check.save()
    record(actor, "enrolment.appeal", now, events.CheckAppealed(**_of(partner), kind=check.kind))
    _conclude(actor, partner, now)
    return check


@verb(Side.PARTNER, name="company.edit")
def change_company(actor: Actor, partner: Partner, *, company: Company, now: datetime) -> Partner:
    """Change the company's data; what was verified and has changed is verified again, and nothing else."""
    check_company(company)
    partner = partners.lock(partner.pk)
    before, after = partners.change(partner, company)
    if not after:
        return partner
    record(actor, "company.edit", now, events.PartnerChanged(**_of(partner), before=before, after=after))
    again = reopened(before, after)
    if Kind.EMAIL in again:
        record(actor, "company.edit", now, events.ConfirmationAsked(**_of(partner), person=actor.id))
    for check in Check.objects.select_for_update().filter(partner=partner, kind__in=again).order_by("pk"):
        check.changed = still_changed(check.changed, again[Kind(check.kind)])
        check.state, check.reason, check.decided_at, check.decided_by = State.PENDING, "", None, ""
        check.opened_at = now
        check.save()
    if again:
        _conclude(actor, partner, now)
    return partner


# STEPS


def agree(actor: Actor, partner: Partner, user: User, version: str, verb: str, now: datetime) -> None:
    """Keep, and tell, that a person has accepted the programme agreement for a company."""
    Acceptance.objects.create(partner=partner, agreement=AGREEMENT, version=version, user=user, at=now)
    said = events.AgreementAccepted(**_of(partner), agreement=AGREEMENT, version=version, person=user.pk)
    record(actor, verb, now, said)


def verify_at_once(actor: Actor, partner: Partner, now: datetime) -> None:
    """Pass every check without asking: for companies an import has already vouched for."""
    known = {check.kind for check in checks(partner)}
    Check.objects.bulk_create(Check(partner=partner, kind=kind, opened_at=now) for kind in Kind if kind not in known)
    partner.checks.update(state=State.PASSED, reason="", decided_at=now, decided_by=actor.label)
    happened: list[events.Event] = [_decided(check) for check in checks(partner)]
    if partner.verified_at is None:
        partners.set_verified(partner, now)
        happened.append(events.PartnerVerified(**_of(partner)))
    record(actor, "enrolment.decide", now, *happened)


def company_of(partner: Partner) -> Company:
    """The company's data as it stands, to be changed and handed back."""
    return Company(**{name: getattr(partner, name) for name in Company.__dataclass_fields__})


def _decide(actor: Actor, check: Check, state: State, reason: str, now: datetime) -> None:
    check.state, check.reason, check.decided_at, check.decided_by = state, reason, now, actor.label
    check.changed = {}
    check.save()
    record(actor, "enrolment.decide", now, _decided(check))


def _keep(actor: Actor, check: Check, file: StoredFile, note: str, now: datetime) -> Evidence:
    if file.pk is None:
        file.stored_at = now
        file.save()
    of = {"check_row": check, "partner_id": check.partner_id, "file": file, "note": note}
    row = Evidence.objects.create(**of, handed_in_at=now, handed_in_by=actor.label)
    said = events.EvidenceHandedIn(partner_id=check.partner_id, subject=f"check:{check.pk}", kind=check.kind)
    record(actor, "enrolment.hand_in", now, said)
    return row


def _decided(check: Check) -> events.CheckDecided:
    of = {"partner_id": check.partner_id, "subject": f"check:{check.pk}"}
    return events.CheckDecided(**of, kind=check.kind, state=check.state, reason=check.reason)


def _conclude(actor: Actor, partner: Partner, now: datetime) -> None:
    """Let the company's standing follow from its checks."""
    conclusion = verdict({Kind(check.kind): State(check.state) for check in checks(partner)})
    if conclusion is State.PASSED:
        if partner.verified_at is None:
            partners.set_verified(partner, now)
            record(actor, "enrolment.decide", now, events.PartnerVerified(**_of(partner)))
    else:
        partners.set_unverified(partner, rejected_at=now if conclusion is State.REJECTED else None)


def _of(partner: Partner) -> dict:
    return {"partner_id": partner.pk, "subject": f"partner:{partner.pk}"}
