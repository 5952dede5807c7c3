"""Sealing postings into a hash chain, behind the writers' backs, so that writers never queue for the chain.

It decides the order (by id) and the hash of each sealed posting: SHA-256 over the row as canonical JSON with the
hash before it (``docs/facts.md``, "Chains"). Events are sealed in batches by a Merkle root. It must never seal a
row twice or change one. Read next: ``proof/facts.py``.
"""

import hashlib
import json
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from tenure.plumbing.models import Seal
from tenure.proof.book import stream

ZERO = "0" * 64
BATCH = 5000
POSTINGS, EVENTS = "postings", "events"

POSTING_ROWS = """
SELECT p.id AS _id, 'posting' AS type, p.id::text AS id, p.transaction_id::text AS transaction, t.cause_type,
       t.cause_id::text AS cause_id, t.kind, p.account, p.currency, p.amount_minor AS amount, t.posted_at
FROM billing_posting p JOIN billing_ledgertransaction t ON t.id = p.transaction_id
"""
"""A posting as ``tenure facts`` prints it, without its hashes. A new field here would change every hash."""

EVENT_ROWS = """
SELECT id AS _id, id::text AS id, name, partner_id::text AS partner, subject, actor, verb, occurred_at, payload,
       NULLIF(request, '') AS request
FROM plumbing_event
"""
IN_ORDER = " WHERE {0}.id > %s AND {0}.id <= %s ORDER BY {0}.id"
POSTINGS_BETWEEN = POSTING_ROWS + IN_ORDER.format("p")
EVENTS_BETWEEN = EVENT_ROWS + IN_ORDER.format("plumbing_event")
END = 2**62


def canonical(row: dict) -> bytes:
    """Keys sorted, no spaces, UTF-8.

    >>> canonical({"b": 1, "a": "臺"}).decode()
    '{"a":"臺","b":1}'
    """
    return json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def row_hash(row: dict, previous: str) -> str:
    """The hash of one row after another.

    >>> row_hash({"id": "1"}, ZERO)[:8]
    '2cfdfa40'
    """
    return hashlib.sha256(canonical(row | {"previous_hash": previous})).hexdigest()


def instant(at: datetime | None) -> str | None:
    return at and at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def merkle_root(leaves: Iterable[bytes]) -> str:
    """The root over leaf hashes, an odd one carried up unchanged.

    >>> merkle_root([hashlib.sha256(b"a").digest()]) == hashlib.sha256(b"a").hexdigest()
    True
    """
    level = list(leaves)
    while len(level) > 1:
        pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
        level = [hashlib.sha256(b"".join(pair)).digest() if len(pair) == 2 else pair[0] for pair in pairs]
    return level[0].hex()


def postings(after: int = 0, to: int = END) -> Iterator[tuple[int, dict[str, Any]]]:
    """Postings in the order of sealing, each with its number."""
    for row in stream(POSTINGS_BETWEEN, [after, to]):
        row["posted_at"] = instant(row["posted_at"])
        yield row.pop("_id"), row


def leaves(after: int = 0, to: int = END) -> Iterator[tuple[int, bytes]]:
    """Events in the order of sealing: each one's number and the hash that stands for it."""
    for row in stream(EVENTS_BETWEEN, [after, to]):
        yield row.pop("_id"), leaf(row)


def leaf(row: dict[str, Any]) -> bytes:
    payload = row["payload"]
    row |= {
        "occurred_at": instant(row["occurred_at"]),
        "payload": json.loads(payload) if isinstance(payload, str) else payload,
    }
    # Events were sealed before requests had names: one that has none hashes as it always did.
    hashed = {name: value for name, value in row.items() if name != "request" or value}
    return hashlib.sha256(canonical(hashed)).digest()


def chained(previous: str, after: int = 0, to: int = END) -> Iterator[tuple[int, str, str]]:
    """Each posting's number, hash, and the hash before it."""
    for id, row in postings(after, to):
        digest = row_hash(row, previous)
        yield id, digest, previous
        previous = digest


def seal(now: datetime) -> int:
    """Seal what is new of both chains. Sealing makes no further work, so it counts as none."""
    for chain, table in ((POSTINGS, "billing_posting"), (EVENTS, "plumbing_event")):
        _seal(chain, table, now)
    return 0


@transaction.atomic
def _seal(chain: str, table: str, now: datetime) -> None:
    # Ids are given out before they are committed: wait for the writers under way, so that no row is passed over, and
    # for whoever seals already, so that no two continue the chain from one seal.
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
        last = Seal.objects.select_for_update().filter(chain=chain).order_by("-n").first()
        after, previous = (last.last_id, last.hash) if last else (0, ZERO)
        batch = f"(SELECT id FROM {table} WHERE id > %s ORDER BY id LIMIT {BATCH})"
        cursor.execute(f"SELECT min(id), max(id) FROM {batch} b", [after])
        first_id, last_id = cursor.fetchone()
    if first_id is None:
        return
    root, digest = sealed(chain, previous, after, last_id)
    Seal.objects.create(
        chain=chain,
        n=last.n + 1 if last else 1,
        first_id=first_id,
        last_id=last_id,
        root=root,
        previous=previous,
        hash=digest,
        sealed_at=now,
    )


def sealed(chain: str, previous: str, after: int, to: int) -> tuple[str, str]:
    """Root and hash of the batch of rows above one id and up to another; empty when the rows are gone."""
    if chain == POSTINGS:
        newest = deque(chained(previous, after, to), maxlen=1)
        digest = newest[0][1] if newest else ""
        return digest, digest
    found = [hashed for _, hashed in leaves(after, to)]
    if not found:
        return "", ""
    root = merkle_root(found)
    return root, hashlib.sha256((previous + root).encode()).hexdigest()


def broken(chain: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Seals that the rows no longer bear out, each with what is wrong."""
    n, after, previous = 0, 0, ZERO
    for row in Seal.objects.filter(chain=chain).order_by("n"):
        root, digest = sealed(chain, previous, after, row.last_id)
        expected = {"n": n + 1, "previous": previous, "root": root, "hash": digest}
        wrong = {name: value for name, value in expected.items() if getattr(row, name) != value}
        if wrong:
            yield row.n, {"chain": chain, "from": after + 1, "to": row.last_id, "recomputed": wrong}
        # Go on from what was sealed, so that one changed row is told once and not by every batch after it.
        n, after, previous = row.n, row.last_id, row.hash
