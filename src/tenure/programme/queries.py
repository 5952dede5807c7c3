"""Which programme is in force. A version is read once per process and kept: its text can never change."""

from dataclasses import replace
from functools import lru_cache

from tenure.kernel.refusals import Refusal
from tenure.programme.models import Version
from tenure.programme.reading import read
from tenure.programme.rules import Programme


@lru_cache(maxsize=32)
def parsed(sha256: str, n: int) -> Programme:
    """The programme of a version that somebody has just read the number and the hash of."""
    return replace(read(Version.objects.get(n=n, sha256=sha256).source), version=n)


@lru_cache(maxsize=32)
def version(n: int) -> Programme:
    """The programme as it stood in one version."""
    return parsed(Version.objects.values_list("sha256", flat=True).get(n=n), n)


@lru_cache(maxsize=32)
def row(n: int) -> Version:
    """A version's row without its text, for those who keep which version they were made under."""
    return Version.objects.defer("source").get(n=n)


def applied() -> bool:
    """Whether any programme has been applied yet."""
    return Version.objects.exists()


def current() -> Programme:
    """The newest version. Refused while no programme has been applied."""
    latest = Version.objects.order_by("-n").values_list("sha256", "n").first()
    if latest is None:
        raise Refusal("programme.missing")
    return parsed(*latest)


def versions() -> list[Version]:
    """Every version applied, the newest first, without its text."""
    return list(Version.objects.order_by("-n").defer("source"))
