"""What holds for signing in: how long a visit lasts, how long to wait after failures, which identity is believed.

It decides on plain values and never on rows: the instant is a parameter everywhere. It must never let a wait grow
without end, for then whoever knows an address could keep its owner out for good. Read next: ``people/visits.py``,
``people/limits.py``, ``people/identities.py``.
"""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

PASSWORD_LENGTH = 12
PASSWORD_MOST = 1024
"""Longer ones are refused, never cut: hashing a megabyte is work for us and none for whoever sends it."""

ENDING_DAYS = 7
"""How long before its last day a place given for a time is told of."""

LATELY = timedelta(minutes=15)
"""How long a proof of who one is counts for what needs one."""
QUIET = timedelta(minutes=15)
"""After so long without a failure nothing is remembered."""
LONGEST_WAIT = timedelta(minutes=15)
FIRST_WAIT = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Span:
    """How long a visit may rest, and how long it may last at all."""

    idle: timedelta
    absolute: timedelta


STAFF = Span(timedelta(minutes=30), timedelta(hours=12))
PARTNER = Span(timedelta(hours=8), timedelta(days=7))


def visit_over(began: datetime, seen: datetime, now: datetime, *, staff: bool) -> str:
    """Why a visit is over: ``idle``, ``absolute``, or empty while it goes on.

    >>> from datetime import UTC
    >>> nine = datetime(2019, 6, 3, 9, tzinfo=UTC)
    >>> visit_over(nine, nine, nine + timedelta(minutes=29), staff=True)
    ''
    >>> visit_over(nine, nine, nine + timedelta(minutes=30), staff=True)
    'idle'
    >>> visit_over(nine, nine + timedelta(hours=12), nine + timedelta(hours=12), staff=True)
    'absolute'
    """
    span = STAFF if staff else PARTNER
    if now - began >= span.absolute:
        return "absolute"
    return "idle" if now - seen >= span.idle else ""


def proof_is_old(proofs: Iterable[Mapping[str, Any]], now: datetime) -> bool:
    """Whether the last proof of who somebody is has grown old, or there was none.

    >>> from datetime import UTC
    >>> nine = datetime(2019, 6, 3, 9, tzinfo=UTC)
    >>> proof_is_old([{"at": nine.timestamp()}], nine + timedelta(minutes=14)), proof_is_old([], nine)
    (False, True)
    """
    last = max((float(proof.get("at", 0)) for proof in proofs), default=0.0)
    return now.timestamp() - last >= LATELY.total_seconds()


def wait_after(failures: int, allowed: int) -> timedelta:
    """How long to wait after so many failures: nothing at first, then twice as long each time, never more than a
    quarter of an hour.

    >>> [int(wait_after(n, 5).total_seconds()) for n in (4, 5, 6, 7, 10, 1_000)]
    [0, 15, 30, 60, 480, 900]
    """
    if failures < allowed:
        return timedelta(0)
    return min(FIRST_WAIT * 2 ** min(failures - allowed, 10), LONGEST_WAIT)


def totp_step(counters: Mapping[int, str], code: str, last: int | None) -> int | None:
    """The step a six-digit code belongs to, among those that count now; a step counts once, and none before it again.

    >>> totp_step({7: "000007", 8: "000008", 9: "000009"}, "000008", None)
    8
    >>> totp_step({7: "000007", 8: "000008", 9: "000009"}, "000008", 8) is None
    True
    """
    found = None
    for step, expected in counters.items():
        if hmac.compare_digest(expected.encode(), code.encode()) and (last is None or step > last):
            found = step
    return found


def identity_fault(claims: Mapping[str, Any], *, issuer: str, client: str, nonce: str, now: float) -> str:
    """What is wrong with the claims of an ID token whose signature has been checked; empty when nothing is.

    >>> good = {"iss": "https://id.example", "aud": "tenure", "sub": "7", "nonce": "n", "exp": 100, "iat": 50}
    >>> def fault(**other):
    ...     return identity_fault(good | other, issuer="https://id.example", client="tenure", nonce="n", now=60)
    >>> fault(), fault(iss="https://id.example/"), fault(aud=["other"]), fault(nonce="m"), fault(exp=60)
    ('', 'issuer', 'audience', 'nonce', 'expired')
    """
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience if isinstance(audience, list) else []
    subject = claims.get("sub")
    checks = {
        # Letter by letter: an issuer that differs by a slash is another issuer.
        "issuer": claims.get("iss") == issuer,
        "audience": client in audiences,
        "party": claims.get("azp", client) == client and (len(audiences) == 1 or "azp" in claims),
        "nonce": isinstance(claims.get("nonce"), str) and hmac.compare_digest(claims["nonce"].encode(), nonce.encode()),
        "expired": _number(claims.get("exp")) > now,
        "early": "iat" in claims and _number(claims["iat"]) <= now + 60,
        "subject": isinstance(subject, str) and 0 < len(subject) <= 255,
    }
    return next((name for name, holds in checks.items() if not holds), "")


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else float("-inf")
