"""The books recomputed: transactions that balance, postings nobody touched, and what each cause must have posted.

Read next: ``billing/ledger.py``, which says what is written, and ``proof/money.py``.
"""

from collections.abc import Iterator

from tenure.billing.ledger import Account
from tenure.billing.queries import balances
from tenure.kernel.money import EXPONENTS, LIMIT_MINOR
from tenure.proof import seals
from tenure.proof.book import Book, stream
from tenure.proof.invariants import Violation, broken, invariant

LEDGER = "billing_ledgertransaction billing_posting"


@invariant(
    "I-1",
    "Every posted transaction has at least two entries, and they sum to zero per currency.",
    tables=LEDGER,
    guards="billing_postings_balance",
)
def balanced(book: Book) -> Iterator[Violation]:
    yield from broken(
        """SELECT 'transaction:' || transaction_id AS object, currency, sum(amount_minor)::bigint AS sum
           FROM billing_posting GROUP BY transaction_id, currency HAVING sum(amount_minor) <> 0"""
    )
    yield from broken(
        """SELECT 'transaction:' || t.id AS object, count(p.id) AS entries
           FROM billing_ledgertransaction t LEFT JOIN billing_posting p ON p.transaction_id = t.id
           GROUP BY t.id HAVING count(p.id) < 2"""
    )


@invariant(
    "I-2",
    "Posted entries never change or vanish: the hash chain recomputed from the first row meets every seal.",
    tables=LEDGER + " plumbing_seal",
    guards="billing_posting_append_only billing_ledgertransaction_append_only",
)
def unchanged(book: Book) -> Iterator[Violation]:
    for n, facts in seals.broken(seals.POSTINGS):
        yield Violation(f"seal:{seals.POSTINGS}:{n}", facts)


CLOSED = """
WITH told AS (
  SELECT c.month, currency.key AS currency, account.key AS account, account.value::bigint AS amount
  FROM billing_closedmonth c, jsonb_each(c.balances) currency, jsonb_each_text(currency.value) account
), summed AS (
  SELECT c.month, p.currency, p.account, sum(p.amount_minor)::bigint AS amount
  FROM billing_closedmonth c
  JOIN billing_ledgertransaction t ON t.posted_on < c.month + interval '1 month'
  JOIN billing_posting p ON p.transaction_id = t.id GROUP BY 1, 2, 3 HAVING sum(p.amount_minor) <> 0
)
SELECT 'month:' || to_char(month, 'YYYY-MM') AS object, account, currency, t.amount AS closed_with, s.amount AS entries
FROM told t FULL JOIN summed s USING (month, currency, account) WHERE t.amount IS DISTINCT FROM s.amount
"""


@invariant(
    "I-3",
    "The trial balance is zero per currency, and each balance, a closed month's too, is the sum of its entries.",
    tables="billing_posting billing_closedmonth",
    guards="billing_month_closed billing_closedmonth_append_only",
)
def trial_balance(book: Book) -> Iterator[Violation]:
    yield from broken(
        """SELECT 'currency:' || currency AS object, sum(amount_minor)::bigint AS sum
           FROM billing_posting GROUP BY currency HAVING sum(amount_minor) <> 0"""
    )
    yield from broken(
        "SELECT 'posting:' || id AS object, account FROM billing_posting WHERE account <> ALL(%s)",
        [list(map(str, Account))],
    )
    summed: dict[tuple[str, str], int] = {}
    for row in stream("SELECT account, currency, amount_minor AS amount FROM billing_posting"):
        key = row["account"], row["currency"]
        summed[key] = summed.get(key, 0) + row["amount"]
    believed = {(account, currency): int(amount) for account, currency, amount in balances()}
    for account, currency in sorted(summed.keys() | believed.keys()):
        entries, said = summed.get((account, currency)), believed.get((account, currency))
        if entries != said:
            yield Violation(f"account:{account}:{currency}", {"entries": entries, "balance": said})
    yield from broken(CLOSED)


