"""The seeds of second factors: sealed, in a column that a change of keys goes through like every other.

It decides that a seed goes with its factor. It must never give one out but to check a code. Read next:
``plumbing/sealed.py``, ``web/shared/sign_in_factors.py``.
"""

from collections.abc import Collection

from tenure.people.models import Seed, User
from tenure.plumbing.sealed import seal, unseal

PURPOSE = "people.seed"


def keep(user: User, text: str) -> str:
    """Keep a seed; returns the name under which a factor finds it."""
    return str(Seed.objects.create(user=user, secret=seal(text, PURPOSE)).pk)


def read(name: str) -> str:
    return unseal(Seed.objects.get(pk=name).secret, PURPOSE)


def forget(user: User, kept: Collection[str]) -> None:
    """Forget a person's seeds but those that a factor still needs."""
    Seed.objects.filter(user=user).exclude(pk__in=kept).delete()
