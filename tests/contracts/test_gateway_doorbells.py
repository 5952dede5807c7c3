"""The contract's other half: notices that are signed, late, doubled or forged; the list; a killed process.

It must never trust a notice further than the payment's name. Read next: ``test_gateways.py``.
"""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from tenure.payments.gateways.base import Forged, Unknown
from tenure.payments.gateways.demo import DemoGateway

# Doorbells


def test_a_doorbell_names_the_payment_and_nothing_more(lab, gateway):
    charge = lab.charge()
    ready = gateway.prepare(charge)
    gateway.confirm(ready.ref, charge.key)
    (bell,) = lab.until(lambda: lab.rung(ready.ref))
    assert bell.kind == "payment.succeeded" and bell.event_id
    assert abs(bell.created_at.timestamp() - time.time()) < 60
    body = next(body for body, _ in lab.porch.rung if ready.ref.encode() in body)
    assert set(json.loads(body)) == {"id", "kind", "ref", "created_at"}


def test_a_doorbell_rings_twice_never_late_and_again_after_an_error(lab, gateway):
    def ring(**faults):
        lab.faults(**faults)
        charge = lab.charge()
        return gateway.confirm(gateway.prepare(charge).ref, charge.key).ref

    twice = ring(duplicate_webhooks=1)
    lab.until(lambda: len(lab.rung(twice)) == 2)
    assert len({bell.event_id for bell in lab.rung(twice)}) == 1
    silent = ring(drop_webhooks=1)
    late = ring(delay_webhooks_s=0.5)
    early = ring(delay_webhooks_s=0)
    lab.until(lambda: lab.rung(early) and lab.rung(late))
    order = [bell.ref for body, headers in lab.porch.rung for bell in [gateway.read_doorbell(body, headers)]]
    assert order.index(early) < order.index(late), "out of order"
    assert not lab.rung(silent)
    lab.porch.away = 1
    again = ring()
    lab.until(lambda: len(lab.rung(again)) == 2)


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
    gateway = DemoGateway("http://127.0.0.1:1", lab.secret, clock=lambda: clock)
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
    charges = [lab.charge("approves" if n % 3 else "declined") for n in range(9)]
    done = [gateway.confirm(gateway.prepare(charge).ref, charge.key) for charge in charges]
    paid = [outcome for outcome in done if outcome.status == "succeeded"]
    assert gateway.charges(since) == paid and len(paid) == 6
    assert gateway.charges(paid[2].captured_at) == paid[2:]
    assert gateway.charges(since + timedelta(days=1)) == []
    assert len({(charge.order, charge.attempt) for charge in gateway.charges()}) == len(gateway.charges())


def test_everything_survives_a_kill(lab, gateway):
    first, open_page = lab.page(), lab.page()
    page, waiting = gateway.open_page(first), gateway.open_page(open_page)
    lab.pay(page.path, "approves")
    paid, charge = gateway.look(page.ref), lab.charge()
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
    lab.until(lambda: lab.rung(ready.ref))
    lab.pay(waiting.path, "approves")
    assert gateway.look(waiting.ref).decline_code == "stolen_card"
    again = lab.charge(paid.card.token, customer=first.customer)
    assert gateway.confirm(gateway.prepare(again).ref, again.key).status == "succeeded"
