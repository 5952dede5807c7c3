"""What the log may say. It decides only how a line is written; no line ever holds the number of a card.

Read next: ``kernel/cardnumbers.py``.
"""

import logging

from tenure.kernel.cardnumbers import without_cards


class WithoutCards(logging.Formatter):
    """Writes a record, traces and addresses of pages included, with the digits of cards made unreadable."""

    def format(self, record: logging.LogRecord) -> str:
        return without_cards(super().format(record))
