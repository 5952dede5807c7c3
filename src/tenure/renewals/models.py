"""What fell due for each term, once, and the runs that looked for it."""

from django.db import models
from django.db.models import Q

from tenure.memberships.models import Subscription, Term


class Due(models.Model):
    """One thing that fell due for one term: done, suppressed or parked, and why. Never twice."""

    subscription = models.ForeignKey(Subscription, models.PROTECT)
    term = models.ForeignKey(Term, models.PROTECT, related_name="dues")
    action = models.CharField(max_length=20)
    due_on = models.DateField()
    state = models.CharField(max_length=10)
    reason = models.CharField(max_length=80, default="", blank=True)
    done_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["term", "action"], name="due_once_per_term"),
            models.CheckConstraint(condition=Q(state__in=["done", "suppressed", "parked"]), name="due_state"),
        ]


class Run(models.Model):
    """One daily run: what was due, what became of it, and what was left."""

    on = models.DateField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    due = models.IntegerField(default=0)
    renewed = models.IntegerField(default=0)
    declined = models.IntegerField(default=0)
    unknown = models.IntegerField(default=0)
    parked = models.IntegerField(default=0)
    told = models.IntegerField(default=0)
    lapsed = models.IntegerField(default=0)
