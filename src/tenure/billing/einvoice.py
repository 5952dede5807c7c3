"""Writes an issued document as the structured invoice of EN 16931 (CII), from the same frozen view as its PDF.

It decides which element carries which fact and which sign it has there. It must never read a row or a clock,
change what is to be paid, or say anything that the page does not say.
Read next: ``billing/documents.py``; why it is built like this: ``docs/adr/0014-tax-invoice.md``.

Tax is rounded line by line and added up (reliability.md, I-9); the standard takes a rate's tax from the sum of its
lines and lets the two differ by less than one unit of the currency. The sum of the lines is stated within that;
beyond it, the standard's own figure, and the rest as the rounding amount (BT-114), so that what is to be paid is
the total of the page in every case.
"""

import re
from collections.abc import Iterable
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

from drafthorse.models.accounting import ApplicableTradeTax
from drafthorse.models.document import Document
from drafthorse.models.note import IncludedNote
from drafthorse.models.party import TaxRegistration, TradeParty
from drafthorse.models.payment import PaymentMeans, PaymentTerms
from drafthorse.models.trade import TradeSettlement
from drafthorse.models.tradelines import LineItem

from tenure.billing.rules import InvoiceLine, InvoiceView, Kind, Party, TaxLine, add_up, untaxed_because
from tenure.kernel.money import EXPONENTS, Money

