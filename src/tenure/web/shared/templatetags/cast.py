"""Whom a demonstration offers to sign in as: people in places, told by what is interesting about their company.

``{% load cast %}{% cast %}``. It must never show anything outside a demonstration. Read next:
``web/portal/session.py``, which lets them in.
"""

from dataclasses import dataclass
from typing import Any

from django import template
from django.conf import settings

from tenure.kernel.text import Text
from tenure.memberships.queries import held_by
from tenure.partners.queries import by_id
from tenure.people.queries import cast as people_in_places
from tenure.web.shared.sign_in_elsewhere import of_instance

register = template.Library()
LOOKED_AT = 40
COMPANIES = 9
EACH = 3


@dataclass(frozen=True, slots=True)
class Company:
    """One company of the demonstration: its standing, what it holds, and some of its people with their roles."""

    partner: Any
    held: list[tuple[Text | str, str]]
    people: list[tuple[Any, list[Text]]]


@register.inclusion_tag("parts/cast.html", takes_context=True)
def cast(context: template.Context) -> dict[str, Any]:
    """The people of the demonstration, at most a screenful; nothing in a real instance."""
    programme, today = context.get("programme"), context.get("today")
    if not settings.TENURE_DEMO or programme is None:
        return {}
    staff, places = people_in_places(LOOKED_AT)
    partners = by_id({place.partner_id for place in places})
    held = held_by(partners, today)
    names = {role.code: role.name for role in programme.roles}
    offers = {offer.code: offer.name for offer in programme.offers}
    ordered = sorted(partners.values(), key=lambda partner: partner.pk)
    shown = _varied(ordered, held)

    def told(partner: Any) -> Company:
        its_own = [place for place in places if place.partner_id == partner.pk][:EACH]
        return Company(
            partner,
            [(offers.get(offer, offer), status) for offer, status in held.get(partner.pk, [])],
            [(place.user, [names[code] for code in place.roles if code in names]) for place in its_own],
        )

    companies = [told(partner) for partner in shown]
    others = [told(partner) for partner in ordered if partner not in shown]
    office = [(person, [names[code] for code in person.staff_roles if code in names]) for person in staff[:COMPANIES]]
    return {"companies": companies, "others": others, "office": office, "request": context.get("request")}


@register.simple_tag
def everybodys_sign_in() -> Any:
    """The provider that everybody of this installation may sign in with, if one is set up."""
    return of_instance()


def _varied(partners: list[Any], held: dict[int, list[tuple[str, str]]]) -> list[Any]:
    """The first company of each kind of standing before a second of any: a demonstration shows what there is."""
    seen: dict[Any, int] = {}
    ranked = []
    for partner in partners:
        kind = (partner.standing, partner.managed_in, frozenset(status for _offer, status in held.get(partner.pk, [])))
        seen[kind] = seen.get(kind, 0) + 1
        ranked.append((seen[kind], partner.pk, partner))
    chosen = [partner for _nth, _pk, partner in sorted(ranked, key=lambda one: one[:2])[:COMPANIES]]
    return sorted(chosen, key=lambda partner: partner.pk)
