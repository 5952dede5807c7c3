"""Letters in the reader's language: what a queued mail or a notice in the app says.

It decides how a letter is laid out: greeting, what happened, what to do by when, one link, the programme's name.
It must never decide whether a letter is sent, nor to whom. Its own texts stand in ``letter_texts.py``; the
reminders (``letter.…``) are the programme's and come from the programme file. Read next: ``plumbing/mail.py``.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from django.conf import settings
from django.utils import translation

from tenure.enrolment.queries import confirmation_token
from tenure.kernel.periods import day_of
from tenure.kernel.text import Text
from tenure.partners.queries import get as partner_by_id
from tenure.people import addresses
from tenure.people.queries import invitation_by_id, invitation_token
from tenure.programme.queries import current
from tenure.programme.rules import Programme
from tenure.web.shared.language import say_fact, spaced
from tenure.web.shared.letter_texts import CHECKS, GENERAL, LETTERS, OUTCOMES
from tenure.web.shared.messages import DECLINES
from tenure.web.shared.paragraphs import Words

OWN = "letter."
PLACEHOLDER = re.compile(r"\{(\w+)\}")
GREETING = Text("Hello {person},", "{person} 您好：")
SIGNATURE = Text("{programme}", "{programme}")


def put_into_words(code: str, facts: Mapping[str, Any], language: str) -> tuple[str, str]:
    """The subject and the body of a letter, in the language of whoever reads it."""
    programme = current()
    known = {**facts, **_added(code, facts, programme, language), "programme": programme.name}
    if code.startswith(OWN):
        letter = programme.letter(code.removeprefix(OWN))
        return _line(letter.subject, known, language), _fill(letter.body, known, language).strip() + "\n"
    words = _words(code, known)
    parts = [GREETING, *(part.text for part in words.body if part.holds(known)), words.act, SIGNATURE]
    return _line(words.subject, known, language), "\n\n".join(_fill(part, known, language) for part in parts) + "\n"


def say_notice(code: str, facts: Mapping[str, Any], language: str) -> str:
    """The one line a notice in the app says: a letter's subject, which carries the state and the date."""
    programme = current()
    known = {**facts, **_added(code, facts, programme, language), "programme": programme.name}
    own = code.startswith(OWN)
    return _line((programme.letter(code.removeprefix(OWN)) if own else _words(code, known)).subject, known, language)


def _words(code: str, known: Mapping[str, Any]) -> Words:
    """The text of a code. One that lacks its facts says where to look, rather than nothing at all."""
    words = LETTERS.get(code, GENERAL)
    texts = (words.subject, words.act, *(part.text for part in words.body if part.holds(known)))
    asked = {name for text in texts for name in PLACEHOLDER.findall(text.en)}
    return words if asked <= known.keys() | {"person"} else GENERAL


def _added(code: str, facts: Mapping[str, Any], programme: Programme, language: str) -> dict[str, Any]:
    """What the sentences need beside the facts: the link in full, and words for codes."""
    added: dict[str, Any] = {"link": settings.TENURE_BASE_URL + _path(code, facts)}
    if "expires_at" in facts:
        added["until"] = day_of(facts["expires_at"], programme.zone)
    if code == "orders.placed":
        added |= {"payee": programme.seller.name, "bank": programme.seller.bank_name}
    if code == "payments.declined":
        with translation.override(language):
            added["because"] = str(DECLINES.get(facts["reason"], ""))
    if code == "enrolment.rejected":
        added["check"] = CHECKS[facts["kind"]]
    if code == "support.closed":
        added["result"] = OUTCOMES[facts["outcome"]]
    return added


def _path(code: str, facts: Mapping[str, Any]) -> str:
    """Where the letter's one link leads. The signed ones are signed now, for whoever the letter goes to."""
    if code == "enrolment.confirm_email":
        return f"/join/confirm/{confirmation_token(partner_by_id(facts['partner']))}/"
    if code == "people.invitation":
        return f"/invitation/{invitation_token(invitation_by_id(facts['invitation']))}/"
    if code.startswith("people.email_change_"):
        return f"/security/email/{addresses.token(facts['change'], code.rpartition('_')[2])}/"
    return facts.get("link") or "/"


def _fill(text: Text, known: Mapping[str, Any], language: str) -> str:
    """A text with its facts in place. In Chinese a date stands as the text spaces it; other facts are spaced here."""
    filled = ""
    for at, part in enumerate(PLACEHOLDER.split(text.say(language))):
        fact = known.get(part, "") if at % 2 else part
        said = say_fact(fact, language)
        plain = language == "en" or isinstance(fact, date)
        filled = filled + said if plain else spaced(filled, said)
    return filled


def _line(text: Text, known: Mapping[str, Any], language: str) -> str:
    """One line, whatever somebody wrote into a company's name: a subject with a line break could forge a header."""
    return " ".join(_fill(text, known, language).split())
