"""Stripe's signed notices: whether one is genuine, and whom it is about.

It decides by the shared word, the age and the account. It must never read a payment's state from a notice, nor
spend more than a glance on a header made to be long. Read next: ``gateways/stripe.py``.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tenure.payments.gateways.base import Doorbell, Forged

SIGNATURE = "stripe-signature"
TOLERANCE_S = 300
MOST_SIGNATURES = 10
LARGEST = 64 * 1024
LONGEST_NAME = 120


def read(body: bytes, headers: Mapping[str, str], secrets: Sequence[str], at_s: float, live: bool) -> Doorbell:
    """A notice signed with one of our words within the last minutes, or ``Forged``."""
    if len(body) > LARGEST:
        raise Forged("body_too_large")
    header = next((value for name, value in headers.items() if name.lower() == SIGNATURE), "")
    at, signatures = parts_of(header)
    for secret in secrets:
        expected = hmac.new(secret.encode(), b"%d.%s" % (at, body), hashlib.sha256).hexdigest().encode()
        if any(hmac.compare_digest(expected, signature) for signature in signatures):
            break
    else:
        raise Forged("signature_wrong")
    if abs(at_s - at) > TOLERANCE_S:
        raise Forged("too_old")
    try:
        return _named(json.loads(body), live)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, OSError, RecursionError):
        raise Forged("body_unreadable") from None


def parts_of(header: str) -> tuple[int, list[bytes]]:
    """The time and the signatures of "t=..,v1=..,v1=..": several while a secret is changed, never many.

    >>> parts_of("t=12,v1=ab,v0=x,v1=cd")
    (12, [b'ab', b'cd'])
    """
    parts = [part.strip().partition("=") for part in header.split(",", MOST_SIGNATURES + 1)]
    times = [value for name, _, value in parts if name == "t"]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdecimal() and len(times[0]) <= 12):
        raise Forged("signature_missing")
    if len(parts) > MOST_SIGNATURES + 1:
        raise Forged("signatures_too_many")
    return int(times[0]), [value.encode(errors="replace") for name, _, value in parts if name == "v1"]


def _named(event: Any, live: bool) -> Doorbell:
    """Which payment, refund or dispute a notice is about. Its order and attempt only say whom to ask about."""
    kind, thing = _name(event["type"]), event["data"]["object"]
    about_payment = not kind.startswith(("payment_intent.", "checkout.session.", "charge.dispute."))
    noted = thing.get("metadata") or {}
    attempt = str(noted.get("attempt", ""))
    return Doorbell(
        event_id=_name(event["id"]),
        kind=kind[:60],
        ref=_name((about_payment and thing.get("payment_intent")) or thing["id"]),
        created_at=datetime.fromtimestamp(event["created"], UTC),
        order=str(noted.get("order", ""))[:64],
        attempt=int(attempt) if attempt.isascii() and attempt.isdecimal() and len(attempt) < 7 else 0,
        foreign=bool(event.get("account")) or event["livemode"] is not live,
    )


def _name(said: Any) -> str:
    if not isinstance(said, str) or not 0 < len(said) <= LONGEST_NAME or "\x00" in said:
        raise ValueError("not a name")
    return said
