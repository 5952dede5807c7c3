"""Money: integers of minor units beside a currency, one rounding, and the way an amount is written.

It decides how many minor units a currency is billed in and how tax is rounded. It must never hold a
float, convert between currencies, or know what is being sold. Read next: ``kernel/periods.py``.
"""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

# Exponents by which Tenure bills. TWD has two decimals in the standard's table, but Taiwan invoices
# whole dollars (stack.md, babel), so the table is ours and short on purpose.
EXPONENTS = {"TWD": 0, "JPY": 0, "USD": 2, "EUR": 2, "GBP": 2}
SIGNS = {"TWD": "NT$", "USD": "US$", "EUR": "€", "GBP": "£", "JPY": "¥"}
LIMIT_MINOR = 10**12
WRITTEN = re.compile(r"[+-]?([0-9]{1,15}|[0-9]{1,3}(,[0-9]{3}){1,4})(\.[0-9]{1,6})?")


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount of one currency.

    >>> Money(49875, "USD") + Money(125, "USD")
    Money(minor=50000, currency='USD')
    >>> Money(1, "USD") + Money(1, "TWD")
    Traceback (most recent call last):
    ...
    ValueError: USD and TWD cannot be added
    """

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(f"minor units are whole numbers, not {self.minor!r}")
        if self.currency not in EXPONENTS:
            raise ValueError(f"unknown currency {self.currency!r}")

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be added")

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __bool__(self) -> bool:
        return self.minor != 0

    def share(self, basis_points: int) -> "Money":
        """A part of the amount in hundredths of a percent, rounded half to even on the minor unit.

        >>> Money(15000, "TWD").share(500)
        Money(minor=750, currency='TWD')
        >>> Money(47500, "USD").share(500)
        Money(minor=2375, currency='USD')
        >>> [Money(m, "TWD").share(500).minor for m in (10, 30, 50)]   # 0.5, 1.5, 2.5
        [0, 2, 2]
        """
        exact = Decimal(self.minor) * basis_points / 10_000
        return Money(int(exact.quantize(Decimal(1), ROUND_HALF_EVEN)), self.currency)

    def __str__(self) -> str:
        return say(self)


@dataclass(frozen=True, slots=True)
class TaxedPrice:
    """Net, tax and total that agree: no other can be made.

    >>> TaxedPrice.of(Money(15000, "TWD"), 500).total
    Money(minor=15750, currency='TWD')
    """

    net: Money
    tax: Money
    total: Money
    rate_bp: int

    def __post_init__(self) -> None:
        if self.net + self.tax != self.total:
            raise ValueError("net + tax is not the total")
        if self.tax != self.net.share(self.rate_bp):
            raise ValueError("tax is not net times the rate")

    @classmethod
    def of(cls, net: Money, rate_bp: int) -> "TaxedPrice":
        tax = net.share(rate_bp)
        return cls(net, tax, net + tax, rate_bp)


def parse(text: str, currency: str) -> Money:
    """An amount as a person or a file writes it. Refuses more decimals than the currency has.

    Commas stand between thousands and nowhere else: "12,50" is a question, not twelve hundred.

    >>> parse("1,670.00", "USD"), parse("15000", "TWD")
    (Money(minor=167000, currency='USD'), Money(minor=15000, currency='TWD'))
    >>> parse("15000.50", "TWD")
    Traceback (most recent call last):
    ...
    ValueError: TWD is billed in whole units
    """
    if not WRITTEN.fullmatch(text.strip()):
        raise ValueError(f"not an amount: {text[:40]!r}")
    scaled = Decimal(text.replace(",", "").strip()).scaleb(EXPONENTS[currency])
    if scaled != scaled.to_integral_value():
        places = EXPONENTS[currency]
        raise ValueError(f"{currency} is billed in whole units" if not places else f"{currency} has {places} decimals")
    return Money(int(scaled), currency)


def number(money: Money) -> str:
    """The bare figure with its decimals and thousands marks, the same in both languages.

    >>> number(Money(49875, "USD")), number(Money(-15750, "TWD"))
    ('498.75', '-15,750')
    """
    return f"{Decimal(money.minor).scaleb(-EXPONENTS[money.currency]):,.{EXPONENTS[money.currency]}f}"


def say(money: Money) -> str:
    """The amount as it stands on pages, in mails and on invoices (experience.md, h).

    >>> say(Money(15750, "TWD")), say(Money(49875, "USD")), say(Money(-99, "GBP"))
    ('NT$15,750', 'US$498.75', '-£0.99')
    """
    figure = number(money)
    sign = "-" if figure.startswith("-") else ""
    return f"{sign}{SIGNS[money.currency]}{figure.removeprefix('-')}"
