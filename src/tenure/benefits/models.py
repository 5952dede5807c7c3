"""What a term brings: grants counted per term, and the product keys revealed from them."""

from django.db import models
from django.db.models import F, Q

from tenure.memberships.models import Term
from tenure.partners.models import Partner


class Grant(models.Model):
    """One benefit of one term, in the quantity the offer promised when it was bought (I-37)."""

    term = models.ForeignKey(Term, models.PROTECT, related_name="grants")
    partner = models.ForeignKey(Partner, models.PROTECT, related_name="grants")
    benefit = models.CharField(max_length=60)
    kind = models.CharField(max_length=20)
    quantity = models.IntegerField()
    used = models.IntegerField(default=0)
    activate_by = models.DateField()
    ends_on = models.DateField()
    granted_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["term", "benefit"], name="grant_once_per_term"),
            models.CheckConstraint(condition=Q(used__gte=0) & Q(used__lte=F("quantity")), name="grant_never_overused"),
        ]
        indexes = [models.Index(fields=["partner", "-id"], name="grant_by_partner")]


class Key(models.Model):
    """A product key: in the pool until it is revealed, then one company's for ever (I-34)."""

    pool = models.CharField(max_length=60)
    value = models.CharField(max_length=200, unique=True)
    loaded_at = models.DateTimeField()
    grant = models.ForeignKey(Grant, models.PROTECT, null=True, related_name="keys")
    revealed_at = models.DateTimeField(null=True)
    revealed_by = models.CharField(max_length=80, default="", blank=True)

    class Meta:
        indexes = [models.Index(fields=["pool", "id"], name="key_in_pool", condition=Q(grant=None))]


class Usage(models.Model):
    """Units taken from a grant: an incident opened, a seat given, an hour advised."""

    grant = models.ForeignKey(Grant, models.PROTECT, related_name="usages")
    quantity = models.IntegerField()
    note = models.CharField(max_length=200, default="", blank=True)
    at = models.DateTimeField()
    by = models.CharField(max_length=80)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(quantity__gt=0), name="usage_quantity")]
