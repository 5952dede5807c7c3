"""Attempts, payments, refunds, bank lines. An order's row lives higher; its foreign key is kept there."""

from datetime import datetime

from django.db import models
from django.db.models import Q

from tenure.kernel.money import Money
from tenure.partners.models import Partner
from tenure.payments.rules import OPEN, AttemptStatus, Method, RefundStatus, next_ask


class Card(models.Model):
    """A card kept for later by the gateway; we hold a token and what people recognise it by."""

    partner = models.ForeignKey(Partner, models.PROTECT, related_name="cards")
    gateway = models.CharField(max_length=20)
    token = models.CharField(max_length=120)
    brand = models.CharField(max_length=20)
    last4 = models.CharField(max_length=4)
    exp_month = models.SmallIntegerField()
    exp_year = models.SmallIntegerField()
    consented_at = models.DateTimeField()
    consented_by = models.CharField(max_length=80)
    # From here on the card is offered and charged no more; ``removed_at`` is when the gateway had forgotten it.
    removing_at = models.DateTimeField(null=True)
    removed_by = models.CharField(max_length=80, default="", blank=True)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["partner", "gateway", "token"], name="card_token_once"),
            models.CheckConstraint(condition=Q(removed_at=None) | Q(removing_at__isnull=False), name="card_removed"),
        ]

    def __str__(self) -> str:
        return f"{self.brand} ···· {self.last4}"


class Attempt(models.Model):
    """One try to charge one order. The row is committed before the gateway hears of it."""

    order_id = models.BigIntegerField()
    order_number = models.CharField(max_length=20)
    partner = models.ForeignKey(Partner, models.PROTECT)
    n = models.IntegerField()
    gateway = models.CharField(max_length=20)
    key = models.CharField(max_length=80)
    ref = models.CharField(max_length=120, default="", blank=True)
    card = models.ForeignKey(Card, models.PROTECT, null=True)
    off_session = models.BooleanField(default=False)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=14, default=AttemptStatus.NEW)
    decline_code = models.CharField(max_length=60, default="", blank=True)
    hard = models.BooleanField(default=False)
    page_path = models.CharField(max_length=200, default="", blank=True)
    committed_at = models.DateTimeField()
    called_at = models.DateTimeField(null=True)
    asked_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.CharField(max_length=10, default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order_id", "n"], name="attempt_n_once"),
            models.UniqueConstraint(fields=["gateway", "key"], name="attempt_key_once"),
            models.UniqueConstraint(fields=["gateway", "ref"], condition=~Q(ref=""), name="attempt_ref_once"),
            # A new attempt only after the last is known not to have charged (I-13).
            models.UniqueConstraint(
                fields=["order_id"], condition=Q(status__in=sorted(map(str, OPEN))), name="attempt_open_once"
            ),
            models.UniqueConstraint(
                fields=["order_id"], condition=Q(status=AttemptStatus.SUCCEEDED), name="attempt_succeeded_once"
            ),
            models.CheckConstraint(condition=Q(status__in=sorted(map(str, AttemptStatus))), name="attempt_status"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="attempt_amount"),
        ]
        indexes = [
            models.Index(fields=["status", "id"], name="attempt_open", condition=Q(status__in=sorted(map(str, OPEN))))
        ]

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def asks_at(self) -> datetime:
        """When the gateway is asked next, if nobody brings the news before."""
        return next_ask(self.called_at or self.committed_at, self.asked_at)


class AttemptChange(models.Model):
    """The history of an attempt's status, with who brought the news."""

    attempt = models.ForeignKey(Attempt, models.PROTECT, related_name="changes")
    status = models.CharField(max_length=14)
    at = models.DateTimeField()
    cause = models.CharField(max_length=10)


class StatementMapping(models.Model):
    """Which column of an account's files says what, saved once."""

    account = models.CharField(max_length=60, unique=True)
    columns = models.JSONField()
    saved_at = models.DateTimeField()
    saved_by = models.CharField(max_length=80)


class StatementFile(models.Model):
    """One bank file, taken in once: the same bytes again are the same row."""

    sha256 = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=200)
    form = models.CharField(max_length=20)
    account = models.CharField(max_length=60)
    received_at = models.DateTimeField()
    received_by = models.CharField(max_length=80)
    known = models.IntegerField(default=0)
    """Lines that another file or a clerk had entered before."""
    pending = models.IntegerField(default=0)
    faults = models.JSONField(default=list)


class BankLine(models.Model):
    """One credit on a bank statement."""

    line_key = models.CharField(max_length=120, unique=True)
    statement = models.CharField(max_length=60, default="", blank=True)
    account = models.CharField(max_length=60)
    value_on = models.DateField()
    booked_on = models.DateField()
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    reference = models.CharField(max_length=300, default="", blank=True)
    payer = models.CharField(max_length=200, default="", blank=True)
    payer_account = models.CharField(max_length=60, default="", blank=True)
    file = models.ForeignKey(StatementFile, models.PROTECT, null=True, related_name="lines")
    # What matching said: the rule it matched by, or why it could not, and the order it is most likely for.
    rule = models.CharField(max_length=20, default="", blank=True)
    reasons = models.JSONField(default=list)
    likely_order_id = models.BigIntegerField(null=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.CharField(max_length=80)
    ignored_at = models.DateTimeField(null=True)
    ignored_reason = models.CharField(max_length=200, default="", blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(amount_minor__gt=0), name="bank_line_amount")]
        indexes = [models.Index(fields=["payer_account"], name="bank_line_by_payer", condition=~Q(payer_account=""))]

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


