"""Support requests: opened, answered, decided. The only writer of requests, and the only way to a refund.

It decides, by rule, what a cancel request ends in: the money back and the term over, or "do not renew". It
must never let one person move more than the limit, or the requester approve. Read next: ``support/rules.py``.
"""

from datetime import datetime, timedelta

from tenure import events
from tenure.billing.queries import invoice_of_payment
from tenure.kernel import access
from tenure.kernel.access import Actor, Side, declare, may
from tenure.kernel.money import Money
from tenure.kernel.periods import day_of
from tenure.kernel.refusals import Invalid, NotYours, Refusal
from tenure.memberships import actions as memberships
from tenure.memberships.models import Subscription
from tenure.partners.actions import lock
from tenure.partners.models import Partner
from tenure.payments import actions as payments
from tenure.payments.models import Refund
from tenure.payments.queries import approvals
from tenure.payments.rules import RefundKind
from tenure.plumbing.db import beat, crash_point, inside, take_numbers, verb
from tenure.plumbing.outbox import record
from tenure.programme.queries import current
from tenure.purchases.charging import refund_made
from tenure.renewals.actions import turn_off_auto_renew, void_automatic
from tenure.support.models import Note, Request
from tenure.support.queries import RefundCase, refund_case
from tenure.support.rules import Action, Outcome, RequestStatus, approvals_needed

TEXT_LIMIT = 5000
declare("support.view_all", Side.BOTH, says="See all of the company's requests, not only one's own.")
declare("support.view", Side.BOTH, says="See support requests.")

# VERBS


@verb(Side.PARTNER)
def open_request(
    actor: Actor,
    partner: Partner,
    *,
    problem_type: str,
    subject: str,
    description: str,
    subscription: Subscription | None = None,
    now: datetime,
) -> Request:
    """Open a support request. A cancel request turns auto-renew off at once, before anybody answers (decision 7)."""
    programme = current()
    kind = next((p for p in programme.problem_types if p.code == problem_type), None)
    faults = {"problem_type": "support.problem_type_unknown"} if kind is None else {}
    faults |= {
        name: "text.missing" for name, text in (("subject", subject), ("description", description)) if not text.strip()
    }
    faults |= {"description": "text.too_long"} if len(description) > TEXT_LIMIT else {}
    if faults:
        raise Invalid(faults, limit=TEXT_LIMIT)
    partner = lock(partner.pk)
    action = (kind.action or Action.NONE) if subscription or kind.action != Action.CANCEL else Action.NONE
    if subscription is not None and subscription.partner_id != partner.pk:
        raise NotYours("subscription")
    if action == Action.CANCEL:
        # Cancelling switches auto-renew off, so it takes the same right (domain.md §2.2).
        access.decide(actor, turn_off_auto_renew.permission, partner.pk)
        running = Request.objects.filter(subscription=subscription, action=Action.CANCEL, closed_at=None).first()
        if running:
            raise Refusal("support.cancel_already_requested", number=running.number)
    today = day_of(now, programme.zone)
    row = Request.objects.create(
        number=f"SR-{today.year}-{take_numbers(f'request:{today.year}'):04d}",
        partner=partner,
        problem_type=problem_type,
        subject=subject.strip()[:200],
        subscription=subscription,
        action=action,
        opened_at=now,
        opened_on=today,
        opened_by_id=actor.id,
        moved_at=now,
    )
    Note.objects.create(request=row, author_id=actor.id, text=description.strip(), at=now)
    if action == Action.CANCEL:
        subscription = memberships.locked(subscription)
        memberships.set_auto_renew(
            actor, subscription, on=False, cause="cancel_request", verb="support.open_request", now=now
        )
        void_automatic(actor, subscription, now)
    record(
        actor,
        "support.open_request",
        now,
        events.RequestOpened(**_of(row), number=row.number, problem_type=problem_type),
    )
    return row


