"""Invoices that never change, numbers without a gap, and a ledger that always balances.

The database holds the promises: postings are append-only and arrive in one statement that sums to zero per
transaction and currency; numbers are unique per series and taken from a row locked until commit.
"""

from django.db import models
from django.db.models import Q

from tenure.billing.rules import WithholdingStatus
from tenure.kernel.money import LIMIT_MINOR, Money
from tenure.partners.models import Partner
from tenure.payments.models import Payment, Refund
from tenure.plumbing.models import StoredFile


class Series(models.Model):
    """A run of numbers: one per kind and year of the issuer's calendar, starting at 1."""

    kind = models.CharField(max_length=12)
    year = models.IntegerField()
    last = models.BigIntegerField(default=0)
    # Later numbers never carry an earlier instant (I-20), whoever waited for the lock.
    last_issued_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "year"], name="series_once_per_year")]


class Invoice(models.Model):
    """An issued invoice or credit note. Everything on it is frozen in ``view``; the PDF is made from that once."""

    kind = models.CharField(max_length=12)
    series = models.ForeignKey(Series, models.PROTECT)
    running = models.BigIntegerField()
    number = models.CharField(max_length=30, unique=True)
    issued_on = models.DateField()
    issued_at = models.DateTimeField()
    partner = models.ForeignKey(Partner, models.PROTECT, related_name="invoices")
    order_id = models.BigIntegerField()
    payment = models.ForeignKey(Payment, models.PROTECT)
    refund = models.OneToOneField(Refund, models.PROTECT, null=True)
    amends = models.ForeignKey("self", models.PROTECT, null=True, related_name="credit_notes")
    currency = models.CharField(max_length=3)
    net_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField()
    total_minor = models.BigIntegerField()
    language = models.CharField(max_length=8)
    view = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["series", "running"], name="invoice_number_once"),
            models.UniqueConstraint(fields=["payment"], condition=Q(kind="invoice"), name="invoice_once_per_payment"),
            models.CheckConstraint(
                condition=Q(total_minor=models.F("net_minor") + models.F("tax_minor")), name="invoice_sums"
            ),
        ]
        indexes = [
            models.Index(fields=["partner", "-id"], name="invoice_by_partner"),
            models.Index(fields=["order_id"], name="invoice_by_order"),
        ]

    def money(self, minor: int) -> Money:
        return Money(minor, self.currency)

    @property
    def total(self) -> Money:
        return self.money(self.total_minor)

    @property
    def net(self) -> Money:
        return self.money(self.net_minor)

    @property
    def tax(self) -> Money:
        return self.money(self.tax_minor)


class InvoicePdf(models.Model):
    """The stored bytes of an invoice, made once. Their hash is taken when they are stored.

    ``xml`` is the structured invoice as it is embedded in the PDF; documents made before there was one have none.
    """

    invoice = models.OneToOneField(Invoice, models.PROTECT, related_name="pdf")
    file = models.OneToOneField(StoredFile, models.PROTECT)
    xml = models.OneToOneField(StoredFile, models.PROTECT, null=True, related_name="+")


class InvoiceLine(models.Model):
    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="lines")
    n = models.SmallIntegerField()
    description = models.CharField(max_length=300)
    net_minor = models.BigIntegerField()
    tax_rate_bp = models.IntegerField()
    tax_category = models.CharField(max_length=3)
    tax_minor = models.BigIntegerField()
    total_minor = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["invoice", "n"], name="invoice_line_once")]


class LedgerTransaction(models.Model):
    """One cause, one kind, one set of postings that sum to zero (I-8)."""

    cause_type = models.CharField(max_length=20)
    cause_id = models.BigIntegerField()
    kind = models.CharField(max_length=20)
    partner = models.ForeignKey(Partner, models.PROTECT, null=True)
    posted_at = models.DateTimeField()
    posted_on = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["cause_type", "cause_id", "kind"], name="ledger_cause_once")]
        indexes = [models.Index(fields=["posted_on", "id"], name="ledger_by_day")]


