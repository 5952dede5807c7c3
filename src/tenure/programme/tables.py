"""Asking a table of a programme file for its values: an answer of the right kind, or a fault with its line.

It decides what a well-formed value is and how a wrong one is reported. It must never stop at the first fault
and never guess: a wrong value answers ``None``, and the whole file is refused in the end. Read next:
``programme/schema.py``, which asks the questions.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any, Self

from tenure.kernel.money import EXPONENTS, LIMIT_MINOR, number, parse
from tenure.kernel.text import Text
from tenure.programme.lines import Lines, Path
from tenure.programme.vocabulary import OFTEN_MEANT, shunned, simplified

REQUIRED: Any = object()
Answer = Any
"""A value of the kind that was asked for, or ``None`` once a fault has been noted: the file is refused anyway,
so what is built from it may be incomplete and nobody has to check at every step."""
CODE = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_PLAIN = re.compile(r"\d+(\.\d+)?|\d{1,3}(,\d{3})+(\.\d+)?")
_KINDS = {str: "a text in quotes", int: "a whole number", bool: "true or false", date: "a date", list: "a list"}


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong in a file. List items in ``path`` are counted from 1, as people count."""

    line: int
    path: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.path}: {self.message} {self.remedy}"


class Faults:
    """All that has been found so far."""

    def __init__(self, lines: Lines):
        self._lines = lines
        self._found: dict[Fault, None] = {}

    def note(self, path: Path, message: str, remedy: str, *, word: str = "") -> None:
        self._found[Fault(self._lines.of(path, word), said(path), message, remedy)] = None

    def listed(self) -> list[Fault]:
        return sorted(self._found)


def said(path: Path) -> str:
    """A path as people read it.

    >>> said(("offers", "action-pack", "prices", 1, "net"))
    'offers.action-pack.prices[2].net'
    """
    return "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def heading(path: Path) -> str:
    """A path as a table's heading is written, where the place in a list goes without saying.

    >>> heading(("policies", 0, "refund_limit"))
    'policies.refund_limit'
    """
    return said(tuple(part for part in path if isinstance(part, str)))


def instead(wrong: object, known: Iterable[str]) -> str:
    """What to write in place of an unknown word: the nearest known one, else the choice.

    >>> instead("TWN", ["TWD", "USD"]), instead("shell", ["card", "bank_transfer"])
    ('Write "TWD".', 'Write one of: bank_transfer, card.')
    """
    choice = sorted(known)
    meant = OFTEN_MEANT.get(str(wrong))
    near = [meant] if meant in choice else get_close_matches(str(wrong), choice, 1)
    if near:
        return f'Write "{near[0]}".'
    if not choice:
        return "Remove it."
    shown = ", ".join(choice[:12])
    return f"Write one of: {shown}{' …' if len(choice) > 12 else ''}."


