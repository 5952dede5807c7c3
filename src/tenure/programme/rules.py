"""The programme as frozen data: everything the operator decides, in one value that never changes.

Every other capability reads its settings from here and from nowhere else. It must never name a programme:
what the Aurora demonstration offers stands in ``programmes/aurora.toml``. Read next: ``programme/reading.py``,
which makes a ``Programme`` from a file, and ``programme/queries.py``, which says which version is in force.
"""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from tenure.kernel.money import Money
from tenure.kernel.text import Text


class Anchor(StrEnum):
    ANNIVERSARY = "anniversary"
    PAYMENT_DATE = "payment_date"


class TermLength(StrEnum):
    CALENDAR_YEAR = "calendar_year"
    DAYS_365 = "365_days"


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules a term is bought under; a term keeps its version (domain.md, decision 11).

    Days are counted inclusively: ``window_days`` 30 from ``opens_offset_days`` 1 is E+1 to E+30.
    """

    version: int
    valid_from: date
    opens_offset_days: int = 1
    window_days: int = 30
    anchor: Anchor = Anchor.ANNIVERSARY
    term_length: TermLength = TermLength.CALENDAR_YEAR
    benefits_in_window: bool = True
    retry_days: tuple[int, ...] = (4, 8, 15, 22)
    reminder_days: tuple[int, ...] = (-15, 23)
    last_call_day: int = 29
    card_notice_days: int = 0
    """How long before the expiry a card that will not last until the charge is told about; 0: never."""
    refund_days: int = 30
    order_expiry_days: int = 30
    order_warning_days: int = 23
    legacy_open_before_days: int = 90
    recovery_wait_days: int = 14
    """How long everybody is warned before a company without admins gets a new one."""
    require_verified: bool = True
    auto_renew_supported: bool = True
    tax_refund_days: int = 365
    transfer_tolerance_minor: int = 0
    refund_limit: dict[str, int] = field(default_factory=dict)
    """Per currency, in minor units: a refund above it needs two approvers (reliability.md, I-48)."""


class OfferKind(StrEnum):
    PACK = "pack"
    SILVER = "competency_silver"
    GOLD = "competency_gold"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Price:
    """A net price for the countries listed (empty: for all others) while its dates hold, ends inclusive."""

    id: str
    offer: str
    net: Money
    countries: tuple[str, ...]
    valid_from: date
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Benefit:
    """What an offer brings. ``kind`` is keys, seats, credit, incidents, download or training."""

    code: str
    kind: str
    name: Text
    quantity: int
    unit: Text | None = None
    description: Text | None = None


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing a company must reach: a threshold over a figure somebody records."""

    code: str
    name: Text
    threshold: int
    unit: Text | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    code: str
    kind: OfferKind
    family: str
    name: Text
    summary: Text
    description: Text
    mark: str
    """Two letters on the tile's medal."""
    tier: str
    """base, silver or gold: the medal's colour."""
    benefits: tuple[Benefit, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    excluded_by: tuple[str, ...] = ()
    """Codes of offers whose holders cannot buy this one (silver is not sold to gold holders)."""
    methods: tuple[str, ...] = ("card", "bank_transfer")
    terms: str = ""
    """The id of the agreement text whose version is accepted with the order."""
    valid_from: date = date(2000, 1, 1)
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Tax:
    """The tax of one country; category by EN 16931 (S standard, Z zero, E exempt, G export, AE reverse)."""

    country: str
    name: Text
    rate_bp: int
    category: str
    note: Text | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """A text that is accepted by version: the programme agreement, the terms of an offer."""

    id: str
    version: str
    title: Text
    body: Text


@dataclass(frozen=True, slots=True)
class Role:
    code: str
    side: str
    """partner or staff."""
    name: Text
    description: Text
    permissions: frozenset[str]
    admin: bool = False
    """Whether the last holder in a company cannot be removed."""
    second_factor: bool = False
    """Whether whoever holds it signs in with more than a password."""


@dataclass(frozen=True, slots=True)
class ProblemType:
    code: str
    name: Text
    hint: Text | None = None
    action: str | None = None
    """What its requests ask for by default: cancel, refund, exemption or nothing."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A reminder's text, subject and body with {placeholders} in both languages."""

    code: str
    subject: Text
    body: Text


@dataclass(frozen=True, slots=True)
class Seller:
    """Who issues the invoices, frozen into each of them."""

    name: Text
    address: Text
    country: str
    tax_id: str
    email: str
    phone: str
    bank_name: Text
    bank_accounts: dict[str, str]
    """Account number or IBAN by currency."""
    bank_swift: str


@dataclass(frozen=True, slots=True)
class Programme:
    """One version of the whole programme. ``version`` is 0 until it has been applied."""

    code: str
    name: Text
    zone: str
    default_currency: str
    seller: Seller
    policies: tuple[Policy, ...]
    agreements: tuple[Agreement, ...]
    offers: tuple[Offer, ...]
    prices: tuple[Price, ...]
    taxes: tuple[Tax, ...]
    roles: tuple[Role, ...]
    problem_types: tuple[ProblemType, ...]
    letters: tuple[Letter, ...]
    currencies: dict[str, str]
    """The billing currency of a country; countries not listed pay in ``default_currency``."""
    families: dict[str, Text]
    withholding: dict[str, int] = field(default_factory=dict)
    """The countries whose companies may withhold tax on what they pay, and the most of the net, in basis points."""
    invoice_prefix: str = "INV"
    credit_prefix: str = "CN"
    hourly_charges: int = 0
    """So many card charges within an hour never pause charging (reliability.md, 5.1); 0: there is no bound."""
    version: int = 0

    def offer(self, code: str) -> Offer:
        return next(offer for offer in self.offers if offer.code == code)

    def policy_on(self, day: date) -> Policy:
        """The policy in force on a day: the latest that has begun."""
        return max((p for p in self.policies if p.valid_from <= day), key=lambda p: (p.valid_from, p.version))

    def policy(self, version: int) -> Policy:
        return next(policy for policy in self.policies if policy.version == version)

    def agreement(self, id: str) -> Agreement:
        return next(agreement for agreement in self.agreements if agreement.id == id)

    def currency_of(self, country: str) -> str:
        return self.currencies.get(country, self.default_currency)

    def tax_of(self, country: str) -> Tax:
        """The country's tax, else the one filed under ``*``."""
        found = {tax.country: tax for tax in self.taxes}
        return found.get(country) or found["*"]

    def role(self, code: str) -> Role | None:
        return next((role for role in self.roles if role.code == code), None)

    def letter(self, code: str) -> Letter:
        return next(letter for letter in self.letters if letter.code == code)
