"""Invoices and credit notes: all that were ever issued to the company, each as the bytes that were stored.

A document never changes: the same number gives the same bytes and the same ``ETag``, which is their hash.
"""

from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import render

from tenure.billing import actions as billing
from tenure.billing import queries as documents
from tenure.web.shared.files import download
from tenure.web.shared.pages import found, owned, portal


@portal("billing.view")
def invoices(request: HttpRequest) -> HttpResponse:
    """All documents, the newest first, by the year they were issued in."""
    rows = documents.listed(request.partner.pk)
    years = [(year, list(group)) for year, group in groupby(rows, key=lambda row: row.invoice.issued_on.year)]
    withholds = request.partner.country in request.programme.withholding
    withholds = withholds or documents.withholdings(request.partner.pk).exists()
    return render(request, "portal/invoices.html", {"years": years, "withholds": withholds})


@portal("billing.view")
def invoice_pdf(request: HttpRequest, number: str) -> HttpResponse:
    """The stored document to keep."""
    invoice = owned(request, documents.get(number), "billing.view")
    return _kept(request, billing.store_document(invoice, request.now).file)


@portal("billing.view")
def invoice_xml(request: HttpRequest, number: str) -> HttpResponse:
    """The structured invoice inside the document, for software that reads invoices."""
    invoice = owned(request, documents.get(number), "billing.view")
    return _kept(request, found(billing.store_document(invoice, request.now).xml))


def _kept(request: HttpRequest, file: Any) -> HttpResponse:
    tag = f'"{file.sha256}"'
    if request.headers.get("If-None-Match") == tag:
        return HttpResponseNotModified(headers={"ETag": tag})
    answer = download(file)
    answer["ETag"] = tag
    return answer
