"""The structured invoice in every PDF: byte for byte the one that is stored, and over the amounts of its row.

Read next: ``billing/einvoice.py``, which writes it; ``proof/documents.py``, which asks here.
"""

import io
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pikepdf
from defusedxml import ElementTree

from tenure.kernel.money import EXPONENTS
from tenure.proof.book import stream
from tenure.proof.invariants import Violation

PAGES_AT_ONCE = 100
ATTACHED = "factur-x.xml"
CII = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"
MESSAGE = "{urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100}"


def structured() -> Iterator[Violation]:
    """What the page carries inside is what is handed out beside it, and it asks for what the row says."""
    rows = stream(
        """SELECT i.id, i.number, i.currency, abs(i.total_minor) AS total, f.content AS page, x.content AS xml
           FROM billing_invoicepdf d JOIN billing_invoice i ON i.id = d.invoice_id
           JOIN plumbing_storedfile f ON f.id = d.file_id JOIN plumbing_storedfile x ON x.id = d.xml_id""",
        at_once=PAGES_AT_ONCE,
    )
    for row in rows:
        xml, page = bytes(row.pop("xml")), bytes(row.pop("page"))
        name = f"invoice:{row.pop('id')}"
        try:
            if inside(page) != xml:
                yield Violation(name, row | {"fault": "another structured invoice in the page"})
            if (said := stated(xml)) != row:
                yield Violation(name, row | {"said": said})
        except (pikepdf.PdfError, ElementTree.ParseError, KeyError, AttributeError, ArithmeticError) as fault:
            yield Violation(name, row | {"fault": type(fault).__name__})


def inside(page: bytes) -> bytes:
    """The structured invoice that a PDF carries."""
    with pikepdf.open(io.BytesIO(page)) as document:
        return document.attachments[ATTACHED].get_file().read_bytes()


def stated(xml: bytes) -> dict[str, Any]:
    """Number, currency and total that a structured invoice states."""
    root = ElementTree.fromstring(xml)
    currency = root.find(f".//{CII}InvoiceCurrencyCode").text
    sums = root.find(f".//{CII}SpecifiedTradeSettlementHeaderMonetarySummation")
    parts = (sums.find(f"{CII}{name}") for name in ("TotalPrepaidAmount", "DuePayableAmount"))
    total = sum((Decimal(part.text) for part in parts if part is not None), Decimal(0))
    number = root.find(f"{MESSAGE}ExchangedDocument/{CII}ID").text
    return {"number": number, "currency": currency, "total": int(total.scaleb(EXPONENTS[currency]))}