@verb(Side.BOTH)
def reply(actor: Actor, request: Request, *, text: str, internal: bool = False, now: datetime) -> Note:
    """Write into a request's thread. Staff's answer waits for the partner; the partner's reopens."""
    if not text.strip():
        raise Invalid({"text": "text.missing"})
    if len(text) > TEXT_LIMIT:
        raise Invalid({"text": "text.too_long"}, limit=TEXT_LIMIT)
    row = _locked(request)
    staff = actor.is_staff and row.partner_id not in actor.grants
    if not staff and not may(actor, "support.view_all", row.partner_id) and row.opened_by_id != actor.id:
        raise Refusal("access.forbidden", permission="support.view_all", partner_id=row.partner_id)
    note = Note.objects.create(
        request=row, author_id=actor.id, by_staff=staff, internal=internal and staff, text=text.strip(), at=now
    )
    happened = [
        events.RequestReplied(**_of(row), number=row.number, by_staff=staff, internal=note.internal),
    ]
    if not note.internal:
        before, row.moved_at = row.status, now
        row.status = RequestStatus.ATTENTION if staff else RequestStatus.OPEN
        if before == RequestStatus.CLOSED:
            row.closed_at = None
            happened.append(events.RequestReopened(**_of(row), number=row.number))
        row.save()
    record(actor, "support.reply", now, *happened)
    return note


@verb(Side.STAFF)
def close_request(actor: Actor, request: Request, *, text: str, now: datetime) -> Request:
    """Close a request with a last word to the partner."""
    row = _locked(request)
    if row.status == RequestStatus.CLOSED:
        raise Refusal("support.closed", number=row.number)
    if text.strip():
        Note.objects.create(request=row, author_id=actor.id, by_staff=True, text=text.strip(), at=now)
    _close(actor, row, Outcome.ANSWERED, now)
    return row


@verb(Side.STAFF, money=True)
def decide(
    actor: Actor, request: Request, *, refund: bool, override: bool = False, reason: str = "", now: datetime
) -> Request:
    """Decide a cancel request: refund by the rule (or overridden with a reason), else "do not renew".

    Above the limit the first yes is kept, and a second person's yes gives the money back.
    """
    promised = None
    with beat():
        row = _locked(request)
        _decidable(row)
        if refund:
            promised = _agree(actor, row, override, reason.strip(), now)
        else:
            _do_not_renew(actor, row, now)
    return _given_back(request, promised, actor, now)


@verb(Side.STAFF, money=True)
def approve_refund(actor: Actor, request: Request, *, now: datetime) -> Request:
    """Give the second yes to a refund above the limit, as the first person put it. Alone it decides nothing."""
    with beat():
        row = _locked(request)
        _decidable(row)
        if row.action == Action.EXEMPTION or not approvals(row.pk):
            raise Refusal("support.nothing_to_approve", number=row.number)
        promised = _agree(actor, row, row.override, row.reason, now)
    return _given_back(request, promised, actor, now)


@verb(Side.STAFF, money=True)
def refund_tax(actor: Actor, request: Request, *, now: datetime) -> Request:
    """Give back the tax of a payment made within the last year, for a partner exempted since (R18, S41)."""
    with beat():
        row = _locked(request)
        if row.status == RequestStatus.CLOSED:
            raise Refusal("support.closed", number=row.number)
        case = _case(row)
        if case.payment.value_on < day_of(now, current().zone) - timedelta(days=case.policy.tax_refund_days):
            raise Refusal(
                "refund.too_late", last_day=case.payment.value_on + timedelta(days=case.policy.tax_refund_days)
            )
        if not row.partner.exemptions.filter(valid_to__gte=case.payment.value_on).exists():
            raise Refusal("refund.not_exempt")
        tax = invoice_of_payment(case.payment.pk).tax
        if not tax:
            raise Refusal("refund.already_refunded")
        if row.refund_id:
            promised = row.refund
        elif _enough_agree(actor, row, case, tax, now):
            promised = _promise(row, case, RefundKind.TAX, tax, row.subject, now)
        else:
            promised = None
    return _given_back(request, promised, actor, now)


# BEATS: outside any transaction; safe to repeat.


def _given_back(request: Request, promised: Refund | None, actor: Actor, now: datetime) -> Request:
    """The second and third beat of a refund that has been promised; of any other decision, nothing."""
    crash_point("refund_promised")
    if promised is not None:
        refund_made(promised, actor=actor, now=now)
    return finish(request, actor, now)


