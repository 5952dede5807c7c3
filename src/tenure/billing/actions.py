"""Invoices, credit notes and postings: their only writer.

It decides the number (from a row locked until commit, so none is skipped or given twice) and freezes what the
document says. It must never change an issued document. Read next: ``billing/documents.py``, ``billing/ledger.py``.
"""

from datetime import datetime

from django.db import connection

from tenure.billing.documents import draw, sha256
from tenure.billing.ledger import Account, Entry, credited, invoiced, move
from tenure.billing.models import Invoice, InvoiceLine, InvoicePdf, LedgerTransaction, Posting, Series
from tenure.billing.queries import deferred_of, view_of
from tenure.billing.rules import Bank, InvoiceView, Kind, Party, as_json, printed_number
from tenure.kernel.access import Side, declare
from tenure.kernel.money import Money, TaxedPrice
from tenure.kernel.periods import day_of
from tenure.partners.models import Partner
from tenure.payments.models import BankLine, Payment, Refund
from tenure.payments.rules import Method
from tenure.plumbing.db import beat, crash_point, inside
from tenure.plumbing.models import StoredFile
from tenure.plumbing.together import insert, insert_all, remember, save, together
from tenure.programme.rules import Programme

declare("billing.view", Side.BOTH, says="See and download invoices.")

# STEPS


def buyer_of(partner: Partner) -> Party:
    """The buyer as it stands today; frozen into the document (I-24)."""
    address = [partner.billing_address] if partner.billing_address else [partner.address]
    if not partner.billing_address:
        address.append(" ".join(part for part in (partner.postcode, partner.city) if part))
    return Party(
        name=partner.billing_name or partner.legal_name,
        address_lines=tuple(address),
        country=partner.country,
        tax_id=partner.tax_id,
        partner_number=partner.number,
        email=partner.contact_email,
        phone=partner.contact_phone,
    )


def seller_of(programme: Programme, language: str) -> Party:
    seller = programme.seller
    return Party(
        name=seller.name.say(language),
        address_lines=(seller.address.say(language),),
        country=seller.country,
        tax_id=seller.tax_id,
        email=seller.email,
        phone=seller.phone,
    )


def bank_of(programme: Programme, currency: str, language: str) -> Bank | None:
    seller = programme.seller
    account = seller.bank_accounts.get(currency)
    return Bank(seller.bank_name.say(language), account, seller.bank_swift) if account else None


def issue(
    programme: Programme,
    *,
    kind: Kind,
    payment: Payment,
    make,
    now: datetime,
    refund: Refund | None = None,
    amends: Invoice | None = None,
) -> Invoice:
    """Give the document the next number of its series and freeze it.

    ``make(number, issued_on)`` builds the view. The series row is locked last and only until commit.
    """
    inside("issuing an invoice")
    prefix = programme.invoice_prefix if kind is Kind.INVOICE else programme.credit_prefix
    series, issued_at = take_number(kind, day_of(now, programme.zone).year, now)
    crash_point("invoice.numbered")
    number = printed_number(prefix, series.year, series.last)
    view: InvoiceView = make(number, day_of(issued_at, programme.zone))
    invoice = insert(
        Invoice(
            kind=kind,
            series=series,
            running=series.last,
            number=view.number,
            issued_on=view.issued_on,
            issued_at=issued_at,
            partner_id=payment.partner_id,
            order_id=payment.order_id,
            payment=payment,
            refund=refund,
            amends=amends,
            currency=view.currency,
            net_minor=view.net.minor,
            tax_minor=view.tax.minor,
            total_minor=view.total.minor,
            language=view.language,
            view=as_json(view),
        )
    )
    insert_all(
        InvoiceLine,
        (
            InvoiceLine(
                invoice=invoice,
                n=n,
                description=line.description[:300],
                net_minor=line.net.minor,
                tax_rate_bp=line.tax_rate_bp,
                tax_category=line.tax_category,
                tax_minor=line.tax.minor,
                total_minor=line.total.minor,
            )
            for n, line in enumerate(view.lines, 1)
        ),
    )
    if kind is Kind.INVOICE:
        price = TaxedPrice(view.net, view.tax, view.total, view.lines[0].tax_rate_bp)
        post("invoice", invoice.pk, "issued", invoiced(price), invoice.partner_id, now, programme, invoice.order_id)
    else:
        share_books()
        deferred = deferred_of(invoice.order_id, view.currency)
        entries = credited(view.net, view.tax, view.total, deferred)
        post("invoice", invoice.pk, "credited", entries, invoice.partner_id, now, programme, invoice.order_id)
    return invoice


