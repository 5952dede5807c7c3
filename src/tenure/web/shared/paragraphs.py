"""What a letter is made of: a subject, paragraphs that may depend on a fact, and one line with the link.

It must never hold a text. Read next: ``letter_texts.py``, where the texts are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tenure.kernel.text import Text


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph, always said or only as a fact has it.

    >>> [Paragraph(Text("a", "a"), "on").holds({"on": on}) for on in (True, False)]
    [True, False]
    >>> Paragraph(Text("a", "a"), "on", wanted=False).holds({"on": False})
    True
    """

    text: Text
    fact: str = ""
    wanted: bool = True

    def holds(self, facts: Mapping[str, Any]) -> bool:
        return not self.fact or bool(facts.get(self.fact)) is self.wanted


@dataclass(frozen=True, slots=True)
class Words:
    """One letter: subject, body and the line with the link."""

    subject: Text
    body: tuple[Paragraph, ...]
    act: Text


def say(en: str, zh_hant: str) -> Paragraph:
    return Paragraph(Text(en, zh_hant))


def when(fact: str, en: str, zh_hant: str) -> Paragraph:
    return Paragraph(Text(en, zh_hant), fact)


def unless(fact: str, en: str, zh_hant: str) -> Paragraph:
    return Paragraph(Text(en, zh_hant), fact, wanted=False)
