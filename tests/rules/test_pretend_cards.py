"""The pretend card page speaks two languages, and no card on it is more than four digits.

Read next: ``demogateway/cards.py``, ``demogateway/words.py``.
"""

import pytest

from tenure.demogateway.cards import CARDS, DECLINES, decide
from tenure.demogateway.words import WORDS


def test_both_languages_have_every_word():
    assert set(WORDS["en"]) == set(WORDS["zh-hant"]) and set(CARDS) <= set(WORDS["en"])
    assert all(all(table.values()) for table in WORDS.values())


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)
def test_a_card_is_a_token_and_four_digits(card):
    assert card.token == f"tok_{card.last4}" and len(card.last4) == 4
    assert {card.decline, card.later} - {""} <= set(DECLINES)
    away = decide(card, off_session=True)
    assert away.status == ("declined" if card.decline or card.later else "succeeded")
