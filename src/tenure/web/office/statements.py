"""Bank files at the desk: handing one in, what became of its lines, and which column of a CSV says what.

It decides nothing about a line: ``payments/matching.py`` said whom it is for, a person accepts or chooses. Read
next: ``web/office/transfers.py``, where one line is settled.
"""

from dataclasses import fields
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as word

from tenure.kernel.refusals import Invalid, Refusal
from tenure.payments.queries import doubtful_lines, mapping_of, statement_files
from tenure.payments.statements.base import MAX_BYTES
from tenure.payments.statements.delimited import DATE_FORMATS, ENCODINGS, ROC, Mapping
from tenure.people.queries import names
from tenure.purchases import importing
from tenure.purchases.queries import orders_by_id
from tenure.web.office.lists import paged
from tenure.web.office.rights import rights
from tenure.web.office.transfer_words import reasons_in_words
from tenure.web.shared.forms import Field, Reading, file_name
from tenure.web.shared.messages import field_errors, say, words_of
from tenure.web.shared.pages import found, office

AT_ONCE = 100
"""Lines given to their orders while the person waits; the worker gives the others within a minute."""
LABELS = {
    "value_on": word("Value date"),
    "booked_on": word("Booking date"),
    "amount": word("Amount"),
    "credit": word("Money in"),
    "debit": word("Money out"),
    "sign": word("In or out"),
    "currency": word("Currency"),
    "reference": word("Structured reference"),
    "text": word("Reference text"),
    "payer": word("Payer"),
    "payer_account": word("Payer's account"),
    "bank_id": word("The bank's own number"),
}


def _accounts(request: HttpRequest) -> list[tuple[str, str]]:
    accounts = request.programme.seller.bank_accounts
    return [(account, f"{currency} · {account}") for currency, account in accounts.items()]


@office("payments.view")
def statements(request: HttpRequest) -> HttpResponse:
    """The files taken in, the newest first, and the form that hands one in."""
    errors, status = {}, 200
    if request.method == "POST":
        try:
            return _taken_in(request)
        except Invalid as invalid:
            errors, status = field_errors(invalid), 400
        except Refusal as refusal:
            errors, status = {"file": words_of(refusal)}, 409
    given = {
        "page": paged(request, statement_files()),
        "accounts": [("", _("As the file says")), *_accounts(request)],
        "columns": [(code, a, mapping_of(a)) for code, a in request.programme.seller.bank_accounts.items()],
        "values": request.POST,
        "errors": errors,
        "rights": rights(request, take_in="purchases.import_statement", columns="purchases.save_mapping"),
        "nav": "office:transfers",
    }
    return render(request, "office/statements.html", given, status=status)


def _taken_in(request: HttpRequest) -> HttpResponse:
    reading = Reading(request.POST, request.FILES)
    account = request.POST.get("account", "") and reading.choice("account", [a for a, _words in _accounts(request)])
    upload = request.FILES.get("file")
    if upload is None or not upload.size:
        reading.refuse("file", "file.missing")
    elif upload.size > MAX_BYTES:
        reading.refuse("file", "statements.too_big")
    reading.check()
    row = importing.import_statement(
        request.actor,
        None,
        content=upload.read(),
        name=file_name(upload.name or ""),
        account=account,
        at_once=AT_ONCE,
        now=request.now,
    )
    return redirect("office:statement", row.pk)


@office("payments.view")
def statement(request: HttpRequest, id: int) -> HttpResponse:
    """What became of one file: the figures, what could not be read, and every line that waits for a person."""
    row = found(statement_files().filter(pk=id).first())
    page = paged(request, doubtful_lines(row))
    orders = orders_by_id({line.likely_order_id for line in page.rows if line.likely_order_id})
    doubts = [(line, orders.get(line.likely_order_id), reasons_in_words(line.reasons)) for line in page.rows]
    given = {
        "file": row,
        "page": page,
        "doubts": doubts,
        "under_way": row.lines.exclude(rule="").filter(allocations=None, ignored_at=None).count(),
        "faults": [(fault["line"], say(f"statements.{fault['reason']}"), fault["detail"]) for fault in row.faults],
        "by": names({row.received_by}).get(row.received_by, ""),
        "rights": rights(request, match="purchases.match_transfer"),
        "nav": "office:transfers",
    }
    return render(request, "office/statement.html", given)


@office("payments.view")
def columns(request: HttpRequest, currency: str) -> HttpResponse:
    """Which column says what in the CSV files of the account in one currency."""
    account = found(request.programme.seller.bank_accounts.get(currency))
    kept = mapping_of(account)
    mapping, errors, status = Mapping.of(kept.columns) if kept else Mapping(), {}, 200
    if request.method == "POST":
        try:
            mapping = _mapping(request)
            importing.save_mapping(request.actor, None, account=account, mapping=mapping, now=request.now)
        except Invalid as invalid:
            errors, status = field_errors(invalid), 400
        else:
            messages.success(request, _("The columns are saved for %(account)s.") % {"account": account})
            return redirect("office:statements")
    values = request.POST if errors else {field.name: str(getattr(mapping, field.name)) for field in fields(Mapping)}
    given = {
        "account": account,
        "currency": currency,
        "fields": [
            Field(name, str(words), values.get(name, ""), errors.get(name, ""), optional=name != "value_on")
            for name, words in LABELS.items()
        ],
        "values": values,
        "errors": errors,
        "date_formats": [(form, _example(form)) for form in DATE_FORMATS],
        "encodings": [(encoding, encoding or _("Find out by itself")) for encoding in ENCODINGS],
        "decimals": [(".", "1,234.50"), (",", "1.234,50")],
        "delimiters": [(",", ","), (";", ";"), ("\t", _("Tab"))],
        "rights": rights(request, columns="purchases.save_mapping"),
        "nav": "office:transfers",
    }
    return render(request, "office/columns.html", given, status=status)


def _example(form: str) -> str:
    written = {"%Y": "2019", "%m": "06", "%d": "23"}
    if form == ROC:
        return _("108/06/23 (year of the Republic)")
    for mark, figure in written.items():
        form = form.replace(mark, figure)
    return form


def _mapping(request: HttpRequest) -> Mapping:
    reading = Reading(request.POST)
    told: dict[str, Any] = {name: reading.text(name, limit=60, required=False) for name in LABELS}
    told["out_words"] = reading.text("out_words", limit=120, required=False)
    told["date_format"] = reading.choice("date_format", DATE_FORMATS)
    told["decimal"] = reading.choice("decimal", (".", ","))
    told["delimiter"] = reading.choice("delimiter", (",", ";", "\t"))
    told["encoding"] = reading.choice("encoding", ENCODINGS) if request.POST.get("encoding") else ""
    told["skip"] = reading.number("skip", required=False) or 0
    if not 0 <= told["skip"] <= 100:
        reading.refuse("skip", "number.malformed")
    reading.check()
    return Mapping(**told)
