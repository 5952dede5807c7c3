"""What a company's data must look like, and what its facts say of its standing. Pure."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from stdnum import get_cc_module

from tenure.kernel.periods import plus_days
from tenure.kernel.refusals import Invalid


class Standing(StrEnum):
    PENDING = "pending"
    AUTHORISED = "authorised"
    REJECTED = "rejected"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class ManagedIn(StrEnum):
    HERE = "here"
    OLD_PORTAL = "legacy"


@dataclass(frozen=True, slots=True)
class Company:
    """What a company says of itself when it joins or changes its data."""

    legal_name: str
    country: str
    address: str
    city: str
    postcode: str
    contact_name: str
    contact_email: str
    contact_phone: str
    tax_id: str = ""
    registration_number: str = ""
    billing_name: str = ""
    billing_address: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """What a company says of one of its locations, with whom to reach there."""

    name: str
    country: str
    address: str
    city: str
    postcode: str
    contact_name: str
    contact_email: str
    contact_phone: str


def check_place(place: Place) -> None:
    """Refuse a location nobody could find or reach, naming each field.

    >>> try:
    ...     check_place(Place("Tainan", "TW", "1 Minquan Road", "", "700", "Bo", "bo@contoso.example", "06 220 1188"))
    ... except Invalid as refusal:
    ...     refusal.fields
    {'city': 'text.missing'}
    """
    needed = ("name", "country", "address", "city", "contact_name", "contact_email", "contact_phone")
    if faults := {field: "text.missing" for field in needed if not getattr(place, field).strip()}:
        raise Invalid(faults)


LEGAL = ("legal_name", "country", "address", "city", "postcode", "registration_number")
"""Fields whose change re-opens the business check (domain.md §3.1, 7)."""


def standing(
    verified_at: datetime | None,
    rejected_at: datetime | None,
    suspended_at: datetime | None,
    closed_at: datetime | None,
) -> Standing:
    """A company's standing, derived from what has happened to it.

    >>> standing(None, None, None, None)
    <Standing.PENDING: 'pending'>
    """
    if closed_at:
        return Standing.CLOSED
    if suspended_at:
        return Standing.SUSPENDED
    if rejected_at:
        return Standing.REJECTED
    return Standing.AUTHORISED if verified_at else Standing.PENDING


def taiwan_business_number_is_sound(number: str) -> bool:
    """The check of a 統一編號 under the rule in force since 2023 (weights 1,2,1,2,1,2,4,1; sum divisible by 5).

    When the seventh digit is 7 its product 28 may count as 10 or as 1, so a sum one higher is sound too.

    >>> taiwan_business_number_is_sound("04595257"), taiwan_business_number_is_sound("12345670")
    (True, True)
    >>> taiwan_business_number_is_sound("12345672"), taiwan_business_number_is_sound("1234567")
    (False, False)
    """
    if len(number) != 8 or not (number.isascii() and number.isdigit()):
        return False
    products = (int(digit) * weight for digit, weight in zip(number, (1, 2, 1, 2, 1, 2, 4, 1), strict=True))
    total = sum(product // 10 + product % 10 for product in products)
    return total % 5 == 0 or (number[6] == "7" and (total + 1) % 5 == 0)


EUROPEAN_UNION = frozenset("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split())
TAX_NUMBERS = ("vat", "cn", "tin", "ein", "businessid", "brn", "abn", "bn", "uscc", "gstin", "uid")
"""The kinds of number by which a country's companies may be known to its tax office."""


def tax_id_is_sound(country: str, number: str) -> bool:
    """Whether a tax number can be right by its check digits; offline, so not whether it is anybody's.

    In the Union only a VAT number counts, with or without its country in front. Where no rule is known, any
    number passes.

    >>> tax_id_is_sound("DE", "DE 136 695 976"), tax_id_is_sound("DE", "136695975"), tax_id_is_sound("HK", "1")
    (True, False, True)
    >>> tax_id_is_sound("GR", "EL094259216"), tax_id_is_sound("DE", "FR23334175221")
    (True, False)
    """
    if country == "TW":
        return taiwan_business_number_is_sound(number)
    kinds = ("vat",) if country in EUROPEAN_UNION else TAX_NUMBERS
    known = [module for module in (get_cc_module(country, kind) for kind in kinds) if module]
    return not known or any(module.is_valid(number) for module in known)


