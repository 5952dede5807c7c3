"""One contract for every card gateway: what the payment verbs rely on, asked of the real thing over HTTP.

A gateway joins by adding its lab to ``LABS``: how to start it, press buttons on its page and make it fail.
Read next: ``payments/gateways/base.py``, the promises in words.
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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from urllib.parse import urlencode

import pytest

from tenure.kernel.money import Money
from tenure.payments.gateways.base import ChargeRequest, Forged, PageRequest, RefundRequest, Rejected, Unknown
from tenure.payments.gateways.demo import DemoGateway

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


def until(question, seconds: float = 6):
    """Ask until the answer is true, for a bounded time."""
    last = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < last, f"not within {seconds} s"
        time.sleep(0.02)
    return answer


class Porch(BaseHTTPRequestHandler):
    """Where doorbells ring: keeps what arrived; sends the next few away when told to."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.rung.append((body, dict(self.headers.items()), time.monotonic()))
        away = self.server.away > 0
        self.server.away -= away
        self.send_response(503 if away else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *parts):
        pass


class DemoLab:
    """The demonstration gateway as a process of its own, with its state in a file that survives it."""

    def __init__(self, folder):
        self.porch = ThreadingHTTPServer(("127.0.0.1", 0), Porch)
        self.porch.rung, self.porch.away, self.porch.daemon_threads = [], 0, True
        threading.Thread(target=self.porch.serve_forever, args=(0.05,), daemon=True).start()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.file = folder / "gateway.sqlite3"
        self.gateway = DemoGateway(f"http://127.0.0.1:{self.port}", SECRET, timeout=5)
        self.start()

    def start(self, latency_ms: int = 0):
        asked = {"--port": self.port, "--data": self.file, "--secret": SECRET, "--latency-ms": latency_ms}
        asked["--webhook-url"] = f"http://127.0.0.1:{self.porch.server_port}/hooks/demo"
        words = [str(word) for pair in asked.items() for word in pair]
        self.process = subprocess.Popen([sys.executable, "-m", "tenure.demogateway", *words])
        until(self.awake)

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
        return self.press(path, do="pay", card=CARDS[card])

    def faults(self, **wanted):
        status, text, _ = self.http("POST", "/v1/_faults", json.dumps(wanted), Authorization=f"Bearer {SECRET}")
        assert status == 200, text

    def rung(self, ref):
        """Doorbells for a payment so far, as the gateway's own reader reads them."""
        read = [self.gateway.read_doorbell(body, headers) for body, headers, _ in self.porch.rung]
        return [bell for bell in read if bell.ref == ref]

    @staticmethod
    def sign(body, at, secret=SECRET):
        return f"v1={hmac.new(secret.encode(), b'%d.%s' % (at, body), hashlib.sha256).hexdigest()}"


LABS = {"demo": DemoLab}


@pytest.fixture(scope="module", params=LABS)
def running(request, tmp_path_factory):
    lab = LABS[request.param](tmp_path_factory.mktemp("gateway"))
    yield lab
    lab.stop()


@pytest.fixture
def lab(running):
    yield running
    running.faults()


@pytest.fixture
def gateway(lab):
    return lab.gateway


def page_for(**changes):
    order = f"T-{next(ORDERS):04}"
    asked = PageRequest(
        key=f"{order}:1", amount=PRICE, order=order, attempt=1, description="Action Pack, one year",
        language="en", return_path=f"/orders/{order}/return", save_card=True, customer=f"p-{order}",
        payer_name="Fabrik & Söhne", merchant="Aurora",
    )  # fmt: skip
    return replace(asked, **changes)


def charge_for(card="approves", **changes):
    order = f"T-{next(ORDERS):04}"
    asked = ChargeRequest(
        key=f"{order}:1", amount=PRICE, order=order, attempt=1, description="Action Pack, one year",
        card_token=CARDS.get(card, card), customer=f"p-{order}", off_session=True,
    )  # fmt: skip
    return replace(asked, **changes)


def charged(gateway, order):
    return [charge for charge in gateway.charges() if charge.order == order]


# Paying on the gateway's page


