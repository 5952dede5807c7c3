"""Agreements accepted and the checks of a company, each with its own state."""

from django.db import models

from tenure.enrolment.rules import Kind, State
from tenure.partners.models import Partner
from tenure.people.models import User
from tenure.plumbing.models import StoredFile


class Acceptance(models.Model):
    """Who accepted which text in which version, when. Never changed."""

    partner = models.ForeignKey(Partner, models.PROTECT, related_name="acceptances")
    agreement = models.CharField(max_length=60)
    version = models.CharField(max_length=20)
    user = models.ForeignKey(User, models.PROTECT)
    at = models.DateTimeField()


class Check(models.Model):
    partner = models.ForeignKey(Partner, models.PROTECT, related_name="checks")
    kind = models.CharField(max_length=12)
    state = models.CharField(max_length=10, default=State.PENDING)
    # What changed since the last decision, by field: before and after. Only this is looked at again.
    changed = models.JSONField(default=dict, blank=True)
    reason = models.CharField(max_length=500, default="", blank=True)
    opened_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=80, default="", blank=True)
    appeal = models.TextField(default="", blank=True)
    appealed_at = models.DateTimeField(null=True)
    evidence = models.ForeignKey(StoredFile, models.PROTECT, null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["partner", "kind"], name="check_once_per_kind"),
            models.CheckConstraint(condition=models.Q(kind__in=sorted(map(str, Kind))), name="check_kind"),
            models.CheckConstraint(condition=models.Q(state__in=sorted(map(str, State))), name="check_state"),
        ]
        indexes = [models.Index(fields=["opened_at"], name="check_waiting", condition=models.Q(state="pending"))]


class Evidence(models.Model):
    """A document a company hands in for one of its checks, asked or not. Never changed, never taken back."""

    check_row = models.ForeignKey(Check, models.PROTECT, related_name="papers", db_column="check_id")
    partner = models.ForeignKey(Partner, models.PROTECT, related_name="+")
    file = models.ForeignKey(StoredFile, models.PROTECT, related_name="+")
    note = models.CharField(max_length=500, default="", blank=True)
    handed_in_at = models.DateTimeField()
    handed_in_by = models.CharField(max_length=80)
