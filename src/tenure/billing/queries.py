"""Reading invoices and the ledger."""

from dataclasses import dataclass

from django.db.models import OuterRef, Q, QuerySet, Subquery, Sum

from tenure.billing.models import Invoice, Posting
from tenure.billing.rules import InvoiceView, Kind, from_json
from tenure.kernel.access import Actor, may
from tenure.kernel.money import Money


def visible_to(actor: Actor) -> QuerySet[Invoice]:
    """All invoices for staff who may see them, else those of the person's companies that let them."""
    if may(actor, "billing.view"):
        return Invoice.objects.all()
    return Invoice.objects.filter(partner_id__in=[p for p in actor.grants if may(actor, "billing.view", p)])


def get(number: str) -> Invoice | None:
    return Invoice.objects.select_related("pdf__file", "amends").filter(number=number).first()


def by_id(id: int) -> Invoice:
    return Invoice.objects.get(pk=id)


def of_partner(partner_id: int) -> QuerySet[Invoice]:
    return Invoice.objects.filter(partner_id=partner_id).select_related("amends").order_by("-id")


@dataclass(frozen=True, slots=True)
class Listed:
    """A document in a list: what it is for, and what has been given back of it since."""

    invoice: Invoice
    described: tuple[str, ...]
    credited: Money
    corrections: list[Invoice]

    @property
    def status(self) -> str:
        if self.invoice.kind == Kind.CREDIT_NOTE:
            return "issued"
        return "credited" if self.credited == self.invoice.total else "paid"


def listed(partner_id: int) -> list[Listed]:
    """All of a partner's documents, the newest first, in two queries."""
    rows = of_partner(partner_id).prefetch_related("credit_notes")
    return [
        Listed(
            row,
            tuple(line.description for line in view_of(row).lines),
            row.money(-sum(note.total_minor for note in row.credit_notes.all())),
            list(row.credit_notes.all()),
        )
        for row in rows
    ]


def of_orders(order_ids) -> list[Invoice]:
    """The documents of some orders, the newest first."""
    return list(Invoice.objects.filter(order_id__in=list(order_ids)).select_related("amends").order_by("-id"))


def invoice_number() -> Subquery:
    """For a list of orders: the number of each order's invoice."""
    return Subquery(Invoice.objects.filter(order_id=OuterRef("pk"), kind=Kind.INVOICE).values("number")[:1])


def invoice_of_payment(payment_id: int) -> Invoice:
    return Invoice.objects.get(payment_id=payment_id, kind=Kind.INVOICE)


def view_of(invoice: Invoice) -> InvoiceView:
    """What stands on the document, exactly as it was frozen."""
    return from_json(invoice.view)


def without_pdf() -> QuerySet[Invoice]:
    return Invoice.objects.filter(pdf=None).order_by("pk")


def balances() -> list[tuple[str, str, int]]:
    """Account, currency, balance in minor units (debit positive)."""
    rows = Posting.objects.values_list("account", "currency").annotate(s=Sum("amount_minor"))
    return sorted(rows)


def search(text: str) -> QuerySet[Invoice]:
    """Invoices and credit notes by number, or by the partner's ID or name; the newest first."""
    found = Invoice.objects.select_related("partner", "amends").order_by("-id")
    if text:
        found = found.filter(
            Q(number__icontains=text) | Q(partner__number=text) | Q(partner__legal_name__icontains=text)
        )
    return found


def newest_views(n: int) -> list[InvoiceView]:
    """What stands on the newest documents."""
    return [from_json(view) for view in Invoice.objects.order_by("-pk").values_list("view", flat=True)[:n]]
