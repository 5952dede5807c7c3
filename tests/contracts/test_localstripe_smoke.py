"""The Stripe adapter against a stand-in that others wrote: what both say alike is less likely our own invention.

It runs as a process of its own, in an empty folder, on a port of this machine. What it lacks (pages, search,
keys, limits on refunds, disputes) is asked of the lab in ``test_gateways.py``. Read next: ``gateways/stripe.py``.
"""

import json
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

import pytest
import stripe

from tenure.kernel.money import Money
from tenure.payments.gateways.base import ChargeRequest, Forged, RefundRequest, Rejected, Unknown
from tenure.payments.gateways.stripe import StripeGateway

KEY = "sk_test_smoke"
PRICE = Money(15750, "TWD")
ORDERS = count(1)
START = "import sys; from localstripe.server import start; sys.argv = ['localstripe', *sys.argv[1:]]; start()"


def card_of(kind):
    """One of the published test cards; the stand-in takes nothing else, and it never leaves this machine."""
    first = "4242" if kind == "4242" else "4000"
    second = {"4242": "4242", "3155": "0025"}.get(kind, "0000")
    third = "4242" if kind == "4242" else "0000"
    return {"number": first + second + third + kind, "exp_month": 12, "exp_year": 2049, "cvc": "123"}


class OlderStripe(StripeGateway):
    """It knows the older name of one field, and confirms without being told whether the customer is there."""

    CARDS_ONLY = {"payment_method_types": ["card"]}

    def _ask(self, call, asked, *ref, key=""):
        unheard = () if "payment_method_types" in asked else ("off_session", "return_url")
        return super()._ask(call, {n: v for n, v in asked.items() if n not in unheard}, *ref, key=key)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-c", START, "--from-scratch", "--port", str(port)]
    folder = tmp_path_factory.mktemp("localstripe")
    process = subprocess.Popen(words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    last = time.monotonic() + 20
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/js.stripe.com/v3/", timeout=1).close()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < last, "the stand-in did not start"
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def gateway(address):
    return OlderStripe(KEY, ["whsec"], base=address, timeout=10)


@pytest.fixture
def charge(gateway, address):
    """A charge of a card that a customer has kept; his number is known, since the stand-in can't search."""

    def made(kind="4242", *, off_session=True):
        asked = stripe.StripeClient(KEY, base_addresses={"api": address}, max_network_retries=0).v1
        order = f"S-{next(ORDERS):04}"
        whose = asked.customers.create({"metadata": {"customer": order}}).id
        card = asked.payment_methods.create({"type": "card", "card": card_of(kind)}).id
        asked.payment_methods.attach(card, {"customer": whose})
        gateway.customers[order] = whose
        return ChargeRequest(
            key=f"{order}:1", amount=PRICE, order=order, attempt=1, description="Action Pack, one year",
            card_token=card, customer=order, off_session=off_session, return_path=f"/orders/{order}/return/",
        )  # fmt: skip

    return made


def test_a_kept_card_is_charged_in_two_steps_and_read_back(gateway, charge):
    asked = charge()
    ready = gateway.prepare(asked)
    assert (ready.status, ready.confirmed, ready.captured_at) == ("needs_action", False, None)
    paid = gateway.confirm(ready.ref, asked.key)
    assert (paid.status, paid.ref, paid.amount) == ("succeeded", ready.ref, PRICE)
    assert (paid.order, paid.attempt) == (asked.order, 1)
    assert (paid.card.token, paid.card.brand, paid.card.last4) == (asked.card_token, "Visa", "4242")
    assert abs(paid.captured_at.timestamp() - time.time()) < 60
    assert gateway.look(ready.ref) == paid
    assert gateway.confirm(ready.ref, "another-key") == paid, "a decided payment is not charged again"


def test_a_declined_charge_is_declined_and_nothing_is_captured(gateway, charge):
    asked = charge("0341")
    no = gateway.confirm(gateway.prepare(asked).ref, asked.key)
    assert (no.status, no.decline_code, no.hard, no.captured_at) == ("declined", "card_declined", False, None)
    assert asked.order not in [paid.order for paid in gateway.charges()]


def test_a_bank_that_asks_is_told_apart_by_whether_the_customer_is_there(gateway, charge):
    away = charge("3155")
    no = gateway.confirm(gateway.prepare(away).ref, away.key)
    assert (no.status, no.decline_code, no.hard) == ("declined", "authentication_required", False)
    here = charge("3155", off_session=False)
    waiting = gateway.confirm(gateway.prepare(here).ref, here.key)
    assert (waiting.status, waiting.confirmed, waiting.final) == ("needs_action", True, False)


def test_money_goes_back_and_a_cancelled_payment_never_charges(gateway, charge):
    asked, idle = charge(), charge()
    paid = gateway.confirm(gateway.prepare(asked).ref, asked.key)
    back = gateway.refund(RefundRequest(f"{asked.order}:r", paid.ref, Money(5000, "TWD"), "ended early"))
    assert (back.status, back.payment_ref, back.amount) == ("succeeded", paid.ref, Money(5000, "TWD"))
    assert gateway.look(paid.ref).refunded == Money(5000, "TWD")
    ready = gateway.prepare(idle)
    assert gateway.cancel(ready.ref, idle.key).status == "cancelled"
    assert gateway.confirm(ready.ref, idle.key).status == "cancelled"


def test_a_card_is_forgotten_once_and_for_all(gateway, charge):
    asked = charge()
    gateway.detach(asked.card_token)
    client = gateway.client.v1.payment_methods
    assert client.retrieve(asked.card_token).customer is None


def test_its_signed_notice_is_read_and_another_word_is_forged(gateway, address, charge):
    heard = []

    class Porch(BaseHTTPRequestHandler):
        def do_POST(self):
            heard.append((self.rfile.read(int(self.headers["Content-Length"])), dict(self.headers.items())))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *parts):
            pass

    porch = ThreadingHTTPServer(("127.0.0.1", 0), Porch)
    threading.Thread(target=porch.serve_forever, args=(0.05,), daemon=True).start()
    try:
        wanted = {"url": f"http://127.0.0.1:{porch.server_port}/", "secret": "whsec"}
        request = urllib.request.Request(
            f"{address}/_config/webhooks/ours",
            json.dumps(wanted | {"events": ["payment_intent.succeeded"]}).encode(),
            {"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=5).close()
        asked = charge()
        paid = gateway.confirm(gateway.prepare(asked).ref, asked.key)
        last = time.monotonic() + 8
        while not (ours := [rung for rung in heard if paid.ref.encode() in rung[0]]):
            assert time.monotonic() < last, "no notice came"
            time.sleep(0.05)
    finally:
        porch.shutdown()
        porch.server_close()
    bell = gateway.read_doorbell(*ours[0])
    assert (bell.kind, bell.ref, bell.order, bell.attempt) == ("payment_intent.succeeded", paid.ref, asked.order, 1)
    assert not bell.foreign
    with pytest.raises(Forged, match="signature_wrong"):
        StripeGateway(KEY, ["another word"], base=address).read_doorbell(*ours[0])


def test_what_it_does_not_know_is_a_refusal_and_silence_is_silence(gateway, address):
    with pytest.raises(Rejected, match="http_404"):
        gateway.look("pi_unheard_of")
    with pytest.raises(Rejected, match="secret_unknown"):
        OlderStripe("guess", [], base=address).look("pi_1")
    with pytest.raises(Unknown, match="no_answer"):
        OlderStripe(KEY, [], base="http://127.0.0.1:9", timeout=1).look("pi_1")
