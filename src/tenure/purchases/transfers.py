"""Money that comes through the bank, as orders see it: entering a line, giving it to an order, holding it.

It decides what of a line an order takes and what is held; whether that is enough stands in ``settling``. It must
never make a term by itself. Read next: ``payments/transfers.py``, which keeps the lines.
"""

from collections.abc import Sequence
from datetime import date, datetime

from tenure import events
from tenure.billing import actions as billing
from tenure.billing.queries import come_in, withheld
from tenure.billing.rules import most_withheld
from tenure.billing.withholding import use_released
from tenure.kernel.access import Actor, Side
from tenure.kernel.money import Money
from tenure.kernel.periods import day_of
from tenure.kernel.refusals import Invalid, Refusal
from tenure.memberships import actions as memberships
from tenure.partners.actions import lock, lock_all
from tenure.partners.models import Partner
from tenure.payments import transfers as payments
from tenure.payments.models import BankLine
from tenure.payments.queries import allocated, given, newest_line_of, open_attempt
from tenure.payments.rules import UNANSWERED, Method, references_in
from tenure.plumbing.charging import why_not
from tenure.plumbing.db import beat, verb
from tenure.plumbing.outbox import record
from tenure.plumbing.together import together
from tenure.programme.queries import current, version
from tenure.purchases.charging import require_open, stop
from tenure.purchases.models import Order
from tenure.purchases.receiving import Come, come_for, locked_orders, require_approved, waits_for_approval
from tenure.purchases.rules import Closing, Contact, Origin, check_contact, expires_on
from tenure.purchases.settling import transfer_arrived

NOBODY = Contact()

# VERBS


@verb(Side.STAFF)
def record_transfer(
    actor: Actor,
    subject: None,
    *,
    line_key: str,
    account: str,
    value_on: date,
    amount: Money,
    reference: str,
    payer: str,
    now: datetime,
) -> BankLine:
    """Enter a credit from the bank's statement; a sound reference matches it at once. A line counts once."""
    if amount.minor <= 0:
        raise Invalid({"amount": "number.impossible"})
    line, new = payments.bank_line(
        actor,
        line_key=line_key,
        account=account,
        value_on=value_on,
        amount=amount,
        reference=reference,
        payer=payer,
        now=now,
    )
    if not new:
        if (line.amount, line.value_on) != (amount, value_on):
            raise Refusal("idempotency.other_body")
        return line
    billing.post_bank_line(line, current(), now)
    record(
        actor, "purchases.record_transfer", now, events.TransferReceived(subject=f"bank_line:{line.pk}", line=line.pk)
    )
    found = list(Order.objects.filter(reference__in=references_in(reference)))
    if len(found) == 1 and found[0].currency == amount.currency:
        apply_transfer(actor, line, found[0], now)
    return line


@verb(Side.STAFF)
def match_transfer(actor: Actor, line: BankLine, *, order: Order, now: datetime) -> BankLine:
    """Give a transfer to an order by hand. Two clerks on one line cannot both win."""
    apply_transfer(actor, line, order, now)
    payments.by_hand(line)
    return line


@verb(Side.STAFF)
def hold_transfer(actor: Actor, line: BankLine, *, partner: Partner, now: datetime) -> BankLine:
    """Keep a transfer for a partner until an order needs it."""
    lock(partner.pk)
    line, left = payments.locked_lines([line])[line.pk]
    if left.minor <= 0:
        raise Refusal("transfers.already_matched")
    hold(actor, line, partner.pk, left, left, now)
    payments.by_hand(line)
    return line