OWED = """
WITH posted AS (
  SELECT order_id, currency, sum(amount_minor) AS amount FROM billing_posting WHERE account = 'receivable'
  GROUP BY order_id, currency
), late AS (
  SELECT DISTINCT payment_id FROM payments_refund WHERE kind = 'late_capture'
), moved AS (
  SELECT order_id, currency, total_minor AS amount FROM billing_invoice
  UNION ALL
  SELECT order_id, currency, -amount_minor FROM payments_payment WHERE id NOT IN (SELECT payment_id FROM late)
  UNION ALL
  SELECT counts_for_id, currency, -amount_minor FROM billing_withholding
  WHERE settled_at IS NOT NULL AND returned_at IS NULL
  UNION ALL
  SELECT p.order_id, r.currency, r.amount_minor FROM payments_refund r JOIN payments_payment p ON p.id = r.payment_id
  WHERE r.status = 'succeeded' AND r.kind <> 'late_capture'
  UNION ALL
  SELECT p.order_id, d.currency, d.amount_minor FROM payments_dispute d JOIN payments_payment p ON p.id = d.payment_id
  WHERE d.status = 'lost' AND EXISTS (SELECT FROM billing_invoice n WHERE n.payment_id = p.id
                                      AND n.kind = 'credit_note' AND n.refund_id IS NULL)
), expected AS (
  SELECT order_id, currency, sum(amount) AS amount FROM moved GROUP BY order_id, currency
)
SELECT 'order:' || coalesce(coalesce(e.order_id, p.order_id)::text, 'none') AS object,
       coalesce(e.currency, p.currency) AS currency,
       coalesce(e.amount, 0)::bigint AS expected, coalesce(p.amount, 0)::bigint AS posted
FROM expected e FULL JOIN posted p ON p.order_id = e.order_id AND p.currency = e.currency
WHERE coalesce(e.amount, 0) <> coalesce(p.amount, 0) OR coalesce(p.amount, 0) <> 0
"""

HELD = """
WITH posted AS (
  SELECT t.partner_id, p.currency, sum(p.amount_minor) AS amount
  FROM billing_posting p JOIN billing_ledgertransaction t ON t.id = p.transaction_id
  WHERE p.account = 'held' GROUP BY t.partner_id, p.currency
), moved AS (
  SELECT partner_id, currency, -amount_minor AS amount FROM payments_allocation
  UNION ALL
  SELECT partner_id, currency, -amount_minor FROM billing_withholding WHERE status = 'accepted' AND settled_at IS NULL
  UNION ALL
  SELECT p.partner_id, p.currency, least(p.amount_minor, coalesce((
    SELECT sum(a.amount_minor) FROM payments_allocation a WHERE a.order_id = p.order_id), 0))
  FROM payments_payment p WHERE p.method = 'bank_transfer'
  UNION ALL
  SELECT p.partner_id, p.currency, -p.amount_minor FROM payments_payment p
  WHERE EXISTS (SELECT FROM payments_refund r WHERE r.payment_id = p.id AND r.kind = 'late_capture')
  UNION ALL
  SELECT p.partner_id, r.currency, r.amount_minor FROM payments_refund r JOIN payments_payment p ON p.id = r.payment_id
  WHERE r.status = 'succeeded' AND r.kind = 'late_capture'
), expected AS (
  SELECT partner_id, currency, sum(amount) AS amount FROM moved GROUP BY partner_id, currency
)
SELECT 'partner:' || coalesce(coalesce(e.partner_id, p.partner_id)::text, 'none') AS object,
       coalesce(e.currency, p.currency) AS currency,
       coalesce(e.amount, 0)::bigint AS expected_held, coalesce(p.amount, 0)::bigint AS posted_held
FROM expected e FULL JOIN posted p ON p.partner_id = e.partner_id AND p.currency = e.currency
WHERE coalesce(e.amount, 0) <> coalesce(p.amount, 0) OR coalesce(p.amount, 0) > 0
"""


@invariant(
    "I-4",
    "An order's receivable is invoiced less credited less received and withheld plus refunded, and zero once settled; "
    "what is held for a partner is what came in and was not used.",
    tables="billing_posting billing_invoice payments_payment payments_refund payments_dispute payments_allocation "
    "billing_withholding",
)
def receivable(book: Book) -> Iterator[Violation]:
    yield from broken(OWED)
    yield from broken(HELD)


