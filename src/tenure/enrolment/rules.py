"""Joining: which addresses may join, what is checked, and when a company counts as verified. Pure.

Sources: domain.md §3.1 and R27. The order of the checks is the order in which they are told.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from tenure.kernel.refusals import Invalid
from tenure.partners.rules import LEGAL, Company, tax_id_is_sound

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


def domain_of(email: str) -> str:
    """The domain an address belongs to.

    >>> domain_of("Ann@Contoso.Example ")
    'contoso.example'
    """
    return email.strip().lower().rpartition("@")[2]


def reopened(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[Kind, dict[str, list[Any]]]:
    """The checks that a change of data opens again, each with exactly what it has to look at (domain.md §3.1, 7).

    Who moves to another mailbox of the same domain confirms it and is still known to work there.

    >>> reopened({"contact_email": "ann@contoso.example"}, {"contact_email": "bo@contoso.example"})
    {<Kind.EMAIL: 'email'>: {'contact_email': ['ann@contoso.example', 'bo@contoso.example']}}
    >>> list(reopened({"legal_name": "A", "contact_phone": "1"}, {"legal_name": "B", "contact_phone": "2"}))
    [<Kind.BUSINESS: 'business'>]
    """
    looked_at: dict[Kind, tuple[str, ...]] = {Kind.EMAIL: ("contact_email",), Kind.BUSINESS: LEGAL}
    email = "contact_email"
    if email in after and domain_of(before[email]) != domain_of(after[email]):
        looked_at[Kind.EMPLOYMENT] = (email,)
    found = {}
    for kind, names in looked_at.items():
        if differs := {name: [before[name], after[name]] for name in names if name in after}:
            found[kind] = differs
    return found


def still_changed(known: Mapping[str, list[Any]], further: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """What differs from the data last decided on, after a further change; what was changed back differs no more.

    >>> still_changed({"city": ["Taipei", "Tainan"]}, {"city": ["Tainan", "Taipei"], "postcode": ["1", "2"]})
    {'postcode': ['1', '2']}
    """
    merged = {name: [known[name][0] if name in known else was, now] for name, (was, now) in further.items()}
    return {name: pair for name, pair in {**known, **merged}.items() if pair[0] != pair[1]}
