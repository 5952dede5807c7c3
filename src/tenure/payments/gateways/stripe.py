"""Stripe, through its own SDK: hosted Checkout for a customer who is there, PaymentIntents for a kept card.

It decides which answers count as missing (a broken line, a timeout, 409, 429, every 5xx) and in which two calls a
card is charged. It must never send a request a second time by itself, take a card's digits, or believe a notice.
Read next: ``gateways/stripe_words.py``, what its objects mean; ``docs/adr/0013-stripe-and-the-lab.md``.
"""

import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

import requests
import stripe

from tenure.payments.gateways import doorbells
from tenure.payments.gateways import stripe_words as words
from tenure.payments.gateways.base import (
    Card,
    CardPageRequest,
    ChargeRequest,
    DisputeOutcome,
    Doorbell,
    Movement,
    Outcome,
    Page,
    PageRequest,
    RefundOutcome,
    RefundRequest,
    Rejected,
    Status,
    Unknown,
)

VERSION = "2026-10-28.endive"
API_BASE = "https://api.stripe.com"
LOCALES = {"en": "en", "zh-hant": "zh-TW"}
OWN_PATH = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,500}")
WITH_CARD = ["latest_charge", "payment_method"]
MOST_PER_PAGE = 100
LOOPBACK = ("127.0.0.1", "localhost", "::1")

# Its debugging lines would carry whole answers.
logging.getLogger("stripe").setLevel(logging.WARNING)
# It would keep a number for this machine in the user's home and send it, with the machine's description, each time.
stripe.enable_telemetry = False


