"""People, what they may do where, invitations and notices.

A partner's row lives one layer up, so the partner is a bare id here; the partners' first migration adds the
foreign keys.
"""

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower

from tenure.plumbing.sealed import Sealed


class People(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields) -> "User":
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A person. One person may belong to several companies, and may work for the operator."""

    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=120)
    language = models.CharField(max_length=8, default="en")
    is_active = models.BooleanField(default=True)
    staff_roles = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    joined_at = models.DateTimeField()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]
    objects = People()

    class Meta:
        # Two spellings of one address are one person.
        constraints = [models.UniqueConstraint(Lower("email"), name="person_email_once")]

    def __str__(self) -> str:
        return self.name


class Colleague(models.Model):
    """A person's place in a company: the roles held there. Left, not deleted, when they go."""

    user = models.ForeignKey(User, models.PROTECT, related_name="places")
    partner_id = models.BigIntegerField()
    roles = ArrayField(models.CharField(max_length=40), default=list)
    job_title = models.CharField(max_length=120, default="", blank=True)
    since = models.DateTimeField()
    # The last day of a place given for a time, inclusive; from the day after it the place gives nothing.
    until_on = models.DateField(null=True)
    warned_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "partner_id"], name="colleague_once_per_partner")]
        indexes = [
            models.Index(fields=["partner_id"], name="colleague_by_partner"),
            models.Index(
                fields=["until_on"],
                name="colleague_for_a_time",
                condition=models.Q(ended_at=None, until_on__isnull=False),
            ),
        ]


class Invitation(models.Model):
    """A single-use, expiring way in. The link is signed from the row; nothing secret is stored."""

    partner_id = models.BigIntegerField()
    email = models.EmailField()
    name = models.CharField(max_length=120)
    roles = ArrayField(models.CharField(max_length=40), default=list)
    language = models.CharField(max_length=8, default="en")
    until_on = models.DateField(null=True)
    invited_by = models.ForeignKey(User, models.PROTECT, null=True)
    invited_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "partner_id",
                Lower("email"),
                condition=models.Q(accepted_at=None, withdrawn_at=None),
                name="invitation_open_once",
            )
        ]


class Notice(models.Model):
    """Something a person should know, shown in the app; the mail of the same key says it outside."""

    user = models.ForeignKey(User, models.PROTECT, related_name="notices")
    partner_id = models.BigIntegerField(null=True)
    key = models.CharField(max_length=160)
    code = models.CharField(max_length=80)
    facts = models.JSONField(default=dict)
    link = models.CharField(max_length=200, default="", blank=True)
    made_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="notice_once_per_person")]
        indexes = [models.Index(fields=["user", "-id"], name="notice_by_person")]


class ApiKey(models.Model):
    """A key for a program: what stands before its secret, the secret's hash, and what it may do.

    The secret is 256 random bits, so a plain SHA-256 cannot be turned back by guessing; a slow hash would only cost
    every request. It acts for its maker in one company (or in the office), and never beyond the maker's own rights.
    """

    partner_id = models.BigIntegerField(null=True)
    maker = models.ForeignKey(User, models.PROTECT, related_name="api_keys")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=16, unique=True)
    secret_sha256 = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=60))
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    replaces = models.OneToOneField("self", models.PROTECT, null=True, related_name="replaced_by")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(expires_at__gt=models.F("made_at")), name="api_key_expires")
        ]
        indexes = [models.Index(fields=["partner_id", "-id"], name="api_key_by_partner")]


class Visit(models.Model):
    """A signed-in browser: on what it runs, from where, when it was last seen. It ends; the row stays."""

    user = models.ForeignKey(User, models.PROTECT, related_name="visits")
    session = models.CharField(max_length=40)
    address = models.CharField(max_length=45, default="", blank=True)
    agent = models.CharField(max_length=200, default="", blank=True)
    began_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    why_ended = models.CharField(max_length=20, default="", blank=True)

    class Meta:
        indexes = [models.Index(fields=["user"], condition=models.Q(ended_at=None), name="visit_open_by_person")]


class Limit(models.Model):
    """How often something was tried, by whom it concerns; the key is a digest, so no address stands here."""

    name = models.CharField(max_length=40)
    key = models.CharField(max_length=64)
    count = models.PositiveIntegerField(default=0)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "key"], name="limit_once_per_key")]
        indexes = [models.Index(fields=["since"], name="limit_by_time")]


class Seed(models.Model):
    """What a second factor's codes grow from, in a column of its own, so that a new key finds it."""

    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    secret = Sealed(purpose="people.seed")


class EmailChange(models.Model):
    """An address on its way to being another: both have to say yes."""

    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    old = models.EmailField(max_length=254)
    new = models.EmailField(max_length=254)
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    old_agreed_at = models.DateTimeField(null=True)
    new_agreed_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    done = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint("user", condition=models.Q(closed_at=None), name="email_change_open_once")
        ]


class Directory(models.Model):
    """A company's own sign-in, by OpenID Connect. The secret is sealed; it is never shown again."""

    partner_id = models.BigIntegerField(unique=True)
    slug = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=80)
    issuer = models.CharField(max_length=255)
    client = models.CharField(max_length=255)
    secret = Sealed(purpose="people.directory")
    set_at = models.DateTimeField()
    tested_at = models.DateTimeField(null=True)


class Identity(models.Model):
    """Who a person is elsewhere: an issuer and its subject, both to the letter. An address never stands here."""

    user = models.ForeignKey(User, models.PROTECT, related_name="identities")
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    linked_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issuer", "subject"], name="identity_once")]
