"""Invoices and credit notes: found by number or partner, handed out as the PDF that was made once.

It must never issue or render one. Read next: ``billing/queries.py``.
"""

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
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
    try:
        return download(row.pdf.file)
    except ObjectDoesNotExist:
        messages.warning(
            request, _("The PDF of %(number)s is still being made. Try again in a minute.") % {"number": number}
        )
        return redirect("office:invoices")