PROFILE = "urn:cen.eu:en16931:2017"
TYPES = {Kind.INVOICE: "380", Kind.CREDIT_NOTE: "381"}
PIECE = "C62"
CARD, TRANSFER, SEPA, UNNAMED = "48", "30", "58", "1"
"""Means of payment by UNTDID 4461; a document that does not name the account cannot claim a transfer to it."""
TERMS = {"en": "To be repaid the way it was paid.", "zh-hant": "依原付款方式退還。"}
EU = frozenset("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split())
REASON_CODES = {"AE": "VATEX-EU-AE", "K": "VATEX-EU-IC", "G": "VATEX-EU-G", "O": "VATEX-EU-O"}
"""They name articles of the European Union's law, so only its sellers give them."""

NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml(view: InvoiceView) -> bytes:
    """The document in the profile EN 16931; the same view gives the same bytes.

    A credit note is written with positive amounts: its type says that the money goes the other way.
    """
    if view.kind not in TYPES:
        raise ValueError("a pro-forma is not a tax document")
    document = Document()
    document.context.guideline_parameter.id = PROFILE
    document.header.id = _text(view.number)
    document.header.type_code = TYPES[view.kind]
    document.header.issue_date_time = view.issued_on
    for said in (untaxed_because(view), view.terms_note):
        if said:
            document.header.notes.add(IncludedNote(content=_text(said)))
    signed = _Signed(view)
    for n, line in enumerate(view.lines, 1):
        document.trade.items.add(signed.item(n, line))
    outside = any(line.tax_category == "O" for line in view.lines)
    agreement = document.trade.agreement
    _fill_party(agreement.seller, view.seller, outside=outside)
    _fill_party(agreement.buyer, view.buyer, outside=outside)
    agreement.seller_order.issuer_assigned_id = _text(view.order_number)
    agreement.seller.contact.person_name = _text(view.seller.name)
    agreement.seller.contact.telephone.number = _text(view.seller.phone)
    agreement.seller.contact.email.address = _text(view.seller.email)
    document.trade.delivery.event.occurrence = _delivered_on(view)
    if any(line.tax_category == "K" for line in view.lines):
        document.trade.delivery.ship_to.address.country_id = view.buyer.country
    signed.settle(document.trade.settlement)
    return document.serialize(schema=None)


def amount(value: Money) -> Decimal:
    """The amount in the currency's unit, with the decimals in which it is billed.

    >>> amount(Money(49875, "USD")), amount(Money(15750, "TWD"))
    (Decimal('498.75'), Decimal('15750'))
    """
    return Decimal(value.minor).scaleb(-EXPONENTS[value.currency])


def vat_id(country: str, tax_id: str) -> str:
    """The tax number as EN 16931 wants it: bare, with its country in front (Greece writes EL).

    >>> vat_id("TW", "96530111"), vat_id("DE", "DE 136 695 976"), vat_id("GR", "094259216")
    ('TW96530111', 'DE136695976', 'EL094259216')
    """
    prefix = "EL" if country == "GR" else country
    bare = re.sub(r"[^0-9A-Z]", "", tax_id.upper())
    return bare if not bare or bare.startswith(prefix) else prefix + bare


def stated_tax(tax: TaxLine) -> Money:
    """A rate's tax as the standard lets it be stated; what it leaves over is the rounding amount.

    >>> dollars = lambda net, tax: TaxLine(500, "S", Money(net, "TWD"), Money(tax, "TWD"))
    >>> [stated_tax(each).minor for each in (dollars(15000, 750), dollars(50, 2), dollars(60, 4), dollars(90, 6))]
    [750, 2, 3, 4]
    """
    exact = Decimal(tax.net.minor) * tax.rate_bp / 10_000
    if abs(tax.tax.minor - exact) < 10 ** EXPONENTS[tax.net.currency]:
        return tax.tax
    return Money(int(exact.quantize(Decimal(1), ROUND_HALF_EVEN)), tax.net.currency)


class _Signed:
    """Turns a view's amounts so that those of a credit note come out positive."""

    def __init__(self, view: InvoiceView):
        self.view = view
        self.sign = -1 if view.kind is Kind.CREDIT_NOTE else 1

    def amount(self, value: Money) -> Decimal:
        # Adding 0 turns a minus nought into nought.
        return self.sign * amount(value) + 0

    def item(self, n: int, line: InvoiceLine) -> LineItem:
        net = self.amount(line.net)
        item = LineItem()
        item.document.line_id = str(n)
        item.product.name = _text(line.description)
        # A price is never negative: what is taken back has a negative quantity.
        item.agreement.net.amount = abs(net)
        item.delivery.billed_quantity = (Decimal(-1 if net < 0 else 1), PIECE)
        item.settlement.trade_tax.type_code = "VAT"
        item.settlement.trade_tax.category_code = line.tax_category
        if line.tax_category != "O":
            item.settlement.trade_tax.rate_applicable_percent = _percent(line.tax_rate_bp)
        if line.period:
            item.settlement.period.start = line.period.first
            item.settlement.period.end = line.period.last
        item.settlement.monetary_summation.total_amount = net
        return item

    def settle(self, settlement: TradeSettlement) -> None:
        view = self.view
        settlement.payment_reference = _text(view.payment.reference)
        settlement.currency_code = view.currency
        settlement.payment_means.add(_means(view))
        for rate in view.tax_lines:
            settlement.trade_tax.add(self._breakdown(rate))
        periods = [line.period for line in view.lines if line.period]
        if periods:
            settlement.period.start = min(span.first for span in periods)
            settlement.period.end = max(span.last for span in periods)
        tax_stated = add_up((stated_tax(rate) for rate in view.tax_lines), view.currency)
        net, tax, total = (self.amount(value) for value in (view.net, tax_stated, view.total))
        paid = total if view.payment.paid_on else Decimal(0)
        if total != paid:
            settlement.terms.add(_terms(view))
        sums = settlement.monetary_summation
        sums.line_total = net
        sums.charge_total = sums.allowance_total = Decimal(0)
        sums.tax_basis_total = net
        sums.tax_total = (tax, view.currency)
        sums.grand_total = net + tax
        if rounding := total - net - tax:
            sums.rounding_amount = rounding
        sums.prepaid_total = paid
        sums.due_amount = total - paid
        if view.amends:
            settlement.invoice_referenced_document.issuer_assigned_id = _text(view.amends)

    def _breakdown(self, tax: TaxLine) -> ApplicableTradeTax:
        """One rate's tax, and why there is none."""
        part = ApplicableTradeTax()
        part.calculated_amount = self.amount(stated_tax(tax))
        part.type_code = "VAT"
        if tax.rate_bp == 0 and tax.category not in ("S", "Z"):
            part.exemption_reason = _text(untaxed_because(self.view))
            if self.view.seller.country in EU and tax.category in REASON_CODES:
                part.exemption_reason_code = REASON_CODES[tax.category]
        part.basis_amount = self.amount(tax.net)
        part.category_code = tax.category
        if tax.category != "O":
            part.rate_applicable_percent = _percent(tax.rate_bp)
        return part


def _fill_party(element: TradeParty, party: Party, *, outside: bool) -> None:
    if party.partner_number:
        element.id = _text(party.partner_number)
    element.name = _text(party.name)
    lines = [text for text in (_text(line) for line in party.address_lines) if text]
    for place, text in zip(("line_one", "line_two", "line_three"), _three(lines), strict=False):
        setattr(element.address, place, text)
    element.address.country_id = party.country
    if party.email:
        element.electronic_address.uri_ID = ("EM", _text(party.email))
    if not party.tax_id:
        return
    if outside:
        # Outside the scope of the tax no VAT identifier may stand on either side.
        element.legal_organization.id = _text(party.tax_id)
    else:
        element.tax_registrations.add(TaxRegistration(id=("VA", vat_id(party.country, party.tax_id))))


def _delivered_on(view: InvoiceView) -> date:
    """What is sold for a time is delivered as that begins; anything else as it is invoiced."""
    return min((line.period.first for line in view.lines if line.period), default=view.issued_on)


def _three(lines: list[str]) -> Iterable[str]:
    return lines if len(lines) <= 3 else [*lines[:2], ", ".join(lines[2:])]


def _means(view: InvoiceView) -> PaymentMeans:
    paid, bank = view.payment, view.bank
    means = PaymentMeans()
    if paid.method == "card":
        means.type_code = CARD
        if paid.instrument:
            means.information.add(_text(paid.instrument))
        return means
    if bank is None:
        means.type_code = UNNAMED
        return means
    iban = re.sub(r"\s", "", bank.account)
    is_iban = re.fullmatch(r"[A-Z]{2}\d{2}[0-9A-Z]{11,30}", iban) is not None
    means.type_code = SEPA if is_iban and view.currency == "EUR" else TRANSFER
    if is_iban:
        means.payee_account.iban = iban
    else:
        means.payee_account.proprietary_id = _text(bank.account)
    if bank.swift:
        means.payee_institution.bic = _text(bank.swift)
    return means


def _terms(view: InvoiceView) -> PaymentTerms:
    if view.payment.pay_by:
        return PaymentTerms(due=view.payment.pay_by)
    return PaymentTerms(description=TERMS["zh-hant" if view.language == "zh-hant" else "en"])


def _percent(rate_bp: int) -> Decimal:
    return Decimal(rate_bp).scaleb(-2)


def _text(text: str) -> str:
    """What XML can carry of a text; nobody is refused an invoice over what they are called."""
    return " ".join(NOT_XML.sub("", text).split())
