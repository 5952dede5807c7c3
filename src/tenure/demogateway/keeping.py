"""A page on which a customer names a card to be kept, and nothing is charged.

It decides when a card becomes a customer's. It must never move money: that is the book's own. Read next:
``demogateway/pages.py``, which shows it; ``demogateway/routes.py``, which asks.
"""

import json
import secrets
from collections.abc import Set
from typing import Any

from tenure.demogateway.book import Book
from tenure.demogateway.cards import CARDS, Verdict, decide
from tenure.demogateway.wire import Wire

SESSION = {"unconfirmed": "open", "needs_action": "open", "declined": "open", "succeeded": "complete"}


class Keeping:
    """Verbs are called inside ``book.change()``."""

    def __init__(self, book: Book):
        self.book = book

    def open(self, fields: dict) -> dict:
        row = {"page": f"cs_{secrets.token_hex(20)}", "id": f"seti_{secrets.token_hex(12)}", **fields}
        row["created_at"] = self.book.now()
        names = ", ".join(row)
        self.book.db.execute(f"INSERT INTO setups ({names}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))
        return row

    def at_page(self, page: str) -> dict | None:
        """What the page shows, in the shape of a payment over nothing."""
        found = self.book.row("SELECT * FROM setups WHERE page = ?", page)
        return found and found | {"amount": 0, "order_no": "", "description": "", "save_card": False}

    def pressed(self, row: dict, form: dict[str, str]) -> str:
        """What a button does; the status afterwards, or nothing where no card was chosen."""
        done = form.get("do")
        if row["status"] in ("succeeded", "cancelled"):
            return row["status"]
        if done == "cancel":
            return self._became(row, "cancelled")
        if row["status"] == "needs_action":
            if done not in ("approve", "refuse"):
                return row["status"]
            verdict = decide(CARDS[row["kind"]], off_session=False, approved=done == "approve")
            return self._decided(row, row["kind"], verdict)
        kind = form.get("card", "")
        return self._decided(row, kind, decide(CARDS[kind], off_session=False)) if kind in CARDS else ""

    def _decided(self, row: dict, kind: str, verdict: Verdict) -> str:
        card = self.book.save_card(row["customer"], kind) if verdict.status == "succeeded" else None
        return self._became(row, verdict.status, kind=kind, card=card)

    def _became(self, row: dict, status: str, kind: str = "", card: str | None = None) -> str:
        values = (status, kind, card, row["page"])
        self.book.db.execute("UPDATE setups SET status = ?, kind = ?, card = ? WHERE page = ?", values)
        return status

    def session(self, row: dict, wire: Wire, expand: Set[str] = frozenset()) -> dict[str, Any]:
        """The page as Stripe writes it."""
        status = SESSION.get(row["status"], "expired")
        return {
            "id": row["page"],
            "object": "checkout.session",
            "mode": "setup",
            "status": status,
            "payment_status": "no_payment_required",
            "payment_intent": None,
            "setup_intent": self._setup(row, wire) if any("setup_intent" in part for part in expand) else row["id"],
            "url": f"{wire.base}/pay/{row['page']}" if status == "open" else None,
            "amount_total": None,
            "currency": row["currency"].lower(),
            "customer": row["customer"],
            "metadata": json.loads(row["metadata"]),
            "created": int(row["created_at"]),
            "livemode": False,
        }

    @staticmethod
    def _setup(row: dict, wire: Wire) -> dict[str, Any]:
        said = {"succeeded": "succeeded", "needs_action": "requires_action", "cancelled": "canceled"}
        card = row.get("card")
        return {
            "id": row["id"],
            "object": "setup_intent",
            "status": said.get(row["status"], "requires_payment_method"),
            "customer": row["customer"],
            "payment_method": wire.payment_method(card, row["customer"]) if card else None,
            "usage": "off_session",
        }
