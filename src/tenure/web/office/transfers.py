"""Transfers: what has arrived and belongs to nobody yet, the orders that wait for one, and matching by hand.

It must never match by itself: it shows what speaks for an order, a person decides, ``purchases`` acts. Read
next: ``purchases/transfers.py``.
"""

import re
import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from tenure.kernel.money import EXPONENTS, Money
from tenure.kernel.refusals import Invalid, Refusal
from tenure.partners.queries import by_number
from tenure.payments.matching import Rule
from tenure.payments.queries import given_away, unmatched
from tenure.payments.queries import line as line_by_id
from tenure.people.queries import names
from tenure.purchases import transfers as purchases
from tenure.purchases.queries import (
    awaiting_transfers,
    candidates,
    order_by_id,
    proofs_waiting,
    views,
)
from tenure.purchases.queries import order as order_by_number
from tenure.purchases.queries import proof as proof_by_id
from tenure.web.office.files import download
from tenure.web.office.lists import paged
from tenure.web.office.rights import rights
from tenure.web.office.transfer_words import reasons_in_words
from tenure.web.shared.forms import Reading
from tenure.web.shared.messages import field_errors, words_of
from tenure.web.shared.pages import found, office

AWAITING = 100
KEY = re.compile(r"[0-9a-f-]{32,36}")


@office("payments.view")
def transfers(request: HttpRequest) -> HttpResponse:
    """Unmatched lines, proofs and awaiting orders, the oldest first; and the form that records a line."""
    errors, status, key = {}, 200, ""
    if request.method == "POST":
        key = request.POST.get("line_key", "")
        try:
            line = _record(request)
        except Invalid as invalid:
            errors, status = field_errors(invalid), 400
        except Refusal as refusal:
            if refusal.code != "idempotency.other_body":
                raise
            # An old form was filled in anew: the transfer on the screen has not been recorded, so say so.
            key, status = "", 409
            errors = {
                "form": _("This form has recorded another transfer already. Check the list, then record this one.")
            }
        else:
            return _recorded(request, line)
    awaiting = awaiting_transfers()
    given = {
        "page": paged(request, unmatched()),
        "proofs": list(proofs_waiting()[:AWAITING]),
        "awaiting": views(awaiting[:AWAITING], request.today),
        "accounts": _accounts(request),
        "currencies": sorted({*request.programme.seller.bank_accounts} & EXPONENTS.keys()),
        "line_key": key if KEY.fullmatch(key) else str(uuid.uuid4()),
        "values": request.POST if errors else {"value_on": request.today.isoformat()},
        "errors": errors,
        "rights": rights(request, record="purchases.record_transfer"),
    }
    return render(request, "office/transfers.html", given, status=status)


def _accounts(request: HttpRequest) -> list[tuple[str, str]]:
    return [
        (account, f"{currency} · {account}") for currency, account in request.programme.seller.bank_accounts.items()
    ]


def _record(request: HttpRequest) -> Any:
    """The line of the form, recorded once under the form's own key."""
    reading = Reading(request.POST)
    account = reading.choice("account", [account for account, _words in _accounts(request)])
    value_on = reading.day("value_on", not_after=request.today)
    currency = reading.choice("currency", list(EXPONENTS))
    amount = reading.money("amount", currency) if currency else None
    reference = reading.text("reference", limit=300, required=False)
    payer = reading.text("payer", limit=200, required=False)
    if not KEY.fullmatch(request.POST.get("line_key", "")):
        reading.refuse("line_key", "choice.unknown")
    reading.check()
    return purchases.record_transfer(
        request.actor,
        None,
        line_key=request.POST["line_key"],
        account=account,
        value_on=value_on,
        amount=amount,
        reference=reference,
        payer=payer,
        now=request.now,
    )


def _recorded(request: HttpRequest, line: Any) -> HttpResponse:
    """After recording: back to the list when everything found its place, else to the line itself."""
    given = given_away(line)
    if sum(row.amount_minor for row in given) < line.amount_minor:
        messages.info(request, _("The transfer is recorded. No order matches it by itself: choose one."))
        return redirect("office:transfer", line.pk)
    order = next((order_by_id(row.order_id) for row in given if row.order_id), None)
    words = (
        _("The transfer is recorded and matched to order %(number)s.")
        if order
        else _("The transfer is recorded and held.")
    )
    messages.success(request, words % {"number": order.number if order else ""})
    return redirect("office:transfers")