@verb(Side.STAFF)
def ignore_transfer(actor: Actor, line: BankLine, *, reason: str, now: datetime) -> BankLine:
    """Note that a transfer is not for any order, and why. What was given to somebody stays given."""
    if not reason.strip():
        raise Invalid({"reason": "text.missing"})
    line = payments.locked_line(line)
    if line.ignored_at or given(line):
        raise Refusal("transfers.already_matched")
    line.ignored_at, line.ignored_reason, line.rule = now, reason.strip()[:200], ""
    line.save(update_fields=["ignored_at", "ignored_reason", "rule"])
    record(
        actor, "purchases.ignore_transfer", now, events.TransferIgnored(subject=f"bank_line:{line.pk}", line=line.pk)
    )
    return line


@verb(Side.PARTNER, money=True)
def change_method(actor: Actor, order: Order, *, method: Method, contact: Contact = NOBODY, now: datetime) -> Order:
    """Pay an open order another way: its number, its price and its hold on the renewal stay.

    Refused while a charge is under way and once money has come in. A charge that succeeds meanwhile wins.
    """
    if order.method == Method.CARD and method is Method.BANK_TRANSFER:
        check_contact(contact)
        _require_changeable(order, method, now)
        if not stop(order, now):
            return Order.objects.get(pk=order.pk)
    with beat():
        lock(order.partner_id)
        order = Order.objects.select_for_update().get(pk=order.pk)
        if order.method == method:
            return order
        _require_changeable(order, method, now)
        order.method = method
        if method is Method.BANK_TRANSFER:
            if open_attempt(order.pk):
                raise Refusal("orders.card_charge_running", number=order.number)
            policy = version(order.programme.n).policy(order.policy)
            order.expires_on = max(order.expires_on, expires_on(order.placed_on, method, policy))
            order.auto_renew, order.card = False, None
            order.contact_name, order.contact_phone = contact.name.strip(), contact.phone.strip()
            order.contact_email = contact.email.strip()
            if order.subscription_id:
                memberships.hold(order.subscription, order.expires_on)
        order.save()
        of = {"partner_id": order.partner_id, "subject": f"order:{order.pk}", "number": order.number}
        record(actor, "purchases.change_method", now, events.OrderMethodChanged(**of, method=method))
        from_held_money(actor, order, now)
    return Order.objects.get(pk=order.pk)


def _require_changeable(order: Order, method: Method, now: datetime) -> None:
    programme = version(order.programme.n)
    require_open(order, day_of(now, programme.zone))
    require_approved(order)
    no_account = method is Method.BANK_TRANSFER and order.currency not in programme.seller.bank_accounts
    if order.origin != Origin.PERSON or method not in programme.offer(order.offer).methods or no_account:
        raise Refusal("payments.method_not_offered")
    if method is Method.CARD and why_not():
        raise Refusal("charging.stopped")
    if come_in(order.pk, order.currency):
        raise Refusal("orders.money_has_come", number=order.number)
    attempt = open_attempt(order.pk)
    if attempt and attempt.status in UNANSWERED:
        raise Refusal("payments.checking", number=order.number)


# STEPS


def from_held_money(actor: Actor, order: Order, now: datetime) -> None:
    """Late money held for the partner pays the next order (domain.md S20)."""
    if order.method != Method.BANK_TRANSFER or waits_for_approval(order.pk):
        return
    took, line = _from_held(actor, order, now), newest_line_of(order.pk)
    if took and line is not None:
        transfer_arrived(actor, order, line, current(), now)


def _from_held(actor: Actor, order: Order, now: datetime) -> bool:
    """Whether an order took what is held for the partner: a certificate that fits, then money."""
    most, took = may_be_withheld(order), False
    if most:
        took = use_released(order.partner_id, order.pk, most, order.total - allocated(order.pk, order.currency))
    due = order.total - withheld(order.pk, order.currency)
    return bool(payments.use_held(actor, order.partner_id, order.pk, due, now)) or took


def may_be_withheld(order: Order) -> Money:
    """The most of an order that its buyer's country lets it withhold; nothing where it may not."""
    share = version(order.programme.n).withholding.get(order.bill_to["country"], 0)
    return most_withheld(order.net, share)


