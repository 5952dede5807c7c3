"""Reading forms: what a person typed becomes values, or one code per field when it cannot.

It decides only whether text is text, a date a date and a file a file; whether a value is allowed is a rule's
business. No card number passes here, into whatever field it is typed. Read next: ``web/shared/messages.py``.

    reading = Reading(request.POST, request.FILES)
    name = reading.text("name", limit=80, missing="contact.name_missing")
    paid_on = reading.day("paid_on", not_after=request.today)
    reading.check()
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from tenure.kernel.cardnumbers import looks_like_card
from tenure.kernel.money import Money, parse
from tenure.kernel.refusals import Invalid
from tenure.web.shared.pictures import bursts

MEGABYTE = 1024 * 1024
FILE_LIMIT = 10 * MEGABYTE
TEXT_LIMIT = 200
NAME_LIMIT = 120
ROC_OFFSET = 1911

MAGIC = (
    (b"%PDF-", "application/pdf"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)

DAY = re.compile(r"(?P<year>\d{4}|\d{2,3})(?P<sep>[-/.年])(?P<month>\d{1,2})(?:(?P=sep)|月)(?P<day>\d{1,2})日?")
PACKED_DAY = re.compile(r"(?P<year>\d{4}|\d{3})(?P<month>\d{2})(?P<day>\d{2})")
EMAIL = re.compile(r"[^@\s,;<>()\"]+@[^@\s,;<>()\".]+(\.[^@\s,;<>()\".]+)+")

# What stands where a card number was (``card_data.py``); the character makes it no text for anybody else.
BLOTTED = "\x00card"

# What takes no room by itself, though it has its use between others.
WIDTHLESS = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\u2064"
OVERRIDES = "\u202a\u202b\u202d\u202e"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that is what it claims: its kind read from its first bytes, never from its name."""

    name: str
    kind: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form as ``parts/fields.html`` draws it: what was typed stays, what is wrong stands beside it."""

    name: str
    label: str
    value: str = ""
    error: str = ""
    hint: str = ""
    type: str = "text"
    options: Iterable[tuple[str, str]] = ()
    optional: bool = False
    autocomplete: str = ""
    inputmode: str = ""
    maxlength: int | None = None
    rows: int = 6
    short: bool = False


def clean(text: str) -> str:
    """Text as it is kept: composed, without blanks around it, line ends made one kind.

    >>> clean("　 方舟系統 \\r\\n")
    '方舟系統'
    """
    return unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n").strip()


def has_control_characters(text: str) -> bool:
    """Whether text holds what nobody can see or mean: NUL, controls, direction overrides, lone surrogates.

    >>> has_control_characters("a\\tb\\nc"), has_control_characters("a\\x00b"), has_control_characters("a\\u202eb")
    (False, True, True)
    """
    unseen = ("Cc", "Cs")
    return any((unicodedata.category(c) in unseen and c not in "\n\t") or c in OVERRIDES for c in text)


def read_day(text: str) -> date:
    """A date as people here write it: ISO, slashes, Chinese, or a year of the Republic (108 is 2019).

    >>> [read_day(t).isoformat() for t in ("2019-07-03", "2019年7月3日", "108/7/3", "民國108年7月3日", "1080703")]
    ['2019-07-03', '2019-07-03', '2019-07-03', '2019-07-03', '2019-07-03']
    >>> read_day("2019-02-29")
    Traceback (most recent call last):
    ...
    ValueError: day is out of range for month
    """
    plain = unicodedata.normalize("NFKC", text).replace(" ", "").removeprefix("中華").removeprefix("民國")
    found = DAY.fullmatch(plain) or PACKED_DAY.fullmatch(plain)
    if not found:
        raise ValueError(f"not a date: {text!r}")
    year = int(found["year"]) + (ROC_OFFSET if len(found["year"]) < 4 else 0)
    return date(year, int(found["month"]), int(found["day"]))


def kind_of(content: bytes) -> str | None:
    """What the first bytes say a file is, among the kinds accepted.

    >>> kind_of(b"%PDF-1.7"), kind_of(b"<html>")
    ('application/pdf', None)
    """
    return next((kind for magic, kind in MAGIC if content.startswith(magic)), None)


def file_name(name: str) -> str:
    """A name fit to be stored and shown: no folders, no control characters, not too long, its ending kept.

    >>> file_name("..\\\\bank\\\\slip 1.pdf"), file_name("\\x00")
    ('slip 1.pdf', 'file')
    """
    last = re.split(r"[\\/]", clean(name))[-1]
    plain = "".join(c for c in last if unicodedata.category(c)[0] != "C").lstrip(".")
    stem, dot, ending = plain.rpartition(".")
    if dot and len(plain) > NAME_LIMIT:
        plain = f"{stem[: NAME_LIMIT - 1 - len(ending[:8])]}.{ending[:8]}"
    return plain[:NAME_LIMIT] or "file"


class Reading:
    """One form being read. Every field is looked at before anything is refused, so all errors show at once."""

    def __init__(self, fields: Mapping[str, Any], files: Mapping[str, Any] | None = None):
        self._fields = fields
        self._files = files or {}
        self._codes: dict[str, str] = {}
        self._facts: dict[str, dict[str, Any]] = {}

    def refuse(self, name: str, code: str, **facts: Any) -> None:
        """Note what is wrong with a field; the first finding stays."""
        if name not in self._codes:
            self._codes[name] = code
            self._facts[name] = facts

    def check(self) -> None:
        """Raise ``Invalid`` if any field was refused."""
        if self._codes:
            raise Invalid(self._codes, by_field=self._facts)

    def text(self, name: str, *, limit: int = TEXT_LIMIT, missing: str = "text.missing", required: bool = True) -> str:
        """A line or several; empty when refused or, if not required, when left empty."""
        text = clean(str(self._fields.get(name) or ""))
        if not text.strip(WIDTHLESS + " \n\t"):
            if required:
                self.refuse(name, missing)
        elif text == BLOTTED or looks_like_card(text):
            self.refuse(name, "card.number_not_accepted")
            if hasattr(self._fields, "refused"):
                self._fields.refused = True
        elif has_control_characters(text):
            self.refuse(name, "text.control_characters")
        elif len(text) > limit:
            self.refuse(name, "text.too_long", limit=limit)
        else:
            return text
        return ""

    def email(self, name: str, *, limit: int = 254) -> str:
        """An e-mail address that could be written to."""
        text = self.text(name, limit=limit, missing="contact.email_missing")
        if text and not EMAIL.fullmatch(text):
            self.refuse(name, "contact.email_malformed")
            return ""
        return text

    def day(self, name: str, *, not_after: date | None = None, required: bool = True) -> date | None:
        """A date. ``not_after`` is the programme's today where a day to come makes no sense."""
        text = clean(str(self._fields.get(name) or ""))
        if not text and not required:
            return None
        try:
            day = read_day(text)
        except ValueError:
            self.refuse(name, "date.impossible")
            return None
        if not_after and day > not_after:
            self.refuse(name, "date.in_future")
            return None
        return day

    def number(self, name: str, *, required: bool = True) -> int | None:
        """A whole number, thousands marks allowed."""
        text = unicodedata.normalize("NFKC", clean(str(self._fields.get(name) or ""))).replace(",", "")
        if not text and not required:
            return None
        if re.fullmatch(r"-?\d{1,12}", text):
            return int(text)
        self.refuse(name, "number.malformed")
        return None

    def money(self, name: str, currency: str, *, required: bool = True) -> Money | None:
        """An amount in a currency, with no more decimals than it has."""
        text = unicodedata.normalize("NFKC", clean(str(self._fields.get(name) or "")))
        if not text and not required:
            return None
        if re.fullmatch(r"-?[\d,]{1,15}(\.\d{1,4})?", text) and re.search(r"\d", text):
            try:
                return parse(text, currency)
            except ValueError:
                pass
        self.refuse(name, "money.malformed")
        return None

    def choice(self, name: str, among: Collection[str], *, missing: str = "choice.unknown") -> str:
        """One of the options offered."""
        value = str(self._fields.get(name) or "")
        if value in among:
            return value
        self.refuse(name, "choice.unknown" if value else missing)
        return ""

    def choices(self, name: str, among: Collection[str], *, required: bool = False) -> list[str]:
        """Any of the options offered, each once."""
        values: Iterable[str] = (
            self._fields.getlist(name) if hasattr(self._fields, "getlist") else self._fields.get(name, [])
        )
        found = list(dict.fromkeys(values))
        if any(value not in among for value in found) or (required and not found):
            self.refuse(name, "choice.unknown")
            return []
        return found

    def ticked(self, name: str, *, required: str = "") -> bool:
        """Whether a box is ticked; ``required`` is the code when it has to be."""
        on = str(self._fields.get(name) or "") in ("on", "1", "true", "yes")
        if required and not on:
            self.refuse(name, required)
        return on

    def file(self, name: str, *, limit: int = FILE_LIMIT, required: bool = True) -> Upload | None:
        """A PDF or picture. Its size is asked before it is read."""
        found = self._files.get(name)
        if found is None or not found.size:
            if required:
                self.refuse(name, "file.missing")
            return None
        if found.size > limit:
            self.refuse(name, "file.too_large", limit=f"{limit // MEGABYTE} MB")
            return None
        content = found.read()
        kind = kind_of(content)
        if not kind:
            self.refuse(name, "file.type_refused")
            return None
        if bursts(content):
            self.refuse(name, "file.picture_too_large")
            return None
        return Upload(file_name(found.name or ""), kind, content)
