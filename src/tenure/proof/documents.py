"""Invoices recomputed: numbers without a gap, in order, in their year; bytes and names that never changed.

Read next: ``billing/actions.py``, which issues them.
"""

from collections.abc import Iterator

from tenure.kernel.periods import day_of
from tenure.proof.book import Book, stream
from tenure.proof.invariants import Violation, broken, invariant
from tenure.proof.structured import structured


@invariant(
    "I-19",
    "The numbers of a series run from 1 to the last without a gap or a double; no counter is behind what it gave.",
    tables="billing_invoice billing_series plumbing_counter",
    guards="invoice_number_once series_once_per_year",
)
def gapless(book: Book) -> Iterator[Violation]:
    yield from broken(
        """SELECT 'series:' || s.id AS object, s.kind, s.year, s.last, count(i.id) AS numbers,
                  count(DISTINCT i.running) AS different, min(i.running) AS first, max(i.running) AS highest
           FROM billing_series s LEFT JOIN billing_invoice i ON i.series_id = s.id GROUP BY s.id
           HAVING count(i.id) <> s.last OR count(DISTINCT i.running) <> s.last
               OR coalesce(max(i.running), 0) <> s.last OR coalesce(min(i.running), 1) <> 1"""
    )
    yield from broken(
        """SELECT 'invoice:' || i.id AS object, i.number, i.running, s.year
           FROM billing_invoice i JOIN billing_series s ON s.id = i.series_id
           WHERE i.kind <> s.kind OR i.number !~ ('^.+-' || s.year || '-0*' || i.running || '$')"""
    )
    yield from broken(
        """WITH given AS (
             SELECT 'order:' || split_part(number, '-', 2) AS name, max(split_part(number, '-', 3)::bigint) AS highest
             FROM purchases_order GROUP BY 1
             UNION ALL
             SELECT 'request:' || split_part(number, '-', 2), max(split_part(number, '-', 3)::bigint)
             FROM support_request GROUP BY 1)
           SELECT 'counter:' || g.name AS object, c.last, g.highest
           FROM given g LEFT JOIN plumbing_counter c ON c.name = g.name WHERE c.last IS NULL OR c.last < g.highest"""
    )


@invariant(
    "I-20", "Within a series a later number never carries an earlier instant.", tables="billing_invoice billing_series"
)
def in_order(book: Book) -> Iterator[Violation]:
    yield from broken(
        """SELECT 'invoice:' || id AS object, number, issued_at, earlier FROM (
             SELECT id, number, issued_at, issued_on,
                    lag(issued_at) OVER w AS earlier, lag(issued_on) OVER w AS earlier_on
             FROM billing_invoice WINDOW w AS (PARTITION BY series_id ORDER BY running)) i
           WHERE issued_at < earlier OR issued_on < earlier_on"""
    )
    yield from broken(
        """SELECT 'series:' || s.id AS object, s.last_issued_at, max(i.issued_at) AS newest
           FROM billing_series s JOIN billing_invoice i ON i.series_id = s.id
           GROUP BY s.id HAVING max(i.issued_at) IS DISTINCT FROM s.last_issued_at"""
    )


@invariant(
    "I-21",
    "Stored bytes never change: their SHA-256 is the one taken when they were stored.",
    tables="plumbing_storedfile billing_invoicepdf",
    guards="billing_invoicepdf_append_only",
)
def bytes_unchanged(book: Book) -> Iterator[Violation]:
    yield from broken(
        """SELECT 'file:' || f.id AS object, i.number, f.sha256 AS stored, encode(sha256(f.content), 'hex') AS found
           FROM plumbing_storedfile f LEFT JOIN billing_invoicepdf d ON f.id IN (d.file_id, d.xml_id)
           LEFT JOIN billing_invoice i ON i.id = d.invoice_id
           WHERE f.sha256 <> encode(sha256(f.content), 'hex')"""
    )


