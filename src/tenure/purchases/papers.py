"""What stands on an order's document.

It decides which of today's facts a document takes and which it takes from the order, where they were frozen. It must
never number or keep one: ``billing/actions.py`` does. Read next: ``billing/rules.py``.
"""

from datetime import date

from tenure.billing import actions as billing
from tenure.billing.rules import InvoiceLine, InvoiceView, Kind, Party
from tenure.billing.rules import Payment as Paid
from tenure.kernel.money import TaxedPrice
from tenure.kernel.periods import Span
from tenure.memberships.models import Term
from tenure.payments.models import Payment
from tenure.programme.rules import Programme
from tenure.purchases.models import Order


def document(
    programme: Programme,
    order: Order,
    term: Term | None,
    payment: Payment | None,
    kind: Kind,
    number: str,
    issued_on: date,
) -> InvoiceView:
    """What stands on an order's document: the buyer as frozen with the order, the seller as of that version."""
    language, money = order.language, order.total
    offer = programme.offer(order.offer)
    tax = programme.tax_of(order.partner.country)
    price = TaxedPrice(order.net, order.tax, order.total, order.tax_rate_bp)
    period = Span(term.starts_on, term.expires_on) if term else None
    if payment:
        instrument = str(order.card or (payment.attempt and payment.attempt.card) or "")
        paid = Paid(method=order.method, paid_on=payment.value_on, reference=order.reference, instrument=instrument)
    else:
        paid = Paid(method=order.method, pay_by=order.expires_on, reference=order.reference)
    return InvoiceView.of(
        kind=kind,
        number=number,
        issued_on=issued_on,
        language=language,
        seller=billing.seller_of(programme, language),
        bank=billing.bank_of(programme, money.currency, language) if payment is None else None,
        buyer=Party(**{**order.bill_to, "address_lines": tuple(order.bill_to["address_lines"])}),
        lines=[InvoiceLine.of(offer.name.say(language), period, price, order.tax_category)],
        currency=money.currency,
        tax_name=tax.name.say(language),
        order_number=order.number,
        payment=paid,
        # Freed by a certificate or taxed in reverse, the country's own note would be beside the point.
        tax_note=tax.note.say(language) if tax.note and order.tax_category == tax.category else "",
    )
