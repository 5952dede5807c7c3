"""Which order a bank line is for, and why; or why nobody can say. Pure.

It decides for an order only when nothing speaks for another. It must never choose between two, never believe a
reference against a payer who is known as somebody else, and never match across currencies: a doubt costs a person a
minute, a wrong match costs two partners their trust. Sources: domain.md §3.5, reliability.md (attack 17). Read
next: ``purchases/transfers.py``, which acts on it.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from tenure.payments.names import Names
from tenure.payments.rules import references_in


class Rule(StrEnum):
    REFERENCE = "reference"
    NUMBER = "number"
    NEAR_REFERENCE = "near_reference"
    ACCOUNT = "account"
    NAME = "name"
    HAND = "hand"


class Why(StrEnum):
    """What speaks for an order, then what stands against deciding."""

    REFERENCE = "reference"
    NUMBER = "number"
    NEAR_REFERENCE = "near_reference"
    AMOUNT = "amount"
    ACCOUNT = "account"
    PAYER = "payer"
    SEVERAL_REFERENCES = "several_references"
    SEVERAL_ORDERS = "several_orders"
    WRONG_CURRENCY = "wrong_currency"
    ACCOUNT_OF_ANOTHER = "account_of_another"
    NAME_OF_ANOTHER = "name_of_another"
    OTHER_AMOUNT = "other_amount"
    CARD_ORDER = "card_order"
    REVERSAL = "reversal"
    ENTERED_BEFORE = "entered_before"
    NOTHING_KNOWN = "nothing_known"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Credit:
    """What is asked about: money in, as the bank tells it."""

    minor: int
    currency: str
    value_on: date
    text: str = ""
    payer: str = ""
    payer_account: str = ""
    reversal: bool = False
    entered_before: bool = False
    """A line of the same day, account and amount stands here already, from another source."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An order that a transfer may be for."""

    order: int
    number: str
    reference: str
    partner: int
    currency: str
    missing: int
    expires_on: date
    payable: bool = True
    """It waits for money; an order that does not can be named by its reference, never by name and amount."""
    by_transfer: bool = True


@dataclass(frozen=True, slots=True)
class Match:
    order: int
    rule: Rule
    reasons: tuple[Why, ...]


@dataclass(frozen=True, slots=True)
class Doubt:
    """For a person: the order it may be for, if one stands out, and why that is not certain."""

    reasons: tuple[Why, ...]
    order: int | None = None


@dataclass(slots=True)
class Known:
    """Everything that is known before the first line is looked at: orders, names of all partners, their accounts."""

    candidates: Mapping[int, Candidate]
    names: Names
    accounts: Mapping[str, frozenset[int]]
    _by_reference: dict[str, Candidate]
    _by_digits: dict[str, Candidate]
    _by_amount: dict[tuple[int, str, int], set[int]]
    _paid: set[int]

    @classmethod
    def of(
        cls,
        candidates: Iterable[Candidate],
        partners: Iterable[tuple[int, str]],
        accounts: Mapping[str, frozenset[int]] | None = None,
    ) -> "Known":
        rows = {row.order: row for row in candidates}
        by_amount: dict[tuple[int, str, int], set[int]] = defaultdict(set)
        for row in rows.values():
            if row.payable and row.by_transfer:
                by_amount[row.partner, row.currency, row.missing].add(row.order)
        return cls(
            rows,
            Names(partners),
            accounts or {},
            {row.reference: row for row in rows.values()},
            {re.sub(r"\D", "", row.number): row for row in rows.values()},
            by_amount,
            set(),
        )

    def spent(self, order: int) -> None:
        """A line was matched to it: by name and amount nothing more can be."""
        self._paid.add(order)

    def waiting(self, partner: int, credit: Credit) -> list[Candidate]:
        """The partner's orders that this amount would pay to the last cent, in time."""
        found = self._by_amount.get((partner, credit.currency, credit.minor), ())
        rows = [self.candidates[order] for order in found if order not in self._paid]
        return [row for row in rows if credit.value_on <= row.expires_on]

    def referenced(self, text: str) -> list[Candidate]:
        return [self._by_reference[found] for found in references_in(text) if found in self._by_reference]

    def numbered(self, text: str) -> list[Candidate]:
        return _distinct(self._by_digits.get(digits) for digits in numbers_in(text))

    def nearly_referenced(self, text: str) -> list[Candidate]:
        return _distinct(self._by_reference.get(reading) for token in damaged(text) for reading in readings(token))


