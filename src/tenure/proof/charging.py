"""Charges recomputed: no money taken twice, none taken unknown, and the gateway's book beside ours.

Read next: ``payments/rules.py`` for the table of moves, ``payments/gateways/base.py`` for what a gateway says.
"""

from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby, pairwise

from django.conf import settings
from django.db import connections

from tenure.payments.rules import OPEN, AttemptStatus, may_become
from tenure.proof.book import Book, stream
from tenure.proof.invariants import NotChecked, Violation, broken, invariant

GRACE = timedelta(minutes=15)
PATIENCE = timedelta(days=7)
DAY = timedelta(days=1)
OPEN_ATTEMPTS = sorted(map(str, OPEN))


def _charges(book: Book) -> dict[str, tuple[str, int, int, str, int]]:
    """By the gateway's id: currency, captured, returned, and our order's number and attempt."""
    if book.charges is None:
        raise NotChecked(book.silence)
    return {
        charge.ref: (
            charge.amount.currency,
            charge.amount.minor,
            charge.refunded.minor if charge.refunded else 0,
            charge.order,
            charge.attempt,
        )
        for charge in book.charges
    }


OURS = """
SELECT p.id, p.gateway_ref, p.amount_minor AS amount, p.currency, p.received_at,
       coalesce(sum(r.amount_minor) FILTER (WHERE r.made_at IS NOT NULL), 0)::bigint AS back,
       count(r.id) FILTER (WHERE r.made_at IS NULL AND r.status <> 'refused') AS under_way
FROM payments_payment p LEFT JOIN payments_refund r ON r.payment_id = p.id
WHERE p.method = 'card' GROUP BY p.id
"""


DIFFERS = """
SELECT 'reconciliation:' || id AS object, gateway, day, unexplained::text AS unexplained,
       jsonb_array_length(orphans) AS orphans
FROM (SELECT DISTINCT ON (gateway) * FROM billing_reconciliation ORDER BY gateway, day DESC) newest
WHERE unexplained <> '{}' OR EXISTS (
  SELECT FROM jsonb_array_elements(orphans) o WHERE (o->>'since')::date < %s
)
"""


@invariant(
    "I-5",
    "The gateway clearing account is what the gateway captured less what it gave back, and no difference from its "
    "list is left open for more than a day.",
    tables="billing_posting payments_payment payments_refund billing_reconciliation",
)
def clearing(book: Book) -> Iterator[Violation]:
    theirs: dict[str, int] = {}
    charges = _charges(book)
    under_way = {row["gateway_ref"] for row in stream(OURS) if row["under_way"]} | _young(book)
    for ref, (currency, captured, returned, *_) in charges.items():
        if ref not in under_way:
            theirs[currency] = theirs.get(currency, 0) + captured - returned
    posted = stream(
        """SELECT p.currency, sum(p.amount_minor)::bigint AS amount
           FROM billing_posting p JOIN billing_ledgertransaction t ON t.id = p.transaction_id
           LEFT JOIN payments_refund r ON t.cause_type = 'refund' AND r.id = t.cause_id
           LEFT JOIN payments_payment y ON y.id = coalesce(
             r.payment_id, CASE t.cause_type WHEN 'payment' THEN t.cause_id END)
           WHERE p.account = 'gateway_clearing' AND t.cause_type IN ('payment', 'refund')
             AND (y.gateway_ref IS NULL OR y.gateway_ref <> ALL(%s))
           GROUP BY p.currency""",
        [sorted(under_way)],
    )
    ours = {row["currency"]: row["amount"] for row in posted}
    for currency in sorted(ours.keys() | theirs.keys()):
        if ours.get(currency, 0) != theirs.get(currency, 0):
            facts = {"posted": ours.get(currency, 0), "gateway": theirs.get(currency, 0)}
            yield Violation(f"account:gateway_clearing:{currency}", facts)
    yield from broken(DIFFERS, [book.today - DAY])


def _young(book: Book) -> set[str]:
    """Charges that may still be on their way into our rows."""
    rows = stream(
        "SELECT ref FROM payments_attempt WHERE ref <> '' AND status = ANY(%s) AND committed_at > %s",
        [OPEN_ATTEMPTS, book.at - GRACE],
    )
    return {row["ref"] for row in rows}


