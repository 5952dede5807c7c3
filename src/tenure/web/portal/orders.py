"""Orders: the list, and one page for each that is confirmation, status and instruction at once.

It shows the status that ``purchases.queries`` derives and passes on what a person asks for. It must never
believe an address that comes back from the card page: the gateway is asked. Read next: ``purchases/actions.py``.
"""

from collections.abc import Callable
from functools import wraps
from io import BytesIO
from typing import Any

import segno
from django.contrib import messages as notes
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from tenure.billing.actions import bank_of
from tenure.billing.documents import render as draw
from tenure.billing.queries import of_orders, withholding_of
from tenure.billing.rules import Kind
from tenure.kernel.access import may
from tenure.kernel.money import Money
from tenure.kernel.money import number as figure
from tenure.kernel.refusals import Invalid, NotYours, Refusal
from tenure.memberships.queries import term_of_order
from tenure.payments.queries import open_attempt
from tenure.payments.rules import AttemptStatus, Method, epc_lines, spaced
from tenure.people.queries import names
from tenure.plumbing.files import handed_in
from tenure.plumbing.queries import happened
from tenure.programme.queries import version
from tenure.programme.rules import Programme
from tenure.purchases import actions as purchases
from tenure.purchases.papers import document
from tenure.purchases.queries import OrderView, of_partner, proofs, view, views
from tenure.purchases.queries import order as order_by_number
from tenure.purchases.receiving import approval_of
from tenure.purchases.rules import OrderStatus, Origin
from tenure.purchases.transfers import may_be_withheld
from tenure.web.shared import messages
from tenure.web.shared.files import handed_out
from tenure.web.shared.forms import Reading
from tenure.web.shared.happened import entries
from tenure.web.shared.pages import can_help, owned, portal

PAGE = 25
SVG = "default-src 'none'"


def onward(order) -> str:
    """Where an order goes next: the card page while it waits there, else its own page."""
    attempt = open_attempt(order.pk)
    if attempt and attempt.status == AttemptStatus.NEEDS_ACTION and attempt.page_path.startswith("/"):
        return attempt.page_path
    return reverse("portal:order", args=[order.number])


@portal("orders.view")
def orders(request: HttpRequest) -> HttpResponse:
    """The company's orders, the newest first."""
    before = request.GET.get("before", "")
    rows = of_partner(request.partner.pk)
    if before.isascii() and before.isdigit() and len(before) < 16:
        rows = rows.filter(pk__lt=int(before))
    found = views(rows[: PAGE + 1], request.today)
    following = f"?before={found[PAGE - 1].order.pk}" if len(found) > PAGE else ""
    first = reverse("portal:orders") if before else ""
    names = {offer.code: offer.name for offer in request.programme.offers}
    given = {
        "rows": [(v, names.get(v.order.offer, v.order.offer)) for v in found[:PAGE]],
        "next": following,
        "previous": first,
        "may_invoice": may(request.actor, "billing.view", request.partner.pk),
        "may_buy": may(request.actor, "offers.view", request.partner.pk),
    }
    return render(request, "portal/orders.html", given)


def one(permission: str) -> Callable:
    """A page about one order of the person's own company."""

    def showing(seen: Callable) -> Callable:
        @portal(permission)
        @wraps(seen)
        def shown(request: HttpRequest, number: str) -> HttpResponse:
            return seen(request, owned(request, order_by_number(number), permission))

        return shown

    return showing


@one("orders.view")
@require_GET
def order(request: HttpRequest, row) -> HttpResponse:
    """What an order is today and what to do about it: a permanent address that prints well."""
    shown = view(row, request.today)
    programme = version(row.programme.n)
    waiting = _waiting(request, row)
    invoiced = may(request.actor, "billing.view", row.partner_id)
    term = term_of_order(row.pk)
    given = {
        "order": row,
        "view": shown,
        "waiting": waiting,
        "status": "waits_for_approval" if waiting else shown.status,
        "offer": programme.offer(row.offer),
        "term": term,
        "documents": of_orders([row.pk]) if invoiced else [],
        "proofs": proofs(row) if row.method == Method.BANK_TRANSFER else [],
        "bank": _bank(row, programme),
        "reference": spaced(row.reference),
        "quoted": spaced(row.reference).replace(" ", "\N{NO-BREAK SPACE}"),
        "tax": programme.tax_of(row.bill_to["country"]),
        "rate": f"{row.tax_rate_bp / 100:g}%",
        "exempt": row.tax_category == "E",
        "declined": messages.say("payments.declined", {"reason": shown.decline}) if shown.decline else "",
        "timeline": entries(list(happened(f"order:{row.pk}"))),
        "may": {
            name: may(request.actor, permission, row.partner_id)
            for name, permission in (
                ("pay", "purchases.pay_again"),
                ("cancel", "purchases.cancel_order"),
                ("change", "purchases.change_method"),
                ("prove", "purchases.upload_proof"),
                ("withhold", "purchases.send_withholding"),
                ("buy", "purchases.draft"),
                ("subscription", "memberships.view"),
            )
        },
        "other": other_method(shown),
        "withholding": withholding_of(row.pk),
        "may_withhold": row.open and row.method == Method.BANK_TRANSFER and bool(may_be_withheld(row)),
        "helpers": can_help(request, "purchases.pay_again") if row.open else None,
        "nav": "portal:orders",
    }
    return render(request, "portal/order.html", given)


def _waiting(request: HttpRequest, row) -> dict[str, Any] | None:
    """An approval that is asked for and not given; whoever asked doesn't give it."""
    asked = approval_of(row.pk)
    if asked is None or asked.approved or not row.open:
        return None
    own = asked.asked_by == request.actor.behind
    allowed = may(request.actor, "purchases.approve_order", row.partner_id)
    by = names({asked.asked_by}).get(asked.asked_by, "")
    return {"by": by, "may": allowed and not own, "helpers": can_help(request, "purchases.approve_order")}


