"""Rows that belong to no capability: events, reactions, mail, files, counters, the demonstration clock."""

import uuid

from django.db import models


class Event(models.Model):
    """Something that happened, written in the transaction of its cause; never changed, never deleted.

    The same rows are the audit trail, the partner's timeline, the webhook feed and the trigger of reactions.
    """

    name = models.CharField(max_length=80)
    # The partner's row lives above this layer; the foreign key is added by the partners' first migration.
    partner_id = models.BigIntegerField(null=True)
    subject = models.CharField(max_length=80)
    actor = models.CharField(max_length=80)
    verb = models.CharField(max_length=80)
    payload = models.JSONField(default=dict)
    # The name of the request in which it was asked for, as the log and the answer say it; a job has none.
    request = models.CharField(max_length=36, default="", db_default="", blank=True)
    occurred_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["partner_id", "-id"], name="event_by_partner"),
            models.Index(fields=["subject", "id"], name="event_by_subject"),
        ]


class Reaction(models.Model):
    """One listener's duty towards one event: at least once, keyed by the event, parked when it keeps failing."""

    event = models.ForeignKey(Event, models.PROTECT)
    name = models.CharField(max_length=120)
    state = models.CharField(max_length=8, default="due")
    attempts = models.SmallIntegerField(default=0)
    error = models.TextField(default="", blank=True)
    leased_until = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event", "name"], name="reaction_once_per_event"),
            models.CheckConstraint(condition=models.Q(state__in=["due", "done", "parked"]), name="reaction_state"),
        ]
        indexes = [models.Index(fields=["id"], name="reaction_due", condition=models.Q(state="due"))]


class Mail(models.Model):
    """One letter to one person: a code and facts, put into words in the reader's language when it is sent."""

    key = models.CharField(max_length=160, unique=True)
    # Whom it is for; the person's row lives above this layer.
    person_id = models.BigIntegerField(null=True)
    partner_id = models.BigIntegerField(null=True)
    address = models.EmailField()
    language = models.CharField(max_length=8)
    code = models.CharField(max_length=80)
    facts = models.JSONField(default=dict)
    # What must still be true when the letter leaves, e.g. "due:12"; checked by the listener wired to the prefix.
    about = models.CharField(max_length=80, default="", blank=True)
    subject = models.CharField(max_length=300, default="", blank=True)
    body = models.TextField(default="", blank=True)
    state = models.CharField(max_length=10, default="queued")
    reason = models.CharField(max_length=120, default="", blank=True)
    attempts = models.SmallIntegerField(default=0)
    queued_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["queued", "sent", "suppressed", "parked"]), name="mail_state"
            )
        ]
        indexes = [models.Index(fields=["id"], name="mail_queued", condition=models.Q(state="queued"))]


class StoredFile(models.Model):
    """Bytes that were given or made once: proofs, evidence, invoices. Their hash is their witness."""

    sha256 = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=80)
    content = models.BinaryField()
    stored_at = models.DateTimeField()


class Counter(models.Model):
    """The last number given out under a name; the row is locked by the transaction that takes the next."""

    name = models.CharField(max_length=40, unique=True)
    last = models.BigIntegerField(default=0)


class Task(models.Model):
    """Something only a person can settle, kept until somebody does."""

    kind = models.CharField(max_length=40)
    object = models.CharField(max_length=80)
    partner_id = models.BigIntegerField(null=True)
    reason = models.CharField(max_length=300)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=80, default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "object"], condition=models.Q(closed_at=None), name="task_open_once"
            )
        ]


class DemoClock(models.Model):
    """The instant at which the demonstration stands. It stands still until somebody moves it."""

    instant = models.DateTimeField()


class Instance(models.Model):
    """Which installation these rows belong to."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True)
    # How often money was about to be moved from here; the highest of them is kept outside the database as well.
    moves = models.BigIntegerField(default=0)


class ChargingStop(models.Model):
    """A time during which no card is charged: begun by a person or by the hourly bound, ended by a person."""

    cause = models.CharField(max_length=8)
    reason = models.CharField(max_length=300)
    stopped_at = models.DateTimeField()
    stopped_by = models.CharField(max_length=80)
    started_at = models.DateTimeField(null=True)
    started_by = models.CharField(max_length=80, default="", blank=True)
    started_reason = models.CharField(max_length=300, default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                models.Value(1), condition=models.Q(started_at=None), name="charging_stop_open_once"
            ),
            models.CheckConstraint(condition=models.Q(cause__in=["hand", "bound"]), name="charging_stop_cause"),
        ]


class GatewayClock(models.Model):
    """How far a gateway's clock is ahead of this machine's, as its newest answer said."""

    gateway = models.CharField(max_length=20, unique=True)
    ahead_s = models.IntegerField()
    seen_at = models.DateTimeField()

    @property
    def behind_s(self) -> int:
        return -self.ahead_s


class Seal(models.Model):
    """A closed batch of rows in a hash chain (postings or events); sealed behind the writers' backs."""

    chain = models.CharField(max_length=20)
    n = models.BigIntegerField()
    first_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    root = models.CharField(max_length=64)
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    sealed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "n"], name="seal_chain_n")]


class Answer(models.Model):
    """What was answered to a request with an idempotency key: given again, byte for byte, to whoever repeats it."""

    # Whose key it is: a company's (``partner:12``) or the office's.
    scope = models.CharField(max_length=40)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    # Until when the first request is believed to be under way; past it, a repetition goes through the verb again.
    leased_until = models.DateTimeField()
    asked_at = models.DateTimeField()
    status = models.SmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(default=b"")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "key"], name="answer_once_per_key")]
        indexes = [models.Index(fields=["asked_at"], name="answer_by_age")]


class Allowance(models.Model):
    """How often somebody asked in the running minute. Unlogged: a crash forgets it, and nothing is lost."""

    bucket = models.CharField(max_length=120, primary_key=True)
    window = models.BigIntegerField()
    used = models.IntegerField()
