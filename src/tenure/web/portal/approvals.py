"""Orders that wait for an approver of the company: the yes, the no, and from which amount on they wait.

It decides nothing; ``purchases/approvals.py`` does. Read next: that file.
"""

from typing import Any

from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tenure.kernel.money import Money, number
from tenure.kernel.refusals import Invalid, Refusal
from tenure.purchases import approvals
from tenure.web.portal.orders import one, said_no
from tenure.web.shared.forms import Field, Reading
from tenure.web.shared.messages import field_errors
from tenure.web.shared.pages import portal

REASON_LIMIT = 300


@one("purchases.approve_order")
@require_POST
def order_approve(request: HttpRequest, row: Any) -> HttpResponse:
    """Approve an order a colleague has asked for."""
    try:
        approvals.approve_order(request.actor, row, now=request.now)
    except Refusal as refusal:
        return said_no(request, row, refusal)
    flash.success(request, _("The order is approved and can be paid."), extra_tags="ok")
    return redirect("portal:order", row.number)


@one("purchases.refuse_order")
@require_POST
def order_refuse(request: HttpRequest, row: Any) -> HttpResponse:
    """Refuse an order a colleague has asked for."""
    try:
        reading = Reading(request.POST)
        reason = reading.text("reason", limit=REASON_LIMIT, required=False)
        reading.check()
        approvals.refuse_order(request.actor, row, reason=reason, now=request.now)
    except Refusal as refusal:
        return said_no(request, row, refusal)
    return redirect("portal:order", row.number)


@portal("purchases.set_approval_limit")
def approval_limit(request: HttpRequest) -> HttpResponse:
    """From which amount on the company's orders wait for one of its approvers."""
    partner = request.partner
    currency = request.programme.currency_of(partner.country)
    errors: dict[str, str] = {}
    if request.method == "POST":
        reading = Reading(request.POST)
        try:
            above = reading.money("above", currency, required=False)
            reading.check()
            approvals.set_approval_limit(request.actor, partner, above=above, now=request.now)
        except Invalid as invalid:
            errors = field_errors(invalid)
        else:
            flash.success(request, _("Saved. It holds for orders from now on."), extra_tags="ok")
            return redirect("portal:company")
    fields = [
        Field(
            "above",
            _("Orders above this amount wait (%(currency)s, tax included)") % {"currency": currency},
            request.POST.get("above", _as_typed(partner)),
            errors.get("above", ""),
            hint=_("Empty: no order waits. Approvers never wait themselves."),
            inputmode="decimal",
            short=True,
            optional=True,
        )
    ]
    given = {"fields": fields, "errors": errors, "nav": "portal:company"}
    return render(request, "portal/approval_limit.html", given, status=400 if errors else 200)


def limit_of(partner: Any) -> Money | None:
    """The amount above which a company's orders wait; none when they don't."""
    minor = partner.approval_above_minor
    return None if minor is None else Money(minor, partner.approval_currency)


def _as_typed(partner: Any) -> str:
    limit = limit_of(partner)
    return "" if limit is None else number(limit)
