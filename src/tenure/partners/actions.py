"""Partner companies: the only writer of their rows.

``lock`` is the first lock of every verb that touches a partner: one order of locks everywhere, so nothing
deadlocks and nothing about one partner happens twice at once.
"""

from collections.abc import Iterable
from dataclasses import asdict, fields
from datetime import date, datetime

from tenure import events
from tenure.kernel.access import Actor, Side, declare
from tenure.kernel.refusals import Refusal
from tenure.partners.models import Partner, TaxExemption
from tenure.partners.rules import Company, ManagedIn
from tenure.plumbing.db import inside, take_numbers, verb
from tenure.plumbing.outbox import record

FIRST_NUMBER = 1_234_565
declare("partners.view", Side.STAFF, says="See partner companies.")
declare("company.view", Side.BOTH, says="See the company's data.")

# VERBS


@verb(Side.STAFF)
def suspend(actor: Actor, partner: Partner, *, reason: str, now: datetime) -> Partner:
    """Keep a company from buying and renewing; what it holds goes on (domain.md, R28)."""
    partner = lock(partner.pk)
    partner.suspended_at, partner.suspended_reason = now, reason
    partner.save(update_fields=["suspended_at", "suspended_reason"])
    record(actor, "partners.suspend", now, events.PartnerSuspended(**_of(partner), reason=reason))
    return partner


@verb(Side.STAFF)
def reinstate(actor: Actor, partner: Partner, *, now: datetime) -> Partner:
    """Lift a suspension."""
    partner = lock(partner.pk)
    partner.suspended_at, partner.suspended_reason = None, ""
    partner.save(update_fields=["suspended_at", "suspended_reason"])
    record(actor, "partners.reinstate", now, events.PartnerReinstated(**_of(partner)))
    return partner


@verb(Side.STAFF)
def grant_exemption(
    actor: Actor, partner: Partner, *, certificate: str, valid_from: date, valid_to: date, now: datetime
) -> TaxExemption:
    """Record a tax exemption certificate with its dates."""
    if valid_to < valid_from:
        raise Refusal("date.impossible", field="valid_to")
    days = {"valid_from": valid_from, "valid_to": valid_to}
    return grant(actor, lock(partner.pk), certificate, **days, verb="partners.grant_exemption", now=now)


@verb(Side.STAFF)
def invite_from_old_portal(actor: Actor, partner: Partner, *, now: datetime) -> Partner:
    """Invite a company that is still managed in the old portal to renew here from now on."""
    partner = lock(partner.pk)
    if partner.managed_in == ManagedIn.HERE:
        return partner
    partner.invited_here_at = now
    partner.save(update_fields=["invited_here_at"])
    record(actor, "partners.invite_from_old_portal", now, events.PartnerInvitedHere(**_of(partner)))
    return partner


@verb(Side.PARTNER)
def move_here(actor: Actor, partner: Partner, *, now: datetime) -> Partner:
    """Accept the invitation: the company is managed here, under this programme's window (domain.md §6, 17)."""
    partner = lock(partner.pk)
    if partner.managed_in == ManagedIn.HERE:
        return partner
    if partner.invited_here_at is None:
        raise Refusal("partners.not_invited_here")
    partner.managed_in, partner.moved_here_at = ManagedIn.HERE, now
    partner.save(update_fields=["managed_in", "moved_here_at"])
    record(actor, "partners.move_here", now, events.PartnerMovedHere(**_of(partner)))
    return partner


# STEPS


def lock(partner_id: int) -> Partner:
    """The partner's row, locked until the transaction ends."""
    inside("locking a partner")
    return Partner.objects.select_for_update().get(pk=partner_id)


def lock_all(ids: Iterable[int]) -> dict[int, Partner]:
    """The rows of several partners, locked one after the other in the order of their numbers."""
    inside("locking partners")
    return {row.pk: row for row in Partner.objects.select_for_update().filter(pk__in=set(ids)).order_by("pk")}


def grant(
    actor: Actor, partner: Partner, certificate: str, *, valid_from: date, valid_to: date, verb: str, now: datetime
) -> TaxExemption:
    """An exemption between two days, both inclusive: for orders placed then, never for what has been issued."""
    inside("granting an exemption")
    days = {"valid_from": valid_from, "valid_to": valid_to}
    row = TaxExemption.objects.create(
        partner=partner, certificate=certificate, **days, granted_at=now, granted_by=actor.label
    )
    record(actor, verb, now, events.PartnerExempted(**_of(partner), certificate=certificate, **days))
    return row


def create(company: Company, *, language: str, now: datetime, managed_in: ManagedIn = ManagedIn.HERE) -> Partner:
    """A new partner with the next partner ID."""
    number = FIRST_NUMBER + take_numbers("partner")
    return Partner.objects.create(
        number=str(number), language=language, created_at=now, managed_in=managed_in, **asdict(company)
    )


def change(partner: Partner, company: Company) -> tuple[dict, dict]:
    """Write a company's new data; returns what changed, before and after."""
    inside("changing a partner")
    names = [f.name for f in fields(Company)]
    before = {name: getattr(partner, name) for name in names if getattr(partner, name) != getattr(company, name)}
    after = {name: getattr(company, name) for name in before}
    for name, value in after.items():
        setattr(partner, name, value)
    partner.save(update_fields=list(after) or None)
    return before, after


def set_approval(partner: Partner, above_minor: int | None, currency: str) -> None:
    """From which amount on a company's orders wait for one of its approvers; ``None``: never."""
    inside("setting what has to be approved")
    partner.approval_above_minor = above_minor
    partner.approval_currency = "" if above_minor is None else currency
    partner.save(update_fields=["approval_above_minor", "approval_currency"])


def set_verified(partner: Partner, now: datetime) -> None:
    partner.verified_at, partner.rejected_at = now, None
    partner.save(update_fields=["verified_at", "rejected_at"])


def set_unverified(partner: Partner, *, rejected_at: datetime | None) -> None:
    partner.verified_at, partner.rejected_at = None, rejected_at
    partner.save(update_fields=["verified_at", "rejected_at"])


def _of(partner: Partner) -> dict:
    return {"partner_id": partner.pk, "subject": f"partner:{partner.pk}"}
