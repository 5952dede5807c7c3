"""What a company's data must look like, and what its facts say of its standing. Pure."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


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


@dataclass(frozen=True, slots=True)
class Exemption:
    certificate: str
    valid_from: date
    valid_to: date


def exemption_on(exemptions: list[Exemption], day: date) -> Exemption | None:
    """The tax exemption that covers a day, if any."""
    return next((e for e in exemptions if e.valid_from <= day <= e.valid_to), None)