class Table:
    """One table while it is read; leaving the ``with`` block reports the keys nobody asked for."""

    def __init__(self, faults: Faults, values: dict[str, Any], path: Path = ()):
        self.faults, self.path = faults, path
        self._values = values
        self._asked: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        for key in self._values if kind is None else ():
            if key not in self._asked:
                near = get_close_matches(key, [known for known in self._asked if known not in self._values], 1)
                near = near or get_close_matches(key, self._asked, 1)
                right = f'Write "{near[0]}".' if near else f"Remove it; here stand: {', '.join(self._asked)}."
                self.fault(key, f'the key "{key}" is not known here.', right)

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self._values)

    def fault(self, key: str | tuple[str | int, ...], message: str, remedy: str, *, word: str = "") -> None:
        keys = (key,) if isinstance(key, str) else key
        self.faults.note((*self.path, *keys) if key else self.path, message, remedy, word=word)

    def take(self, key: str, kind: type, example: str, default: Any = REQUIRED) -> Answer:
        """The value of a key if it is of the kind, ``default`` where the key is absent, ``None`` with a fault."""
        self._asked.append(key)
        if key not in self._values:
            if default is not REQUIRED:
                return default
            self.fault(key, "is missing.", f"Add {key} = {example}.")
            return None
        value = self._values[key]
        # By exact type: true is no number and an instant is no day, whatever Python says.
        if type(value) is not kind:
            self.fault(key, f"{shown(value)} is not {_KINDS[kind]}.", f"Write {key} = {example}.")
            return None
        return value

    def text(self, key: str, example: str = '"…"', default: Any = REQUIRED, like: str = "") -> Answer:
        value = self.take(key, str, example, default)
        if value is None or (value == default and key not in self._values):
            return value
        if not value.strip():
            self.fault(key, "is empty.", f"Write {key} = {example}.")
            return None
        if like and not re.fullmatch(like, value):
            self.fault(key, f"{shown(value)} does not have the right form.", f"Write it like {example}.")
            return None
        return value.strip()

    def code(self, key: str, example: str) -> Answer:
        return self.text(key, f'"{example}"', like=CODE.pattern)

    def whole(self, key: str, least: int, most: int, default: Any = REQUIRED) -> Answer:
        value = self.take(key, int, str(least if default is REQUIRED else default), default)
        if value is not None and not least <= value <= most:
            self.fault(key, f"{value} is outside {least} to {most}.", f"Write a number from {least} to {most}.")
            return None
        return value

    def number(self, key: str, example: str) -> Answer:
        """A number with or without decimals; the file is read with exact decimals, never with floats."""
        kind = Decimal if isinstance(self._values.get(key), Decimal) else int
        value = self.take(key, kind, example)
        return None if value is None or not Decimal(value).is_finite() else Decimal(value)

    def wholes(self, key: str, default: tuple[int, ...]) -> tuple[int, ...]:
        example = f"[{', '.join(map(str, default))}]"
        values = self.take(key, list, example, list(default)) or []
        if any(type(value) is not int for value in values):
            self.fault(key, "holds something that is not a whole number.", f"Write {key} = {example}.")
            return ()
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            self.fault(key, f"{twice[0]} stands twice.", "Write each day once.")
        return tuple(values)

    def flag(self, key: str, default: bool) -> Answer:
        return self.take(key, bool, "true" if default else "false", default)

    def day(self, key: str, default: Any = REQUIRED) -> Answer:
        return self.take(key, date, "2019-06-22, without quotes", default)

    def choice(self, key: str, known: Collection[str], default: Any = REQUIRED) -> Answer:
        value = self.take(key, str, f'"{min(known, default="…")}"', default)
        if value is not None and value not in known and not (value == default and key not in self._values):
            self.fault(key, f"{shown(value)} is not known.", instead(value, known))
            return None
        return value

    def choices(self, key: str, known: Collection[str], default: Any = REQUIRED) -> tuple[str, ...]:
        values = self.take(key, list, f'["{min(known, default="…")}"]', default)
        good = []
        for at, value in enumerate(values or ()):
            if not isinstance(value, str) or value not in known:
                self.fault((key, at), f"{shown(value)} is not known.", instead(value, known))
            elif value in good:
                self.fault((key, at), f"{shown(value)} stands twice.", "Write it once.")
            else:
                good.append(value)
        return tuple(good)

    def money(self, key: str, currency: str | None) -> Answer:
        """An amount above zero in quotes, with no more decimals than its currency is billed in."""
        if currency not in EXPONENTS:
            self._asked.append(key)  # the currency is at fault and has been noted
            return None
        example = '"1,670.00"' if EXPONENTS[currency] else '"15,000"'
        value = self.text(key, example)
        if value is None:
            return None
        try:
            exact = Decimal(value.replace(",", "")) if _PLAIN.fullmatch(value) else None
        except InvalidOperation:
            exact = None
        if exact is None or not 0 < exact.scaleb(EXPONENTS[currency]) <= LIMIT_MINOR:
            self.fault(key, f"{shown(value)} is not an amount of {currency}.", f"Write it like {example}.")
            return None
        kept = exact.quantize(Decimal(1).scaleb(-EXPONENTS[currency]), ROUND_DOWN)
        if kept != exact:
            right = number(parse(str(kept), currency))
            self.fault(key, f"{shown(value)} has more decimals than {currency} allows.", f'Write "{right}".')
            return None
        return parse(str(kept), currency)

    def words(self, key: str, default: Any = REQUIRED, *, prose: bool = True) -> Answer:
        """A text in both languages. ``prose=False`` lets a name stand in Latin letters in Chinese too."""
        if key not in self._values and default is not REQUIRED:
            self._asked.append(key)
            return default
        value = self._values.get(key)
        if not isinstance(value, dict):
            self._asked.append(key)
            message = "is missing." if value is None else f"{shown(value)} is not a text in both languages."
            self.fault(key, message, f'Write {key} = {{ en = "…", zh-hant = "…" }}.')
            return None
        with self.table(key) as table:
            en, chinese = (table._language(*each) for each in (("en", "English"), ("zh-hant", "Chinese")))
            if chinese:
                table._judge_chinese(chinese, prose)
        return Text(en, chinese)

    def _language(self, key: str, name: str) -> Answer:
        value = self.take(key, str, '"…"', "")
        if value is not None and not value.strip():
            self.fault(key, f"the {name} text is missing.", f'Add {key} = "…"; both languages are originals.')
            return None
        return value and value.strip()

    def _judge_chinese(self, chinese: str, prose: bool) -> None:
        for wrong, right in shunned(chinese).items():
            self.fault("zh-hant", f"「{wrong}」 is not said in this programme.", f"Write 「{right}」.", word=wrong)
        if found := simplified(chinese):
            self.fault("zh-hant", f"「{found}」 is simplified Chinese.", "Write 繁體中文.", word=found[0])
        if prose and not _CHINESE.search(chinese):
            self.fault("zh-hant", "holds no Chinese.", "Write the text in 繁體中文.")

    def table(self, key: str, *, optional: bool = False) -> "Table":
        """The table below a key; an empty one, with a fault, where there is none."""
        self._asked.append(key)
        value = self._values.get(key)
        if value is None and not optional:
            self.fault(key, "is missing.", f"Add the table [{heading((*self.path, key))}].")
        elif value is not None and not isinstance(value, dict):
            self.fault(
                key, f"{shown(value)} is not a table.", f"Write [{heading((*self.path, key))}] and its keys below."
            )
        elif value is not None:
            return Table(self.faults, value, (*self.path, key))
        return _Absent(self.faults, {}, (*self.path, key))

    def named(self, key: str, *, optional: bool = False, coded: bool = True) -> "dict[str, Table]":
        """The tables below a key by their names, which are codes of the programme."""
        above = self.table(key, optional=optional)
        for name in above.keys if coded else ():
            if not CODE.fullmatch(name):
                above.fault(name, f'"{name}" is not a code.', "Write small letters, digits and hyphens.")
        below = {name: above.table(name) for name in above.keys}
        if not below and not optional and not isinstance(above, _Absent):
            self.fault(key, "is empty.", f"Add at least one table [{heading((*self.path, key))}.NAME].")
        return below

    def listed(self, key: str, *, optional: bool = False) -> "list[Table]":
        """The tables of a list, in the order of the file."""
        values = self.take(
            key, list, f"a list of tables, [[{heading((*self.path, key))}]]", [] if optional else REQUIRED
        )
        tables = []
        for at, value in enumerate(values or ()):
            if isinstance(value, dict):
                tables.append(Table(self.faults, value, (*self.path, key, at)))
            else:
                self.fault((key, at), f"{shown(value)} is not a table.", "Write { key = value, … }.")
        if values is not None and not tables and not optional:
            self.fault(key, "is empty.", "Add at least one.")
        return tables


class _Absent(Table):
    """A table that is not there: noted once, so that its keys are not all called missing as well."""

    def take(self, key: str, kind: type, example: str, default: Any = REQUIRED) -> Answer:
        return None if default is REQUIRED else default

    def words(self, key: str, default: Any = REQUIRED, *, prose: bool = True) -> Answer:
        return None

    def table(self, key: str, *, optional: bool = False) -> Table:
        return _Absent(self.faults, {}, (*self.path, key))

    def fault(self, key: str | tuple[str | int, ...], message: str, remedy: str, *, word: str = "") -> None:
        return None


def shown(value: object) -> str:
    """A value as it stands in a message, shortened.

    >>> shown("475.555"), shown(True), shown(date(2019, 6, 22))
    ('"475.555"', 'true', '2019-06-22')
    """
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            short = value.strip().replace("\n", " ")
            return f'"{short[:39]}…"' if len(short) > 40 else f'"{short}"'
        case dict() | list():
            return "a table" if isinstance(value, dict) else "a list"
    return str(value)
