"""Draws an invoice, a credit note or a pro-forma from its frozen view, in the language of its reader.

It decides the words and the order of what stands on the page; ``invoice.typ`` decides how it looks. It must
never compute an amount, read a row or a clock, or draw a stored document a second time for a download.
Read next: ``plumbing/pdf.py``.
"""

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import structlog
from babel import Locale

from tenure.billing import einvoice
from tenure.billing.rules import Bank, InvoiceLine, InvoiceView, Kind, Party, TaxLine, untaxed_because
from tenure.kernel import money, periods
from tenure.plumbing import pdf

TEMPLATE = Path(__file__).with_name("invoice.typ")
VAT_COUNTRIES = frozenset("AT BE BG CY CZ DE DK EE ES FI FR GB GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split())

WORDS = {
    "invoice": ("Invoice", "發票"),
    "credit_note": ("Credit note", "折讓單"),
    "pro_forma": ("Pro-forma invoice", "形式發票"),
    "invoice.number": ("Invoice number", "發票號碼"),
    "credit_note.number": ("Credit note number", "折讓單號碼"),
    "issued_on": ("Issue date", "開立日期"),
    "order": ("Order number", "訂單編號"),
    "amends": ("Amends invoice", "原發票號碼"),
    "pay_by": ("Pay by", "付款期限"),
    "from": ("From", "賣方"),
    "to": ("Bill to", "買方"),
    "partner": ("Partner ID", "合作夥伴識別碼"),
    "tax_id.TW": ("Business number", "統一編號"),
    "tax_id.vat": ("VAT ID", "加值稅識別碼"),
    "tax_id": ("Tax ID", "稅籍編號"),
    "description": ("Description", "品項"),
    "net": ("Net amount", "未稅金額"),
    "rate": ("Tax rate", "稅率"),
    "tax": ("Tax", "稅額"),
    "total": ("Total", "總計"),
    "tax_on": ("{tax} on {net}", "{tax}，稅基 {net}"),
    "tax_named": ("{tax}, {rate}", "{tax}（{rate}）"),
    "rate.E": ("Exempt", "免稅"),
    "rate.Z": ("Zero-rated", "零稅率"),
    "rate.G": ("Zero-rated", "零稅率"),
    "rate.K": ("Exempt", "免稅"),
    "rate.AE": ("Reverse charge", "逆向課稅"),
    "rate.O": ("Not taxable", "不課稅"),
    "lead.paid": ("{total} paid on {day}", "{total} 已於 {day}付清"),
    "lead.due": ("{total} to pay by {day}", "{day}前應付 {total}"),
    "lead.credited": ("{total} credited", "折讓 {total}"),
    "invoice.payment": ("Payment", "付款"),
    "credit_note.payment": ("Refund", "退款"),
    "pro_forma.payment": ("How to pay", "付款資料"),
    "method": ("Payment method", "付款方式"),
    "credit_note.method": ("Refund method", "退款方式"),
    "paid_on": ("Paid on", "付款日期"),
    "credit_note.paid_on": ("Refunded on", "退款日期"),
    "reference": ("Payment reference", "付款參考編號"),
    "instrument": ("{method} ({instrument})", "{method}（{instrument}）"),
    "card": ("Credit card", "信用卡"),
    "bank_transfer": ("Bank transfer", "銀行轉帳"),
    "bank": ("Bank", "銀行"),
    "holder": ("Account holder", "戶名"),
    "account": ("Account number", "帳號"),
    "swift": ("SWIFT code", "SWIFT 代碼"),
    "amount": ("Amount", "金額"),
    "pro_forma.note": (
        "Quote the payment reference with your transfer. This is not a tax invoice: "
        "we issue the invoice when your payment arrives.",
        "轉帳時註明付款參考編號。本文件並非發票，款項入帳後即開立發票。",
    ),
    "page": ("Page {n} of {of}", "第 {n} 頁，共 {of} 頁"),
}
"""Both languages of every label; what the seller says (the tax's name, notes) comes with the view."""

LONG_WORD = re.compile(r"[^\s\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\ufe30-\uffef]{24,}")
"""What may be wider than a column; scripts that break between any two characters never are."""

log = structlog.get_logger(__name__)


def render(view: InvoiceView) -> bytes:
    """The document as PDF/A-3a and PDF/UA-1; the same view gives the same bytes."""
    return draw(view)[0]


def draw(view: InvoiceView) -> tuple[bytes, bytes]:
    """The document, and the structured invoice inside it; a pro-forma is no tax document and has none."""
    structured = b"" if view.kind is Kind.PRO_FORMA else einvoice.xml(view)
    drawn = pdf.compile(TEMPLATE, page(view), datetime.combine(view.issued_on, time(), UTC), structured)
    if drawn.substituted:
        # Code points only: the text itself may be somebody's name.
        log.warning(
            "billing.characters_substituted",
            number=view.number,
            order=view.order_number,
            characters=[f"U+{ord(char):04X}" for char in drawn.substituted],
        )
    return drawn.content, structured


def sha256(content: bytes) -> str:
    """The fingerprint that is stored beside the bytes and compared with every later download.

    >>> sha256(b"")[:16]
    'e3b0c44298fc1c14'
    """
    return hashlib.sha256(content).hexdigest()


def page(view: InvoiceView) -> dict[str, Any]:
    """Everything ``invoice.typ`` prints, as words and figures ready to set."""
    say = Speaker(view.language)
    heading = say(view.kind)
    said = {
        "lang": "zh" if say.chinese else "en",
        "region": "TW" if say.chinese else "GB",
        "title": f"{heading} {view.number or view.order_number}",
        "author": view.seller.name,
        "heading": heading,
        "lead": _lead(view, say),
        "facts": _facts(view, say),
        "seller": _party(view.seller, say("from"), say),
        "buyer": _party(view.buyer, say("to"), say),
        "columns": [say(name) for name in ("description", "net", "rate", "tax", "total")],
        "lines": [_line(line, say) for line in view.lines],
        "totals": _totals(view, say),
        "total": [say("total"), money.say(view.total)],
        "payment": {"heading": say(f"{view.kind}.payment"), "rows": _payment(view, say)},
        "notes": [note for note in (_note(view, say), untaxed_because(view), view.terms_note) if note],
        "footer": [part for part in (view.seller.name, view.seller.email, view.seller.phone) if part],
        "page": WORDS["page"][say.chinese],
    }
    return said | {"long-word": any(LONG_WORD.search(text) for text in _texts(said))}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


class Speaker:
    """Says a word of ``WORDS`` in one language: Chinese for ``zh-hant``, else English.

    >>> Speaker("zh-hant")("net"), Speaker("en").first("tax_id.JP", "tax_id")
    ('未稅金額', 'Tax ID')
    """

    def __init__(self, language: str):
        self.language = language
        self.chinese = language == "zh-hant"

    def __call__(self, code: str, **facts: str) -> str:
        return WORDS[code][self.chinese].format(**facts)

    def first(self, *codes: str) -> str:
        return self(next(code for code in codes if code in WORDS))

    def day(self, day: date) -> str:
        return periods.say_day(day, self.language)

    def country(self, code: str) -> str:
        if self.chinese and code == "TW":
            return "臺灣"
        return Locale.parse("zh_Hant_TW" if self.chinese else "en_GB").territories.get(code, code)


def _lead(view: InvoiceView, say: Speaker) -> str:
    total = money.say(view.total)
    if view.kind is Kind.CREDIT_NOTE:
        return say("lead.credited", total=money.say(-view.total))
    if view.payment.paid_on:
        return say("lead.paid", total=total, day=say.day(view.payment.paid_on))
    if view.payment.pay_by:
        return say("lead.due", total=total, day=say.day(view.payment.pay_by))
    return total


def _facts(view: InvoiceView, say: Speaker) -> list[list[str]]:
    number = [[say(f"{view.kind}.number"), view.number]] if view.number else []
    rest = [
        ("issued_on", say.day(view.issued_on)),
        ("order", view.order_number),
        ("amends", view.amends),
    ]
    return number + [[say(code), value] for code, value in rest if value]


def _party(party: Party, label: str, say: Speaker) -> dict[str, Any]:
    tax_id = f"tax_id.{'vat' if party.country in VAT_COUNTRIES else party.country}"
    ids = [(say.first(tax_id, "tax_id"), party.tax_id), (say("partner"), party.partner_number)]
    return {
        "label": label,
        "name": party.name,
        "lines": [*party.address_lines, say.country(party.country)],
        "ids": [[name, value] for name, value in ids if value],
    }


def _line(line: InvoiceLine, say: Speaker) -> dict[str, str]:
    period = line.period
    return {
        "description": line.description,
        "period": periods.say_span(period.first, period.last, say.language) if period else "",
        "net": money.say(line.net),
        "rate": _rate(line, say),
        "tax": money.say(line.tax),
        "total": money.say(line.total),
    }


def _rate(taxed: InvoiceLine | TaxLine, say: Speaker) -> str:
    category = taxed.category if isinstance(taxed, TaxLine) else taxed.tax_category
    rate_bp = taxed.rate_bp if isinstance(taxed, TaxLine) else taxed.tax_rate_bp
    if rate_bp == 0 and f"rate.{category}" in WORDS:
        return say(f"rate.{category}")
    return f"{rate_bp / 100:g}%"


def _totals(view: InvoiceView, say: Speaker) -> list[list[str]]:
    """Net, and the tax of each rate; where there are several, each says the net it is taken from."""
    rows = [[say("net"), money.say(view.net)]]
    for tax in view.tax_lines:
        name, rate = view.tax_name or say("tax"), _rate(tax, say)
        label = f"{name} {rate}" if rate.endswith("%") else say("tax_named", tax=name, rate=rate.lower())
        if len(view.tax_lines) > 1:
            label = say("tax_on", tax=label, net=money.say(tax.net))
        rows.append([label, money.say(tax.tax)])
    return rows


def _payment(view: InvoiceView, say: Speaker) -> list[list[str]]:
    paid, kind = view.payment, view.kind
    if kind is Kind.PRO_FORMA:
        rows = _bank(view.bank, view.seller.name)
        rows += [("reference", _in_fours(paid.reference)), ("amount", money.say(view.total))]
        rows += [("pay_by", say.day(paid.pay_by))] if paid.pay_by else []
    else:
        rows = [("method", _method(view, say)), ("paid_on", say.day(paid.paid_on) if paid.paid_on else "")]
        rows += _bank(view.bank, view.seller.name) if paid.pay_by and not paid.paid_on else []
        rows += [("reference", _in_fours(paid.reference))]
        rows += [("pay_by", say.day(paid.pay_by))] if paid.pay_by and not paid.paid_on else []
    return [[say.first(f"{kind}.{code}", code), value] for code, value in rows if value]


def _method(view: InvoiceView, say: Speaker) -> str:
    method = say(view.payment.method) if view.payment.method in WORDS else view.payment.method
    instrument = view.payment.instrument
    return say("instrument", method=method, instrument=instrument) if instrument else method


def _bank(bank: Bank | None, holder: str) -> list[tuple[str, str]]:
    if bank is None:
        return []
    return [("bank", bank.name), ("holder", holder), ("account", _in_fours(bank.account)), ("swift", bank.swift)]


def _in_fours(reference: str) -> str:
    """RF references and IBANs in groups of four, as people read them out; anything else as it is.

    >>> _in_fours("RF18539007547034"), _in_fours("007-1234-5678")
    ('RF18 5390 0754 7034', '007-1234-5678')
    """
    if not (reference.isalnum() and reference[:2].isalpha() and reference[2:4].isdigit()):
        return reference
    return " ".join(reference[start : start + 4] for start in range(0, len(reference), 4))


def _note(view: InvoiceView, say: Speaker) -> str:
    return say("pro_forma.note") if view.kind is Kind.PRO_FORMA else ""
