"""The form of a company's data, the same when it joins and when it changes: what is asked, and how it is read.

Whether data can be right is decided in ``enrolment/rules.py`` and ``purchases/rules.py``; here their findings are
put beside the fields. It must never store anything.
"""

import unicodedata
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from tenure.enrolment.rules import check_company
from tenure.kernel.refusals import Invalid
from tenure.partners.rules import Company
from tenure.programme.rules import Programme
from tenure.purchases.rules import Contact, check_contact
from tenure.web.shared.forms import Field, Reading
from tenure.web.shared.language import country_names, language

LEGAL = ("legal_name", "registration_number", "tax_id", "country", "address", "city", "postcode")
CONTACT = ("contact_name", "contact_email", "contact_phone")
BILLING = ("billing_name", "billing_address")


def read_company(reading: Reading) -> Company:
    """The company's data from a form; every fault that can be seen is noted, whoever finds it."""
    company = Company(
        legal_name=reading.text("legal_name"),
        country=reading.choice("country", [code for code, _name in country_names(language())], missing="text.missing"),
        address=reading.text("address"),
        city=reading.text("city", limit=100),
        postcode=reading.text("postcode", limit=20, required=False),
        contact_name=reading.text("contact_name", limit=120, missing="contact.name_missing"),
        contact_email=reading.text("contact_email", limit=254, missing="contact.email_missing"),
        contact_phone=reading.text("contact_phone", limit=40, missing="contact.phone_missing"),
        tax_id=_plain(reading.text("tax_id", limit=40, required=False)),
        registration_number=reading.text("registration_number", limit=40, required=False),
        billing_name=reading.text("billing_name", required=False),
        billing_address=reading.text("billing_address", limit=300, required=False),
    )
    try:
        check_company(company)
    except Invalid as invalid:
        _note(reading, invalid)
    try:
        check_contact(Contact(company.contact_name, company.contact_phone, company.contact_email))
    except Invalid as invalid:
        _note(reading, Invalid({f"contact_{name}": code for name, code in invalid.fields.items()}))
    return company


def groups(values: Mapping[str, Any], errors: Mapping[str, str], request: HttpRequest) -> list[tuple[str, list[Field]]]:
    """The fields of a company under their headings, as typed and with what is wrong."""
    said = _fields(request)
    headings = ((_("Legal profile"), LEGAL), (_("Contact"), CONTACT), (_("Billing"), BILLING))

    def field(name: str) -> Field:
        return Field(name, value=values.get(name) or "", error=errors.get(name, ""), **said[name])

    return [(heading, [field(name) for name in names]) for heading, names in headings]


def _fields(request: HttpRequest) -> dict[str, dict[str, Any]]:
    optional = {"optional": True}
    return {
        "legal_name": {
            "label": _("Legal company name"),
            "hint": _("As it stands in the company register."),
            "autocomplete": "organization",
        },
        "registration_number": {"label": _("Registration number"), **optional},
        "tax_id": {
            "label": _("Business number or VAT ID"),
            "hint": _("In Taiwan the business number of eight digits."),
            **optional,
        },
        "country": {
            "label": _("Country"),
            "type": "select",
            "options": [("", _("Choose a country")), *own_first(request.programme)],
            "autocomplete": "country",
        },
        "address": {"label": _("Street address"), "autocomplete": "street-address"},
        "city": {"label": _("City"), "autocomplete": "address-level2"},
        "postcode": {"label": _("Postcode"), "autocomplete": "postal-code", "short": True, **optional},
        "contact_name": {
            "label": _("Name"),
            "hint": _("The person who may sign contracts for the company."),
            "autocomplete": "name",
        },
        "contact_email": {
            "label": _("E-mail address"),
            "hint": _("At your company's own domain, and read by this person alone."),
            "type": "email",
            "autocomplete": "email",
        },
        "contact_phone": {"label": _("Phone"), "type": "tel", "autocomplete": "tel", "short": True},
        "billing_name": {"label": _("Name on invoices"), "hint": _("If it differs from the legal name."), **optional},
        "billing_address": {
            "label": _("Billing address"),
            "hint": _("If invoices go to another address."),
            "type": "textarea",
            "rows": 3,
            **optional,
        },
    }


def own_first(programme: Programme) -> list[tuple[str, str]]:
    """The countries the programme bills in its own currencies first, then all others."""
    named = country_names(language())
    return [pair for pair in named if pair[0] in programme.currencies] + [
        pair for pair in named if pair[0] not in programme.currencies
    ]


def values_of(partner: Any) -> dict[str, str]:
    return {name: getattr(partner, name) for name in (*LEGAL, *CONTACT, *BILLING)}


def _plain(text: str) -> str:
    """A number without blanks, in half-width figures."""
    return "".join(unicodedata.normalize("NFKC", text).split()).upper()


def _note(reading: Reading, invalid: Invalid) -> None:
    for name, code in invalid.fields.items():
        reading.refuse(name, code)