class Posting(models.Model):
    """A debit (positive) or credit (negative) of one account. Append-only."""

    transaction = models.ForeignKey(LedgerTransaction, models.PROTECT, related_name="postings")
    account = models.CharField(max_length=24)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    order_id = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(amount_minor=0) & Q(amount_minor__gte=-LIMIT_MINOR, amount_minor__lte=LIMIT_MINOR),
                name="posting_amount",
            )
        ]
        indexes = [models.Index(fields=["account", "currency"], name="posting_by_account")]


class RecognisedMonth(models.Model):
    """A month that is over and whose revenue stands in the ledger: written with its postings, once."""

    month = models.DateField(unique=True)
    invoices = models.IntegerField()
    recognised_at = models.DateTimeField()


class ClosedMonth(models.Model):
    """A month nobody posts into any more (the trigger ``billing_month_closed``), and the balances it ended with."""

    month = models.DateField(unique=True)
    closed_at = models.DateTimeField()
    closed_by = models.CharField(max_length=80)
    balances = models.JSONField()


class GatewayMovement(models.Model):
    """One line of a gateway's own list of what moved on the account it keeps for us.

    ``at`` is told by the gateway's clock. ``fee_minor`` was kept by the gateway out of this movement.
    """

    gateway = models.CharField(max_length=20)
    ref = models.CharField(max_length=120)
    kind = models.CharField(max_length=20)
    payment_ref = models.CharField(max_length=120, default="", blank=True)
    amount_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["gateway", "ref"], name="gateway_movement_once")]
        indexes = [models.Index(fields=["payment_ref"], name="gateway_movement_by_payment")]

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


class Reconciliation(models.Model):
    """What a day's look at a gateway's list found: one per gateway and day, the last look of the day stands.

    ``orphans`` are the differences that are explained by one thing each; ``unexplained`` is what is left of the
    difference between the two balances, by currency, and is empty when all is well.
    """

    gateway = models.CharField(max_length=20)
    day = models.DateField()
    at = models.DateTimeField()
    movements = models.IntegerField()
    foreign = models.IntegerField(default=0)
    balances = models.JSONField()
    orphans = models.JSONField()
    unexplained = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["gateway", "day"], name="reconciliation_once_a_day")]


class Withholding(models.Model):
    """Tax that a buyer withheld from an order's price, with the certificate that shows it.

    ``counts_for_id`` is the order it pays towards once accepted; empty while it is held for the partner, because its
    order ended unpaid. Settled with the order, it moves no more.
    """

    key = models.UUIDField(unique=True)
    partner = models.ForeignKey(Partner, models.PROTECT, related_name="+")
    order_id = models.BigIntegerField()
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    tax_year = models.SmallIntegerField()
    certificate = models.CharField(max_length=80)
    file = models.ForeignKey(StoredFile, models.PROTECT, related_name="+")
    status = models.CharField(max_length=16, default=WithholdingStatus.SUBMITTED)
    note = models.CharField(max_length=500, default="", blank=True)
    answer = models.CharField(max_length=500, default="", blank=True)
    submitted_at = models.DateTimeField()
    submitted_by = models.CharField(max_length=80)
    moved_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=80, default="", blank=True)
    counts_for_id = models.BigIntegerField(null=True)
    settled_at = models.DateTimeField(null=True)
    returned_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order_id"], condition=~Q(status=WithholdingStatus.REFUSED), name="withholding_live_once"
            ),
            models.UniqueConstraint(
                fields=["counts_for_id"], condition=Q(counts_for_id__isnull=False), name="withholding_counts_once"
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="withholding_amount"),
            models.CheckConstraint(
                condition=Q(status__in=sorted(map(str, WithholdingStatus))), name="withholding_status"
            ),
            models.CheckConstraint(
                condition=Q(status=WithholdingStatus.ACCEPTED) | Q(counts_for_id=None, settled_at=None),
                name="withholding_counts_when_accepted",
            ),
            models.CheckConstraint(
                condition=Q(settled_at=None, returned_at=None)
                | Q(settled_at__isnull=False, counts_for_id__isnull=False),
                name="withholding_settled_with_its_order",
            ),
        ]
        indexes = [models.Index(fields=["partner", "-id"], name="withholding_by_partner")]

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)
