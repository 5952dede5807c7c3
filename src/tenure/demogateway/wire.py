"""The pretend processor's objects as Stripe writes them: what a row of the book looks like on the wire.

It decides shapes and names only, after Stripe's published reference. It must never change the book, nor show a
payment behind a page that nobody has used. Read next: ``demogateway/routes.py``, the requests.
"""

import json
from typing import Any

from tenure.demogateway.book import Book
from tenure.demogateway.cards import CARDS, EXP_MONTH
from tenure.demogateway.counter import Counter
from tenure.kernel.money import EXPONENTS

API_VERSION = "2026-10-28.endive"
WHOLE_UNITS = ("JPY",)  # Stripe counts these without decimals, and every other currency of ours with two
DAY_S = 24 * 3600
EVIDENCE_S = 9 * DAY_S

STATUS = {
    "needs_action": "requires_action",
    "processing": "processing",
    "succeeded": "succeeded",
    "declined": "requires_payment_method",
    "cancelled": "canceled",
}
# A bank's no, as the error's code and decline code.
NO = {
    "card_declined": ("card_declined", "generic_decline"),
    "expired_card": ("expired_card", "expired_card"),
    "authentication_required": ("authentication_required", "authentication_required"),
    "authentication_failed": ("payment_intent_authentication_failure", None),
}
EVENTS = {
    "payment.succeeded": "payment_intent.succeeded",
    "payment.declined": "payment_intent.payment_failed",
    "payment.needs_action": "payment_intent.requires_action",
    "payment.cancelled": "payment_intent.canceled",
    "payment.refunded": "charge.refunded",
    "page.completed": "checkout.session.completed",
    "page.expired": "checkout.session.expired",
    "refund.created": "refund.created",
    "dispute.created": "charge.dispute.created",
    "dispute.updated": "charge.dispute.updated",
    "dispute.closed": "charge.dispute.closed",
    "payout.paid": "payout.paid",
}
MONEY_MOVES = {"charge": "charge", "refund": "refund", "payout": "payout"}


def counted(amount: int, currency: str) -> int:
    """Our smallest coin as Stripe counts it.

    >>> counted(15750, "TWD"), counted(100, "JPY"), counted(4990, "EUR")
    (1575000, 100, 4990)
    """
    return amount * 10 ** ((0 if currency in WHOLE_UNITS else 2) - EXPONENTS[currency])


