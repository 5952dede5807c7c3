"""Keys for programs: made, rotated, revoked, and what one may do at this instant. The only writer of their rows.

It decides that a key never does more than its maker may do now, in the one company or office it was made for. It must
never store or log a secret: it is shown once, when the key is made. Read next: ``kernel/access.py``, ``Actor``.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from django.db import connection

from tenure import events
from tenure.kernel.access import TABLE, Actor, Side, declare, holds
from tenure.kernel.periods import day_of
from tenure.kernel.refusals import Invalid, Refusal
from tenure.people.models import ApiKey
from tenure.plumbing.db import verb
from tenure.plumbing.outbox import record
from tenure.programme.queries import parsed
from tenure.programme.rules import Programme

MARK = "tnr"
LONGEST_DAYS = 366
OVERLAP = timedelta(hours=24)
NAME_LIMIT = 80
# How exact "last used" is; noting every request would make reading a list a write.
LAST_USE_TO = timedelta(minutes=1)
declare("people.keys", Side.BOTH, says="See the keys for programs, without their secrets.")

# Asked at every request: the key, its maker's roles, and the programme in force that says what a role may.
FIND = """
SELECT k.id, k.name, k.prefix, k.partner_id, k.scopes, k.expires_at, k.last_used_at,
       u.id, u.language, u.staff_roles, c.roles, c.until_on, v.sha256, v.n
FROM people_apikey k
CROSS JOIN LATERAL (SELECT sha256, n FROM programme_version ORDER BY n DESC LIMIT 1) v
JOIN people_user u ON u.id = k.maker_id AND u.is_active
LEFT JOIN people_colleague c ON c.user_id = u.id AND c.partner_id = k.partner_id AND c.ended_at IS NULL
WHERE k.secret_sha256 = %s AND k.revoked_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Made:
    """A new key and its secret, which nobody can be shown again."""

    row: ApiKey
    secret: str


@dataclass(frozen=True, slots=True)
class Bearer:
    """A key that was shown at the door, and whom it makes of its bearer."""

    actor: Actor
    partner_id: int | None
    name: str
    prefix: str
    scopes: tuple[str, ...]
    expires_at: datetime
    language: str
    programme: Programme


# VERBS


@verb(Side.BOTH)
def make_key(
    actor: Actor, company: Any, *, name: str, scopes: list[str], days: int, programme: Programme, now: datetime
) -> Made:
    """Make a key for a program. It may do some of what its maker may do, for a year at most.

    ``company`` is the partner it works for, or ``None`` for the office.
    """
    partner_id = company.partner_id if company is not None else None
    faults = {} if name.strip() else {"name": "text.missing"}
    if len(name.strip()) > NAME_LIMIT:
        faults["name"] = "text.too_long"
    if not 1 <= days <= LONGEST_DAYS:
        faults["days"] = "number.impossible"
    if not scopes or not set(scopes) <= set(may_give(actor, partner_id)):
        faults["scopes"] = "choice.unknown"
    if faults:
        raise Invalid(faults, limit=NAME_LIMIT)
    if actor.key is not None:
        # A key that makes keys would outlive its own end.
        raise Refusal("access.forbidden", permission="people.make_key", partner_id=partner_id)
    made = _new(partner_id, actor.id, name.strip(), sorted(set(scopes)), now, now + timedelta(days=days))
    told = {"key": made.row.pk, "prefix": made.row.prefix, "scopes": made.row.scopes}
    record(actor, "people.make_key", now, events.KeyMade(**_of(made.row), **told))
    return made