# STEPS


def finish(request: Request, actor: Actor, now: datetime) -> Request:
    """Close a request whose refund has been made; repeated by the janitor after a crash."""
    with beat():
        row = _locked(request)
        if row.refund_id and row.refund.made_at and row.status != RequestStatus.CLOSED:
            outcome = Outcome.TAX_REFUNDED if row.refund.kind == RefundKind.TAX else Outcome.REFUNDED
            _close(actor, row, outcome, now)
    return row


def finish_refunded(now: datetime, actor: Actor) -> int:
    """Close every open request whose refund has been made since."""
    rows = list(Request.objects.filter(refund__made_at__isnull=False).exclude(status=RequestStatus.CLOSED))
    for row in rows:
        finish(row, actor, now)
    return len(rows)


def _locked(request: Request) -> Request:
    inside("locking a request")
    lock(request.partner_id)
    return (
        Request.objects.select_for_update(of=("self",))
        .select_related("partner", "subscription", "refund")
        .get(pk=request.pk)
    )


def _decidable(row: Request) -> None:
    if row.status == RequestStatus.CLOSED:
        raise Refusal("support.closed", number=row.number)
    if row.subscription is None:
        raise Refusal("support.nothing_to_cancel")


def _case(row: Request) -> RefundCase:
    case = refund_case(row.subscription, row.opened_on, row) if row.subscription else None
    if case is None or case.payment is None:
        raise Refusal("refund.nothing_paid")
    return case


def _agree(actor: Actor, row: Request, override: bool, reason: str, now: datetime) -> Refund | None:
    """Take one person's yes; the refund is promised when enough have agreed."""
    case = _case(row)
    if not override:
        case.decision.require()
    elif not reason:
        raise Invalid({"reason": "text.missing"})
    if row.refund_id:
        return row.refund
    row.override, row.reason, row.decided_by = override, reason[:500], actor.label
    row.save()
    if not _enough_agree(actor, row, case, case.amount, now):
        return None
    return _promise(row, case, RefundKind.FULL, case.amount, reason or row.subject, now)


def _enough_agree(actor: Actor, row: Request, case: RefundCase, amount: Money, now: datetime) -> bool:
    """Keep one person's yes to an amount; one person twice is one (I-48)."""
    if actor.id == row.opened_by_id:
        raise Refusal("support.requester_cannot_approve")
    new = payments.agree_to_refund(actor, row.pk, case.limit, now)
    if len(approvals(row.pk)) >= approvals_needed(amount, case.policy):
        return True
    if not new:
        raise Refusal("support.second_approver_needed", limit=case.limit)
    record(actor, "support.decide", now, events.RefundApproved(**_of(row), number=row.number))
    return False


def _promise(row: Request, case: RefundCase, kind: RefundKind, amount: Money, reason: str, now: datetime) -> Refund:
    promised = payments.promise_refund(
        case.payment,
        kind=kind,
        amount=amount,
        reason=reason,
        requested_by=f"person:{row.opened_by_id}",
        request_id=row.pk,
        now=now,
    )
    row.refund = promised
    row.save(update_fields=["refund"])
    return promised


def _do_not_renew(actor: Actor, row: Request, now: datetime) -> None:
    """Not refunded: auto-renew stays off and the subscription runs to its expiry (decision 6)."""
    memberships.set_auto_renew(
        actor, row.subscription, on=False, cause="cancel_request", verb="support.decide", now=now
    )
    _close(actor, row, Outcome.DO_NOT_RENEW, now)


def _close(actor: Actor, row: Request, outcome: Outcome, now: datetime) -> None:
    row.status, row.outcome, row.closed_at, row.moved_at = RequestStatus.CLOSED, outcome, now, now
    row.decided_by = row.decided_by or actor.label
    row.save()
    record(actor, "support.decide", now, events.RequestClosed(**_of(row), number=row.number, outcome=outcome))


def _of(row: Request) -> dict:
    return {"partner_id": row.partner_id, "subject": f"request:{row.pk}"}
