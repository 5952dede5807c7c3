"""The pretend processor's book: payments, charges, refunds, saved cards, events, on SQLite.

It decides what a payment may become and that it charges once. It must never import Django or the
programme's rows: it plays another company, with its own clock. Read next: ``demogateway/routes.py``.
"""

import json
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import time
from typing import Any

from tenure.demogateway.cards import CARDS, PretendCard, Verdict, decide
from tenure.demogateway.schema import ADDED, SCHEMA

LOST_ANSWER_BELL_S = 3
ANSWERS_KEPT_S = 24 * 3600
MAX_TRIES = 20
PAGE_OPEN_S = 24 * 3600
FEE_PER_MILLE = 29
FAULTS = {
    "duplicate_webhooks": 0,
    "delay_webhooks_s": 0,
    "drop_webhooks": 0,
    "timeout_after_charge": 0,
    "timeout_after_refund": 0,
    "error_500_after_charge": 0,
    "rate_limit": 0,
    "refuse_next": [],
    "clock_s": 0,
}


def now() -> float:
    """The processor's clock, no finer than a timestamp can be written and read back."""
    return round(time(), 6)


class No(Exception):
    """A request that the book refuses; nothing was written."""

    def __init__(self, code: str, status: int = 400):
        super().__init__(code)
        self.code = code
        self.status = status


