"""Rings the portal's doorbell: signed notices, at least once, tried again when nobody answers.

It decides when a notice is sent again. What it carries is how things stand while it rings, which may be old when
it is heard: the portal asks for itself. Read next: ``payments/gateways/doorbells.py``, which reads it.
"""

import hashlib
import hmac
import http.client
import json
import threading
from time import time
from urllib.parse import urlsplit

from tenure.demogateway.book import Book
from tenure.demogateway.wire import Wire

SIGNATURE = "Stripe-Signature"
TIMEOUT_S = 5
LONGEST_WAIT_S = 60


def sign(body: bytes, secret: str, at: int) -> str:
    """The signature header: when, and the keyed hash of "when.body"."""
    return f"t={at},v1={hmac.new(secret.encode(), b'%d.%s' % (at, body), hashlib.sha256).hexdigest()}"


class Doorbells(threading.Thread):
    """One thread that sleeps until a notice is due."""

    def __init__(self, book: Book, url: str, secret: str):
        super().__init__(daemon=True, name="doorbells")
        self.book = book
        self.address = urlsplit(url)
        self.secret = secret
        self.wire = Wire(book)

    def run(self) -> None:
        while True:
            self.book.changed.clear()
            for bell in self.book.bells_due(time()):
                self.ring(bell)
            due_at = self.book.next_bell_at()
            self.book.changed.wait(None if due_at is None else max(0.0, due_at - time()))

    def ring(self, bell: dict) -> None:
        event = self.wire.event(bell)
        if self.delivered(json.dumps(event).encode()):
            self.book.bell_done(bell["bell"])
        else:
            wait_s = min(0.5 * 2 ** bell["tries"], LONGEST_WAIT_S)
            self.book.bell_missed(bell["bell"], bell["tries"] + 1, time() + wait_s)

    def delivered(self, body: bytes) -> bool:
        door = http.client.HTTPConnection(
            self.address.hostname or "127.0.0.1", self.address.port or 80, timeout=TIMEOUT_S
        )
        try:
            headers = {"Content-Type": "application/json", SIGNATURE: sign(body, self.secret, int(time()))}
            door.request("POST", self.address.path or "/", body, headers)
            return 200 <= door.getresponse().status < 300
        except (OSError, http.client.HTTPException):
            return False
        finally:
            door.close()
