"""What was asked and given back, recomputed: taxes, prices, refunds and who agreed to them.

Read next: ``offers/rules.py`` for the price of a day, ``proof/charging.py`` for the card.
"""

from collections.abc import Iterator
from typing import Any

from tenure.kernel.money import Money
from tenure.kernel.refusals import Refusal
from tenure.offers.rules import price_on, tax_on
from tenure.partners.rules import tax_id_is_sound
from tenure.proof.book import Book, stream
from tenure.proof.invariants import Violation, broken, invariant
from tenure.proof.withholding import withheld


def half_even(net: int, rate_bp: int) -> int:
    """Net times a rate in hundredths of a percent, half to even; worked out apart from ``Money.share`` on purpose.

    >>> [half_even(net, 500) for net in (10, 30, 50, -30, 15000)]
    [0, 2, 2, -2, 750]
    """
    whole, rest = divmod(net * rate_bp, 10_000)
    return whole + (rest > 5_000 or (rest == 5_000 and whole % 2 == 1))


@invariant(
    "I-7",
    "What went back of a payment, refunded or lost in a dispute, is never more than was captured.",
    tables="payments_payment payments_refund payments_dispute",
    guards="payments_refunds_within payments_disputes_wait refund_once_per_kind",
)
def refunds(book: Book) -> Iterator[Violation]:
    yield from broken(
        """SELECT 'payment:' || p.id AS object, p.amount_minor AS captured, sum(r.amount_minor)::bigint AS refunded,
                  p.currency, min(r.currency) AS refund_currency
           FROM payments_payment p JOIN payments_refund r ON r.payment_id = p.id AND r.status <> 'refused'
           GROUP BY p.id HAVING sum(r.amount_minor) > p.amount_minor OR bool_or(r.currency <> p.currency)"""
    )
    yield from broken(
        """SELECT 'payment:' || p.id AS object, p.amount_minor AS captured, sum(d.amount_minor)::bigint AS lost,
                  (SELECT coalesce(sum(r.amount_minor), 0) FROM payments_refund r
                   WHERE r.payment_id = p.id AND r.status <> 'refused')::bigint AS refunded
           FROM payments_payment p JOIN payments_dispute d ON d.payment_id = p.id AND d.status = 'lost'
           GROUP BY p.id HAVING sum(d.amount_minor) + (SELECT coalesce(sum(r.amount_minor), 0) FROM payments_refund r
                                WHERE r.payment_id = p.id AND r.status <> 'refused') > p.amount_minor"""
    )


@invariant(
    "I-9",
    "A line's tax is its net times its rate, rounded half to even; sums are the sums of their lines.",
    tables="billing_invoice billing_invoiceline purchases_order",
    guards="invoice_sums order_sums",
)
def taxes(book: Book) -> Iterator[Violation]:
    for row in stream("SELECT * FROM billing_invoiceline"):
        tax = half_even(row["net_minor"], row["tax_rate_bp"])
        if row["tax_minor"] != tax or row["total_minor"] != row["net_minor"] + tax:
            yield Violation(f"invoice_line:{row['id']}", {"tax": row["tax_minor"], "recomputed": tax})
    yield from broken(
        """SELECT 'invoice:' || i.id AS object, i.net_minor AS net, i.tax_minor AS tax, i.total_minor AS total,
                  sum(l.net_minor)::bigint AS lines_net, sum(l.tax_minor)::bigint AS lines_tax
           FROM billing_invoice i LEFT JOIN billing_invoiceline l ON l.invoice_id = i.id
           GROUP BY i.id
           HAVING i.net_minor IS DISTINCT FROM sum(l.net_minor) OR i.tax_minor IS DISTINCT FROM sum(l.tax_minor)
               OR i.total_minor <> i.net_minor + i.tax_minor"""
    )
    for row in stream("SELECT id, net_minor, tax_minor, total_minor, tax_rate_bp FROM purchases_order"):
        tax = half_even(row["net_minor"], row["tax_rate_bp"])
        if row["tax_minor"] != tax or row["total_minor"] != row["net_minor"] + tax:
            yield Violation(f"order:{row['id']}", {"tax": row["tax_minor"], "recomputed": tax})


PRICED = """
SELECT o.id, v.n, o.offer, o.price, o.currency, o.net_minor AS net, o.tax_rate_bp, o.tax_category, o.placed_on,
       o.bill_to->>'country' AS country, o.bill_to->>'tax_id' AS tax_id
FROM purchases_order o JOIN programme_version v ON v.id = o.programme_id
"""

