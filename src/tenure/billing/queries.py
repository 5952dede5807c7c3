"""Reading invoices and the ledger.

It must never write. The SQL twin of ``ledger.earned`` stands here beside the reads that need it; a property test
holds the two against each other. Read next: ``billing/ledger.py``, ``billing/closing.py``.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Coalesce

from tenure.billing.ledger import Account, ended, last_day, month_of
from tenure.billing.models import (
    ClosedMonth,
    GatewayMovement,
    Invoice,
    LedgerTransaction,
    Posting,
    RecognisedMonth,
    Reconciliation,
    Withholding,
)
from tenure.billing.rules import InvoiceView, Kind, WithholdingStatus, from_json
from tenure.kernel.access import Actor, may
from tenure.kernel.money import Money
from tenure.payments.queries import allocated, gateways_charged, received_minor


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
    rows = of_partner(partner_id).select_related("pdf").prefetch_related("credit_notes")
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
    found = Invoice.objects.select_related("partner", "amends", "pdf").order_by("-id")
    if text:
        found = found.filter(
            Q(number__icontains=text) | Q(partner__number=text) | Q(partner__legal_name__icontains=text)
        )
    return found


def newest_views(n: int) -> list[InvoiceView]:
    """What stands on the newest documents."""
    return [from_json(view) for view in Invoice.objects.order_by("-pk").values_list("view", flat=True)[:n]]


# BOOKS

EARNED = """sign(net)::bigint * (CASE WHEN first IS NULL THEN abs(net)
  ELSE abs(net) * least(greatest(%(through)s::date - first + 1, 0), last - first + 1) / (last - first + 1) END)"""
"""The twin of ``ledger.earned`` over columns ``net``, ``first`` and ``last``."""

LINES = """SELECT i.order_id, i.currency, (line->'net'->>'minor')::bigint AS net,
         (line->'period'->>'first')::date AS first, (line->'period'->>'last')::date AS last
  FROM billing_invoice i, jsonb_array_elements(i.view->'lines') line"""


def deferred_of(order_id: int, currency: str) -> Money:
    """What of an order's price is still to be recognised."""
    rows = Posting.objects.filter(account=Account.DEFERRED_REVENUE, currency=currency, order_id=order_id)
    return Money(-(rows.aggregate(s=Sum("amount_minor"))["s"] or 0), currency)


def first_month() -> date | None:
    """The month in which the books begin."""
    first = LedgerTransaction.objects.order_by("posted_on").values_list("posted_on", flat=True).first()
    return month_of(first) if first else None


def closed_through() -> date | None:
    """The newest month that is closed."""
    return ClosedMonth.objects.order_by("-month").values_list("month", flat=True).first()


def recognised_through() -> date | None:
    return RecognisedMonth.objects.order_by("-month").values_list("month", flat=True).first()


def months_to_recognise(today: date) -> list[date]:
    return ended(first_month(), recognised_through(), today)


def months_to_close(today: date) -> list[date]:
    """The months that are over and not closed, the oldest first: only that one may be closed."""
    return ended(first_month(), closed_through(), today)


def closed_months() -> list[ClosedMonth]:
    return list(ClosedMonth.objects.order_by("-month"))


def closed(month: date) -> ClosedMonth | None:
    return ClosedMonth.objects.filter(month=month).first()


def trial_balance(day: date) -> list[tuple[str, str, int]]:
    """Account, currency and balance at the end of a day (debit positive), in the order of the chart."""
    rows = Posting.objects.filter(transaction__posted_on__lte=day).values_list("account", "currency")
    order = {str(account): n for n, account in enumerate(Account)}
    found = rows.annotate(s=Sum("amount_minor")).exclude(s=0)
    return sorted(found, key=lambda row: (row[1], order[row[0]]))


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that keeps a month from being closed: a code for the words, and the facts."""

    code: str
    facts: dict[str, Any] = field(default_factory=dict)


def differences(month: date) -> list[Difference]:
    """What has to be explained before a month is closed: receivables left over, and the gateways' own lists."""
    end = last_day(month)
    rows = Posting.objects.filter(account=Account.RECEIVABLE, transaction__posted_on__lte=end)
    owed = rows.values_list("order_id", "currency").annotate(s=Sum("amount_minor")).exclude(s=0).order_by("order_id")
    found = [Difference("books.receivable_open", {"order": order, "amount": Money(s, c)}) for order, c, s in owed[:50]]
    for gateway in gateways():
        found += _gateway_differences(gateway, end)
    return found


def _gateway_differences(gateway: str, end: date) -> Iterator[Difference]:
    last = reconciliation(gateway)
    if last is None or last.day <= end:
        yield Difference("books.not_reconciled", {"gateway": gateway})
        return
    for orphan in last.orphans:
        if date.fromisoformat(orphan["day"]) <= end:
            amount = Money(orphan["amount"], orphan["currency"])
            yield Difference(f"books.orphan_{orphan['side']}", orphan | {"gateway": gateway, "amount": amount})
    for currency, minor in last.unexplained.items():
        yield Difference("books.unexplained", {"gateway": gateway, "amount": Money(minor, currency)})


