"""Versions of the programme: what was applied, when, from which text. A version never changes."""

from django.db import models


class Version(models.Model):
    n = models.IntegerField(unique=True)
    code = models.CharField(max_length=40)
    source = models.TextField()
    sha256 = models.CharField(max_length=64)
    applied_at = models.DateTimeField()
    applied_by = models.CharField(max_length=80)
