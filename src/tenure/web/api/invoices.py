"""Invoices and credit notes: the same number gives the same bytes for ever, and their hash as the ``ETag``.

Read next: ``billing/queries.py``.
"""

from datetime import date
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from ninja import Query
from pydantic import Field

from tenure.billing import actions as billing
from tenure.billing import queries as documents
from tenure.web.api.listing import Page, newest_first, paged
from tenure.web.api.operations import operation
from tenure.web.api.shapes import Amount, Day, Language, Shape, amount, day
from tenure.web.shared.files import download
from tenure.web.shared.pages import found, owned


class InvoiceShown(Shape):
    """A document as it was issued."""

    number: Annotated[str, Field(examples=["INV-2019-000001"])]
    kind: Literal["invoice", "credit_note"]
    issued_on: date
    net: Amount
    tax: Amount
    total: Amount
    language: Language
    amends: Annotated[str | None, Field(description="The invoice that a credit note takes back.")]


class Invoices(Shape):
    items: list[InvoiceShown]
    next: str | None


class InvoicesWanted(Page):
    kind: Literal["invoice", "credit_note"] | None = None
    issued_from: Day | None = None
    issued_to: Day | None = None


@operation("GET", "/invoices", id="listInvoices", permission="billing.view", answers=Invoices)
def invoices(request: HttpRequest, page: Query[InvoicesWanted]) -> dict:
    """List the company's invoices and credit notes, the newest first."""
    rows = documents.of_partner(request.bearer.partner_id)
    given = {"kind": page.kind, "issued_on__gte": page.issued_from, "issued_on__lte": page.issued_to}
    rows = rows.filter(**{name: value for name, value in given.items() if value is not None})
    return paged(page, "invoices", newest_first(page, "invoices", rows), shown, lambda row: row.pk)


@operation(
    "GET",
    "/invoices/{number}.pdf",
    id="getInvoicePdf",
    permission="billing.view",
    answers=None,
    media="application/pdf",
)
def invoice_pdf(request: HttpRequest, number: str) -> HttpResponse:
    """Download a document."""
    row = owned(request, documents.get(number), "billing.view")
    return _kept(request, billing.store_document(row, request.now).file)


@operation(
    "GET",
    "/invoices/{number}.xml",
    id="getInvoiceXml",
    permission="billing.view",
    answers=None,
    media="application/xml",
)
def invoice_xml(request: HttpRequest, number: str) -> HttpResponse:
    """Download the structured invoice inside a document, for software that reads invoices."""
    row = owned(request, documents.get(number), "billing.view")
    return _kept(request, found(billing.store_document(row, request.now).xml))


@operation("GET", "/invoices/{number}", id="getInvoice", permission="billing.view", answers=InvoiceShown)
def invoice(request: HttpRequest, number: str) -> dict:
    """Show an invoice or a credit note."""
    return shown(owned(request, documents.get(number), "billing.view"))


def shown(row: Any) -> dict[str, Any]:
    return {
        "number": row.number,
        "kind": row.kind,
        "issued_on": day(row.issued_on),
        "net": amount(row.money(row.net_minor)),
        "tax": amount(row.money(row.tax_minor)),
        "total": amount(row.money(row.total_minor)),
        "language": row.language,
        "amends": row.amends.number if row.amends else None,
    }


def _kept(request: HttpRequest, file: Any) -> HttpResponse:
    tag = f'"{file.sha256}"'
    if tag in request.headers.get("If-None-Match", ""):
        return HttpResponseNotModified(headers={"ETag": tag})
    answer = download(file)
    answer["ETag"] = tag
    return answer
