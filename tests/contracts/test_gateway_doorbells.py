"""The contract's other half: notices that are signed, late, doubled or forged; the list; a killed process.

It must never trust a notice further than the payment's name. Read next: ``test_gateways.py``.
"""

import hashlib
import hmac
import json
import time
from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.kernel.money import Money
from tenure.payments.gateways import doorbells
from tenure.payments.gateways.base import Forged, RefundRequest, Unknown
from tenure.payments.gateways.stripe import StripeGateway


def event(kind: str = "payment_intent.succeeded", ref: str = "pi_1", created: float = 1_700_000_000) -> dict:
    """A notice as the wire writes it."""
    return {"id": "evt_1", "type": kind, "livemode": False, "created": created, "data": {"object": {"id": ref}}}


# Doorbells


def test_a_doorbell_names_the_payment_and_nothing_more(lab, gateway):
    charge = lab.charge()
    ready = gateway.prepare(charge)
    gateway.confirm(ready.ref, charge.key)
    (bell,) = lab.until(lambda: lab.rung(ready.ref))
    assert bell.kind == "payment_intent.succeeded" and bell.event_id and not bell.foreign
    assert (bell.order, bell.attempt) == (charge.order, 1), "whom to ask about, where the id is not known yet"
    assert abs(bell.created_at.timestamp() - time.time()) < 60
    assert not {"status", "amount", "captured_at"} & {field.name for field in fields(bell)}


def test_a_page_rings_under_its_own_name_and_the_payments(lab, gateway):
    asked = lab.page()
    page = gateway.open_page(asked)
    lab.pay(page.path, "approves")
    paid = gateway.look(page.ref)
    (bell,) = lab.until(lambda: lab.rung(page.ref))
    assert (bell.kind, bell.order, bell.attempt) == ("checkout.session.completed", asked.order, 1)
    (bell,) = lab.until(lambda: lab.rung(paid.ref))
    assert (bell.kind, bell.order) == ("payment_intent.succeeded", asked.order)


def test_refunds_and_disputes_ring_too(lab, gateway):
    charge = lab.charge()
    done = gateway.confirm(gateway.prepare(charge).ref, charge.key)
    gateway.refund(RefundRequest("k1", done.ref, Money(750, "TWD"), "a part"))
    lab.until(lambda: "refund.created" in {bell.kind for bell in lab.rung(done.ref)})
    dispute = lab.happen("dispute", payment_intent=done.ref)["id"]
    lab.happen("won", dispute=dispute)
    lab.until(lambda: {bell.kind for bell in lab.rung(dispute)} == {"charge.dispute.created", "charge.dispute.closed"})


@pytest.mark.parametrize("change", [{"livemode": True}, {"account": "acct_other"}, {"livemode": "no"}])
def test_a_notice_of_another_account_or_mode_is_foreign(lab, gateway, change):
    body = json.dumps(event() | change).encode()
    at = int(time.time())
    bell = gateway.read_doorbell(body, {"Stripe-Signature": f"t={at},{lab.sign(body, at)}"})
    assert bell.foreign and lab.adapter(secret="sk_live_x").live


def test_two_words_are_accepted_while_one_is_changed(lab):
    changing = StripeGateway(lab.secret, ["the new word", lab.secret], base="http://127.0.0.1:1")
    body, at = json.dumps(event()).encode(), int(time.time())
    for secret in ("the new word", lab.secret):
        assert changing.read_doorbell(body, {"Stripe-Signature": f"t={at},{lab.sign(body, at, secret)}"}).ref == "pi_1"
    for secrets in (["the new word"], []):
        alone = StripeGateway(lab.secret, secrets, base="http://127.0.0.1:1")
        with pytest.raises(Forged, match="signature_wrong"):
            alone.read_doorbell(body, {"Stripe-Signature": f"t={at},{lab.sign(body, at)}"})


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
    gateway = lab.adapter("http://127.0.0.1:1", clock=lambda: clock)
    body = json.dumps(event()).encode()
    at = clock - age_s
    signatures = {"right": lab.sign(body, at), "wrong": lab.sign(body, at, "another word")}
    headers = {"Stripe-Signature": header.format(at=at, other=at + 1, **signatures)}
    if reason:
        with pytest.raises(Forged) as forged:
            gateway.read_doorbell(body, headers)
        assert forged.value.reason == reason
    else:
        assert gateway.read_doorbell(body, headers).ref == "pi_1"
        with pytest.raises(Forged, match="signature_wrong"):
            gateway.read_doorbell(body.replace(b"pi_1", b"pi_2"), headers)


UNREADABLE = [
    b"",
    b"[]",
    b"{}",
    b"\xff",
    b"[" * 5000,
    json.dumps(event(created=1e99)).encode(),
    json.dumps(event(ref="")).encode(),
    json.dumps(event(ref="x" * 121)).encode(),
    json.dumps(event(ref="nul\0")).encode(),
    json.dumps(event() | {"data": {"object": []}}).encode(),
    json.dumps(event() | {"id": 7}).encode(),
]


@pytest.mark.parametrize("body", UNREADABLE)
def test_a_signed_doorbell_must_be_readable(lab, gateway, body):
    at = int(time.time())
    with pytest.raises(Forged, match="body_unreadable"):
        gateway.read_doorbell(body, {"Stripe-Signature": f"t={at},{lab.sign(body, at)}"})
    with pytest.raises(Forged, match="body_too_large"):
        gateway.read_doorbell(b"x" * 70_000, {})


@given(
    st.text(max_size=300) | st.lists(st.sampled_from(["t=1", "v1=ab", "v0=", "t=", "=", "v1", "t=１"])).map(",".join)
)
def test_any_header_is_read_or_forged(header):
    """Whatever stands in it: no other error, never more signatures than are looked at."""
    try:
        at, signatures = doorbells.parts_of(header)
    except Forged:
        return
    assert 0 <= at < 10**12 and len(signatures) <= doorbells.MOST_SIGNATURES


@given(st.binary(max_size=200), st.integers(0, 199), st.integers(1, 255))
def test_one_altered_byte_is_forged(body, place, change):
    place = place % len(body) if body else 0
    altered = bytes([*body[:place], body[place] ^ change, *body[place + 1 :]]) if body else b"x"
    signature = hmac.new(b"word", b"%d.%s" % (1_000, body), hashlib.sha256).hexdigest()
    with pytest.raises(Forged, match="signature_wrong"):
        doorbells.read(altered, {"Stripe-Signature": f"t=1000,v1={signature}"}, ["word"], 1_000, False)


def test_a_header_made_to_be_long_costs_next_to_nothing(gateway):
    started = time.process_time()
    for header in ("t=1," + ",".join(["v1=" + "a" * 64] * 1000), "v1=" * 350_000):
        with pytest.raises(Forged):
            gateway.read_doorbell(b"{}", {"Stripe-Signature": header})
    assert time.process_time() - started < 0.05


# Reconciliation and restarts


def test_the_list_of_charges_is_what_was_charged(lab, gateway):
    since = datetime.fromtimestamp(time.time(), UTC)
    charges = [lab.charge("approves" if n % 3 else "declined") for n in range(9)]
    done = [gateway.confirm(gateway.prepare(charge).ref, charge.key) for charge in charges]
    paid = [outcome for outcome in done if outcome.status == "succeeded"]
    mine = {charge.order for charge in charges}
    assert [told for told in gateway.charges(since) if told.order in mine] == paid and len(paid) == 6
    assert gateway.charges(paid[2].captured_at)[-4:] == paid[2:]
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