AMOUNTS = (
    ("posting", "billing_posting", "amount_minor", False),
    ("payment", "payments_payment", "amount_minor", False),
    ("refund", "payments_refund", "amount_minor", False),
    ("dispute", "payments_dispute", "amount_minor", False),
    ("attempt", "payments_attempt", "amount_minor", False),
    ("bank_line", "payments_bankline", "amount_minor", False),
    ("allocation", "payments_allocation", "amount_minor", False),
    ("withholding", "billing_withholding", "amount_minor", False),
    ("order", "purchases_order", "total_minor", True),
    ("invoice", "billing_invoice", "total_minor", True),
)


@invariant(
    "I-6",
    "Every amount is a whole number of minor units of a known currency; no entry is zero or beyond the limit.",
    tables=" ".join(table for _, table, _, _ in AMOUNTS),
    guards="posting_amount payment_amount refund_amount attempt_amount bank_line_amount allocation_amount "
    "withholding_amount",
)
def amounts(book: Book) -> Iterator[Violation]:
    for kind, table, column, may_be_zero in AMOUNTS:
        yield from broken(
            f"""SELECT '{kind}:' || id AS object, {column} AS amount, currency FROM {table}
                WHERE currency <> ALL(%s) OR abs({column}) > %s OR ({column} = 0 AND NOT %s)""",
            [list(EXPONENTS), LIMIT_MINOR, may_be_zero],
        )


