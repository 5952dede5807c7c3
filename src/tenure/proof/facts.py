"""Every fact as lines of JSON, so that a program that shares no code with this one can check the books.

It decides the order, the form and the closing hash (``docs/facts.md``). It must never tell personal data, nor hold
more than a handful of rows in memory. Read next: ``proof/rows.py`` for the types, ``proof/seals.py`` for the chains.
"""

import hashlib
import json
import os
import tempfile
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from typing import Any

from tenure.billing.ledger import Account
from tenure.plumbing.models import Seal
from tenure.proof import rows
from tenure.proof.book import Book, opened, stream
from tenure.proof.catalogue import Catalogue
from tenure.proof.rows import Kind, Row
from tenure.proof.seals import EVENT_ROWS, EVENTS, POSTING_ROWS, POSTINGS, ZERO, chained, instant, leaf

FORMAT = 1


def lines() -> Iterator[bytes]:
    """The whole book, a line at a time; to be read inside one snapshot."""
    book = opened()
    digest, n = hashlib.sha256(), 0
    header = {"type": "facts", "format": FORMAT, "at": instant(book.at), "instance": book.instance, "zone": book.zone}
    digest.update(first := line(header))
    yield first
    for row in told(book):
        digest.update(text := line(row))
        n += 1
        yield text
    yield line({"type": "end", "rows": n, "sha256": digest.hexdigest()})


def line(row: Row) -> bytes:
    """One line; instants in UTC with microseconds, days as they are.

    >>> line({"type": "order", "total": 15750, "expires_on": date(2019, 7, 22), "closed_at": None})
    b'{"type":"order","total":15750,"expires_on":"2019-07-22","closed_at":null}\\n'
    """
    return (json.dumps(row, separators=(",", ":"), ensure_ascii=False, default=plain) + "\n").encode()


def plain(value: Any) -> str:
    # An instant is a day, too: it is asked first.
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"facts do not tell {type(value).__name__}")


def told(book: Book) -> Iterator[Row]:
    """All rows between the first and the last line, in the order of ``docs/facts.md``."""
    catalogue = Catalogue(book.programmes)

    def kinds(of: Iterable[Kind]) -> Iterator[Row]:
        for kind in of:
            yield from ordered(kind, book, catalogue)

    def listed(name: str) -> Iterator[Row]:
        return ({"type": name, **row} for row in catalogue.rows(name))

    yield from listed("policy")
    yield from kinds(rows.PARTIES[:1])
    yield from listed("offer")
    yield from listed("price")
    yield from kinds(rows.PARTIES[1:])
    yield from kinds(rows.BUYING)
    yield from postings()
    for row in stream(rows.BALANCE):
        yield {"type": "balance", **row}
    yield from kinds(rows.HOLDING)
    yield from audit()
    yield from ({"type": "account", "id": role, "role": role, "currency": None} for role in sorted(Account))
    yield from kinds(rows.REGISTERS)
    yield from listed("offer_benefit")
    yield from kinds([rows.SEALS, rows.MONTHS, rows.WITHHELD])


def ordered(kind: Kind, book: Book, catalogue: Catalogue) -> Iterator[Row]:
    """One type's rows by id, in the order of code points."""
    finish: Callable[..., None] = kind.finish or (lambda *_: None)
    for row in stream(f'SELECT * FROM ({kind.sql}) rows ORDER BY id COLLATE "C"', []):
        finish(row, book, catalogue)
        yield {"type": kind.name, **row}


def postings() -> Iterator[Row]:
    """Postings with their hashes. The chain runs in the order of sealing, the lines in the order of ids."""
    with Hashes() as hashes:
        last = Seal.objects.filter(chain=POSTINGS).order_by("-n").values_list("last_id", flat=True).first() or 0
        for id, digest, previous in chained(ZERO, 0, last):
            hashes.put(id, digest, previous)
        for row in stream(f'SELECT * FROM ({POSTING_ROWS}) rows ORDER BY id COLLATE "C"'):
            id = row.pop("_id")
            told = hashes.get(id) if id <= last else (None, None)
            yield {**row, "row_hash": told[0], "previous_hash": told[1]}


def audit() -> Iterator[Row]:
    """Every event as the trail tells it, with the hash that stands for it in its batch's root."""
    batches = list(Seal.objects.filter(chain=EVENTS).order_by("n").values_list("last_id", "n"))
    ends = [last for last, _ in batches]
    for row in stream(f'SELECT * FROM ({EVENT_ROWS}) rows ORDER BY id COLLATE "C"'):
        id, at = row.pop("_id"), row["occurred_at"]
        place = bisect_left(ends, id)
        yield {
            "type": "audit",
            "id": row["id"],
            "actor": row["actor"],
            "on_behalf_of": None,
            "partner": row["partner"],
            "object": row["subject"],
            "verb": row["verb"],
            "before_hash": None,
            "after_hash": None,
            "request": row["request"],
            "at": at,
            "seal": f"{EVENTS}:{batches[place][1]}" if place < len(batches) else None,
            "leaf_hash": leaf(row).hex(),
        }


class Hashes:
    """Two hashes for each number, in a file with holes: memory stays flat however long the chain is.

    >>> with Hashes() as kept:
    ...     kept.put(7, "ab" * 32, ZERO)
    ...     kept.get(7) == ("ab" * 32, ZERO)
    True
    """

    def __enter__(self) -> "Hashes":
        self.file = tempfile.TemporaryFile()
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def put(self, id: int, digest: str, previous: str) -> None:
        os.pwrite(self.file.fileno(), bytes.fromhex(digest + previous), id * 64)

    def get(self, id: int) -> tuple[str, str]:
        both = os.pread(self.file.fileno(), 64, id * 64).hex()
        return both[:64], both[64:]
