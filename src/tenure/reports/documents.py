"""The journal as a file for an accountant's program: CSV, or JSON as docs/operations/journal.md describes it.

It decides the form and never the figures. It must never hand out a text that a spreadsheet would run. Read next:
``reports/queries.py`` (``journal``).
"""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

from tenure.kernel.money import EXPONENTS
from tenure.reports.queries import journal

FORMAT = 1
FORMATS = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
COLUMNS = (
    "transaction", "posted_on", "posted_at", "cause", "kind", "document", "order", "partner", "partner_name",
    "account", "currency", "debit", "credit",
)  # fmt: skip
RUNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def harmless(text: str) -> str:
    """A text no spreadsheet takes for a formula.

    >>> harmless('=HYPERLINK("http://x")'), harmless("Contoso"), harmless("＝1+1"), harmless(" =1")
    ('\\'=HYPERLINK("http://x")', 'Contoso', "'＝1+1", "' =1")
    """
    return f"'{text}" if text.lstrip(" ").startswith(RUNS) else text


def amount(minor: int, currency: str) -> str:
    """An amount in the currency's own units, without marks between thousands.

    >>> amount(15750, "TWD"), amount(49875, "USD"), amount(5, "EUR")
    ('15750', '498.75', '0.05')
    """
    places = EXPONENTS[currency]
    return f"{Decimal(minor).scaleb(-places):.{places}f}"


def written(form: str, first: date, last: date) -> Iterator[str]:
    """The journal of a span of days, both inclusive, piece by piece."""
    return _csv(first, last) if form == "csv" else _json(first, last)


def _csv(first: date, last: date) -> Iterator[str]:
    yield _line(COLUMNS)
    for row in journal(first, last):
        debit, credit = _sides(row)
        told = {
            **row,
            "posted_on": row["posted_on"].isoformat(),
            "posted_at": _instant(row["posted_at"]),
            "debit": amount(debit, row["currency"]) if debit else "",
            "credit": amount(credit, row["currency"]) if credit else "",
        }
        yield _line([harmless(str(told[name])) for name in COLUMNS])


def _line(cells: Any) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()


def _json(first: date, last: date) -> Iterator[str]:
    head = {"format": "tenure-journal", "version": FORMAT, "from": first.isoformat(), "to": last.isoformat()}
    yield json.dumps(head)[:-1] + ', "transactions": ['
    sums: dict[str, list[int]] = {}
    for n, (_, group) in enumerate(groupby(journal(first, last), key=lambda row: row["transaction"])):
        rows = list(group)
        for row in rows:
            sides = sums.setdefault(row["currency"], [0, 0])
            for side, minor in enumerate(_sides(row)):
                sides[side] += minor
        yield (",\n" if n else "\n") + json.dumps(_transaction(rows), ensure_ascii=False)
    totals = {currency: {"debit": debit, "credit": credit} for currency, (debit, credit) in sorted(sums.items())}
    yield f'\n], "totals": {json.dumps(totals)}}}\n'


def _transaction(rows: list[dict[str, Any]]) -> dict[str, Any]:
    head = rows[0]
    return {
        "id": head["transaction"],
        "posted_on": head["posted_on"].isoformat(),
        "posted_at": _instant(head["posted_at"]),
        **{name: head[name] or None for name in ("cause", "kind", "document", "order", "partner", "partner_name")},
        "postings": [
            dict(
                zip(("account", "currency", "debit", "credit"), (r["account"], r["currency"], *_sides(r)), strict=True)
            )
            for r in rows
        ],
    }


def _sides(row: dict[str, Any]) -> tuple[int, int]:
    """Debit and credit of a posting in minor units; one of them is nothing."""
    minor = row["amount_minor"]
    return (minor, 0) if minor > 0 else (0, -minor)


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
