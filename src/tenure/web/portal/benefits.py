"""Benefits of a company: what each membership brings, what is used of it, and the keys that were shown.

It decides nothing: whether a benefit can be used is asked of ``memberships/rules.py``, what is taken is written by
``benefits/actions.py``. A key is shown only to those who may reveal keys. Read next: ``benefits/actions.py``.
"""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from tenure.benefits import actions as benefit_actions
from tenure.benefits import queries as grants
from tenure.kernel.access import may
from tenure.kernel.refusals import Invalid, NotYours, Refusal
from tenure.memberships.queries import Holding, benefits_run_on, facts_of, holdings
from tenure.memberships.rules import Standing, benefits_run
from tenure.people.queries import names
from tenure.programme.queries import version
from tenure.programme.rules import Benefit, Offer
from tenure.web.shared.forms import Field, Reading
from tenure.web.shared.messages import field_errors, say
from tenure.web.shared.pages import can_help, owned, portal

KEYS = "keys"


@dataclass(frozen=True, slots=True)
class Granted:
    """One benefit of one term, in the words it was sold with."""

    grant: Any
    benefit: Benefit | None
    keys: list[Any]
    usable: bool

    @property
    def left(self) -> int:
        return self.grant.quantity - self.grant.used


@dataclass(frozen=True, slots=True)
class Bundle:
    """What one subscription brings now, or brought until it ended."""

    holding: Holding
    offer: Offer
    standing: Standing
    running: bool
    now: list[Granted]
    before: list[Granted]
    """Keys and uses of its earlier terms."""


@portal("benefits.view")
def benefits(request: HttpRequest) -> HttpResponse:
    """Every membership with its benefits; what has ended says what was lost."""
    partner = request.partner
    found = _bundles(request)
    return render(
        request,
        "portal/benefits.html",
        {
            "bundles": [bundle for bundle in found if bundle.standing.live],
            "ended": [bundle for bundle in found if not bundle.standing.live],
            "sees_keys": may(request.actor, "benefits.reveal_key", partner.pk),
            "may_use": may(request.actor, "benefits.use", partner.pk),
            "key_helpers": can_help(request, "benefits.reveal_key"),
            "may_renew": may(request.actor, "renewals.renew", partner.pk),
        },
    )


@portal("benefits.reveal_key")
def benefit_reveal(request: HttpRequest, id: int) -> HttpResponse:
    """Say what revealing ends, then show one more key."""
    grant = owned(request, grants.get(id), "benefits.reveal_key")
    if grant.kind != KEYS:
        raise NotYours("grant")
    if request.method == "POST":
        try:
            key = benefit_actions.reveal_key(request.actor, grant, now=request.now, seen=_seen(request))
        except Refusal as refusal:
            if refusal.code == "access.forbidden":
                raise
            flash.error(request, say(refusal.code, refusal.facts))
            return redirect("portal:benefit_reveal", grant.pk)
        return redirect(f"{request.path}?key={key.pk}")
    keys = grants.keys_of(grant)
    given = _about(request, grant) | {"keys": keys, "people": names(key.revealed_by for key in keys)}
    given["shown"] = next((key for key in keys if str(key.pk) == request.GET.get("key")), None)
    return render(request, "portal/benefit_reveal.html", given)


@portal("benefits.use")
def benefit_use(request: HttpRequest, id: int) -> HttpResponse:
    """Write down that some of a counted benefit was taken."""
    grant = owned(request, grants.get(id), "benefits.use")
    if grant.kind == KEYS:
        raise NotYours("grant")
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            reading = Reading(request.POST)
            quantity = reading.number("quantity")
            note = reading.text("note", required=False)
            reading.check()
            benefit_actions.use(
                request.actor, grant, quantity=quantity or 0, note=note, now=request.now, seen=_seen(request)
            )
        except Invalid as invalid:
            errors = field_errors(invalid)
        except Refusal as refusal:
            if refusal.code == "access.forbidden":
                raise
            errors = {"quantity": say(refusal.code, refusal.facts)}
            grant.refresh_from_db(fields=["used"])
        else:
            flash.success(request, _("Recorded."), extra_tags="ok")
            return redirect("portal:benefit_use", grant.pk)
    values = request.POST or {"quantity": "1"}
    fields = [
        Field(
            "quantity",
            _("How many"),
            values.get("quantity", ""),
            errors.get("quantity", ""),
            inputmode="numeric",
            short=True,
        ),
        Field(
            "note",
            _("For whom or what"),
            values.get("note", ""),
            errors.get("note", ""),
            hint=_("Your colleagues see this in the list below."),
            optional=True,
        ),
    ]
    used = grants.usages(grant)
    given = _about(request, grant) | {"fields": fields, "errors": errors, "usages": used}
    return render(request, "portal/benefit_use.html", given | {"people": names(row.by for row in used)})


def _bundles(request: HttpRequest) -> list[Bundle]:
    """All memberships that brought benefits, in three queries."""
    by_subscription: dict[int, list[Any]] = {}
    for grant in grants.of_partner(request.partner.pk):
        by_subscription.setdefault(grant.term.subscription_id, []).append(grant)
    found = []
    for holding in holdings(request.partner.pk):
        rows = by_subscription.get(holding.subscription.pk, [])
        if not rows:
            continue
        standing = holding.standing(request.today)
        running = benefits_run(standing, holding.policy)
        granted = [_granted(row, running=running and row.term_id == holding.term_id) for row in rows]
        offer = version(holding.term.programme.n).offer(holding.subscription.offer)
        now = [one for one in granted if one.grant.term_id == holding.term_id]
        before = [one for one in granted if one.grant.term_id != holding.term_id and one.grant.used]
        found.append(Bundle(holding, offer, standing, running, now, before))
    return found


def _granted(grant: Any, *, running: bool) -> Granted:
    keys = sorted(grant.keys.all(), key=lambda key: (key.revealed_at, key.pk))
    return Granted(grant, _benefit(grant), keys, running and grant.revoked_at is None)


def _benefit(grant: Any) -> Benefit | None:
    """The benefit as the programme described it when the term was bought."""
    offer = version(grant.term.programme.n).offer(grant.term.subscription.offer)
    return next((benefit for benefit in offer.benefits if benefit.code == grant.benefit), None)


def _about(request: HttpRequest, grant: Any) -> dict[str, Any]:
    """What both pages of one benefit tell."""
    holding = facts_of(grant.term.subscription)
    newest = holding is not None and holding.term_id == grant.term_id
    running = newest and benefits_run_on(grant.term.subscription, request.today)
    return {
        "one": Granted(grant, _benefit(grant), [], running and grant.revoked_at is None),
        "offer": version(grant.term.programme.n).offer(grant.term.subscription.offer),
        "nav": "portal:benefits",
    }


def _seen(request: HttpRequest) -> int | None:
    text = request.POST.get("seen", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
