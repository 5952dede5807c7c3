"""Partner companies. Their standing is derived from what happened to them; no status column is kept."""

from django.db import models

from tenure.partners.rules import ApplicationStatus, ManagedIn, Standing, standing
from tenure.plumbing.models import StoredFile


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
    # Orders above it wait for one of the company's approvers; without it none does.
    approval_above_minor = models.BigIntegerField(null=True)
    approval_currency = models.CharField(max_length=3, default="", blank=True)
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
                condition=models.Q(approval_above_minor=None, approval_currency="")
                | (models.Q(approval_above_minor__gte=0) & ~models.Q(approval_currency="")),
                name="partner_approval_has_currency",
            ),
            models.CheckConstraint(
                condition=models.Q(managed_in__in=sorted(map(str, ManagedIn))), name="partner_managed_in"
            ),
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
    warned_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(valid_to__gte=models.F("valid_from")), name="exemption_dates")
        ]


class ExemptionApplication(models.Model):
    """What a company sends in to be freed from tax, and what staff said to it. One at a time is undecided."""

    key = models.UUIDField(unique=True)
    partner = models.ForeignKey(Partner, models.PROTECT, related_name="applications")
    kind = models.CharField(max_length=16)
    certificate = models.CharField(max_length=80)
    valid_from = models.DateField()
    valid_to = models.DateField()
    file = models.ForeignKey(StoredFile, models.PROTECT, related_name="+")
    note = models.CharField(max_length=500, default="", blank=True)
    status = models.CharField(max_length=16, default=ApplicationStatus.SUBMITTED)
    answer = models.CharField(max_length=500, default="", blank=True)
    submitted_at = models.DateTimeField()
    submitted_by = models.CharField(max_length=80)
    moved_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=80, default="", blank=True)
    exemption = models.OneToOneField(TaxExemption, models.PROTECT, null=True, related_name="application")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["partner"],
                condition=models.Q(status__in=["submitted", "pending_partner"]),
                name="application_undecided_once",
            ),
            models.CheckConstraint(condition=models.Q(valid_to__gte=models.F("valid_from")), name="application_dates"),
            models.CheckConstraint(
                condition=models.Q(status__in=sorted(map(str, ApplicationStatus))), name="application_status"
            ),
            models.CheckConstraint(
                condition=models.Q(status="accepted", exemption__isnull=False)
                | (~models.Q(status="accepted") & models.Q(exemption=None)),
                name="application_accepted_has_exemption",
            ),
        ]


class Location(models.Model):
    """A branch of a company, with an ID of its own from the same series. Removed, not deleted: papers name it."""

    partner = models.ForeignKey(Partner, models.PROTECT, related_name="locations")
    number = models.CharField(max_length=12, unique=True)
    name = models.CharField(max_length=200)
    country = models.CharField(max_length=2)
    address = models.CharField(max_length=200)
    city = models.CharField(max_length=100)
    postcode = models.CharField(max_length=20, default="", blank=True)
    contact_name = models.CharField(max_length=120)
    contact_email = models.EmailField()
    contact_phone = models.CharField(max_length=40)
    added_at = models.DateTimeField()
    added_by = models.CharField(max_length=80)
    removed_at = models.DateTimeField(null=True)
    removed_by = models.CharField(max_length=80, default="", blank=True)
    removed_reason = models.CharField(max_length=300, default="", blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(removed_at=None) | ~models.Q(removed_reason=""), name="location_removed_for_a_reason"
            )
        ]
        indexes = [models.Index(fields=["partner", "id"], name="location_by_partner")]