def take_number(kind: Kind, year: int, now: datetime) -> tuple[Series, datetime]:
    """The series with its next number in ``last``, and the document's instant; the row stays locked until commit."""
    series = remember(("series", kind, year), lambda: _locked_series(kind, year))
    series.last, series.last_issued_at = series.last + 1, max(now, series.last_issued_at or now)
    save(series, "last", "last_issued_at")
    return series, series.last_issued_at


def _locked_series(kind: Kind, year: int) -> Series:
    rows = Series.objects.select_for_update().filter(kind=kind, year=year)
    series = rows.first()
    if series is None:
        Series.objects.bulk_create([Series(kind=kind, year=year)], ignore_conflicts=True)
        series = rows.get()
    return series


def share_books() -> None:
    """Keep a month's end waiting until this transaction is through; postings do so by themselves."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(hashtext('billing.books'))")


def hold_books() -> None:
    """Have the books alone: what is on its way arrives first, what comes later waits until commit."""
    inside("holding the books")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('billing.books'))")


def post(
    cause_type: str,
    cause_id: int,
    kind: str,
    entries: list[Entry],
    partner_id: int | None,
    now: datetime,
    programme: Programme,
    order_id: int | None = None,
) -> None:
    """Write one balanced transaction; the same cause and kind twice is refused by the database.

    All postings go in one statement: the trigger that demands a zero sum looks at the statement.
    """
    inside("posting")
    if not entries:
        return
    row = LedgerTransaction(
        cause_type=cause_type,
        cause_id=cause_id,
        kind=kind,
        partner_id=partner_id,
        posted_at=now,
        posted_on=day_of(now, programme.zone),
    )
    insert_all(LedgerTransaction, [row])
    insert_all(
        Posting,
        (
            Posting(
                transaction=row,
                account=entry.account,
                currency=entry.amount.currency,
                amount_minor=entry.amount.minor,
                order_id=order_id,
            )
            for entry in entries
        ),
    )


def post_payment(payment: Payment, programme: Programme, now: datetime) -> None:
    """Money for an order: from the gateway, or out of what is held of the partner's transfers."""
    source = Account.GATEWAY_CLEARING if payment.method == Method.CARD else Account.HELD
    entries = move(payment.amount, source, Account.RECEIVABLE)
    post("payment", payment.pk, "received", entries, payment.partner_id, now, programme, payment.order_id)


def post_short(payment: Payment, short: Money, programme: Programme, now: datetime) -> None:
    """A transfer short by less than the policy's tolerance: the programme bears the difference."""
    entries = move(short, Account.ROUNDING, Account.HELD)
    post("payment", payment.pk, "short", entries, payment.partner_id, now, programme)


def post_late_capture(payment: Payment, programme: Programme, now: datetime) -> None:
    """A card was charged for an order that had ended: the money is the partner's until it is returned."""
    entries = move(payment.amount, Account.GATEWAY_CLEARING, Account.HELD)
    post("payment", payment.pk, "late", entries, payment.partner_id, now, programme, payment.order_id)


def post_refund(refund: Refund, programme: Programme, now: datetime) -> None:
    """Money given back, out of the account it came into."""
    payment = refund.payment
    source = Account.GATEWAY_CLEARING if payment.method == Method.CARD else Account.BANK
    against = Account.HELD if refund.kind == "late_capture" else Account.RECEIVABLE
    entries = move(refund.amount, against, source)
    post("refund", refund.pk, "made", entries, payment.partner_id, now, programme, payment.order_id)


def post_bank_line(line: BankLine, programme: Programme, now: datetime) -> None:
    """A credit on a statement: it belongs to nobody until it is matched."""
    post("bank_line", line.pk, "booked", move(line.amount, Account.BANK, Account.SUSPENSE), None, now, programme)


def post_bank_lines(lines: list[BankLine], programme: Programme, now: datetime) -> None:
    """The same for all the lines of a file."""
    with together():
        for line in lines:
            post_bank_line(line, programme, now)


