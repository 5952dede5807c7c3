"""Today's work: what is at stake, what is to come, and what needs a person, the longest waiting first.

It must never count or add by itself; ``reports`` does. Read next: ``reports/queries.py``.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tenure.kernel.access import may
from tenure.kernel.money import Money
from tenure.kernel.periods import MONTHS
from tenure.renewals.queries import runs
from tenure.reports.queries import Desk, Month, Outlook, Waiting, desk, outlook
from tenure.web.office.task_words import task_words
from tenure.web.shared.language import ZH, language
from tenure.web.shared.pages import office
from tenure.web.shared.templatetags.desk import age
from tenure.web.shared.templatetags.desk import month as said

TOP, BASE = 22, 146
BAR_SHARE = 0.68


@office("office.view")
def today(request: HttpRequest) -> HttpResponse:
    """The first page of the back office."""
    now, waiting = outlook(request.programme, request.today), desk(request.today)
    given = {
        "figures": _figures(request, now, waiting),
        "waiting": [_row(request, item) for item in waiting.waiting],
        "more": waiting.total - len(waiting.waiting),
        "total": waiting.total,
        "bars": _bars(now.months),
        "months": [(said(month.first), month) for month in now.months],
        "renewals": sum(month.count for month in now.months),
        "run": runs().first(),
    }
    return render(request, "office/today.html", given)


def _figures(request: HttpRequest, now: Outlook, waiting: Desk) -> list[dict[str, Any]]:
    """The figures on top, each leading to its list for those who may see it."""
    counts = waiting.counts

    def queue(label: str, kind: str, route: str, permission: str) -> dict[str, Any]:
        return {
            "label": label,
            "value": f"{counts[kind]:,}",
            "hint": _oldest(waiting.oldest.get(kind), request.now),
            "href": reverse(route) if may(request.actor, permission) else "",
        }

    seen = may(request.actor, "memberships.view")
    return [
        {
            "label": _("In the renewal window now"),
            "value": f"{now.in_window:,}",
            "hint": _("%(amounts)s at stake") % {"amounts": _amounts(now.at_stake)} if now.at_stake else "",
            "href": reverse("office:subscriptions") + "?status=renewal_window" if seen else "",
        },
        {
            "label": _("Annual recurring revenue"),
            "value": str(now.recurring[0]) if now.recurring else "0",
            "hint": _recurring(now),
            "href": "",
        },
        queue(_("Transfers awaiting a match"), "transfer", "office:transfers", "payments.view"),
        queue(_("Requests waiting"), "request", "office:support", "support.view"),
        queue(_("Verifications waiting"), "check", "office:verifications", "enrolment.decide"),
    ]


def _recurring(now: Outlook) -> str:
    live = ngettext("%(n)s live subscription", "%(n)s live subscriptions", now.live) % {"n": f"{now.live:,}"}
    rest = _amounts(now.recurring[1:])
    return (_("and %(amounts)s; %(live)s") % {"amounts": rest, "live": live}) if rest else live


def _amounts(sums: list[Money]) -> str:
    return " + ".join(map(str, sums))


def _oldest(since: datetime | None, now: datetime) -> str:
    return _("oldest %(age)s") % {"age": age(since, now)} if since else _("nothing waits")


@dataclass(frozen=True, slots=True)
class Bar:
    """One month of the chart: places across in percent, heights in pixels, so that type keeps its size."""

    x: str
    width: str
    middle: str
    automatic: int
    by_hand: int
    label: str
    count: int

    @property
    def automatic_y(self) -> int:
        return BASE - self.automatic

    @property
    def by_hand_y(self) -> int:
        return self.automatic_y - self.by_hand

    @property
    def count_y(self) -> int:
        return self.by_hand_y - 5


def _bars(months: list[Month]) -> list[Bar]:
    most = max((month.count for month in months), default=0) or 1
    step = 100 / len(months)
    return [
        Bar(
            x=f"{(at + (1 - BAR_SHARE) / 2) * step:.3f}%",
            width=f"{BAR_SHARE * step:.3f}%",
            middle=f"{(at + 0.5) * step:.3f}%",
            automatic=round((BASE - TOP) * month.automatic / most),
            by_hand=round((BASE - TOP) * month.by_hand / most),
            label=_short_month(month.first),
            count=month.count,
        )
        for at, month in enumerate(months)
    ]


def _short_month(month: date) -> str:
    """Jul, 7月."""
    if language() == ZH:
        return f"{month.month}月"
    return MONTHS[month.month - 1][:3]


# One way to say each kind of thing that waits: the status whose word marks it, its sentence, where it is settled
# and the permission that takes.


@dataclass(frozen=True, slots=True)
class Row:
    """One line of "Needs a person"."""

    chip: str
    words: str
    partner_id: int | None
    partner: str
    since: datetime
    act: str
    href: str


def _row(request: HttpRequest, item: Waiting) -> Row:
    chip, words, act, href, permission = SAID[item.kind](item)
    open_to = may(request.actor, permission)
    return Row(chip, words, item.partner_id, item.partner, item.since, act if open_to else "", href if open_to else "")


def _check(item: Waiting) -> tuple[str, str, str, str, str]:
    words = _("Appeal against the rejection") if item.facts["appeal"] else _("Verification to decide")
    return item.facts["check"], words, _("Decide"), reverse("office:verification", args=[item.key]), "enrolment.decide"


def _transfer(item: Waiting) -> tuple[str, str, str, str, str]:
    facts = item.facts
    words = _("%(amount)s received from %(payer)s") % {
        "amount": facts["amount"],
        "payer": facts["payer"] or _("an unnamed payer"),
    }
    return "unmatched", words, _("Match"), reverse("office:transfer", args=[item.key]), "payments.view"


def _short(item: Waiting) -> tuple[str, str, str, str, str]:
    words = _("Order %(number)s: %(received)s received, %(missing)s missing") % item.facts
    return "short_paid", words, _("See order"), reverse("office:order", args=[item.key]), "orders.view"


def _proof(item: Waiting) -> tuple[str, str, str, str, str]:
    words = _("Order %(number)s: proof of %(amount)s uploaded") % item.facts
    return "proof.uploaded", words, _("See order"), reverse("office:order", args=[item.key]), "orders.view"


def _withholding(item: Waiting) -> tuple[str, str, str, str, str]:
    words = _("%(amount)s withheld, certificate %(certificate)s") % item.facts
    return "withheld", words, _("Decide"), reverse("office:withheld", args=[item.key]), "payments.view"


def _exemption(item: Waiting) -> tuple[str, str, str, str, str]:
    words = _("Application for tax exemption, certificate %(certificate)s") % item.facts
    return "exemption", words, _("Decide"), reverse("office:exemption", args=[item.key]), "payments.view"


def _request(item: Waiting) -> tuple[str, str, str, str, str]:
    facts = item.facts
    words = _("%(name)s: %(value)s") % {"name": facts["number"], "value": facts["subject"]}
    act = _("Decide") if facts["action"] in ("cancel", "refund") else _("Answer")
    return facts["action"] or "open", words, act, reverse("office:request", args=[item.key]), "support.view"


def _task(item: Waiting) -> tuple[str, str, str, str, str]:
    facts = item.facts
    words = task_words(facts["task"], facts["object"], facts["reason"])
    return "parked", words, _("Look into it"), reverse("office:parked"), "parked.retry"


SAID = {
    "check": _check,
    "transfer": _transfer,
    "short": _short,
    "proof": _proof,
    "withholding": _withholding,
    "exemption": _exemption,
    "request": _request,
    "task": _task,
}
