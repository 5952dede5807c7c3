"""What an invoice says and how it is corrected: a frozen view whose sums agree, and its sign-flipped copies.

It decides which amounts stand on a document and refuses those that do not add up. It must never round
twice, edit a document that has been issued, or know how a page looks. Read next: ``billing/documents.py``.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any

from tenure.kernel.money import Money, TaxedPrice
from tenure.kernel.periods import Span

EXEMPT = "E"
UNTAXED = {
    "E": ("Exempt from tax.", "免稅。"),
    "AE": ("Reverse charge: the customer accounts for the tax.", "逆向課稅：由買方自行申報並繳納稅款。"),
    "K": ("Supply within the European Union, exempt from tax.", "歐盟境內交易，免徵加值稅。"),
    "G": ("Export, no tax charged.", "外銷，不收取稅款。"),
    "O": ("Outside the scope of the tax.", "非屬課稅範圍。"),
}
"""Why a document charges no tax, by category and language, where the programme has no words of its own."""


class Kind(StrEnum):
    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    PRO_FORMA = "pro_forma"


@dataclass(frozen=True, slots=True)
class Party:
    """One side of a document, as it was on the day of issue (reliability.md, I-24)."""

    name: str
    address_lines: tuple[str, ...]
    country: str
    tax_id: str
    partner_number: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Bank:
    """Where a transfer goes: the seller's account in the document's currency."""

    name: str
    account: str
    swift: str = ""


@dataclass(frozen=True, slots=True)
class Payment:
    """How the document was paid and when, or by which day and under which reference to pay.

    ``instrument`` is what the payer recognises, such as the card's brand and last four figures.
    On a credit note it says how the money went back.
    """

    method: str
    paid_on: date | None = None
    pay_by: date | None = None
    reference: str = ""
    instrument: str = ""


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One thing sold, for a period if it has one, taxed by itself.

    >>> InvoiceLine.of("Action Pack", None, TaxedPrice.of(Money(15000, "TWD"), 500), "S").total
    Money(minor=15750, currency='TWD')
    """

    description: str
    period: Span | None
    net: Money
    tax_rate_bp: int
    tax_category: str
    tax: Money
    total: Money

    def __post_init__(self) -> None:
        if self.tax != self.net.share(self.tax_rate_bp):
            raise ValueError("a line's tax is not its net times its rate")
        if self.net + self.tax != self.total:
            raise ValueError("a line's net + tax is not its total")

    @classmethod
    def of(cls, description: str, period: Span | None, price: TaxedPrice, category: str) -> "InvoiceLine":
        return cls(description, period, price.net, price.rate_bp, category, price.tax, price.total)

    def __neg__(self) -> "InvoiceLine":
        return replace(self, net=-self.net, tax=-self.tax, total=-self.total)

    def exempt(self, category: str) -> "InvoiceLine":
        """The same net without tax."""
        return replace(self, tax_rate_bp=0, tax_category=category, tax=Money(0, self.net.currency), total=self.net)


@dataclass(frozen=True, slots=True)
class TaxLine:
    """What one rate comes to: the sum of its lines, rounded line by line and not again."""

    rate_bp: int
    category: str
    net: Money
    tax: Money