@invariant(
    "I-11",
    "No double charge: one captured payment at most for an order, and one that was not given back for a term.",
    tables="payments_payment payments_refund purchases_order memberships_term payments_attempt",
    guards="attempt_succeeded_once payments_payment_order_id_key order_open_once_per_subscription "
    "order_open_once_per_offer subscription_one_live_per_offer",
)
def charged_once(book: Book) -> Iterator[Violation]:
    yield from broken(
        """SELECT 'order:' || order_id AS object, count(*) AS payments FROM payments_payment
           GROUP BY order_id HAVING count(*) > 1"""
    )
    yield from broken(
        """SELECT 'term:' || o.renews_id AS object, count(*) AS paid_renewals
           FROM purchases_order o JOIN payments_payment p ON p.order_id = o.id
           WHERE o.renews_id IS NOT NULL AND p.amount_minor > coalesce(
             (SELECT sum(r.amount_minor) FROM payments_refund r WHERE r.payment_id = p.id AND r.status <> 'refused'), 0)
           GROUP BY o.renews_id HAVING count(*) > 1"""
    )
    yield from broken(
        """SELECT 'partner:' || partner_id AS object, offer, count(*) AS live FROM memberships_subscription
           WHERE cancelled_at IS NULL AND superseded_at IS NULL GROUP BY partner_id, offer HAVING count(*) > 1"""
    )
    if book.charges is not None:
        seen: dict[str, int] = {}
        for *_, order, _ in _charges(book).values():
            seen[order] = seen.get(order, 0) + 1
        yield from (Violation(f"order:{order}", {"gateway_charges": n}) for order, n in seen.items() if n > 1)


@invariant(
    "I-12",
    "Every charge the gateway knows is one payment of ours, with the same amounts, and the other way round.",
    tables="payments_payment payments_attempt",
    guards="attempt_ref_once",
)
def both_ways(book: Book) -> Iterator[Violation]:
    charges, young = _charges(book), _young(book)
    for row in stream(OURS):
        charge = charges.pop(row["gateway_ref"], None)
        if charge is None:
            if row["received_at"] <= book.at - GRACE:
                yield Violation(f"payment:{row['id']}", {"gateway_ref": row["gateway_ref"], "gateway": None})
            continue
        currency, captured, returned, *_ = charge
        returned_alike = returned == row["back"] or row["under_way"]
        if (currency, captured) != (row["currency"], row["amount"]) or not returned_alike:
            facts = {"captured": captured, "returned": returned, "amount": row["amount"], "refunded": row["back"]}
            yield Violation(f"payment:{row['id']}", facts)
    for ref, (currency, captured, *_, order, attempt) in charges.items():
        if ref not in young:
            facts = {"order": order, "attempt": attempt, "captured": captured, "currency": currency}
            yield Violation(f"charge:{ref}", facts)


@invariant(
    "I-13",
    "One order has one key, each attempt its own, and none begins before the last is known not to have charged.",
    tables="payments_attempt purchases_order",
    guards="attempt_n_once attempt_key_once attempt_open_once order_once_per_key",
)
def one_at_a_time(book: Book) -> Iterator[Violation]:
    yield from broken(
        """SELECT 'attempt:' || id AS object, n, key, before AS status_before, ended AS resolved_before
           FROM (SELECT a.*, lag(status) OVER w AS before, lag(resolved_at) OVER w AS ended,
                        row_number() OVER w AS place
                 FROM payments_attempt a WINDOW w AS (PARTITION BY order_id ORDER BY n)) a
           WHERE n <> place OR key <> order_number || '/' || n
              OR (n > 1 AND (before NOT IN ('declined', 'cancelled') OR ended IS NULL OR ended > committed_at))"""
    )
    yield from broken(
        """SELECT 'partner:' || partner_id AS object, idempotency_key, count(*) AS orders FROM purchases_order
           GROUP BY partner_id, idempotency_key HAVING count(*) > 1"""
    )


@invariant(
    "I-14",
    "The intent is committed before the gateway is called, and no request is one transaction.",
    tables="payments_attempt",
)
def promised_first(book: Book) -> Iterator[Violation]:
    if settings.ATOMIC_REQUESTS or connections["default"].settings_dict["ATOMIC_REQUESTS"]:
        yield Violation("setting:ATOMIC_REQUESTS", {})
    yield from broken(
        """SELECT 'attempt:' || id AS object, committed_at, called_at FROM payments_attempt
           WHERE called_at < committed_at OR (called_at IS NULL AND status NOT IN ('new', 'cancelled'))"""
    )


