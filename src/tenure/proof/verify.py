"""Every promise recomputed from the rows: which invariants there are, and what is not as promised.

It decides what counts as checked, violated and not checked, and that no table is forgotten (I-50). It must never
change a row, nor believe a figure it can work out itself. Read next: the checks, ``proof/ledger.py`` and its
neighbours.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from itertools import islice
from typing import Any

from django.db import Error, transaction

from tenure.payments.gateways import base
from tenure.payments.gateways.base import Outcome
from tenure.plumbing.db import wiring
from tenure.plumbing.instance import identify
from tenure.proof.book import Book, opened, snapshot, stream
from tenure.proof.invariants import INVARIANTS, Invariant, NotChecked, Violation, invariant
from tenure.proof.seals import instant

for _concept in ("ledger", "money", "charging", "documents", "terms", "entitlements", "access", "visits"):
    import_module(f"tenure.proof.{_concept}")

SHOWN = 50

ELSEWHERE = {
    "I-32": "clock steps are walked by the tests of the clock and of the renewal run",
    "I-38": "every route is asked for another company's objects by the tests of the doors",
    "I-46": "erasure has no rows yet",
    "I-47": "logs are not rows; canaries are looked for by the tests",
}
"""Promises that rows cannot tell, and who keeps watch over them."""

EXCEPTIONS = {
    "account_emailaddress": "addresses as the sign-in library keeps them",
    "account_emailconfirmation": "confirmations as the sign-in library keeps them",
    "auth_group": "the framework's; unused",
    "auth_group_permissions": "the framework's; unused",
    "auth_permission": "the framework's; unused",
    "django_content_type": "the framework's; unused",
    "django_migrations": "the framework's record of the schema",
    "mfa_authenticator": "second factors as the sign-in library keeps them, sealed",
    "people_directory": "how a company signs in with its own accounts; the secret is sealed",
    "people_emailchange": "an address on its way to another; the events tell what came of it",
    "people_identity": "who somebody is at another house, to the letter",
    "people_seed": "what a second factor's codes grow from, sealed",
    "people_limit": "how often something was tried lately",
    "payments_disputesearch": "which disputed payments were looked for today",
    "payments_outgoingline": "money out on a bank file; a person says what it was, and it books nothing",
    "payments_statementfile": "a bank file as it was taken in; its lines are checked",
    "payments_statementmapping": "which column of an account's files says what",
    "plumbing_allowance": "how often somebody asked in the running minute",
    "plumbing_answer": "what was answered to a program, to be said again",
    "plumbing_chargingstop": "when no card was charged, and why; the events tell the same",
    "plumbing_democlock": "where a demonstration's clock stands",
    "plumbing_gatewayclock": "how far a gateway's clock is ahead, as its newest answer said",
    "plumbing_instance": "the installation's name",
    "procrastinate_events": "the job engine's own; it only wakes us",
    "procrastinate_jobs": "the job engine's own; it only wakes us",
    "procrastinate_periodic_defers": "the job engine's own; it only wakes us",
    "procrastinate_workers": "the job engine's own; it only wakes us",
    "webhooks_secret": "what messages are signed with; sealed, and of no meaning but to its receiver",
    "support_note": "what people wrote; nothing follows from it",
}
"""Tables of which nothing can be recomputed, each with the reason."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one invariant. ``more`` counts the violations beyond those listed."""

    invariant: Invariant
    violations: list[Violation] = field(default_factory=list)
    more: int = 0
    note: str = ""
    failed: bool = False

    @property
    def count(self) -> int:
        return len(self.violations) + self.more

    def plain(self) -> dict[str, Any]:
        return {
            "id": self.invariant.id,
            "statement": self.invariant.statement,
            "checked": not self.note,
            "note": self.note or None,
            "violations": [violation.plain() for violation in self.violations],
            "more": self.more,
        }


@dataclass(frozen=True, slots=True)
class Report:
    book: Book
    findings: list[Finding]

    @property
    def violated(self) -> set[str]:
        return {finding.invariant.id for finding in self.findings if finding.count}

    @property
    def unable(self) -> bool:
        """Whether a check broke, so that nobody can say."""
        return any(finding.failed for finding in self.findings)

    def plain(self) -> dict[str, Any]:
        return {
            "at": instant(self.book.at),
            "instance": self.book.instance,
            "violations": sum(finding.count for finding in self.findings),
            "invariants": [finding.plain() for finding in self.findings],
            "elsewhere": ELSEWHERE,
        }


def run(*, ask_gateways: bool = True, only: set[str] | None = None) -> Report:
    """Check everything against one snapshot. What the gateways say is asked first, outside any transaction."""
    charges, silence = asked() if ask_gateways else (None, "gateway not asked")
    identify()
    with snapshot():
        book = opened()
        book.charges, book.silence = charges, silence
        chosen = sorted(INVARIANTS.values(), key=lambda each: each.order)
        guards = _guards()
        return Report(book, [_find(each, book, guards) for each in chosen if only is None or each.id in only])


def asked() -> tuple[list[Outcome] | None, str]:
    """Every charge the gateways know of; ``None`` and the reason when one cannot be reached."""
    charges: list[Outcome] = []
    for row in list(stream("SELECT DISTINCT gateway FROM payments_attempt")):
        try:
            charges += wiring().gateway(row["gateway"]).charges(None)
        except (base.Unknown, base.Rejected, OSError, KeyError):
            return None, f"gateway not reachable: {row['gateway']}"
    return charges, ""


def _find(each: Invariant, book: Book, guards: set[str]) -> Finding:
    try:
        # A check that breaks must not take the snapshot with it.
        with transaction.atomic():
            found = _violations(each, book, guards)
            violations = list(islice(found, SHOWN))
            return Finding(each, violations, sum(1 for _ in found))
    except NotChecked as reason:
        return Finding(each, note=str(reason))
    except (Error, LookupError, StopIteration, TypeError, ValueError) as error:
        return Finding(each, note=f"could not check: {type(error).__name__}: {error}", failed=True)


def _violations(each: Invariant, book: Book, guards: set[str]) -> Iterator[Violation]:
    missing = set(each.guards) - guards
    yield from (Violation(f"guard:{name}", {"missing": True}) for name in sorted(missing))
    yield from each.check(book)


def _guards() -> set[str]:
    """Constraints, unique indexes and enabled triggers, by name."""
    rows = stream(
        """SELECT conname AS name FROM pg_constraint WHERE convalidated
           UNION SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
           WHERE i.indisunique AND i.indisvalid
           UNION SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')"""
    )
    return {row["name"] for row in rows}


@invariant("I-50", "Every table is named by an invariant, or excepted with a reason.", tables="")
def total(book: Book) -> Iterator[Violation]:
    named = {table for each in INVARIANTS.values() for table in each.tables}
    tables = {
        row["name"]
        for row in stream(
            "SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema() AND tablename NOT LIKE 'pg_%'"
        )
    }
    yield from (Violation(f"table:{name}", {"named": False}) for name in sorted(tables - named - EXCEPTIONS.keys()))
    yield from (Violation(f"table:{name}", {"exists": False}) for name in sorted(named - tables))