def gateways() -> list[str]:
    """The gateways whose lists have been looked at, or whose cards have been charged."""
    looked = Reconciliation.objects.values_list("gateway", flat=True).distinct()
    return sorted({*looked, *gateways_charged()})


def reconciliation(gateway: str) -> Reconciliation | None:
    """The last look at a gateway's list."""
    return Reconciliation.objects.filter(gateway=gateway).order_by("-day").first()


def newest_movement(gateway: str) -> GatewayMovement | None:
    return GatewayMovement.objects.filter(gateway=gateway).order_by("-at", "-pk").first()


CLEARED = """
SELECT t.cause_type, t.cause_id, t.kind, p.currency, sum(p.amount_minor)::bigint AS amount, min(t.posted_on) AS day,
       coalesce(min(y.gateway_ref), '') AS ref
FROM billing_posting p JOIN billing_ledgertransaction t ON t.id = p.transaction_id
LEFT JOIN payments_payment y ON y.order_id = p.order_id
LEFT JOIN payments_attempt a ON a.id = y.attempt_id
LEFT JOIN billing_gatewaymovement m ON t.cause_type IN ('movement', 'payout') AND m.id = t.cause_id
WHERE p.account = 'gateway_clearing' AND coalesce(m.gateway, a.gateway, %s) = %s
GROUP BY t.id, p.currency ORDER BY t.id
"""


def cleared(gateway: str) -> list[tuple[str, int, str, str, int, date, str]]:
    """What was posted on a gateway's clearing account: cause, its id and kind, currency, amount, day, payment's ref.

    What names no gateway counts for each, so that it can't hide.
    """
    with connection.cursor() as cursor:
        cursor.execute(CLEARED, [gateway, gateway])
        return cursor.fetchall()


def payouts_on_their_way() -> Counter[tuple[int, str]]:
    """How many payouts of an amount and currency no statement has shown yet."""
    sent = GatewayMovement.objects.filter(kind="payout").values_list("amount_minor", "currency")
    found = Counter((-minor, currency) for minor, currency in sent)
    found.subtract(
        (-minor, currency)
        for minor, currency in Posting.objects.filter(
            account=Account.IN_TRANSIT, transaction__cause_type="bank_line"
        ).values_list("amount_minor", "currency")
    )
    return +found


def arrived(line_id: int) -> bool:
    """Whether a line of a statement was taken for a payout already."""
    return LedgerTransaction.objects.filter(cause_type="bank_line", cause_id=line_id, kind="payout").exists()


def newest_clearing() -> LedgerTransaction | None:
    """The last transaction that moved the clearing account."""
    row = Posting.objects.filter(account=Account.GATEWAY_CLEARING).select_related("transaction").order_by("-pk").first()
    return row.transaction if row else None


def dispute_movements() -> list[GatewayMovement]:
    """What the gateways' own lists say of disputed payments of ours, oldest first."""
    return list(GatewayMovement.objects.filter(kind="dispute").order_by("at"))


# WITHHOLDING


def withheld(order_id: int, currency: str) -> Money:
    """What accepted certificates pay of an order."""
    rows = Withholding.objects.filter(counts_for_id=order_id, currency=currency)
    return Money(sum(rows.values_list("amount_minor", flat=True)), currency)


def withheld_for(order_ids: Iterable[int]) -> Counter[int]:
    """The same for each of several orders, in the order's currency."""
    found: Counter[int] = Counter()
    for row in Withholding.objects.filter(counts_for_id__in=order_ids):
        found[row.counts_for_id or 0] += row.amount_minor
    return found


def come_in(order_id: int, currency: str) -> Money:
    """What has come in for an order paid by transfer: the money, and what was withheld of it."""
    return allocated(order_id, currency) + withheld(order_id, currency)


def come_in_minor() -> CombinedExpression:
    """For a list of orders: the same of each."""
    rows = Withholding.objects.filter(counts_for_id=OuterRef("pk"))
    return Coalesce(received_minor(), 0) + Coalesce(Subquery(rows.values("amount_minor")[:1]), 0)


def withholding(id: int) -> Withholding | None:
    return Withholding.objects.select_related("partner", "file").filter(pk=id).first()


def withholding_by_key(key: str) -> Withholding | None:
    return Withholding.objects.filter(key=key).first()


def withholding_of(order_id: int) -> Withholding | None:
    """The certificate that stands for an order: the one that pays it, else the newest sent in for it."""
    rows = Withholding.objects.select_related("file")
    return rows.filter(counts_for_id=order_id).first() or rows.filter(order_id=order_id).order_by("-pk").first()


def withholdings(partner_id: int) -> QuerySet[Withholding]:
    """All that a partner has sent in, the newest first."""
    return Withholding.objects.filter(partner_id=partner_id).order_by("-pk")


def withholdings_waiting() -> QuerySet[Withholding]:
    """What staff has to decide, the longest waiting first."""
    rows = Withholding.objects.filter(status=WithholdingStatus.SUBMITTED).select_related("partner")
    return rows.order_by("moved_at", "pk")


def withholdings_elsewhere() -> QuerySet[Withholding]:
    """What is decided or waits for the partner, the last moved first."""
    rows = Withholding.objects.exclude(status=WithholdingStatus.SUBMITTED).select_related("partner")
    return rows.order_by("-moved_at", "-pk")
