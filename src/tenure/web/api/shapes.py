"""The shapes that many answers and requests are made of: money, words in both languages, text, dates, pages, problems.

A request's shape takes nothing it does not name and turns no text into a number. It must never hold a card number.
Read next: ``web/api/operations.py``.
"""

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from tenure.kernel.money import EXPONENTS, Money, number, parse
from tenure.kernel.text import Text

# What nobody can see or mean: controls and direction overrides; at least one character must be more than a blank.
UNSEEN = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff"
# What takes no room by itself, though it has its use between others.
WIDTHLESS = r"\u00ad\u200b-\u200f\u2060-\u2064"
SPOKEN = rf"^[^{UNSEEN}]*[^\s{UNSEEN}{WIDTHLESS}][^{UNSEEN}]*$"
LINE = rf"^[^\t\n{UNSEEN}]*[^\s{UNSEEN}{WIDTHLESS}][^\t\n{UNSEEN}]*$"
BLANK = rf"^[^{UNSEEN}]*$"
EMAIL = r"^[^@\s\x00-\x1f\x7f,;<>()\x22]+@[^@\s\x00-\x1f\x7f.,;<>()\x22]+(\.[^@\s\x00-\x1f\x7f.,;<>()\x22]{2,})+$"
PHONE = r"^\+?[ ().\-/]*([0-9][ ().\-/]*){8,15}$"


def _day(given: Any) -> Any:
    if not isinstance(given, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", given):
        raise ValueError("a day is written 2019-06-22")
    return given


def _whole(given: Any) -> Any:
    if isinstance(given, str) and not re.fullmatch("[0-9]{1,18}", given):
        raise ValueError("a whole number is written in digits")
    return given


def _flag(given: Any) -> Any:
    if isinstance(given, str) and given not in ("true", "false"):
        raise ValueError("yes is written true")
    return given


# As the document says and not as a library would guess: neither seconds of an epoch, nor "on", nor 1_000.
Day = Annotated[date, BeforeValidator(_day), Field(strict=False)]
# Stands after the bounds, which the document would lose behind it.
IN_DIGITS = BeforeValidator(_whole)
Flag = Annotated[bool, BeforeValidator(_flag)]
Line = Annotated[str, Field(min_length=1, max_length=200, pattern=LINE)]
Name = Annotated[str, Field(min_length=1, max_length=120, pattern=LINE, examples=["Mei Chen"])]
Email = Annotated[str, Field(min_length=6, max_length=254, pattern=EMAIL, examples=["mei@fabrik.example"])]
Phone = Annotated[str, Field(min_length=8, max_length=40, pattern=PHONE, examples=["02 2712 3456"])]
Paragraphs = Annotated[str, Field(min_length=1, max_length=5000, pattern=SPOKEN)]
Language = Literal["en", "zh-hant"]
Currency = Literal["EUR", "GBP", "JPY", "TWD", "USD"]
Id = Annotated[int, Field(ge=1, examples=[12])]


class Body(BaseModel):
    """What a program sends."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Shape(BaseModel):
    """What it gets."""

    model_config = ConfigDict(populate_by_name=True)


class Amount(Shape):
    """Money: the figure with exactly the decimals its currency is billed in, and the currency."""

    amount: Annotated[str, Field(pattern=r"^-?[0-9]{1,12}(\.[0-9]{2})?$", examples=["15750"])]
    currency: Annotated[Currency, Field(examples=["TWD"])]


class AmountGiven(Body):
    """An amount as it was shown: the figure with its decimals, and the currency."""

    amount: Annotated[str, Field(pattern=r"^[0-9]{1,10}(\.[0-9]{1,2})?$", examples=["15750"])]
    currency: Annotated[Currency, Field(examples=["TWD"])]

    def money(self) -> Money | None:
        """The amount, or nothing where the currency has fewer decimals: no price was ever shown like that."""
        try:
            return parse(self.amount, self.currency)
        except ValueError:
            return None


class Words(Shape):
    """One meaning in both languages; neither is a translation of the other."""

    en: Annotated[str, Field(examples=["Action Pack"])]
    zh_hant: Annotated[str, Field(alias="zh-hant", examples=["行動套件"])]


class CheckTold(Shape):
    """One condition: whether it is met, and the facts behind it."""

    code: Annotated[str, Field(examples=["renewals.window_not_open"])]
    passed: bool
    detail: Annotated[str, Field(description="The condition in words, in the language asked for.")]
    facts: Annotated[dict[str, Any], Field(examples=[{"opens_on": "2019-06-23"}])]


class FieldFault(Shape):
    """A field that can't be taken as it is."""

    name: Annotated[str, Field(examples=["contact.phone"])]
    code: Annotated[str, Field(examples=["contact.phone_malformed"])]
    detail: str


class Problem(Shape):
    """Why a request was refused (RFC 9457). ``code`` is stable; ``title`` and ``detail`` are for people."""

    type: Annotated[str, Field(json_schema_extra={"format": "uri-reference"})]
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    code: Annotated[str, Field(examples=["renewals.window_closed"])]
    facts: dict[str, Any]
    checks: list[CheckTold]
    fields: list[FieldFault]


def amount(money: Money) -> dict[str, str]:
    """Money as it is told.

    >>> amount(Money(49875, "USD")), amount(Money(15750, "TWD"))
    ({'amount': '498.75', 'currency': 'USD'}, {'amount': '15750', 'currency': 'TWD'})
    """
    return {"amount": number(money).replace(",", ""), "currency": money.currency}


def words(text: Text) -> dict[str, str]:
    return {"en": text.en, "zh-hant": text.zh_hant}


def day(value: date | None) -> str | None:
    return value.isoformat() if value else None


def instant(value: datetime | None) -> str | None:
    """An instant in UTC, to the second.

    >>> from datetime import UTC
    >>> instant(datetime(2019, 6, 22, 4, tzinfo=UTC))
    '2019-06-22T04:00:00Z'
    """
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if value else None


assert set(Currency.__args__) == set(EXPONENTS), "every currency that is billed in"