@dataclass(frozen=True, slots=True)
class InvoiceView:
    """Everything that stands on an invoice, a credit note or a pro-forma, in the reader's language.

    Only the pro-forma has no number; only the credit note amends. None can exist unless its sums agree.
    """

    kind: Kind
    number: str
    issued_on: date
    language: str
    seller: Party
    bank: Bank | None
    buyer: Party
    lines: tuple[InvoiceLine, ...]
    net: Money
    tax: Money
    total: Money
    currency: str
    tax_name: str
    order_number: str
    payment: Payment
    amends: str = ""
    terms_note: str = ""
    tax_note: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", Kind(self.kind))
        for wrong, says in self._faults():
            if wrong:
                raise ValueError(says)

    def _faults(self) -> Iterable[tuple[bool, str]]:
        yield not self.lines, "a document has at least one line"
        yield {line.net.currency for line in self.lines} != {self.currency}, "lines and document differ in currency"
        yield self.net != add_up((line.net for line in self.lines), self.currency), "net is not the sum of the lines"
        yield self.tax != add_up((line.tax for line in self.lines), self.currency), "tax is not the sum of the lines"
        yield self.net + self.tax != self.total, "net + tax is not the total"
        yield bool(self.number) == (self.kind is Kind.PRO_FORMA), "all but the pro-forma carry a number"
        yield bool(self.amends) != (self.kind is Kind.CREDIT_NOTE), "a credit note, and nothing else, amends"
        yield self.kind is Kind.CREDIT_NOTE and self.total.minor > 0, "a credit note never asks for money"
        yield self.kind is not Kind.CREDIT_NOTE and self.total.minor < 0, "money goes back by credit note only"

    @classmethod
    def of(cls, *, lines: Iterable[InvoiceLine], currency: str, **rest: Any) -> "InvoiceView":
        """A view whose sums are taken from its lines."""
        lines = tuple(lines)
        net = add_up((line.net for line in lines), currency)
        tax = add_up((line.tax for line in lines), currency)
        return cls(lines=lines, currency=currency, net=net, tax=tax, total=net + tax, **rest)

    @property
    def tax_lines(self) -> tuple[TaxLine, ...]:
        """The tax by rate and category, in the order of the lines."""
        groups: dict[tuple[int, str], list[InvoiceLine]] = {}
        for line in self.lines:
            groups.setdefault((line.tax_rate_bp, line.tax_category), []).append(line)
        return tuple(
            TaxLine(
                *key,
                add_up((line.net for line in group), self.currency),
                add_up((line.tax for line in group), self.currency),
            )
            for key, group in groups.items()
        )


def untaxed_because(view: InvoiceView) -> str:
    """The reason that stands on the document: what the programme says of it, else what its category means."""
    if view.tax_note:
        return view.tax_note
    chinese = view.language == "zh-hant"
    found = [UNTAXED[tax.category][chinese] for tax in view.tax_lines if not tax.rate_bp and tax.category in UNTAXED]
    return found[0] if found else ""


def add_up(amounts: Iterable[Money], currency: str) -> Money:
    return sum(amounts, Money(0, currency))


def printed_number(prefix: str, year: int, running: int) -> str:
    """The number as it is printed: the series, its year, and the running number in five places or more.

    >>> printed_number("INV", 2019, 417), printed_number("CN", 2019, 123456)
    ('INV-2019-00417', 'CN-2019-123456')
    """
    if running < 1:
        raise ValueError("a series starts at 1")
    return f"{prefix}-{year}-{running:05d}"


def credit_of(view: InvoiceView, number: str, issued_on: date, payment: Payment | None = None) -> InvoiceView:
    """The credit note that takes a whole invoice back: its stored lines with their signs flipped.

    Nothing is computed anew, so that a credit can never round differently from its invoice (defects.md).
    ``payment`` says how the money went back; without it, the way it came.
    """
    return _amend(view, number, issued_on, payment, [-line for line in view.lines], view.tax_note)


def tax_correction(
    view: InvoiceView,
    number: str,
    issued_on: date,
    *,
    category: str = EXEMPT,
    tax_note: str = "",
    payment: Payment | None = None,
) -> InvoiceView:
    """The credit note for an exemption granted after payment: each line back taxed, and in again untaxed.

    Net 0; of an invoice over 15,000 + 750 the total is -750 (domain.md, R18 and S41).
    """
    lines = [part for line in view.lines for part in (-line, line.exempt(category))]
    return _amend(view, number, issued_on, payment, lines, tax_note)


def rest_of(view: InvoiceView, number: str, issued_on: date, payment: Payment | None = None) -> InvoiceView:
    """The credit note for what is left of an invoice whose tax went back before: its lines without tax, taken back.

    After 750 of 15,750 it is -15,000; the two notes together are the whole invoice.
    """
    lines = [-line.exempt(EXEMPT) for line in view.lines]
    return _amend(view, number, issued_on, payment, lines, "")


