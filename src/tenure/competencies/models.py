"""Evidence: the figures of a company against which criteria are held, each with the day it was true."""

from django.db import models

from tenure.partners.models import Partner


class Evidence(models.Model):
    partner = models.ForeignKey(Partner, models.PROTECT, related_name="evidence")
    offer = models.CharField(max_length=60)
    criterion = models.CharField(max_length=60)
    value = models.IntegerField()
    as_of = models.DateField()
    note = models.CharField(max_length=300, default="", blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.CharField(max_length=80)

    class Meta:
        indexes = [models.Index(fields=["partner", "offer", "criterion", "-id"], name="evidence_latest")]
