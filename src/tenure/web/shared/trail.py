"""Who did what, as a list to look through and as a file: the same rows for a company and, all of them, for an auditor.

It decides which rows were asked for and how a line is written, so that no spreadsheet runs it. It must never show a
note that is for colleagues alone, nor what an event carries beyond what was before and after. Read next:
``plumbing/queries.py``, ``trail``; ``web/shared/happened.py`` for the words.
"""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from tenure.kernel.access import Side, declare
from tenure.people.queries import names
from tenure.plumbing.queries import trail
from tenure.reports.documents import harmless
from tenure.web.shared.files import to_be_saved
from tenure.web.shared.happened import entries

declare("audit.view", Side.BOTH, says="See who did what, and take it along as a file.")
MOST = 10_000
TEXT = 80
COLUMNS = ("at", "who", "actor", "event", "what", "verb", "object", "before", "after", "request")


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody looks for: by whom, about what, and on which days, both inclusive."""

    actor: str
    text: str
    since: str
    until: str

    @classmethod
    def of(cls, request: HttpRequest) -> "Asked":
        given = {name: request.GET.get(name, "").strip()[:TEXT] for name in ("actor", "text", "since", "until")}
        return cls(given["actor"], given["text"], _day(given["since"]), _day(given["until"]))

    def rows(self, zone: str, partner_id: int | None) -> QuerySet:
        return trail(
            partner_id,
            actor=self.actor,
            text=self.text,
            since=_begins(self.since, zone),
            before=_begins(self.until, zone, days=1),
        )


def _day(text: str) -> str:
    """A day as it was typed, or nothing where it is none."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return ""


def _begins(day: str, zone: str, days: int = 0) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(day) + timedelta(days), time.min, ZoneInfo(zone)) if day else None
    except OverflowError:
        return None


def as_file(rows: QuerySet, name: str) -> HttpResponse:
    """The newest rows as CSV."""
    answer = HttpResponse("".join(_lines(list(rows[:MOST]))), content_type="text/csv; charset=utf-8")
    return to_be_saved(answer, f"{name}.csv")


def _lines(rows: list[Any]) -> Iterator[str]:
    people = names({row.actor for row in rows})
    yield _line(COLUMNS)
    for row, entry in zip(rows, entries(rows), strict=True):
        at = row.occurred_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        change = (_told(row.payload.get("before")), _told(row.payload.get("after")))
        who = people.get(row.actor, entry.by)
        yield _line((at, who, row.actor, row.name, entry.words, row.verb, row.subject, *change, row.request))


def _told(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _line(cells: tuple[str, ...]) -> str:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerow([harmless(str(cell)) for cell in cells])
    return text.getvalue()