def post_allocation(id: int, amount: Money, partner_id: int, programme: Programme, now: datetime) -> None:
    """A transfer is known to be a partner's: held for the partner until an order takes it."""
    entries = move(amount, Account.SUSPENSE, Account.HELD)
    post("allocation", id, "matched", entries, partner_id, now, programme)


def post_dispute(dispute_id: int, payment: Payment, amount: Money, programme: Programme, now: datetime) -> None:
    """A cardholder's bank took money back for now: neither ours nor lost until the dispute is decided."""
    entries = move(amount, Account.DISPUTES, Account.GATEWAY_CLEARING)
    post("dispute", dispute_id, "opened", entries, payment.partner_id, now, programme, payment.order_id)


def post_dispute_won(dispute_id: int, payment: Payment, amount: Money, programme: Programme, now: datetime) -> None:
    """The dispute was decided for us: the gateway gives back what it had taken."""
    entries = move(amount, Account.GATEWAY_CLEARING, Account.DISPUTES)
    post("dispute", dispute_id, "won", entries, payment.partner_id, now, programme, payment.order_id)


def post_dispute_lost(
    dispute_id: int, payment: Payment, amount: Money, programme: Programme, now: datetime, *, credited: bool = True
) -> None:
    """The dispute was decided against us. Where a credit note took the sale back, the money meets that note as a
    refund would; where none did (``credited=False``), it is lost and stands among the refunds.
    """
    entries = move(amount, Account.RECEIVABLE if credited else Account.REFUNDS, Account.DISPUTES)
    post("dispute", dispute_id, "lost", entries, payment.partner_id, now, programme, payment.order_id)


def post_fee(
    cause_type: str, cause_id: int, amount: Money, programme: Programme, now: datetime, partner_id: int | None = None
) -> None:
    """What the gateway kept for its service; a negative amount is a fee it gave back.

    Only its own list knows (``billing/reconciling.py``), a dispute's fee included: whoever posts one besides posts it
    twice.
    """
    post(cause_type, cause_id, "fee", move(amount, Account.FEES, Account.GATEWAY_CLEARING), partner_id, now, programme)


def post_payout(id: int, amount: Money, programme: Programme, now: datetime) -> None:
    """The gateway sent what it held to our bank account: on its way until a statement shows it."""
    entries = move(amount, Account.IN_TRANSIT, Account.GATEWAY_CLEARING)
    post("payout", id, "sent", entries, None, now, programme)


def post_payout_arrived(line: BankLine, programme: Programme, now: datetime) -> None:
    """A line of the statement was the gateway's payout, not a partner's transfer."""
    post("bank_line", line.pk, "payout", move(line.amount, Account.SUSPENSE, Account.IN_TRANSIT), None, now, programme)


def post_withholding(
    certificate_id: int,
    amount: Money,
    partner_id: int,
    programme: Programme,
    now: datetime,
    order_id: int | None = None,
) -> None:
    """Tax that the buyer withheld and paid for us, as its certificate proves: as good as money from the partner.

    It is held for the partner like a transfer, so that a payment of the order's full total takes both at once.
    """
    entries = move(amount, Account.WITHHOLDING, Account.HELD)
    post("withholding", certificate_id, "certified", entries, partner_id, now, programme, order_id)


def store_pdf(invoice: Invoice, now: datetime) -> StoredFile:
    """Make the document's PDF once and keep its bytes; a second maker finds it made."""
    return store_document(invoice, now).file


def store_document(invoice: Invoice, now: datetime) -> InvoicePdf:
    """The PDF and the structured invoice inside it, both kept as they were made."""
    made = _made(invoice)
    if made:
        return made
    content, structured = draw(view_of(invoice))
    with beat():
        Invoice.objects.select_for_update(of=("self",)).get(pk=invoice.pk)
        made = _made(invoice)
        if made:
            return made
        return InvoicePdf.objects.create(
            invoice=invoice,
            file=_keep(f"{invoice.number}.pdf", "application/pdf", content, now),
            xml=_keep(f"{invoice.number}.xml", "application/xml", structured, now),
        )


def _made(invoice: Invoice) -> InvoicePdf | None:
    return InvoicePdf.objects.select_related("file", "xml").filter(invoice=invoice).first()


def _keep(name: str, media_type: str, content: bytes, now: datetime) -> StoredFile:
    return StoredFile.objects.create(
        sha256=sha256(content), name=name, media_type=media_type, content=content, stored_at=now
    )
