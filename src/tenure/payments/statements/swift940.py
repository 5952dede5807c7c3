"""SWIFT MT940 statements, read by ``mt940`` one booking at a time, so that a bad field costs its line and no more.

It decides nothing about money; it must never count a reversed credit as money in. Read next:
``payments/statements/base.py``.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import mt940

from tenure.kernel.money import EXPONENTS, Money, parse
from tenure.payments.statements.base import MAX_LINES, Statement, StatementLine, Unreadable, finished, tidy

FORM = "MT940"
TAG = re.compile(r"^:(\d\d[A-Z]?):")
HEAD = ("20", "21", "25", "28", "28C", "60F", "60M")


def looks_like(content: bytes) -> bool:
    head = content[:4000].decode("latin-1")
    return bool(re.search(r"^:20:", head, re.M) and re.search(r"^:(25|60[FM]):", head, re.M))


def read(content: bytes) -> Statement:
    """All the bookings of a file, of however many statements."""
    lines: list[StatementLine] = []
    faults: list[Unreadable] = []
    for head, bookings, tail in _statements(_decoded(content)):
        broken, own = len(faults), []
        for n, booking in bookings:
            if len(lines) > MAX_LINES:
                raise Unreadable("too_many_lines", n)
            try:
                own += [_line(n, found, head) for found in _parsed(head + booking, n)]
            except Unreadable as fault:
                faults.append(fault)
        if len(faults) == broken:
            _balanced(head + tail, sum(line.amount.minor for line in own))
        lines += own
    return finished(FORM, lines, faults)


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _statements(text: str) -> Iterator[tuple[str, list[tuple[int, str]], str]]:
    """Head, bookings with the number of their first line, and tail of every statement of a file."""
    head, tail, target = "", "", "head"
    bookings: list[tuple[int, str]] = []
    for n, raw in enumerate(text.splitlines(), 1):
        row = re.sub(r"^\{.*\{4:|^\{[1-35].*\}$", "", raw)
        if row.strip() in ("", "-", "-}") or row.startswith("-}"):
            continue
        tag = TAG.match(row)
        if tag and tag[1] == "20" and (bookings or tail):
            yield head, bookings, tail
            head, tail, bookings = "", "", []
        if tag:
            inside = "booking" if tag[1] == "61" or (tag[1] == "86" and target == "booking") else "tail"
            target = "head" if tag[1] in HEAD else inside
            if tag[1] == "61":
                bookings.append((n, ""))
        if target == "head":
            head += row + "\n"
        elif target == "tail":
            tail += row + "\n"
        else:
            bookings[-1] = (bookings[-1][0], bookings[-1][1] + row + "\n")
    if head:
        yield head, bookings, tail


def _parsed(text: str, n: int) -> Any:
    """What the library makes of a piece. It answers a bad date or amount with whatever exception came up."""
    transactions = mt940.models.Transactions(options=mt940.Options(reversal_sign=True, applicant_iban=True))
    try:
        transactions.parse(text)
    except Exception as fault:
        raise Unreadable("bad_field", n, str(fault)) from None
    if n and len(transactions) != 1:
        raise Unreadable("bad_field", n)
    return transactions


def _line(n: int, found: Any, head: str) -> StatementLine:
    data = found.data
    amount = data.get("amount")
    if amount is None or data.get("date") is None:
        raise Unreadable("bad_field", n)
    known = [data.get("customer_reference"), data.get("extra_details"), data.get("purpose")]
    known += [data.get("additional_purpose"), data.get("transaction_details")]
    account = re.search(r"^:25P?:(.*)$", head, re.M)
    slashed = dict(re.findall(r"/(NAME|IBAN)/([^/]+)", str(data.get("transaction_details") or "").replace("\n", "")))
    return StatementLine(
        n=n,
        account=tidy(account[1] if account else "", 60),
        value_on=data["date"],
        booked_on=data.get("entry_date") or data["date"],
        amount=_money(amount.amount, amount.currency, n),
        text=tidy(" ".join(dict.fromkeys(str(part) for part in known if part))),
        payer=tidy(data.get("applicant_name") or slashed.get("NAME"), 200),
        payer_account=tidy(data.get("applicant_iban") or slashed.get("IBAN"), 60),
        end_to_end=tidy(data.get("end_to_end_reference"), 60),
        bank_id=tidy(data.get("bank_reference"), 80),
        reversal=str(data.get("status", "")).startswith("R"),
    )


def _money(amount: Decimal, currency: str, n: int) -> Money:
    if currency not in EXPONENTS:
        raise Unreadable("currency_unknown", n, currency)
    try:
        return parse(str(amount), currency)
    except ValueError:
        raise Unreadable("no_amount", n, str(amount)) from None


def _balanced(text: str, total: int) -> None:
    """Opening balance and bookings make the closing balance; a file that tells only one of them is believed."""
    if not re.search(r"^:62[FM]:", text, re.M):
        return
    data = _parsed(text, 0).data
    opening = data.get("final_opening_balance") or data.get("intermediate_opening_balance")
    closing = data.get("final_closing_balance") or data.get("intermediate_closing_balance")
    if opening and closing:
        first, last = (_money(b.amount.amount, b.amount.currency, 0).minor for b in (opening, closing))
        if first + total != last:
            raise Unreadable("balances_differ", detail=f"{first} + {total} != {last}")
