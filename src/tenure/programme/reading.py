"""A programme file read whole or refused whole, with every fault, its line and what would be right.

It decides nothing by itself: the lines come from ``lines.py``, the questions from ``schema.py`` and
``catalogue.py``. It must never answer with a programme that has a fault, or raise anything but ``Faulty``.
Read next: ``docs/how-to/change-the-programme.md`` for the file as its author sees it.
"""

import re
import tomllib
from decimal import Decimal
from typing import Any

from tenure.programme import catalogue, schema
from tenure.programme.lines import Lines
from tenure.programme.rules import Programme
from tenure.programme.tables import CODE, Fault, Faults, Table

__all__ = ["Fault", "Faulty", "read"]

_PREFIX = r"[A-Z][A-Z0-9]{0,7}"
_PLACE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)")
# What the standard library's reader says, and what its author should do about it.
_SYNTAX = {
    "Invalid date or datetime": "Write a day that exists, like 2019-02-28.",
    "Cannot overwrite a value": "Write each key once in its table.",
    "Cannot declare": "Write each table once, or double the brackets of a list: [[policies]].",
    "Cannot mutate": "Write all of a table in one place.",
    "Unterminated string": "Close the text with the quotes it began with.",
    "Duplicate inline table key": "Write each key once in its table.",
    "Found invalid character": "Close the text with the quotes it began with; only three quotes hold several lines.",
    "Illegal character": "Close the text with the quotes it began with; only three quotes hold several lines.",
    "Expected newline or end of document": "Begin a new line here, or put the text in quotes.",
    "Expected '='": 'Write key = value; if the line belongs to a text, close that text with """ after it, not before.',
    "Expected ']": "Close the heading with as many brackets as it was opened with.",
    "Invalid initial character": "Write a key of letters, digits, hyphens and underscores.",
    "Unescaped": "Write two backslashes for one.",
    "Invalid value": "Put texts in quotes; write dates like 2019-06-22, numbers like 30, true or false.",
    "Unclosed": "Close the bracket that was opened.",
    "Invalid statement": "Write [table] or key = value.",
}


class Faulty(Exception):
    """A file that is refused.

    >>> try:
    ...     read('[programme]\\ncode = 7\\n')
    ... except Faulty as faulty:
    ...     print(faulty.faults[0])
    line 1: agreements: is missing. Add agreements = a list of tables, [[agreements]].
    """

    def __init__(self, faults: list[Fault]):
        super().__init__(faults)
        self.faults = faults

    def __str__(self) -> str:
        count = len(self.faults)
        return "\n".join([f"{count} fault{'' if count == 1 else 's'}", *map(str, self.faults)])


def read(source: str, *, known_permissions: frozenset[str] | None = None) -> Programme:
    """The programme a file describes. Raises ``Faulty`` with every fault, in the order of the lines.

    Without ``known_permissions`` a role's permissions are judged by their form alone.
    """
    source = source.removeprefix("\ufeff").replace("\r\n", "\n")
    values = _parsed(source)
    faults = Faults(Lines(source))
    with Table(faults, values) as root:
        programme = _programme(root, known_permissions)
    if found := faults.listed():
        raise Faulty(found)
    return programme


def _parsed(source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(source, parse_float=Decimal)
    except RecursionError:
        raise Faulty([Fault(1, "file", "nests too deeply.", "Write tables side by side.")]) from None
    except (ValueError, ArithmeticError) as error:
        raise Faulty([_syntax(source, str(error))]) from None


def _syntax(source: str, message: str) -> Fault:
    place = _PLACE.search(message)
    last = max(1, len(source.splitlines()))
    line = min(int(place[1]), last) if place and place[1] else last
    bare = _PLACE.sub("", message)
    remedy = next((right for start, right in _SYNTAX.items() if bare.startswith(start)), "Put the line right.")
    return Fault(line, "file", f"cannot be read here: {bare[:1].lower()}{bare[1:].rstrip('.')}.", remedy)


def _programme(root: Table, known_permissions: frozenset[str] | None) -> Programme:
    families = schema.families(root)
    agreements = schema.agreements(root)
    with root.table("programme") as head:
        billing = schema.billing(root, head)
        known_agreements = {agreement.id for agreement in agreements if agreement.id}
        offers, prices = catalogue.offers(root, families=families, agreements=known_agreements, billing=billing)
        return Programme(
            code=head.text("code", '"aurora"', like=CODE.pattern),
            name=head.words("name", prose=False),
            zone=schema.zone(head),
            default_currency=billing.default,
            seller=schema.seller(root, billing.known),
            policies=schema.policies(root, billing.known),
            agreements=agreements,
            offers=offers,
            prices=prices,
            taxes=schema.taxes(root),
            roles=schema.roles(root, known_permissions),
            problem_types=schema.problem_types(root),
            letters=schema.letters(root),
            currencies=billing.by_country,
            families=families,
            withholding=schema.withholding(root),
            invoice_prefix=head.text("invoice_prefix", '"INV"', "INV", _PREFIX),
            credit_prefix=head.text("credit_prefix", '"CN"', "CN", _PREFIX),
            hourly_charges=head.whole("hourly_charges", 0, 1_000_000, 0) or 0,
        )