class StripeGateway:
    """Speaks to Stripe, or to whatever follows its wire at ``base``. May be shared by threads.

    ``site`` is our own address, to which a page sends the browser back. ``clock`` gives the seconds of the real
    world, against which a notice's age is measured: a demonstration's movable clock does not move a gateway's.
    ``told_time`` hears how many seconds the gateway's clock is ahead of it, at each answer.
    """

    CARDS_ONLY: Mapping[str, Any] = {"allowed_payment_method_types": ["card"]}

    def __init__(
        self,
        key: str,
        webhook_secrets: Sequence[str],
        *,
        name: str = "stripe",
        base: str = API_BASE,
        site: str = "http://127.0.0.1:8000",
        timeout: float = 20,
        clock: Callable[[], float] = time.time,
        told_time: Callable[[str, float], None] = lambda gateway, ahead_s: None,
    ):
        self.name = name
        self.secret = key
        self.webhook_secrets = tuple(webhook_secrets)
        self.base = base.rstrip("/")
        self.site = site.rstrip("/")
        self.live = key.startswith(("sk_live", "rk_live"))
        self.clock, self.told_time = clock, told_time
        self.customers: dict[str, str] = {}
        self.timeout = timeout

    @property
    def timeout(self) -> float:
        return self._timeout

    @timeout.setter
    def timeout(self, seconds: float) -> None:
        self._timeout = seconds
        session = None
        if urlsplit(self.base).hostname in LOOPBACK:
            session = requests.Session()
            session.trust_env = False  # a proxy of the surroundings cannot reach this machine
        self.client = stripe.StripeClient(
            self.secret,
            stripe_version=VERSION,
            base_addresses={"api": self.base},
            max_network_retries=0,
            http_client=stripe.RequestsClient(timeout=seconds, session=session),
        )

    # Payments

    def open_page(self, request: PageRequest) -> Page:
        noted = {"order": request.order, "attempt": str(request.attempt)}
        priced = {
            "currency": request.amount.currency.lower(),
            "unit_amount": words.counted(request.amount),
            "product_data": {"name": request.description or request.order},
        }
        asked = {
            **self.CARDS_ONLY,
            "mode": "payment",
            "client_reference_id": request.order,
            "line_items": [{"quantity": 1, "price_data": priced}],
            "metadata": {**noted, "payer": request.payer_name[:500], "merchant": request.merchant[:500]},
            "payment_intent_data": {
                "metadata": noted,
                **({"setup_future_usage": "off_session"} if request.save_card else {}),
            },
            **self._for_browser(request),
        }
        said = self._ask(self.client.v1.checkout.sessions.create, asked, key=f"{request.key}:page")
        return Page(said["id"], self._path(said["url"]))

    def prepare(self, charge: ChargeRequest) -> Outcome:
        noted = {
            "order": charge.order,
            "attempt": str(charge.attempt),
            "description": charge.description[:500],
            "return_path": charge.return_path,
            **({"off_session": "1"} if charge.off_session else {}),
        }
        asked = {
            **self.CARDS_ONLY,
            "amount": words.counted(charge.amount),
            "currency": charge.amount.currency.lower(),
            "customer": self._customer(charge.customer),
            "payment_method": charge.card_token,
            "metadata": noted | {"language": charge.language},
            "expand": WITH_CARD,
        }
        return self._payment(self._ask(self.client.v1.payment_intents.create, asked, key=f"{charge.key}:prepare"))

    def confirm(self, ref: str, key: str) -> Outcome:
        """What it is asked depends on whether the customer is there, which the payment itself remembers."""
        said = self._intent(ref)
        if said["status"] != "requires_confirmation":
            return self._payment(said)
        noted = said["metadata"]
        back = self.site + noted.get("return_path", "/")
        asked = {"expand": WITH_CARD, **({"off_session": True} if noted.get("off_session") else {"return_url": back})}
        try:
            said = self._ask(self.client.v1.payment_intents.confirm, asked, ref, key=f"{key}:confirm")
        except Rejected as no:
            if no.code != "payment_intent_unexpected_state":
                raise
            said = self._intent(ref)
        except stripe.CardError as no:
            told: Any = no.json_body or {}
            said = (told.get("error") or {}).get("payment_intent") or self._intent(ref)
        return self._payment(said)

    def look(self, ref: str) -> Outcome:
        if not ref.startswith("cs_"):
            return self._payment(self._intent(ref))
        asked = {"expand": [f"payment_intent.{part}" for part in WITH_CARD]}
        said = self._ask(self.client.v1.checkout.sessions.retrieve, asked, ref)
        return words.session(said, self._path(said.get("url") or ""))

    def find(self, order: str, attempt: int) -> Outcome | None:
        query = f"metadata['order']:'{_quoted(order)}' AND metadata['attempt']:'{attempt}'"
        asked = {"query": query, "expand": [f"data.{part}" for part in WITH_CARD]}
        found = self._ask(self.client.v1.payment_intents.search, asked)["data"]
        if not found:
            return None
        return self._payment(max(found, key=lambda said: (said["status"] == "succeeded", said["created"])))

    def cancel(self, ref: str, key: str) -> Outcome:
        if ref.startswith("cs_"):
            try:
                self._ask(self.client.v1.checkout.sessions.expire, {}, ref, key=f"{key}:expire")
            except Rejected as no:
                if no.code in ("not_found", "secret_unknown"):
                    raise
            outcome = self.look(ref)
            if outcome.ref == ref or outcome.status != Status.DECLINED:
                return outcome
            ref = outcome.ref
        try:
            asked = {"expand": WITH_CARD}
            return self._payment(self._ask(self.client.v1.payment_intents.cancel, asked, ref, key=f"{key}:cancel"))
        except Rejected as no:
            if no.code != "payment_intent_unexpected_state":
                raise
            return self.look(ref)

    def refund(self, request: RefundRequest) -> RefundOutcome:
        paid = self.look(request.payment_ref)
        if paid.status != Status.SUCCEEDED:
            raise Rejected("payment_not_captured")
        if paid.amount.currency != request.amount.currency:
            raise Rejected("refund_currency_differs")
        asked = {
            "payment_intent": paid.ref,
            "amount": words.counted(request.amount),
            "metadata": {"reason": request.reason[:500], "key": request.key},
        }
        try:
            return words.refund(self._ask(self.client.v1.refunds.create, asked, key=f"{request.key}:refund"))
        except Rejected as no:
            if no.code in ("charge_already_refunded", "amount_refused"):
                raise Rejected("refund_exceeds_capture") from None
            raise

    def open_card_page(self, request: CardPageRequest) -> Page:
        asked = {
            **self.CARDS_ONLY,
            "mode": "setup",
            "currency": request.currency.lower(),
            "metadata": {"payer": request.payer_name[:500], "merchant": request.merchant[:500]},
            **self._for_browser(request),
        }
        said = self._ask(self.client.v1.checkout.sessions.create, asked, key=f"{request.key}:card")
        return Page(said["id"], self._path(said["url"]))

    def look_card(self, ref: str) -> Card | None:
        asked = {"expand": ["setup_intent.payment_method"]}
        return words.kept_card(self._ask(self.client.v1.checkout.sessions.retrieve, asked, ref))

    def detach(self, card_token: str) -> None:
        try:
            self._ask(self.client.v1.payment_methods.detach, {}, card_token, key=f"{card_token}:detach")
        except Rejected as no:
            if no.code not in ("not_found", "card_unknown", "payment_method_not_attached"):
                raise

    # Lists, for reconciliation: oldest first

    def charges(self, since: datetime | None = None) -> list[Outcome]:
        told = self._all(self.client.v1.charges.list, since, expand=["data.payment_intent.payment_method"])
        paid = [said for said in told if said["status"] == "succeeded" and said.get("payment_intent")]
        return [self._payment({**said["payment_intent"], "latest_charge": said}) for said in paid]

    def refunds(self, since: datetime | None = None) -> list[RefundOutcome]:
        told = self._all(self.client.v1.refunds.list, since)
        return [words.refund(said) for said in told if said.get("payment_intent")]

    def disputes(self, since: datetime | None = None) -> list[DisputeOutcome]:
        return [words.dispute(said) for said in self._all(self.client.v1.disputes.list, since)]

    def look_dispute(self, ref: str) -> DisputeOutcome:
        return words.dispute(self._ask(self.client.v1.disputes.retrieve, {}, ref))

    def movements(self, since: datetime | None = None) -> list[Movement]:
        told = self._all(self.client.v1.balance_transactions.list, since, expand=["data.source"])
        return [words.movement(said) for said in told]

    # Doorbells

    def read_doorbell(self, body: bytes, headers: Mapping[str, str]) -> Doorbell:
        return doorbells.read(body, headers, self.webhook_secrets, self.clock(), self.live)

    # The wire

    def _payment(self, said: Mapping[str, Any]) -> Outcome:
        action = (said.get("next_action") or {}).get("redirect_to_url") or {}
        return words.payment(said, self._path(action.get("url") or ""))

    def _intent(self, ref: str) -> dict[str, Any]:
        return self._ask(self.client.v1.payment_intents.retrieve, {"expand": WITH_CARD}, ref)

    def _path(self, url: str) -> str:
        """A page below the very address that we ask is shown under our own ``/pay/``; any other as it is."""
        return url.removeprefix(self.base) if url.startswith(f"{self.base}/pay/") else url

    def _for_browser(self, request: PageRequest | CardPageRequest) -> dict[str, Any]:
        """Whose page it is, how it speaks and where it sends the browser: back to us, never elsewhere."""
        if not OWN_PATH.fullmatch(request.return_path):
            raise Rejected("invalid_return_path")
        return {
            "customer": self._customer(request.customer),
            "locale": LOCALES.get(request.language, "auto"),
            "success_url": self.site + request.return_path,
            "cancel_url": self.site + request.return_path,
        }

    def _customer(self, ours: str) -> str:
        """Stripe's own number for a customer of ours. Made under a key of its own, so that a search that has not
        caught up yet makes no second one."""
        if ours not in self.customers:
            query = {"query": f"metadata['customer']:'{_quoted(ours)}'", "limit": 1}
            found = self._ask(self.client.v1.customers.search, query)["data"]
            asked = {"metadata": {"customer": ours}}
            made = self.client.v1.customers.create
            said = found[0] if found else self._patiently(made, asked, f"{quote(ours, safe='')}:customer")
            self.customers[ours] = said["id"]
        return self.customers[ours]

    def _patiently(self, call: Callable[..., Any], asked: dict, key: str) -> dict[str, Any]:
        """A call that moves no money may be made again while its twin is under way."""
        for left in (3, 2, 1, 0):
            try:
                return self._ask(call, asked, key=key)
            except Unknown as unknown:
                if unknown.reason != "http_409" or not left:
                    raise
                time.sleep(0.1)
        raise Unknown("http_409")

    def _all(self, call: Callable[..., Any], since: datetime | None, **asked: Any) -> list[dict[str, Any]]:
        return list(self._backwards(call, since, asked))[::-1]

    def _backwards(self, call: Callable[..., Any], since: datetime | None, asked: dict) -> Iterator[dict[str, Any]]:
        """Page by page, the newest first, as it lists them; its instants are whole seconds."""
        asked = {"limit": MOST_PER_PAGE, **asked, **({"created": {"gte": int(since.timestamp())}} if since else {})}
        while True:
            said = self._ask(call, asked)
            yield from said["data"]
            if not said.get("has_more") or not said["data"]:
                return
            asked = {**asked, "starting_after": said["data"][-1]["id"]}

    def _ask(self, call: Callable[..., Any], asked: dict, *ref: str, key: str = "") -> dict[str, Any]:
        with _told_apart():
            answer = call(*ref, params=asked, options={"idempotency_key": key} if key else {})
            said, headers = answer.last_response.data, answer.last_response.headers
        if at := _dated(headers.get("Date", "")):
            self.told_time(self.name, at - self.clock())
        if not isinstance(said, dict):
            raise Unknown("answer_unreadable")
        return said


