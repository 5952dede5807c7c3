"""Terms, windows and what falls due, recomputed from the policy under which each term was bought.

Read next: ``memberships/rules.py`` for the dates, ``renewals/rules.py`` for what falls due.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

from tenure.kernel.periods import day_of, plus_days
from tenure.memberships.rules import TermDates, first_term, renewed_term, window
from tenure.programme.rules import Anchor
from tenure.proof.book import Book, stream
from tenure.proof.invariants import Violation, broken, invariant
from tenure.renewals.rules import charges, tellings

LATE = timedelta(days=30)

TERMS = """
SELECT t.id, t.subscription_id, t.n, t.kind, t.starts_on, t.expires_on, t.renewal_opens_on, t.renewal_closes_on,
       t.opened_at, t.policy, v.n AS version, s.anchor_on, s.cancelled_at, s.superseded_at, s.auto_renew,
       s.created_at, p.value_on AS paid_on,
       t.n = max(t.n) OVER (PARTITION BY t.subscription_id) AS newest
FROM memberships_term t JOIN memberships_subscription s ON s.id = t.subscription_id
JOIN programme_version v ON v.id = t.programme_id LEFT JOIN payments_payment p ON p.order_id = t.order_id
ORDER BY t.subscription_id, t.n
"""


def subscriptions() -> Iterator[list[dict[str, Any]]]:
    """Each subscription's terms, the first first."""
    return (list(terms) for _, terms in groupby(stream(TERMS), key=itemgetter("subscription_id")))


@invariant(
    "I-25",
    "A term's window is its policy's days after its expiry, and every renewal was ordered inside it.",
    tables="memberships_term purchases_order",
    guards="term_window order_renewal_names_its_term",
)
def windows(book: Book) -> Iterator[Violation]:
    for row in stream(TERMS):
        span = window(row["expires_on"], book.policy(row["version"], row["policy"]))
        if (row["renewal_opens_on"], row["renewal_closes_on"]) != (span.first, span.last):
            facts = {"opens": row["renewal_opens_on"], "closes": row["renewal_closes_on"]}
            yield Violation(f"term:{row['id']}", facts | {"recomputed": [str(span.first), str(span.last)]})
    yield from broken(
        """SELECT 'order:' || o.id AS object, o.placed_on, t.renewal_opens_on AS opens, t.renewal_closes_on AS closes
           FROM purchases_order o JOIN memberships_term t ON t.id = o.renews_id
           WHERE o.placed_on NOT BETWEEN t.renewal_opens_on AND t.renewal_closes_on"""
    )


def recomputed(book: Book, terms: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], TermDates, date]]:
    """Each term beside the dates and the anchor that follow from its payment, its policy and the term before it."""
    anchor, before = None, None
    for row in terms:
        policy = book.policy(row["version"], row["policy"])
        if before is None:
            anchor = row["starts_on"] if row["paid_on"] is None else row["paid_on"]
            dates = first_term(anchor, policy)
            if row["paid_on"] is None:
                # An import tells its own dates; its anchor is kept with the subscription.
                anchor = row["anchor_on"]
                dates = TermDates(row["starts_on"], row["expires_on"], dates.renewal_opens_on, dates.renewal_closes_on)
        else:
            anchor, dates = renewed_term(anchor, before["expires_on"], row["paid_on"] or row["starts_on"], policy)
        yield row, dates, anchor
        before = row


@invariant(
    "I-26",
    "A subscription's terms are counted from 1, never overlap, and begin where the last one ended.",
    tables="memberships_term memberships_subscription",
    guards="term_once term_dates memberships_terms_apart",
)
def abutting(book: Book) -> Iterator[Violation]:
    for terms in subscriptions():
        for place, (row, dates, _) in enumerate(recomputed(book, terms), 1):
            if row["n"] != place or row["starts_on"] != dates.starts_on:
                facts = {"n": row["n"], "place": place, "starts_on": row["starts_on"], "recomputed": dates.starts_on}
                yield Violation(f"term:{row['id']}", facts)
    yield from broken(
        """SELECT 'term:' || a.id AS object, b.id AS overlaps FROM memberships_term a JOIN memberships_term b
           ON b.subscription_id = a.subscription_id AND b.id > a.id
           AND b.starts_on <= a.expires_on AND b.expires_on >= a.starts_on"""
    )
    yield from broken(
        """SELECT 'subscription:' || s.id AS object, s.offer FROM memberships_subscription s
           WHERE NOT EXISTS (SELECT FROM memberships_term t WHERE t.subscription_id = s.id)"""
    )


