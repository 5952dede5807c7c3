"""Benefits and competencies: what memberships bring, what is used of it, and how far the company has come.

A product key is told once, in the answer that reveals it. It must never count anything twice. Read next:
``benefits/actions.py``.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Body as FromBody
from ninja import Query
from pydantic import Field

from tenure.benefits import actions as benefit_actions
from tenure.benefits import queries as grants
from tenure.competencies.queries import figures
from tenure.competencies.rules import attainment
from tenure.kernel.refusals import NotYours
from tenure.memberships.queries import holdings
from tenure.offers.rules import on_sale
from tenure.programme.queries import version
from tenure.web.api.listing import Page, newest_first, paged
from tenure.web.api.operations import operation
from tenure.web.api.shapes import BLANK, IN_DIGITS, Body, Id, Name, Shape, Words, day, instant, words
from tenure.web.shared.pages import owned

KEYS = "keys"


class BenefitShown(Shape):
    """One benefit of one paid year."""

    id: Id
    code: str
    kind: Literal["keys", "seats", "credit", "incidents", "download", "training"]
    name: Words
    subscription: Id
    quantity: int
    used: int
    left: int
    ends_on: date
    revoked: bool


class Benefits(Shape):
    items: list[BenefitShown]
    next: str | None


class BenefitsWanted(Page):
    kind: Literal["keys", "seats", "credit", "incidents", "download", "training"] | None = None
    subscription: Annotated[int, Field(ge=1), IN_DIGITS] | None = None


class KeyShown(Shape):
    """A product key, told in this answer and nowhere else."""

    value: str
    revealed_at: datetime
    left: int


class UseWanted(Body):
    quantity: Annotated[int, Field(ge=1, le=100_000, examples=[1])] = 1
    note: Annotated[str, Field(max_length=200, pattern=BLANK, description="For whom or what.")] = ""
    seen: Annotated[int | None, Field(ge=0, le=1_000_000, description="How much was used when you looked.")] = None


class AssignmentWanted(Body):
    person: Annotated[Name, Field(description="Who gets it.")]
    seen: Annotated[int | None, Field(ge=0, le=1_000_000, description="How much was used when you looked.")] = None


class CriterionShown(Shape):
    code: str
    name: Words
    value: int
    threshold: int
    met: bool


class CompetencyShown(Shape):
    """A competency and how far the company is."""

    offer: str
    name: Words
    state: Literal["not_started", "started", "qualified", "active", "at_risk"]
    criteria: list[CriterionShown]


class Competencies(Shape):
    items: list[CompetencyShown]


@operation("GET", "/benefits", id="listBenefits", permission="benefits.view", answers=Benefits)
def benefits(request: HttpRequest, page: Query[BenefitsWanted]) -> dict:
    """List what the company's memberships bring or brought, the newest first."""
    rows = grants.of_partner(request.bearer.partner_id).prefetch_related(None)
    given = {"kind": page.kind, "term__subscription_id": page.subscription}
    rows = rows.filter(**{name: value for name, value in given.items() if value is not None})
    return paged(page, "benefits", newest_first(page, "benefits", rows), shown, lambda row: row.pk)


def _one(request: HttpRequest, id: int, permission: str, kinds: tuple[str, ...] = ()) -> Any:
    row = owned(request, grants.get(id), permission)
    if kinds and row.kind not in kinds:
        raise NotYours("grant")
    return row


def _now(request: HttpRequest, id: int) -> dict:
    return shown(_one(request, id, "benefits.view"))


@operation("GET", "/benefits/{int:id}", id="getBenefit", permission="benefits.view", answers=BenefitShown)
def benefit(request: HttpRequest, id: int) -> dict:
    """Show one benefit and what is left of it."""
    return _now(request, id)


@operation(
    "POST",
    "/benefits/{int:id}/reveal",
    id="revealProductKey",
    permission="benefits.reveal_key",
    answers=KeyShown,
    status=201,
    current=_now,
)
def reveal(request: HttpRequest, id: int) -> dict:
    """Reveal one more product key. It ends the right to a refund."""
    row = _one(request, id, "benefits.reveal_key", (KEYS,))
    key = benefit_actions.reveal_key(request.actor, row, now=request.now)
    return {"value": key.value, "revealed_at": instant(key.revealed_at), "left": row.quantity - key.grant.used}


@operation(
    "POST",
    "/benefits/{int:id}/consumptions",
    id="useBenefit",
    permission="benefits.use",
    answers=BenefitShown,
    status=201,
    current=_now,
)
def consume(request: HttpRequest, id: int, sent: FromBody[UseWanted]) -> dict:
    """Write down that some of a counted benefit was taken."""
    row = _one(request, id, "benefits.use", ("credit", "incidents", "download", "training"))
    given = {"quantity": sent.quantity, "note": sent.note, "seen": sent.seen}
    benefit_actions.use(request.actor, row, **given, now=request.now)
    return shown(grants.get(id))


@operation(
    "POST",
    "/benefits/{int:id}/assignments",
    id="assignSeat",
    permission="benefits.use",
    answers=BenefitShown,
    status=201,
    current=_now,
)
def assign(request: HttpRequest, id: int, sent: FromBody[AssignmentWanted]) -> dict:
    """Give a seat to somebody."""
    row = _one(request, id, "benefits.use", ("seats",))
    benefit_actions.use(request.actor, row, quantity=1, note=sent.person, seen=sent.seen, now=request.now)
    return shown(grants.get(id))


@operation("GET", "/competencies", id="listCompetencies", permission="competencies.view", answers=Competencies)
def competencies(request: HttpRequest) -> dict:
    """List the competencies with what each asks for and the company's figures."""
    known = figures(request.bearer.partner_id)
    held = {
        each.subscription.offer
        for each in holdings(request.bearer.partner_id)
        if each.subscription.superseded_at is None and each.standing(request.today).live
    }
    shown_ones = [o for o in request.programme.offers if o.criteria and (on_sale(o, request.today) or o.code in held)]
    return {"items": [_competency(offer, known.get(offer.code, {}), offer.code in held) for offer in shown_ones]}


def _competency(offer: Any, values: dict[str, int], held: bool) -> dict[str, Any]:
    return {
        "offer": offer.code,
        "name": words(offer.name),
        "state": str(attainment(offer, values, held=held)),
        "criteria": [
            {
                "code": each.code,
                "name": words(each.name),
                "value": values.get(each.code, 0),
                "threshold": each.threshold,
                "met": values.get(each.code, 0) >= each.threshold,
            }
            for each in offer.criteria
        ],
    }


def shown(row: Any) -> dict[str, Any]:
    offer = version(row.term.programme.n).offer(row.term.subscription.offer)
    sold = next((each for each in offer.benefits if each.code == row.benefit), None)
    return {
        "id": row.pk,
        "code": row.benefit,
        "kind": row.kind,
        "name": words(sold.name) if sold else {"en": row.benefit, "zh-hant": row.benefit},
        "subscription": row.term.subscription_id,
        "quantity": row.quantity,
        "used": row.used,
        "left": row.quantity - row.used,
        "ends_on": day(row.ends_on),
        "revoked": row.revoked_at is not None,
    }