def test_a_page_charges_once_and_keeps_the_card(lab, gateway):
    asked = page_for()
    page = gateway.open_page(asked)
    before = gateway.look(page.ref)
    assert (before.status, before.confirmed, before.action_path) == ("needs_action", False, page.path)
    assert (before.order, before.attempt, before.amount) == (asked.order, 1, PRICE)

    status, _, headers = lab.pay(page.path, "approves")
    assert (status, headers["Location"]) == (303, asked.return_path)
    paid = gateway.look(page.ref)
    assert (paid.status, paid.final, paid.card.brand, paid.card.last4) == ("succeeded", True, "Visa", "4242")
    assert paid.card.token and abs(paid.captured_at.timestamp() - time.time()) < 60

    assert lab.pay(page.path, "declined")[0] == 303, "the back button finds the payment decided"
    assert gateway.look(page.ref) == paid
    assert charged(gateway, asked.order) == [paid]
    assert "This payment is complete" in lab.http("GET", page.path)[1]


def test_a_button_pressed_twice_at_once_charges_once(lab, gateway):
    asked = page_for()
    page = gateway.open_page(asked)
    with ThreadPoolExecutor(8) as hands:
        answers = list(hands.map(lambda _: lab.pay(page.path, "approves")[0], range(8)))
    assert answers == [303] * 8
    assert len(charged(gateway, asked.order)) == 1


def test_a_card_is_kept_only_with_consent(lab, gateway):
    page = gateway.open_page(page_for(save_card=False))
    lab.pay(page.path, "approves")
    assert gateway.look(page.ref).card.token == ""


@pytest.mark.parametrize(
    ("card", "code", "hard"),
    [
        ("declined", "card_declined", False),
        ("insufficient_funds", "insufficient_funds", False),
        ("expired", "expired_card", True),
    ],
)
def test_a_declined_page_says_why_and_frees_the_attempt(lab, gateway, card, code, hard):
    asked = page_for()
    page = gateway.open_page(asked)
    assert lab.pay(page.path, card)[2]["Location"] == asked.return_path
    no = gateway.look(page.ref)
    assert (no.status, no.decline_code, no.hard, no.captured_at) == ("declined", code, hard, None)
    assert not charged(gateway, asked.order)
    assert gateway.cancel(page.ref, asked.key).status == "cancelled"
    again = gateway.open_page(replace(asked, key=f"{asked.order}:2", attempt=2))
    assert again.ref != page.ref
    lab.pay(again.path, "approves")
    assert gateway.find(asked.order, 2).status == "succeeded"


@pytest.mark.parametrize(("button", "status"), [("approve", "succeeded"), ("refuse", "declined")])
def test_authentication_is_asked_and_answered_on_the_page(lab, gateway, button, status):
    asked = page_for()
    page = gateway.open_page(asked)
    assert lab.pay(page.path, "authenticates")[2]["Location"] == page.path
    waiting = gateway.look(page.ref)
    assert (waiting.status, waiting.confirmed, waiting.final) == ("needs_action", True, False)
    assert "Your bank asks you to approve" in lab.http("GET", page.path)[1]
    assert lab.press(page.path, do=button)[2]["Location"] == asked.return_path
    assert gateway.look(page.ref).status == status
    assert len(charged(gateway, asked.order)) == (status == "succeeded")


def test_cancel_and_return_leaves_nothing_to_pay(lab, gateway):
    asked = page_for(language="zh-hant")
    page = gateway.open_page(asked)
    assert lab.press(page.path, do="cancel")[2]["Location"] == asked.return_path
    assert gateway.look(page.ref).status == "cancelled"
    lab.pay(page.path, "approves")
    assert gateway.look(page.ref).status == "cancelled"
    assert "這筆付款已取消" in lab.http("GET", page.path)[1]


