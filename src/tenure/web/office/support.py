"""Support: the queue, one request with its thread, and the decision on cancellations, refunds and exemptions.

It must never decide what is owed or who must agree: it shows the rule's verdict, a person presses, the verb
decides again. Read next: ``support/actions.py``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from tenure.billing.queries import invoice_of_payment
from tenure.kernel.money import Money
from tenure.kernel.refusals import Invalid, Refusal
from tenure.partners.queries import exemptions
from tenure.people.queries import names, staff_with
from tenure.support import actions as support
from tenure.support.queries import RefundCase, closed, get, queue, refund_case, thread
from tenure.support.rules import Action, RequestStatus
from tenure.web.office.lists import chosen, filters, paged
from tenure.web.office.partners import grant_exemption
from tenure.web.office.rights import rights
from tenure.web.shared.forms import Reading
from tenure.web.shared.messages import field_errors, words_of
from tenure.web.shared.pages import found, office
from tenure.web.shared.sign_in_gate import ask_again, proven
from tenure.web.shared.statuses import status_of

TEXT_LIMIT = 5000
REASON_LIMIT = 500
APPROVERS = ("support.decide", "support.approve_refund")
ACTIONS = (Action.CANCEL, Action.REFUND, Action.EXEMPTION)
STATES = ("attention_needed", "closed")
HARMFUL = ("refund", "approve", "override", "refund-tax", "exempt")
"""Acts that move money, or what is owed: whoever presses proves anew who they are."""


@office("support.view")
def support_queue(request: HttpRequest) -> HttpResponse:
    """Requests that wait for the desk, the longest waiting first; those that wait for the partner, and the done."""
    state, action = chosen(request, "state", STATES), chosen(request, "action", map(str, ACTIONS))
    rows = closed() if state == "closed" else queue().filter(status=state or RequestStatus.OPEN)
    if action:
        rows = rows.filter(action=action)
    types = {kind.code: kind.name for kind in request.programme.problem_types}
    page = paged(request, rows)
    given = {
        "page": page,
        "rows": [(row, types.get(row.problem_type, row.problem_type)) for row in page.rows],
        "state": state,
        "action": action,
        "states": filters(
            request, "state", [(s, status_of(f"office.{s}")[0]) for s in STATES], first=_("Waiting for us")
        ),
        "actions": filters(request, "action", [(str(a), status_of(a)[0]) for a in ACTIONS]),
    }
    return render(request, "office/support.html", given)


@office("support.view")
def support_request(request: HttpRequest, number: str) -> HttpResponse:
    """One request with everything needed to answer it."""
    return _page(request, found(get(number)))


@office("support.view")
def act(request: HttpRequest, number: str, verb: str) -> HttpResponse:
    """One of the desk's acts on a request; what cannot be done is told on the request's own page."""
    row = found(get(number))
    if request.method != "POST":
        return redirect("office:request", number)
    if verb in HARMFUL and not proven(request):
        return ask_again(request)
    try:
        messages.success(request, ACTS[verb](request, row))
    except Invalid as invalid:
        return _page(request, found(get(number)), errors=field_errors(invalid), opened=verb, status=400)
    except Refusal as refusal:
        words = {"form": words_of(refusal)}
        return _page(request, found(get(number)), errors=words, opened=verb, status=409)
    return redirect("office:request", number)


def _reply(request: HttpRequest, row: Any) -> str:
    reading = Reading(request.POST)
    text, internal = reading.text("text", limit=TEXT_LIMIT), reading.ticked("internal")
    reading.check()
    support.reply(request.actor, row, text=text, internal=internal, now=request.now)
    return _("The note is kept. Only colleagues see it.") if internal else _("The answer is sent.")


def _close(request: HttpRequest, row: Any) -> str:
    reading = Reading(request.POST)
    text = reading.text("last_word", limit=TEXT_LIMIT, required=False)
    reading.check()
    support.close_request(request.actor, row, text=text, now=request.now)
    return _("The request is closed.")


def _refund(request: HttpRequest, row: Any) -> str:
    return _decided(request, support.decide(request.actor, row, refund=True, now=request.now))


def _approve(request: HttpRequest, row: Any) -> str:
    return _decided(request, support.approve_refund(request.actor, row, now=request.now))


def _override(request: HttpRequest, row: Any) -> str:
    reading = Reading(request.POST)
    reason = reading.text("reason", limit=REASON_LIMIT)
    reading.check()
    row = support.decide(request.actor, row, refund=True, override=True, reason=reason, now=request.now)
    return _decided(request, row)


def _decided(request: HttpRequest, row: Any) -> str:
    if row.status == RequestStatus.CLOSED:
        return _("The money is on its way back, the credit note is issued and the request is closed.")
    if row.refund_id:
        return _("The refund is under way. The request closes as soon as the money has gone back.")
    return _("Your approval is kept. Nothing has been paid back: a second person has to approve.")


def _do_not_renew(request: HttpRequest, row: Any) -> str:
    support.decide(request.actor, row, refund=False, now=request.now)
    return _("The subscription runs to its last day and is not renewed. The request is closed.")


def _exempt(request: HttpRequest, row: Any) -> str:
    grant_exemption(request, row.partner)
    return _("The exemption is recorded. Orders placed within its dates carry no tax.")


def _refund_tax(request: HttpRequest, row: Any) -> str:
    support.refund_tax(request.actor, row, now=request.now)
    return _("The tax is on its way back and the credit note is issued.")


ACTS: dict[str, Callable[[HttpRequest, Any], str]] = {
    "reply": _reply,
    "close": _close,
    "refund": _refund,
    "approve": _approve,
    "override": _override,
    "do-not-renew": _do_not_renew,
    "exempt": _exempt,
    "refund-tax": _refund_tax,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rule says of a request, who has agreed so far, and whether this person still can."""

    case: RefundCase
    approved: list[tuple[str, Any]]
    missing: int
    still_may: list[str]
    own_request: bool
    agreed_already: bool


