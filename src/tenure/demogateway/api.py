"""The processor's JSON interface under ``/v1/``: what a request must carry, and its one answer.

It decides how keys are honoured: the same key and request give the stored answer, also a stored 500; the
same key in flight is 409, with another request 400. It must never write twice for one key. Read next:
``demogateway/server.py``, which carries these answers over HTTP, and ``payments/gateways/demo.py``, which asks.
"""

import hashlib
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import sleep
from typing import Any

from tenure.demogateway.book import FAULTS, Book, No
from tenure.demogateway.cards import CARDS, DECLINES, EXP_MONTH
from tenure.kernel.money import EXPONENTS, LIMIT_MINOR

LANGUAGES = ("en", "zh-hant")
PATH = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,500}")
KEY = re.compile(r"[\x21-\x7e]{1,200}")
PAGE_SIZE = 500


class Lost(Exception):
    """The work is done and the answer will not arrive."""


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    body: dict = field(default_factory=dict)
    key: str = ""

    @property
    def fingerprint(self) -> str:
        """The request itself, whatever the order of its fields."""
        text = json.dumps([self.method, self.path, self.body], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def text(body: dict, name: str, most: int, *, least: int = 0) -> str:
    value = body.get(name, "")
    if not isinstance(value, str) or not least <= len(value) <= most or "\x00" in value:
        raise No(f"invalid_{name}")
    return value


def whole(body: dict, name: str, most: int) -> int:
    value = body.get(name)
    if type(value) is not int or not 1 <= value <= most:
        raise No(f"invalid_{name}")
    return value


def count(query: dict, name: str, of: type = int) -> Any:
    try:
        value = of(query.get(name) or 0)
    except ValueError:
        raise No(f"invalid_{name}") from None
    if not 0 <= value <= 10**12:
        raise No(f"invalid_{name}")
    return value


def currency(body: dict) -> str:
    if body.get("currency") not in EXPONENTS:
        raise No("invalid_currency")
    return body["currency"]


def payment_fields(body: dict) -> dict:
    """The part that every payment carries, checked and named as the book's columns."""
    language, return_path = body.get("language", "en"), body.get("return_path", "/")
    if language not in LANGUAGES:
        raise No("invalid_language")
    if not isinstance(return_path, str) or not PATH.fullmatch(return_path):
        raise No("invalid_return_path")
    return {
        "amount": whole(body, "amount", LIMIT_MINOR),
        "currency": currency(body),
        "order_no": text(body, "order", 64, least=1),
        "attempt": whole(body, "attempt", 10**6),
        "description": text(body, "description", 500),
        "customer": text(body, "customer", 100),
        "payer_name": text(body, "payer_name", 300),
        "merchant": text(body, "merchant", 200),
        "language": language,
        "return_path": return_path,
    }


class Api:
    """The answers of ``/v1/``. ``latency_ms`` is how long every call takes, as a far processor would."""

    def __init__(self, book: Book, latency_ms: int = 0):
        self.book = book
        self.latency_s = latency_ms / 1000
        self.in_flight: set[str] = set()
        self.guard = threading.Lock()
        self.charging: dict[tuple[str, str], Callable[[Request, str], dict]] = {
            ("pages", ""): self.open_page,
            ("intents", ""): self.prepare,
            ("intents", "confirm"): self.confirm,
            ("intents", "cancel"): self.cancel,
            ("refunds", ""): self.refund,
        }
        self.reading: dict[tuple[str, str], Callable[[Request, str], dict]] = {
            ("intents", ""): self.intents,
            ("charges", ""): self.charges,
            ("events", ""): self.events,
            ("customers", "cards"): self.cards,
            ("_faults", ""): lambda request, ref: self.book.faults(),
        }

    def answer(self, request: Request) -> tuple[int, str]:
        """Status and body. Raises ``Lost`` where the connection must be cut instead."""
        noun, ref, verb, *rest = (*request.path.removeprefix("/v1/").split("/"), "", "")
        try:
            if any(rest) or (request.method == "POST" and bool(ref) != bool(verb)):
                raise No("no_such_address", 404)
            if request.method == "GET" and (read := self.reading.get((noun, verb))):
                sleep(self.latency_s)
                return 200, json.dumps(read(request, ref))
            if request.method == "POST" and (noun, verb) == ("_faults", ""):
                return 200, json.dumps(self.arm(request.body))
            if request.method == "POST" and (noun, verb) == ("customers", "cards"):
                return 200, json.dumps(self.keep_card(request, ref))
            if request.method == "POST" and (act := self.charging.get((noun, verb))):
                return self.once(request, lambda: act(request, ref))
            raise No("no_such_address", 404)
        except No as no:
            return no.status, json.dumps({"error": no.code})

    def once(self, request: Request, act: Callable[[], dict]) -> tuple[int, str]:
        """Do the work of a key once; claim it first, so that its twin in flight is turned away."""
        if not KEY.fullmatch(request.key):
            raise No("idempotency_key_invalid")
        with self.guard:
            if request.key in self.in_flight:
                raise No("idempotency_key_in_flight", 409)
            self.in_flight.add(request.key)
        try:
            sleep(self.latency_s)
            return self._first_or_stored(request, act)
        finally:
            with self.guard:
                self.in_flight.discard(request.key)

    def _first_or_stored(self, request: Request, act: Callable[[], dict]) -> tuple[int, str]:
        with self.book.change():
            if stored := self.book.stored_answer(request.key):
                if stored["fingerprint"] != request.fingerprint:
                    raise No("idempotency_mismatch")
                return stored["status"], stored["body"]
            limited = self.book.spend("rate_limit")
            if not limited:
                said = act()
                lost = said.pop("lost", False)
                charged = request.path.endswith("/confirm") and said["status"] == "succeeded"
                broken = charged and self.book.spend("error_500_after_charge")
                lost = lost or (charged and self.book.spend("timeout_after_charge"))
                lost = lost or (request.path == "/v1/refunds" and self.book.spend("timeout_after_refund"))
                status, body = (500, json.dumps({"error": "internal"})) if broken else (200, json.dumps(said))
                self.book.store_answer(request.key, request.fingerprint, status, body)
        if limited:
            raise No("rate_limited", 429)
        if lost:
            raise Lost
        return status, body

    # Payments

    def show(self, intent: dict) -> dict:
        """A payment as the wire tells it; a card's token only where it was saved."""
        card = None
        if intent["card"]:
            kind = self.book.card_kind(intent["card"], intent["customer"])
            unsaved = bool(intent["page"]) and (intent["card"] in CARDS or intent["status"] != "succeeded")
            card = {"token": "" if unsaved else intent["card"], "brand": kind.brand, "last4": kind.last4}
            card |= {"exp_month": EXP_MONTH, "exp_year": kind.exp_year}
        waits = intent["page"] and intent["status"] in ("unconfirmed", "needs_action")
        return {
            "id": intent["id"],
            "status": intent["status"],
            "amount": intent["amount"],
            "currency": intent["currency"],
            "metadata": {"order": intent["order_no"], "attempt": intent["attempt"]},
            "decline_code": intent["decline_code"],
            "hard": bool(intent["hard"]),
            "card": card,
            "action_path": f"/pay/{intent['page']}" if waits else "",
            "captured_at": intent["captured_at"],
            "refunded": intent["refunded"],
        }

    def open_page(self, request: Request, ref: str) -> dict:
        fields = payment_fields(request.body) | {"save_card": bool(request.body.get("save_card"))}
        return self.show(self.book.open(fields, page=True))

    def prepare(self, request: Request, ref: str) -> dict:
        own = {
            "card": text(request.body, "card", 100, least=1),
            "off_session": bool(request.body.get("off_session", True)),
        }
        return self.show(self.book.open(payment_fields(request.body) | own, page=False))

    def confirm(self, request: Request, ref: str) -> dict:
        intent, lost = self.book.confirm(ref)
        return self.show(intent) | {"lost": lost}

    def cancel(self, request: Request, ref: str) -> dict:
        return self.show(self.book.cancel(ref))

    def refund(self, request: Request, ref: str) -> dict:
        body = request.body
        amount, reason = whole(body, "amount", LIMIT_MINOR), text(body, "reason", 500)
        made = self.book.refund(text(body, "payment", 100, least=1), amount, currency(body), reason)
        return made | {"status": "succeeded"}

    # Reads, cards and faults

    def intents(self, request: Request, ref: str) -> dict:
        if ref:
            return self.show(self.book.intent(ref))
        order, attempt = request.query.get("order", ""), count(request.query, "attempt")
        return {"found": [self.show(intent) for intent in self.book.find(order, attempt)]}

    def charges(self, request: Request, ref: str) -> dict:
        since, after = count(request.query, "since", float), count(request.query, "after")
        rows = self.book.charges(since, after, PAGE_SIZE)
        return {"charges": [self.show(row) for row in rows], "next": rows[-1]["n"] if len(rows) == PAGE_SIZE else None}

    def events(self, request: Request, ref: str) -> dict:
        rows = self.book.events(count(request.query, "after"), PAGE_SIZE)
        return {"events": rows, "next": rows[-1]["n"] if len(rows) == PAGE_SIZE else None}

    def cards(self, request: Request, ref: str) -> dict:
        return {"cards": self.book.cards_of(ref)}

    def keep_card(self, request: Request, ref: str) -> dict:
        kind = text(request.body, "card", 100)
        if kind not in CARDS:
            raise No("card_unknown")
        with self.book.change():
            return {"token": self.book.save_card(ref, kind)}

    def arm(self, wanted: dict) -> dict:
        """Ask for faults to come. Counted ones are used up one by one; a body of ``{}`` disarms all."""
        for name, value in wanted.items():
            codes = isinstance(value, list) and all(code in DECLINES for code in value)
            number = type(value) in (int, float) and (-(10**6) if name == "clock_s" else 0) <= value <= 10**6
            if name not in FAULTS or not (codes if name == "refuse_next" else number):
                raise No("invalid_fault")
        with self.book.change():
            self.book.set_faults(wanted or FAULTS)
        return self.book.faults()
