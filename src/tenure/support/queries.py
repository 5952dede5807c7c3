"""Reading support requests: the own ones, the company's, the staff's queue."""

from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet

from tenure.benefits.queries import used_of_term
from tenure.kernel.access import Actor, may
from tenure.kernel.money import Money
from tenure.kernel.refusals import Decision
from tenure.memberships.models import Subscription, Term
from tenure.memberships.queries import facts_of
from tenure.payments.models import Payment, RefundApproval
from tenure.payments.queries import approvals, payment_of, refunded_minor
from tenure.programme.queries import version
from tenure.programme.rules import Policy
from tenure.support.models import Note, Request
from tenure.support.rules import RefundFacts, RequestStatus, approvals_needed, limit, may_refund


def visible_to(actor: Actor) -> QuerySet[Request]:
    """All for staff; a company's requests for those who may see them all; else only one's own (R23)."""
    if actor.is_staff and may(actor, "support.view"):
        return Request.objects.all()
    whole = [p for p in actor.grants if may(actor, "support.view_all", p)]
    rows = Request.objects.filter(partner_id__in=actor.grants)
    return rows.filter(partner_id__in=whole) | rows.filter(opened_by_id=actor.id)


def get(number: str) -> Request | None:
    return (
        Request.objects.select_related("partner", "subscription", "opened_by", "refund").filter(number=number).first()
    )


def queue() -> QuerySet[Request]:
    """What waits for staff, the longest waiting first."""
    return (
        Request.objects.exclude(status=RequestStatus.CLOSED)
        .select_related("partner", "subscription", "opened_by")
        .order_by("moved_at", "id")
    )


def thread(request: Request, *, staff: bool) -> QuerySet[Note]:
    notes = request.notes.select_related("author").order_by("id")
    return notes if staff else notes.filter(internal=False)


def open_cancel(subscription: Subscription) -> Request | None:
    return Request.objects.filter(subscription=subscription, action="cancel", closed_at=None).first()


def open_cancels(partner_id: int) -> dict[int, str]:
    """The numbers of a company's open cancel requests, by subscription."""
    rows = Request.objects.filter(partner_id=partner_id, action="cancel", closed_at=None)
    return dict(rows.values_list("subscription_id", "number"))


def listed(actor: Actor, partner_id: int) -> QuerySet[Request]:
    """The requests of one company that a person may see, the last moved first."""
    return (
        visible_to(actor)
        .filter(partner_id=partner_id)
        .select_related("opened_by", "subscription")
        .order_by("-moved_at", "-id")
    )


def awaiting_answer(actor: Actor, partner_id: int) -> list[Request]:
    """Requests in which staff waits for a word from the partner, as far as the person may see them."""
    rows = visible_to(actor).filter(partner_id=partner_id, status=RequestStatus.ATTENTION)
    return list(rows.order_by("moved_at", "id"))


@dataclass(frozen=True, slots=True)
class RefundCase:
    """Everything on which a refund is decided, for staff to see and the verb to use."""

    term: Term
    payment: Payment | None
    decision: Decision
    amount: Money | None
    limit: Money | None
    approvals_needed: int
    approvals: list[RefundApproval]
    policy: Policy


def refund_case(subscription: Subscription, requested_on: date, request: Request | None = None) -> RefundCase | None:
    """The refund of a subscription's newest term as it would be decided for a request of that day."""
    holding = facts_of(subscription)
    if holding is None:
        return None
    payment = payment_of(holding.term.order_id) if holding.term.order_id else None
    used = used_of_term(holding.term.pk)
    purchased_on = payment.value_on if payment else holding.term.starts_on
    policy = version(holding.term.programme.n).policy(holding.term.policy)
    facts = RefundFacts(
        purchased_on,
        requested_on,
        used.key_revealed_at,
        used.anything_used,
        payment is None or subscription.cancelled_at is not None,
    )
    amount = Money(payment.amount_minor - refunded_minor(payment), payment.currency) if payment else None
    return RefundCase(
        holding.term,
        payment,
        may_refund(facts, policy),
        amount,
        limit(policy, amount.currency) if amount else None,
        approvals_needed(amount, policy) if amount else 1,
        approvals(request.pk) if request else [],
        policy,
    )


def closed() -> QuerySet[Request]:
    """What is done, the newest first."""
    rows = Request.objects.filter(status=RequestStatus.CLOSED).select_related("partner", "subscription", "opened_by")
    return rows.order_by("-closed_at", "-id")


def of_partner(partner_id: int) -> QuerySet[Request]:
    return Request.objects.filter(partner_id=partner_id).select_related("subscription").order_by("-id")
