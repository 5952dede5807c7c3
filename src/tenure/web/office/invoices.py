"""Invoices and credit notes: found by number or partner, handed out as the PDF that was made once.

It must never issue or render one. Read next: ``billing/queries.py``.
"""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from tenure.billing.queries import get, search
from tenure.web.office.files import download
from tenure.web.office.lists import paged, searched
from tenure.web.shared.pages import found, office


@office("billing.view")
def invoices(request: HttpRequest) -> HttpResponse:
    """All documents, the newest first."""
    q = searched(request)
    rows = search(q)
    return render(request, "office/invoices.html", {"page": paged(request, rows), "q": q})


@office("billing.view")
def invoice_pdf(request: HttpRequest, number: str) -> HttpResponse:
    """The stored PDF of one document."""
    row = found(get(number))
    return download(row.pdf.file) if hasattr(row, "pdf") else _not_yet(request, number)


@office("billing.view")
def invoice_xml(request: HttpRequest, number: str) -> HttpResponse:
    """The structured invoice inside it; documents from before there was one have none."""
    row = found(get(number))
    return download(found(row.pdf.xml)) if hasattr(row, "pdf") else _not_yet(request, number)


def _not_yet(request: HttpRequest, number: str) -> HttpResponse:
    messages.warning(
        request, _("The PDF of %(number)s is still being made. Try again in a minute.") % {"number": number}
    )
    return redirect("office:invoices")