@pytest.mark.parametrize(
    ("language", "lang", "pay", "pretend"),
    [("en", "en", "Pay NT$15,750", "Nothing is charged."), ("zh-hant", "zh-Hant", "付款 NT$15,750", "不會真的扣款")],
)
def test_the_page_speaks_the_customers_language_and_says_it_pretends(lab, gateway, language, lang, pay, pretend):
    asked = page_for(language=language, description="<b>Pack</b>")
    page = gateway.open_page(asked)
    status, html, headers = lab.http("GET", page.path)
    assert status == 200 and f'<html lang="{lang}">' in html
    for words in (pay, pretend, asked.order, "Aurora", "Fabrik &amp; Söhne", "&lt;b&gt;Pack&lt;/b&gt;"):
        assert words in html
    assert html.count('type="radio"') == 8 and 'type="text"' not in html and "<script" not in html
    assert "style=" not in html and headers["Cache-Control"] == "no-store"
    status, html, _ = lab.press(page.path, do="pay")
    assert status == 422 and 'role="alert"' in html
    assert gateway.look(page.ref).confirmed is False
    assert lab.http("GET", "/pay/cs_unheard_of")[0] == 404


@pytest.mark.parametrize("path", ["//elsewhere.example/", "https://elsewhere.example/", "/\\elsewhere", "/a\r\nb", ""])
def test_a_page_returns_to_the_portal_only(gateway, path):
    with pytest.raises(Rejected, match="invalid_return_path"):
        gateway.open_page(page_for(return_path=path))


# Charging a saved card


def test_a_saved_card_charges_in_two_steps(lab, gateway):
    first = page_for()
    page = gateway.open_page(first)
    lab.pay(page.path, "approves")
    token = gateway.look(page.ref).card.token

    charge = charge_for(token, customer=first.customer)
    ready = gateway.prepare(charge)
    assert (ready.status, ready.confirmed, ready.action_path) == ("needs_action", False, "")
    assert not charged(gateway, charge.order)
    done = gateway.confirm(ready.ref, charge.key)
    assert (done.status, done.ref, done.amount, done.card.token) == ("succeeded", ready.ref, PRICE, token)
    assert gateway.look(ready.ref) == gateway.find(charge.order, 1) == done
    with pytest.raises(Rejected, match="card_unknown"):
        gateway.prepare(charge_for(token, customer="somebody else"))


@pytest.mark.parametrize(
    ("card", "code", "hard"),
    [
        ("declined", "card_declined", False),
        ("insufficient_funds", "insufficient_funds", False),
        ("expired", "expired_card", True),
        ("authenticates", "authentication_required", False),
        ("declines_later", "card_declined", False),
    ],
)
def test_a_saved_card_declines_when_the_customer_is_away(gateway, card, code, hard):
    charge = charge_for(card)
    no = gateway.confirm(gateway.prepare(charge).ref, charge.key)
    assert (no.status, no.decline_code, no.hard) == ("declined", code, hard)
    assert not charged(gateway, charge.order)


def test_a_card_that_approves_now_may_decline_later(lab, gateway):
    first = page_for()
    page = gateway.open_page(first)
    lab.pay(page.path, "declines_later")
    paid = gateway.look(page.ref)
    later = charge_for(paid.card.token, customer=first.customer)
    assert paid.status == "succeeded"
    assert gateway.confirm(gateway.prepare(later).ref, later.key).status == "declined"


def test_a_present_customer_is_asked_by_his_bank(lab, gateway):
    charge = charge_for("authenticates", off_session=False, language="zh-hant", return_path="/orders/x")
    asked = gateway.confirm(gateway.prepare(charge).ref, charge.key)
    assert (asked.status, asked.confirmed) == ("needs_action", True)
    assert "銀行需要您核准這筆付款" in lab.http("GET", asked.action_path)[1]
    assert lab.press(asked.action_path, do="approve")[2]["Location"] == "/orders/x"
    assert gateway.look(asked.ref).status == "succeeded"


def test_the_next_charge_can_be_refused_as_stolen(lab, gateway):
    lab.faults(refuse_next=["stolen_card"])
    stolen, sound = charge_for(), charge_for()
    no = gateway.confirm(gateway.prepare(stolen).ref, stolen.key)
    assert (no.status, no.decline_code, no.hard) == ("declined", "stolen_card", True)
    assert gateway.confirm(gateway.prepare(sound).ref, sound.key).status == "succeeded"


# Keys and lost answers


