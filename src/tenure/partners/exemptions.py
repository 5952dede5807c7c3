"""Tax exemption: a company applies with its certificate, staff accepts, asks or refuses. The only writer of both.

It decides that an application is decided once and that only an accepted one frees from tax, for orders placed between
its days; issued invoices never change. Sources: domain.md §3.9, R18. Read next: ``partners/rules.py``.
"""

from datetime import date, datetime

from tenure import events
from tenure.kernel.access import SYSTEM, Actor, Side
from tenure.kernel.periods import day_of
from tenure.kernel.refusals import Invalid, Refusal
from tenure.partners.actions import grant, lock
from tenure.partners.models import ExemptionApplication, Partner
from tenure.partners.queries import application_by_key, undecided_application, unwarned
from tenure.partners.rules import APPLICATION_MOVES, ApplicationStatus, ExemptionKind, check_dates
from tenure.plumbing.db import beat, verb
from tenure.plumbing.models import StoredFile
from tenure.plumbing.outbox import close_task, open_task, record
from tenure.programme.queries import current

WORDS_LIMIT = 500
S = ApplicationStatus

# VERBS


@verb(Side.PARTNER)
def ask_exemption(
    actor: Actor,
    partner: Partner,
    *,
    key: str,
    kind: ExemptionKind,
    certificate: str,
    valid_from: date,
    valid_to: date,
    file: StoredFile | None,
    note: str = "",
    now: datetime,
) -> ExemptionApplication:
    """Apply for tax exemption with a certificate, or send it anew where staff has asked for something."""
    partner = lock(partner.pk)
    known = application_by_key(key)
    if known is not None:
        if (known.partner_id, known.certificate) != (partner.pk, certificate.strip()[:80]):
            raise Refusal("idempotency.other_body")
        return known
    if not certificate.strip():
        raise Invalid({"certificate": "exemption.certificate_missing"})
    check_dates(valid_from, valid_to, day_of(now, current().zone))
    row = undecided_application(partner.pk)
    if row is not None and row.status != S.PENDING_PARTNER:
        raise Refusal("exemption.already_asked")
    if row is None and file is None:
        raise Invalid({"file": "file.missing"})
    row = row or ExemptionApplication(partner=partner)
    row.key, row.kind, row.certificate, row.note = key, kind, certificate.strip()[:80], note.strip()[:WORDS_LIMIT]
    row.valid_from, row.valid_to, row.status = valid_from, valid_to, S.SUBMITTED
    row.submitted_at, row.submitted_by, row.moved_at = now, actor.label, now
    if file is not None:
        file.stored_at = now
        file.save()
        row.file = file
    row.save()
    open_task("exemption", f"application:{row.pk}", partner.pk, row.certificate, now)
    _tell(actor, "partners.ask_exemption", row, now)
    return row


@verb(Side.STAFF)
def decide_exemption(
    actor: Actor,
    row: ExemptionApplication,
    *,
    status: ApplicationStatus,
    words: str = "",
    valid_from: date | None = None,
    valid_to: date | None = None,
    now: datetime,
) -> ExemptionApplication:
    """Accept an application with the days it covers, refuse it, or ask for something, with words to read."""
    words = words.strip()[:WORDS_LIMIT]
    if status != S.ACCEPTED and not words:
        raise Invalid({"words": "text.missing"})
    partner = lock(row.partner_id)
    row = ExemptionApplication.objects.select_for_update().get(pk=row.pk)
    if (row.status, row.answer) == (status, words):
        return row
    if status not in APPLICATION_MOVES[ApplicationStatus(row.status)]:
        raise Refusal("exemption.decided")
    row.status, row.answer, row.moved_at = status, words, now
    if status == S.ACCEPTED:
        first, last = valid_from or row.valid_from, valid_to or row.valid_to
        check_dates(first, last, day_of(now, current().zone))
        days = {"valid_from": first, "valid_to": last}
        row.exemption = grant(actor, partner, row.certificate, **days, verb="partners.decide_exemption", now=now)
    if status != S.PENDING_PARTNER:
        row.decided_at, row.decided_by = now, actor.label
    row.save()
    close_task("exemption", f"application:{row.pk}", actor, now)
    _tell(actor, "partners.decide_exemption", row, now)
    return row


# JOBS


def warn_ending(now: datetime) -> int:
    """Tell companies whose exemption ends within a month and is followed by none, once each."""
    told = 0
    for ending in unwarned(day_of(now, current().zone)):
        with beat():
            lock(ending.partner_id)
            ending.refresh_from_db()
            if ending.warned_at is None:
                ending.warned_at = now
                ending.save(update_fields=["warned_at"])
                of = {"partner_id": ending.partner_id, "subject": f"partner:{ending.partner_id}"}
                days = {"certificate": ending.certificate, "valid_to": ending.valid_to}
                record(SYSTEM, "partners.warn_ending", now, events.ExemptionEnding(**of, **days))
                told += 1
    return told


def _tell(actor: Actor, verb: str, row: ExemptionApplication, now: datetime) -> None:
    of = {"partner_id": row.partner_id, "subject": f"partner:{row.partner_id}"}
    record(actor, verb, now, events.ExemptionMoved(**of, application=row.pk, status=str(row.status), words=row.answer))
