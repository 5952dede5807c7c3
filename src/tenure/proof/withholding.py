"""Withheld tax recomputed: within its country's share, with money the total to the cent, and back with its sale.

Read next: ``proof/money.py``, whose promise about an order's amount it completes; ``billing/withholding.py``.
"""

from collections.abc import Iterator

from tenure.kernel.money import Money
from tenure.proof.book import Book, stream
from tenure.proof.invariants import Violation, broken

CLAIMED = """
SELECT w.id, w.amount_minor AS withheld, w.currency, o.net_minor AS net, o.currency AS order_currency,
       o.bill_to->>'country' AS country, v.n
FROM billing_withholding w JOIN purchases_order o ON o.id = coalesce(w.counts_for_id, w.order_id)
JOIN programme_version v ON v.id = o.programme_id
WHERE w.status <> 'refused'
"""

SETTLED = """
SELECT 'withholding:' || w.id AS object, w.settled_at, w.returned_at, o.paid_at, o.refunded_at
FROM billing_withholding w LEFT JOIN purchases_order o ON o.id = w.counts_for_id
WHERE (w.settled_at IS NOT NULL) <> (o.paid_at IS NOT NULL)
   OR (w.returned_at IS NOT NULL) <> (o.refunded_at IS NOT NULL)
   OR o.closed_at IS NOT NULL
"""


def withheld(book: Book) -> Iterator[Violation]:
    """Nobody withheld more than the country's share, and what is settled stands with an order that is paid."""
    for row in stream(CLAIMED):
        share = book.programmes[row["n"]].withholding.get(row["country"], 0)
        most = Money(row["net"], row["currency"]).share(share).minor
        if row["withheld"] > most or row["currency"] != row["order_currency"]:
            yield Violation(f"withholding:{row['id']}", {"withheld": row["withheld"], "most": most})
    yield from broken(SETTLED)
