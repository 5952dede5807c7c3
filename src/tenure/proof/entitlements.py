"""Benefits recomputed: given with a paid term, as many as were promised, counted, and taken back once.

Read next: ``benefits/actions.py``.
"""

from collections.abc import Iterator

from tenure.memberships.rules import TermFacts, benefits_run, standing
from tenure.proof.book import Book, stream
from tenure.proof.invariants import Violation, broken, invariant

GRANTED = """
SELECT t.id, t.kind, t.policy, v.n AS version, s.offer, s.cancelled_on, s.held_until, s.superseded_at,
       t.expires_on, t.renewal_closes_on, o.paid_at,
       t.n = max(t.n) OVER (PARTITION BY t.subscription_id) AS newest,
       coalesce((SELECT array_agg(g.benefit ORDER BY g.benefit) FROM benefits_grant g WHERE g.term_id = t.id), '{}')
         AS benefits,
       coalesce((SELECT array_agg(g.kind ORDER BY g.benefit) FROM benefits_grant g WHERE g.term_id = t.id), '{}')
         AS kinds,
       coalesce((SELECT array_agg(g.quantity ORDER BY g.benefit) FROM benefits_grant g WHERE g.term_id = t.id), '{}')
         AS quantities,
       EXISTS (SELECT FROM benefits_grant g WHERE g.term_id = t.id AND g.revoked_at IS NULL) AS unrevoked
FROM memberships_term t JOIN memberships_subscription s ON s.id = t.subscription_id
JOIN programme_version v ON v.id = t.programme_id LEFT JOIN purchases_order o ON o.id = t.order_id
"""


@invariant(
    "I-33",
    "Benefits can be used exactly while a paid term covers the day, or its window does and the policy keeps them.",
    tables="benefits_grant memberships_term memberships_subscription purchases_order",
    guards="grant_once_per_term",
)
def entitled(book: Book) -> Iterator[Violation]:
    for row in stream(GRANTED):
        facts = TermFacts(row["expires_on"], row["renewal_closes_on"], row["held_until"], row["cancelled_on"])
        policy = book.policy(row["version"], row["policy"])
        running = row["newest"] and benefits_run(standing(facts, book.today), policy)
        promised = book.programmes[row["version"]].offer(row["offer"]).benefits
        if row["kind"] != "import" and running and promised and not row["unrevoked"]:
            yield Violation(f"term:{row['id']}", {"paid": True, "benefits": False, "expires_on": row["expires_on"]})
        if row["unrevoked"] and row["kind"] != "import" and row["paid_at"] is None:
            yield Violation(f"term:{row['id']}", {"paid": False, "benefits": True})


KEYS = """
SELECT 'grant:' || g.id AS object, g.benefit, g.quantity, g.used, count(k.id) AS keys
FROM benefits_grant g LEFT JOIN benefits_key k ON k.grant_id = g.id
WHERE g.kind = 'keys' GROUP BY g.id
HAVING count(k.id) <> g.used OR count(k.id) > g.quantity OR bool_or(k.pool <> g.benefit)
UNION ALL
SELECT 'grant:' || g.id, g.benefit, g.quantity, g.used, count(k.id)
FROM benefits_grant g JOIN benefits_key k ON k.grant_id = g.id WHERE g.kind <> 'keys' GROUP BY g.id
"""


@invariant(
    "I-34",
    "No more keys are revealed than were promised, a key is one company's for ever, and no key is ever written down.",
    tables="benefits_key benefits_grant plumbing_event plumbing_mail",
    guards="benefits_key_value_key",
)
def keys(book: Book) -> Iterator[Violation]:
    yield from broken(KEYS)
    yield from broken(
        """SELECT 'key:' || k.id AS object, k.revealed_at, count(e.id) AS revealed FROM benefits_key k
           LEFT JOIN plumbing_event e ON e.name = 'benefits.key_revealed' AND e.payload->>'key' = k.id::text
             AND e.payload->>'grant' = k.grant_id::text
           GROUP BY k.id
           HAVING (k.grant_id IS NULL) <> (k.revealed_at IS NULL) OR count(e.id) <> (k.grant_id IS NOT NULL)::int"""
    )
    yield from broken(
        """SELECT 'key:' || (e.payload->>'key') AS object, count(DISTINCT e.partner_id) AS companies
           FROM plumbing_event e WHERE e.name = 'benefits.key_revealed'
           GROUP BY e.payload->>'key' HAVING count(DISTINCT e.partner_id) > 1"""
    )
    yield from broken(
        """SELECT 'key:' || k.id AS object, 'mail:' || m.id AS found_in FROM benefits_key k
           JOIN benefits_grant g ON g.id = k.grant_id JOIN plumbing_mail m ON m.partner_id = g.partner_id
           WHERE strpos(m.subject || m.body || m.facts::text, k.value) > 0
           UNION ALL
           SELECT 'key:' || k.id, 'event:' || e.id FROM benefits_key k
           JOIN benefits_grant g ON g.id = k.grant_id JOIN plumbing_event e ON e.partner_id = g.partner_id
           WHERE strpos(e.payload::text, k.value) > 0"""
    )


