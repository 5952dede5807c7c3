"""What the API tells, as values. Amounts keep their figure as text: money is never a float."""

from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of one currency.

    >>> Amount("498.75", "USD").value
    Decimal('498.75')
    """

    amount: str
    currency: str

    @property
    def value(self) -> Decimal:
        return Decimal(self.amount)

    def told(self) -> dict[str, str]:
        return {"amount": self.amount, "currency": self.currency}


@dataclass(frozen=True, slots=True)
class Words:
    """One meaning in both languages."""

    en: str
    zh_hant: str


@dataclass(frozen=True, slots=True)
class Told:
    """Made from an answer: a field that a later server adds is left out, so an old client goes on."""

    @classmethod
    def of(cls, told: dict[str, Any]) -> Self:
        return cls(**{each.name: _value(each.type, told.get(each.name)) for each in fields(cls)})


@dataclass(frozen=True, slots=True)
class Check(Told):
    code: str
    passed: bool
    detail: str
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Eligibility(Told):
    allowed: bool
    action: str
    opens_on: date | None
    closes_on: date | None
    zone: str
    checks: list[Check]

    @property
    def reasons(self) -> list[str]:
        """The codes of the conditions that are not met."""
        return [check.code for check in self.checks if not check.passed]


@dataclass(frozen=True, slots=True)
class Price(Told):
    net: Amount
    tax: Amount
    total: Amount
    tax_rate_percent: str


@dataclass(frozen=True, slots=True)
class Offer(Told):
    code: str
    kind: str
    name: Words
    summary: Words
    price: Price | None
    payment_methods: list[str]
    terms_version: str
    subscription: int | None
    open_order: str | None
    action: str
    allowed: bool


@dataclass(frozen=True, slots=True)
class Transfer(Told):
    """Where the money for an order goes."""

    holder: str
    bank: str
    account: str
    swift: str
    reference: str


@dataclass(frozen=True, slots=True)
class Order(Told):
    number: str
    status: str
    purpose: str
    offer: str
    subscription: int | None
    payment_method: str
    net: Amount
    tax: Amount
    total: Amount
    received: Amount
    placed_at: datetime
    pay_by: date
    paid_at: datetime | None
    invoice: str | None
    decline: str
    pay_url: str | None
    transfer: Transfer | None


@dataclass(frozen=True, slots=True)
class Card(Told):
    payment_token: str
    brand: str
    last4: str
    expires: str


@dataclass(frozen=True, slots=True)
class Subscription(Told):
    id: int
    offer: str
    status: str
    suspended: bool
    starts_on: date
    expires_on: date
    renewal_opens_on: date
    renewal_closes_on: date
    auto_renew: bool
    card: str | None
    cancelled_on: date | None


@dataclass(frozen=True, slots=True)
class Term(Told):
    n: int
    kind: str
    starts_on: date
    expires_on: date
    renewal_opens_on: date
    renewal_closes_on: date
    revoked: bool


@dataclass(frozen=True, slots=True)
class Invoice(Told):
    number: str
    kind: str
    issued_on: date
    net: Amount
    tax: Amount
    total: Amount
    language: str
    amends: str | None


@dataclass(frozen=True, slots=True)
class Note(Told):
    text: str
    by_staff: bool
    author: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SupportRequest(Told):
    number: str
    problem_type: str
    subject: str
    subscription: int | None
    action: str
    status: str
    outcome: str
    opened_at: datetime
    moved_at: datetime
    closed_at: datetime | None
    notes: list[Note]


@dataclass(frozen=True, slots=True)
class Benefit(Told):
    id: int
    code: str
    kind: str
    name: Words
    subscription: int
    quantity: int
    used: int
    left: int
    ends_on: date
    revoked: bool


@dataclass(frozen=True, slots=True)
class User(Told):
    id: int
    name: str
    email: str
    roles: list[str]
    since: datetime
    active: bool


@dataclass(frozen=True, slots=True)
class Invitation(Told):
    id: int
    email: str
    name: str
    roles: list[str]
    invited_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Key(Told):
    name: str
    prefix: str
    side: str
    partner: str | None
    scopes: list[str]
    rights: list[str]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Partner(Told):
    id: int
    number: str
    legal_name: str
    country: str
    standing: str
    managed_in: str
    contact_name: str
    contact_email: str
    language: str


@dataclass(frozen=True, slots=True)
class BankCredit(Told):
    """A credit on the programme's bank statement."""

    id: int
    account: str
    value_on: date
    amount: Amount
    given: Amount
    reference: str
    payer: str
    ignored_reason: str


def _value(kind: Any, told: Any) -> Any:
    """A part of an answer as its field wants it."""
    if told is None:
        return [] if str(kind).startswith("list") else None
    options = [each for each in getattr(kind, "__args__", (kind,)) if each is not type(None)]
    inner = options[0] if options else kind
    if isinstance(told, list):
        return [_value(inner, each) for each in told]
    kind = inner if not isinstance(kind, type) else kind
    if kind is Amount:
        return Amount(told["amount"], told["currency"])
    if kind is Words:
        return Words(told["en"], told["zh-hant"])
    if isinstance(kind, type) and issubclass(kind, Told):
        return kind.of(told)
    if kind is datetime:
        return datetime.fromisoformat(told)
    if kind is date:
        return date.fromisoformat(told)
    return told