ASKED = """
SELECT 'attempt:' || a.id AS object, a.amount_minor AS asked, o.total_minor AS total, a.currency
FROM payments_attempt a JOIN purchases_order o ON o.id = a.order_id
WHERE (a.amount_minor, a.currency) <> (o.total_minor, o.currency)
UNION ALL
SELECT 'payment:' || p.id, (p.amount_minor + coalesce(w.amount_minor, 0))::bigint, o.total_minor, p.currency
FROM payments_payment p JOIN purchases_order o ON o.id = p.order_id
LEFT JOIN billing_withholding w ON w.counts_for_id = o.id
WHERE p.amount_minor + coalesce(w.amount_minor, 0) <> o.total_minor OR p.currency <> o.currency
"""


@invariant(
    "I-10",
    "An order asks the list price valid on its day in its country, and the charge asks the order's total: what was "
    "paid and what was withheld, within the country's share, make it to the cent.",
    tables="purchases_order programme_version payments_attempt payments_payment billing_withholding",
)
def prices(book: Book) -> Iterator[Violation]:
    for row in stream(PRICED):
        found = _mispriced(book, row)
        if found:
            yield Violation(f"order:{row['id']}", found)
    yield from broken(ASKED)
    yield from withheld(book)


def _mispriced(book: Book, row: dict[str, Any]) -> dict[str, Any]:
    programme = book.programmes[row["n"]]
    try:
        listed = price_on(programme, programme.offer(row["offer"]), row["country"], row["placed_on"])
    except (Refusal, StopIteration):
        return {"price": row["price"], "listed": None}
    if listed.id != row["price"] or listed.net != Money(row["net"], row["currency"]):
        return {"price": row["price"], "net": row["net"], "listed": listed.id, "listed_net": listed.net.minor}
    registered = bool(row["tax_id"]) and tax_id_is_sound(row["country"], row["tax_id"])
    tax = tax_on(programme, row["country"], vat_registered=registered)
    exempt = row["tax_category"] == "E" and row["tax_rate_bp"] == 0
    if not exempt and (row["tax_rate_bp"], row["tax_category"]) != (tax.rate_bp, tax.category):
        return {"rate_bp": row["tax_rate_bp"], "category": row["tax_category"], "listed_rate_bp": tax.rate_bp}
    return {}


AGREED = """
SELECT r.id, r.kind, r.amount_minor AS amount, r.currency, r.requested_by, v.n, t.policy,
       coalesce(array_agg(DISTINCT a.by) FILTER (WHERE a.by IS NOT NULL), '{}') AS by,
       min(a.limit_minor) AS limit
FROM payments_refund r JOIN payments_payment p ON p.id = r.payment_id
JOIN memberships_term t ON t.order_id = p.order_id JOIN programme_version v ON v.id = t.programme_id
LEFT JOIN payments_refundapproval a ON a.refund_id = r.id
WHERE r.kind <> 'late_capture' AND r.status <> 'refused'
GROUP BY r.id, v.n, t.policy
"""


@invariant(
    "I-48",
    "A refund above the limit was agreed by two people, and nobody agreed to what they asked for themselves.",
    tables="payments_refund payments_refundapproval support_request purchases_approval enrolment_recovery",
    guards="refund_approval_once_per_person approval_by_another",
)
def agreed(book: Book) -> Iterator[Violation]:
    for row in stream(AGREED):
        policy = book.policy(row["n"], row["policy"])
        limit = policy.refund_limit.get(row["currency"], 0) if row["limit"] is None else row["limit"]
        # The tax of an exempted partner goes back by rule, in the hands of one, up to the limit.
        needed = 2 if row["amount"] > limit else 1 if row["kind"] == "full" else 0
        others = [by for by in row["by"] if by != row["requested_by"]]
        if len(others) < needed or len(others) < len(row["by"]):
            facts = {"amount": row["amount"], "limit": limit, "needed": needed, "by": row["by"]}
            yield Violation(f"refund:{row['id']}", facts | {"asked_by": row["requested_by"]})
    yield from broken(
        """SELECT 'approval:' || id AS object, asked_by, decided_by FROM purchases_approval WHERE decided_by = asked_by
           UNION ALL
           SELECT 'recovery:' || id, started_by, agreed_by FROM enrolment_recovery
           WHERE agreed_by = started_by OR (done_at IS NOT NULL AND (agreed_at IS NULL OR stopped_at IS NOT NULL))"""
    )
