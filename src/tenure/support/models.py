"""Support requests and their threads."""

from django.db import models
from django.db.models import Q

from tenure.memberships.models import Subscription
from tenure.partners.models import Partner
from tenure.payments.models import Refund
from tenure.people.models import User
from tenure.support.rules import RequestStatus


class Request(models.Model):
    number = models.CharField(max_length=20, unique=True)
    partner = models.ForeignKey(Partner, models.PROTECT, related_name="requests")
    problem_type = models.CharField(max_length=60)
    subject = models.CharField(max_length=200)
    subscription = models.ForeignKey(Subscription, models.PROTECT, null=True, related_name="requests")
    action = models.CharField(max_length=12, default="", blank=True)
    status = models.CharField(max_length=18, default=RequestStatus.OPEN)
    outcome = models.CharField(max_length=14, default="", blank=True)
    reason = models.CharField(max_length=500, default="", blank=True)
    override = models.BooleanField(default=False)
    refund = models.OneToOneField(Refund, models.PROTECT, null=True, related_name="request")
    opened_at = models.DateTimeField()
    opened_on = models.DateField()
    opened_by = models.ForeignKey(User, models.PROTECT)
    moved_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=80, default="", blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(status__in=sorted(map(str, RequestStatus))), name="request_status"),
            models.UniqueConstraint(
                fields=["subscription"],
                condition=Q(action="cancel", closed_at=None),
                name="request_one_open_cancel_per_subscription",
            ),
        ]
        indexes = [
            models.Index(fields=["partner", "-id"], name="request_by_partner"),
            models.Index(fields=["moved_at"], name="request_open", condition=~Q(status="closed")),
        ]


class Note(models.Model):
    """One entry of a request's thread; internal ones are for staff."""

    request = models.ForeignKey(Request, models.PROTECT, related_name="notes")
    author = models.ForeignKey(User, models.PROTECT, null=True)
    by_staff = models.BooleanField(default=False)
    internal = models.BooleanField(default=False)
    text = models.TextField()
    at = models.DateTimeField()