class Wire:
    """Shows rows. ``base`` is the address at which the pages are shown; ``expand`` names what is shown whole."""

    def __init__(self, book: Book, base: str = ""):
        self.book = book
        self.counter = Counter(book)
        self.base = base

    # Cards and customers

    def card(self, token: str) -> dict:
        kind = self.book.known_card(token)
        return {"brand": kind.brand.lower(), "last4": kind.last4, "exp_month": EXP_MONTH, "exp_year": kind.exp_year}

    def payment_method(self, token: str, customer: str | None) -> dict:
        return {
            "id": token,
            "object": "payment_method",
            "type": "card",
            "card": self.card(token),
            "customer": customer,
            "livemode": False,
        }

    def customer(self, row: dict) -> dict:
        noted = json.loads(row["metadata"])
        return {"id": row["id"], "object": "customer", "metadata": noted, "created": int(row["made_at"])} | LIVE

    def _method_of(self, intent: dict) -> dict | None:
        """The card of a payment: of a customer only once it was kept, with consent, by a payment that went through."""
        if not intent["card"]:
            return None
        unsaved = intent["hosted"] and (intent["card"] in CARDS or intent["status"] != "succeeded")
        return self.payment_method(intent["card"], None if unsaved else intent["customer"])

    # Payments

    def metadata(self, intent: dict) -> dict[str, str]:
        noted = json.loads(intent["metadata"])
        return noted or {"order": intent["order_no"], "attempt": str(intent["attempt"])}

    def payment_intent(self, intent: dict, expand: frozenset[str] = frozenset()) -> dict:
        method, status = self._method_of(intent), intent["status"]
        charged = status == "succeeded"
        waiting = "requires_confirmation" if intent["card"] else "requires_payment_method"
        amount = counted(intent["amount"], intent["currency"])
        said: dict[str, Any] = {
            "id": intent["id"],
            "object": "payment_intent",
            "amount": amount,
            "amount_received": amount if charged else 0,
            "currency": intent["currency"].lower(),
            "status": STATUS.get(status, waiting),
            "customer": intent["customer"] or None,
            "payment_method": method and (method if "payment_method" in expand else method["id"]),
            "latest_charge": None,
            "last_payment_error": None,
            "next_action": None,
            "metadata": self.metadata(intent),
            "created": int(intent["created_at"]),
            "livemode": False,
        }
        if charged:
            said["latest_charge"] = self.charge(intent) if "latest_charge" in expand else charge_id(intent["id"])
        if status == "declined":
            said["payment_method"] = None
            said["last_payment_error"] = self.no(intent) | {"payment_method": method}
        if status == "needs_action" and intent["page"]:
            said["next_action"] = {"type": "redirect_to_url", "redirect_to_url": {"url": self._page(intent)}}
        return said

    @staticmethod
    def no(intent: dict) -> dict:
        """Why the bank said no."""
        code, decline = NO.get(intent["decline_code"], ("card_declined", intent["decline_code"]))
        return {"type": "card_error", "code": code, "decline_code": decline, "message": "Your card was declined."}

    def charge(self, intent: dict, expand: frozenset[str] = frozenset()) -> dict:
        amount, back = (counted(intent[name], intent["currency"]) for name in ("amount", "refunded"))
        inner = frozenset(part.removeprefix("payment_intent.") for part in expand)
        whole = "payment_intent" in expand or any(part.startswith("payment_intent.") for part in expand)
        return {
            "id": charge_id(intent["id"]),
            "object": "charge",
            "amount": amount,
            "amount_captured": amount,
            "amount_refunded": back,
            "refunded": amount == back,
            "captured": True,
            "paid": True,
            "status": "succeeded",
            "currency": intent["currency"].lower(),
            "customer": intent["customer"] or None,
            "payment_intent": self.payment_intent(intent, inner) if whole else intent["id"],
            "payment_method": intent["card"],
            "payment_method_details": {"type": "card", "card": self.card(intent["card"])},
            "disputed": self.book.row("SELECT id FROM disputes WHERE intent = ?", intent["id"]) is not None,
            "metadata": self.metadata(intent),
            "created": int(intent["captured_at"]),
            "livemode": False,
        }

    def _page(self, intent: dict) -> str:
        return f"{self.base}/pay/{intent['page']}"

    def session(self, intent: dict, expand: frozenset[str] = frozenset()) -> dict:
        """A Checkout page: no payment is behind it until a card was chosen on it."""
        used = intent["card"] is not None
        status = {"unconfirmed": "open", "needs_action": "open", "succeeded": "complete"}.get(
            intent["status"], "expired"
        )
        inner = frozenset(part.removeprefix("payment_intent.") for part in expand)
        whole = self.payment_intent(intent, inner) if any("payment_intent" in part for part in expand) else intent["id"]
        return {
            "id": intent["page"],
            "object": "checkout.session",
            "mode": "payment",
            "status": status,
            "payment_status": "paid" if status == "complete" else "unpaid",
            "payment_intent": whole if used else None,
            "url": self._page(intent) if status == "open" else None,
            "amount_total": counted(intent["amount"], intent["currency"]),
            "currency": intent["currency"].lower(),
            "customer": intent["customer"] or None,
            "client_reference_id": intent["order_no"],
            "metadata": {"order": intent["order_no"], "attempt": str(intent["attempt"])},
            "created": int(intent["created_at"]),
            "expires_at": int(intent["created_at"]) + DAY_S,
            "livemode": False,
        }

    # Refunds, disputes, the account

    def refund(self, row: dict) -> dict:
        return {
            "id": row["id"],
            "object": "refund",
            "amount": counted(row["amount"], row["currency"]),
            "currency": row["currency"].lower(),
            "status": "succeeded",
            "payment_intent": row["intent"],
            "charge": charge_id(row["intent"]),
            "reason": None,
            "metadata": _noted(row["reason"]),
            "created": int(row["made_at"]),
        }

    def dispute(self, row: dict) -> dict:
        return {
            "id": row["id"],
            "object": "dispute",
            "amount": counted(row["amount"], row["currency"]),
            "currency": row["currency"].lower(),
            "status": row["status"],
            "reason": row["reason"],
            "payment_intent": row["intent"],
            "charge": charge_id(row["intent"]),
            "balance_transactions": [self.balance_transaction(line) for line in self.book.movements_of(row["id"])],
            "evidence_details": {"due_by": int(row["opened_at"]) + EVIDENCE_S, "has_evidence": False},
            "metadata": {},
            "created": int(row["opened_at"]),
            "livemode": False,
        }

    def balance_transaction(self, row: dict, expand: frozenset[str] = frozenset()) -> dict:
        amount, fee = counted(row["amount"], row["currency"]), counted(row["fee"], row["currency"])
        source: Any = charge_id(row["source"]) if row["kind"] == "charge" else row["source"]
        if "source" in expand:
            source = {"id": source, "payment_intent": row["intent"] or None}
        return {
            "id": row["id"],
            "object": "balance_transaction",
            "type": MONEY_MOVES.get(row["kind"], "adjustment"),
            "reporting_category": row["kind"],
            "amount": amount,
            "fee": fee,
            "net": amount - fee,
            "currency": row["currency"].lower(),
            "source": source,
            "status": "available",
            "created": int(row["made_at"]),
        }

    def payout(self, row: dict) -> dict:
        return {
            "id": row["source"],
            "object": "payout",
            "amount": -counted(row["amount"], row["currency"]),
            "currency": row["currency"].lower(),
            "status": "paid",
            "created": int(row["made_at"]),
            "arrival_date": int(row["made_at"]),
        } | LIVE

    # Events

    def event(self, row: dict) -> dict:
        return {
            "id": row["id"],
            "object": "event",
            "api_version": API_VERSION,
            "type": EVENTS[row["kind"]],
            "created": int(row["created_at"]),
            "data": {"object": self._about(row["kind"], row["ref"])},
        } | LIVE

    def _about(self, kind: str, ref: str) -> dict:
        if kind.startswith("dispute."):
            return self.dispute(self.counter.dispute(ref))
        if kind.startswith("payout."):
            return self.payout(self.counter.payout(ref))
        if kind == "refund.created":
            return self.refund(self.counter.refund(ref))
        intent = self.book.intent(ref)
        if kind.startswith("page."):
            return self.session(intent)
        return self.charge(intent) if kind == "payment.refunded" else self.payment_intent(intent)


LIVE = {"livemode": False}


def _noted(kept: str) -> dict[str, str]:
    """What a refund's asker noted on it; a book begun earlier kept its reason alone."""
    return json.loads(kept) if kept.startswith("{") else {"reason": kept}


def charge_id(intent: str) -> str:
    return f"ch_{intent.removeprefix('pi_')}"
