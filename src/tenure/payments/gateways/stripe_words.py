"""What Stripe says, in our words: its payment, page, refund, dispute and account objects as outcomes.

It decides which of its states is final, which decline is hard, and how it counts money. It must never ask
anything, and never fill a gap: what cannot be read is ``Unknown``. Read next: ``gateways/stripe.py``, which asks.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import wraps
from typing import Any, TypeVar

from tenure.kernel.money import EXPONENTS, Money
from tenure.payments.gateways.base import (
    Card,
    DisputeOutcome,
    DisputeStatus,
    Movement,
    MovementKind,
    Outcome,
    RefundOutcome,
    Status,
    Unknown,
)

Said = Mapping[str, Any]
Answer = TypeVar("Answer")

# How many decimals Stripe counts in, where it is not two. Taiwan's dollar has two there and none with us.
DECIMALS = {"JPY": 0}

BRANDS = {
    "visa": "Visa",
    "mastercard": "Mastercard",
    "amex": "American Express",
    "jcb": "JCB",
    "unionpay": "UnionPay",
    "diners": "Diners Club",
    "discover": "Discover",
}

# The bank will not say yes to this card again, whenever it is asked.
HARD = frozenset({
    "expired_card",
    "lost_card",
    "stolen_card",
    "pickup_card",
    "restricted_card",
    "card_not_supported",
    "currency_not_supported",
    "invalid_account",
    "incorrect_number",
    "invalid_number",
    "security_violation",
    "stop_payment_order",
    "revocation_of_authorization",
    "revocation_of_all_authorizations",
})  # fmt: skip

SAME_REASON = {"generic_decline": "card_declined", "payment_intent_authentication_failure": "authentication_failed"}

PAYMENT = {
    "requires_confirmation": Status.NEEDS_ACTION,
    "requires_payment_method": Status.NEEDS_ACTION,
    "requires_action": Status.NEEDS_ACTION,
    "processing": Status.PROCESSING,
    "requires_capture": Status.PROCESSING,
    "succeeded": Status.SUCCEEDED,
    "canceled": Status.CANCELLED,
}
REFUND = {
    "succeeded": Status.SUCCEEDED,
    "pending": Status.PROCESSING,
    "requires_action": Status.PROCESSING,
    "failed": Status.DECLINED,
    "canceled": Status.CANCELLED,
}
DISPUTE = {
    "needs_response": DisputeStatus.NEEDS_RESPONSE,
    "warning_needs_response": DisputeStatus.NEEDS_RESPONSE,
    "under_review": DisputeStatus.UNDER_REVIEW,
    "warning_under_review": DisputeStatus.UNDER_REVIEW,
    "won": DisputeStatus.WON,
    "warning_closed": DisputeStatus.WON,
    "prevented": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
}
# Its other lines are corrections of these, or fees by another name.
MOVEMENT = {
    "charge": MovementKind.CHARGE,
    "charge_failure": MovementKind.CHARGE,
    "refund": MovementKind.REFUND,
    "refund_failure": MovementKind.REFUND,
    "dispute": MovementKind.DISPUTE,
    "dispute_reversal": MovementKind.DISPUTE_REVERSAL,
    "payout": MovementKind.PAYOUT,
    "payout_reversal": MovementKind.PAYOUT,
}


def readable(reader: Callable[..., Answer]) -> Callable[..., Answer]:
    """An object without what it must have says nothing: the answer is missing, not "no"."""

    @wraps(reader)
    def read(*said: Any) -> Answer:
        try:
            return reader(*said)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise Unknown("answer_unreadable") from None

    return read


def counted(money: Money) -> int:
    """An amount as Stripe counts it.

    >>> counted(Money(15750, "TWD")), counted(Money(49900, "USD")), counted(Money(500, "JPY"))
    (1575000, 49900, 500)
    """
    return money.minor * 10 ** (DECIMALS.get(money.currency, 2) - EXPONENTS[money.currency])


def money(amount: int, currency: str) -> Money:
    """An amount of Stripe's as ours; one that we cannot hold is an error, never rounded.

    >>> money(1575000, "twd")
    Money(minor=15750, currency='TWD')
    """
    currency = currency.upper()
    minor, rest = divmod(amount, 10 ** (DECIMALS.get(currency, 2) - EXPONENTS[currency]))
    if rest:
        raise ValueError("an amount below the smallest coin")
    return Money(minor, currency)


def instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def id_of(said: Any) -> str:
    """The id of something told as an id, as the whole object, or not at all."""
    return (said if isinstance(said, str) else said["id"]) if said else ""


def reason_of(error: Said | None) -> str:
    """Why the bank said no.

    >>> reason_of({"code": "card_declined", "decline_code": "insufficient_funds"})
    'insufficient_funds'
    >>> reason_of({"code": "expired_card"}), reason_of({"code": "card_declined", "decline_code": "generic_decline"})
    ('expired_card', 'card_declined')
    """
    if not error:
        return ""
    code = error.get("code") or "card_declined"
    if code == "card_declined":
        code = error.get("decline_code") or code
    return SAME_REASON.get(code, code)


def card_of(method: Any) -> Card | None:
    """A card as it may be kept: its token only where it belongs to a customer."""
    if not isinstance(method, Mapping) or not method.get("card"):
        return None
    card = method["card"]
    token = method["id"] if method.get("customer") else ""
    brand = BRANDS.get(card["brand"], card["brand"].title())
    return Card(token, brand, card["last4"], card["exp_month"], card["exp_year"])


@readable
def payment(intent: Said, page: str = "") -> Outcome:
    """A PaymentIntent, its charge and card expanded; ``page`` is where its customer can go on.

    >>> said = {"id": "pi_1", "status": "requires_confirmation", "amount": 1575000, "currency": "twd"}
    >>> told = payment(said | {"metadata": {"order": "T-1", "attempt": "1"}})
    >>> told.status.value, told.confirmed, told.amount
    ('needs_action', False, Money(minor=15750, currency='TWD'))
    """
    noted, failed = intent.get("metadata") or {}, intent.get("last_payment_error")
    status, decline = PAYMENT[intent["status"]], ""
    if intent["status"] == "requires_payment_method" and failed:
        status, decline = Status.DECLINED, reason_of(failed)
    elif intent["status"] == "requires_action" and noted.get("off_session"):
        # Nobody is there to answer the bank. Stripe says so with an error; others leave the payment waiting.
        status, decline = Status.DECLINED, "authentication_required"
    charge = intent.get("latest_charge")
    told = charge if isinstance(charge, Mapping) and status == Status.SUCCEEDED else None
    return Outcome(
        status=status,
        ref=intent["id"],
        amount=money(intent["amount"], intent["currency"]),
        order=str(noted.get("order", "")),
        attempt=int(noted.get("attempt") or 0),
        confirmed=intent["status"] != "requires_confirmation" and (status != Status.NEEDS_ACTION or _asked(intent)),
        decline_code=decline,
        hard=decline in HARD,
        card=card_of(intent.get("payment_method")) or card_of((failed or {}).get("payment_method")),
        action_path=page if status == Status.NEEDS_ACTION else "",
        captured_at=instant(told["created"]) if told else None,
        refunded=money(told.get("amount_refunded", 0) if told else 0, intent["currency"]),
    )


def _asked(intent: Said) -> bool:
    return intent["status"] != "requires_payment_method"


@readable
def session(said: Said, page: str = "") -> Outcome:
    """A Checkout page. Until it is used there is no payment behind it; while it is open, its own id is the ref,
    since only the page can be closed and its customer may still try another card on it."""
    intent = said.get("payment_intent")
    if isinstance(intent, Mapping):
        told = payment(intent, page)
        if said["status"] != "open":
            return told
        waits = told.status in (Status.NEEDS_ACTION, Status.DECLINED)
        return Outcome(
            Status.NEEDS_ACTION if waits else told.status, said["id"], told.amount, told.order, told.attempt,
            confirmed=True, card=told.card, action_path=page if waits else "", captured_at=told.captured_at,
            refunded=told.refunded,
        )  # fmt: skip
    if intent:
        raise ValueError("a payment that was not expanded")
    unused, noted = said["status"] == "open", said["metadata"]
    return Outcome(
        Status.NEEDS_ACTION if unused else Status.CANCELLED, said["id"], money(said["amount_total"], said["currency"]),
        str(noted.get("order", "")), int(noted.get("attempt") or 0), confirmed=False,
        action_path=page if unused else "", refunded=money(0, said["currency"]),
    )  # fmt: skip


@readable
def kept_card(said: Said) -> Card | None:
    """The card named on a page that only keeps one; none before the bank has agreed to it."""
    setup = said["setup_intent"]
    if said["status"] != "complete" or setup["status"] != "succeeded":
        return None
    card = card_of(setup["payment_method"])
    if card is None or not card.token:
        raise ValueError("a kept card without a token")
    return card


@readable
def refund(said: Said) -> RefundOutcome:
    made_at, amount = instant(said["created"]), money(said["amount"], said["currency"])
    key = str((said.get("metadata") or {}).get("key", ""))
    return RefundOutcome(REFUND[said["status"]], said["id"], id_of(said["payment_intent"]), amount, made_at, key)


@readable
def dispute(said: Said) -> DisputeOutcome:
    """A dispute; it is closed by the line that brings the money back, and a lost one by none."""
    lines = said.get("balance_transactions") or []
    back = [line["created"] for line in lines if line["reporting_category"] == "dispute_reversal"]
    fee = sum(line["fee"] for line in lines)
    due = (said.get("evidence_details") or {}).get("due_by")
    return DisputeOutcome(
        ref=said["id"],
        payment_ref=id_of(said["payment_intent"]),
        amount=money(said["amount"], said["currency"]),
        status=DISPUTE[said["status"]],
        reason=said["reason"],
        opened_at=instant(said["created"]),
        closed_at=instant(max(back)) if back else None,
        fee=money(fee, lines[0]["currency"]) if lines else None,
        respond_by=instant(due) if due else None,
    )


@readable
def movement(said: Said) -> Movement:
    source = said.get("source")
    return Movement(
        ref=said["id"],
        kind=MOVEMENT.get(said["reporting_category"], MovementKind.FEE),
        amount=money(said["amount"], said["currency"]),
        fee=money(said["fee"], said["currency"]),
        at=instant(said["created"]),
        payment_ref=id_of(source.get("payment_intent")) if isinstance(source, Mapping) else "",
    )
