"""Saying no: a code and facts, never a sentence; the doors find the words in both languages.

``Decision`` is the one object behind a button, the sentence beside it, the mail and the refusal
(architecture.md, "Decisions"). It must never carry prose. Read next: ``web/shared/messages.py``.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Any


class Refusal(Exception):
    """A request that is refused: a stable code, and the facts the words need.

    >>> Refusal("renewals.window_not_open", opens_on=date(2019, 6, 23)).facts["opens_on"]
    datetime.date(2019, 6, 23)
    """

    def __init__(self, code: str, **facts: Any):
        super().__init__(code)
        self.code = code
        self.facts = facts

    def __repr__(self) -> str:
        return f"Refusal({self.code!r}, {self.facts!r})"


class NotYours(Refusal):
    """Another company's object: to a stranger it does not exist (domain.md, decision 9)."""

    def __init__(self, kind: str = "object"):
        super().__init__("access.not_found", kind=kind)


class Invalid(Refusal):
    """Fields that cannot be taken as they are: one code per field, nothing is stored.

    >>> Invalid({"phone": "contact.phone_missing"}).fields
    {'phone': 'contact.phone_missing'}
    """

    def __init__(self, fields: dict[str, str], **facts: Any):
        super().__init__("form.invalid", **facts)
        self.fields = fields


@dataclass(frozen=True, slots=True)
class Check:
    """One condition of a decision. ``code`` names the refusal that its failing would be."""

    code: str
    passed: bool
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """May it be done, and if not, everything that stands against it, in the order to be told.

    >>> no = Decision("renew", (Check("a.b", True), Check("c.d", False, {"n": 1})))
    >>> no.allowed, no.first.code, no.first.facts
    (False, 'c.d', {'n': 1})
    """

    action: str
    checks: tuple[Check, ...]
    opens_on: date | None = None
    closes_on: date | None = None
    zone: str = ""

    @property
    def allowed(self) -> bool:
        return all(check.passed for check in self.checks)

    @property
    def failed(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if not check.passed)

    @property
    def first(self) -> Check | None:
        return next(iter(self.failed), None)

    def require(self) -> None:
        """Raise the first failed check as a refusal."""
        if self.first:
            raise Refusal(self.first.code, **self.first.facts)