@invariant(
    "I-35",
    "What is used is what was taken, never below nothing and never above what was granted.",
    tables="benefits_grant benefits_usage",
    guards="grant_never_overused usage_quantity",
)
def counted(book: Book) -> Iterator[Violation]:
    yield from broken(
        """SELECT 'grant:' || g.id AS object, g.quantity, g.used, coalesce(sum(u.quantity), 0)::bigint AS taken
           FROM benefits_grant g LEFT JOIN benefits_usage u ON u.grant_id = g.id
           WHERE g.kind <> 'keys' GROUP BY g.id
           HAVING g.used <> coalesce(sum(u.quantity), 0) OR g.used < 0 OR g.used > g.quantity"""
    )


@invariant(
    "I-36",
    "A full refund ends the subscription and takes back the benefits of exactly its term, once.",
    tables="benefits_grant memberships_term memberships_subscription purchases_order payments_refund plumbing_event",
)
def taken_back(book: Book) -> Iterator[Violation]:
    yield from broken(
        """SELECT 'term:' || t.id AS object, o.refunded_at, s.cancelled_at, count(g.id) AS grants,
                  count(g.revoked_at) AS revoked
           FROM memberships_term t JOIN memberships_subscription s ON s.id = t.subscription_id
           LEFT JOIN purchases_order o ON o.id = t.order_id LEFT JOIN benefits_grant g ON g.term_id = t.id
           GROUP BY t.id, s.id, o.id
           HAVING (o.refunded_at IS NOT NULL AND (s.cancelled_at IS NULL OR count(g.revoked_at) <> count(g.id)))
               OR (o.refunded_at IS NULL AND count(g.revoked_at) > 0)"""
    )
    yield from broken(
        """SELECT 'order:' || o.id AS object, o.refunded_at, count(r.id) AS full_refunds FROM purchases_order o
           LEFT JOIN payments_payment p ON p.order_id = o.id
           LEFT JOIN payments_refund r ON r.payment_id = p.id AND r.kind = 'full' AND r.status = 'succeeded'
           GROUP BY o.id HAVING (o.refunded_at IS NOT NULL) <> (count(r.id) > 0 OR EXISTS (
               SELECT FROM payments_dispute d JOIN payments_payment q ON q.id = d.payment_id
               JOIN billing_invoice n ON n.payment_id = q.id AND n.kind = 'credit_note' AND n.refund_id IS NULL
               WHERE q.order_id = o.id AND d.status = 'lost'))"""
    )
    yield from broken(
        """SELECT subject AS object, count(*) AS times_revoked FROM plumbing_event
           WHERE name = 'benefits.revoked' GROUP BY subject HAVING count(*) > 1"""
    )


@invariant(
    "I-37",
    "A term's benefits are those of the offer as it was accepted, not of a newer catalogue.",
    tables="benefits_grant memberships_term programme_version",
)
def as_accepted(book: Book) -> Iterator[Violation]:
    for row in stream(GRANTED):
        promised = book.programmes[row["version"]].offer(row["offer"]).benefits
        accepted = sorted((benefit.code, benefit.kind, benefit.quantity) for benefit in promised)
        granted = list(zip(row["benefits"], row["kinds"], row["quantities"], strict=True))
        if granted and accepted != sorted(granted):
            differing = sorted({str(each) for each in {*accepted} ^ {*granted}})
            yield Violation(f"term:{row['id']}", {"offer_version": row["version"], "differing": differing})
