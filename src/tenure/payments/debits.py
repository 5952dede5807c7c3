"""Which promised refund a debit on a statement is, and why it is none. Pure.

It decides for a refund only where one alone fits what the bank says. It must never choose between two, and never take
a booking that the bank turned round for money that we sent. Read next: ``purchases/importing.py``, which asks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tenure.kernel.money import Money
from tenure.payments.matching import numbers_in
from tenure.payments.rules import references_in


class Gone(StrEnum):
    """What money that went out was."""

    REFUND = "refund"
    REVERSAL = "reversal"
    SEVERAL = "several_refunds"
    OTHER_AMOUNT = "other_amount"
    WRONG_CURRENCY = "wrong_currency"
    NOT_OURS = "not_ours"


@dataclass(frozen=True, slots=True)
class Debit:
    """What is asked about: money out, as a positive amount."""

    amount: Money
    text: str
    reversal: bool = False


@dataclass(frozen=True, slots=True)
class Promised:
    """A refund of a transfer that has not been seen leaving the account."""

    refund: int
    amount: Money
    number: str
    reference: str


def names_in(text: str) -> set[str]:
    """The order numbers and references in a text.

    >>> sorted(names_in("refund of 2019 000418, RF94 2019 0004 18"))
    ['O-2019-000418', 'RF942019000418']
    """
    return {f"O-{digits[:4]}-{digits[4:]}" for digits in numbers_in(text)} | set(references_in(text))


def match_debits(debits: Iterable[Debit], promised: Sequence[Promised]) -> list[tuple[Gone, int | None]]:
    """The word on every debit of a file, and the refund it was. A refund leaves once.

    >>> back = Promised(7, Money(15_750, "TWD"), "O-2019-000418", "RF942019000418")
    >>> twice = [Debit(Money(15_750, "TWD"), "refund O-2019-000418")] * 2
    >>> [(gone.value, refund) for gone, refund in match_debits(twice, [back])]
    [('refund', 7), ('not_ours', None)]
    """
    left = {row.refund: row for row in promised}
    found = []
    for debit in debits:
        gone, refund = _one(debit, list(left.values()))
        if refund is not None:
            del left[refund]
        found.append((gone, refund))
    return found


def _one(debit: Debit, left: list[Promised]) -> tuple[Gone, int | None]:
    if debit.reversal:
        return Gone.REVERSAL, None
    told = names_in(debit.text)
    named = [row for row in left if told & {row.number, row.reference}]
    fits = [row for row in named if row.amount == debit.amount]
    if len(fits) == 1:
        return Gone.REFUND, fits[0].refund
    if fits:
        return Gone.SEVERAL, None
    if not named:
        return Gone.NOT_OURS, None
    same = any(row.amount.currency == debit.amount.currency for row in named)
    return Gone.OTHER_AMOUNT if same else Gone.WRONG_CURRENCY, None
