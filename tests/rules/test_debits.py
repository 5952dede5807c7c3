"""Money that went out: the refund that was promised, or the reason why it is none."""

import pytest

from tenure.kernel.money import Money
from tenure.payments.debits import Debit, Gone, Promised, match_debits
from tenure.payments.rules import reference_for


def twd(minor: int) -> Money:
    return Money(minor, "TWD")


def promised(refund: int, amount: Money, n: int | None = None) -> Promised:
    number = f"O-2019-{n or refund:06d}"
    return Promised(refund, amount, number, reference_for(number))


FULL, OTHER, TAX = promised(1, twd(15_750)), promised(2, twd(15_750)), promised(3, twd(750), n=1)
R1, R2 = FULL.reference, OTHER.reference
SPACED = " ".join([R1[:4], R1[4:8], R1[8:12], R1[12:]])
BOTH = f"{FULL.number} and {OTHER.number}"


@pytest.mark.parametrize(
    ("text", "amount", "left", "gone", "refund"),
    [
        # Known by its order's number or reference, however it is written.
        (f"refund {FULL.number}", twd(15_750), [FULL], Gone.REFUND, 1),
        ("REFUND 2019 000001", twd(15_750), [FULL], Gone.REFUND, 1),
        (SPACED, twd(15_750), [FULL], Gone.REFUND, 1),
        (R1.lower(), twd(15_750), [FULL], Gone.REFUND, 1),
        (f"{FULL.number} {R1}", twd(15_750), [FULL], Gone.REFUND, 1),
        # Two of the same amount: the one that is named, and none when both are.
        (R2, twd(15_750), [FULL, OTHER], Gone.REFUND, 2),
        (BOTH, twd(15_750), [FULL, OTHER], Gone.SEVERAL, None),
        # Two of one order: the amount tells them apart.
        (FULL.number, twd(750), [FULL, TAX], Gone.REFUND, 3),
        (FULL.number, twd(750), [promised(4, twd(750), n=1), TAX], Gone.SEVERAL, None),
        # Another amount, also the sum of two, is nobody's.
        (FULL.number, twd(15_749), [FULL], Gone.OTHER_AMOUNT, None),
        (FULL.number, twd(15_751), [FULL], Gone.OTHER_AMOUNT, None),
        (BOTH, twd(31_500), [FULL, OTHER], Gone.OTHER_AMOUNT, None),
        # The same figure in another currency is other money.
        (FULL.number, Money(15_750, "USD"), [FULL], Gone.WRONG_CURRENCY, None),
        # Unknown: no name, a name of no refund, a name that is only nearly one, and nothing promised at all.
        ("rent", twd(15_750), [FULL], Gone.NOT_OURS, None),
        (R2, twd(15_750), [FULL], Gone.NOT_OURS, None),
        (R1[:-1] + str((int(R1[-1]) + 1) % 10), twd(15_750), [FULL], Gone.NOT_OURS, None),
        (FULL.number, twd(15_750), [], Gone.NOT_OURS, None),
    ],
)
def test_a_debit_is_the_one_refund_that_fits(text, amount, left, gone, refund):
    assert match_debits([Debit(amount, text)], left) == [(gone, refund)]


def test_a_booking_turned_round_is_no_refund_whatever_it_says():
    assert match_debits([Debit(twd(15_750), R1, reversal=True)], [FULL]) == [(Gone.REVERSAL, None)]


def test_a_refund_leaves_once_and_its_like_is_then_the_only_one_left():
    debits = [Debit(twd(15_750), FULL.number), Debit(twd(15_750), FULL.number), Debit(twd(15_750), BOTH)]
    assert match_debits(debits, [FULL, OTHER]) == [(Gone.REFUND, 1), (Gone.NOT_OURS, None), (Gone.REFUND, 2)]


def test_a_reversal_takes_no_refund_from_the_debit_that_is_one():
    debits = [Debit(twd(15_750), R1, reversal=True), Debit(twd(15_750), R1)]
    assert match_debits(debits, [FULL]) == [(Gone.REVERSAL, None), (Gone.REFUND, 1)]
