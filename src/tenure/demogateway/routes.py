"""What may be asked of the pretend processor under ``/v1/``, on Stripe's wire: forms in, its objects out.

It decides how keys are honoured: the same key and request give the stored answer for 24 hours, a stored 500 too;
the same key in flight is 409, with another request 400. It must never write twice for one key. Read next:
``demogateway/forms.py``, what a form may hold; ``demogateway/wire.py``, the objects; ``demogateway/server.py``.
"""

import json
import re
import threading
from collections.abc import Callable
from time import sleep
from typing import Any

from tenure.demogateway.book import FAULTS, Book, No
from tenure.demogateway.cards import CARDS, DECLINES
from tenure.demogateway.counter import OUTCOMES, Counter
from tenure.demogateway.forms import Request, money, ours, own_path, part, text, whole
from tenure.demogateway.keeping import Keeping
from tenure.demogateway.wire import Wire
from tenure.kernel.money import EXPONENTS

LANGUAGES = {"en": "en", "zh-TW": "zh-hant", "zh-hant": "zh-hant"}
KEY = re.compile(r"[\x21-\x7e]{1,255}")
NOTED = re.compile(r"metadata\['(\w{1,40})'\]:'((?:[^'\\]|\\.){0,500})'")
MOST_PER_PAGE = 100
UNDECIDED = ("unconfirmed", "needs_action")


class Lost(Exception):
    """The work is done and the answer will not arrive."""


class Declined(Exception):
    """The bank's no: an answer, told as an error and stored like any other."""

    def __init__(self, intent: dict):
        super().__init__(intent["decline_code"])
        self.intent = intent


