"""The company's locations: the list, adding one, and keeping one up. Removing is support's.

It decides nothing; ``partners/locations.py`` does. Read next: that file.
"""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from tenure.kernel.access import may
from tenure.kernel.refusals import Invalid, Refusal
from tenure.partners import locations as branches
from tenure.partners.queries import location as location_by_id
from tenure.partners.queries import locations as locations_of
from tenure.partners.rules import Place
from tenure.web.portal.company_form import own_first
from tenure.web.shared.forms import Field, Reading
from tenure.web.shared.messages import field_errors, words_of
from tenure.web.shared.pages import can_help, owned, portal

NAMES = ("name", "address", "city", "postcode", "country", "contact_name", "contact_email", "contact_phone")


@portal("company.view")
def locations(request: HttpRequest) -> HttpResponse:
    """Where the company works, each place with its own ID and whom to reach there."""
    given = {
        "locations": list(locations_of(request.partner.pk)),
        "add_helpers": can_help(request, "partners.add_location"),
        "may_change": may(request.actor, "partners.change_location", request.partner.pk),
        "nav": "portal:company",
    }
    return render(request, "portal/locations.html", given)


@portal("partners.add_location")
def location_new(request: HttpRequest) -> HttpResponse:
    """Add a location."""
    return _form(request, None)


@portal("partners.change_location")
def location_edit(request: HttpRequest, id: int) -> HttpResponse:
    """Change a location or its contact."""
    return _form(request, owned(request, location_by_id(id), "partners.change_location"))


def _form(request: HttpRequest, row: Any) -> HttpResponse:
    errors: dict[str, str] = {}
    values: Mapping[str, Any] = {name: getattr(row, name) for name in NAMES} if row else {}
    if request.method == "POST":
        values = request.POST
        try:
            number = _kept(request, row).number
        except Invalid as invalid:
            errors = field_errors(invalid)
        except Refusal as refusal:
            errors = {"name": words_of(refusal)}
        else:
            words = _("Location %(number)s is saved.") % {"number": number}
            flash.success(request, words, extra_tags="ok")
            return redirect("portal:locations")
    given = {"location": row, "errors": errors, "fields": _fields(request, values, errors), "nav": "portal:company"}
    return render(request, "portal/location.html", given, status=400 if errors else 200)


def _kept(request: HttpRequest, row: Any) -> Any:
    place = read_place(Reading(request.POST), [code for code, _name in own_first(request.programme)])
    if row is None:
        return branches.add_location(request.actor, request.partner, place=place, now=request.now)
    return branches.change_location(request.actor, row, place=place, now=request.now)


def read_place(reading: Reading, countries: list[str]) -> Place:
    """A location from a form, every fault found at once."""
    place = Place(
        name=reading.text("name"),
        country=reading.choice("country", countries, missing="text.missing"),
        address=reading.text("address"),
        city=reading.text("city", limit=100),
        postcode=reading.text("postcode", limit=20, required=False),
        contact_name=reading.text("contact_name", limit=120, missing="contact.name_missing"),
        contact_email=reading.email("contact_email"),
        contact_phone=reading.text("contact_phone", limit=40, missing="contact.phone_missing"),
    )
    reading.check()
    return place


def _fields(request: HttpRequest, values: Mapping[str, Any], errors: dict[str, str]) -> list[Field]:
    said: dict[str, dict[str, Any]] = {
        "name": {"label": _("Name of the location"), "hint": _("For example the city or the branch.")},
        "address": {"label": _("Street address"), "autocomplete": "street-address"},
        "city": {"label": _("City"), "autocomplete": "address-level2"},
        "postcode": {"label": _("Postcode"), "autocomplete": "postal-code", "short": True, "optional": True},
        "country": {
            "label": _("Country"),
            "type": "select",
            "options": [("", _("Choose a country")), *own_first(request.programme)],
        },
        "contact_name": {"label": _("Primary contact"), "autocomplete": "name"},
        "contact_email": {"label": _("E-mail address"), "type": "email", "autocomplete": "email"},
        "contact_phone": {"label": _("Phone"), "type": "tel", "autocomplete": "tel", "short": True},
    }
    return [Field(name, value=values.get(name) or "", error=errors.get(name, ""), **said[name]) for name in NAMES]
