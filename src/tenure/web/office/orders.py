"""One order as the desk reads it: its lines, every attempt to charge, every transfer, its papers, its timeline.

It must never change an order. Read next: ``purchases/queries.py``.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tenure.billing.queries import of_orders, withholding_of
from tenure.kernel.access import may
from tenure.kernel.money import Money
from tenure.memberships.queries import term_of_order
from tenure.payments.queries import allocations_of, refunds_of, told
from tenure.payments.rules import spaced
from tenure.people.queries import names
from tenure.plumbing.queries import happened
from tenure.purchases.queries import order as order_by_number
from tenure.purchases.queries import proofs, view
from tenure.web.shared.happened import entries
from tenure.web.shared.messages import DECLINES
from tenure.web.shared.pages import found, office


@office("orders.view")
def order(request: HttpRequest, number: str) -> HttpResponse:
    """One order with all that was tried and all that came of it."""
    row = found(order_by_number(number))
    attempts = told(row.pk)
    received = allocations_of(row.pk)
    events = happened(f"order:{row.pk}", *(f"attempt:{attempt.pk}" for attempt in attempts))
    given = {
        "order": row,
        "view": view(row, request.today),
        "offer": next((o.name for o in request.programme.offers if o.code == row.offer), row.offer),
        "reference": spaced(row.reference),
        "attempts": [(attempt, DECLINES.get(attempt.decline_code, attempt.decline_code)) for attempt in attempts],
        "received": [(part, Money(part.amount_minor, part.currency)) for part in received],
        "refunds": refunds_of(row.pk),
        "proofs": proofs(row),
        "withholding": withholding_of(row.pk),
        "papers": of_orders([row.pk]) if may(request.actor, "billing.view") else [],
        "term": term_of_order(row.pk),
        "placed_by": names({row.placed_by}).get(
            row.placed_by, "Tenure" if row.placed_by == "system" else row.placed_by
        ),
        "sees_files": may(request.actor, "payments.view"),
        "happened": entries(events),
        "nav": "office:partners",
    }
    return render(request, "office/order.html", given)