def _dated(header: str) -> float | None:
    """The instant of an answer's ``Date``, in whole seconds; nothing when it has none that can be read."""
    try:
        return parsedate_to_datetime(header).timestamp()
    except ValueError:
        return None


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


@contextmanager
def _told_apart() -> Iterator[None]:
    """Missing answers from refusals. A bank's no, ``stripe.CardError``, passes: it is an answer."""
    try:
        yield
    except stripe.CardError:
        raise
    except stripe.APIConnectionError as broken:
        raise Unknown("timeout" if isinstance(broken.__cause__, requests.Timeout) else "no_answer") from None
    except stripe.StripeError as no:
        status = no.http_status or 0
        if status in (409, 429) or status >= 500:
            raise Unknown(f"http_{status}") from None
        if status < 400:
            raise Unknown("answer_unreadable") from None
        raise Rejected(_code(no)) from None


def _code(no: stripe.StripeError) -> str:
    """A refusal in one word of ours, or in Stripe's own where we have none."""
    param = getattr(no, "param", None)
    if isinstance(no, stripe.IdempotencyError):
        return "idempotency_mismatch"
    if isinstance(no, stripe.AuthenticationError):
        return "secret_unknown"
    if no.code == "resource_missing":
        return "card_unknown" if param == "payment_method" else "not_found"
    return no.code or (f"{param}_refused" if param else f"http_{no.http_status}")