CAUSES = """
WITH late AS (
  SELECT DISTINCT payment_id FROM payments_refund WHERE kind = 'late_capture'
), told AS (
  SELECT 'invoice' AS cause_type, id AS cause_id, CASE kind WHEN 'invoice' THEN 'issued' ELSE 'credited' END AS kind,
         currency, total_minor AS amount, net_minor AS net, tax_minor AS tax
  FROM billing_invoice
), bank AS (
  SELECT p.id, p.currency, p.amount_minor - coalesce(
    (SELECT sum(a.amount_minor) FROM payments_allocation a WHERE a.order_id = p.order_id), 0) AS short
  FROM payments_payment p WHERE p.method = 'bank_transfer'
), fees AS (
  SELECT id, currency, fee_minor - CASE kind WHEN 'fee' THEN amount_minor ELSE 0 END AS fee FROM billing_gatewaymovement
), expected AS (
  SELECT cause_type, cause_id, kind, 'receivable' AS account, currency, amount FROM told
  UNION ALL SELECT cause_type, cause_id, kind, 'deferred_revenue', currency, -net FROM told
  UNION ALL SELECT cause_type, cause_id, kind, 'tax', currency, -tax FROM told
  UNION ALL
  SELECT 'payment', p.id, CASE WHEN l.payment_id IS NULL THEN 'received' ELSE 'late' END,
         CASE p.method WHEN 'card' THEN 'gateway_clearing' ELSE 'held' END, p.currency, p.amount_minor
  FROM payments_payment p LEFT JOIN late l ON l.payment_id = p.id
  UNION ALL
  SELECT 'payment', p.id, CASE WHEN l.payment_id IS NULL THEN 'received' ELSE 'late' END,
         CASE WHEN l.payment_id IS NULL THEN 'receivable' ELSE 'held' END, p.currency, -p.amount_minor
  FROM payments_payment p LEFT JOIN late l ON l.payment_id = p.id
  UNION ALL SELECT 'payment', id, 'short', 'rounding', currency, short FROM bank WHERE short > 0
  UNION ALL SELECT 'payment', id, 'short', 'held', currency, -short FROM bank WHERE short > 0
  UNION ALL
  SELECT 'refund', r.id, 'made', CASE r.kind WHEN 'late_capture' THEN 'held' ELSE 'receivable' END,
         r.currency, r.amount_minor
  FROM payments_refund r WHERE r.status = 'succeeded'
  UNION ALL
  SELECT 'refund', r.id, 'made', CASE p.method WHEN 'card' THEN 'gateway_clearing' ELSE 'bank' END,
         r.currency, -r.amount_minor
  FROM payments_refund r JOIN payments_payment p ON p.id = r.payment_id WHERE r.status = 'succeeded'
  UNION ALL SELECT 'dispute', id, 'opened', 'disputes', currency, amount_minor FROM payments_dispute
  UNION ALL SELECT 'dispute', id, 'opened', 'gateway_clearing', currency, -amount_minor FROM payments_dispute
  UNION ALL SELECT 'dispute', id, 'won', 'gateway_clearing', currency, amount_minor FROM payments_dispute
  WHERE status = 'won'
  UNION ALL SELECT 'dispute', id, status, 'disputes', currency, -amount_minor FROM payments_dispute
  WHERE closed_at IS NOT NULL
  UNION ALL SELECT 'dispute', d.id, 'lost', CASE WHEN EXISTS (SELECT FROM billing_invoice n
    WHERE n.payment_id = d.payment_id AND n.kind = 'credit_note' AND n.refund_id IS NULL) THEN 'receivable'
    ELSE 'refunds' END, d.currency, d.amount_minor FROM payments_dispute d WHERE d.status = 'lost'
  UNION ALL SELECT 'withholding', id, kind, account, currency, amount_minor * sign FROM (
    SELECT *, 'certified' AS step FROM billing_withholding WHERE status = 'accepted'
    UNION ALL SELECT *, 'settled' FROM billing_withholding WHERE settled_at IS NOT NULL
    UNION ALL SELECT *, 'returned' FROM billing_withholding WHERE returned_at IS NOT NULL
  ) w JOIN (VALUES ('certified', 'withholding', 1), ('certified', 'held', -1), ('settled', 'held', 1),
    ('settled', 'receivable', -1), ('returned', 'receivable', 1), ('returned', 'withholding', -1)
  ) entry(kind, account, sign) ON entry.kind = w.step
  UNION ALL SELECT 'bank_line', id, 'booked', 'bank', currency, amount_minor FROM payments_bankline
  UNION ALL SELECT 'bank_line', id, 'booked', 'suspense', currency, -amount_minor FROM payments_bankline
  UNION ALL SELECT 'movement', id, 'fee', 'fees', currency, fee FROM fees
  UNION ALL SELECT 'movement', id, 'fee', 'gateway_clearing', currency, -fee FROM fees
  UNION ALL SELECT 'payout', id, 'sent', 'in_transit', currency, -amount_minor
  FROM billing_gatewaymovement WHERE kind = 'payout'
  UNION ALL SELECT 'payout', id, 'sent', 'gateway_clearing', currency, amount_minor
  FROM billing_gatewaymovement WHERE kind = 'payout'
), wanted AS (
  SELECT cause_type, cause_id, kind, account, currency, sum(amount) AS amount FROM expected
  GROUP BY 1, 2, 3, 4, 5 HAVING sum(amount) <> 0
), posted AS (
  SELECT t.cause_type, t.cause_id, t.kind,
         CASE WHEN t.kind = 'credited' AND p.account = 'refunds' THEN 'deferred_revenue' ELSE p.account END AS account,
         p.currency, sum(p.amount_minor) AS amount
  FROM billing_ledgertransaction t JOIN billing_posting p ON p.transaction_id = t.id
  WHERE t.cause_type <> 'allocation' AND t.kind NOT LIKE 'recognised:%%' AND t.kind <> 'payout'
  GROUP BY 1, 2, 3, 4, 5
)
SELECT cause_type || ':' || cause_id AS object, kind, account, currency,
       w.amount::bigint AS expected, p.amount::bigint AS posted
FROM wanted w FULL JOIN posted p USING (cause_type, cause_id, kind, account, currency)
WHERE w.amount IS DISTINCT FROM p.amount
"""

MATCHED = """
WITH given AS (
  SELECT bank_line_id, currency, sum(amount_minor) AS amount FROM payments_allocation GROUP BY 1, 2
), posted AS (
  SELECT a.bank_line_id, p.account, p.currency, sum(p.amount_minor) AS amount
  FROM billing_ledgertransaction t JOIN billing_posting p ON p.transaction_id = t.id
  LEFT JOIN payments_allocation a ON a.id = t.cause_id
  WHERE t.cause_type = 'allocation' GROUP BY 1, 2, 3
), wanted AS (
  SELECT bank_line_id, 'suspense' AS account, currency, amount FROM given
  UNION ALL SELECT bank_line_id, 'held', currency, -amount FROM given
)
SELECT 'bank_line:' || coalesce(bank_line_id::text, 'none') AS object, account, currency,
       w.amount::bigint AS expected, p.amount::bigint AS posted
FROM wanted w FULL JOIN posted p USING (bank_line_id, account, currency)
WHERE w.amount IS DISTINCT FROM p.amount
"""


# A credit note takes back first what was still to be earned, then what was earned already; both together are its net.

