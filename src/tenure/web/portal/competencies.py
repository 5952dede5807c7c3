"""Competencies: for each one its criteria, how far the company is, and what is still missing."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tenure.competencies.queries import figures
from tenure.competencies.rules import Attainment, attainment
from tenure.kernel.access import may
from tenure.memberships.queries import holdings
from tenure.offers.rules import on_sale
from tenure.programme.rules import Criterion, Offer
from tenure.web.shared.pages import portal


@dataclass(frozen=True, slots=True)
class Measured:
    """A criterion beside the company's figure."""

    criterion: Criterion
    value: int

    @property
    def gap(self) -> int:
        return max(0, self.criterion.threshold - self.value)

    @property
    def shown(self) -> int:
        """The figure as far as the bar reaches."""
        return min(self.value, self.criterion.threshold)


@dataclass(frozen=True, slots=True)
class Progress:
    offer: Offer
    state: Attainment
    measured: list[Measured]

    @property
    def missing(self) -> int:
        return sum(1 for one in self.measured if one.gap)


@portal("competencies.view")
def competencies(request: HttpRequest) -> HttpResponse:
    """Every competency of the programme, family by family, with the company's figures."""
    known = figures(request.partner.pk)
    held = {
        h.subscription.offer
        for h in holdings(request.partner.pk)
        if h.subscription.superseded_at is None and h.standing(request.today).live
    }
    offers = [o for o in request.programme.offers if o.criteria and (on_sale(o, request.today) or o.code in held)]
    found = [
        Progress(
            offer,
            attainment(offer, known.get(offer.code, {}), held=offer.code in held),
            [Measured(c, known.get(offer.code, {}).get(c.code, 0)) for c in offer.criteria],
        )
        for offer in offers
    ]
    may_see = may(request.actor, "offers.view", request.partner.pk)
    return render(request, "portal/competencies.html", {"competencies": found, "may_see_offers": may_see})
