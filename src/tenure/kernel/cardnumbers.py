"""Numbers of payment cards in a text: found so that they can be refused, or made unreadable where they can't.

It decides only what looks like one. It must never keep or return a number. Read next: ``web/shared/card_data.py``.
"""

import re
import unicodedata
from collections.abc import Iterator

# Digits in groups, not glued to letters: RF18 5390 0754 7034 is a payment reference, not a card.
RUN = re.compile(r"(?<![0-9A-Za-z])\d(?:[ -]?\d){12,18}(?![ -]?\d)(?![A-Za-z])")
# As it is printed, wherever it stands among other groups of digits.
PRINTED = re.compile(r"(?<![0-9A-Za-z])(?=(\d{4}(?:([ -])\d{4}(?:\2\d{4}){2}|([ -])\d{6}\3\d{4,5}))(?![0-9A-Za-z]))")
# The groups before it belong to a reference or an account that begins with its check digits.
ACCOUNT = re.compile(r"[A-Z]{2}\d{2}(?: [0-9A-Z]{4})* $")
# Where the numbers of cards begin, so that an account of a bank is not taken for one by its check digit.
ISSUERS = re.compile(r"4|5[1-5]|2(22[1-9]|2[3-9]|[3-6]|7[01]|720)|3(0[0-5]|[45-9])|6(011|4[4-9]|5|2)|35")


def looks_like_card(text: str) -> bool:
    """Whether text holds 13 to 19 digits whose beginning and check digit are those of a card.

    >>> looks_like_card("my card is 4242 4242-4242 4242"), looks_like_card("RF18 5390 0754 7034")
    (True, False)
    >>> looks_like_card("4242 4242 4242 4241"), looks_like_card("０２ ２７１２ ３４５６")
    (False, False)
    >>> looks_like_card("18 4242 4242 4242 4242 20"), looks_like_card("DE66 4242 4242 4242 4242 20")
    (True, False)
    """
    return next(_spans(unicodedata.normalize("NFKC", text)), None) is not None


def without_cards(text: str) -> str:
    """The text, each digit of a card's number a dot; unchanged where there is none.

    For what others have written and we have to keep or log: a bank's words, the address of a page.

    >>> without_cards("order O-2019-000418, card 4242-4242-4242-4242")
    'order O-2019-000418, card ••••-••••-••••-••••'
    >>> without_cards("（卡號：４２４２４２４２４２４２４２４２）")
    '（卡號：••••••••••••••••）'
    """
    if not looks_like_card(text):
        return text
    dotted = _dotted(text)
    # Rare spellings are made plain first, and the whole text with them only where that is the only way.
    return _dotted(unicodedata.normalize("NFKC", text)) if looks_like_card(dotted) else dotted


def _dotted(text: str) -> str:
    marked = list(text)
    for first, end in _spans(text):
        marked[first:end] = ["•" if c.isdigit() else c for c in text[first:end]]
    return "".join(marked)


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Where the numbers of cards stand."""
    for pattern, group in ((RUN, 0), (PRINTED, 1)):
        for found in pattern.finditer(text):
            if _is_card(found[group]) and not (group and ACCOUNT.search(text[: found.start()])):
                yield found.span(group)


def _is_card(run: str) -> bool:
    digits = [int(c) for c in run if c.isdigit()]
    doubled = [d if at % 2 == 0 else d * 2 - 9 * (d > 4) for at, d in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0 and ISSUERS.match("".join(map(str, digits))) is not None