@office("payments.view")
def transfer(request: HttpRequest, id: int) -> HttpResponse:
    """One line: where its money went, and the orders it may be for."""
    return _line(request, found(line_by_id(id)))


def _line(request: HttpRequest, line: Any, *, errors: dict[str, str] | None = None, status: int = 200) -> HttpResponse:
    left = Money(0 if line.ignored_at else line.amount_minor - line.allocated, line.currency)
    given = given_away(line)
    numbers = {row.order_id: order_by_id(row.order_id).number for row in given if row.order_id}
    people = names({line.recorded_by, *(row.by for row in given)})
    context = {
        "line": line,
        "left": left,
        "given": [
            (row, Money(row.amount_minor, row.currency), numbers.get(row.order_id, ""), people.get(row.by, ""))
            for row in given
        ],
        "candidates": [(c, Money(abs(c.gap.minor), c.gap.currency)) for c in candidates(line, left)] if left else [],
        "recorded_by": people.get(line.recorded_by, ""),
        "reasons": reasons_in_words(line.reasons if line.rule != Rule.HAND else ()),
        "rights": rights(
            request,
            match="purchases.match_transfer",
            hold="purchases.hold_transfer",
            ignore="purchases.ignore_transfer",
        ),
        "errors": errors,
        "values": request.POST if errors else {},
        "nav": "office:transfers",
    }
    return render(request, "office/transfer.html", context, status=status)


@office("payments.view")
def match(request: HttpRequest, id: int) -> HttpResponse:
    """Give the line to an order, chosen from the list or typed."""
    line = found(line_by_id(id))
    if request.method != "POST":
        return redirect("office:transfer", line.pk)
    order = order_by_number(request.POST.get("number", "").strip().upper())
    if order is None:
        return _line(request, line, errors={"number": _("There is no order with this number.")}, status=400)
    try:
        purchases.match_transfer(request.actor, line, order=order, now=request.now)
    except Refusal as refusal:
        return _faulty(request, id, refusal)
    messages.success(request, _("The transfer is given to order %(number)s.") % {"number": order.number})
    if line.file_id and request.POST.get("file") == str(line.file_id):
        return redirect("office:statement", line.file_id)
    return redirect("office:transfer", line.pk)


@office("payments.view")
def hold(request: HttpRequest, id: int) -> HttpResponse:
    """Keep the line for a partner until an order needs it."""
    line = found(line_by_id(id))
    if request.method != "POST":
        return redirect("office:transfer", line.pk)
    partner = by_number(request.POST.get("partner", ""))
    if partner is None:
        return _line(request, line, errors={"partner": _("There is no partner with this ID.")}, status=400)
    try:
        purchases.hold_transfer(request.actor, line, partner=partner, now=request.now)
    except Refusal as refusal:
        return _faulty(request, id, refusal)
    messages.success(request, _("The money is held for %(partner)s and pays the next order.") % {"partner": partner})
    return redirect("office:transfer", line.pk)


@office("payments.view")
def ignore(request: HttpRequest, id: int) -> HttpResponse:
    """Set a line aside that is for no order, with the reason."""
    line = found(line_by_id(id))
    if request.method != "POST":
        return redirect("office:transfer", line.pk)
    try:
        reading = Reading(request.POST)
        reason = reading.text("reason", limit=200)
        reading.check()
        purchases.ignore_transfer(request.actor, line, reason=reason, now=request.now)
    except Invalid as invalid:
        return _line(request, line, errors=field_errors(invalid), status=400)
    except Refusal as refusal:
        return _faulty(request, id, refusal)
    messages.success(request, _("The transfer is set aside."))
    return redirect("office:transfer", line.pk)


def _faulty(request: HttpRequest, id: int, refusal: Refusal) -> HttpResponse:
    """Somebody was faster, or it cannot be: the line as it stands now, with the words on top."""
    words = {"form": words_of(refusal)}
    return _line(request, found(line_by_id(id)), errors=words, status=409)


@office("payments.view")
def proof(request: HttpRequest, id: int) -> HttpResponse:
    """A proof of payment as it was uploaded."""
    return download(found(proof_by_id(id)).file)
