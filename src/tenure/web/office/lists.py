"""Lists of the back office: search, filters and the page stand in the address, so that a list can be passed on.

It must never read a row by itself: it cuts what a query gives. Read next: ``web/office/partners.py``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from tenure.web.shared.pace import count

PAGE = 50
SEARCH_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, with the addresses of its neighbours."""

    rows: list[Any]
    total: int
    first: int
    previous: str
    next: str

    @property
    def words(self) -> str:
        if not self.total:
            return ""
        where = {"first": f"{self.first:,}", "last": f"{self.first + len(self.rows) - 1:,}", "total": f"{self.total:,}"}
        return _("%(first)s to %(last)s of %(total)s") % where


@dataclass(frozen=True, slots=True)
class Filter:
    """One link of a row of filters."""

    words: str
    href: str
    current: bool


def paged(request: HttpRequest, rows: Any) -> Page:
    """The page the address asks for; one beyond the end is the last."""
    total = rows.count()
    last = max(1, -(-total // PAGE))
    asked = request.GET.get("page", "1")
    at = min(max(int(asked), 1), last) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 1
    found = list(rows[(at - 1) * PAGE : at * PAGE])
    return Page(
        found,
        total,
        (at - 1) * PAGE + 1,
        address(request, page=at - 1) if at > 1 else "",
        address(request, page=at + 1) if at < last else "",
    )


def address(request: HttpRequest, **changes: Any) -> str:
    """This list's address with some of its words changed; an empty one leaves it."""
    words = request.GET.copy()
    for name, value in changes.items():
        words.pop(name, None)
        if value and not (name == "page" and value == 1):
            words[name] = str(value)
    return f"?{words.urlencode()}" if words else request.path


def chosen(request: HttpRequest, name: str, among: Iterable[str]) -> str:
    """The filter the address asks for, if there is such a one."""
    value = request.GET.get(name, "")
    return value if value in among else ""


def searched(request: HttpRequest) -> str:
    """What is looked for: trimmed, without characters no name has; a partner ID without its blanks."""
    text = request.GET.get("q", "").replace("\x00", "").strip()[:SEARCH_LIMIT]
    if text:
        count(request, "search")
    digits = "".join(text.split())
    return digits if digits.isdigit() else text


def filters(request: HttpRequest, name: str, options: Iterable[tuple[str, str]], first: str = "") -> list[Filter]:
    """A row of links, ``All`` (or other words for no choice) first; ``options`` are the value and its words."""
    now = request.GET.get(name, "")
    every = [("", first or _("All")), *options]
    known = {value for value, _words in every}
    return [
        Filter(words, address(request, **{name: value, "page": ""}), value == (now if now in known else ""))
        for value, words in every
    ]
