"""Whom a demonstration offers to sign in as: people in places, told by what is interesting about their company.

``{% load cast %}{% cast %}``. It must never show anything outside a demonstration. Read next:
``web/portal/session.py``, which lets them in.
"""

from dataclasses import dataclass
from typing import Any

from django import template
from django.conf import settings

from tenure.kernel.text import Text
from tenure.memberships.queries import holdings
from tenure.partners.queries import by_id
from tenure.people.queries import cast as people_in_places
from tenure.programme.rules import Programme

register = template.Library()
COMPANIES = 8
EACH = 3


@dataclass(frozen=True, slots=True)
class Company:
    """One company of the demonstration: its standing, what it holds, and some of its people with their roles."""

    partner: Any
    held: list[tuple[Text, str]]
    people: list[tuple[Any, list[Text]]]


@register.inclusion_tag("parts/cast.html", takes_context=True)
def cast(context: template.Context) -> dict[str, Any]:
    """The people of the demonstration, at most a screenful; nothing in a real instance."""
    programme, today = context.get("programme"), context.get("today")
    if not settings.TENURE_DEMO or programme is None:
        return {}
    staff, places = people_in_places(COMPANIES)
    names = {role.code: role.name for role in programme.roles}
    partners = by_id({place.partner_id for place in places})
    companies = [
        Company(
            partner,
            _held(partner, programme, today),
            [
                (place.user, [names[code] for code in place.roles if code in names])
                for place in [p for p in places if p.partner_id == partner.pk][:EACH]
            ],
        )
        for partner in sorted(partners.values(), key=lambda partner: partner.pk)
    ]
    office = [(person, [names[code] for code in person.staff_roles if code in names]) for person in staff[:COMPANIES]]
    return {"companies": companies, "office": office, "request": context.get("request")}


def _held(partner: Any, programme: Programme, today: Any) -> list[tuple[Text, str]]:
    found = []
    for holding in holdings(partner.pk):
        if holding.subscription.superseded_at is None:
            standing = holding.standing(today)
            name = programme.offer(holding.subscription.offer).name
            found.append((name, "suspended" if standing.suspended else standing.status))
    return found
