"""Orders: what one says of itself, when it expires, and what a contact must give. Pure.

It decides an order's status from its facts. It must never decide whether money has moved. Sources: domain.md
§3.2, §3.5, decisions 5 and 8. Read next: ``purchases/actions.py``.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from tenure.kernel.money import Money
from tenure.kernel.periods import plus_days
from tenure.kernel.refusals import Invalid
from tenure.payments.rules import UNANSWERED, AttemptStatus, Method
from tenure.programme.rules import Policy


class Purpose(StrEnum):
    PURCHASE = "purchase"
    RENEWAL = "renewal"


class Origin(StrEnum):
    PERSON = "person"
    AUTO_RENEWAL = "auto_renewal"


class OrderStatus(StrEnum):
    AWAITING_PAYMENT = "awaiting_payment"
    SHORT_PAID = "short_paid"
    UNFINISHED = "unfinished"
    CHECKING = "checking"
    PAID = "paid"
    REFUNDED = "refunded"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Closing(StrEnum):
    EXPIRED = "expired"
    CANCELLED = "cancelled"


def expires_on(placed_on: date, method: Method, policy: Policy) -> date:
    """The last day on which an order can be paid, inclusive: 30 days for a transfer, the day itself for a card.

    >>> str(expires_on(date(2019, 7, 1), Method.BANK_TRANSFER, Policy(1, date(2010, 1, 1))))
    '2019-07-31'
    """
    return plus_days(placed_on, policy.order_expiry_days) if method is Method.BANK_TRANSFER else placed_on


def faults_of_split(left: Money, parts: Sequence[tuple[str, Money]]) -> dict[int, str]:
    """What is wrong with dividing the rest of a transfer between orders, by the place of the part.

    >>> wire, half = Money(31_500, "TWD"), Money(15_750, "TWD")
    >>> faults_of_split(wire, [("O-2019-000418", half), ("O-2019-000419", half)])
    {}
    >>> faults_of_split(wire, [("O-2019-000418", half), ("O-2019-000418", wire)])
    {1: 'split.order_twice'}
    """
    faults: dict[int, str] = {}
    seen: set[str] = set()
    given = 0
    for n, (number, amount) in enumerate(parts):
        given += amount.minor
        if amount.currency != left.currency:
            faults[n] = "transfers.wrong_currency"
        elif amount.minor <= 0:
            faults[n] = "number.impossible"
        elif number in seen:
            faults[n] = "split.order_twice"
        elif given > left.minor:
            faults[n] = "split.more_than_there_is"
        seen.add(number)
    return faults


def has_to_be_approved(total: Money, above: Money | None) -> bool:
    """Whether an order waits for an approver; one in another currency than the limit's always does.

    >>> limit = Money(15_750, "TWD")
    >>> [has_to_be_approved(Money(n, c), limit) for n, c in ((15_750, "TWD"), (15_751, "TWD"), (1, "USD"))]
    [False, True, True]
    >>> has_to_be_approved(Money(1, "TWD"), None)
    False
    """
    return above is not None and (total.currency != above.currency or total.minor > above.minor)


@dataclass(frozen=True, slots=True)
class OrderFacts:
    method: Method
    expires_on: date
    paid: bool
    refunded: bool
    closed: Closing | None
    attempt: AttemptStatus | None = None
    """The status of the order's newest attempt to charge."""
    received_minor: int = 0


def status(facts: OrderFacts, today: date) -> OrderStatus:
    """What an order is today. Past its last day it is expired, whether or not a job has closed it.

    >>> wire = OrderFacts(Method.BANK_TRANSFER, date(2019, 7, 31), False, False, None)
    >>> status(wire, date(2019, 7, 31)).value, status(wire, date(2019, 8, 1)).value
    ('awaiting_payment', 'expired')
    """
    if facts.paid:
        return OrderStatus.REFUNDED if facts.refunded else OrderStatus.PAID
    if facts.closed:
        return OrderStatus(facts.closed)
    if facts.attempt in UNANSWERED:
        return OrderStatus.CHECKING
    if today > facts.expires_on:
        return OrderStatus.EXPIRED
    if facts.method is Method.BANK_TRANSFER:
        return OrderStatus.SHORT_PAID if facts.received_minor else OrderStatus.AWAITING_PAYMENT
    return OrderStatus.UNFINISHED


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom the programme can reach about a transfer."""

    name: str = ""
    phone: str = ""
    email: str = ""


def check_contact(contact: Contact) -> None:
    """Refuse a transfer's contact that could not be reached, naming each field (domain.md S16).

    >>> check_contact(Contact("陳美玲", "02 2712 3456", "mei@fabrik.example"))
    >>> try:
    ...     check_contact(Contact("Mei", "02-1234", ""))
    ... except Invalid as refusal:
    ...     refusal.fields
    {'phone': 'contact.phone_malformed', 'email': 'contact.email_missing'}
    """
    faults = {}
    if not contact.name.strip():
        faults["name"] = "contact.name_missing"
    if not contact.phone.strip():
        faults["phone"] = "contact.phone_missing"
    elif not phone_is_sound(contact.phone):
        faults["phone"] = "contact.phone_malformed"
    if not contact.email.strip():
        faults["email"] = "contact.email_missing"
    elif not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]{2,}", contact.email.strip()):
        faults["email"] = "contact.email_malformed"
    if faults:
        raise Invalid(faults)


def phone_is_sound(phone: str) -> bool:
    """A number with its area code: eight to fifteen digits, with the marks people write between them.

    >>> phone_is_sound("+886 2 2712 3456"), phone_is_sound("02-1234"), phone_is_sound("call me")
    (True, False, False)
    """
    digits = re.sub(r"[\s().\-/]", "", phone.removeprefix("+"))
    return digits.isascii() and digits.isdigit() and 8 <= len(digits) <= 15


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks to buy or renew, with the total and the terms they were shown.

    ``key`` makes asking twice the same as asking once; it is minted when the checkout begins.
    """

    key: str
    offer: str
    method: Method
    language: str
    expected_total: Money | None = None
    terms_version: str = ""
    contact: Contact = Contact()
    auto_renew: bool = True
    card: int | None = None
    """The id of a card kept earlier; ``None`` asks for the gateway's page."""

    def fingerprint(self) -> str:
        """The hash of everything that must not change under the same key."""
        body: list[object] = [self.offer, self.method, self.terms_version, self.contact.name, self.contact.phone]
        body += [self.contact.email, self.auto_renew, self.card, self.expected_total]
        return hashlib.sha256(repr(body).encode()).hexdigest()
