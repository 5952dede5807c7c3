"""Template words of the back office: how long something has waited, and what can be copied whole.

``{% load desk %}``. It must never read a clock: the request's ``now`` is handed to it.
"""

from datetime import date, datetime
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as word
from django.utils.translation import ngettext

from tenure.kernel.periods import MONTHS
from tenure.web.shared.language import ZH, language

register = template.Library()

# Why a letter did not leave, or something due was not done.
REASONS: dict[str, Any] = {
    "renewed": word("renewed in the meantime"),
    "settled": word("the order has ended in the meantime"),
    "withdrawn": word("the invitation was used or withdrawn"),
    "overtaken": word("overtaken by something later"),
    "auto_renew_off": word("auto-renew is off"),
    "no_card": word("no card is kept"),
    "card_valid": word("the card lasts beyond the charge"),
    "mail server": word("the mail server did not take it"),
}

HOUR, DAY = 3600, 86400


@register.filter
def age(since: datetime | date | None, now: datetime | date | None) -> str:
    """3 days, 5 hours: how long it has waited.

    >>> from datetime import UTC
    >>> age(datetime(2019, 6, 20, 4, tzinfo=UTC), datetime(2019, 6, 23, 9, tzinfo=UTC))
    '3 days'
    >>> age(date(2019, 6, 22), date(2019, 6, 23))
    '1 day'
    """
    if since is None or now is None:
        return ""
    seconds = max(0, int((now - since).total_seconds()))
    if seconds >= DAY:
        return ngettext("%(n)d day", "%(n)d days", seconds // DAY) % {"n": seconds // DAY}
    if not isinstance(since, datetime):
        return _("less than a day")
    if seconds >= HOUR:
        return ngettext("%(n)d hour", "%(n)d hours", seconds // HOUR) % {"n": seconds // HOUR}
    if seconds >= 60:
        return ngettext("%(n)d minute", "%(n)d minutes", seconds // 60) % {"n": seconds // 60}
    return _("less than a minute")


@register.filter
def month(first: date) -> str:
    """July 2019, 2019年7月.

    >>> month(date(2019, 7, 1))
    'July 2019'
    """
    return f"{first.year}年{first.month}月" if language() == ZH else f"{MONTHS[first.month - 1]} {first.year}"


@register.simple_tag
def copyable(value: str) -> str:
    """An identifier that one click selects whole."""
    return format_html('<span class="code copy">{}</span>', value)


@register.simple_tag
def letter_reason(reason: str) -> str:
    """A noted reason in words; one that is new here is shown as it stands."""
    return str(REASONS.get(reason, reason))