@invariant(
    "I-22",
    "Each payment that bought something has one invoice over its amount and what was withheld; each refund one credit "
    "note naming it.",
    tables="payments_payment payments_refund payments_dispute billing_invoice purchases_order billing_withholding",
    guards="invoice_once_per_payment billing_invoice_append_only billing_invoiceline_append_only",
)
def documented(book: Book) -> Iterator[Violation]:
    yield from broken(
        """SELECT 'payment:' || p.id AS object, count(i.id) AS invoices, p.amount_minor AS amount,
                  sum(i.total_minor)::bigint AS invoiced
           FROM payments_payment p LEFT JOIN billing_invoice i ON i.payment_id = p.id AND i.kind = 'invoice'
           WHERE NOT EXISTS (SELECT FROM payments_refund r WHERE r.payment_id = p.id AND r.kind = 'late_capture')
           GROUP BY p.id
           HAVING count(i.id) <> 1 OR bool_or(i.currency <> p.currency)
               OR sum(i.total_minor) <> p.amount_minor + coalesce((
                 SELECT w.amount_minor FROM billing_withholding w WHERE w.counts_for_id = p.order_id), 0)"""
    )
    yield from broken(
        """SELECT 'refund:' || r.id AS object, count(n.id) AS credit_notes, r.amount_minor AS amount,
                  sum(n.total_minor)::bigint AS credited
           FROM payments_refund r JOIN payments_payment p ON p.id = r.payment_id
           LEFT JOIN billing_withholding w ON w.counts_for_id = p.order_id AND r.kind = 'full'
           LEFT JOIN billing_invoice n ON n.refund_id = r.id AND n.kind = 'credit_note'
           LEFT JOIN billing_invoice i ON i.id = n.amends_id AND i.kind = 'invoice' AND i.payment_id = r.payment_id
           WHERE r.status = 'succeeded' AND r.kind <> 'late_capture'
           GROUP BY r.id HAVING count(n.id) <> 1 OR count(i.id) <> 1
             OR sum(n.total_minor) <> -r.amount_minor - coalesce(min(w.amount_minor), 0)"""
    )
    yield from broken(
        """SELECT 'invoice:' || id AS object, kind, number, total_minor AS total FROM billing_invoice
           WHERE (kind = 'credit_note') <> (refund_id IS NOT NULL OR amends_id IS NOT NULL AND EXISTS (
                    SELECT FROM payments_dispute d
                    WHERE d.payment_id = billing_invoice.payment_id AND d.status = 'lost'))
              OR (kind = 'credit_note') <> (amends_id IS NOT NULL)
              OR (kind = 'credit_note' AND total_minor > 0) OR (kind = 'invoice' AND total_minor < 0)"""
    )


@invariant(
    "I-23",
    "A document's day is the issuer's day of its instant, and its series is that day's year.",
    tables="billing_invoice billing_series",
)
def in_their_year(book: Book) -> Iterator[Violation]:
    rows = stream(
        """SELECT i.id, i.number, i.issued_at, i.issued_on, s.year, v.n FROM billing_invoice i
           JOIN billing_series s ON s.id = i.series_id JOIN purchases_order o ON o.id = i.order_id
           JOIN programme_version v ON v.id = o.programme_id"""
    )
    for row in rows:
        day = day_of(row["issued_at"], book.programmes[row["n"]].zone)
        if (row["issued_on"], row["year"]) != (day, day.year):
            facts = {"number": row["number"], "issued_on": row["issued_on"], "year": row["year"], "day": day}
            yield Violation(f"invoice:{row['id']}", facts)


@invariant(
    "I-24",
    "What stands on a document is what was frozen: the buyer as with the order, the amounts as in its row, "
    "in the page and in the structured invoice that it carries.",
    tables="billing_invoice purchases_order billing_invoicepdf plumbing_storedfile",
)
def frozen(book: Book) -> Iterator[Violation]:
    yield from broken(
        """SELECT 'invoice:' || i.id AS object, i.number FROM billing_invoice i
           JOIN purchases_order o ON o.id = i.order_id
           WHERE i.view->'buyer' IS DISTINCT FROM o.bill_to OR i.view->>'number' IS DISTINCT FROM i.number
              OR (i.view->'net'->>'minor')::bigint IS DISTINCT FROM i.net_minor
              OR (i.view->'tax'->>'minor')::bigint IS DISTINCT FROM i.tax_minor
              OR (i.view->'total'->>'minor')::bigint IS DISTINCT FROM i.total_minor
              OR i.view->>'currency' IS DISTINCT FROM i.currency OR i.view->>'language' IS DISTINCT FROM i.language
              OR (i.view->>'issued_on')::date IS DISTINCT FROM i.issued_on"""
    )
    yield from structured()