class Routes:
    """The answers of ``/v1/``. ``latency_ms`` is how long every call takes, as a far processor would."""

    def __init__(self, book: Book, latency_ms: int = 0):
        self.book = book
        self.counter = Counter(book)
        self.keeping = Keeping(book)
        self.latency_s = latency_ms / 1000
        self.in_flight: set[str] = set()
        self.guard = threading.Lock()
        self.posts: dict[str, Callable[[Request, Wire, str], dict]] = {
            "checkout/sessions": self.open_page,
            "checkout/sessions//expire": self.expire,
            "payment_intents": self.prepare,
            "payment_intents//confirm": self.confirm,
            "payment_intents//cancel": self.cancel,
            "refunds": self.refund,
            "customers": self.new_customer,
            "payment_methods//detach": self.detach,
        }
        self.gets: dict[str, Callable[[Request, Wire, str], dict]] = {
            "checkout/sessions/": self.session,
            "payment_intents/search": self.search_payments,
            "payment_intents/": lambda request, wire, ref: wire.payment_intent(self.book.intent(ref), request.expand),
            "customers/search": self.search_customers,
            "customers/": lambda request, wire, ref: wire.customer(self.counter.customer(ref)),
            "disputes/": lambda request, wire, ref: wire.dispute(self.counter.dispute(ref)),
            "refunds/": lambda request, wire, ref: wire.refund(self.counter.refund(ref)),
            **dict.fromkeys(Counter.LISTS, self.listed),
        }

    def answer(self, request: Request) -> tuple[int, str]:
        """Status and body. Raises ``Lost`` where the connection must be cut instead."""
        wire = Wire(self.book, request.base)
        try:
            act, ref = self._found(request)
            if request.method == "GET":
                sleep(self.latency_s)
                return 200, json.dumps(act(request, wire, ref))
            return self.once(request, lambda: act(request, wire, ref), wire)
        except No as no:
            return no.status, json.dumps({"error": error(no)})

    def _found(self, request: Request) -> tuple[Callable[[Request, Wire, str], dict], str]:
        """Which verb an address names, and the id in it."""
        words = request.path.removeprefix("/v1/").split("/")
        nouns = 2 if words[0] == "checkout" else 1
        noun, rest = "/".join(words[:nouns]), words[nouns:]
        table = self.gets if request.method == "GET" else self.posts
        if (exact := table.get("/".join(words))) and (not rest or words[-1] == "search"):
            return exact, ""
        if rest and rest[0] and len(rest) <= 2:
            verb = table.get(f"{noun}/" if len(rest) == 1 else f"{noun}//{rest[1]}")
            if verb:
                return verb, rest[0]
        raise No("no_such_address", 404)

    # Keys

    def once(self, request: Request, act: Callable[[], dict], wire: Wire) -> tuple[int, str]:
        """Do the work of a key once; claim it first, so that its twin in flight is turned away."""
        if not KEY.fullmatch(request.key):
            raise No("idempotency_key_invalid")
        with self.guard:
            if request.key in self.in_flight:
                raise No("idempotency_key_in_use", 409)
            self.in_flight.add(request.key)
        try:
            sleep(self.latency_s)
            return self._first_or_stored(request, act, wire)
        finally:
            with self.guard:
                self.in_flight.discard(request.key)

    def _first_or_stored(self, request: Request, act: Callable[[], dict], wire: Wire) -> tuple[int, str]:
        with self.book.change():
            if stored := self.book.stored_answer(request.key):
                if stored["fingerprint"] != request.fingerprint:
                    raise No("idempotency_mismatch")
                return stored["status"], stored["body"]
            limited = self.book.spend("rate_limit")
            if not limited:
                status, said = self._done(act, wire)
                charged = request.path.endswith("/confirm") and said.get("status") == "succeeded"
                lost = said.pop("lost", False) or (charged and self.book.spend("timeout_after_charge"))
                lost = lost or (request.path == "/v1/refunds" and self.book.spend("timeout_after_refund"))
                if charged and self.book.spend("error_500_after_charge"):
                    status, said = 500, {"error": {"type": "api_error", "message": "An error on our side."}}
                body = json.dumps(said)
                self.book.store_answer(request.key, request.fingerprint, status, body)
        if limited:
            raise No("rate_limit", 429)
        if lost:
            raise Lost
        return status, body

    @staticmethod
    def _done(act: Callable[[], dict], wire: Wire) -> tuple[int, dict]:
        try:
            return 200, act()
        except Declined as no:
            intent = wire.payment_intent(no.intent)
            told = {**intent["last_payment_error"], "payment_intent": intent}
            return 402, {"error": told}

    # Payments

    def open_page(self, request: Request, wire: Wire, ref: str) -> dict:
        if request.text("mode") == "setup":
            return self.open_card_page(request, wire)
        if request.text("mode") != "payment":
            raise No("invalid_mode")
        line = part(request.part("line_items"), "0")
        price = part(line, "price_data")
        amount, currency = money(price.get("unit_amount", ""), text(price, "currency", 3))
        noted, behind = request.part("metadata"), request.part("payment_intent_data")
        fields = {
            **ours(part(behind, "metadata")),
            "amount": amount,
            "currency": currency,
            "customer": self.counter.customer(request.text("customer", 100))["id"],
            "description": text(part(price, "product_data"), "name", least=1),
            "payer_name": text(noted, "payer"),
            "merchant": text(noted, "merchant"),
            "language": LANGUAGES.get(request.text("locale"), "en"),
            "return_path": own_path(request.text("success_url", 2000)),
            "save_card": behind.get("setup_future_usage") == "off_session",
            "hosted": True,
        }
        own_path(request.text("cancel_url", 2000))
        return wire.session(self.book.open(fields, page=True))

    def open_card_page(self, request: Request, wire: Wire) -> dict:
        noted, currency = request.part("metadata"), request.text("currency", 3).upper()
        if currency not in EXPONENTS:
            raise No("invalid_currency")
        own_path(request.text("cancel_url", 2000))
        fields = {
            "customer": self.counter.customer(request.text("customer", 100))["id"],
            "currency": currency,
            "metadata": json.dumps({str(name)[:40]: str(value)[:500] for name, value in noted.items()}, sort_keys=True),
            "payer_name": text(noted, "payer"),
            "merchant": text(noted, "merchant"),
            "language": LANGUAGES.get(request.text("locale"), "en"),
            "return_path": own_path(request.text("success_url", 2000)),
        }
        return self.keeping.session(self.keeping.open(fields) | {"status": "unconfirmed"}, wire)

    def session(self, request: Request, wire: Wire, ref: str) -> dict:
        if kept := self.keeping.at_page(ref):
            return self.keeping.session(kept, wire, request.expand)
        return wire.session(self._session(ref), request.expand)

    def _session(self, ref: str) -> dict:
        intent = self.book.at_page(ref)
        if not intent or not intent["hosted"]:
            raise No("not_found", 404)
        return intent

    def expire(self, request: Request, wire: Wire, ref: str) -> dict:
        intent = self._session(ref)
        if intent["status"] not in UNDECIDED:
            raise No("session_not_open")
        return wire.session(self.book.cancel(intent["id"]), request.expand)

    def prepare(self, request: Request, wire: Wire, ref: str) -> dict:
        amount, currency = money(request.text("amount"), request.text("currency", 3))
        noted = request.part("metadata")
        fields = {
            **ours(noted),
            "amount": amount,
            "currency": currency,
            "customer": self.counter.customer(request.text("customer", 100))["id"],
            "card": request.text("payment_method", 100, least=1),
            "description": text(noted, "description"),
            "language": LANGUAGES.get(text(noted, "language"), "en"),
        }
        return wire.payment_intent(self.book.open(fields, page=False), request.expand)

    def confirm(self, request: Request, wire: Wire, ref: str) -> dict:
        if self.book.intent(ref)["status"] != "unconfirmed" or self.book.intent(ref)["hosted"]:
            raise No("payment_intent_unexpected_state")
        away = request.text("off_session") == "true"
        back = own_path(request.text("return_url", 2000)) if not away else "/"
        self.book.db.execute("UPDATE intents SET off_session = ?, return_path = ? WHERE id = ?", (away, back, ref))
        intent, lost = self.book.confirm(ref)
        if intent["status"] == "declined":
            raise Declined(intent)
        return wire.payment_intent(intent, request.expand) | {"lost": lost}

    def cancel(self, request: Request, wire: Wire, ref: str) -> dict:
        intent = self.book.intent(ref)
        if intent["status"] in ("succeeded", "cancelled") or (intent["hosted"] and intent["status"] in UNDECIDED):
            raise No("payment_intent_unexpected_state")
        return wire.payment_intent(self.book.cancel(ref), request.expand)

    def refund(self, request: Request, wire: Wire, ref: str) -> dict:
        intent = self.book.intent(request.text("payment_intent", 100, least=1))
        amount, currency = money(request.text("amount"), intent["currency"])
        if intent["status"] == "succeeded" and intent["refunded"] == intent["amount"]:
            raise No("charge_already_refunded")
        made = self.book.refund(intent["id"], amount, currency, request.part("metadata"))
        return wire.refund(self.counter.refund(made["id"]))

    # Customers, cards and lists

    def new_customer(self, request: Request, wire: Wire, ref: str) -> dict:
        return wire.customer(self.counter.new_customer(request.part("metadata")))

    def detach(self, request: Request, wire: Wire, ref: str) -> dict:
        self.counter.detach(ref)
        return wire.payment_method(ref, None)

    def search_payments(self, request: Request, wire: Wire, ref: str) -> dict:
        noted = self._noted(request)
        found = self.book.find(noted.get("order", ""), whole(noted.get("attempt", "0"), "query", 10**6))
        shown = [row for row in found if row["card"] or not row["hosted"]]
        return page_of("search_result", [wire.payment_intent(row, inner(request)) for row in shown])

    def search_customers(self, request: Request, wire: Wire, ref: str) -> dict:
        return page_of(
            "search_result", [wire.customer(row) for row in self.counter.customers_noted(self._noted(request))]
        )

    @staticmethod
    def _noted(request: Request) -> dict[str, str]:
        noted = {name: re.sub(r"\\(.)", r"\1", value) for name, value in NOTED.findall(request.text("query", 1000))}
        if not noted:
            raise No("invalid_query")
        return noted

    def listed(self, request: Request, wire: Wire, ref: str) -> dict:
        noun = request.path.removeprefix("/v1/")
        since = whole(request.part("created").get("gte", "0"), "created", 10**12)
        limit = whole(request.text("limit") or "10", "limit", MOST_PER_PAGE)
        after = request.text("starting_after", 100)
        if noun == "charges":
            after = after.replace("ch_", "pi_", 1)
        rows, more = self.counter.listed(noun, since, after, limit)
        shown: dict[str, Callable[[dict], dict]] = {
            "charges": lambda row: wire.charge(row, inner(request)),
            "payment_intents": lambda row: wire.payment_intent(row, inner(request)),
            "refunds": wire.refund,
            "disputes": wire.dispute,
            "balance_transactions": lambda row: wire.balance_transaction(row, inner(request)),
            "payouts": wire.payout,
            "events": wire.event,
        }
        return page_of("list", [shown[noun](row) for row in rows], more)

    # The lab's own: what a bank or bad luck does

    def arm(self, wanted: dict) -> dict:
        """Ask for faults to come. Counted ones are used up one by one; a body of ``{}`` disarms all."""
        for name, value in wanted.items():
            codes = isinstance(value, list) and all(code in DECLINES for code in value)
            least = -(10**6) if name == "clock_s" else 0
            number = type(value) in (int, float) and least <= value <= 10**6
            if name not in FAULTS or not (codes if name == "refuse_next" else number):
                raise No("invalid_fault")
        with self.book.change():
            self.book.set_faults(wanted or FAULTS)
        return self.book.faults()

    def happen(self, wanted: dict) -> dict:
        """Something that no merchant can ask for: a dispute opened or decided, money paid out, a card kept."""
        wire, what = Wire(self.book), wanted.get("what")
        with self.book.change():
            if what == "dispute":
                reason = text(wanted, "reason", 40) or "fraudulent"
                return wire.dispute(self.counter.open_dispute(text(wanted, "payment_intent", 100), reason))
            if what in OUTCOMES:
                return wire.dispute(self.counter.move_dispute(text(wanted, "dispute", 100), what))
            if what == "payout":
                return wire.payout(self.counter.pay_out(*money(text(wanted, "amount"), text(wanted, "currency", 3))))
            if what == "card" and wanted.get("card") in CARDS:
                return {"id": self.book.save_card(text(wanted, "customer", 100), wanted["card"])}
        raise No("invalid_what")


def inner(request: Request) -> frozenset[str]:
    return frozenset(name.removeprefix("data.") for name in request.expand)


def page_of(kind: str, data: list[dict], more: bool = False) -> dict[str, Any]:
    return {"object": kind, "data": data, "has_more": more}


def error(no: No) -> dict:
    """A refusal as Stripe words it: a type, a code where it has one, the field it is about."""
    said = {"type": "invalid_request_error", "message": no.code.replace("_", " ")}
    if no.code in ("idempotency_mismatch", "idempotency_key_in_use"):
        said["type"] = "idempotency_error"
        return said | ({"code": no.code} if no.status == 409 else {})
    if no.code == "not_found":
        return said | {"code": "resource_missing", "param": "id"}
    if no.code == "card_unknown":
        return said | {"code": "resource_missing", "param": "payment_method"}
    if no.code == "refund_exceeds_capture":
        return said | {"param": "amount"}
    return said | {"code": no.code}