def test_the_same_key_gives_the_same_answer_and_one_charge(gateway):
    charge, asked = charge_for(), page_for()
    ready = [gateway.prepare(charge) for _ in range(3)]
    done = [gateway.confirm(ready[0].ref, charge.key) for _ in range(3)]
    assert len(set(ready)) == len(set(done)) == 1
    assert gateway.confirm(ready[0].ref, "another-key") == done[0], "a decided payment answers as it stands"
    assert charged(gateway, charge.order) == done[:1]
    assert gateway.open_page(asked) == gateway.open_page(asked)


def test_a_key_with_another_request_is_rejected(gateway):
    charge, asked = charge_for(), page_for()
    gateway.prepare(charge)
    gateway.open_page(asked)
    for again in (
        lambda: gateway.prepare(replace(charge, amount=Money(1, "TWD"))),
        lambda: gateway.open_page(replace(asked, amount=Money(1, "TWD"))),
    ):
        with pytest.raises(Rejected) as no:
            again()
        assert no.value.code == "idempotency_mismatch"
    assert gateway.find(charge.order, 1).amount == PRICE


def test_the_same_key_at_once_charges_once(lab, gateway):
    charge = charge_for()
    ready = gateway.prepare(charge)

    def confirm(_):
        try:
            return gateway.confirm(ready.ref, charge.key).status
        except Unknown as unknown:
            return unknown.reason

    with ThreadPoolExecutor(8) as hands:
        answers = set(hands.map(confirm, range(16)))
    assert answers <= {"succeeded", "http_409"}
    assert len(charged(gateway, charge.order)) == 1


def test_a_lost_answer_is_unknown_and_found_by_asking(lab, gateway):
    lab.faults(timeout_after_charge=1)
    charge = charge_for()
    ready = gateway.prepare(charge)
    with pytest.raises(Unknown, match="no_answer"):
        gateway.confirm(ready.ref, charge.key)
    assert gateway.look(ready.ref).status == "succeeded"
    assert gateway.find(charge.order, 1) == gateway.confirm(ready.ref, charge.key) == gateway.look(ready.ref)
    assert len(charged(gateway, charge.order)) == 1


def test_a_stored_error_is_repeated_for_its_key(lab, gateway):
    lab.faults(error_500_after_charge=1)
    charge = charge_for()
    ready = gateway.prepare(charge)
    for _ in range(2):
        with pytest.raises(Unknown, match="http_500"):
            gateway.confirm(ready.ref, charge.key)
    assert gateway.look(ready.ref).status == "succeeded"
    assert len(charged(gateway, charge.order)) == 1


def test_being_turned_away_is_unknown_and_may_be_asked_again(lab, gateway):
    lab.faults(rate_limit=1)
    charge = charge_for()
    with pytest.raises(Unknown, match="http_429"):
        gateway.prepare(charge)
    assert gateway.find(charge.order, 1) is None
    assert gateway.prepare(charge).confirmed is False


def test_the_card_that_loses_its_answer(lab, gateway):
    asked, started = page_for(), time.monotonic()
    page = gateway.open_page(asked)
    status, html, headers = lab.pay(page.path, "loses_answer")
    assert status == 504 and "Location" not in headers and "Don't pay again" in html
    assert gateway.look(page.ref).status == "succeeded"
    charge = charge_for("loses_answer")
    ready = gateway.prepare(charge)
    with pytest.raises(Unknown):
        gateway.confirm(ready.ref, charge.key)
    assert gateway.find(charge.order, 1).status == "succeeded"
    until(lambda: lab.rung(page.ref))
    assert time.monotonic() - started > 2.5, "the doorbell comes late"


def test_silence_and_a_wrong_secret(lab, gateway):
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        nobody = DemoGateway(f"http://127.0.0.1:{deaf.getsockname()[1]}", SECRET, timeout=0.1)
        with pytest.raises(Unknown, match="timeout"):
            nobody.look("pi_1")
    with pytest.raises(Unknown, match="no_answer"):
        nobody.look("pi_1")
    with pytest.raises(Rejected, match="secret_unknown"):
        DemoGateway(f"http://127.0.0.1:{lab.port}", "guess").look("pi_1")
    with pytest.raises(Rejected, match="not_found"):
        gateway.look("pi_1")


