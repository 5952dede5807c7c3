"""Sealing postings into a hash chain, behind the writers' backs, so that writers never queue for the chain.

It decides the order (by id) and the hash of each sealed posting: SHA-256 over the row as canonical JSON with the
hash before it (facts.md, "Chains"). It must never seal a row twice or change one. Read next: ``proof/facts.py``.
"""

import hashlib
import json
from datetime import datetime

from django.db import connection, transaction

from tenure.billing.models import Posting
from tenure.plumbing.models import Event, Seal

ZERO = "0" * 64
BATCH = 5000
POSTINGS, EVENTS = "postings", "events"


def canonical(row: dict) -> bytes:
    """Keys sorted, no spaces, UTF-8.

    >>> canonical({"b": 1, "a": "臺"}).decode()
    '{"a":"臺","b":1}'
    """
    return json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def chained(rows: list[dict], previous: str) -> list[tuple[str, str]]:
    """The (row_hash, previous_hash) of each row in turn.

    >>> [(h[:8], p[:8]) for h, p in chained([{"id": "1"}], ZERO)]
    [('dd5a4f7f', '00000000')]
    """
    out = []
    for row in rows:
        digest = hashlib.sha256(canonical(row | {"previous_hash": previous})).hexdigest()
        out.append((digest, previous))
        previous = digest
    return out


def posting_row(posting: Posting) -> dict:
    """A posting as ``tenure facts`` prints it, without its hashes."""
    cause = posting.transaction
    return {
        "id": str(posting.pk),
        "transaction": str(cause.pk),
        "cause_type": cause.cause_type,
        "cause_id": str(cause.cause_id),
        "kind": cause.kind,
        "account": posting.account,
        "currency": posting.currency,
        "amount": posting.amount_minor,
        "posted_at": instant(cause.posted_at),
    }


def event_row(event: Event) -> dict:
    return {
        "id": str(event.pk),
        "name": event.name,
        "partner": str(event.partner_id) if event.partner_id else None,
        "subject": event.subject,
        "actor": event.actor,
        "verb": event.verb,
        "occurred_at": instant(event.occurred_at),
        "payload": event.payload,
    }


def instant(at: datetime | None) -> str | None:
    return at and at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def merkle_root(leaves: list[bytes]) -> str:
    """The root over leaf hashes, an odd one carried up unchanged.

    >>> merkle_root([b"a"]) == hashlib.sha256(b"a").hexdigest()
    True
    """
    level = [hashlib.sha256(leaf).digest() for leaf in leaves]
    while len(level) > 1:
        pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
        level = [hashlib.sha256(b"".join(pair)).digest() if len(pair) == 2 else pair[0] for pair in pairs]
    return level[0].hex()


def seal(now: datetime) -> int:
    """Seal what is new of both chains. Returns how many batches; sealing makes no further work."""
    _seal(POSTINGS, Posting.objects.select_related("transaction"), now)
    _seal(EVENTS, Event.objects.all(), now)
    return 0


@transaction.atomic
def _seal(chain: str, rows, now: datetime) -> None:
    # Ids are given out before they are committed: wait for the writers under way, so that no row is passed over.
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {rows.model._meta.db_table} IN SHARE MODE")
    last = Seal.objects.select_for_update().filter(chain=chain).order_by("-n").first()
    batch = list(rows.filter(pk__gt=last.last_id if last else 0).order_by("pk")[:BATCH])
    if not batch:
        return
    previous = last.hash if last else ZERO
    if chain == POSTINGS:
        root = chained([posting_row(row) for row in batch], previous)[-1][0]
        digest = root
    else:
        root = merkle_root([canonical(event_row(row)) for row in batch])
        digest = hashlib.sha256((previous + root).encode()).hexdigest()
    Seal.objects.create(
        chain=chain,
        n=last.n + 1 if last else 1,
        first_id=batch[0].pk,
        last_id=batch[-1].pk,
        root=root,
        previous=previous,
        hash=digest,
        sealed_at=now,
    )
