"""What leaves this machine with a request to the card processor: what was asked, and nothing about the machine.

Read next: ``payments/gateways/stripe.py``.
"""

import json
import platform
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import stripe

from tenure.payments.gateways.base import Unknown
from tenure.payments.gateways.stripe import VERSION, StripeGateway


class Ear(BaseHTTPRequestHandler):
    """Keeps what it was told, and answers that it is unwell."""

    def do_GET(self):
        self.server.heard.append(dict(self.headers.items()))
        self.send_response(500)
        self.send_header("Content-Length", "2")
        self.send_header("Request-Id", "req_1")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *parts):
        pass


@pytest.fixture
def ear():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Ear)
    server.heard = []
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def asked_twice(ear):
    """The second request is the one that would tell how the first went."""
    gateway = StripeGateway("sk_test_x", [], base=f"http://127.0.0.1:{ear.server_port}", timeout=5)
    for _ in range(2):
        with pytest.raises(Unknown, match="http_500"):
            gateway.look("pi_1")
    return ear.heard


def test_a_request_tells_nothing_of_the_machine_and_leaves_nothing_on_it(ear, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr("stripe._telemetry_id._loaded", False)
    heard = asked_twice(ear)
    assert len(heard) == 2, "sent once each: nothing is repeated behind our back"
    for headers in heard:
        assert headers["Stripe-Version"] == VERSION and headers["Authorization"] == "Bearer sk_test_x"
        about = json.loads(headers["X-Stripe-Client-User-Agent"])
        assert not {"telemetry_id", "platform", "uname"} & about.keys()
        assert platform.node() not in str(headers) and "X-Stripe-Client-Telemetry" not in headers
    assert not list(tmp_path.iterdir())


def test_left_as_it_comes_the_library_would_tell(ear, monkeypatch, tmp_path):
    """The control: the test above sees what it says it sees."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr("stripe._telemetry_id._loaded", False)
    monkeypatch.setattr("stripe._telemetry_id._cached_id", None)
    monkeypatch.setattr(stripe, "enable_telemetry", True)
    heard = asked_twice(ear)
    assert "telemetry_id" in json.loads(heard[0]["X-Stripe-Client-User-Agent"])
    assert "X-Stripe-Client-Telemetry" in heard[1] and list(tmp_path.rglob("telemetry_id"))
