"""A notice is believed only as far as its signature: any change of it, and any header made to annoy, is refused.

Read next: ``payments/gateways/doorbells.py``.
"""

import hashlib
import hmac
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenure.payments.gateways import doorbells
from tenure.payments.gateways.base import Doorbell, Forged

NOW = 1_700_000_000
SECRETS = ("the word in use", "the word to come")
EVENT = {
    "id": "evt_1",
    "type": "payment_intent.succeeded",
    "created": NOW,
    "livemode": False,
    "data": {"object": {"id": "pi_1", "metadata": {"order": "T-0001", "attempt": "2"}}},
}


def signed(body: bytes, at: int = NOW, secret: str = SECRETS[0]) -> str:
    return f"t={at},v1={hmac.new(secret.encode(), b'%d.%s' % (at, body), hashlib.sha256).hexdigest()}"


def read(body: bytes, header: str, live: bool = False) -> Doorbell:
    return doorbells.read(body, {"Stripe-Signature": header}, SECRETS, NOW, live)


def rung(**changes) -> Doorbell:
    body = json.dumps({**EVENT, **changes}).encode()
    return read(body, signed(body))


@pytest.mark.parametrize("secret", SECRETS)
def test_either_word_opens_while_one_is_being_changed(secret):
    body = json.dumps(EVENT).encode()
    bell = read(body, signed(body, secret=secret))
    assert (bell.event_id, bell.ref, bell.order, bell.attempt, bell.foreign) == ("evt_1", "pi_1", "T-0001", 2, False)
    with pytest.raises(Forged, match="signature_wrong"):
        doorbells.read(body, {"Stripe-Signature": signed(body, secret=secret)}, (), NOW, False)


@pytest.mark.parametrize(
    ("kind", "thing", "ref"),
    [
        ("charge.refunded", {"id": "ch_1", "payment_intent": "pi_9"}, "pi_9"),
        ("refund.created", {"id": "re_1", "payment_intent": "pi_9"}, "pi_9"),
        ("charge.dispute.created", {"id": "dp_1", "payment_intent": "pi_9"}, "dp_1"),
        ("checkout.session.completed", {"id": "cs_1", "payment_intent": "pi_9"}, "cs_1"),
        ("payout.paid", {"id": "po_1"}, "po_1"),
    ],
)
def test_whom_a_notice_names(kind, thing, ref):
    assert rung(type=kind, data={"object": thing}).ref == ref


@pytest.mark.parametrize("changes", [{"livemode": True}, {"account": "acct_of_another"}])
def test_another_account_or_mode_is_genuine_and_foreign(changes):
    assert rung(**changes).foreign


@given(st.integers(0, 10**4), st.integers(0, 255))
def test_no_byte_of_a_notice_can_be_changed(place, byte):
    body = bytearray(json.dumps(EVENT).encode())
    header, place = signed(bytes(body)), place % len(body)
    same = body[place] == byte
    body[place] = byte
    if same:
        assert read(bytes(body), header).ref == "pi_1"
    else:
        with pytest.raises(Forged, match="signature_wrong"):
            read(bytes(body), header)


@given(st.integers(-(10**12), 10**13))
def test_a_notice_is_good_for_five_minutes_around_now(at):
    body = json.dumps(EVENT).encode()
    if abs(at - NOW) <= doorbells.TOLERANCE_S:
        assert read(body, signed(body, at)).event_id == "evt_1"
    else:
        with pytest.raises(Forged, match=r"too_old|signature_missing"):
            read(body, signed(body, at))


headers = st.one_of(
    st.text(max_size=400),
    st.lists(st.sampled_from(["t=1", f"t={NOW}", "t=", "v1=", "v0=ab", "v1=é", ",", "=", " "]), max_size=30).map(
        ",".join
    ),
)


@given(headers)
def test_no_header_but_the_right_one_passes_and_none_breaks_the_reader(header):
    with pytest.raises(Forged):
        read(json.dumps(EVENT).encode(), header)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(st.sampled_from([*EVENT, "account"]), values)
def test_a_signed_notice_of_any_shape_is_read_or_refused(name, value):
    """A genuine sender may write something new tomorrow; the door answers and never falls over."""
    try:
        bell = rung(**{name: value})
    except Forged as forged:
        assert forged.reason == "body_unreadable"
    else:
        assert all(0 < len(said) <= doorbells.LONGEST_NAME for said in (bell.event_id, bell.kind, bell.ref))
        assert 0 <= bell.attempt < 10**6 and len(bell.order) <= 64


@given(values)
@settings(max_examples=50)
def test_a_signed_notice_about_any_thing_is_read_or_refused(thing):
    try:
        bell = rung(data={"object": thing})
    except Forged as forged:
        assert forged.reason == "body_unreadable"
    else:
        assert bell.ref


@pytest.mark.parametrize("body", [b"[" * 60_000, b'{"a":' * 12_000, b"\xff\xfe", b"null", b"1e999"])
def test_a_body_made_to_be_deep_is_refused(body):
    with pytest.raises(Forged, match="body_unreadable"):
        read(body, signed(body))


def test_a_long_header_and_a_long_body_cost_no_more_than_a_glance():
    body = json.dumps(EVENT).encode()
    started = time.perf_counter()
    for _ in range(20):
        with pytest.raises(Forged, match="signatures_too_many"):
            read(body, f"t={NOW}," + "v1=00," * 200_000)
        with pytest.raises(Forged, match="body_too_large"):
            read(b"x" * (doorbells.LARGEST + 1), signed(body))
    assert time.perf_counter() - started < 2
