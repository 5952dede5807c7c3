"""ISO 20022 bank statements, camt.053 in every version: elements are found by name, whatever their namespace.

It decides which bookings of a batch stand alone. It must never take an announced booking for a made one, and never
read a file whose balances do not add up: something of it is missing. Read next: ``payments/statements/base.py``.
"""

from collections.abc import Iterator
from datetime import date
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from tenure.kernel.money import EXPONENTS, Money, parse
from tenure.payments.statements.base import MAX_LINES, Statement, StatementLine, Unreadable, finished, tidy

FORM = "camt.053"
OPENING, CLOSING = ("OPBD", "PRCD"), ("CLBD",)


def looks_like(content: bytes) -> bool:
    head = content[:4000]
    return b"BkToCstmrStmt" in head or b"camt.053" in head


def read(content: bytes) -> Statement:
    """All the bookings of a file, of however many accounts."""
    try:
        root = fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as fault:
        raise Unreadable("not_xml", getattr(fault, "position", (0,))[0]) from None
    lines: list[StatementLine] = []
    faults: list[Unreadable] = []
    n = pending = 0
    for statement in _all(root, "Stmt"):
        total, broken = 0, len(faults)
        for entry in _children(statement, "Ntry"):
            n += 1
            if n > MAX_LINES:
                raise Unreadable("too_many_lines", n)
            if (_text(entry, "Sts", "Cd") or _text(entry, "Sts")) not in ("BOOK", ""):
                pending += 1
                continue
            try:
                booking = _entry(entry, n, _account(statement))
            except Unreadable as fault:
                faults.append(fault)
                continue
            total += sum(line.amount.minor for line in booking)
            lines += booking
        if len(faults) == broken:
            _balanced(statement, total)
    return finished(FORM, lines, faults, pending)


def _balanced(statement: Element, total: int) -> None:
    found = {_text(b, "Tp", "CdOrPrtry", "Cd"): _signed(b, 0).minor for b in _children(statement, "Bal")}
    opening = next((found[code] for code in OPENING if code in found), None)
    closing = next((found[code] for code in CLOSING if code in found), None)
    if opening is not None and closing is not None and opening + total != closing:
        raise Unreadable("balances_differ", detail=f"{opening} + {total} != {closing}")


def _account(statement: Element) -> str:
    return _text(statement, "Acct", "Id", "IBAN") or _text(statement, "Acct", "Id", "Othr", "Id")


def _entry(entry: Element, n: int, account: str) -> list[StatementLine]:
    """One line, or one for each payment of a batch whose parts add up to the whole."""
    whole = _signed(entry, n)
    details = [detail for batch in _children(entry, "NtryDtls") for detail in _children(batch, "TxDtls")]
    value_on = _day(entry, "ValDt", n) or _day(entry, "BookgDt", n)
    if value_on is None:
        raise Unreadable("no_date", n)
    booked_on = _day(entry, "BookgDt", n) or value_on
    given = {"n": n, "account": account, "value_on": value_on, "booked_on": booked_on}
    given["reversal"] = _text(entry, "RvslInd") in ("true", "1")
    own = _text(entry, "AcctSvcrRef")
    if len(details) > 1:
        parts = [_part(detail, whole, n) for detail in details]
        if all(parts) and sum(part.minor for part in parts if part) == whole.minor:
            return [
                _line(detail, entry, part, _text(detail, "Refs", "AcctSvcrRef") or (own and f"{own}/{i}"), given)
                for i, (detail, part) in enumerate(zip(details, parts, strict=True))
                if part
            ]
    if len(details) == 1:
        return [_line(details[0], entry, whole, _text(details[0], "Refs", "AcctSvcrRef") or own, given)]
    return [_line(entry, entry, whole, own, given)]


def _line(detail: Element, entry: Element, amount: Money, bank_id: str, given: dict) -> StatementLine:
    side = "Dbtr" if amount.minor > 0 else "Cdtr"
    parties = _child(detail, "RltdPties")
    told = [found.text for found in _all(detail, "Ustrd")]
    told += [_text(detail, "AddtlTxInf"), _text(entry, "AddtlNtryInf")]
    payer = payer_account = ""
    if parties is not None:
        payer = _text(parties, side, "Nm") or _text(parties, side, "Pty", "Nm")
        payer_account = _text(parties, f"{side}Acct", "Id", "IBAN") or _text(parties, f"{side}Acct", "Id", "Othr", "Id")
    return StatementLine(
        **given,
        amount=amount,
        reference=tidy(" ".join(_text(found, "Ref") for found in _all(detail, "CdtrRefInf")), 140),
        text=tidy(" ".join(part for part in told if part)),
        payer=tidy(payer, 200),
        payer_account=tidy(payer_account, 60),
        end_to_end=tidy(_text(detail, "Refs", "EndToEndId"), 60),
        bank_id=tidy(bank_id, 80),
    )


def _part(detail: Element, whole: Money, n: int) -> Money | None:
    """What one payment of a batch brings; nothing when the file does not say so in the account's currency."""
    for path in (("Amt",), ("AmtDtls", "TxAmt", "Amt")):
        if (found := _child(detail, *path)) is not None and found.get("Ccy") == whole.currency:
            side = _text(detail, "CdtDbtInd") or ("CRDT" if whole.minor > 0 else "DBIT")
            return _money(found, side, n)
    return None


def _signed(element: Element, n: int) -> Money:
    found = _child(element, "Amt")
    if found is None:
        raise Unreadable("no_amount", n)
    return _money(found, _text(element, "CdtDbtInd"), n)


def _money(found: Element, side: str, n: int) -> Money:
    currency = found.get("Ccy", "")
    if currency not in EXPONENTS:
        raise Unreadable("currency_unknown", n, currency)
    if side not in ("CRDT", "DBIT"):
        raise Unreadable("no_direction", n)
    try:
        amount = parse(found.text or "", currency)
    except ValueError:
        raise Unreadable("no_amount", n, found.text or "") from None
    return amount if side == "CRDT" else -amount


def _day(entry: Element, name: str, n: int) -> date | None:
    told = _text(entry, name, "Dt") or _text(entry, name, "DtTm")[:10]
    try:
        return date.fromisoformat(told[:10]) if told else None
    except ValueError:
        raise Unreadable("no_date", n, told) from None


# Elements by their bare name: the namespace changes with every version, the names do not.


def _bare(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _children(element: Element, name: str) -> Iterator[Element]:
    return (child for child in element if _bare(child) == name)


def _all(element: Element, name: str) -> Iterator[Element]:
    return (child for child in element.iter() if _bare(child) == name)


def _child(element: Element, *path: str) -> Element | None:
    found: Element | None = element
    for name in path:
        found = next(_children(found, name), None) if found is not None else None
    return found


def _text(element: Element, *path: str) -> str:
    found = _child(element, *path)
    return ((found.text or "") if found is not None else "").strip()
