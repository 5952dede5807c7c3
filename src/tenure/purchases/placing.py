"""Placing an order: the first beat, from what is wanted to a committed promise. Steps only.

It decides nothing about money having moved. Every refusal comes before the first row is written. Read next:
``purchases/settling.py``, the third beat.
"""

from dataclasses import asdict
from datetime import date, datetime

from tenure import events
from tenure.billing.actions import buyer_of
from tenure.kernel.access import Actor, may
from tenure.kernel.money import Money
from tenure.kernel.periods import plus_days
from tenure.kernel.refusals import Decision, Refusal
from tenure.memberships import actions as memberships
from tenure.memberships.queries import Holding
from tenure.offers.rules import Quote
from tenure.payments import actions as payments
from tenure.payments.models import Attempt, Card
from tenure.payments.queries import card as kept_card
from tenure.payments.rules import Method, reference_for
from tenure.plumbing.charging import why_not
from tenure.plumbing.db import inside, take_numbers, wiring
from tenure.plumbing.outbox import record
from tenure.programme.queries import row as version_row
from tenure.programme.rules import Offer, Policy
from tenure.purchases.models import Approval, Order
from tenure.purchases.queries import Buyer
from tenure.purchases.rules import Origin, Purpose, Wanted, check_contact, expires_on, has_to_be_approved

# STEPS


def replay(partner_id: int, wanted: Wanted) -> Order | None:
    """The order this key has already made. The same key for something else is refused (product.md)."""
    order = Order.objects.filter(partner_id=partner_id, idempotency_key=wanted.key).first()
    if order and order.body_sha256 != wanted.fingerprint():
        raise Refusal("idempotency.other_body")
    return order


def offer_called(buyer: Buyer, code: str) -> Offer:
    """The offer by its code; one the programme does not have is not for sale."""
    offer = next((offer for offer in buyer.programme.offers if offer.code == code), None)
    if offer is None:
        raise Refusal("offers.not_for_sale", offer=code)
    return offer


def place(
    actor: Actor,
    buyer: Buyer,
    offer: Offer,
    wanted: Wanted,
    decision: Decision,
    *,
    holding: Holding | None = None,
    origin: Origin = Origin.PERSON,
    verb: str,
    now: datetime,
) -> tuple[Order, Attempt | None]:
    """Write the order and, for a card, the intent to charge it. The decision is held here, under the lock."""
    inside("placing an order")
    decision.require()
    quote = buyer.quote(offer)
    _require_as_shown(offer, buyer, wanted, quote, origin)
    card = _card(buyer, wanted)
    policy = buyer.programme.policy_on(buyer.today)
    order = _write(actor, buyer, wanted, quote, policy, holding, origin, card, now)
    record(
        actor,
        verb,
        now,
        events.OrderPlaced(
            partner_id=order.partner_id,
            subject=f"order:{order.pk}",
            number=order.number,
            purpose=order.purpose,
            method=order.method,
        ),
    )
    waits = origin is Origin.PERSON and _asks_approval(actor, order, policy, holding, verb, now)
    if order.method == Method.BANK_TRANSFER:
        if holding is not None:
            memberships.hold(holding.subscription, order.expires_on)
        return order, None
    if waits:
        return order, None
    if why_not() and origin is Origin.PERSON:
        # The order stays; nothing that a person did not see is charged to the card later.
        return order, None
    return order, promise(order, card, off_session=origin is Origin.AUTO_RENEWAL, now=now)


def _asks_approval(
    actor: Actor, order: Order, policy: Policy, holding: Holding | None, verb: str, now: datetime
) -> bool:
    """Whether the order waits for somebody of its company; it keeps its price until its last day.

    A card order then has the days of a transfer, within the window if it renews.
    """
    limit = order.partner.approval_above_minor
    above = None if limit is None else Money(limit, order.partner.approval_currency)
    if not has_to_be_approved(order.total, above) or may(actor, "purchases.approve_order", order.partner_id):
        return False
    if order.method == Method.CARD:
        last = plus_days(order.placed_on, policy.order_expiry_days)
        order.expires_on = min(last, holding.term.renewal_closes_on) if holding else last
        order.save(update_fields=["expires_on"])
    Approval.objects.create(order=order, partner=order.partner, asked_at=now, asked_by=actor.behind)
    of = {"partner_id": order.partner_id, "subject": f"order:{order.pk}"}
    record(actor, verb, now, events.OrderApprovalAsked(**of, number=order.number))
    return True


