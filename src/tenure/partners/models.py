"""Partner companies. Their standing is derived from what happened to them; no status column is kept."""

from django.db import models

from tenure.partners.rules import ManagedIn, Standing, standing


class Partner(models.Model):
    number = models.CharField(max_length=12, unique=True)
    legal_name = models.CharField(max_length=200)
    country = models.CharField(max_length=2)
    address = models.CharField(max_length=200)
    city = models.CharField(max_length=100)
    postcode = models.CharField(max_length=20, default="", blank=True)
    registration_number = models.CharField(max_length=40, default="", blank=True)
    tax_id = models.CharField(max_length=40, default="", blank=True)
    billing_name = models.CharField(max_length=200, default="", blank=True)
    billing_address = models.CharField(max_length=300, default="", blank=True)
    contact_name = models.CharField(max_length=120)
    contact_email = models.EmailField()
    contact_phone = models.CharField(max_length=40)
    language = models.CharField(max_length=8, default="en")
    managed_in = models.CharField(max_length=8, default=ManagedIn.HERE)
    invited_here_at = models.DateTimeField(null=True)
    moved_here_at = models.DateTimeField(null=True)
    verified_at = models.DateTimeField(null=True)
    rejected_at = models.DateTimeField(null=True)
    suspended_at = models.DateTimeField(null=True)
    suspended_reason = models.CharField(max_length=300, default="", blank=True)
    closed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(managed_in__in=sorted(map(str, ManagedIn))), name="partner_managed_in"
            )
        ]

    @property
    def partner_id(self) -> int:
        """A partner is its own subject when access is decided."""
        return self.pk

    @property
    def standing(self) -> Standing:
        return standing(self.verified_at, self.rejected_at, self.suspended_at, self.closed_at)

    def __str__(self) -> str:
        return self.legal_name


class TaxExemption(models.Model):
    """A certificate that frees a company from tax between two days, both inclusive."""

    partner = models.ForeignKey(Partner, models.PROTECT, related_name="exemptions")
    certificate = models.CharField(max_length=80)
    valid_from = models.DateField()
    valid_to = models.DateField()
    granted_at = models.DateTimeField()
    granted_by = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(valid_to__gte=models.F("valid_from")), name="exemption_dates")
        ]
