"""How often one person may have the pages that cost something: buying, making keys, exporting, searching.

It decides that whoever asks is counted, never the company or the object asked about: nobody can use up what is
another's, and what is refused comes back by itself. A demonstration, which is walked through at any speed, counts
nobody. It must never stand before a page that only shows what is there. Read next: ``people/limits.py``, which counts.

    @office("billing.books")
    @paced("export")
    def journal(request): ...
"""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from tenure.people import limits
from tenure.plumbing import clock

PACES: dict[str, tuple[int, timedelta]] = {
    "checkout": (10, limits.MINUTE),
    "key": (10, limits.HOUR),
    "export": (5, limits.HOUR),
    "search": (60, limits.MINUTE),
}
READS = ("export", "search")
"""What is counted when it is asked for; elsewhere only a pressed button counts."""


def paced(name: str) -> Callable:
    """Below the guard of a page: count whoever asks, and refuse with the seconds to wait."""

    def pacing(view: Callable) -> Callable:
        @wraps(view)
        def counted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            count(request, name)
            return view(request, *args, **kwargs)

        return counted

    return pacing


def count(request: HttpRequest, name: str) -> None:
    """One more by this person; the wall's time counts, whatever a programme's clock says."""
    if settings.PAGES_PACED and (name in READS or request.method == "POST"):
        amount, per = PACES[name]
        limits.take(f"page.{name}", str(request.person.pk), amount=amount, per=per, now=clock.machine())