@invariant(
    "I-27",
    "A term ends on its anchor's day, 29 February on the 28th in common years, or after its policy's days.",
    tables="memberships_term memberships_subscription",
)
def anniversaries(book: Book) -> Iterator[Violation]:
    for terms in subscriptions():
        anchor = terms[0]["anchor_on"]
        for row, dates, anchor in recomputed(book, terms):  # noqa: B007  the last anchor is the subscription's
            if row["expires_on"] != dates.expires_on:
                facts = {"expires_on": row["expires_on"], "recomputed": dates.expires_on, "anchor_on": row["anchor_on"]}
                yield Violation(f"term:{row['id']}", facts)
        anchored = all(book.policy(row["version"], row["policy"]).anchor is Anchor.ANNIVERSARY for row in terms)
        if terms[0]["anchor_on"] != anchor and (anchored or terms[0]["kind"] != "import"):
            facts = {"anchor_on": terms[0]["anchor_on"], "recomputed": anchor}
            yield Violation(f"subscription:{terms[0]['subscription_id']}", facts)


@invariant(
    "I-28",
    "Auto-renew goes off at any time and on only with a paid order; it stands where its history ends.",
    tables="memberships_autorenewchange memberships_subscription purchases_order",
)
def auto_renew_history(book: Book) -> Iterator[Violation]:
    yield from broken(
        """SELECT 'subscription:' || id AS object, auto_renew, last AS history_ends FROM (
             SELECT s.id, s.auto_renew, coalesce((SELECT c."on" FROM memberships_autorenewchange c
               WHERE c.subscription_id = s.id ORDER BY c.id DESC LIMIT 1), false) AS last
             FROM memberships_subscription s) s WHERE auto_renew <> last"""
    )
    yield from broken(
        """SELECT 'auto_renew:' || id AS object, "on", cause, at FROM (
             SELECT c.*, coalesce(lag(c."on") OVER (PARTITION BY c.subscription_id ORDER BY c.id), false) AS before
             FROM memberships_autorenewchange c) c
           WHERE "on" = before
              OR ("on" AND (cause NOT IN ('purchase', 'renewal') OR NOT EXISTS (
                   SELECT FROM purchases_order o WHERE o.subscription_id = c.subscription_id AND o.paid_at = c.at)))"""
    )


@invariant(
    "I-29",
    "A card is charged by itself only while auto-renew is on and the subscription is not cancelled.",
    tables="payments_attempt memberships_autorenewchange memberships_subscription purchases_order",
)
def charged_while_on(book: Book) -> Iterator[Violation]:
    yield from broken(
        """SELECT 'attempt:' || a.id AS object, a.committed_at, s.cancelled_at FROM payments_attempt a
           JOIN purchases_order o ON o.id = a.order_id JOIN memberships_subscription s ON s.id = o.subscription_id
           WHERE a.off_session AND (s.cancelled_at < a.committed_at OR NOT (
             coalesce((SELECT c."on" FROM memberships_autorenewchange c
               WHERE c.subscription_id = s.id AND c.at < a.committed_at ORDER BY c.id DESC LIMIT 1), false)
             OR EXISTS (SELECT FROM memberships_autorenewchange c
               WHERE c.subscription_id = s.id AND c.at = a.committed_at AND c."on")))"""
    )
    yield from broken(
        """SELECT 'attempt:' || a.id AS object, o.origin FROM payments_attempt a
           JOIN purchases_order o ON o.id = a.order_id WHERE a.off_session AND o.origin <> 'auto_renewal'"""
    )


DONE_TWICE = """
SELECT 'term:' || term_id AS object, action, count(*) AS times FROM renewals_due
GROUP BY term_id, action HAVING count(*) > 1
"""
TOLD = """
SELECT 'due:' || d.id AS object, d.action, count(e.id) AS told FROM renewals_due d
LEFT JOIN plumbing_event e ON e.name = 'renewals.fell_due' AND e.payload->>'due' = d.id::text
WHERE d.state = 'done' AND d.action NOT LIKE 'charge:%%' GROUP BY d.id HAVING count(e.id) <> 1
"""
CHARGED = """
SELECT 'term:' || coalesce(d.term_id, a.term_id) AS object, coalesce(d.n, 0) AS charges_due,
       coalesce(a.n, 0) AS attempts
FROM (SELECT term_id, count(*) AS n FROM renewals_due WHERE state = 'done' AND action LIKE 'charge:%%'
      GROUP BY term_id) d
FULL JOIN (SELECT o.renews_id AS term_id, count(*) AS n FROM payments_attempt t
      JOIN purchases_order o ON o.id = t.order_id WHERE t.off_session GROUP BY o.renews_id) a ON a.term_id = d.term_id
WHERE coalesce(d.n, 0) <> coalesce(a.n, 0)
"""
WITH_DUES = f"""
SELECT t.*, ARRAY(SELECT d.action FROM renewals_due d WHERE d.term_id = t.id) AS actions FROM ({TERMS}) t
"""


