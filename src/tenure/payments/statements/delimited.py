"""Bank files in columns, read by a mapping that was saved for the account once.

It decides nothing by guessing what a column means: the mapping says so. It guesses only how the bytes are written.
Read next: ``payments/statements/base.py``.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date, datetime

from tenure.kernel.money import EXPONENTS, Money, parse
from tenure.payments.statements.base import MAX_LINES, Statement, StatementLine, Unreadable, finished, tidy

FORM = "CSV"
ROC = "roc"
DATE_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", ROC)
ENCODINGS = ("", "utf-8", "cp950", "latin-1")
COLUMNS = "value_on booked_on amount credit debit sign currency reference text payer payer_account bank_id".split()


@dataclass(frozen=True, slots=True)
class Mapping:
    """Which column says what: by the heading's words, or by place as ``#3``. Empty means there is none."""

    value_on: str = ""
    booked_on: str = ""
    amount: str = ""
    credit: str = ""
    debit: str = ""
    sign: str = ""
    """A column that says whether money came or went; ``out_words`` are what it says when it went."""
    currency: str = ""
    reference: str = ""
    text: str = ""
    payer: str = ""
    payer_account: str = ""
    bank_id: str = ""
    out_words: str = "D DBIT DR - S 支出 提出"
    date_format: str = "%Y-%m-%d"
    decimal: str = "."
    delimiter: str = ","
    encoding: str = ""
    skip: int = 0
    """Lines above the headings, or above the first booking when columns go by place."""

    def faults(self) -> dict[str, str]:
        """What is missing before a file can be read by it.

        >>> Mapping(value_on="Date").faults()
        {'amount': 'text.missing'}
        """
        found = {} if self.value_on else {"value_on": "text.missing"}
        if not self.amount and not self.credit:
            found["amount"] = "text.missing"
        if self.date_format not in DATE_FORMATS:
            found["date_format"] = "choice.unknown"
        if self.decimal not in (".", ",") or len(self.delimiter) != 1:
            found["delimiter"] = "choice.unknown"
        return found

    @classmethod
    def of(cls, kept: dict) -> "Mapping":
        """The mapping as it was kept; what a later version added has its default."""
        return cls(**{field.name: kept[field.name] for field in fields(cls) if field.name in kept})


def read(content: bytes, mapping: Mapping, account: str, currency: str) -> Statement:
    """The bookings of a file in columns; every line that cannot be read is told of and passed over."""
    if mapping.faults():
        raise Unreadable("mapping_incomplete")
    rows = list(_rows(decoded(content, mapping), mapping))
    if len(rows) > MAX_LINES:
        raise Unreadable("too_many_lines", MAX_LINES)
    by_place = all(name.startswith("#") for name in _named(mapping).values())
    headings = {} if by_place or not rows else {tidy(cell): i for i, cell in enumerate(rows.pop(0)[1])}
    places = {what: _place(name, headings) for what, name in _named(mapping).items()}
    lines, faults = [], []
    for n, row in rows:
        told = {what: tidy(row[place]) if place < len(row) else "" for what, place in places.items()}
        try:
            lines.append(_line(n, told, mapping, account, currency))
        except Unreadable as fault:
            faults.append(fault)
    return finished(FORM, lines, faults)


def decoded(content: bytes, mapping: Mapping) -> str:
    """The text of a file: as the mapping says, else UTF-8, else Big5 or Latin-1 by how its high bytes stand.

    >>> decoded("付款人,金額".encode("big5"), Mapping()), decoded("Müller,Höhe".encode("latin-1"), Mapping())
    ('付款人,金額', 'Müller,Höhe')
    """
    for encoding in (mapping.encoding, "utf-8-sig"):
        try:
            if encoding:
                return content.decode(encoding).removeprefix("\ufeff")
        except (UnicodeDecodeError, LookupError):
            continue
    # In a Western text an accented letter stands alone between plain ones; Big5 comes in pairs.
    high = len(re.findall(rb"[\x80-\xff]", content))
    alone = len(re.findall(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])", content))
    if alone * 2 < high:
        try:
            return content.decode("cp950")
        except UnicodeDecodeError:
            pass
    return content.decode("latin-1")


def _rows(text: str, mapping: Mapping) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mapping.delimiter)
    try:
        for row in reader:
            if reader.line_num > mapping.skip and any(cell.strip() for cell in row):
                yield reader.line_num, row
    except csv.Error as fault:
        raise Unreadable("not_columns", reader.line_num, str(fault)) from None


def _named(mapping: Mapping) -> dict[str, str]:
    return {what: getattr(mapping, what) for what in COLUMNS if getattr(mapping, what)}


def _place(name: str, headings: dict[str, int]) -> int:
    if name.startswith("#") and name[1:].isdigit() and int(name[1:]) > 0:
        return int(name[1:]) - 1
    if tidy(name) not in headings:
        raise Unreadable("column_missing", detail=name)
    return headings[tidy(name)]


def _line(n: int, told: dict[str, str], mapping: Mapping, account: str, currency: str) -> StatementLine:
    currency = told.get("currency") or currency
    if currency not in EXPONENTS:
        raise Unreadable("currency_unknown", n, currency)
    value_on = _day(told["value_on"], mapping.date_format, n)
    booked_on = _day(told["booked_on"], mapping.date_format, n) if told.get("booked_on") else value_on
    return StatementLine(
        n=n,
        account=account,
        value_on=value_on,
        booked_on=booked_on,
        amount=_amount(told, mapping, currency, n),
        reference=told.get("reference", "")[:140],
        text=told.get("text", ""),
        payer=told.get("payer", "")[:200],
        payer_account=told.get("payer_account", "")[:60],
        bank_id=told.get("bank_id", "")[:80],
    )


def _amount(told: dict[str, str], mapping: Mapping, currency: str, n: int) -> Money:
    if told.get("amount"):
        amount = _money(told["amount"], mapping.decimal, currency, n)
        words = mapping.out_words.split()
        return -amount if told.get("sign") in words and amount.minor > 0 else amount
    came = _money(told.get("credit") or "0", mapping.decimal, currency, n)
    went = _money(told.get("debit") or "0", mapping.decimal, currency, n)
    if not came and not went:
        raise Unreadable("no_amount", n)
    return came - went if went.minor > 0 else came + went


def _money(written: str, decimal: str, currency: str, n: int) -> Money:
    bare = re.sub(r"[\s'’]|NT\$|US\$|[$€£¥]", "", written).replace("−", "-")
    if bare.startswith("(") and bare.endswith(")"):
        bare = f"-{bare[1:-1]}"
    if decimal == ",":
        bare = bare.replace(".", "").replace(",", ".")
    try:
        return parse(bare, currency)
    except ValueError:
        raise Unreadable("no_amount", n, written) from None


def _day(written: str, form: str, n: int) -> date:
    try:
        if form == ROC:
            year, month, day = re.split(r"\D", written.strip()) if not written.isdigit() else _roc(written)
            return date(int(year) + 1911, int(month), int(day))
        return datetime.strptime(written[:10], form).date()  # noqa: DTZ007  a day has no zone
    except (ValueError, TypeError):
        raise Unreadable("no_date", n, written) from None


def _roc(digits: str) -> tuple[str, str, str]:
    """A date of the Republic's calendar in one run: 1080623."""
    return digits[:-4], digits[-4:-2], digits[-2:]
