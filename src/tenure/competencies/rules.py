"""Whether a company meets an offer's criteria, and what is missing. Pure. Sources: domain.md §3.12."""

from enum import StrEnum

from tenure.offers.rules import MissingCriterion
from tenure.programme.rules import Criterion, Offer


def missing(offer: Offer, figures: dict[str, int]) -> tuple[MissingCriterion, ...]:
    """The criteria not met, with the figure known and the one needed; a figure nobody recorded counts as 0.

    >>> from tenure.kernel.text import Text
    >>> exams = Criterion("exams", Text("Certified professionals", "認證專業人員"), 4)
    >>> [(m.value, m.threshold) for m in unmet((exams,), {"exams": 3})]
    [(3, 4)]
    """
    return unmet(offer.criteria, figures)


def unmet(criteria: tuple[Criterion, ...], figures: dict[str, int]) -> tuple[MissingCriterion, ...]:
    return tuple(
        MissingCriterion(c.name, figures.get(c.code, 0), c.threshold)
        for c in criteria
        if figures.get(c.code, 0) < c.threshold
    )


class Attainment(StrEnum):
    NOT_STARTED = "not_started"
    STARTED = "started"
    QUALIFIED = "qualified"
    ACTIVE = "active"
    AT_RISK = "at_risk"


def attainment(offer: Offer, figures: dict[str, int], *, held: bool) -> Attainment:
    """How a company stands to a competency: on the way to it, ready to buy it, holding it, or about to lose it.

    ``held`` is whether its subscription is active or in its window (domain.md §3.12).
    """
    lacking = missing(offer, figures)
    if held:
        return Attainment.AT_RISK if lacking else Attainment.ACTIVE
    if not lacking:
        return Attainment.QUALIFIED
    return Attainment.STARTED if any(figures.get(c.code) for c in offer.criteria) else Attainment.NOT_STARTED