# Cancelling and refunding


def test_a_cancelled_payment_never_charges_and_a_captured_one_says_so(gateway):
    idle, paid = charge_for(), charge_for()
    ready = gateway.prepare(idle)
    assert gateway.cancel(ready.ref, idle.key).status == "cancelled"
    assert gateway.confirm(ready.ref, idle.key).status == "cancelled"
    assert not charged(gateway, idle.order)
    done = gateway.confirm(gateway.prepare(paid).ref, paid.key)
    assert gateway.cancel(done.ref, paid.key) == done


def test_refunds_never_exceed_the_capture(lab, gateway):
    charge = charge_for()
    ready = gateway.prepare(charge)
    part = RefundRequest(f"{charge.order}:r1", ready.ref, Money(10000, "TWD"), "ended early")
    with pytest.raises(Rejected, match="payment_not_captured"):
        gateway.refund(part)
    gateway.confirm(ready.ref, charge.key)
    lab.faults(timeout_after_refund=1)
    with pytest.raises(Unknown):
        gateway.refund(part)
    made = gateway.refund(part)
    assert (made.status, made.payment_ref, made.amount) == ("succeeded", ready.ref, part.amount)
    assert gateway.refund(part) == made, "the same key gives no money twice"
    with pytest.raises(Rejected, match="refund_exceeds_capture"):
        gateway.refund(replace(part, key="r2", amount=Money(5751, "TWD")))
    with pytest.raises(Rejected, match="refund_currency_differs"):
        gateway.refund(replace(part, key="r3", amount=Money(1, "USD")))
    gateway.refund(replace(part, key=f"{charge.order}:r4", amount=Money(5750, "TWD")))
    assert gateway.look(ready.ref).refunded == PRICE
    assert gateway.look(ready.ref).status == "succeeded"


def test_refunds_at_once_stop_at_the_capture(gateway):
    charge = charge_for()
    ready = gateway.prepare(charge)
    gateway.confirm(ready.ref, charge.key)

    def refund(n):
        try:
            return gateway.refund(RefundRequest(f"{charge.order}:{n}", ready.ref, Money(5000, "TWD"), "")).status
        except Rejected as no:
            return no.code

    with ThreadPoolExecutor(8) as hands:
        answers = sorted(hands.map(refund, range(8)))
    assert answers == ["refund_exceeds_capture"] * 5 + ["succeeded"] * 3


# Doorbells


def test_a_doorbell_names_the_payment_and_nothing_more(lab, gateway):
    charge = charge_for()
    ready = gateway.prepare(charge)
    gateway.confirm(ready.ref, charge.key)
    (bell,) = until(lambda: lab.rung(ready.ref))
    assert bell.kind == "payment.succeeded" and bell.event_id
    assert abs(bell.created_at.timestamp() - time.time()) < 60
    body = next(body for body, _, _ in lab.porch.rung if ready.ref.encode() in body)
    assert set(json.loads(body)) == {"id", "kind", "ref", "created_at"}


def test_a_doorbell_rings_twice_never_late_and_again_after_an_error(lab, gateway):
    def ring(**faults):
        lab.faults(**faults)
        charge = charge_for()
        return gateway.confirm(gateway.prepare(charge).ref, charge.key).ref

    twice = ring(duplicate_webhooks=1)
    until(lambda: len(lab.rung(twice)) == 2)
    assert len({bell.event_id for bell in lab.rung(twice)}) == 1
    silent = ring(drop_webhooks=1)
    late = ring(delay_webhooks_s=0.5)
    early = ring(delay_webhooks_s=0)
    until(lambda: lab.rung(early) and lab.rung(late))
    order = [bell.ref for body, headers, _ in lab.porch.rung for bell in [gateway.read_doorbell(body, headers)]]
    assert order.index(early) < order.index(late), "out of order"
    assert not lab.rung(silent)
    lab.porch.away = 1
    again = ring()
    until(lambda: len(lab.rung(again)) == 2)


