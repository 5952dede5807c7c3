"""Verifications: the queue of checks to decide, and one check beside the company's data and its evidence.

It must never decide; ``enrolment.decide`` does, once. Read next: ``enrolment/actions.py``.
"""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as word

from tenure.enrolment import actions as enrolment
from tenure.enrolment.queries import check as check_by_id
from tenure.enrolment.queries import checks, domain_proof, papers, waiting
from tenure.enrolment.queries import paper as paper_by_id
from tenure.enrolment.rules import State
from tenure.kernel.refusals import Invalid, Refusal
from tenure.partners.queries import alike
from tenure.people.queries import names
from tenure.web.office.files import download
from tenure.web.office.lists import paged
from tenure.web.shared.forms import Reading
from tenure.web.shared.messages import field_errors, words_of
from tenure.web.shared.pages import found, office

REASON_LIMIT = 500
FIELDS = {
    "legal_name": word("Legal company name"),
    "country": word("Country"),
    "address": word("Street address"),
    "city": word("City"),
    "postcode": word("Postcode"),
    "registration_number": word("Registration number"),
    "tax_id": word("Business number or VAT ID"),
    "contact_email": word("E-mail address"),
}


@office("enrolment.decide")
def queue(request: HttpRequest) -> HttpResponse:
    """Checks that wait for a decision, the longest waiting first."""
    return render(request, "office/verifications.html", {"page": paged(request, waiting())})


@office("enrolment.decide")
def verification(request: HttpRequest, id: int) -> HttpResponse:
    """One check: what the company says of itself, what it has sent, and the decision."""
    row = found(check_by_id(id))
    errors, status = {}, 200
    if request.method == "POST":
        try:
            passed = _decide(request, row)
        except Invalid as invalid:
            errors, status = field_errors(invalid), 400
        except Refusal as refusal:
            errors, status = {"form": words_of(refusal)}, 409
            row = found(check_by_id(id))
        else:
            messages.success(
                request, _("Passed.") if passed else _("Rejected. The company is told why and may appeal.")
            )
            return redirect("office:verifications")
    others = checks(row.partner)
    domain, proof = domain_proof(row.partner)
    given = {
        "check": row,
        "company": row.partner,
        "checks": others,
        "decided_by": names({row.decided_by}).get(row.decided_by, ""),
        "pending": row.state == State.PENDING,
        "errors": errors,
        "reason": request.POST.get("reason", ""),
        "papers": [each for each in papers(row.partner_id) if each.check_row_id == row.pk],
        "domain": domain,
        "proof": proof,
        "alike": alike(row.partner),
        "changed": [(FIELDS[name], *pair) for name, pair in row.changed.items()],
        "nav": "office:verifications",
    }
    return render(request, "office/verification.html", given, status=status)


def _decide(request: HttpRequest, row) -> bool:
    reading = Reading(request.POST)
    passed = reading.choice("decision", ("pass", "reject")) == "pass"
    reason = reading.text("reason", limit=REASON_LIMIT, required=not passed)
    reading.check()
    enrolment.decide(request.actor, row, passed=passed, reason=reason, now=request.now)
    return passed


@office("enrolment.decide")
def evidence(request: HttpRequest, id: int) -> HttpResponse:
    """The document that came with an appeal."""
    row = found(check_by_id(id))
    return download(found(row.evidence))


@office("enrolment.decide")
def paper(request: HttpRequest, id: int) -> HttpResponse:
    """A document that was handed in for a check."""
    return download(found(paper_by_id(id)).file)
