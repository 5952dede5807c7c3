"""Secrets that must be read again, kept so that a copy of the database alone tells nobody anything.

It decides under which key a value is sealed, and that what was sealed for one purpose opens for no other. It must
never keep a secret that need not be read again: those are stored as a hash. Keys come from ``TENURE_FIELD_KEYS``
(``id:base64,id:base64``, 32 bytes each; the first seals, all open), else one is derived from the secret key, and from
each of ``SECRET_KEY_FALLBACKS`` for opening only. Read next: docs/operations/keys.md.

    secret = Sealed(purpose="webhooks.secret")      the column of a row
    row.secret = seal("whsec_…", "webhooks.secret")
    unseal(row.secret, "webhooks.secret")
"""

import base64
import binascii
import os
from collections.abc import Iterator
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.apps import apps
from django.conf import settings
from django.db.models import Model, QuerySet, TextField

NONCE = 12
LENGTH = 32
BATCH = 100


class Unopenable(Exception):
    """A sealed value whose key is not here, that was changed, or that was sealed for something else."""


class Sealed(TextField):
    """A column of sealed values. It only marks them, so that a new key finds them; nothing is opened by reading."""

    def __init__(self, *given: Any, purpose: str = "", **named: Any) -> None:
        self.purpose = purpose
        super().__init__(*given, **named)

    def deconstruct(self) -> Any:
        # For the database it is text, and a migration need not know more.
        name, _, given, named = super().deconstruct()
        return name, "django.db.models.TextField", given, named


def seal(plain: str, purpose: str) -> str:
    """Seal a text for one purpose, under the newest key: ``key id.base64``."""
    name, key = next(iter(_keys().items()))
    nonce = os.urandom(NONCE)
    made = AESGCM(key).encrypt(nonce, plain.encode(), _bound(name, purpose))
    return f"{name}.{base64.urlsafe_b64encode(nonce + made).decode()}"


def unseal(token: str, purpose: str) -> str:
    """The text that was sealed for this purpose."""
    name, _, rest = token.partition(".")
    key = _keys().get(name)
    if key is None:
        raise Unopenable(f"no key {name!r}")
    try:
        raw = base64.urlsafe_b64decode(rest)
        return AESGCM(key).decrypt(raw[:NONCE], raw[NONCE:], _bound(name, purpose)).decode()
    except (InvalidTag, binascii.Error, ValueError):
        raise Unopenable(f"sealed under {name!r}, but not as it stands") from None


def columns() -> Iterator[tuple[type[Model], Sealed]]:
    """Every column that holds sealed values."""
    for model in apps.get_models():
        for field in model._meta.local_fields:
            if isinstance(field, Sealed):
                yield model, field


def old(model: type[Model], field: Sealed) -> QuerySet:
    """The rows whose value is sealed under a key that seals no more."""
    newest = f"{next(iter(_keys()))}."
    rows = model._base_manager.exclude(**{f"{field.name}__startswith": newest})
    return rows.exclude(**{field.name: ""}).exclude(**{field.name: None})


def reseal(model: type[Model], field: Sealed) -> int:
    """Bring a column under the newest key, row by row; ended half-way it goes on where it stopped."""
    done = 0
    while batch := list(old(model, field).order_by("pk").values_list("pk", field.name)[:BATCH]):
        for pk, token in batch:
            fresh = seal(unseal(token, field.purpose), field.purpose)
            # Only over what was read: a secret set anew meanwhile stays as it is.
            done += model._base_manager.filter(pk=pk, **{field.name: token}).update(**{field.name: fresh})
    return done


def _bound(name: str, purpose: str) -> bytes:
    return f"tenure\n{name}\n{purpose}".encode()


def _keys() -> dict[str, bytes]:
    return _read(settings.TENURE_FIELD_KEYS, (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@cache
def _read(given: str, secrets: tuple[str, ...]) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    for part in filter(None, (each.strip() for each in given.split(","))):
        name, _, text = part.partition(":")
        key = base64.urlsafe_b64decode(text.replace("+", "-").replace("/", "_") + "=" * (-len(text) % 4))
        if not name.isalnum() or len(key) != LENGTH:
            raise ValueError(f"TENURE_FIELD_KEYS: {name!r} is not an id with 32 bytes in base64")
        keys[name] = key
    # What was sealed before keys of its own were named must still open.
    for secret in secrets:
        key = HKDF(hashes.SHA256(), LENGTH, salt=None, info=b"tenure.sealed").derive(secret.encode())
        fingerprint = HKDF(hashes.SHA256(), 4, salt=None, info=b"tenure.sealed.id").derive(secret.encode())
        keys.setdefault(f"s{fingerprint.hex()}", key)
    return keys