def other_method(shown: OrderView) -> str:
    """The other way an order can be paid today; empty when there is none, or money is on its way."""
    order = shown.order
    if shown.status not in (OrderStatus.AWAITING_PAYMENT, OrderStatus.UNFINISHED) or order.origin != Origin.PERSON:
        return ""
    programme = version(order.programme.n)
    other = Method.CARD if order.method == Method.BANK_TRANSFER else Method.BANK_TRANSFER
    if other not in programme.offer(order.offer).methods:
        return ""
    if other is Method.BANK_TRANSFER and bank_of(programme, order.currency, order.language) is None:
        return ""
    return str(other)


def _bank(row, programme: Programme) -> dict[str, Any] | None:
    """The programme's account in the order's currency, as it stood when the order was placed."""
    bank = bank_of(programme, row.currency, row.language)
    if row.method != Method.BANK_TRANSFER or bank is None:
        return None
    return {
        "name": programme.seller.bank_name,
        "holder": programme.seller.name,
        "account": bank.account,
        "swift": bank.swift,
    }


def said_no(request: HttpRequest, row, refusal: Refusal) -> HttpResponse:
    """A refusal in words on the order's own page, where what can be done stands as well."""
    if isinstance(refusal, NotYours) or refusal.code == "access.forbidden":
        raise refusal
    notes.warning(request, messages.say(refusal.code, refusal.facts), extra_tags="warn")
    return redirect("portal:order", row.number)


@one("orders.view")
@require_GET
def order_return(request: HttpRequest, row) -> HttpResponse:
    """The browser is back from the card page. What its address says is not read; the gateway is asked."""
    if attempt := open_attempt(row.pk):
        purchases.resolve(attempt, cause="return", now=request.now)
    return redirect("portal:order", row.number)


@one("purchases.pay_again")
@require_POST
def order_pay(request: HttpRequest, row) -> HttpResponse:
    """On to the card page, the same one or a new one after a decline."""
    try:
        return redirect(onward(purchases.pay_again(request.actor, row, now=request.now)))
    except Refusal as refusal:
        return said_no(request, row, refusal)


@one("purchases.cancel_order")
@require_POST
def order_cancel(request: HttpRequest, row) -> HttpResponse:
    """Cancel an order that nothing has been paid for."""
    try:
        purchases.cancel_order(request.actor, row, now=request.now)
    except Refusal as refusal:
        return said_no(request, row, refusal)
    return redirect("portal:order", row.number)


@one("purchases.upload_proof")
def order_proof(request: HttpRequest, row) -> HttpResponse:
    """Show that a transfer was made: a file and what stands on it."""
    programme = version(row.programme.n)
    bank = _bank(row, programme)
    if bank is None:
        raise NotYours("proof")
    fields = {"paid_on": "", "account": bank["account"], "reference": row.reference}
    errors, status = {}, 200
    if request.method == "POST":
        fields = {name: request.POST.get(name, "") for name in fields}
        try:
            _prove(request, row)
        except Invalid as invalid:
            errors, status = messages.field_errors(invalid), 422
        else:
            return redirect("portal:order", row.number)
    given = {
        "order": row,
        "fields": fields,
        "errors": errors,
        "nav": "portal:orders",
        "reference": spaced(row.reference),
    }
    return render(request, "portal/order_proof.html", given, status=status)


def _prove(request: HttpRequest, row) -> None:
    reading = Reading(request.POST, request.FILES)
    upload = reading.file("file")
    paid_on = reading.day("paid_on", not_after=request.today)
    account = reading.text("account", limit=60, missing="proof.account_missing")
    reference = reading.text("reference", limit=120, missing="proof.reference_missing")
    reading.check()
    file = handed_in(upload.name, upload.kind, upload.content)
    purchases.upload_proof(
        request.actor, row, file=file, paid_on=paid_on, account=account, reference=reference, now=request.now
    )


@one("orders.view")
@require_GET
def order_document(request: HttpRequest, row) -> HttpResponse:
    """The pro-forma invoice of a transfer: for the person who pays, without a fiscal number."""
    if row.method != Method.BANK_TRANSFER:
        raise NotYours("document")
    pdf = draw(document(version(row.programme.n), row, None, None, Kind.PRO_FORMA, "", row.placed_on))
    return handed_out(pdf, "application/pdf", f"pro-forma-{row.number}.pdf")


@one("orders.view")
@require_GET
def order_qr(request: HttpRequest, row) -> HttpResponse:
    """The transfer's data as a picture for a banking app: EPC for euro, else plain lines."""
    programme = version(row.programme.n)
    bank = _bank(row, programme)
    if bank is None:
        raise NotYours("picture")
    drawn = BytesIO()
    owed = view(row, request.today).missing or row.total
    _code(row, bank, owed).save(drawn, kind="svg", scale=4, border=3, light="#ffffff", xmldecl=False, svgns=True)
    return HttpResponse(drawn.getvalue(), content_type="image/svg+xml", headers={"Content-Security-Policy": SVG})


def _code(row, bank: dict[str, Any], owed: Money) -> segno.QRCode:
    account = bank["account"].replace(" ", "")
    if row.currency == "EUR":
        told = epc_lines(bank["holder"].en, bank["swift"], account, owed, row.reference)
        return segno.make("\n".join(told), error="m", micro=False)
    lines = [bank["holder"].say(row.language), bank["name"].say(row.language), account]
    lines += [f"{row.currency} {figure(owed)}", row.reference]
    return segno.make("\n".join(lines), error="m", micro=False)
