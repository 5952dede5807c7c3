"""Template words: dates, amounts, statuses, reasons and the term line, in the reader's language.

``{% load words %}``. It must never decide what is true; it says what it is given. Read next:
``web/shared/language.py`` and ``web/shared/statuses.py``.
"""

from datetime import date, datetime
from typing import Any

from django import template
from django.template.defaultfilters import stringfilter
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tenure.kernel.money import Money
from tenure.kernel.money import say as say_money
from tenure.kernel.periods import Span, say_day, say_span
from tenure.kernel.refusals import Check, Refusal
from tenure.web.shared import messages
from tenure.web.shared.language import (
    ZH,
    language,
    say_country,
    say_list,
    say_moment,
    say_short,
    say_zone,
)
from tenure.web.shared.statuses import status_of
from tenure.web.shared.term_line import WIDTH, Label, Moment, Words, lay_out, moment_of

register = template.Library()

WEEKDAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    ZH: "一二三四五六日",
}


@register.filter
def day(value: date | datetime | None) -> str:
    """22 June 2019, 2019年6月22日."""
    if isinstance(value, datetime):
        raise TypeError("an instant is written with |moment; its day depends on the programme's zone")
    return say_day(value, language()) if value else ""


@register.filter
def weekday(value: date | None) -> str:
    """Saturday 22 June 2019, 2019年6月22日(六)."""
    if not value:
        return ""
    name = WEEKDAYS[language()][value.weekday()]
    return f"{say_day(value, ZH)}({name})" if language() == ZH else f"{name} {say_day(value)}"


@register.filter
def short_day(value: date | None) -> str:
    """22 Jun 2019, 2019年6月22日: for narrow columns."""
    return say_short(value, language()) if value else ""


@register.filter
def iso(value: date | datetime | None) -> str:
    """For ``<time datetime>`` and date fields."""
    return value.isoformat() if value else ""


@register.filter
def moment(value: datetime | None, zone: str | None = None) -> str:
    """1 February 2019, 00:04 in the programme's zone, or in the zone given."""
    return say_moment(value, language(), zone) if value else ""


@register.filter
def zone_name(value: str) -> str:
    """Taipei time, 臺北時間."""
    return say_zone(value, language())


@register.filter
def days(value: Span | None) -> str:
    """23 June to 22 July 2019."""
    return say_span(value.first, value.last, language()) if value else ""


@register.simple_tag
def span(first: date, last: date) -> str:
    """23 June to 22 July 2019, from two dates."""
    return say_span(first, last, language())


@register.filter
def money(value: Money | None) -> str:
    """NT$15,750."""
    return say_money(value) if value is not None else ""


@register.filter
def country(code: str) -> str:
    """Taiwan, 臺灣."""
    return say_country(code, language())


@register.filter
def figure(value: int) -> str:
    """20,000."""
    return f"{value:,}"


@register.filter
def say(value: Any) -> str:
    """A programme ``Text`` in the active language; plain words stay as they are."""
    if value is None:
        return ""
    return value.say(language()) if hasattr(value, "say") else str(value)


@register.filter
def either(people: list[Any]) -> str:
    """Ann Lin or Ming Chen."""
    return say_list(people, language(), last="or")


@register.filter
def listed(things: list[Any]) -> str:
    """Silver, gold and pack."""
    return say_list(things, language())


@register.filter
@stringfilter
def partner_id(value: str) -> str:
    """4 812 377: digits in threes, as people read them out."""
    return f"{int(value):,}".replace(",", "\u00a0") if value.isascii() and value.isdigit() else value


@register.simple_tag
def chip(status: str, words: str = "") -> str:
    """A status as a word in a tone. ``words`` says more than the vocabulary: "Active until 31 January 2020"."""
    word, tone = status_of(str(status))
    return format_html('<span class="chip {}">{}</span>', tone, words or word)


@register.filter
def status_word(status: str) -> str:
    """The word of a status alone, for a sentence or a title."""
    return status_of(str(status))[0]


@register.simple_tag
def why(reason: Check | Refusal | str | None) -> str:
    """What stands in the way, in words; for a check that holds, that it does."""
    if not reason:
        return ""
    if isinstance(reason, Check):
        return messages.why(reason)
    if isinstance(reason, Refusal):
        return messages.say(reason.code, reason.facts)
    return messages.say(reason)