def promise(order: Order, card: Card | None, *, off_session: bool, now: datetime) -> Attempt:
    """The intent to charge an order's total, with a kept card or on the gateway's page."""
    return payments.promise(
        order_id=order.pk,
        order_number=order.number,
        partner_id=order.partner_id,
        amount=order.total,
        gateway=card.gateway if card else wiring().CARD_GATEWAY,
        card=card,
        off_session=off_session,
        now=now,
    )


def _require_as_shown(offer: Offer, buyer: Buyer, wanted: Wanted, quote: Quote, origin: Origin) -> None:
    """Refuse what differs from what the buyer saw: the method, the price, the terms (domain.md §3.4)."""
    if wanted.method not in offer.methods:
        raise Refusal("payments.method_not_offered")
    if wanted.method is Method.BANK_TRANSFER:
        if quote.total.currency not in buyer.programme.seller.bank_accounts:
            raise Refusal("payments.method_not_offered")
        check_contact(wanted.contact)
    if wanted.expected_total is not None and wanted.expected_total != quote.total:
        raise Refusal("orders.price_changed", before=wanted.expected_total, after=quote.total)
    terms = buyer.programme.agreement(offer.terms).version if offer.terms else ""
    if origin is Origin.PERSON and wanted.terms_version != terms:
        raise Refusal("orders.terms_changed")


def _card(buyer: Buyer, wanted: Wanted) -> Card | None:
    if wanted.card is None or wanted.method is not Method.CARD:
        return None
    card = kept_card(wanted.card, buyer.partner.pk)
    if card is None:
        raise Refusal("payments.card_not_found")
    return card


def _write(
    actor: Actor,
    buyer: Buyer,
    wanted: Wanted,
    quote: Quote,
    policy: Policy,
    holding: Holding | None,
    origin: Origin,
    card: Card | None,
    now: datetime,
) -> Order:
    today = buyer.today
    number = _number(today)
    last_day = expires_on(today, wanted.method, policy)
    if origin is Origin.AUTO_RENEWAL and holding is not None:
        last_day = holding.term.renewal_closes_on
    return Order.objects.create(
        number=number,
        reference=reference_for(number),
        partner=buyer.partner,
        purpose=Purpose.RENEWAL if holding else Purpose.PURCHASE,
        origin=origin,
        offer=quote.offer.code,
        subscription=holding.subscription if holding else None,
        renews=holding.term if holding else None,
        method=wanted.method,
        card=card,
        programme=version_row(buyer.programme.version),
        policy=policy.version,
        price=quote.price.id,
        currency=quote.total.currency,
        net_minor=quote.taxed.net.minor,
        tax_minor=quote.taxed.tax.minor,
        total_minor=quote.taxed.total.minor,
        tax_rate_bp=quote.taxed.rate_bp,
        tax_category="E" if quote.exempt else quote.tax.category,
        # A posted wish for auto-renew counts only with a card: never for a bank transfer.
        auto_renew=wanted.auto_renew and wanted.method is Method.CARD and policy.auto_renew_supported,
        contact_name=wanted.contact.name.strip(),
        contact_phone=wanted.contact.phone.strip(),
        contact_email=wanted.contact.email.strip(),
        bill_to=asdict(buyer_of(buyer.partner)),
        language=wanted.language,
        terms_version=wanted.terms_version,
        idempotency_key=wanted.key,
        body_sha256=wanted.fingerprint(),
        placed_at=now,
        placed_on=today,
        placed_by=actor.label,
        expires_on=last_day,
    )


def _number(day: date) -> str:
    return f"O-{day.year}-{take_numbers(f'order:{day.year}'):06d}"
