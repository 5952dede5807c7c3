"""Dividing one transfer between several orders, at the desk.

It decides nothing: a person says which order gets how much, ``purchases`` refuses what cannot be. Read next:
``purchases/splitting.py``.
"""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from tenure.kernel.money import Money
from tenure.kernel.refusals import Invalid, Refusal
from tenure.partners.queries import by_number
from tenure.payments.queries import line as line_by_id
from tenure.purchases import splitting as purchases
from tenure.purchases.queries import order as order_by_number
from tenure.web.office.rights import rights
from tenure.web.shared.forms import Reading
from tenure.web.shared.messages import field_errors, words_of
from tenure.web.shared.pages import found, office

ROWS = range(1, 9)


@office("payments.view")
def split(request: HttpRequest, id: int) -> HttpResponse:
    """The parts of one transfer: an order and an amount to each, and for whom the rest is held."""
    line = found(line_by_id(id))
    left = Money(0 if line.ignored_at else line.amount_minor - line.allocated, line.currency)
    errors, status = {}, 200
    if request.method == "POST":
        try:
            return _divided(request, line, left)
        except Invalid as invalid:
            errors, status = field_errors(invalid), 400
        except Refusal as refusal:
            errors, status = {"form": words_of(refusal)}, 409
    if not left and not errors:
        return redirect("office:transfer", line.pk)
    given = {
        "line": line,
        "left": left,
        "rows": [_row(request, errors, n) for n in ROWS],
        "partner": request.POST.get("partner", ""),
        "errors": errors,
        "rights": rights(request, split="purchases.split_transfer"),
        "nav": "office:transfers",
    }
    return render(request, "office/split.html", given, status=status)


def _row(request: HttpRequest, errors: dict[str, str], n: int) -> dict[str, Any]:
    fields = {}
    for name in ("number", "amount"):
        key = f"{name}-{n}"
        fields[name] = {"name": key, "value": request.POST.get(key, ""), "error": errors.get(key, "")}
    return {"n": n, **fields}


def _divided(request: HttpRequest, line: Any, left: Money) -> HttpResponse:
    reading, parts, places = Reading(request.POST), [], []
    for n in ROWS:
        number = reading.text(f"number-{n}", limit=20, required=False).upper()
        written = request.POST.get(f"amount-{n}", "").strip()
        if not number and not written:
            continue
        amount = reading.money(f"amount-{n}", line.currency)
        order = order_by_number(number) if number else None
        if order is None:
            reading.refuse(f"number-{n}", "split.order_unknown" if number else "text.missing")
        if order is not None and amount is not None:
            parts.append((order, amount))
            places.append(n)
    number = reading.text("partner", limit=20, required=False)
    partner = by_number(number) if number else None
    if number and partner is None:
        reading.refuse("partner", "split.partner_unknown")
    reading.check()
    try:
        purchases.split_transfer(request.actor, line, parts=parts, hold_for=partner, now=request.now)
    except Invalid as invalid:
        raise _in_place(invalid, places) from None
    messages.success(request, _("The transfer is divided."))
    return redirect("office:transfer", line.pk)


def _in_place(invalid: Invalid, places: list[int]) -> Invalid:
    """The same faults, at the rows of the form in which the parts stood."""

    def moved(told: dict[str, Any]) -> dict[str, Any]:
        found = {}
        for key, value in told.items():
            name, n = key.split("-")
            found[f"{name}-{places[int(n) - 1]}"] = value
        return found

    return Invalid(moved(invalid.fields), by_field=moved(invalid.facts.get("by_field", {})))
