"""Joining: which addresses may join, what is checked, and when a company counts as verified. Pure.

Sources: domain.md §3.1 and R27. The order of the checks is the order in which they are told.
"""

from enum import StrEnum

from tenure.kernel.refusals import Invalid
from tenure.partners.rules import Company, tax_id_is_sound

PERSONAL_DOMAINS = frozenset(
    "gmail.com outlook.com hotmail.com live.com yahoo.com yahoo.com.tw icloud.com me.com aol.com gmx.de gmx.net "
    "web.de proton.me protonmail.com qq.com 163.com hinet.net msa.hinet.net pchome.com.tw seed.net.tw".split()
)
ROLE_NAMES = frozenset("info admin marketing sales support office contact hello webmaster postmaster".split())


class Kind(StrEnum):
    EMAIL = "email"
    EMPLOYMENT = "employment"
    BUSINESS = "business"


class State(StrEnum):
    PENDING = "pending"
    PASSED = "passed"
    REJECTED = "rejected"


def address_fault(email: str) -> str | None:
    """Why an address cannot enrol a company, as a refusal code; ``None`` when it can.

    >>> address_fault("ann@gmail.com"), address_fault("info@contoso.example"), address_fault("ann@contoso.example")
    ('enrolment.personal_address', 'enrolment.role_address', None)
    """
    name, _, domain = email.strip().lower().rpartition("@")
    if not name or "." not in domain:
        return "contact.email_malformed"
    if domain in PERSONAL_DOMAINS:
        return "enrolment.personal_address"
    return "enrolment.role_address" if name in ROLE_NAMES else None


def check_company(company: Company) -> None:
    """Refuse a company whose data cannot be right, naming each field."""
    faults = {
        field: "text.missing"
        for field in ("legal_name", "country", "address", "city", "contact_name", "contact_email", "contact_phone")
        if not getattr(company, field)
    }
    if company.tax_id and not tax_id_is_sound(company.country, company.tax_id):
        faults["tax_id"] = "company.business_number_wrong" if company.country == "TW" else "company.tax_id_wrong"
    if faults:
        raise Invalid(faults)


def verdict(states: dict[Kind, State]) -> State:
    """What the checks say together: any rejection rejects, all passed verifies.

    >>> verdict({Kind.EMAIL: State.PASSED, Kind.EMPLOYMENT: State.PENDING, Kind.BUSINESS: State.PASSED})
    <State.PENDING: 'pending'>
    """
    if State.REJECTED in states.values():
        return State.REJECTED
    return State.PASSED if set(states.values()) == {State.PASSED} and len(states) == len(Kind) else State.PENDING
