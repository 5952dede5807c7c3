"""How facts are written in a reader's language: days, moments, amounts, lists, and sentences with facts in them.

It decides spelling only: the space between Chinese and Latin letters, the joining word of a list, the name of a
zone. It must never know a refusal's code or a page. Read next: ``web/shared/messages.py``.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import get_timezone_location
from django.utils import timezone, translation

from tenure.kernel.money import Money
from tenure.kernel.money import say as say_money
from tenure.kernel.periods import MONTHS, Span, say_day, say_span

EN, ZH = "en", "zh-hant"

# Ideographs only: full-width punctuation carries its own space.
HAN = r"[\u3400-\u9fff\uf900-\ufaff]"
LATIN = r"[A-Za-z0-9$€£¥]"
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")
# Official Taiwanese usage writes 臺; the locale data has the common 台.
CITIES = {"Asia/Taipei": "臺北"}
# Names as people say them, where the locale data is longer or writes 台.
COUNTRIES = {"TW": ("Taiwan", "臺灣"), "HK": ("Hong Kong", "香港"), "MO": ("Macao", "澳門")}
# Codes of the locale data that no company has an address in.
NO_COUNTRIES = frozenset(
    ("EU", "EZ", "UN", "ZZ", "QO", "XA", "XB", "AC", "CP", "CQ", "DG", "EA", "IC", "TA", "AQ", "BV", "HM")
)


def language() -> str:
    """The active language as the programme names it: ``en`` or ``zh-hant``."""
    return ZH if (translation.get_language() or EN).lower().startswith("zh") else EN


def say_moment(instant: datetime, spoken: str, zone: str | None = None) -> str:
    """An instant on the programme's clock. Without a zone, the one the request has activated.

    >>> from datetime import UTC
    >>> night = datetime(2019, 1, 31, 16, 4, tzinfo=UTC)
    >>> say_moment(night, "en", "Asia/Taipei"), say_moment(night, "zh-hant", "Asia/Taipei")
    ('1 February 2019, 00:04', '2019年2月1日 00:04')
    """
    there = instant.astimezone(ZoneInfo(zone) if zone else timezone.get_current_timezone())
    return f"{say_day(there.date(), spoken)}{' ' if spoken == ZH else ', '}{there:%H:%M}"


def say_short(day: date, spoken: str, *, year: bool = True) -> str:
    """A date for tight places: a chart, a label on the term line.

    >>> say_short(date(2019, 7, 22), "en"), say_short(date(2019, 7, 22), "zh-hant", year=False)
    ('22 Jul 2019', '7月22日')
    """
    if spoken == ZH:
        return say_day(day, ZH) if year else f"{day.month}月{day.day}日"
    return f"{day.day} {MONTHS[day.month - 1][:3]}" + (f" {day.year}" if year else "")


def say_zone(zone: str, spoken: str) -> str:
    """The zone as people call it.

    >>> say_zone("Asia/Taipei", "en"), say_zone("Asia/Taipei", "zh-hant"), say_zone("UTC", "en")
    ('Taipei time', '臺北時間', 'UTC')
    """
    if "/" not in zone:
        return zone
    if spoken == ZH:
        return f"{CITIES.get(zone) or get_timezone_location(zone, locale='zh_Hant', return_city=True)}時間"
    return f"{zone.rsplit('/', 1)[1].replace('_', ' ')} time"


def say_country(code: str, spoken: str) -> str:
    """A country by the name its readers use; a code nobody knows stays a code.

    >>> say_country("TW", "en"), say_country("TW", "zh-hant"), say_country("DE", "zh-hant"), say_country("QQ", "en")
    ('Taiwan', '臺灣', '德國', 'QQ')
    """
    own = COUNTRIES.get(code)
    return own[spoken == ZH] if own else _territories(spoken).get(code, code)


@cache
def country_names(spoken: str) -> tuple[tuple[str, str], ...]:
    """Every country as (code, name) in the order of a list that people look through."""
    codes = (code for code in _territories(spoken) if re.fullmatch("[A-Z]{2}", code) and code not in NO_COUNTRIES)
    named = [(code, say_country(code, spoken)) for code in codes]
    return tuple(sorted(named, key=lambda pair: unicodedata.normalize("NFD", pair[1])))


def _territories(spoken: str) -> Mapping[str, str]:
    return Locale.parse("zh_Hant" if spoken == ZH else "en_GB").territories


def say_list(items: Iterable[Any], spoken: str, *, last: str = "and") -> str:
    """Things in a row, with ``and`` or ``or`` before the last.

    >>> say_list(["Ann Lin", "Ming Chen"], "en", last="or"), say_list(["林安", "陳明"], "zh-hant", last="or")
    ('Ann Lin or Ming Chen', '林安或陳明')
    >>> say_list(["a", "b", "c"], "en")
    'a, b and c'
    """
    said = [say_fact(item, spoken) for item in items]
    if len(said) < 2:
        return "".join(said)
    comma, joint = ("、", {"and": "和", "or": "或"}[last]) if spoken == ZH else (", ", f" {last} ")
    head = comma.join(said[:-1])
    return spaced(head, joint, said[-1]) if spoken == ZH else f"{head}{joint}{said[-1]}"


def say_fact(fact: Any, spoken: str, *, last: str = "and") -> str:
    """One fact as words. Whatever the programme names (offers, roles) speaks through its own ``Text``.

    >>> say_fact(Money(15750, "TWD"), "en"), say_fact(date(2019, 6, 22), "zh-hant")
    ('NT$15,750', '2019年6月22日')
    """
    if isinstance(fact, Money):
        return say_money(fact)
    if isinstance(fact, datetime):
        return say_moment(fact, spoken)
    if isinstance(fact, date):
        return say_day(fact, spoken)
    if isinstance(fact, Span):
        return say_span(fact.first, fact.last, spoken)
    if hasattr(fact, "say"):
        return fact.say(spoken)
    if hasattr(fact, "name") and not isinstance(fact, str):
        return say_fact(fact.name, spoken)
    if isinstance(fact, (list, tuple, set, frozenset)):
        return say_list(sorted(fact) if isinstance(fact, (set, frozenset)) else fact, spoken, last=last)
    return str(fact)


def spaced(*parts: str) -> str:
    """Join Chinese text: one space where an ideograph meets a Latin letter or digit, none between ideographs.

    >>> spaced("訂單", "O-2019-1", "已逾期"), spaced("由 ", "林安", " 協助")
    ('訂單 O-2019-1 已逾期', '由林安協助')
    """
    text = parts[0]
    for part in parts[1:]:
        edge = text.rstrip(" ")[-1:] + part.lstrip(" ")[:1]
        if re.fullmatch(HAN + HAN, edge):
            text = text.rstrip(" ") + part.lstrip(" ")
        elif re.fullmatch(f"{HAN}{LATIN}|{LATIN}{HAN}", edge):
            text = f"{text.rstrip(' ')} {part.lstrip(' ')}"
        else:
            text += part
    return text


def names_in(sentence: str) -> set[str]:
    """The facts a sentence asks for.

    >>> names_in("Order %(number)s has expired.")
    {'number'}
    """
    return set(PLACEHOLDER.findall(sentence))


def fill(sentence: str, facts: Mapping[str, Any], spoken: str) -> str:
    """A sentence with its facts in place. ``helpers`` are alternatives, every other list is a sum.

    >>> fill("Order %(number)s is closed.", {"number": "O-2019-1"}, "en")
    'Order O-2019-1 is closed.'
    >>> fill("%(helpers)s可以協助。", {"helpers": ["Ann Lin"]}, "zh-hant")
    'Ann Lin 可以協助。'
    """
    parts = PLACEHOLDER.split(sentence)
    said = [
        say_fact(facts[part], spoken, last="or" if part == "helpers" else "and") if at % 2 else part.replace("%%", "%")
        for at, part in enumerate(parts)
    ]
    return spaced(*said) if spoken == ZH else "".join(said)
