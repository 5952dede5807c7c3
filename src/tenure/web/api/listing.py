"""Lists in pages: at most a hundred at a time, in a stable order, with a signed mark for the rest.

It decides nothing about what is in a list. It must never believe a mark that it did not make for this list and these
filters. Read next: ``web/api/operations.py``.
"""

from collections.abc import Callable, Iterable
from typing import Annotated, Any

from django.core import signing
from pydantic import BaseModel, ConfigDict, Field

from tenure.kernel.refusals import Refusal
from tenure.web.api.shapes import IN_DIGITS

SALT = "api.cursor"
LONGEST = 100


class Page(BaseModel):
    """Which part of a list is wanted."""

    model_config = ConfigDict(extra="forbid")
    limit: Annotated[int, Field(ge=1, le=LONGEST, description="How many at most."), IN_DIGITS] = 20
    after: Annotated[str | None, Field(min_length=1, max_length=500, description="``next`` of the page before.")] = None


def begins(page: Page, name: str) -> int | None:
    """The id after which this page begins; a mark of another list, or of none, is not found."""
    if page.after is None:
        return None
    try:
        of, filters, last = signing.loads(page.after, salt=SALT)
        if of == name and filters == _filters(page):
            return int(last)
    except (signing.BadSignature, ValueError, TypeError):
        pass
    raise Refusal("paging.cursor_unknown")


def paged(page: Page, name: str, rows: Iterable[Any], show: Callable[[Any], dict], id_of: Callable[[Any], int]) -> dict:
    """``rows`` hold one more than is wanted, so that it is known whether there are more."""
    rows = list(rows)
    shown, more = rows[: page.limit], len(rows) > page.limit
    mark = signing.dumps([name, _filters(page), id_of(shown[-1])], salt=SALT) if more else None
    return {"items": [show(row) for row in shown], "next": mark}


def newest_first(page: Page, name: str, rows: Any) -> Any:
    """A query set's part for this page, by its ids."""
    last = begins(page, name)
    rows = rows.order_by("-pk")
    return (rows if last is None else rows.filter(pk__lt=last))[: page.limit + 1]


def _filters(page: Page) -> dict[str, Any]:
    return page.model_dump(mode="json", exclude={"limit", "after"}, exclude_none=True)
