"""Who holds what, from when, until when."""

from django.db import models

from tenure.memberships.rules import TermKind
from tenure.partners.models import Partner
from tenure.payments.models import Card
from tenure.programme.models import Version


class Subscription(models.Model):
    """A partner's holding of one offer, through all its terms. Its status is derived from dates."""

    partner = models.ForeignKey(Partner, models.PROTECT, related_name="subscriptions")
    offer = models.CharField(max_length=60)
    # Boundaries are computed from here, so that 29 February comes back in leap years.
    anchor_on = models.DateField()
    auto_renew = models.BooleanField(default=False)
    auto_renew_off_at = models.DateTimeField(null=True)
    auto_renew_off_by = models.CharField(max_length=80, default="", blank=True)
    card = models.ForeignKey(Card, models.PROTECT, null=True)
    # The last day on which an open order holds the right to renew (domain.md, decision 5).
    held_until = models.DateField(null=True)
    # Since when the bank disputes the payment of its newest term: everything stands still until it has decided.
    disputed_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    cancelled_on = models.DateField(null=True)
    # A fresh purchase after the end replaces a lapsed subscription; it never revives it.
    superseded_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            # One of each offer per company, whatever two tabs do at once.
            models.UniqueConstraint(
                fields=["partner", "offer"],
                condition=models.Q(cancelled_at=None, superseded_at=None),
                name="subscription_one_live_per_offer",
            ),
            models.CheckConstraint(
                condition=models.Q(cancelled_at=None, cancelled_on=None)
                | models.Q(cancelled_at__isnull=False, cancelled_on__isnull=False),
                name="subscription_cancelled_day",
            ),
        ]


class Term(models.Model):
    """One paid year. It keeps the policy and the programme version it was bought under."""

    subscription = models.ForeignKey(Subscription, models.PROTECT, related_name="terms")
    partner = models.ForeignKey(Partner, models.PROTECT)
    n = models.IntegerField()
    kind = models.CharField(max_length=12)
    starts_on = models.DateField()
    expires_on = models.DateField()
    renewal_opens_on = models.DateField()
    renewal_closes_on = models.DateField()
    # The order that paid for it; its row lives higher, the foreign key is kept by purchases' migration.
    order_id = models.BigIntegerField(null=True, unique=True)
    programme = models.ForeignKey(Version, models.PROTECT)
    policy = models.IntegerField()
    opened_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            # The second of two renewals racing for the same year finds it taken.
            models.UniqueConstraint(fields=["subscription", "n"], name="term_once"),
            models.CheckConstraint(condition=models.Q(expires_on__gte=models.F("starts_on")), name="term_dates"),
            models.CheckConstraint(
                condition=models.Q(renewal_opens_on__gt=models.F("expires_on"))
                & models.Q(renewal_closes_on__gte=models.F("renewal_opens_on")),
                name="term_window",
            ),
            models.CheckConstraint(condition=models.Q(kind__in=sorted(map(str, TermKind))), name="term_kind"),
        ]
        indexes = [models.Index(fields=["expires_on", "subscription"], name="term_by_expiry")]


class AutoRenewChange(models.Model):
    """Every switch of auto-renew, with its cause: off by a person, on only by a paid order (I-28)."""

    subscription = models.ForeignKey(Subscription, models.PROTECT, related_name="auto_renew_changes")
    on = models.BooleanField()
    at = models.DateTimeField()
    by = models.CharField(max_length=80)
    cause = models.CharField(max_length=20)