@invariant(
    "I-30",
    "What falls due for a term happens once, on its day or up to thirty days late, however often the run runs.",
    tables="renewals_due renewals_run memberships_term payments_attempt",
    guards="due_once_per_term",
)
def due_once(book: Book) -> Iterator[Violation]:
    for sql in (DONE_TWICE, TOLD, CHARGED):
        yield from broken(sql, [])
    for row in stream(WITH_DUES):
        policy = book.policy(row["version"], row["policy"])
        telling = tellings(row["expires_on"], row["renewal_closes_on"], policy)
        known = {due.action: due.due_on for due in [*telling, *charges(row["expires_on"], policy)]}
        strange = sorted(set(row["actions"]) - known.keys())
        if strange:
            yield Violation(f"term:{row['id']}", {"unknown_actions": strange})
        if row["newest"] and not row["cancelled_at"] and not row["superseded_at"]:
            opened_on = day_of(row["opened_at"], book.zone)
            missing = [
                due.action
                for due in telling
                if due.action not in row["actions"] and opened_on <= due.due_on < book.today - LATE
            ]
            # An order that holds the right to renew puts the lapse off until it has run out.
            missing = [action for action in missing if not (action.startswith("lapsed") and _held(book, row))]
            if missing:
                yield Violation(f"term:{row['id']}", {"never_fell_due": missing})
    yield from broken(
        """SELECT 'due:' || d.id AS object, d.action, d.due_on, t.expires_on FROM renewals_due d
           JOIN memberships_term t ON t.id = d.term_id
           WHERE d.due_on <> t.expires_on + split_part(d.action, ':', 2)::int
              OR d.subscription_id <> t.subscription_id"""
    )


def _held(book: Book, row: dict[str, Any]) -> bool:
    rows = stream("SELECT held_until FROM memberships_subscription WHERE id = %s", [row["subscription_id"]])
    return any(held["held_until"] and held["held_until"] >= book.today - LATE for held in rows)


@invariant(
    "I-31",
    "No reminder goes out after a cancellation or a renewal; with auto-renew off one went out before the expiry.",
    tables="renewals_due memberships_term plumbing_mail",
)
def reminded(book: Book) -> Iterator[Violation]:
    yield from broken(
        """SELECT 'due:' || d.id AS object, d.action, d.done_at, s.cancelled_at, f.opened_at AS renewed_at
           FROM renewals_due d JOIN memberships_term t ON t.id = d.term_id
           JOIN memberships_subscription s ON s.id = d.subscription_id
           LEFT JOIN memberships_term f ON f.subscription_id = t.subscription_id AND f.n = t.n + 1
           WHERE d.state = 'done' AND d.action NOT LIKE 'charge:%%'
             AND (d.done_at > s.cancelled_at OR d.done_at > f.opened_at)""",
        [],
    )
    yield from broken(
        """SELECT 'mail:' || m.id AS object, m.code, m.sent_at, s.cancelled_at, f.opened_at AS renewed_at
           FROM plumbing_mail m JOIN renewals_due d ON m.about = 'due:' || d.id
           JOIN memberships_term t ON t.id = d.term_id JOIN memberships_subscription s ON s.id = d.subscription_id
           LEFT JOIN memberships_term f ON f.subscription_id = t.subscription_id AND f.n = t.n + 1
           WHERE m.state = 'sent' AND (m.sent_at > s.cancelled_at OR m.sent_at > f.opened_at)"""
    )
    yield from _unreminded(book)


UNREMINDED = f"""
SELECT t.*, (SELECT min(d.done_at) FROM renewals_due d WHERE d.term_id = t.id AND d.action LIKE 'reminder:-%%'
             AND (d.state = 'done' OR d.reason = 'overtaken')) AS reminded_at
FROM ({TERMS}) t WHERE t.newest AND NOT t.auto_renew AND t.cancelled_at IS NULL AND t.expires_on < %s
"""


def _unreminded(book: Book) -> Iterator[Violation]:
    for row in stream(UNREMINDED, [book.today]):
        days = [day for day in book.policy(row["version"], row["policy"]).reminder_days if day < 0]
        if not days:
            continue
        first: date = plus_days(row["expires_on"], min(days))
        opened_at: datetime = row["opened_at"]
        if day_of(opened_at, book.zone) <= first and row["reminded_at"] is None and first < book.today - LATE:
            yield Violation(f"term:{row['id']}", {"expires_on": row["expires_on"], "reminder_due_on": first})
