"""Tax withheld from a transfer: a partner sends the certificate, staff decides, and both together pay the order.

It decides who may send one and that money and certificate are the total to the cent: more is refused, less waits. It
must never change what an invoice says. Sources: domain.md §3.9. Read next: ``billing/withholding.py``.
"""

from datetime import date, datetime

from tenure import events
from tenure.billing import withholding as billing
from tenure.billing.models import Withholding
from tenure.billing.queries import come_in, withheld, withholding_by_key, withholding_of
from tenure.billing.rules import UNDECIDED, WithholdingStatus, difference
from tenure.kernel.access import Actor, Side
from tenure.kernel.money import Money
from tenure.kernel.periods import day_of
from tenure.kernel.refusals import Invalid, Refusal
from tenure.partners.actions import lock
from tenure.payments.queries import newest_line_of
from tenure.payments.rules import Method
from tenure.plumbing.db import verb
from tenure.plumbing.models import StoredFile
from tenure.plumbing.outbox import close_task, open_task, record
from tenure.programme.queries import version
from tenure.purchases.models import Order
from tenure.purchases.queries import open_orders
from tenure.purchases.settling import transfer_arrived
from tenure.purchases.transfers import from_held_money, may_be_withheld

WORDS_LIMIT = 500
YEARS_BACK = 5
S = WithholdingStatus

# VERBS


@verb(Side.PARTNER)
def send_withholding(
    actor: Actor,
    order: Order,
    *,
    key: str,
    amount: Money,
    tax_year: int,
    certificate: str,
    file: StoredFile | None,
    note: str = "",
    now: datetime,
) -> Withholding:
    """Send the certificate of tax withheld from a transfer, or send it anew where staff has asked for something.

    Asked twice with one key, it happens once. It pays nothing before staff has accepted it.
    """
    lock(order.partner_id)
    order = Order.objects.select_for_update(of=("self",)).get(pk=order.pk)
    known = withholding_by_key(key)
    if known is not None:
        if (known.order_id, known.amount) != (order.pk, amount):
            raise Refusal("idempotency.other_body")
        return known
    _check(order, amount, tax_year, certificate, day_of(now, version(order.programme.n).zone))
    standing = withholding_of(order.pk)
    asked = standing is not None and standing.status == S.PENDING_PARTNER
    if standing is not None and standing.status != S.REFUSED and not asked:
        raise Refusal("withholding.already_sent", number=order.number)
    if file is None and not asked:
        raise Invalid({"file": "file.missing"})
    facts = {"tax_year": tax_year, "certificate": certificate.strip()[:80], "note": note.strip()[:WORDS_LIMIT]}
    if file is not None:
        file.stored_at = now
        file.save()
        facts["file"] = file
    if asked:
        row = billing.locked_withholding(standing.pk)
        money = {"amount_minor": amount.minor, "submitted_at": now, "submitted_by": actor.label}
        billing.move_on(row, S.SUBMITTED, now, key=key, **money, **facts)
    else:
        row, _ = billing.enter(
            actor, key=key, amount=amount, now=now, partner_id=order.partner_id, order_id=order.pk, **facts
        )
    open_task("withholding", f"withholding:{row.pk}", order.partner_id, order.number, now)
    _tell(actor, "purchases.send_withholding", row, order, now)
    return row


@verb(Side.STAFF)
def decide_withholding(
    actor: Actor, row: Withholding, *, status: WithholdingStatus, words: str = "", now: datetime
) -> Withholding:
    """Accept a certificate of withheld tax, refuse it, or ask the partner for something, with words to read.

    Accepted, it counts like money: with what has arrived it pays the order, or the order waits for the rest.
    """
    words = words.strip()
    if status != S.ACCEPTED and not words:
        raise Invalid({"words": "text.missing"})
    lock(row.partner_id)
    order = Order.objects.select_for_update(of=("self",)).get(pk=row.order_id)
    row = billing.locked_withholding(row.pk)
    if row.status == status and row.answer == words[:WORDS_LIMIT]:
        return row
    if row.status not in UNDECIDED:
        raise Refusal("withholding.decided")
    if status == S.ACCEPTED:
        _accept(actor, row, order, words, now)
    else:
        decided = {"decided_at": now, "decided_by": actor.label} if status == S.REFUSED else {}
        billing.move_on(row, status, now, answer=words[:WORDS_LIMIT], **decided)
    close_task("withholding", f"withholding:{row.pk}", actor, now)
    _tell(actor, "purchases.decide_withholding", row, order, now)
    if status == S.ACCEPTED:
        _pay(actor, row, order, now)
    return row


# STEPS


def _check(order: Order, amount: Money, tax_year: int, certificate: str, today: date) -> None:
    """What a certificate must be before anybody looks at it."""
    most = may_be_withheld(order)
    if not most:
        raise Refusal("withholding.not_in_country")
    if order.method != Method.BANK_TRANSFER:
        raise Refusal("payments.method_not_offered")
    if order.paid_at:
        raise Refusal("orders.already_paid", number=order.number)
    if order.closed_at:
        raise Refusal("orders.closed", number=order.number)
    faults = {}
    if amount.currency != order.currency or amount.minor <= 0:
        faults["amount"] = "number.impossible"
    elif amount.minor > most.minor:
        faults["amount"] = "withholding.too_much"
    if not today.year - YEARS_BACK <= tax_year <= today.year + 1:
        faults["tax_year"] = "withholding.tax_year"
    if not certificate.strip():
        faults["certificate"] = "withholding.certificate_missing"
    if faults:
        raise Invalid(faults, most=most, first=today.year - YEARS_BACK, last=today.year + 1)


def _accept(actor: Actor, row: Withholding, order: Order, words: str, now: datetime) -> None:
    if order.method != Method.BANK_TRANSFER:
        raise Refusal("payments.method_not_offered")
    if withheld(order.pk, order.currency):
        raise Refusal("withholding.another_counts", number=order.number)
    left = difference(order.total, come_in(order.pk, order.currency), row.amount)
    if left.minor < 0:
        raise Refusal("withholding.over", number=order.number, over=-left)
    row.answer = words[:WORDS_LIMIT]
    # An order that has ended takes nothing: like late money, what was withheld is held for the partner's next one.
    billing.certify(actor, row, order.pk if order.open else None, version(order.programme.n), now)


def _pay(actor: Actor, row: Withholding, order: Order, now: datetime) -> None:
    """The order is paid as of the day of the money, when it has come; without money it waits."""
    if row.counts_for_id is None:
        for waiting in open_orders().filter(partner_id=row.partner_id).select_for_update().order_by("pk"):
            from_held_money(actor, waiting, now)
    elif (line := newest_line_of(order.pk)) is not None:
        transfer_arrived(actor, order, line, version(order.programme.n), now)


def _tell(actor: Actor, verb: str, row: Withholding, order: Order, now: datetime) -> None:
    of = {"partner_id": order.partner_id, "subject": f"order:{order.pk}", "number": order.number}
    record(
        actor, verb, now, events.WithholdingMoved(**of, withholding=row.pk, status=str(row.status), words=row.answer)
    )
