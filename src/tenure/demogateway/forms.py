"""A request on Stripe's wire, and what may stand in its form.

It decides which texts, numbers, amounts and addresses are taken. It must never change the book. Read next:
``demogateway/routes.py``, what may be asked.
"""

import hashlib
import json
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tenure.demogateway.book import No
from tenure.demogateway.wire import counted
from tenure.kernel.money import EXPONENTS, LIMIT_MINOR

PATH = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,500}")


@dataclass(frozen=True, slots=True)
class Request:
    """``fields`` is the form, or the query of a read, with its brackets undone."""

    method: str
    path: str
    fields: dict = field(default_factory=dict)
    key: str = ""
    base: str = ""

    @property
    def fingerprint(self) -> str:
        """The request itself, whatever the order of its fields."""
        text = json.dumps([self.method, self.path, self.fields], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def expand(self) -> frozenset[str]:
        asked = self.fields.get("expand", {})
        return frozenset(asked.values() if isinstance(asked, dict) else ())

    def text(self, name: str, most: int = 500, *, least: int = 0) -> str:
        return text(self.fields, name, most, least=least)

    def part(self, name: str) -> dict:
        return part(self.fields, name)


def text(fields: dict, name: str, most: int = 500, *, least: int = 0) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str) or not least <= len(value) <= most or "\x00" in value:
        raise No(f"invalid_{name}")
    return value


def part(fields: dict, name: str) -> dict:
    value = fields.get(name, {})
    if not isinstance(value, dict):
        raise No(f"invalid_{name}")
    return value


def whole(value: str, name: str, most: int) -> int:
    if not (isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 16):
        raise No(f"invalid_{name}")
    if int(value) > most:
        raise No(f"invalid_{name}")
    return int(value)


def money(amount: str, currency: str) -> tuple[int, str]:
    """An amount of the wire in our smallest coins."""
    currency = currency.upper()
    if currency not in EXPONENTS:
        raise No("invalid_currency")
    value, unit = whole(amount, "amount", LIMIT_MINOR), counted(1, currency)
    if value < 1 or value % unit:
        raise No("invalid_amount")
    return value // unit, currency


def own_path(url: str) -> str:
    """Where the browser goes afterwards; the pages are shown below the merchant's own address, so its path does."""
    parts = urlsplit(url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    if parts.scheme not in ("http", "https") or not parts.netloc or not PATH.fullmatch(path):
        raise No("url_invalid")
    return path


def ours(noted: dict) -> dict:
    """The payment's own numbers, as the book keeps them for its pages and searches."""
    return {
        "order_no": text(noted, "order", 64),
        "attempt": whole(noted.get("attempt", "0"), "attempt", 10**6),
        "metadata": json.dumps({str(name)[:40]: str(value)[:500] for name, value in noted.items()}, sort_keys=True),
    }