@invariant(
    "I-15",
    "Nothing about money stays open for more than seven days without a task for somebody.",
    tables="payments_attempt payments_refund purchases_order plumbing_task",
)
def nothing_forgotten(book: Book) -> Iterator[Violation]:
    asked = "NOT EXISTS (SELECT FROM plumbing_task t WHERE t.closed_at IS NULL AND t.object IN ({}))"
    yield from broken(
        f"""SELECT 'attempt:' || a.id AS object, a.status, a.committed_at FROM payments_attempt a
            WHERE a.status = ANY(%s) AND a.committed_at < %s
              AND {asked.format("'attempt:' || a.id, 'order:' || a.order_id")}""",
        [OPEN_ATTEMPTS, book.at - PATIENCE],
    )
    yield from broken(
        f"""SELECT 'refund:' || r.id AS object, r.status, r.promised_at FROM payments_refund r
            WHERE r.made_at IS NULL AND r.status <> 'refused' AND r.promised_at < %s
              AND {asked.format("'refund:' || r.id")}""",
        [book.at - PATIENCE],
    )
    yield from broken(
        f"""SELECT 'order:' || o.id AS object, o.expires_on FROM purchases_order o
            WHERE o.paid_at IS NULL AND o.closed_at IS NULL AND o.expires_on < %s
              AND {asked.format("'order:' || o.id")}""",
        [book.today - PATIENCE],
    )


@invariant(
    "I-16",
    "An attempt moves only along the table of moves, and stands where its history ends.",
    tables="payments_attempt payments_attemptchange",
    guards="attempt_status",
)
def along_the_table(book: Book) -> Iterator[Violation]:
    rows = stream(
        """SELECT a.id, a.status AS stands, c.status, c.at FROM payments_attempt a
           LEFT JOIN payments_attemptchange c ON c.attempt_id = a.id ORDER BY a.id, c.id"""
    )
    for id, moves in groupby(rows, key=lambda row: row["id"]):
        history = list(moves)
        path = [row["status"] for row in history]
        sound = path[0] == AttemptStatus.NEW and path[-1] == history[0]["stands"]
        sound = sound and all(may_become(before, after) for before, after in pairwise(path))
        if not sound:
            yield Violation(f"attempt:{id}", {"history": path, "stands": history[0]["stands"]})


@invariant(
    "I-17",
    "A doorbell is applied at most once, and nothing that was decided is decided again.",
    tables="payments_gatewayevent payments_attemptchange",
    guards="gateway_event_once",
)
def applied_once(book: Book) -> Iterator[Violation]:
    yield from broken(
        """SELECT 'gateway_event:' || event_id AS object, count(*) AS times FROM payments_gatewayevent
           GROUP BY gateway, event_id HAVING count(*) > 1"""
    )
    yield from broken(
        """SELECT 'gateway_event:' || event_id AS object, outcome, applied_at FROM payments_gatewayevent
           WHERE (outcome = 'applied') <> (applied_at IS NOT NULL)
              OR outcome NOT IN ('', 'applied', 'duplicate', 'parked', 'foreign')"""
    )
    yield from broken(
        """SELECT 'attempt:' || attempt_id AS object, count(*) AS times_decided FROM payments_attemptchange
           WHERE status IN ('succeeded', 'declined', 'cancelled') GROUP BY attempt_id HAVING count(*) > 1"""
    )


UNPAID = """
SELECT 'order:' || o.id AS object, o.closing, o.paid_at, t.id AS term, i.id AS invoice, p.id AS payment
FROM purchases_order o
LEFT JOIN memberships_term t ON t.order_id = o.id
LEFT JOIN billing_invoice i ON i.order_id = o.id
LEFT JOIN payments_payment p ON p.order_id = o.id
WHERE o.paid_at IS NULL AND (t.id IS NOT NULL OR i.id IS NOT NULL OR (p.id IS NOT NULL AND NOT EXISTS (
  SELECT FROM payments_refund r WHERE r.payment_id = p.id AND r.kind = 'late_capture'
  AND r.amount_minor = p.amount_minor
)))
   OR (o.paid_at IS NOT NULL AND (o.closed_at IS NOT NULL OR t.id IS NULL OR p.id IS NULL))
"""


@invariant(
    "I-18",
    "An order that was not paid owns no term and no invoice, and a charge that came too late goes back whole.",
    tables="purchases_order memberships_term billing_invoice payments_payment payments_refund",
    guards="order_closing",
)
def unpaid_owns_nothing(book: Book) -> Iterator[Violation]:
    yield from broken(UNPAID)
