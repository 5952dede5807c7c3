"""What follows from orders and payments: telling people, making the invoice's PDF. Shallow on purpose."""

from datetime import datetime

from django.db import transaction

from tenure import events
from tenure.billing.actions import store_pdf
from tenure.billing.queries import by_id as invoice_by_id
from tenure.billing.queries import come_in, withheld, withholding, without_pdf
from tenure.kernel.money import Money
from tenure.memberships.queries import term as term_by_id
from tenure.people.actions import tell
from tenure.people.queries import holders
from tenure.plumbing.models import Event
from tenure.programme.queries import current, version
from tenure.purchases.models import Order
from tenure.purchases.queries import order, order_by_id
from tenure.purchases.receiving import approval_of, waits_for_approval
from tenure.purchases.rules import Origin


def _tell(row: Order, event: Event, code: str, now: datetime, *permissions: str, about: str = "", **facts) -> None:
    programme = current()
    people = {user.pk: user for name in permissions for user in holders(row.partner_id, name, programme)}
    facts = {
        "number": row.number,
        "offer": version(row.programme.n).offer(row.offer).name,
        "amount": row.total,
        "company": row.partner.legal_name,
        "partner_number": row.partner.number,
        **facts,
    }
    with transaction.atomic():
        tell(
            list(people.values()),
            code,
            facts,
            key=f"event:{event.pk}",
            now=now,
            partner_id=row.partner_id,
            link=f"/orders/{row.number}/",
            about=about,
        )


def tell_placed(happened: events.OrderPlaced, event: Event, now: datetime) -> None:
    """A transfer order: where to pay, how much, by when. A card order says nothing until it is paid."""
    row = order(happened.number)
    if row.method == "bank_transfer" and row.open and not waits_for_approval(row.pk):
        account = version(row.programme.n).seller.bank_accounts[row.currency]
        _tell(
            row,
            event,
            "orders.placed",
            now,
            "purchases.buy",
            "billing.view",
            reference=row.reference,
            pay_by=row.expires_on,
            account=account,
        )


def tell_approval_asked(happened: events.OrderApprovalAsked, event: Event, now: datetime) -> None:
    """An order waits within its company: those who may approve it."""
    row = order(happened.number)
    if row.open and waits_for_approval(row.pk):
        _tell(row, event, "orders.approval_asked", now, "purchases.approve_order", pay_by=row.expires_on)


def tell_approval_decided(happened: events.OrderApprovalDecided, event: Event, now: datetime) -> None:
    """The answer, to those who may buy; of a transfer order the way to pay follows."""
    row = order(happened.number)
    if happened.approved:
        _tell(row, event, "orders.approved", now, "purchases.buy", pay_by=row.expires_on)
    else:
        _tell(row, event, "orders.not_approved", now, "purchases.buy", answer=approval_of(row.pk).reason)


def tell_paid(happened: events.OrderPaid, event: Event, now: datetime) -> None:
    row = order(happened.number)
    term = term_by_id(happened.term)
    invoice = invoice_by_id(happened.invoice)
    _tell(
        row,
        event,
        "orders.paid",
        now,
        "purchases.buy",
        "billing.view",
        expires_on=term.expires_on,
        starts_on=term.starts_on,
        invoice=invoice.number,
        automatic=row.origin == Origin.AUTO_RENEWAL,
        auto_renew=term.subscription.auto_renew,
        withheld=withheld(row.pk, row.currency),
    )


def tell_declined(happened: events.PaymentDeclined, event: Event, now: datetime) -> None:
    """Only an automatic charge is told by mail: whoever pays by hand sees it on the page."""
    row = order(happened.number)
    if happened.automatic:
        _tell(
            row,
            event,
            "payments.declined",
            now,
            "purchases.buy",
            reason=happened.reason,
            closes_on=row.renews.renewal_closes_on,
            retries=not happened.hard,
            card=str(row.card),
        )


def tell_action_needed(happened: events.PaymentActionNeeded, event: Event, now: datetime) -> None:
    row = order(happened.number)
    _tell(row, event, "payments.action_needed", now, "purchases.buy", closes_on=row.renews.renewal_closes_on)


def tell_unknown(happened: events.PaymentUnknown, event: Event, now: datetime) -> None:
    row = order(happened.number)
    _tell(row, event, "payments.unknown", now, "purchases.buy", about=f"checking:{row.number}")


def still_checking(about: str, now: datetime) -> str:
    """Whether "we are checking" still holds when the letter leaves."""
    row = order(about.split(":")[1])
    return "settled" if row.paid_at or row.closed_at else ""


def tell_expiring(happened: events.OrderExpiring, event: Event, now: datetime) -> None:
    row = order(happened.number)
    _tell(
        row,
        event,
        "orders.expiring",
        now,
        "purchases.buy",
        "billing.view",
        amount=row.total - come_in(row.pk, row.currency),
        reference=row.reference,
        pay_by=row.expires_on,
        about=f"checking:{row.number}",
    )


def tell_expired(happened: events.OrderExpired, event: Event, now: datetime) -> None:
    row = order(happened.number)
    if row.method == "bank_transfer":
        _tell(row, event, "orders.expired", now, "purchases.buy", "billing.view")


def tell_short(happened: events.TransferShort, event: Event, now: datetime) -> None:
    row = order(happened.number)
    missing = Money(happened.missing_minor, happened.currency)
    _tell(
        row,
        event,
        "payments.transfer_short",
        now,
        "purchases.buy",
        "billing.view",
        missing=missing,
        reference=row.reference,
        pay_by=row.expires_on,
    )


def tell_refunded(happened: events.PaymentRefunded, event: Event, now: datetime) -> None:
    note = invoice_by_id(happened.credit_note)
    row = order_by_id(note.order_id)
    # What was withheld never came to us: only the money goes back.
    facts = {"back": note.refund.amount, "withheld": withheld(row.pk, row.currency) if row.refunded_at else None}
    _tell(row, event, "payments.refunded", now, "purchases.buy", "billing.view", credit_note=note.number, **facts)


def tell_disputed(happened: events.PaymentDisputed, event: Event, now: datetime) -> None:
    _tell(order(happened.number), event, "payments.disputed", now, "purchases.buy", "billing.view")


def tell_dispute_closed(happened: events.DisputeClosed, event: Event, now: datetime) -> None:
    row = order(happened.number)
    if happened.won:
        _tell(row, event, "payments.dispute_won", now, "purchases.buy", "billing.view")
    else:
        _tell(row, event, "payments.dispute_lost", now, "purchases.buy", "billing.view")


def tell_withholding(happened: events.WithholdingMoved, event: Event, now: datetime) -> None:
    """Each step of a certificate of withheld tax; what staff wrote stands in the letter."""
    row, claim = order(happened.number), withholding(happened.withholding)
    facts = {"withheld": claim.amount, "rest": row.total - claim.amount, "answer": happened.words}
    facts |= {"reference": row.reference, "pay_by": row.expires_on, "open": row.open}
    _tell(row, event, f"withholding.{happened.status}", now, "purchases.send_withholding", **facts)


def make_pdf(happened: events.Event, event: Event, now: datetime) -> None:
    """The document's bytes, once, after the money has been recorded."""
    for invoice in without_pdf().filter(order_id=int(happened.subject.split(":")[1])):
        store_pdf(invoice, now)
