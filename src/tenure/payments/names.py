"""Whether two spellings are one company's name: legal forms, width, case, marks and a bank's cutting aside. Pure.

It must never be surer than the letters allow: where two partners are equally like a name, it is like both. Read
next: ``payments/matching.py``.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

LEGAL_FORMS = frozenset(
    "ab ag as asa bv co company corp corporation gk gmbh inc incorporated kg kk lda limited llc llp ltd ltda mbh nv oy "
    "oyj plc private pte pty pvt sa sarl sas sl spa srl the und and".split()
)
HAN_FORMS = re.compile(r"股份有限公司|有限公司|股份公司|公司|株式.社|合同.社|\(股\)|\(有\)")
SURE = 0.84
RARE, DRAWN = 6, 60


def normal(name: str) -> str:
    """A name as it is compared.

    >>> normal("CONTOSO  Taiwan Co., Ltd."), normal("Müller & Söhne GmbH"), normal("曙光系統股份有限公司")
    ('contoso taiwan', 'muller sohne', '曙光系統')
    """
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    plain = HAN_FORMS.sub(" ", re.sub(r"(?<=\b\w)\.(?=\w\b)", "", plain))
    words = re.findall(r"\w+", plain.replace("'", "").replace("’", ""))
    kept = [word for word in words if word not in LEGAL_FORMS]
    return " ".join(kept or words)


@dataclass(frozen=True, slots=True)
class About:
    """What a payer's name says about one partner: that it fits, or that it is somebody else's we know."""

    fits: bool
    of_another: bool


class Names:
    """The names of every partner, so that a likeness is never believed while another is as like."""

    def __init__(self, partners: Iterable[tuple[int, str]]) -> None:
        self._of: dict[int, str] = {}
        self._exact: dict[str, set[int]] = defaultdict(set)
        self._grams: dict[str, list[int]] = defaultdict(list)
        for partner, name in partners:
            said = normal(name)
            self._of[partner] = said
            self._exact[said.replace(" ", "")].add(partner)
            for gram in _grams(said):
                self._grams[gram].append(partner)
        self._asked: dict[str, frozenset[int]] = {}

    def alike(self, payer: str) -> frozenset[int]:
        """The partners a payer's name may be: those it is exactly, else those it is nearly."""
        said = normal(payer)
        if said not in self._asked:
            self._asked[said] = self._alike(said)
        return self._asked[said]

    def _alike(self, said: str) -> frozenset[int]:
        if len(said) < 2:
            return frozenset()
        if exact := self._exact.get(said.replace(" ", "")):
            return frozenset(exact)
        rare = sorted((g for g in _grams(said) if g in self._grams), key=lambda g: len(self._grams[g]))[:RARE]
        drawn = Counter(partner for gram in rare for partner in self._grams[gram])
        likeness = {partner: _likeness(said, self._of[partner]) for partner, _ in drawn.most_common(DRAWN)}
        best = max(likeness.values(), default=0.0)
        return frozenset(partner for partner, like in likeness.items() if like >= max(SURE, best - 0.06))

    def about(self, payer: str, partner: int) -> About:
        """Whether a payer's name fits a partner, or is another's."""
        found = self.alike(payer)
        return About(partner in found, bool(found) and partner not in found)


def _grams(said: str) -> set[str]:
    packed = said.replace(" ", "")
    return {packed[i : i + 2] for i in range(len(packed) - 1)} or {packed}


def _likeness(one: str, other: str) -> float:
    """Between 0 and 1: pairs of letters in common; a name that the bank cut short is as good as the whole."""
    first, second = sorted((one.replace(" ", ""), other.replace(" ", "")), key=len)
    if len(first) >= 12 and second.startswith(first):
        return 0.97
    if sorted(one.split()) == sorted(other.split()):
        return 0.99
    mine, yours = _grams(first), _grams(second)
    return 2 * len(mine & yours) / (len(mine) + len(yours))