def match_all(credits: list[Credit], known: Known) -> list[Match | Doubt]:
    """The word on every line of a file: what names its order first, so that names and amounts see what is left."""
    found: list[Match | Doubt] = [Doubt((Why.NOTHING_KNOWN,))] * len(credits)
    left = []
    for n, credit in enumerate(credits):
        answer = _named(credit, known)
        if answer is None:
            left.append(n)
        else:
            found[n] = answer
            if isinstance(answer, Match):
                known.spent(answer.order)
    for n in left:
        found[n] = answer = _unnamed(credits[n], known)
        if isinstance(answer, Match):
            known.spent(answer.order)
    return found


def match(credit: Credit, known: Known) -> Match | Doubt:
    """The word on one line.

    >>> wire = Candidate(7, "O-2019-000418", "RF942019000418", 1, "TWD", 15750, date(2019, 7, 31))
    >>> known = Known.of([wire], [(1, "Contoso Taiwan Ltd"), (2, "Fabrikam GmbH")], {"DE89": frozenset({2})})
    >>> day = date(2019, 7, 2)
    >>> match(Credit(15750, "TWD", day, "Action Pack RF94 2019 0004 18"), known).rule.value
    'reference'
    >>> copied = match(Credit(15750, "TWD", day, "RF942019000418", payer_account="DE89"), known)
    >>> copied.order, [reason.value for reason in copied.reasons]
    (7, ['reference', 'amount', 'account_of_another'])
    >>> match(Credit(15750, "TWD", day, payer="CONTOSO TAIWAN LIMITED"), known).rule.value
    'name'
    """
    return match_all([credit], replace(known, _paid=set(known._paid)))[0]


def _named(credit: Credit, known: Known) -> Match | Doubt | None:
    """By what the payer wrote: a sound reference, the order's number, a reference with one fault."""
    for rule, why, named in (
        (Rule.REFERENCE, Why.REFERENCE, known.referenced(credit.text)),
        (Rule.NUMBER, Why.NUMBER, known.numbered(credit.text)),
        (Rule.NEAR_REFERENCE, Why.NEAR_REFERENCE, known.nearly_referenced(credit.text)),
    ):
        found = named
        if rule is Rule.NEAR_REFERENCE and len(named) > 1:
            # One slip can lead to several orders; who pays and how much tells them apart, or nobody does.
            found = [row for row in named if _agrees(credit, row, known)] or named
        if len(found) > 1:
            return Doubt((why, Why.SEVERAL_REFERENCES))
        if found:
            return _judged(credit, found[0], rule, why, known)
    return None


def _agrees(credit: Credit, row: Candidate, known: Known) -> bool:
    owner = row.partner in known.accounts.get(credit.payer_account, ())
    same = (credit.minor, credit.currency) == (row.missing, row.currency)
    return same and (owner or known.names.about(credit.payer, row.partner).fits)


def _judged(credit: Credit, row: Candidate, rule: Rule, why: Why, known: Known) -> Match | Doubt:
    """Whether nothing contradicts the one order that is named."""
    owners = known.accounts.get(credit.payer_account, frozenset())
    name = known.names.about(credit.payer, row.partner)
    supports = {
        Why.AMOUNT: (credit.minor, credit.currency) == (row.missing, row.currency),
        Why.ACCOUNT: row.partner in owners,
        Why.PAYER: name.fits,
    }
    speaks = (why, *(reason for reason, so in supports.items() if so))
    against = _against(credit, row, name.of_another, owners)
    if not against and rule is not Rule.REFERENCE:
        # A number alone may be a coincidence, a mended reference another's: one more thing has to agree.
        agree = supports[Why.AMOUNT] and (supports[Why.PAYER] or supports[Why.ACCOUNT])
        lettered = rule is Rule.NUMBER and (supports[Why.AMOUNT] or supports[Why.PAYER] or supports[Why.ACCOUNT])
        against = () if agree or lettered else (Why.OTHER_AMOUNT,)
    return Doubt(speaks + against, row.order) if against else Match(row.order, rule, speaks)


def _against(credit: Credit, row: Candidate, of_another: bool, owners: frozenset[int]) -> tuple[Why, ...]:
    stands = {
        Why.REVERSAL: credit.reversal,
        Why.WRONG_CURRENCY: credit.currency != row.currency,
        Why.CARD_ORDER: not row.by_transfer,
        Why.ACCOUNT_OF_ANOTHER: bool(owners) and row.partner not in owners,
        Why.NAME_OF_ANOTHER: of_another and row.partner not in owners,
        Why.ENTERED_BEFORE: credit.entered_before,
    }
    return tuple(reason for reason, so in stands.items() if so)