@verb(Side.BOTH)
def rotate_key(actor: Actor, key: ApiKey, *, now: datetime) -> Made:
    """Put a new key in an old one's place, with the same rights and end; the old one works on for a day."""
    row = ApiKey.objects.select_for_update(of=("self",)).get(pk=key.pk)
    if row.revoked_at or row.expires_at <= now or ApiKey.objects.filter(replaces=row).exists():
        raise Refusal("people.key_is_over", prefix=row.prefix)
    if row.maker_id != actor.id or actor.key is not None:
        # The new secret would be shown to somebody who may not do what the key does.
        raise Refusal("people.key_of_another", prefix=row.prefix)
    made = _new(row.partner_id, row.maker_id, row.name, row.scopes, now, row.expires_at, replaces=row)
    row.expires_at = min(row.expires_at, now + OVERLAP)
    row.save(update_fields=["expires_at"])
    told = {"key": made.row.pk, "replaced": row.pk, "prefix": made.row.prefix}
    record(actor, "people.rotate_key", now, events.KeyRotated(**_of(made.row), **told))
    return made


@verb(Side.BOTH)
def revoke_key(actor: Actor, key: ApiKey, *, now: datetime) -> ApiKey:
    """End a key at once; the next request with it is refused."""
    row = ApiKey.objects.select_for_update(of=("self",)).get(pk=key.pk)
    if row.revoked_at is None:
        row.revoked_at = now
        row.save(update_fields=["revoked_at"])
        record(actor, "people.revoke_key", now, events.KeyRevoked(**_of(row), key=row.pk, prefix=row.prefix))
    return row


# READING


def keys_of(partner_id: int | None) -> list[ApiKey]:
    """A company's keys, or the office's, the newest first."""
    return list(ApiKey.objects.filter(partner_id=partner_id).select_related("maker").order_by("-pk"))


def get(id: int) -> ApiKey | None:
    return ApiKey.objects.select_related("maker").filter(pk=id).first()


def may_give(actor: Actor, partner_id: int | None) -> list[str]:
    """The rights that somebody may hand on to a key: their own, by name."""
    held = actor.staff if partner_id is None else actor.grants.get(partner_id, frozenset())
    sides = (Side.STAFF, Side.BOTH) if partner_id is None else (Side.PARTNER, Side.BOTH)
    return sorted(name for name, permission in TABLE.items() if permission.side in sides and holds(held, name))


def bearer(token: str, now: datetime) -> Bearer | None:
    """Whom a key makes of its bearer, or nobody: unknown, ended, or its maker has left.

    The rights are the key's scopes as far as its maker holds them at this instant.
    """
    if not token.startswith(f"{MARK}_") or len(token) > 100:
        return None
    with connection.cursor() as cursor:
        cursor.execute(FIND, [_hash(token)])
        found = cursor.fetchone()
    if found is None:
        return None
    *key, maker, language, staff_roles, roles, until_on, sha256, n = found
    id, name, prefix, partner_id, scopes, expires_at, last_used = key
    programme = parsed(sha256, n)
    codes = staff_roles if partner_id is None else roles
    if expires_at <= now or not codes or (until_on and day_of(now, programme.zone) > until_on):
        return None
    held = frozenset[str]().union(*(role.permissions for role in programme.roles if role.code in codes))
    rights = frozenset(scope for scope in scopes if holds(held, scope))
    if last_used is None or abs(now - last_used) >= LAST_USE_TO:
        ApiKey.objects.filter(pk=id).update(last_used_at=now)
    grants = MappingProxyType({} if partner_id is None else {partner_id: rights})
    actor = Actor("key", maker, name, grants, rights if partner_id is None else frozenset(), key=id)
    return Bearer(actor, partner_id, name, prefix, tuple(scopes), expires_at, language, programme)


# STEPS


def _new(
    partner_id: int | None,
    maker_id: int,
    name: str,
    scopes: list[str],
    now: datetime,
    expires_at: datetime,
    replaces: ApiKey | None = None,
) -> Made:
    prefix = f"{MARK}_{secrets.token_hex(4)}"
    secret = f"{prefix}_{secrets.token_urlsafe(32)}"
    row = ApiKey.objects.create(
        partner_id=partner_id,
        maker_id=maker_id,
        name=name,
        prefix=prefix,
        secret_sha256=_hash(secret),
        scopes=scopes,
        made_at=now,
        expires_at=expires_at,
        replaces=replaces,
    )
    return Made(row, secret)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _of(row: ApiKey) -> dict[str, Any]:
    return {"partner_id": row.partner_id, "subject": f"key:{row.pk}"}
