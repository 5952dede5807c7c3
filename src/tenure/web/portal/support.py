"""Support requests of a company: listed, opened, read and answered.

It decides what is shown before a cancellation is asked for; what a request sets in motion and who may read it is
``support/``'s business. Read next: ``support/actions.py``.
"""

from typing import Any

from django.contrib import messages as flash
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _

from tenure.kernel.access import decide, may
from tenure.kernel.periods import say_day
from tenure.kernel.refusals import Invalid, NotYours, Refusal
from tenure.memberships.queries import Holding, facts_of, get, holdings
from tenure.programme.queries import version
from tenure.programme.rules import ProblemType
from tenure.renewals.actions import turn_off_auto_renew
from tenure.support import actions as support_actions
from tenure.support import queries as requests
from tenure.support.actions import TEXT_LIMIT
from tenure.support.rules import Action, RequestStatus
from tenure.web.shared.forms import Field, Reading
from tenure.web.shared.language import language
from tenure.web.shared.messages import field_errors
from tenure.web.shared.pages import owned, portal

PAGE = 25
OPEN, ATTENTION, CLOSED = RequestStatus.OPEN, RequestStatus.ATTENTION, RequestStatus.CLOSED


@portal("support.view")
def support(request: HttpRequest) -> HttpResponse:
    """The requests a person may see: those not closed, those that wait for an answer, or the closed ones."""
    rows = requests.listed(request.actor, request.partner.pk)
    asked = request.GET.get("status", OPEN)
    shown = asked if asked in list(RequestStatus) else OPEN
    chosen = rows.exclude(status=CLOSED) if shown == OPEN else rows.filter(status=shown)
    page = Paginator(chosen, PAGE).get_page(request.GET.get("page"))
    names = {kind.code: kind.name for kind in request.programme.problem_types}
    return render(
        request,
        "portal/support.html",
        {
            "rows": [(row, names.get(row.problem_type, row.problem_type)) for row in page],
            "page": page,
            "shown": shown,
            "waiting": rows.filter(status=ATTENTION).count(),
            "sees_all": may(request.actor, "support.view_all", request.partner.pk),
            "may_open": may(request.actor, "support.open_request", request.partner.pk),
        },
    )


@portal("support.open_request")
def support_new(request: HttpRequest) -> HttpResponse:
    """Open a request; one that cancels says beforehand what it ends and what is paid back."""
    given = request.POST or request.GET
    kind = _kind(request, given.get("problem_type") or given.get("problem", ""))
    subscription = _subscription(request, given.get("subscription", ""))
    case = _cancel_case(request, kind, subscription)
    if case and case["running"]:
        words = _("Support request %(number)s already asks for this cancellation.")
        flash.info(request, words % {"number": case["running"].number})
        return redirect("portal:support_request", case["running"].number)
    errors: dict[str, str] = {}
    seen = case is None or given.get("seen") == str(subscription.pk)
    if request.method == "POST" and seen:
        if done := request.session.get("sent", {}).get(given.get("once", "")):
            return redirect("portal:support_request", done)
        try:
            row = _opened(request, subscription)
        except Invalid as invalid:
            errors = field_errors(invalid)
        else:
            request.session["sent"] = {given.get("once", ""): row.number}
            flash.success(request, _sent(row), extra_tags="ok")
            return redirect("portal:support_request", row.number)
    unseen = request.method == "POST" and not seen
    return render(
        request,
        "portal/support_new.html",
        {
            "errors": errors,
            "problems": [(p.code, p.name, p.hint) for p in request.programme.problem_types],
            "kind": kind,
            "case": case,
            "unseen": unseen,
            "chosen_subscription": subscription,
            "once": given.get("once") or get_random_string(16),
            "fields": _fields(request, given, errors, subscription, case, unseen),
        },
    )