def _unnamed(credit: Credit, known: Known) -> Match | Doubt:
    """By who pays and how much: only where that is one partner, one order and the exact amount."""
    owners = known.accounts.get(credit.payer_account, frozenset())
    alike = known.names.alike(credit.payer)
    rule, why = (Rule.ACCOUNT, Why.ACCOUNT) if owners else (Rule.NAME, Why.PAYER)
    partners = owners or alike
    if not partners:
        return Doubt((Why.NOTHING_KNOWN,))
    waiting = [row for partner in sorted(partners) for row in known.waiting(partner, credit)]
    if len(waiting) > 1 or (len(partners) > 1 and rule is Rule.NAME):
        return Doubt((why, Why.SEVERAL_ORDERS), waiting[0].order if len(waiting) == 1 else None)
    if not waiting:
        return Doubt((why, Why.OTHER_AMOUNT), _only(row for row in known.candidates.values() if _open(row, partners)))
    row = waiting[0]
    name = known.names.about(credit.payer, row.partner)
    speaks = (why, Why.AMOUNT) + ((Why.PAYER,) if owners and name.fits else ())
    against = _against(credit, row, name.of_another if owners else False, owners)
    if owners and not (name.fits or not credit.payer):
        # An account can pay for several firms; whose name it is has to agree.
        against += (Why.NAME_OF_ANOTHER,) if Why.NAME_OF_ANOTHER not in against else ()
    return Doubt(speaks + against, row.order) if against else Match(row.order, rule, speaks)


def _open(row: Candidate, partners: Iterable[int]) -> bool:
    return row.payable and row.by_transfer and row.partner in partners


def _only(rows: Iterable[Candidate]) -> int | None:
    found = [row.order for row in rows]
    return found[0] if len(found) == 1 else None


def _distinct(rows: Iterable[Candidate | None]) -> list[Candidate]:
    return list({row.order: row for row in rows if row is not None}.values())


# Reading what people and scanners write.

LOOKS_LIKE = str.maketrans("OQDILSBZG", "000115826")


def numbers_in(text: str) -> tuple[str, ...]:
    """The digits of every order number in a text, with or without its O and its marks.

    >>> numbers_in("order O-2019-000418, not 2019 000419; phone 0920190004189")
    ('2019000418', '2019000419')
    """
    found = re.findall(r"(?<!\d)(20\d\d)[\s\-/._]{0,2}(\d{6})(?!\d)", text)
    return tuple(dict.fromkeys(year + serial for year, serial in found))


def damaged(text: str) -> tuple[str, ...]:
    """What wants to be a reference and is not sound: RF and ten to fourteen characters, looked at as digits.

    >>> damaged("RF94 2O19 0004 18"), damaged("RF94 2019 0004 18")
    (('942019000418',), ())
    """
    packed = re.sub(r"[\s\-./:]", "", text.upper())
    found = []
    for token in re.findall(r"R[FE]([0-9OQDILSBZG]{10,14})", packed):
        if not references_in(f"RF{token}"):
            found.append(token.translate(LOOKS_LIKE))
    return tuple(found)


def suspects(texts: Iterable[str]) -> set[str]:
    """Every reference that a damaged one in these texts may have been."""
    return {reading for text in texts for token in damaged(text) for reading in readings(token)}


def readings(digits: str) -> set[str]:
    """Every sound reference one slip away: as it stands, a digit changed, doubled, lost, or two swapped.

    >>> readings("942019000481") >= {"RF942019000418"}, "RF942019000418" in readings("94201900418")
    (True, True)
    """
    tries = {digits[:12]}
    for i in range(min(len(digits), 13)):
        tries |= {digits[:i] + d + digits[i + 1 :] for d in "0123456789"}
        tries |= {digits[:i] + d + digits[i:] for d in "0123456789"}
        tries.add(digits[:i] + digits[i + 1 :])
        tries.add(digits[:i] + digits[i + 1 : i + 2] + digits[i : i + 1] + digits[i + 2 :])
    return {f"RF{t[:12]}" for t in tries if len(t) >= 12 and int(t[2:12] + "2715" + t[:2]) % 97 == 1}
