"""What a bank tells of an account, whichever format it came in. Pure.

It decides when two lines are one line: the key made here is the same in every file that tells of the same booking.
It must never decide whom money is for. Read next: ``payments/statements/reading.py``, then ``payments/matching.py``.
"""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from tenure.kernel.cardnumbers import looks_like_card, without_cards
from tenure.kernel.money import Money

MAX_BYTES = 12 * 2**20
MAX_LINES = 50_000
# ISO 13616 and ISO 11649: an IBAN, or a creditor's reference, written in groups or in one.
PROVEN = re.compile(r"(?<![0-9A-Za-z])[A-Z]{2}\d{2}(?: ?[0-9A-Z]){7,30}")
NO_ID = frozenset({"", "NOTPROVIDED", "NONREF", "NOREF", "NONE"})


class Unreadable(Exception):
    """A file, or one line of it, that says nothing certain. The reason is a code; the doors find the words."""

    def __init__(self, reason: str, line: int = 0, detail: str = "") -> None:
        super().__init__(f"line {line}: {reason} {detail}".strip())
        self.reason, self.line, self.detail = reason, line, blotted(detail)[:120]


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One booking. Money in is positive, money out negative."""

    n: int
    """Where it stands in the file: a line, or for XML the entry, counted from 1."""
    account: str
    value_on: date
    booked_on: date
    amount: Money
    reference: str = ""
    """What the bank handed over as a structured reference."""
    text: str = ""
    payer: str = ""
    payer_account: str = ""
    end_to_end: str = ""
    bank_id: str = ""
    reversal: bool = False
    """It takes an earlier booking back, or brings back money that we sent."""
    line_key: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """Everything one file says: the bookings, what was passed over, and what could not be read."""

    form: str
    accounts: tuple[str, ...]
    lines: tuple[StatementLine, ...]
    faults: tuple[Unreadable, ...] = ()
    pending: int = 0
    """Bookings announced and not made yet; the bank will send them again when they are."""


def finished(
    form: str, lines: Iterable[StatementLine], faults: Iterable[Unreadable] = (), pending: int = 0
) -> Statement:
    """A statement with its keys; one with nothing in it is refused."""
    keyed_lines, found = keyed(map(cardless, lines)), tuple(faults)
    if not keyed_lines and not found and not pending:
        raise Unreadable("empty")
    if len(keyed_lines) > MAX_LINES:
        raise Unreadable("too_many_lines", MAX_LINES)
    return Statement(form, tuple(dict.fromkeys(line.account for line in keyed_lines)), keyed_lines, found, pending)


def cardless(line: StatementLine) -> StatementLine:
    """The line without any payment card's number: people write them into a transfer, and nobody may keep them.

    An account that is a card's number is no account anybody could be known by.
    """
    account = "" if looks_like_card(plain(line.payer_account)) else line.payer_account
    return replace(
        line,
        reference=blotted(line.reference),
        text=blotted(line.text),
        payer=blotted(line.payer),
        payer_account=account,
        end_to_end=blotted(line.end_to_end),
    )


def blotted(text: str) -> str:
    """A text with the digits of cards made dots; accounts and references that prove themselves stay as they are.

    >>> blotted("fee 4242 4242 4242 4242, from DE75 5121 0800 1245 1261 99")
    'fee •••• •••• •••• ••••, from DE75 5121 0800 1245 1261 99'
    """
    parts, begin, at = [], 0, 0
    while found := PROVEN.search(text, at):
        end = _proven_end(text, found.start(), found.end())
        if end:
            parts += [without_cards(text[begin : found.start()]), text[found.start() : end]]
            begin = end
        at = end or found.start() + 4
    return "".join([*parts, without_cards(text[begin:])])


def _proven_end(text: str, start: int, end: int) -> int:
    """Where an account or reference that begins here ends: the longest reading whose check digits are right; or 0."""
    for at in range(end, start + 10, -1):
        code = text[start:at].replace(" ", "")
        whole = not text[at : at + 1].isalnum() and text[at - 1] != " "
        if whole and int("".join(str(int(c, 36)) for c in code[4:] + code[:4])) % 97 == 1:
            return at
    return 0


def keyed(lines: Iterable[StatementLine]) -> tuple[StatementLine, ...]:
    """Give every line its key: by the bank's own number where it has one, else by all it says.

    Two bookings that say the same are told apart by counting, so overlapping files agree on which is which.

    >>> day = date(2019, 6, 23)
    >>> twice = [StatementLine(n, "0099", day, day, Money(15750, "TWD"), text="fee") for n in (1, 2)]
    >>> first, second = keyed(twice)
    >>> first.line_key != second.line_key, keyed(twice[1:])[0].line_key == first.line_key
    (True, True)
    """
    seen: Counter[str] = Counter()
    found = []
    for line in lines:
        own = line.bank_id.strip()
        says = [plain(line.account), line.value_on.isoformat(), str(line.amount.minor), line.amount.currency]
        if own.upper() in NO_ID:
            told = (line.reference, line.text, line.payer, line.payer_account, line.end_to_end)
            says += ["says", *(squeezed(part) for part in told)]
        else:
            says += ["bank", own]
        mark = hashlib.sha256("\x1f".join(says).encode()).hexdigest()[:40]
        found.append(replace(line, line_key=f"{mark}/{seen[mark]}"))
        seen[mark] += 1
    return tuple(found)


def squeezed(text: str) -> str:
    """A text without what banks add and drop as they please: blanks, case, width."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).casefold()


def plain(account: str) -> str:
    """An account number as it is compared.

    >>> plain("DE66 5009 9999 0002 0801 18"), plain("0099-01-118820-6")
    ('DE66500999990002080118', '0099011188206')
    """
    return re.sub(r"[^0-9A-Z]", "", account.upper())


def tidy(text: str | None, limit: int = 300) -> str:
    """A text field on one line, without what the database cannot hold."""
    return " ".join((text or "").replace("\0", " ").split())[:limit]