@portal("support.view")
def support_request(request: HttpRequest, number: str) -> HttpResponse:
    """One request with its thread; a colleague's is only for those who may see all."""
    row = owned(request, requests.get(number), "support.view")
    if not requests.visible_to(request.actor).filter(pk=row.pk).exists():
        raise Refusal("access.forbidden", permission="support.view_all", partner_id=row.partner_id)
    errors: dict[str, str] = {}
    thread = list(requests.thread(row, staff=False))
    if request.method == "POST":
        try:
            reading = Reading(request.POST)
            text = reading.text("text", limit=TEXT_LIMIT)
            reading.check()
            # The same words again from the same hand are a second press of the same button.
            if not (thread and thread[-1].text == text and thread[-1].author_id == request.person.pk):
                support_actions.reply(request.actor, row, text=text, now=request.now)
                flash.success(request, _("Your answer has been sent."), extra_tags="ok")
        except Invalid as invalid:
            errors = field_errors(invalid)
        else:
            return redirect("portal:support_request", row.number)
    kind = _kind(request, row.problem_type)
    holding = facts_of(row.subscription) if row.subscription else None
    return render(
        request,
        "portal/support_request.html",
        {
            "row": row,
            "kind": kind.name if kind else row.problem_type,
            "thread": thread,
            "errors": errors,
            "holding": holding,
            "offer": _offer(holding).name if holding else "",
            "may_reply": may(request.actor, "support.reply", row.partner_id),
            "text": request.POST.get("text", ""),
        },
    )


def _opened(request: HttpRequest, subscription: Any) -> Any:
    reading = Reading(request.POST)
    kinds = [kind.code for kind in request.programme.problem_types]
    kind = reading.choice("problem_type", kinds, missing="support.problem_type_unknown")
    subject = reading.text("subject", limit=200)
    description = reading.text("description", limit=TEXT_LIMIT)
    reading.check()
    return support_actions.open_request(
        request.actor,
        request.partner,
        problem_type=kind,
        subject=subject,
        description=description,
        subscription=subscription,
        now=request.now,
    )


def _sent(row: Any) -> str:
    if row.action == Action.CANCEL:
        return _("Your request %(number)s has been sent. Auto-renew is off from now on.") % {"number": row.number}
    return _("Your request %(number)s has been sent.") % {"number": row.number}


def _kind(request: HttpRequest, code: str) -> ProblemType | None:
    return next((kind for kind in request.programme.problem_types if kind.code == code), None)


def _subscription(request: HttpRequest, id: str) -> Any:
    """The subscription a request is about: one of the company one works for, or none."""
    if not id:
        return None
    row = get(int(id)) if id.isascii() and id.isdigit() and len(id) < 18 else None
    if row is None or row.partner_id != request.partner.pk:
        raise NotYours("subscription")
    return row


def _cancel_case(request: HttpRequest, kind: ProblemType | None, subscription: Any) -> dict[str, Any] | None:
    """What cancelling would mean, when it is a cancellation that is asked for."""
    if subscription is None or kind is None or kind.action != Action.CANCEL:
        return None
    decide(request.actor, turn_off_auto_renew.permission, request.partner.pk)
    holding = facts_of(subscription)
    offer = _offer(holding)
    return {
        "refund": requests.refund_case(subscription, request.today),
        "running": requests.open_cancel(subscription),
        "holding": holding,
        "offer": offer,
        "standing": holding.standing(request.today),
    }


def _offer(holding: Holding) -> Any:
    """The offer as it was described when the newest term was bought."""
    return version(holding.term.programme.n).offer(holding.subscription.offer)


def _fields(
    request: HttpRequest, given: Any, errors: dict[str, str], chosen: Any, case: dict[str, Any] | None, unseen: bool
) -> list[Field]:
    said = {"offer": case["offer"].name.say(language())} if case else {}
    default = _("Cancel %(offer)s") % said if case else ""
    subject = given.get("subject") if request.method == "POST" else given.get("subject", default)
    fields = [
        Field("subject", _("Subject"), subject or "", errors.get("subject", ""), maxlength=200),
        Field(
            "description",
            _("Why do you want to cancel?") if case else _("Description"),
            given.get("description", ""),
            errors.get("description", ""),
            type="textarea",
        ),
    ]
    # A cancellation that was asked for names its subscription; one that was stumbled into may still let go of it.
    if options := [] if case and not unseen else _choices(request, chosen):
        fields.insert(
            0,
            Field(
                "subscription",
                _("Subscription"),
                str(chosen.pk) if chosen else "",
                errors.get("subscription", ""),
                type="select",
                options=options,
                optional=True,
            ),
        )
    return fields


def _choices(request: HttpRequest, chosen: Any) -> list[tuple[str, str]]:
    """The subscriptions a request can be about: those that live, and the one already chosen."""
    found = [("", _("None"))]
    for holding in holdings(request.partner.pk):
        row = holding.subscription
        if row == chosen or (row.superseded_at is None and holding.standing(request.today).live):
            until = say_day(holding.term.expires_on, language())
            name = _offer(holding).name.say(language())
            found.append((str(row.pk), _("%(offer)s, to %(until)s") % {"offer": name, "until": until}))
    return found if len(found) > 1 else []