def _amend(
    view: InvoiceView,
    number: str,
    issued_on: date,
    payment: Payment | None,
    lines: list[InvoiceLine],
    tax_note: str,
) -> InvoiceView:
    if view.kind is not Kind.INVOICE:
        raise ValueError("only an invoice can be credited")
    return InvoiceView.of(
        kind=Kind.CREDIT_NOTE,
        number=number,
        issued_on=issued_on,
        language=view.language,
        seller=view.seller,
        bank=view.bank,
        buyer=view.buyer,
        lines=lines,
        currency=view.currency,
        tax_name=view.tax_name,
        order_number=view.order_number,
        payment=payment or replace(view.payment, paid_on=None, pay_by=None),
        amends=view.number,
        terms_note="",
        tax_note=tax_note,
    )


def as_json(view: InvoiceView) -> dict[str, Any]:
    """The view in plain types, as it is frozen into its row; ``from_json`` is its inverse."""
    return _plain(view)


def _plain(value: Any) -> Any:
    if isinstance(value, Money):
        return {"minor": value.minor, "currency": value.currency}
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return str(value) if isinstance(value, StrEnum) else value


def from_json(stored: dict[str, Any]) -> InvoiceView:
    """The view that was frozen, checked again as it is read."""
    return InvoiceView(
        **stored
        | {name: Money(**stored[name]) for name in ("net", "tax", "total")}
        | {
            "issued_on": date.fromisoformat(stored["issued_on"]),
            "seller": _party(stored["seller"]),
            "buyer": _party(stored["buyer"]),
            "bank": Bank(**stored["bank"]) if stored["bank"] else None,
            "lines": tuple(_line(line) for line in stored["lines"]),
            "payment": _payment(stored["payment"]),
        }
    )


def _party(stored: dict[str, Any]) -> Party:
    return Party(**stored | {"address_lines": tuple(stored["address_lines"])})


def _line(stored: dict[str, Any]) -> InvoiceLine:
    period = stored["period"] and Span(*(date.fromisoformat(stored["period"][end]) for end in ("first", "last")))
    return InvoiceLine(
        **stored | {name: Money(**stored[name]) for name in ("net", "tax", "total")} | {"period": period}
    )


def _payment(stored: dict[str, Any]) -> Payment:
    days = {name: date.fromisoformat(stored[name]) for name in ("paid_on", "pay_by") if stored[name]}
    return Payment(**stored | days)


# WITHHOLDING: tax that a buyer kept back and paid to its own tax office for us.


class WithholdingStatus(StrEnum):
    SUBMITTED = "submitted"
    PENDING_PARTNER = "pending_partner"
    ACCEPTED = "accepted"
    REFUSED = "refused"


W = WithholdingStatus
UNDECIDED = frozenset({W.SUBMITTED, W.PENDING_PARTNER})
WITHHOLDING_MOVES: dict[WithholdingStatus, frozenset[WithholdingStatus]] = {
    W.SUBMITTED: frozenset({W.PENDING_PARTNER, W.ACCEPTED, W.REFUSED}),
    W.PENDING_PARTNER: frozenset({W.SUBMITTED, W.ACCEPTED, W.REFUSED}),
    W.ACCEPTED: frozenset(),
    W.REFUSED: frozenset(),
}


def most_withheld(net: Money, rate_bp: int) -> Money:
    """The most that may be withheld of a price: a share of the net, since tax is not withheld on tax.

    >>> most_withheld(Money(47500, "USD"), 1000)
    Money(minor=4750, currency='USD')
    """
    return net.share(rate_bp)


def difference(total: Money, received: Money, withheld: Money) -> Money:
    """What is still missing of a total; below zero, by how much the parts are more. Only zero pays: to the cent.

    >>> difference(Money(47500, "USD"), Money(42700, "USD"), Money(4750, "USD"))
    Money(minor=50, currency='USD')
    """
    return total - received - withheld
