"""Disputed payments: what a cardholder's bank took back, until when it can be answered, and what the books say.

It must never answer a bank: that is done at the card provider. Read next: ``purchases/disputes.py``.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from tenure.billing.queries import of_orders
from tenure.billing.rules import Kind
from tenure.kernel.access import Side, declare
from tenure.payments.queries import disputes as all_disputes
from tenure.purchases.queries import orders_by_id
from tenure.web.office.lists import paged
from tenure.web.shared.pages import office

declare("disputes.view", Side.STAFF, says="See disputed payments.")


@office("disputes.view")
def disputes(request: HttpRequest) -> HttpResponse:
    """The open ones first, then the newest."""
    page = paged(request, all_disputes())
    orders = orders_by_id({row.payment.order_id for row in page.rows})
    notes = {
        invoice.order_id: invoice.number
        for invoice in of_orders(orders)
        if invoice.kind == Kind.CREDIT_NOTE and invoice.refund_id is None
    }
    given = {
        "page": page,
        "rows": [(row, orders[row.payment.order_id], _books(row, notes)) for row in page.rows],
    }
    return render(request, "office/disputes.html", given)


def _books(row: Any, notes: dict[int, str]) -> str:
    """What happened to the money in the books."""
    if row.open:
        return _("It stands on Disputed payments, taken out of card clearing.")
    if row.status == "won":
        return _("It came back to card clearing.")
    if number := notes.get(row.payment.order_id):
        return _("The sale was taken back by %(number)s.") % {"number": number}
    return _("It is lost and stands under Revenue given back.")