@pytest.mark.parametrize(
    ("age_s", "header", "reason"),
    [
        (0, "t={at},{right}", None),
        (0, "t={at},{wrong},{right}", None),
        (299, "t={at},{right}", None),
        (-299, "t={at},{right}", None),
        (301, "t={at},{right}", "too_old"),
        (-301, "t={at},{right}", "too_old"),
        (0, "t={at},{wrong}", "signature_wrong"),
        (0, "t={other},{right}", "signature_wrong"),
        (0, "t={at},v1=é", "signature_wrong"),
        (0, "t={at}", "signature_wrong"),
        (0, "t={at}," + ",".join(["{wrong}"] * 1000) + ",{right}", "signatures_too_many"),
        (0, "{right}", "signature_missing"),
        (0, "t=soon,{right}", "signature_missing"),
        (0, "t=" + "9" * 5000 + ",{right}", "signature_missing"),
        (0, "", "signature_missing"),
    ],
)
def test_a_doorbell_must_be_signed_now_by_the_gateway(lab, age_s, header, reason):
    clock = 1_700_000_000
    gateway = DemoGateway("http://127.0.0.1:1", SECRET, clock=lambda: clock)
    body = json.dumps({"id": "evt_1", "kind": "payment.succeeded", "ref": "pi_1", "created_at": clock}).encode()
    at = clock - age_s
    signatures = {"right": lab.sign(body, at), "wrong": lab.sign(body, at, "another word")}
    headers = {"Demo-Signature": header.format(at=at, other=at + 1, **signatures)}
    if reason:
        with pytest.raises(Forged) as forged:
            gateway.read_doorbell(body, headers)
        assert forged.value.reason == reason
    else:
        assert gateway.read_doorbell(body, headers).ref == "pi_1"
        with pytest.raises(Forged, match="signature_wrong"):
            gateway.read_doorbell(body.replace(b"pi_1", b"pi_2"), headers)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"id":"e","kind":"k","ref":"r","created_at":1e99}', b"\xff"])
def test_a_signed_doorbell_must_be_readable(lab, gateway, body):
    at = int(time.time())
    with pytest.raises(Forged, match="body_unreadable"):
        gateway.read_doorbell(body, {"Demo-Signature": f"t={at},{lab.sign(body, at)}"})
    with pytest.raises(Forged, match="body_too_large"):
        gateway.read_doorbell(b"x" * 70_000, {})


# Reconciliation and restarts


def test_the_list_of_charges_is_what_was_charged(lab, gateway):
    since = datetime.fromtimestamp(time.time(), UTC)
    charges = [charge_for("approves" if n % 3 else "declined") for n in range(9)]
    done = [gateway.confirm(gateway.prepare(charge).ref, charge.key) for charge in charges]
    paid = [outcome for outcome in done if outcome.status == "succeeded"]
    assert gateway.charges(since) == paid and len(paid) == 6
    assert gateway.charges(paid[2].captured_at) == paid[2:]
    assert gateway.charges(since + timedelta(days=1)) == []
    assert len({(charge.order, charge.attempt) for charge in gateway.charges()}) == len(gateway.charges())


def test_everything_survives_a_kill(lab, gateway):
    first, open_page = page_for(), page_for()
    page, waiting = gateway.open_page(first), gateway.open_page(open_page)
    lab.pay(page.path, "approves")
    paid, charge = gateway.look(page.ref), charge_for()
    ready = gateway.prepare(charge)
    lab.faults(delay_webhooks_s=0.5, refuse_next=["stolen_card"])
    gateway.cancel(ready.ref, charge.key)
    before = gateway.charges()
    lab.kill()
    with pytest.raises(Unknown):
        gateway.look(page.ref)
    lab.start()
    assert gateway.look(page.ref) == paid and gateway.charges() == before
    assert gateway.open_page(first) == page, "keys are remembered"
    until(lambda: lab.rung(ready.ref))
    lab.pay(waiting.path, "approves")
    assert gateway.look(waiting.ref).decline_code == "stolen_card"
    again = charge_for(paid.card.token, customer=first.customer)
    assert gateway.confirm(gateway.prepare(again).ref, again.key).status == "succeeded"
