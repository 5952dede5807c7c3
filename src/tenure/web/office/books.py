"""The books: what stands on each account, which month may be closed, and the gateway's list beside them.

It must never add up by itself: ``billing`` and ``reports`` do, and only the verbs close or compare. Read next:
``billing/closing.py``, ``billing/reconciling.py``, ``reports/documents.py``.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as word

from tenure.billing.closing import close_month, next_to_close
from tenure.billing.ledger import last_day, month_of
from tenure.billing.queries import Difference, closed_months, differences, gateways, reconciliation, trial_balance
from tenure.billing.reconciling import reconcile
from tenure.kernel.money import Money
from tenure.kernel.refusals import Refusal
from tenure.payments.gateways.base import Rejected, Unknown
from tenure.people.queries import names
from tenure.purchases.queries import order_by_id
from tenure.reports.documents import FORMATS, written
from tenure.reports.queries import aged
from tenure.web.office.rights import rights
from tenure.web.shared.files import to_be_saved
from tenure.web.shared.messages import say, words_of
from tenure.web.shared.pace import paced
from tenure.web.shared.pages import office
from tenure.web.shared.templatetags.desk import month as month_words

SHOWN = 50

ACCOUNTS: dict[str, Any] = {
    "receivable": word("Receivable"),
    "gateway_clearing": word("Card gateway, clearing"),
    "in_transit": word("Payouts on their way"),
    "bank": word("Bank"),
    "withholding": word("Withholding tax certified"),
    "held": word("Held for partners"),
    "suspense": word("Transfers nobody is known for"),
    "deferred_revenue": word("Deferred revenue"),
    "revenue": word("Revenue"),
    "tax": word("Tax collected"),
    "refunds": word("Revenue given back"),
    "fees": word("Gateway fees"),
    "disputes": word("Disputed payments"),
    "rounding": word("Small differences"),
}

MOVED: dict[str, Any] = {
    "charge": word("charge"),
    "refund": word("refund"),
    "dispute": word("dispute"),
    "dispute_reversal": word("dispute given back"),
}


@office("billing.books")
def books(request: HttpRequest) -> HttpResponse:
    """Balances on a day, months, open transfer orders by age, and the last look at each gateway's list."""
    on = _day(request.GET.get("on", ""), request.today)
    month = next_to_close(request.today)
    waiting = differences(month) if month else []
    closed = closed_months()
    people = names({row.closed_by for row in closed})
    given = {
        "on": on,
        "balances": _balances(trial_balance(on)),
        "month": month,
        "waiting": [_difference(item) for item in waiting[:SHOWN]],
        "closed": [(row, people.get(row.closed_by, "Tenure")) for row in closed],
        "aged": _ages(aged(request.today)),
        "looks": [(name, row, _look(row) if row else []) for name in gateways() for row in [reconciliation(name)]],
        "first": month_of(request.today),
        "formats": [("csv", "CSV"), ("json", "JSON")],
        "rights": rights(request, close="billing.close_month", reconcile="billing.reconcile"),
    }
    return render(request, "office/books.html", given)


@office("billing.books")
def close(request: HttpRequest, month: str) -> HttpResponse:
    """Close a month for good, after a page that says what that means."""
    first = _day(f"{month}-01", None)
    if first is None or (request.method != "POST" and first != next_to_close(request.today)):
        return redirect("office:books")
    if request.method == "POST":
        try:
            row = close_month(request.actor, None, month=first, now=request.now)
        except Refusal as refusal:
            messages.error(request, words_of(refusal))
            return redirect("office:books")
        messages.success(request, _("%(month)s is closed.") % {"month": month_words(row.month)})
        return redirect("office:books")
    given = {"month": first, "ends": last_day(first), "nav": "office:books"}
    return render(request, "office/close_month.html", given | {"rights": rights(request, close="billing.close_month")})


@office("billing.books")
def compare(request: HttpRequest) -> HttpResponse:
    """Look at the gateways' lists now."""
    if request.method == "POST":
        try:
            found = reconcile(request.actor, None, now=request.now)
        except (Unknown, Rejected):
            messages.error(request, _("The gateway does not answer. Nothing has been changed; try again later."))
            return redirect("office:books")
        if any(row.orphans or row.unexplained for row in found):
            messages.warning(request, _("The gateway's list and the books differ. The differences are listed below."))
        else:
            messages.success(request, _("The gateway's list and the books agree."))
    return redirect("office:books")


@office("billing.books")
@paced("export")
def journal(request: HttpRequest) -> StreamingHttpResponse:
    """The journal of a span of days as a file."""
    first = _day(request.GET.get("from", ""), month_of(request.today))
    last = max(first, _day(request.GET.get("to", ""), request.today))
    form = request.GET.get("format", "csv")
    form = form if form in FORMATS else "csv"
    answer = StreamingHttpResponse(written(form, first, last), content_type=FORMATS[form])
    return to_be_saved(answer, f"journal-{first}-{last}.{form}")


def _day(text: str, otherwise: Any) -> Any:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return otherwise


def _balances(rows: Iterable[tuple[str, str, int]]) -> list[dict[str, Any]]:
    """One table for each currency: account, debit, credit, and the two sums, which are the same."""
    tables: dict[str, dict[str, Any]] = {}
    for account, currency, minor in rows:
        table = tables.setdefault(currency, {"currency": currency, "rows": [], "debit": 0, "credit": 0})
        amount = Money(abs(minor), currency)
        table["rows"].append((ACCOUNTS[account], amount if minor > 0 else None, amount if minor < 0 else None))
        table["debit" if minor > 0 else "credit"] += abs(minor)
    for table in tables.values():
        table.update({side: Money(table[side], table["currency"]) for side in ("debit", "credit")})
    return list(tables.values())


def _ages(rows: list[Any]) -> list[tuple[str, str, int, Money]]:
    def words(row: Any) -> str:
        if row.last is None:
            return _("more than %(days)s days") % {"days": row.first - 1}
        return _("%(first)s to %(last)s days") % {"first": row.first, "last": row.last}

    return [(row.currency, words(row), row.orders, row.owed) for row in rows]


def _difference(item: Difference) -> str:
    facts = dict(item.facts)
    if facts.get("order"):
        facts["number"] = order_by_id(facts["order"]).number
    if "kind" in facts:
        facts["kind"] = str(MOVED[facts["kind"]])
    return say(item.code, facts)


def _look(row: Any) -> list[dict[str, Any]]:
    """A look's balances beside each other."""
    return [
        {
            "books": Money(both["books"], currency),
            "gateway": Money(both["gateway"], currency),
            "unexplained": Money(row.unexplained.get(currency, 0), currency),
        }
        for currency, both in row.balances.items()
    ]