def apply_transfer(actor: Actor, line: BankLine, order: Order, now: datetime) -> None:
    """Allocate a line to an order as far as it goes; the rest, or all of it when too late, is held."""
    apply_transfers(actor, [(line, order)], now)


def apply_transfers(actor: Actor, pairs: Sequence[tuple[BankLine, Order]], now: datetime) -> None:
    """The same for several lines, each of another partner: all are locked, then read, then written, in one go."""
    partners = lock_all(order.partner_id for _, order in pairs)
    if len(partners) < len(pairs):
        raise ValueError("two lines of one partner are given one after the other")
    lines = payments.locked_lines([line for line, _ in pairs])
    orders = locked_orders(order.pk for _, order in pairs)
    come = come_for(orders.values())
    with together(len(pairs)):
        for asked, wanted in pairs:
            (line, left), order = lines[asked.pk], orders[wanted.pk]
            order.partner = partners[order.partner_id]
            _apply(actor, line, left, order, come[order.pk], now)


def _apply(actor: Actor, line: BankLine, left: Money, order: Order, come: Come, now: datetime) -> None:
    if left.minor <= 0:
        raise Refusal("transfers.already_matched")
    if left.currency != order.currency:
        raise Refusal("transfers.wrong_currency")
    if not still_payable(order, line):
        hold(actor, line, order.partner_id, left, left, now)
        return
    come = reopened(actor, order, come, now)
    missing = order.total - come.all
    part = Money(max(0, min(left.minor, missing.minor)), left.currency)
    give(actor, line, order, part, left, come, now)
    if left.minor > part.minor:
        hold(actor, line, order.partner_id, left - part, left - part, now)


def reopened(actor: Actor, order: Order, come: Come, now: datetime) -> Come:
    """What has come in for an order; one that had expired is open again and takes what is held for its partner."""
    if order.closing != Closing.EXPIRED:
        return come
    order.closed_at, order.closing = None, ""
    order.save(update_fields=["closed_at", "closing"])
    _from_held(actor, order, now)
    return come_for([order])[order.pk]


def give(actor: Actor, line: BankLine, order: Order, part: Money, left: Money, come: Come, now: datetime) -> None:
    """Give part of a line to an order that can still be paid, and see whether that is enough."""
    programme = version(order.programme.n)
    if part:
        to = {"partner_id": order.partner_id, "order_id": order.pk}
        row = payments.allocate(actor, line, **to, amount=part, left=left, now=now)
        billing.post_allocation(row.pk, part, order.partner_id, programme, now)
    record(
        actor,
        "purchases.match_transfer",
        now,
        events.TransferMatched(
            partner_id=order.partner_id, subject=f"bank_line:{line.pk}", line=line.pk, number=order.number
        ),
    )
    transfer_arrived(actor, order, line, programme, now, come.more(part))


def still_payable(order: Order, line: BankLine) -> bool:
    """The value date decides, not the day of import; an order that ended otherwise takes nothing."""
    if order.method != Method.BANK_TRANSFER:
        return False
    if order.paid_at or order.closing == Closing.CANCELLED or line.value_on > order.expires_on:
        return False
    if order.closing == Closing.EXPIRED:
        newer = Order.objects.filter(partner_id=order.partner_id, offer=order.offer, pk__gt=order.pk)
        return not newer.exclude(closing__in=list(Closing)).exists()
    return True


def hold(actor: Actor, line: BankLine, partner_id: int, amount: Money, left: Money, now: datetime) -> None:
    """Keep part of a line for a partner until an order needs it."""
    row = payments.allocate(actor, line, partner_id=partner_id, order_id=None, amount=amount, left=left, now=now)
    billing.post_allocation(row.pk, amount, partner_id, current(), now)
    record(
        actor,
        "purchases.hold_transfer",
        now,
        events.TransferHeld(partner_id=partner_id, subject=f"bank_line:{line.pk}", line=line.pk),
    )
