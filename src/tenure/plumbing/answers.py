"""The same request twice is answered once: what was said the first time is kept for thirty days and said again.

It decides, per owner and key, whether a request is new, under way, another one under the same key, or done. It must
never let two of the same run at once, and never keep an answer that says "try again". Read next: ``web/api/once.py``.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import transaction

from tenure.kernel.refusals import Refusal
from tenure.plumbing import clock
from tenure.plumbing.models import Answer

KEPT = timedelta(days=30)
# Longer than any request may take; a process that died leaves its claim until then.
LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Said:
    """An answer as it went out: its status, the headers that belong to it, and its bytes."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def fingerprint(*parts: bytes) -> str:
    """What makes a request the same one: the lengths are hashed along, so that no two lists of parts look alike."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"%d:" % len(part) + part)
    return digest.hexdigest()


def claim(scope: str, key: str, of: str) -> Said | None:
    """Take the key for a request with this fingerprint, or give what has been answered to it before.

    Refused while the first is still under way, and when the key has been used for something else.
    """
    now = clock.machine()
    given = {"fingerprint": of, "leased_until": now + LEASE, "asked_at": now}
    with transaction.atomic():
        _, new = Answer.objects.get_or_create(scope=scope, key=key, defaults=given)
        if new:
            forget_old()
            return None
        row = Answer.objects.select_for_update().get(scope=scope, key=key)
        if row.asked_at < now - KEPT:
            row.status, row.headers, row.body = None, {}, b""
            row.fingerprint, row.leased_until, row.asked_at = of, now + LEASE, now
            row.save()
            return None
        if row.fingerprint != of:
            raise Refusal("idempotency.other_body")
        if row.status is not None:
            return Said(row.status, row.headers, bytes(row.body))
        if row.leased_until > now:
            raise Refusal("idempotency.in_flight")
        # Whoever asked first is gone without an answer; what was asked for is done once however often it is asked.
        row.leased_until = now + LEASE
        row.save(update_fields=["leased_until"])
        return None


def keep(scope: str, key: str, said: Said) -> None:
    """Keep what was answered; whoever repeats the request gets it again."""
    rows = Answer.objects.filter(scope=scope, key=key)
    rows.update(status=said.status, headers=said.headers, body=said.body)


def let_go(scope: str, key: str) -> None:
    """Forget a claim that came to nothing, so that the same request may be tried again."""
    Answer.objects.filter(scope=scope, key=key, status=None).delete()


def forget_old(most: int = 20) -> int:
    """Delete some of the answers whose thirty days are over; each new one makes room for itself."""
    old = Answer.objects.filter(asked_at__lt=clock.machine() - KEPT).order_by("asked_at")
    return Answer.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:most])).delete()[0]
