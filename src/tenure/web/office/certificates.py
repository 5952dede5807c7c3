"""Tax certificates: what was withheld from a transfer, and applications for exemption; the queue and the decisions.

It shows what would be missing or too much; the verbs decide, once. Read next: ``purchases/withholding.py``,
``partners/exemptions.py``.
"""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from tenure.billing import queries as billing
from tenure.billing.rules import WithholdingStatus, difference
from tenure.kernel.refusals import Invalid, Refusal
from tenure.partners import queries as partners
from tenure.partners.exemptions import decide_exemption
from tenure.partners.rules import ApplicationStatus
from tenure.people.queries import names
from tenure.purchases.queries import order_by_id, orders_by_id
from tenure.purchases.transfers import may_be_withheld
from tenure.purchases.withholding import WORDS_LIMIT, decide_withholding
from tenure.web.office.files import download
from tenure.web.office.rights import rights
from tenure.web.shared.forms import Reading
from tenure.web.shared.messages import field_errors, words_of
from tenure.web.shared.pages import found, office

LATELY = 20
DECISIONS = {"accept": "accepted", "ask": "pending_partner", "refuse": "refused"}


@office("payments.view")
def certificates(request: HttpRequest) -> HttpResponse:
    """What waits for a decision, the longest waiting first, and what has been decided lately."""
    waiting, moved = list(billing.withholdings_waiting()), list(billing.withholdings_elsewhere()[:LATELY])
    orders = orders_by_id({row.order_id for row in [*waiting, *moved]})
    given = {
        "withheld": [(row, orders[row.order_id]) for row in waiting],
        "applications": list(partners.applications_waiting()),
        "moved": [(row, orders[row.order_id]) for row in moved],
        "decided": list(partners.applications_elsewhere()[:LATELY]),
    }
    return render(request, "office/certificates.html", given)


@office("payments.view")
def withheld(request: HttpRequest, id: int) -> HttpResponse:
    """One certificate of withheld tax beside its order's sums, and the decision."""
    row = found(billing.withholding(id))
    errors, status = {}, 200
    if request.method == "POST":
        try:
            return _decided(request, _decide_withholding(request, row))
        except Invalid as invalid:
            errors, status = field_errors(invalid), 400
        except Refusal as refusal:
            errors, status = {"form": words_of(refusal)}, 409
            # Somebody was faster, or it cannot be: the page as it stands now.
            row = found(billing.withholding(id))
    order = order_by_id(row.order_id)
    received = billing.come_in(order.pk, order.currency)
    left = difference(order.total, received, row.amount)
    given = {
        "row": row,
        "order": order,
        "received": received,
        "left": left,
        "over": -left if left.minor < 0 else None,
        "most": may_be_withheld(order),
        "elsewhere": order_by_id(row.counts_for_id) if row.counts_for_id not in (None, order.pk) else None,
        "undecided": row.status in ("submitted", "pending_partner"),
        "people": names({row.submitted_by, row.decided_by}),
        "rights": rights(request, decide="purchases.decide_withholding"),
        "errors": errors,
        "values": request.POST if errors else {},
        "limit": WORDS_LIMIT,
        "nav": "office:certificates",
    }
    return render(request, "office/withheld.html", _named(given, row), status=status)


def _decide_withholding(request: HttpRequest, row: Any) -> str:
    status, words, reading = _decision(request)
    reading.check()
    decide_withholding(request.actor, row, status=WithholdingStatus(status), words=words, now=request.now)
    return status


@office("payments.view")
def exemption(request: HttpRequest, id: int) -> HttpResponse:
    """One application for exemption beside what the company has held, and the decision with the days it covers."""
    row = found(partners.application(id))
    errors, status = {}, 200
    if request.method == "POST":
        try:
            return _decided(request, _decide_exemption(request, row))
        except Invalid as invalid:
            errors, status = field_errors(invalid), 400
        except Refusal as refusal:
            errors, status = {"form": words_of(refusal)}, 409
            # Somebody was faster, or it cannot be: the page as it stands now.
            row = found(partners.application(id))
    days = {"valid_from": row.valid_from.isoformat(), "valid_to": row.valid_to.isoformat()}
    given = {
        "row": row,
        "company": row.partner,
        "exemptions": list(partners.exemptions(row.partner)),
        "undecided": row.status in ("submitted", "pending_partner"),
        "people": names({row.submitted_by, row.decided_by}),
        "rights": rights(request, decide="partners.decide_exemption"),
        "errors": errors,
        "values": request.POST if errors else days,
        "limit": WORDS_LIMIT,
        "nav": "office:certificates",
    }
    return render(request, "office/exemption.html", _named(given, row), status=status)


def _decide_exemption(request: HttpRequest, row: Any) -> str:
    status, words, reading = _decision(request)
    days = {name: reading.day(name) for name in ("valid_from", "valid_to")} if status == "accepted" else {}
    reading.check()
    decide_exemption(request.actor, row, status=ApplicationStatus(status), words=words, **days, now=request.now)
    return status


def _decision(request: HttpRequest) -> tuple[str, str, Reading]:
    reading = Reading(request.POST)
    status = DECISIONS.get(reading.choice("decision", list(DECISIONS)), "")
    words = reading.text("words", limit=WORDS_LIMIT, required=status != "accepted")
    return status, words, reading


def _decided(request: HttpRequest, status: str) -> HttpResponse:
    said = {
        "accepted": _("Accepted. The partner is told."),
        "pending_partner": _("The partner is asked. It comes back here with the answer."),
        "refused": _("Refused. The partner is told why."),
    }
    messages.success(request, said[status])
    return redirect("office:certificates")


def _named(given: dict[str, Any], row: Any) -> dict[str, Any]:
    people = given["people"]
    return given | {
        "submitted_by": people.get(row.submitted_by, row.submitted_by),
        "decided_by": people.get(row.decided_by, ""),
    }


@office("payments.view")
def withheld_file(request: HttpRequest, id: int) -> HttpResponse:
    """A certificate of withheld tax as it was sent in."""
    return download(found(billing.withholding(id)).file)


@office("payments.view")
def exemption_file(request: HttpRequest, id: int) -> HttpResponse:
    """The certificate of an application as it was sent in."""
    return download(found(partners.application(id)).file)