ARRIVED = """
SELECT 'bank_line:' || t.cause_id AS object, p.account, p.currency, p.amount_minor AS posted, b.amount_minor AS amount
FROM billing_ledgertransaction t JOIN billing_posting p ON p.transaction_id = t.id
LEFT JOIN payments_bankline b ON t.cause_type = 'bank_line' AND b.id = t.cause_id AND b.ignored_at IS NOT NULL
WHERE t.kind = 'payout' AND (b.amount_minor, b.currency) IS DISTINCT FROM (abs(p.amount_minor), p.currency)
   OR t.kind = 'payout' AND p.account <> CASE WHEN p.amount_minor > 0 THEN 'suspense' ELSE 'in_transit' END
UNION ALL
SELECT 'account:in_transit:' || currency, account, currency, sum(amount_minor)::bigint, 0
FROM billing_posting WHERE account = 'in_transit' GROUP BY account, currency HAVING sum(amount_minor) < 0
"""

EARNED = """
WITH last AS (
  SELECT (max(month) + interval '1 month - 1 day')::date AS day FROM billing_recognisedmonth
), lines AS (
  SELECT i.order_id, i.currency, i.kind, i.issued_on, (line->'net'->>'minor')::numeric AS net,
         (line->'period'->>'first')::date AS first, (line->'period'->>'last')::date AS last
  FROM billing_invoice i, jsonb_array_elements(i.view->'lines') line
), sold AS (
  SELECT order_id, l.currency, min(issued_on) AS issued_on, bool_or(l.kind = 'credit_note' AND l.net <> 0) AS credited,
         sum(net - trunc(CASE WHEN first IS NULL THEN net
           ELSE net * greatest(least(day, l.last) - first + 1, 0) / (l.last - first + 1) END)) AS still, sum(net) AS net
  FROM lines l, last GROUP BY order_id, l.currency
), posted AS (
  SELECT order_id, currency, -sum(amount_minor) AS deferred FROM billing_posting
  WHERE account = 'deferred_revenue' GROUP BY order_id, currency
)
SELECT 'order:' || order_id AS object, currency, s.net::bigint AS net, p.deferred::bigint AS deferred,
       s.still::bigint AS still_to_be_earned
FROM sold s FULL JOIN posted p USING (order_id, currency), last
WHERE coalesce(p.deferred, 0) < 0
   OR (day IS NULL OR s.issued_on > day) AND s.net <> coalesce(p.deferred, 0)
   OR s.issued_on <= day AND NOT (coalesce(p.deferred, 0) = s.still OR s.credited AND p.deferred < s.still)
"""

RECOGNISED = """
SELECT 'transaction:' || t.id AS object, t.kind, t.posted_on
FROM billing_ledgertransaction t JOIN billing_posting p ON p.transaction_id = t.id
LEFT JOIN billing_invoice i ON t.cause_type = 'invoice' AND i.id = t.cause_id AND i.kind = 'invoice'
LEFT JOIN billing_recognisedmonth m ON 'recognised:' || to_char(m.month, 'YYYY-MM') = t.kind
  AND t.posted_on = (m.month + interval '1 month - 1 day')::date
WHERE t.kind LIKE 'recognised:%%' GROUP BY t.id
HAVING bool_or(i.id IS NULL OR m.id IS NULL OR p.account NOT IN ('deferred_revenue', 'revenue')
               OR (p.account = 'revenue') = (p.amount_minor > 0))
"""


@invariant(
    "I-8",
    "Each ledger transaction has one cause, each cause one posting of a kind, and it posts what its cause says.",
    tables=LEDGER + " billing_invoice payments_payment payments_refund payments_bankline payments_allocation "
    "billing_recognisedmonth billing_gatewaymovement billing_withholding",
    guards="ledger_cause_once billing_recognisedmonth_month_key gateway_movement_once",
)
def causes(book: Book) -> Iterator[Violation]:
    yield from broken(
        """SELECT cause_type || ':' || cause_id AS object, kind, count(*) AS transactions
           FROM billing_ledgertransaction GROUP BY cause_type, cause_id, kind HAVING count(*) > 1"""
    )
    yield from broken(CAUSES)
    yield from broken(RECOGNISED)
    yield from broken(ARRIVED)
    yield from broken(EARNED)
    yield from broken(MATCHED)
