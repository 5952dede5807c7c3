"""Recording evidence: its only writer. The latest figure counts; earlier ones stay as they were."""

from datetime import date, datetime

from tenure import events
from tenure.competencies.models import Evidence
from tenure.competencies.queries import figures
from tenure.competencies.rules import missing
from tenure.kernel.access import Actor, Side, declare
from tenure.kernel.refusals import Invalid
from tenure.partners.actions import lock
from tenure.partners.models import Partner
from tenure.plumbing.db import verb
from tenure.plumbing.outbox import record
from tenure.programme.queries import current

declare("competencies.view", Side.BOTH, says="See requirements and what the company has reached.")

# VERBS


@verb(Side.STAFF)
def record_evidence(
    actor: Actor,
    partner: Partner,
    *,
    offer: str,
    criterion: str,
    value: int,
    as_of: date,
    note: str = "",
    now: datetime,
) -> Evidence:
    """Enter a company's figure for one criterion; the offer opens the moment the last one is met."""
    described = next((o for o in current().offers if o.code == offer), None)
    if described is None or criterion not in {c.code for c in described.criteria}:
        raise Invalid({"criterion": "competencies.criterion_unknown"})
    if value < 0 or value > 1_000_000_000:
        raise Invalid({"value": "number.impossible"})
    partner = lock(partner.pk)
    before = missing(described, figures(partner.pk).get(offer, {}))
    row = Evidence.objects.create(
        partner=partner,
        offer=offer,
        criterion=criterion,
        value=value,
        as_of=as_of,
        note=note[:300],
        recorded_at=now,
        recorded_by=actor.label,
    )
    of = {"partner_id": partner.pk, "subject": f"competency:{partner.pk}:{offer}"}
    happened = [events.EvidenceRecorded(**of, criterion=criterion, value=value)]
    if before and not missing(described, figures(partner.pk).get(offer, {})):
        happened.append(events.CompetencyQualified(**of, offer=offer))
    record(actor, "competencies.record_evidence", now, *happened)
    return row
