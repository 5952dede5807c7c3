"""Withheld tax: a company's certificates, and the form that sends one in for an order.

It shows what is missing to the cent and passes on what a person sends; it must never decide whether a certificate is
good. Read next: ``purchases/withholding.py``.
"""

from typing import Any

from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from tenure.billing import queries as billing
from tenure.billing.rules import WithholdingStatus, difference
from tenure.kernel.access import may
from tenure.kernel.money import Money
from tenure.kernel.money import number as figure
from tenure.kernel.refusals import Invalid, Refusal
from tenure.payments.rules import Method
from tenure.plumbing.files import handed_in
from tenure.purchases.queries import awaiting_transfers, orders_by_id
from tenure.purchases.transfers import may_be_withheld
from tenure.purchases.withholding import WORDS_LIMIT, send_withholding
from tenure.web.portal.orders import one, said_no
from tenure.web.shared.files import download
from tenure.web.shared.forms import MEGABYTE, Field, Reading
from tenure.web.shared.messages import field_errors
from tenure.web.shared.once import key_of, read_key
from tenure.web.shared.pages import found, owned, portal

SENT = (WithholdingStatus.SUBMITTED, WithholdingStatus.ACCEPTED)


def offered_for(order: Any) -> bool:
    """Whether a certificate can be sent in for an order today, as far as the order goes."""
    return order.open and order.method == Method.BANK_TRANSFER and bool(may_be_withheld(order))


@portal("billing.view")
def withholdings(request: HttpRequest) -> HttpResponse:
    """Every certificate the company has sent in, and the orders that one can be sent in for."""
    rows = list(billing.withholdings(request.partner.pk))
    orders = orders_by_id({row.order_id for row in rows} | {row.counts_for_id for row in rows if row.counts_for_id})
    live = {row.order_id for row in rows if row.status != WithholdingStatus.REFUSED}
    waiting = awaiting_transfers().filter(partner_id=request.partner.pk)
    given = {
        "rows": [(row, orders[row.order_id], orders.get(row.counts_for_id)) for row in rows],
        "open_orders": [order for order in waiting if order.pk not in live and may_be_withheld(order)],
        "may_send": may(request.actor, "purchases.send_withholding", request.partner.pk),
        "may_see": may(request.actor, "orders.view", request.partner.pk),
        "allowed": request.partner.country in request.programme.withholding,
        "nav": "portal:invoices",
    }
    return render(request, "portal/withholdings.html", given)


@portal("billing.view")
def withholding_file(request: HttpRequest, id: int) -> HttpResponse:
    """The certificate as it was sent in."""
    return download(found(owned(request, billing.withholding(id), "billing.view")).file)


@one("purchases.send_withholding")
def order_withholding(request: HttpRequest, row: Any) -> HttpResponse:
    """Send in the certificate of an order, or see how the one that was sent stands."""
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            _send(request, row)
        except Invalid as invalid:
            errors = field_errors(invalid)
        except Refusal as refusal:
            return said_no(request, row, refusal)
        else:
            words = _("The certificate is sent. We'll mail you when it is decided.")
            flash.success(request, words, extra_tags="ok")
            return redirect("portal:order_withholding", row.number)
    standing = billing.withholding_of(row.pk)
    given = {
        "order": row,
        "claim": standing,
        "form": offered_for(row) and (standing is None or standing.status not in SENT),
        "most": may_be_withheld(row),
        "missing": difference(row.total, billing.come_in(row.pk, row.currency), Money(0, row.currency)),
        "fields": _fields(request, row, standing, errors),
        "key": key_of(request),
        "errors": errors,
        "nav": "portal:orders",
    }
    return render(request, "portal/order_withholding.html", given, status=422 if errors else 200)


def _send(request: HttpRequest, row: Any) -> None:
    standing = billing.withholding_of(row.pk)
    again = standing is not None and standing.status == WithholdingStatus.PENDING_PARTNER
    reading = Reading(request.POST, request.FILES)
    amount = reading.money("amount", row.currency)
    year = reading.number("tax_year")
    certificate = reading.text("certificate", limit=80, missing="withholding.certificate_missing")
    upload = reading.file("file", limit=MEGABYTE, required=not again)
    note = reading.text("note", limit=WORDS_LIMIT, required=False)
    key = read_key(request, reading)
    reading.check()
    send_withholding(
        request.actor,
        row,
        key=key,
        amount=amount,
        tax_year=year,
        certificate=certificate,
        file=handed_in(upload.name, upload.kind, upload.content) if upload else None,
        note=note,
        now=request.now,
    )


def _fields(request: HttpRequest, row: Any, standing: Any, errors: dict[str, str]) -> list[Field]:
    again = standing is not None and standing.status == WithholdingStatus.PENDING_PARTNER
    before = {"tax_year": str(row.placed_on.year)}
    if again:
        before = {name: str(getattr(standing, name)) for name in ("tax_year", "certificate", "note")}
        before["amount"] = figure(standing.amount)
    value = {**before, **request.POST.dict()}

    def field(name: str, label: str, **more: Any) -> Field:
        return Field(name, label, value.get(name, ""), errors.get(name, ""), **more)

    kept = _("PDF, JPEG, PNG or GIF, at most 1 MB. Leave it empty to keep the one you sent.")
    return [
        field("amount", _("Amount withheld, in %(currency)s") % {"currency": row.currency}, inputmode="decimal"),
        field("tax_year", _("Tax year"), inputmode="numeric", short=True),
        field("certificate", _("Certificate number"), maxlength=80),
        field(
            "file",
            _("Certificate"),
            type="file",
            optional=again,
            hint=kept if again else _("PDF, JPEG, PNG or GIF, at most 1 MB."),
        ),
        field("note", _("Note to our finance team"), type="textarea", rows=3, optional=True, maxlength=WORDS_LIMIT),
    ]