@register.simple_tag(takes_context=True)
def menu_link(context: template.Context, name: str, words: str, count: int | None = None) -> str:
    """A link of the menu, marked when the page is it or under it."""
    request = context.get("request")
    url = reverse(name)
    path = getattr(request, "path", "")
    root = url.strip("/").count("/") == 0 and name.endswith((":home", ":today"))
    here = path == url or (not root and path.startswith(url.rstrip("/") + "/")) or context.get("nav") == name
    return format_html(
        '<a href="{}"{}>{}{}</a>',
        url,
        format_html(' aria-current="{}"', "page" if path == url else "true") if here else "",
        words,
        format_html(' <span class="count">{}</span>', count) if count else "",
    )


@register.inclusion_tag("parts/term_line.html")
def term_line(
    starts_on: date, expires_on: date, opens_on: date | None, closes_on: date | None, today: date
) -> dict[str, Any]:
    """The drawing of a term: its days, its last day, its renewal window and today."""
    term = Span(starts_on, expires_on)
    window = Span(opens_on, closes_on) if opens_on and closes_on else None
    line = lay_out(term, window, today, _line_words(term, window, today))
    return {
        "line": line,
        "sentence": _line_sentence(term, window, today),
        "bars": [(bar.name, _percent(bar.x), _percent(bar.width)) for bar in line.bars],
        "labels": [(label, *_anchored(label)) for label in line.labels],
        "here": _percent(line.today),
        "last_day": _percent(line.last_day),
        "over": line.moment is Moment.OVER,
    }


def _percent(units: float) -> str:
    return f"{units / WIDTH * 100:.3f}%"


def _anchored(label: Label) -> tuple[str, str]:
    """Where a label hangs and by which edge, so that type narrower than reckoned still stands where it should."""
    if label.x < 1 or label.align == 0:
        return _percent(label.x), "start"
    if label.right > WIDTH - 1 or label.align == 1:
        return _percent(label.right), "end"
    return _percent(label.x + label.width / 2), "middle"


def _line_words(term: Span, window: Span | None, today: date) -> Words:
    spoken = language()
    closes = window.last if window and window.last > term.last else None
    return Words(
        today=_today(moment_of(term, window, today), window, today),
        starts_on=say_short(term.first, spoken),
        expires_on=say_short(term.last, spoken),
        closes_on=say_short(closes, spoken, year=closes.year != term.last.year) if closes else "",
        starts=_("Starts") if today < term.first else _("Started"),
        expires=_("Expired") if today > term.last else _("Expires"),
        closes=(_("Closed") if today > closes else _("Renew by")) if closes else "",
        window=_("Renewal window") if window else "",
    )


def _today(moment: Moment, window: Span | None, today: date) -> str:
    if moment is Moment.LAST_CALL:
        return _("Today, last day to renew")
    if moment is Moment.WINDOW and window:
        return _("Today, %(left)d days left") % {"left": (window.last - today).days + 1}
    return _("Today")


def _line_sentence(term: Span, window: Span | None, today: date) -> str:
    """Everything the drawing shows, in sentences, for whoever does not see it."""
    spoken = language()
    told = [_("Term %(term)s.") % {"term": say_span(term.first, term.last, spoken)}]
    if window:
        told.append(_("Renewal window %(window)s.") % {"window": say_span(window.first, window.last, spoken)})
    now = {"today": say_day(today, spoken)}
    match moment_of(term, window, today):
        case Moment.BEFORE:
            told.append(_("Today is %(today)s; the term has not begun.") % now)
        case Moment.RUNNING:
            left = (term.last - today).days
            told.append(
                ngettext(
                    "Today is %(today)s, %(left)d day before expiry.",
                    "Today is %(today)s, %(left)d days before expiry.",
                    left,
                )
                % {**now, "left": left}
            )
        case Moment.LAST_DAY:
            told.append(_("Today is %(today)s, the last day of the term.") % now)
        case Moment.WINDOW:
            left = (window.last - today).days + 1 if window else 0
            told.append(
                _("Today is %(today)s, inside the renewal window; %(left)d days left, today included.")
                % {**now, "left": left}
            )
        case Moment.LAST_CALL:
            told.append(_("Today is %(today)s, the last day to renew.") % now)
        case Moment.OVER:
            told.append(_("Today is %(today)s; this is over.") % now)
    return ("" if spoken == ZH else " ").join(told)
