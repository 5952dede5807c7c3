"""What the log may say: one line of JSON for each thing that happened, known fields only, and nothing secret.

It decides which fields a line has and what is made unreadable in them: numbers of cards, passwords, keys, tokens,
signatures, cookies, and the name in an e-mail address. It must never log what was sent or answered, and an address
only as the pattern it matched, because addresses hold tokens. Read next: ``web/shared/requests.py``.
"""

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

import structlog
from structlog.typing import EventDict

from tenure.kernel.cardnumbers import without_cards

HIDDEN = "•••"
FIELDS = frozenset(
    "at level event logger request actor partner method route status ms number order characters exception".split()
)
"""Whatever else a caller passes is left out, and only its name is told."""

UNTOUCHED = ("at", "request")
"""Made here, in one form only."""

SECRET_WORDS = "password|passwd|secret|token|signature|authori[sz]ation|cookie|csrf|session|api.?key|otp|recovery"
PATTERNS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    # A field, a header or a parameter by its name, in the spelling of a form, of JSON or of a trace.
    (
        re.compile(
            rf"(?i)([\"']?[\w-]*(?:{SECRET_WORDS})[\w-]*[\"']?\s*[:=]\s*)(?:(?:bearer|basic)\s+)?"
            r"(\"[^\"]*\"|'[^']*'|[^\s,;&)}\]]+)"
        ),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+"), rf"\1 {HIDDEN}"),
    (re.compile(r"://[^/@\s]+@"), f"://{HIDDEN}@"),
    # What keys and secrets of gateways, webhooks and this product look like.
    (re.compile(r"\b(?:sk|rk|pk|tk|whsec|whk)_[\w+/=-]{8,}"), HIDDEN),
    (re.compile(r"\b\w+_secret_\w+"), HIDDEN),
    # A signed text: what is signed, when, and the signature.
    (re.compile(r"[\w=-]+:[\w-]{4,10}:[\w-]{20,}"), HIDDEN),
    # Too long for a word or a number, too even for a name: a token, a session, a hash.
    (re.compile(r"\b(?=[A-Za-z_]*\d)[A-Za-z0-9_]{32,}\b"), HIDDEN),
    (
        re.compile(r"[\w.+-]+@(?=[\w-]+(?:\.[\w-]+)+)"),
        lambda found: hashlib.sha256(found[0].lower().encode()).hexdigest()[:8] + "@",
    ),
)
VALUE = re.compile(r"'[^']*'|(?<==)\([^)]*\)")


def redacted(text: str) -> str:
    """A text as the log may hold it.

    >>> redacted("paid with 4242 4242 4242 4242 by ming@contoso.example")
    'paid with •••• •••• •••• •••• by 30e53753@contoso.example'
    >>> redacted('{"password": "open sesame", "offer": "action-pack"}')
    '{"password": •••, "offer": "action-pack"}'
    """
    text = without_cards(text)
    for pattern, instead in PATTERNS:
        text = pattern.sub(instead, text)
    return text


def without_values(trace: str) -> str:
    """A trace whose last words don't repeat the value that was wrong: Python quotes it, the database brackets it.

    >>> without_values("KeyError: 'open sesame'")
    "KeyError: '•••'"
    >>> without_values("DETAIL:  Key (name)=(Ming) already exists.")
    'DETAIL:  Key (name)=(•••) already exists.'
    """
    # Lines further in are our own source.
    said = (line if line[:1].isspace() else VALUE.sub(_hide, line) for line in trace.split("\n"))
    return "\n".join(said)


def _hide(found: re.Match[str]) -> str:
    return found[0][0] + HIDDEN + found[0][-1]


def formatter() -> structlog.stdlib.ProcessorFormatter:
    """What writes every line, ours and the libraries'; asked for by ``settings.LOGGING``."""
    before: list[Callable[..., Any]] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
        _shortened,
    ]
    structlog.configure(
        processors=[*before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=before, processors=[_without_address, _line])


def _shortened(logger: Any, name: str, event: EventDict) -> EventDict:
    if "exception" in event:
        event["exception"] = without_values(str(event["exception"]))
    return event


def _without_address(logger: Any, name: str, event: EventDict) -> EventDict:
    """Django's own words on a request end with its path; the pattern that it matched says as much."""
    request = getattr(event.get("_record"), "request", None)
    if request is not None:
        found = getattr(request, "resolver_match", None)
        path = str(getattr(request, "path", ""))
        # Django writes what is no plain letter as an escape.
        for written in (path, path.encode("unicode_escape", "surrogatepass").decode("ascii")):
            event["event"] = str(event["event"]).replace(written, "").rstrip(": ")
        event.setdefault("route", found.route if found else HIDDEN)
    return event


def _line(logger: Any, name: str, event: EventDict) -> str:
    event = structlog.stdlib.ProcessorFormatter.remove_processors_meta(logger, name, event)
    kept = {key: value if key in UNTOUCHED else _readable(value) for key, value in event.items() if key in FIELDS}
    if left_out := sorted(event.keys() - FIELDS):
        kept["left_out"] = left_out
    # Everything but plain letters is escaped: no text can begin a line of its own or speak to a terminal.
    return json.dumps(kept)


def _readable(value: Any) -> Any:
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, list | tuple):
        return [_readable(each) for each in value]
    return value if value is None or isinstance(value, int | float | bool) else redacted(str(value))
