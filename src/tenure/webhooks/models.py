"""Rows of the feed and of webhooks: an event's number, an address, its secrets, what it chose, and what was sent."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from tenure.partners.models import Partner
from tenure.plumbing.models import Event
from tenure.plumbing.sealed import Sealed
from tenure.webhooks.rules import Status

SECRET = "webhooks.secret"


class Entry(models.Model):
    """An event's place in the feed, given once it is committed: no reader can have passed it by.

    ``number`` counts the events of one object, ``shown_number`` those of them that its company may see.
    """

    event = models.OneToOneField(Event, models.PROTECT, primary_key=True)
    position = models.BigIntegerField(unique=True)
    name = models.CharField(max_length=80)
    subject = models.CharField(max_length=80)
    number = models.IntegerField()
    partner = models.ForeignKey(Partner, models.PROTECT, null=True)
    shown_number = models.IntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subject", "number"], name="entry_numbered_by_object"),
            models.UniqueConstraint(
                fields=["partner", "subject", "shown_number"], name="entry_numbered_by_object_and_company"
            ),
        ]
        indexes = [
            models.Index(
                fields=["partner", "position"], name="entry_shown", condition=models.Q(shown_number__isnull=False)
            )
        ]


class Endpoint(models.Model):
    """An address that is told of events: a company's, or without a company the office's own."""

    partner = models.ForeignKey(Partner, models.PROTECT, null=True)
    url = models.CharField(max_length=500)
    name = models.CharField(max_length=120, default="", blank=True)
    status = models.CharField(max_length=8, default=Status.ACTIVE)
    added_at = models.DateTimeField()
    added_by = models.CharField(max_length=80)
    # Failing without a break: since when, and how often; left alone until.
    failing_since = models.DateTimeField(null=True)
    failures = models.IntegerField(default=0)
    resting_until = models.DateTimeField(null=True)
    # Shut by us: when, and the last place of the feed that it was told of.
    shut_at = models.DateTimeField(null=True)
    shut_place = models.BigIntegerField(null=True)
    # Who is sending to it just now, by the machine's clock.
    lease = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=[str(status) for status in Status]), name="endpoint_status"
            )
        ]
        indexes = [models.Index(fields=["partner"], name="endpoint_by_partner")]

    @property
    def host(self) -> str:
        return self.url.split("//")[-1].split("/")[0]


class Secret(models.Model):
    """What an endpoint's messages are signed with; the one before signs too until it ends."""

    endpoint = models.ForeignKey(Endpoint, models.PROTECT, related_name="secrets")
    value = Sealed(purpose=SECRET)
    made_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint"], condition=models.Q(ends_at=None), name="endpoint_has_one_newest_secret"
            )
        ]


class Selection(models.Model):
    """Which events an endpoint chose, over which stretch of the feed; the newest has no end."""

    endpoint = models.ForeignKey(Endpoint, models.PROTECT, related_name="selections")
    types = ArrayField(models.CharField(max_length=80))
    after = models.BigIntegerField()
    through = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint"], condition=models.Q(through=None), name="endpoint_has_one_newest_selection"
            )
        ]


class Delivery(models.Model):
    """One event owed to one endpoint, written together with the event's place in the feed."""

    endpoint = models.ForeignKey(Endpoint, models.PROTECT, related_name="deliveries")
    entry = models.ForeignKey(Entry, models.PROTECT)
    state = models.CharField(max_length=10, default="due")
    # Of the present round: sending again by hand begins another.
    tries = models.SmallIntegerField(default=0)
    due_at = models.DateTimeField()
    first_at = models.DateTimeField(null=True)
    last_at = models.DateTimeField(null=True)
    # The newest answer's status, or why there was none.
    answer = models.SmallIntegerField(null=True)
    fault = models.CharField(max_length=40, default="", blank=True)
    # Byte for byte what was sent, the same each time.
    body = models.TextField(default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "entry"], name="delivery_once_per_event"),
            models.CheckConstraint(
                condition=models.Q(state__in=["due", "delivered", "failed"]), name="webhook_delivery_state"
            ),
        ]
        indexes = [
            models.Index(fields=["endpoint", "due_at"], name="delivery_due", condition=models.Q(state="due")),
            models.Index(fields=["endpoint", "-id"], name="delivery_by_endpoint"),
        ]


class Sending(models.Model):
    """One try of a delivery: what was sent, and the beginning of what came back."""

    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="sendings")
    n = models.IntegerField()
    at = models.DateTimeField()
    ms = models.IntegerField(default=0)
    request_headers = models.JSONField(default=dict)
    answer = models.SmallIntegerField(null=True)
    answer_headers = models.JSONField(default=dict)
    answer_body = models.TextField(default="", blank=True)
    fault = models.CharField(max_length=40, default="", blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["delivery", "n"], name="sending_numbered")]
