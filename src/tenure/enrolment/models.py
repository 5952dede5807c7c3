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


class Recovery(models.Model):
    """A company whose admins are all gone, on its way to a new one: started by one of staff, agreed to by another.

    Everybody who may know better is told, at once and each day, and any of them stops it.
    """

    partner = models.ForeignKey(Partner, models.PROTECT, related_name="recoveries")
    name = models.CharField(max_length=120)
    email = models.EmailField()
    language = models.CharField(max_length=8, default="en")
    reason = models.CharField(max_length=1000)
    evidence = models.ForeignKey(StoredFile, models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    started_by = models.CharField(max_length=80)
    ready_on = models.DateField()
    told_on = models.DateField()
    agreed_at = models.DateTimeField(null=True)
    agreed_by = models.CharField(max_length=80, default="", blank=True)
    stopped_at = models.DateTimeField(null=True)
    stopped_by = models.CharField(max_length=80, default="", blank=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["partner"], condition=models.Q(stopped_at=None, done_at=None), name="recovery_open_once"
            ),
            models.CheckConstraint(condition=~models.Q(agreed_by=models.F("started_by")), name="recovery_by_two"),
            models.CheckConstraint(
                condition=models.Q(done_at=None) | models.Q(agreed_at__isnull=False, stopped_at=None),
                name="recovery_done_only_when_agreed",
            ),
        ]

    @property
    def open(self) -> bool:
        return self.stopped_at is None and self.done_at is None