def _verdict(request: HttpRequest, row: Any) -> Verdict | None:
    """The refund case of a request about a subscription, with names for everybody in it."""
    if row.subscription is None or row.action not in (Action.CANCEL, Action.REFUND):
        return None
    case = refund_case(row.subscription, row.opened_on, row)
    if case is None:
        return None
    people = names(approval.by for approval in case.approvals)
    agreed = {approval.by for approval in case.approvals}
    others = {p.pk: p for right in APPROVERS for p in staff_with(right, request.programme)}.values()
    return Verdict(
        case,
        [(people.get(approval.by, approval.by), approval.at) for approval in case.approvals],
        max(0, case.approvals_needed - len(case.approvals)),
        [p.name for p in others if f"person:{p.pk}" not in agreed and p.pk != row.opened_by_id],
        request.actor.id == row.opened_by_id,
        request.actor.label in agreed,
    )


def _tax_of(row: Any) -> Money | None:
    """The tax that an exemption request could give back."""
    case = refund_case(row.subscription, row.opened_on, row) if row.subscription else None
    return invoice_of_payment(case.payment.pk).tax if case and case.payment else None


def _page(
    request: HttpRequest, row: Any, *, errors: dict[str, str] | None = None, opened: str = "", status: int = 200
) -> HttpResponse:
    types = {kind.code: kind.name for kind in request.programme.problem_types}
    offers = {offer.code: offer.name for offer in request.programme.offers}
    exempting = row.action == Action.EXEMPTION
    given = {
        "request_row": row,
        "problem_type": types.get(row.problem_type, row.problem_type),
        "offer": offers.get(row.subscription.offer, row.subscription.offer) if row.subscription else None,
        "thread": list(thread(row, staff=True)),
        "closed": row.status == RequestStatus.CLOSED,
        "verdict": None if row.status == RequestStatus.CLOSED else _verdict(request, row),
        "exempting": exempting,
        "exemptions": list(exemptions(row.partner)) if exempting else [],
        "tax": _tax_of(row) if exempting and row.status != RequestStatus.CLOSED else None,
        "decided_by": names({row.decided_by}).get(row.decided_by, "") if row.decided_by else "",
        "rights": rights(
            request,
            reply="support.reply",
            close="support.close_request",
            decide="support.decide",
            approve="support.approve_refund",
            exempt="partners.grant_exemption",
            refund_tax="support.refund_tax",
        ),
        "errors": errors,
        "opened": opened,
        "values": request.POST if errors else {},
        "nav": "office:support",
    }
    return render(request, "office/request.html", given, status=status)