@dataclass(frozen=True, slots=True)
class Exemption:
    certificate: str
    valid_from: date
    valid_to: date


def exemption_on(exemptions: list[Exemption], day: date) -> Exemption | None:
    """The tax exemption that covers a day, if any."""
    return next((e for e in exemptions if e.valid_from <= day <= e.valid_to), None)


class ExemptionKind(StrEnum):
    """On what ground a company owes no tax."""

    GOVERNMENT = "government"
    EDUCATION = "education"
    CHARITY = "charity"
    INTERNATIONAL = "international"
    OTHER = "other"


class ApplicationStatus(StrEnum):
    SUBMITTED = "submitted"
    PENDING_PARTNER = "pending_partner"
    ACCEPTED = "accepted"
    REFUSED = "refused"


APPLICATION_MOVES: dict[ApplicationStatus, frozenset[ApplicationStatus]] = {
    ApplicationStatus.SUBMITTED: frozenset(ApplicationStatus) - {ApplicationStatus.SUBMITTED},
    ApplicationStatus.PENDING_PARTNER: frozenset(ApplicationStatus) - {ApplicationStatus.PENDING_PARTNER},
    ApplicationStatus.ACCEPTED: frozenset(),
    ApplicationStatus.REFUSED: frozenset(),
}
NOTICE_DAYS = 30
"""How long before its last day an exemption's company is told that it ends."""


def check_dates(valid_from: date, valid_to: date, today: date) -> None:
    """Refuse days between which no order can be placed any more.

    >>> try:
    ...     check_dates(date(2018, 1, 1), date(2018, 12, 31), date(2019, 6, 1))
    ... except Invalid as refusal:
    ...     refusal.fields
    {'valid_to': 'exemption.over'}
    """
    if valid_to < valid_from:
        raise Invalid({"valid_to": "exemption.ends_before_it_begins"})
    if valid_to < today:
        raise Invalid({"valid_to": "exemption.over"})


def goes_on(ends: date, others: Iterable[Exemption]) -> bool:
    """Whether another exemption covers the day after one ends, so that nobody need be told.

    >>> goes_on(date(2019, 12, 31), [Exemption("B", date(2020, 1, 1), date(2020, 12, 31))])
    True
    """
    return exemption_on(list(others), plus_days(ends, 1)) is not None


LEGAL_FORMS = frozenset(
    "co corp corporation company inc incorporated llc llp ltd limited plc gmbh ag kg ug ohg sa sas sarl srl spa bv nv "
    "oy oyj ab as aps pte pty kk".split()
)
# Japan writes this sign as the mainland does; everywhere else here it would be a slip.
_KAI = chr(0x4F1A)
CHINESE_FORMS = ("股份有限公司", "有限公司", "股份公司", "公司", f"株式{_KAI}社", f"合同{_KAI}社", "企業社", "行號")


def name_key(name: str) -> str:
    """A company's name as far as two companies must differ in it: no case, no marks, no legal form.

    >>> name_key("Contoso Taiwan Co., Ltd.") == name_key("ＣＯＮＴＯＳＯ taiwan"), name_key("曙光系統股份有限公司")
    (True, '曙光系統')
    >>> name_key("Müller & Söhne GmbH"), name_key("Ltd.")
    ('mullersohne', 'ltd')
    """
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name)).casefold()
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    for form in CHINESE_FORMS:
        plain = plain.replace(form, " ")
    words = "".join(c if c.isalnum() else " " for c in plain.replace(".", "")).split()
    return "".join([word for word in words if word not in LEGAL_FORMS] or words)