class Book:
    """All state, in one file. Verbs are called inside ``change()``; reads may be called anywhere."""

    def __init__(self, path: str | Path):
        self.lock = threading.RLock()
        self.changed = threading.Event()
        self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.db.row_factory = sqlite3.Row
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=5000"):
            self.db.execute(f"PRAGMA {pragma}")
        self.db.executescript(SCHEMA)
        has = {row["name"] for row in self.db.execute("PRAGMA table_info(intents)")}
        for name, kind in ADDED.items():
            if name not in has:
                self.db.execute(f"ALTER TABLE intents ADD COLUMN {name} {kind}")
        self.db.execute("DELETE FROM answers WHERE made_at <= ?", (now() - ANSWERS_KEPT_S,))

    @contextmanager
    def change(self) -> Iterator[None]:
        """One transaction; one writer at a time, so that no read sees half of it."""
        with self.lock:
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self.db.execute("ROLLBACK")
                raise
            self.db.execute("COMMIT")
        self.changed.set()

    def rows(self, sql: str, *values: Any) -> list[dict]:
        with self.lock:
            return [dict(row) for row in self.db.execute(sql, values).fetchall()]

    def row(self, sql: str, *values: Any) -> dict | None:
        return next(iter(self.rows(sql, *values)), None)

    # Payments

    SEE = (
        "SELECT i.*, c.captured_at, coalesce(c.refunded, 0) AS refunded FROM intents i"
        " LEFT JOIN charges c ON c.intent = i.id"
    )

    def intent(self, ref: str) -> dict:
        found = self.row(f"{self.SEE} WHERE i.id = ?", ref)
        if not found:
            raise No("not_found", 404)
        return found

    def at_page(self, page: str) -> dict | None:
        """The payment of a page. One that nobody used for a day is closed, as if its customer had left."""
        found = self.row(f"{self.SEE} WHERE i.page = ?", page)
        unused = found and found["hosted"] and found["status"] == "unconfirmed"
        if found and unused and found["created_at"] <= self.now() - PAGE_OPEN_S:
            found["status"] = "cancelled"
        return found

    def find(self, order: str, attempt: int) -> list[dict]:
        """Payments of one attempt, a captured one first, then the newest."""
        where = "WHERE i.order_no = ? AND i.attempt = ? ORDER BY c.n IS NULL, i.created_at DESC LIMIT 10"
        return self.rows(f"{self.SEE} {where}", order, attempt)

    def charges(self, since: float, after: int, limit: int) -> list[dict]:
        where = "WHERE c.captured_at >= ? AND c.n > ? ORDER BY c.n LIMIT ?"
        return self.rows(self.SEE.replace("c.captured_at", "c.n, c.captured_at") + f" {where}", since, after, limit)

    def open(self, fields: dict, page: bool) -> dict:
        """Write a payment that nobody has confirmed."""
        if not page:
            self.card_kind(fields["card"], fields["customer"])
        values = {"id": f"pi_{secrets.token_hex(12)}", "created_at": self.now(), **fields}
        if page:
            values["page"] = f"cs_{secrets.token_hex(20)}"
        names = ", ".join(values)
        self.db.execute(
            f"INSERT INTO intents ({names}) VALUES ({', '.join('?' * len(values))})", tuple(values.values())
        )
        return self.intent(values["id"])

    def confirm(self, ref: str) -> tuple[dict, bool]:
        """Charge a saved card; a payment already decided answers as it stands. Second value: answer lost."""
        intent = self.intent(ref)
        if intent["status"] != "unconfirmed":
            return intent, False
        if not intent["card"]:
            raise No("payment_method_missing")
        card = self.card_kind(intent["card"], intent["customer"])
        return self._settle(intent, card, decide(card, off_session=bool(intent["off_session"])))

    def choose(self, intent: dict, kind: str) -> tuple[dict, bool]:
        """The customer picked a card on the page."""
        card = CARDS[kind]
        verdict = decide(card, off_session=False)
        token = self.save_card(intent["customer"], kind) if intent["save_card"] and not verdict.decline_code else kind
        self.db.execute("UPDATE intents SET card = ? WHERE id = ?", (token, intent["id"]))
        return self._settle(self.intent(intent["id"]), card, verdict)

    def answer_bank(self, intent: dict, approved: bool) -> tuple[dict, bool]:
        """The customer answered his bank's question."""
        card = self.card_kind(intent["card"], intent["customer"])
        return self._settle(intent, card, decide(card, off_session=False, approved=approved))

    def cancel(self, ref: str) -> dict:
        intent = self.intent(ref)
        if intent["status"] == "succeeded":
            raise No("payment_succeeded")
        if intent["status"] != "cancelled":
            self.db.execute("UPDATE intents SET status = 'cancelled' WHERE id = ?", (ref,))
            unused = intent["hosted"] and not intent["card"]
            self.ring("page.expired" if unused else "payment.cancelled", ref)
        return self.intent(ref)

    def _settle(self, intent: dict, card: PretendCard, verdict: Verdict) -> tuple[dict, bool]:
        ref = intent["id"]
        if refusals := self.faults()["refuse_next"]:
            verdict = Verdict("declined", refusals[0])
            self.set_faults({"refuse_next": refusals[1:]})
        if verdict.status == "succeeded":
            charge = (ref, intent["amount"], self.now())
            self.db.execute("INSERT INTO charges (intent, amount, captured_at) VALUES (?, ?, ?)", charge)
            self.move("charge", intent["amount"], intent["currency"], ref, ref, fee=self.fee(intent["amount"]))
        page = intent["page"] or (f"cs_{secrets.token_hex(20)}" if verdict.status == "needs_action" else None)
        self.db.execute(
            "UPDATE intents SET status = ?, decline_code = ?, hard = ?, page = ? WHERE id = ?",
            (verdict.status, verdict.decline_code, verdict.hard, page, ref),
        )
        lost = verdict.status == "succeeded" and card.loses_answer
        self.ring(f"payment.{verdict.status}", ref, LOST_ANSWER_BELL_S if lost else 0)
        if intent["hosted"] and verdict.status == "succeeded":
            self.ring("page.completed", ref, LOST_ANSWER_BELL_S if lost else 0)
        return self.intent(ref), lost

    # Refunds and cards

    def refund(self, ref: str, amount: int, currency: str, metadata: dict) -> dict:
        intent = self.intent(ref)
        if intent["status"] != "succeeded":
            raise No("payment_not_captured")
        if currency != intent["currency"]:
            raise No("refund_currency_differs")
        if self.row("SELECT id FROM disputes WHERE intent = ? AND status <> 'won'", ref):
            raise No("charge_disputed")
        if intent["refunded"] + amount > intent["amount"]:
            raise No("refund_exceeds_capture")
        self.db.execute("UPDATE charges SET refunded = refunded + ? WHERE intent = ?", (amount, ref))
        noted = json.dumps({str(name)[:40]: str(value)[:500] for name, value in metadata.items()}, sort_keys=True)
        made = (f"re_{secrets.token_hex(12)}", ref, amount, noted, self.now())
        self.db.execute("INSERT INTO refunds (id, intent, amount, reason, made_at) VALUES (?, ?, ?, ?, ?)", made)
        self.move("refund", -amount, currency, made[0], ref)
        self.ring("payment.refunded", ref)
        self.ring("refund.created", made[0])
        return {"id": made[0], "payment": ref, "amount": amount, "currency": currency, "made_at": made[4]}

    def save_card(self, customer: str, kind: str) -> str:
        token = f"pm_{secrets.token_hex(12)}"
        self.db.execute("INSERT INTO cards VALUES (?, ?, ?, ?)", (token, customer, kind, self.now()))
        return token

    def cards_of(self, customer: str) -> list[dict]:
        return self.rows("SELECT * FROM cards WHERE customer = ? ORDER BY saved_at LIMIT 100", customer)

    def card_kind(self, token: str, customer: str) -> PretendCard:
        """The card behind a token. A pretend card's own token works for every customer, saved or not."""
        if token in CARDS:
            return CARDS[token]
        kept = "SELECT kind FROM cards WHERE token = ? AND customer = ? AND token NOT IN (SELECT token FROM detached)"
        found = self.row(kept, token, customer)
        if not found:
            raise No("card_unknown")
        return CARDS[found["kind"]]

    def known_card(self, token: str) -> PretendCard:
        """The card behind a token that was used once, whatever became of it since."""
        found = None if token in CARDS else self.row("SELECT kind FROM cards WHERE token = ?", token)
        return CARDS[found["kind"] if found else token]

    # The account: what moved on it

    def fee(self, amount: int) -> int:
        """What a charge costs the merchant, rounded down to the smallest coin."""
        return amount * FEE_PER_MILLE // 1000

    def move(self, kind: str, amount: int, currency: str, source: str, ref: str = "", fee: int = 0) -> None:
        row = (f"txn_{secrets.token_hex(12)}", kind, amount, fee, currency, source, ref, self.now())
        names = "id, kind, amount, fee, currency, source, intent, made_at"
        self.db.execute(f"INSERT INTO movements ({names}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def movements_of(self, source: str) -> list[dict]:
        return self.rows("SELECT * FROM movements WHERE source = ? ORDER BY n", source)

    # Events and doorbells

    def ring(self, kind: str, ref: str, delay_s: float = 0) -> None:
        at = now()
        event = self.db.execute(
            "INSERT INTO events (id, kind, ref, created_at) VALUES (?, ?, ?, ?)",
            (f"evt_{secrets.token_hex(12)}", kind, ref, at),
        ).lastrowid
        if self.spend("drop_webhooks"):
            return
        due_at = at + max(delay_s, self.faults()["delay_webhooks_s"])
        for _ in range(2 if self.spend("duplicate_webhooks") else 1):
            self.db.execute("INSERT INTO bells (event, due_at) VALUES (?, ?)", (event, due_at))

    def events(self, after: int, limit: int) -> list[dict]:
        return self.rows("SELECT * FROM events WHERE n > ? ORDER BY n LIMIT ?", after, limit)

    def bells_due(self, until: float) -> list[dict]:
        return self.rows(
            "SELECT b.n AS bell, b.tries, e.id, e.kind, e.ref, e.created_at FROM bells b"
            " JOIN events e ON e.n = b.event WHERE b.due_at <= ? ORDER BY b.due_at, b.n LIMIT 50",
            until,
        )

    def next_bell_at(self) -> float | None:
        return self.rows("SELECT min(due_at) AS at FROM bells")[0]["at"]

    def bell_done(self, bell: int) -> None:
        with self.lock:
            self.db.execute("DELETE FROM bells WHERE n = ?", (bell,))

    def bell_missed(self, bell: int, tries: int, due_at: float) -> None:
        if tries >= MAX_TRIES:
            return self.bell_done(bell)
        with self.lock:
            self.db.execute("UPDATE bells SET tries = ?, due_at = ? WHERE n = ?", (tries, due_at, bell))

    # Stored answers, faults and the clock

    def now(self) -> float:
        """The processor's clock, which may be set apart from the machine's."""
        return round(time() + self.faults()["clock_s"], 6)

    def stored_answer(self, key: str) -> dict | None:
        return self.row("SELECT * FROM answers WHERE key = ? AND made_at > ?", key, self.now() - ANSWERS_KEPT_S)

    def store_answer(self, key: str, fingerprint: str, status: int, body: str) -> None:
        self.db.execute(
            "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)", (key, fingerprint, status, body, self.now())
        )

    def faults(self) -> dict:
        stored = {row["name"]: json.loads(row["value"]) for row in self.rows("SELECT * FROM faults")}
        return {**FAULTS, **stored}

    def set_faults(self, wanted: dict) -> None:
        for name, value in wanted.items():
            self.db.execute("INSERT OR REPLACE INTO faults VALUES (?, ?)", (name, json.dumps(value)))

    def spend(self, name: str) -> bool:
        """Use up one of a counted fault, if any is left."""
        left = self.faults()[name]
        if left > 0:
            self.set_faults({name: left - 1})
        return left > 0
