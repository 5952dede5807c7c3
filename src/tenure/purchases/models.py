"""Checkout drafts and orders. An order's status is derived; only what happened is stored."""

import uuid

from django.db import models
from django.db.models import Q

from tenure.kernel.money import Money
from tenure.memberships.models import Subscription, Term
from tenure.partners.models import Partner
from tenure.payments.models import Card
from tenure.payments.rules import Method
from tenure.people.models import User
from tenure.plumbing.models import StoredFile
from tenure.programme.models import Version
from tenure.purchases.rules import Closing, Origin, Purpose


class Draft(models.Model):
    """A checkout under way, kept on the server so that it survives a reload and another device.

    Its key becomes the order's idempotency key: minted here, once, not at every page load.
    """

    key = models.UUIDField(default=uuid.uuid4, unique=True)
    partner = models.ForeignKey(Partner, models.PROTECT)
    user = models.ForeignKey(User, models.PROTECT)
    purpose = models.CharField(max_length=10)
    offer = models.CharField(max_length=60)
    subscription = models.ForeignKey(Subscription, models.PROTECT, null=True)
    method = models.CharField(max_length=14, default="", blank=True)
    card = models.ForeignKey(Card, models.PROTECT, null=True)
    contact_name = models.CharField(max_length=120, default="", blank=True)
    contact_phone = models.CharField(max_length=40, default="", blank=True)
    contact_email = models.CharField(max_length=254, default="", blank=True)
    auto_renew = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    ordered_at = models.DateTimeField(null=True)


class Order(models.Model):
    number = models.CharField(max_length=20, unique=True)
    reference = models.CharField(max_length=25, unique=True)
    partner = models.ForeignKey(Partner, models.PROTECT, related_name="orders")
    purpose = models.CharField(max_length=10)
    origin = models.CharField(max_length=14, default=Origin.PERSON)
    offer = models.CharField(max_length=60)
    subscription = models.ForeignKey(Subscription, models.PROTECT, null=True, related_name="orders")
    # The term it renews; a renewal names its predecessor.
    renews = models.ForeignKey(Term, models.PROTECT, null=True, related_name="+")
    method = models.CharField(max_length=14)
    card = models.ForeignKey(Card, models.PROTECT, null=True)
    programme = models.ForeignKey(Version, models.PROTECT)
    policy = models.IntegerField()
    price = models.CharField(max_length=80)
    currency = models.CharField(max_length=3)
    net_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField()
    total_minor = models.BigIntegerField()
    tax_rate_bp = models.IntegerField()
    tax_category = models.CharField(max_length=3)
    auto_renew = models.BooleanField(default=False)
    contact_name = models.CharField(max_length=120, default="", blank=True)
    contact_phone = models.CharField(max_length=40, default="", blank=True)
    contact_email = models.CharField(max_length=254, default="", blank=True)
    bill_to = models.JSONField(default=dict)
    language = models.CharField(max_length=8)
    terms_version = models.CharField(max_length=20, default="", blank=True)
    idempotency_key = models.CharField(max_length=80)
    body_sha256 = models.CharField(max_length=64)
    placed_at = models.DateTimeField()
    placed_on = models.DateField()
    placed_by = models.CharField(max_length=80)
    expires_on = models.DateField()
    warned_at = models.DateTimeField(null=True)
    paid_at = models.DateTimeField(null=True)
    refunded_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    closing = models.CharField(max_length=10, default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["partner", "idempotency_key"], name="order_once_per_key"),
            # One open order per subscription, and one per offer for a first purchase: two tabs cannot both win.
            models.UniqueConstraint(
                fields=["subscription"],
                condition=Q(paid_at=None, closed_at=None, subscription__isnull=False),
                name="order_open_once_per_subscription",
            ),
            models.UniqueConstraint(
                fields=["partner", "offer"], condition=Q(paid_at=None, closed_at=None), name="order_open_once_per_offer"
            ),
            models.CheckConstraint(
                condition=Q(total_minor=models.F("net_minor") + models.F("tax_minor")), name="order_sums"
            ),
            models.CheckConstraint(condition=Q(method__in=sorted(map(str, Method))), name="order_method"),
            models.CheckConstraint(condition=Q(purpose__in=sorted(map(str, Purpose))), name="order_purpose"),
            models.CheckConstraint(
                condition=Q(closed_at=None, closing="")
                | Q(closed_at__isnull=False, closing__in=sorted(map(str, Closing))),
                name="order_closing",
            ),
            models.CheckConstraint(
                condition=Q(purpose=Purpose.PURCHASE) | Q(renews__isnull=False), name="order_renewal_names_its_term"
            ),
        ]
        indexes = [
            models.Index(fields=["partner", "-id"], name="order_by_partner"),
            models.Index(fields=["expires_on"], name="order_open", condition=Q(paid_at=None, closed_at=None)),
        ]

    @property
    def net(self) -> Money:
        return Money(self.net_minor, self.currency)

    @property
    def tax(self) -> Money:
        return Money(self.tax_minor, self.currency)

    @property
    def total(self) -> Money:
        return Money(self.total_minor, self.currency)

    @property
    def open(self) -> bool:
        return self.paid_at is None and self.closed_at is None


class Proof(models.Model):
    """What a partner uploads to show that a transfer was made. It informs; it never activates."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="proofs")
    partner = models.ForeignKey(Partner, models.PROTECT)
    file = models.ForeignKey(StoredFile, models.PROTECT)
    paid_on = models.DateField()
    account = models.CharField(max_length=60)
    reference = models.CharField(max_length=120)
    uploaded_at = models.DateTimeField()
    uploaded_by = models.CharField(max_length=80)


class Approval(models.Model):
    """An order that one of the buying company asked for and another of it has to approve before it can be paid."""

    order = models.OneToOneField(Order, models.PROTECT, related_name="approval")
    partner = models.ForeignKey(Partner, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    asked_by = models.CharField(max_length=80)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=80, default="", blank=True)
    approved = models.BooleanField(null=True)
    reason = models.CharField(max_length=300, default="", blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(decided_at=None, approved=None) | Q(decided_at__isnull=False, approved__isnull=False),
                name="approval_decided_whole",
            ),
            models.CheckConstraint(condition=~Q(decided_by=models.F("asked_by")), name="approval_by_another"),
        ]