class OutgoingLine(models.Model):
    """One debit on a bank statement: a refund that went out, or something that is none of ours, with the reason."""

    line_key = models.CharField(max_length=120, unique=True)
    file = models.ForeignKey(StatementFile, models.PROTECT, related_name="outgoing")
    account = models.CharField(max_length=60)
    value_on = models.DateField()
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    text = models.CharField(max_length=300, default="", blank=True)
    payee = models.CharField(max_length=200, default="", blank=True)
    refund = models.OneToOneField("Refund", models.PROTECT, null=True, related_name="bank_line")
    reason = models.CharField(max_length=20, default="", blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(amount_minor__gt=0), name="outgoing_line_amount")]

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


class Allocation(models.Model):
    """Part of a bank line given to an order, or held for a partner until an order needs it."""

    bank_line = models.ForeignKey(BankLine, models.PROTECT, related_name="allocations")
    partner = models.ForeignKey(Partner, models.PROTECT)
    order_id = models.BigIntegerField(null=True)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    at = models.DateTimeField()
    by = models.CharField(max_length=80)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(amount_minor__gt=0), name="allocation_amount")]
        indexes = [
            models.Index(fields=["order_id"], name="allocation_by_order"),
            models.Index(fields=["partner"], name="allocation_held", condition=Q(order_id=None)),
        ]


class Payment(models.Model):
    """Money that paid an order in full: one per order, ever (I-11)."""

    order_id = models.BigIntegerField(unique=True)
    partner = models.ForeignKey(Partner, models.PROTECT)
    attempt = models.OneToOneField(Attempt, models.PROTECT, null=True)
    bank_line = models.ForeignKey(BankLine, models.PROTECT, null=True)
    method = models.CharField(max_length=14)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    gateway_ref = models.CharField(max_length=120, default="", blank=True)
    received_at = models.DateTimeField()
    value_on = models.DateField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(method__in=sorted(map(str, Method))), name="payment_method"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payment_amount"),
        ]

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


class Refund(models.Model):
    """Money on its way back. The sum of a payment's refunds never passes what was captured (I-7)."""

    payment = models.ForeignKey(Payment, models.PROTECT, related_name="refunds")
    kind = models.CharField(max_length=12)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=10, default=RefundStatus.NEW)
    gateway_key = models.CharField(max_length=80, unique=True)
    gateway_ref = models.CharField(max_length=120, default="", blank=True)
    reason = models.CharField(max_length=300)
    requested_by = models.CharField(max_length=80)
    # The support request it answers; its row lives higher.
    request_id = models.BigIntegerField(null=True)
    promised_at = models.DateTimeField()
    made_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["payment", "kind"], condition=~Q(status=RefundStatus.REFUSED), name="refund_once_per_kind"
            ),
            models.CheckConstraint(condition=Q(status__in=sorted(map(str, RefundStatus))), name="refund_status"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="refund_amount"),
        ]

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


class Dispute(models.Model):
    """A charge that the cardholder's bank took back until it has decided. Decided once, it never moves again."""

    payment = models.ForeignKey(Payment, models.PROTECT, related_name="disputes")
    gateway = models.CharField(max_length=20)
    ref = models.CharField(max_length=120)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=16)
    reason = models.CharField(max_length=60, default="", blank=True)
    opened_at = models.DateTimeField()
    respond_by = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    looked_on = models.DateField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["gateway", "ref"], name="dispute_ref_once"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="dispute_amount"),
            models.CheckConstraint(
                condition=Q(status__in=["needs_response", "under_review", "won", "lost"]), name="dispute_status"
            ),
        ]

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def open(self) -> bool:
        return self.closed_at is None


class DisputeSearch(models.Model):
    """A payment that a gateway's list says is disputed, and of which no dispute is known: looked for once a day."""

    gateway = models.CharField(max_length=20)
    payment_ref = models.CharField(max_length=120)
    looked_on = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["gateway", "payment_ref"], name="dispute_search_once")]


class RefundApproval(models.Model):
    """One person's yes to one refund, with the limit that was in force."""

    request_id = models.BigIntegerField()
    refund = models.ForeignKey(Refund, models.PROTECT, null=True, related_name="approvals")
    by = models.CharField(max_length=80)
    at = models.DateTimeField()
    limit_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["request_id", "by"], name="refund_approval_once_per_person")]


class GatewayEvent(models.Model):
    """A doorbell that rang. Applied at most once; what it says is never believed, only looked up."""

    gateway = models.CharField(max_length=20)
    event_id = models.CharField(max_length=120)
    kind = models.CharField(max_length=60)
    ref = models.CharField(max_length=120)
    received_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, default="", blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["gateway", "event_id"], name="gateway_event_once")]
