"""Paying an open order another way: from a transfer to a card, or from a card page left open to a transfer.

It must never end an order to begin another: the number, the price and the hold on a renewal stay. Read next:
``purchases/transfers.py`` (``change_method``).
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from tenure.kernel.refusals import Invalid, Refusal
from tenure.payments.rules import Method
from tenure.purchases import actions as purchases
from tenure.purchases.rules import Contact
from tenure.purchases.transfers import change_method
from tenure.web.portal.checkout import read_contact
from tenure.web.portal.orders import one, onward, said_no
from tenure.web.shared.forms import Reading
from tenure.web.shared.messages import field_errors


@one("purchases.change_method")
def order_method(request: HttpRequest, row) -> HttpResponse:
    """To a card at once, and on to its page; to a transfer with whom to reach about it."""
    if row.method == Method.BANK_TRANSFER:
        if request.method != "POST":
            return redirect("portal:order", row.number)
        return _to_card(request, row)
    partner = row.partner
    fields = {"name": partner.contact_name, "phone": partner.contact_phone, "email": partner.contact_email}
    errors, status = {}, 200
    if request.method == "POST":
        fields = {name: request.POST.get(name, "") for name in fields}
        try:
            return _to_transfer(request, row, read_contact(Reading(request.POST)))
        except Invalid as invalid:
            errors, status = field_errors(invalid), 422
    given = {"order": row, "fields": fields, "errors": errors, "nav": "portal:orders"}
    return render(request, "portal/order_method.html", given, status=status)


def _to_card(request: HttpRequest, row) -> HttpResponse:
    try:
        order = change_method(request.actor, row, method=Method.CARD, now=request.now)
        return redirect(onward(purchases.pay_again(request.actor, order, now=request.now)))
    except Refusal as refusal:
        return said_no(request, row, refusal)


def _to_transfer(request: HttpRequest, row, contact: Contact) -> HttpResponse:
    try:
        change_method(request.actor, row, method=Method.BANK_TRANSFER, contact=contact, now=request.now)
    except Invalid:
        raise
    except Refusal as refusal:
        return said_no(request, row, refusal)
    return redirect("portal:order", row.number)
