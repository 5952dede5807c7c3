"""The labs: each starts a card gateway, presses the buttons on its page and makes it fail from outside.

A gateway joins the contract by adding its lab to ``LABS``. Read next: ``test_gateways.py``.
"""

import hashlib
import hmac
import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from urllib.parse import urlencode

import pytest

from tenure.kernel.money import Money
from tenure.payments.gateways.base import ChargeRequest, PageRequest
from tenure.payments.gateways.stripe import StripeGateway

SECRET = "a shared word of the test"
PRICE = Money(15750, "TWD")
ORDERS = count(1)
CARDS = {
    "approves": "tok_4242",
    "declined": "tok_0002",
    "insufficient_funds": "tok_9995",
    "expired": "tok_0069",
    "authenticates": "tok_3155",
    "declines_later": "tok_0341",
    "loses_answer": "tok_0119",
}


class Porch(BaseHTTPRequestHandler):
    """Where doorbells ring: keeps what arrived; sends the next few away when told to."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.rung.append((body, dict(self.headers.items())))
        away = self.server.away > 0
        self.server.away -= away
        self.send_response(503 if away else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *parts):
        pass


class DemoLab:
    """The demonstration gateway as a process of its own, with its state in a file that survives it."""

    secret, price = SECRET, PRICE
    cards = CARDS

    def __init__(self, folder):
        self.porch = ThreadingHTTPServer(("127.0.0.1", 0), Porch)
        self.porch.rung, self.porch.away, self.porch.daemon_threads = [], 0, True
        threading.Thread(target=self.porch.serve_forever, args=(0.05,), daemon=True).start()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.file = folder / "gateway.sqlite3"
        self.gateway = self.adapter()
        self.start()

    def adapter(self, base=None, secret=SECRET, **more):
        own = {"name": "demo", "base": base or f"http://127.0.0.1:{self.port}", "timeout": 5}
        return StripeGateway(secret, [SECRET], **own | more)

    def start(self):
        asked = {"--port": self.port, "--data": self.file, "--secret": SECRET}
        asked["--webhook-url"] = f"http://127.0.0.1:{self.porch.server_port}/hooks/demo"
        words = [str(word) for pair in asked.items() for word in pair]
        self.process = subprocess.Popen([sys.executable, "-m", "tenure.demogateway", *words])
        self.until(self.awake)

    def awake(self):
        try:
            return self.http("GET", "/healthz")[0] == 200
        except OSError:
            return False

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        assert self.process.wait(5) == 0
        self.porch.shutdown()
        self.porch.server_close()

    @staticmethod
    def until(question, seconds=6):
        """Ask until the answer is true, for a bounded time."""
        last = time.monotonic() + seconds
        while not (answer := question()):
            assert time.monotonic() < last, f"not within {seconds} s"
            time.sleep(0.02)
        return answer

    # Requests of one attempt each

    def page(self, **changes):
        order = f"T-{next(ORDERS):04}"
        asked = PageRequest(
            key=f"{order}:1", amount=PRICE, order=order, attempt=1, description="Action Pack, one year",
            language="en", return_path=f"/orders/{order}/return", save_card=True, customer=f"p-{order}",
            payer_name="Fabrik & Söhne", merchant="Aurora",
        )  # fmt: skip
        return replace(asked, **changes)

    def charge(self, card="approves", **changes):
        order = f"T-{next(ORDERS):04}"
        asked = ChargeRequest(
            key=f"{order}:1", amount=PRICE, order=order, attempt=1, description="Action Pack, one year",
            card_token=self.cards.get(card, card), customer=f"p-{order}", off_session=True,
        )  # fmt: skip
        return replace(asked, **changes)

    def charged(self, order):
        return [charge for charge in self.gateway.charges() if charge.order == order]

    # The customer's browser

    def http(self, method, path, body=None, **headers):
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            line.request(method, path, body, headers)
            answer = line.getresponse()
            return answer.status, answer.read().decode(), answer.headers
        finally:
            line.close()

    def press(self, path, **form):
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.http("POST", path, urlencode(form), **kind)

    def pay(self, path, card):
        return self.press(path, do="pay", card=self.cards[card])

    # Faults and doorbells

    def faults(self, **wanted):
        status, text, _ = self.http("POST", "/v1/_faults", json.dumps(wanted), Authorization=f"Bearer {SECRET}")
        assert status == 200, text

    def rung(self, ref):
        """Doorbells for a payment so far, as the gateway's own reader reads them."""
        read = [self.gateway.read_doorbell(body, headers) for body, headers in list(self.porch.rung)]
        return [bell for bell in read if bell.ref == ref]

    def happen(self, what, **more):
        """A bank does something, or money is paid out."""
        said = json.dumps({"what": what, **more})
        status, text, _ = self.http("POST", "/v1/_lab", said, Authorization=f"Bearer {SECRET}")
        assert status == 200, text
        return json.loads(text)

    @staticmethod
    def sign(body, at, secret=SECRET):
        return f"v1={hmac.new(secret.encode(), b'%d.%s' % (at, body), hashlib.sha256).hexdigest()}"


LABS = {"demo": DemoLab}


@pytest.fixture(scope="session", params=LABS)
def gateway_lab(request, tmp_path_factory):
    lab = LABS[request.param](tmp_path_factory.mktemp("gateway"))
    yield lab
    lab.stop()


@pytest.fixture
def lab(gateway_lab):
    yield gateway_lab
    gateway_lab.faults()


@pytest.fixture
def gateway(lab):
    return lab.gateway
