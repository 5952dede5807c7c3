"""The demonstration gateway's adapter: our questions in its words, its words as our outcomes.

It decides when an answer counts as missing: a broken line, a timeout, 409, 429 and every 5xx are unknown,
never failed. It must never believe a doorbell, nor send a request a second time by itself: a line that
breaks is told, not hidden. Read next: ``tenure/demogateway/api.py``, the other end of the wire.
"""

import hashlib
import hmac
import http.client
import json
import queue
import select
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from tenure.kernel.money import Money
from tenure.payments.gateways.base import (
    Card,
    ChargeRequest,
    Doorbell,
    Forged,
    Outcome,
    Page,
    PageRequest,
    RefundOutcome,
    RefundRequest,
    Rejected,
    Status,
    Unknown,
)

SIGNATURE = "demo-signature"
TOLERANCE_S = 300
MOST_SIGNATURES = 10
LARGEST_DOORBELL = 64 * 1024
LINES_KEPT = 16


def _instant(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def outcome(said: dict) -> Outcome:
    """A payment as the gateway tells it, in our words.

    >>> said = {"id": "pi_1", "status": "unconfirmed", "amount": 15750, "currency": "TWD", "card": None}
    >>> said |= {"metadata": {"order": "T-1", "attempt": 1}, "decline_code": "", "hard": False}
    >>> told = outcome(said | {"action_path": "", "captured_at": None, "refunded": 0})
    >>> told.status.value, told.confirmed, told.captured_at
    ('needs_action', False, None)
    """
    try:
        unconfirmed = said["status"] == "unconfirmed"
        return Outcome(
            status=Status.NEEDS_ACTION if unconfirmed else Status(said["status"]),
            ref=said["id"],
            amount=Money(said["amount"], said["currency"]),
            order=said["metadata"]["order"],
            attempt=said["metadata"]["attempt"],
            confirmed=not unconfirmed,
            decline_code=said["decline_code"],
            hard=said["hard"],
            card=Card(**said["card"]) if said["card"] else None,
            action_path=said["action_path"],
            captured_at=_instant(said["captured_at"]),
            refunded=Money(said["refunded"], said["currency"]),
        )
    except (KeyError, TypeError, ValueError):
        raise Unknown("answer_unreadable") from None


class DemoGateway:
    """Speaks to a ``tenure.demogateway`` process. May be shared by threads.

    ``clock`` gives the seconds of the real world, against which a doorbell's age is measured: the
    demonstration's movable clock does not move the gateway's.
    """

    name = "demo"

    def __init__(self, base_url: str, secret: str, timeout: float = 10, clock: Callable[[], float] = time.time):
        self.address = urlsplit(base_url)
        self.secret = secret
        self.timeout = timeout
        self.clock = clock
        self.lines: queue.LifoQueue[http.client.HTTPConnection] = queue.LifoQueue(LINES_KEPT)

    # Payments

    def open_page(self, request: PageRequest) -> Page:
        said = self._post("pages", f"{request.key}:page", {
            **self._payment(request),
            "payer_name": request.payer_name,
            "merchant": request.merchant,
            "save_card": request.save_card,
        })  # fmt: skip
        return Page(said["id"], said["action_path"])

    def prepare(self, charge: ChargeRequest) -> Outcome:
        own = {"card": charge.card_token, "off_session": charge.off_session}
        return outcome(self._post("intents", f"{charge.key}:prepare", self._payment(charge) | own))

    def confirm(self, ref: str, key: str) -> Outcome:
        return outcome(self._post(f"intents/{quote(ref, safe='')}/confirm", f"{key}:confirm", {}))

    def look(self, ref: str) -> Outcome:
        return outcome(self._get(f"intents/{quote(ref, safe='')}"))

    def find(self, order: str, attempt: int) -> Outcome | None:
        found = self._get("intents", order=order, attempt=attempt)["found"]
        return outcome(found[0]) if found else None

    def cancel(self, ref: str, key: str) -> Outcome:
        try:
            return outcome(self._post(f"intents/{quote(ref, safe='')}/cancel", f"{key}:cancel", {}))
        except Rejected as rejected:
            if rejected.code != "payment_succeeded":
                raise
            return self.look(ref)

    def refund(self, request: RefundRequest) -> RefundOutcome:
        money = {"amount": request.amount.minor, "currency": request.amount.currency}
        wanted = {"payment": request.payment_ref, "reason": request.reason, **money}
        said = self._post("refunds", f"{request.key}:refund", wanted)
        amount = Money(said["amount"], said["currency"])
        return RefundOutcome(Status(said["status"]), said["id"], said["payment"], amount, _instant(said["made_at"]))

    def charges(self, since: datetime | None = None) -> list[Outcome]:
        told: list[Outcome] = []
        after: int | None = 0
        while after is not None:
            said = self._get("charges", since=since.timestamp() if since else 0, after=after)
            told += [outcome(charge) for charge in said["charges"]]
            after = said["next"]
        return told

    @staticmethod
    def _payment(request: PageRequest | ChargeRequest) -> dict:
        return {
            "amount": request.amount.minor,
            "currency": request.amount.currency,
            "order": request.order,
            "attempt": request.attempt,
            "description": request.description,
            "customer": request.customer,
            "language": request.language,
            "return_path": request.return_path,
        }

    # Doorbells

    def read_doorbell(self, body: bytes, headers: Mapping[str, str]) -> Doorbell:
        if len(body) > LARGEST_DOORBELL:
            raise Forged("body_too_large")
        header = next((value for name, value in headers.items() if name.lower() == SIGNATURE), "")
        at, signatures = self._signatures(header)
        expected = hmac.new(self.secret.encode(), b"%d.%s" % (at, body), hashlib.sha256).hexdigest().encode()
        if not any(hmac.compare_digest(expected, signature) for signature in signatures):
            raise Forged("signature_wrong")
        if abs(self.clock() - at) > TOLERANCE_S:
            raise Forged("too_old")
        try:
            event = json.loads(body)
            rung_at = datetime.fromtimestamp(event["created_at"], UTC)
            return Doorbell(str(event["id"]), str(event["kind"]), str(event["ref"]), rung_at)
        except (ValueError, KeyError, TypeError, OverflowError, OSError):
            raise Forged("body_unreadable") from None

    @staticmethod
    def _signatures(header: str) -> tuple[int, list[bytes]]:
        """The time and the signatures of "t=..,v1=..,v1=..": several while a secret is changed, never many."""
        parts = [part.strip().partition("=") for part in header.split(",", MOST_SIGNATURES + 1)]
        times = [value for name, _, value in parts if name == "t"]
        signatures = [value.encode() for name, _, value in parts if name == "v1"]
        if len(times) != 1 or not (times[0].isascii() and times[0].isdecimal() and len(times[0]) <= 12):
            raise Forged("signature_missing")
        if len(parts) > MOST_SIGNATURES + 1:
            raise Forged("signatures_too_many")
        return int(times[0]), signatures

    # The wire

    def _get(self, path: str, **query: Any) -> dict:
        return self._ask("GET", f"/v1/{path}?{urlencode(query)}" if query else f"/v1/{path}", {})

    def _post(self, path: str, key: str, body: dict) -> dict:
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        return self._ask("POST", f"/v1/{path}", headers, json.dumps(body).encode())

    def _ask(self, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> dict:
        line = self._line()
        try:
            line.request(method, path, body, headers | {"Authorization": f"Bearer {self.secret}"})
            answer = line.getresponse()
            status, text = answer.status, answer.read()
        except TimeoutError:
            line.close()
            raise Unknown("timeout") from None
        except (OSError, http.client.HTTPException):
            line.close()
            raise Unknown("no_answer") from None
        self._keep(line)
        return self._read(status, text)

    @staticmethod
    def _read(status: int, text: bytes) -> dict:
        if status in (409, 429) or status >= 500:
            raise Unknown(f"http_{status}")
        try:
            said = json.loads(text)
        except ValueError:
            said = None
        if not isinstance(said, dict):
            raise Unknown("answer_unreadable")
        if status >= 400:
            raise Rejected(str(said.get("error", f"http_{status}")))
        return said

    def _line(self) -> http.client.HTTPConnection:
        """An open line if one is idle. One that the other side has closed shows as readable: drop it unused,
        since a request sent into it could not be told from one whose answer was lost."""
        while True:
            try:
                line = self.lines.get_nowait()
            except queue.Empty:
                kind = http.client.HTTPSConnection if self.address.scheme == "https" else http.client.HTTPConnection
                return kind(self.address.hostname or "127.0.0.1", self.address.port, timeout=self.timeout)
            poll = select.poll()
            if line.sock:
                poll.register(line.sock, select.POLLIN)
            if line.sock and not poll.poll(0):
                return line
            line.close()

    def _keep(self, line: http.client.HTTPConnection) -> None:
        try:
            self.lines.put_nowait(line)
        except queue.Full:
            line.close()
