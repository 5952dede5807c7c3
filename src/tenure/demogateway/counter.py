"""The rest of what a merchant may ask of the pretend processor: customers, disputes, payouts, and the lists.

It decides what a dispute does to the account. It must never charge: that is the book's own. Read next:
``demogateway/book.py``; ``demogateway/routes.py``, which asks.
"""

import json
import secrets

from tenure.demogateway.book import Book, No

DISPUTE_FEE = {"TWD": 500, "JPY": 2000}
DISPUTE_FEE_ELSEWHERE = 1500
OUTCOMES = {"won": "won", "lost": "lost", "answer": "under_review"}


class Counter:
    """Verbs are called inside ``book.change()``."""

    def __init__(self, book: Book):
        self.book = book

    # Customers and their cards

    def customer(self, ref: str) -> dict:
        found = self.book.row("SELECT * FROM customers WHERE id = ?", ref)
        if not found:
            raise No("not_found", 404)
        return found

    def new_customer(self, metadata: dict[str, str]) -> dict:
        ref = f"cus_{secrets.token_hex(7)}"
        said = json.dumps(metadata, sort_keys=True)
        self.book.db.execute("INSERT INTO customers VALUES (?, ?, ?)", (ref, said, self.book.now()))
        return self.customer(ref)

    def customers_noted(self, wanted: dict[str, str]) -> list[dict]:
        where = " AND ".join("json_extract(metadata, ?) = ?" for _ in wanted)
        values = [part for name, value in wanted.items() for part in (f'$."{name}"', value)]
        return self.book.rows(f"SELECT * FROM customers WHERE {where} ORDER BY made_at LIMIT 100", *values)

    def detach(self, token: str) -> dict:
        kept = self.book.row("SELECT * FROM cards WHERE token = ?", token)
        if not kept:
            raise No("not_found", 404)
        if self.book.row("SELECT token FROM detached WHERE token = ?", token):
            raise No("payment_method_not_attached")
        self.book.db.execute("INSERT INTO detached VALUES (?)", (token,))
        return kept

    # Disputes and payouts: what a bank, or the lab, does

    def open_dispute(self, ref: str, reason: str) -> dict:
        """A customer's bank takes the money back for now; the processor keeps a fee for the work."""
        intent = self.book.intent(ref)
        if intent["status"] != "succeeded" or self.book.row("SELECT id FROM disputes WHERE intent = ?", ref):
            raise No("cannot_be_disputed")
        amount, currency = intent["amount"] - intent["refunded"], intent["currency"]
        if amount <= 0:
            raise No("cannot_be_disputed")
        dispute = f"dp_{secrets.token_hex(12)}"
        row = (dispute, ref, amount, reason, self.book.now())
        self.book.db.execute("INSERT INTO disputes (id, intent, amount, reason, opened_at) VALUES (?, ?, ?, ?, ?)", row)
        fee = DISPUTE_FEE.get(currency, DISPUTE_FEE_ELSEWHERE)
        self.book.move("dispute", -amount, currency, dispute, ref, fee=fee)
        self.book.ring("dispute.created", dispute)
        return self.dispute(dispute)

    def move_dispute(self, ref: str, verb: str) -> dict:
        """``answer`` it, then the bank finds it ``won`` or ``lost``; decided is decided."""
        found = self.dispute(ref)
        if found["status"] in ("won", "lost"):
            raise No("dispute_closed")
        self.book.db.execute("UPDATE disputes SET status = ? WHERE id = ?", (OUTCOMES[verb], ref))
        if verb == "won":
            self.book.move("dispute_reversal", found["amount"], found["currency"], ref, found["intent"])
        self.book.ring("dispute.updated" if verb == "answer" else "dispute.closed", ref)
        return self.dispute(ref)

    DISPUTES = "SELECT d.*, i.currency FROM disputes d JOIN intents i ON i.id = d.intent"

    def dispute(self, ref: str) -> dict:
        found = self.book.row(f"{self.DISPUTES} WHERE d.id = ?", ref)
        if not found:
            raise No("not_found", 404)
        return found

    REFUNDS = "SELECT r.*, i.currency FROM refunds r JOIN intents i ON i.id = r.intent"

    def refund(self, ref: str) -> dict:
        found = self.book.row(f"{self.REFUNDS} WHERE r.id = ?", ref)
        if not found:
            raise No("not_found", 404)
        return found

    def pay_out(self, amount: int, currency: str) -> dict:
        """Send money of the account to the merchant's bank."""
        ref = f"po_{secrets.token_hex(12)}"
        self.book.move("payout", -amount, currency, ref)
        self.book.ring("payout.paid", ref)
        return self.payout(ref)

    def payout(self, ref: str) -> dict:
        found = self.book.row("SELECT * FROM movements WHERE kind = 'payout' AND source = ?", ref)
        if not found:
            raise No("not_found", 404)
        return found

    # Lists, the newest first: rows of one kind made at or after an instant, before the row already seen

    LISTS = {
        "charges": ("c.intent", "c.captured_at", "c.n", Book.SEE.replace("c.captured_at", "c.n, c.captured_at")),
        "payment_intents": ("i.id", "i.created_at", "i.rowid", Book.SEE),
        "refunds": ("r.id", "r.made_at", "r.rowid", REFUNDS),
        "disputes": ("d.id", "d.opened_at", "d.rowid", DISPUTES),
        "balance_transactions": ("m.id", "m.made_at", "m.n", "SELECT m.* FROM movements m"),
        "payouts": ("m.source", "m.made_at", "m.n", "SELECT m.* FROM movements m"),
        "events": ("e.id", "e.created_at", "e.n", "SELECT e.* FROM events e"),
    }  # fmt: skip
    OF_KIND = {
        "payouts": " AND m.kind = 'payout'",
        "payment_intents": " AND NOT (i.hosted AND i.card IS NULL)",
        "charges": " AND c.n IS NOT NULL",
    }

    def listed(self, noun: str, since: float, after: str, limit: int) -> tuple[list[dict], bool]:
        """A page of a list, and whether there is more."""
        name, made_at, n, select = self.LISTS[noun]
        sql, values = f"{select} WHERE {made_at} >= ?{self.OF_KIND.get(noun, '')}", [since]
        if after:
            place = select.replace("SELECT ", f"SELECT {n} AS place, ", 1)
            seen = self.book.row(f"{place} WHERE {name} = ?", after)
            if not seen:
                raise No("not_found", 404)
            sql, values = f"{sql} AND {n} < ?", [since, seen["place"]]
        rows = self.book.rows(f"{sql} ORDER BY {n} DESC LIMIT ?", *values, limit + 1)
        return rows[:limit], len(rows) > limit
