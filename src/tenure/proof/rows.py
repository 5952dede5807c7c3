"""The types of ``tenure facts``: one statement each, its columns the fields of ``docs/facts.md``, in that order.

It decides how a row of ours is told to a stranger. It must never tell a name, an address, a telephone number, a
product key or free text somebody wrote. Columns that begin with ``_`` are only for the row's ``finish``.
Read next: ``proof/facts.py``.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tenure.memberships.rules import TermFacts, benefits_run, standing
from tenure.partners.rules import standing as partner_standing
from tenure.payments.rules import AttemptStatus, Method, references_in
from tenure.proof.book import Book
from tenure.proof.catalogue import Catalogue
from tenure.purchases.rules import Closing, OrderFacts
from tenure.purchases.rules import status as order_status

Row = dict[str, Any]
Finish = Callable[[Row, Book, Catalogue], None]


@dataclass(frozen=True, slots=True)
class Kind:
    """One type: its name, the statement, and what Python adds to each row."""

    name: str
    sql: str
    finish: Finish | None = None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _partner(row: Row, book: Book, catalogue: Catalogue) -> None:
    row["status"] = partner_standing(
        row["verified_at"], row.pop("_rejected_at"), row.pop("_suspended_at"), row.pop("_closed_at")
    ).value


def _facts(row: Row) -> TermFacts:
    return TermFacts(row.pop("_expires_on"), row.pop("_closes_on"), row.pop("_held_until"), row.pop("_cancelled_on"))


def _subscription(row: Row, book: Book, catalogue: Catalogue) -> None:
    bare = row["_expires_on"] is None
    facts = _facts(row)
    row["status"] = "pending" if bare else standing(facts, book.today).status.value


def _term(row: Row, book: Book, catalogue: Catalogue) -> None:
    row["policy"] = catalogue.policy_id(row.pop("_n"), row["policy"])


def _order(row: Row, book: Book, catalogue: Catalogue) -> None:
    attempt, closing = row.pop("_attempt"), row.pop("_closing")
    row["status"] = order_status(
        OrderFacts(
            Method(row["method"]),
            row["expires_on"],
            row["paid_at"] is not None,
            row["refunded_at"] is not None,
            Closing(closing) if closing else None,
            AttemptStatus(attempt) if attempt else None,
            row.pop("_received"),
        ),
        book.today,
    ).value
    n = row["offer_version"]
    row["price"] = catalogue.price_id(n, row["price"], row.pop("_country"))
    row["policy"] = catalogue.policy_id(n, row["policy"])


def _grant(row: Row, book: Book, catalogue: Catalogue) -> None:
    policy, newest = book.policy(row.pop("_n"), row.pop("_policy")), row.pop("_newest")
    today = standing(_facts(row), book.today)
    if row["revoked_at"]:
        row["state"] = "revoked"
    elif not newest:
        row["state"] = "ended"
    elif benefits_run(today, policy):
        row["state"] = "active"
    else:
        row["state"] = "suspended" if today.live else "ended"


def _bank_line(row: Row, book: Book, catalogue: Catalogue) -> None:
    # The payer's own words may be a person's name; only references of ours are told.
    row["reference"] = " ".join(references_in(row["reference"])) or None


def _delivery(row: Row, book: Book, catalogue: Catalogue) -> None:
    if row["recipient_hash"]:
        row["recipient_hash"] = _hash(f"{book.instance}:{row['recipient_hash'].lower()}")


def _override(row: Row, book: Book, catalogue: Catalogue) -> None:
    row["reason"] = f"sha256:{_hash(row['reason'])}" if row["reason"] else None


NEWEST = """
LEFT JOIN LATERAL (
  SELECT id, expires_on, renewal_closes_on FROM memberships_term WHERE subscription_id = s.id ORDER BY n DESC LIMIT 1
) e ON true
"""

PARTIES = (
    Kind(
        "partner",
        """SELECT id::text AS id, number, country, '' AS status, verified_at, managed_in, created_at,
                  rejected_at AS _rejected_at, suspended_at AS _suspended_at, closed_at AS _closed_at
           FROM partners_partner""",
        _partner,
    ),
    Kind(
        "subscription",
        f"""SELECT s.id::text AS id, s.partner_id::text AS partner, s.offer, s.anchor_on, s.auto_renew,
                   s.auto_renew_off_at, nullif(s.auto_renew_off_by, '') AS auto_renew_off_by, '' AS status,
                   s.cancelled_at, s.created_at, s.cancelled_on, s.superseded_at, s.held_until,
                   e.expires_on AS _expires_on, e.renewal_closes_on AS _closes_on, s.held_until AS _held_until,
                   s.cancelled_on AS _cancelled_on
            FROM memberships_subscription s {NEWEST}""",
        _subscription,
    ),
    Kind(
        "term",
        """SELECT t.id::text AS id, t.subscription_id::text AS subscription, t.n, t.starts_on, t.expires_on,
                  t.order_id::text AS "order", t.policy, t.kind, t.opened_at, t.revoked_at,
                  t.partner_id::text AS partner, t.renewal_opens_on, t.renewal_closes_on, v.n AS offer_version,
                  v.n AS _n
           FROM memberships_term t JOIN programme_version v ON v.id = t.programme_id""",
        _term,
    ),
)

BUYING = (
    Kind(
        "order",
        """SELECT o.id::text AS id, o.number, o.partner_id::text AS partner, o.purpose, o.offer, v.n AS offer_version,
                  o.subscription_id::text AS subscription, t.id::text AS term, o.method, o.currency,
                  o.net_minor AS net, 0 AS discount, o.tax_minor AS tax, o.total_minor AS total, '' AS status,
                  o.placed_at, o.placed_by, o.expires_on, o.paid_at, o.closed_at,
                  nullif(o.terms_version, '') AS terms_version,
                  encode(sha256(convert_to(o.idempotency_key, 'UTF8')), 'hex') AS idempotency_key_hash,
                  o.origin, o.price, o.policy, o.renews_id::text AS renews, o.placed_on, o.refunded_at,
                  o.tax_rate_bp, o.tax_category, o.bill_to->>'country' AS country,
                  encode(sha256(convert_to(o.bill_to::text, 'UTF8')), 'hex') AS recipient_hash,
                  o.bill_to->>'country' AS _country, o.closing AS _closing,
                  (SELECT a.status FROM payments_attempt a WHERE a.order_id = o.id ORDER BY a.n DESC LIMIT 1)
                    AS _attempt,
                  coalesce((SELECT sum(l.amount_minor)::bigint FROM payments_allocation l WHERE l.order_id = o.id), 0)
                    + coalesce((SELECT w.amount_minor FROM billing_withholding w WHERE w.counts_for_id = o.id), 0)
                    AS _received
           FROM purchases_order o JOIN programme_version v ON v.id = o.programme_id
           LEFT JOIN memberships_term t ON t.order_id = o.id""",
        _order,
    ),
    Kind(
        "attempt",
        """SELECT id::text AS id, order_id::text AS "order", n, gateway, key AS gateway_key,
                  nullif(ref, '') AS gateway_ref, amount_minor AS amount, currency, status,
                  nullif(decline_code, '') AS decline_kind, committed_at, called_at, resolved_at,
                  nullif(resolved_by, '') AS resolved_by, off_session, partner_id::text AS partner
           FROM payments_attempt""",
    ),
    Kind(
        "payment",
        """SELECT id::text AS id, order_id::text AS "order", attempt_id::text AS attempt, method,
                  amount_minor AS amount, currency, received_at, value_on, nullif(gateway_ref, '') AS gateway_ref,
                  bank_line_id::text AS bank_line, partner_id::text AS partner
           FROM payments_payment""",
    ),
    Kind(
        "refund",
        """SELECT r.id::text AS id, r.payment_id::text AS payment, r.amount_minor AS amount, r.currency, r.status,
                  nullif(r.gateway_ref, '') AS gateway_ref, r.requested_by,
                  (SELECT a.by FROM payments_refundapproval a WHERE a.refund_id = r.id ORDER BY a.id DESC LIMIT 1)
                    AS approved_by,
                  r.kind AS reason, r.request_id::text AS request, r.made_at, r.promised_at
           FROM payments_refund r""",
    ),
    Kind(
        "dispute",
        """SELECT id::text AS id, payment_id::text AS payment, amount_minor AS amount, currency, status,
                  ref AS gateway_ref, opened_at, closed_at, gateway, nullif(reason, '') AS reason
           FROM payments_dispute""",
    ),
    Kind(
        "bank_line",
        """SELECT b.id::text AS id, nullif(b.statement, '') AS statement, b.account, b.line_key, b.value_on,
                  b.booked_on, b.amount_minor AS amount, b.currency, b.reference,
                  (SELECT min(a.order_id)::text FROM payments_allocation a WHERE a.bank_line_id = b.id)
                    AS matched_order,
                  (SELECT a.by FROM payments_allocation a WHERE a.bank_line_id = b.id AND a.order_id IS NOT NULL
                   ORDER BY a.id LIMIT 1) AS matched_by,
                  (SELECT min(a.partner_id)::text FROM payments_allocation a
                   WHERE a.bank_line_id = b.id AND a.order_id IS NULL) AS held_for_partner,
                  CASE WHEN b.ignored_at IS NOT NULL THEN 'ignored'
                       WHEN coalesce(g.given, 0) < b.amount_minor THEN 'unmatched'
                       WHEN g.held THEN 'held' ELSE 'matched' END AS state
           FROM payments_bankline b LEFT JOIN LATERAL (
             SELECT sum(amount_minor) AS given, bool_or(order_id IS NULL) AS held
             FROM payments_allocation a WHERE a.bank_line_id = b.id) g ON true""",
        _bank_line,
    ),
    Kind(
        "invoice",
        """SELECT i.id::text AS id, i.kind, i.series_id::text AS series, i.number, s.year, i.issued_on, i.issued_at,
                  i.partner_id::text AS partner, i.order_id::text AS "order", i.payment_id::text AS payment,
                  i.refund_id::text AS refund, i.amends_id::text AS amends, i.currency, i.net_minor AS net,
                  i.tax_minor AS tax, i.total_minor AS total, i.language, f.sha256 AS pdf_sha256,
                  x.sha256 AS xml_sha256, i.running,
                  encode(sha256(convert_to((i.view->'buyer')::text, 'UTF8')), 'hex') AS recipient_hash
           FROM billing_invoice i JOIN billing_series s ON s.id = i.series_id
           LEFT JOIN billing_invoicepdf d ON d.invoice_id = i.id
           LEFT JOIN plumbing_storedfile f ON f.id = d.file_id
           LEFT JOIN plumbing_storedfile x ON x.id = d.xml_id""",
    ),
    Kind(
        "invoice_line",
        """SELECT l.id::text AS id, l.invoice_id::text AS invoice, l.n, l.net_minor AS net, l.tax_rate_bp,
                  l.tax_category, l.tax_minor AS tax, l.total_minor AS total,
                  i.view->'lines'->(l.n - 1)->'period'->>'first' AS period_first,
                  i.view->'lines'->(l.n - 1)->'period'->>'last' AS period_last
           FROM billing_invoiceline l JOIN billing_invoice i ON i.id = l.invoice_id""",
    ),
)

BALANCE = """
SELECT account, currency, sum(amount_minor)::bigint AS amount FROM billing_posting
GROUP BY account, currency ORDER BY account COLLATE "C", currency COLLATE "C"
"""

HOLDING = (
    Kind(
        "grant",
        f"""SELECT g.id::text AS id, g.term_id::text AS term, g.benefit, g.kind, g.quantity, g.used, g.activate_by,
                   g.ends_on, '' AS state, g.granted_at, g.revoked_at, g.partner_id::text AS partner,
                   v.n AS _n, t.policy AS _policy, e.id = t.id AS _newest, e.expires_on AS _expires_on,
                   e.renewal_closes_on AS _closes_on, s.held_until AS _held_until, s.cancelled_on AS _cancelled_on
            FROM benefits_grant g JOIN memberships_term t ON t.id = g.term_id
            JOIN programme_version v ON v.id = t.programme_id
            JOIN memberships_subscription s ON s.id = t.subscription_id {NEWEST}""",
        _grant,
    ),
    Kind(
        "key",
        """SELECT id::text AS id, grant_id::text AS "grant", pool, revealed_at,
                  nullif(revealed_by, '') AS revealed_by, NULL AS activated_at, NULL AS replaced_by
           FROM benefits_key""",
    ),
    Kind(
        "usage",
        """SELECT id::text AS id, grant_id::text AS "grant", quantity, at, by, NULL AS released_at
           FROM benefits_usage""",
    ),
    Kind(
        "request",
        """SELECT r.id::text AS id, r.number, r.partner_id::text AS partner, r.problem_type,
                  r.subscription_id::text AS subscription, r.status, nullif(r.action, '') AS action, r.opened_at,
                  r.closed_at, nullif(r.decided_by, '') AS decided_by,
                  (SELECT a.by FROM payments_refundapproval a WHERE a.request_id = r.id AND a.by <> r.decided_by
                   ORDER BY a.id LIMIT 1) AS approved_by,
                  nullif(r.outcome, '') AS outcome, r.refund_id::text AS refund,
                  'person:' || r.opened_by_id AS opened_by
           FROM support_request r""",
    ),
    Kind(
        "due",
        """SELECT id::text AS id, subscription_id::text AS subscription, term_id::text AS term, action, due_on, state,
                  nullif(reason, '') AS reason, done_at
           FROM renewals_due""",
    ),
    Kind(
        "delivery",
        """SELECT m.id::text AS id,
                  CASE WHEN m.key LIKE 'event:%%' THEN split_part(m.key, ':', 2) ELSE e.id::text END AS event,
                  NULL AS endpoint, m.address AS recipient_hash, 'mail' AS channel, m.state, m.attempts,
                  m.queued_at AS first_at, m.sent_at AS last_at, m.code,
                  CASE WHEN m.key LIKE 'due:%%' THEN split_part(m.key, ':', 2) END AS due,
                  m.partner_id::text AS partner, nullif(m.reason, '') AS reason
           FROM plumbing_mail m LEFT JOIN (
             SELECT id, payload->>'due' AS due FROM plumbing_event WHERE name = 'renewals.fell_due'
           ) e ON m.key LIKE 'due:%%' AND e.due = split_part(m.key, ':', 2)
           UNION ALL SELECT 'webhook:' || d.id, d.entry_id::text, d.endpoint_id::text, NULL, 'webhook', d.state,
                  (SELECT count(*) FROM webhooks_sending s WHERE s.delivery_id = d.id), d.first_at, d.last_at, NULL,
                  NULL, p.partner_id::text, nullif(d.fault, '')
           FROM webhooks_delivery d JOIN webhooks_endpoint p ON p.id = d.endpoint_id""",
        _delivery,
    ),
    Kind(
        "event",
        """SELECT id::text AS id, name, partner_id::text AS partner, subject,
                  row_number() OVER (PARTITION BY subject ORDER BY id) AS seq, actor, occurred_at, verb AS cause
           FROM plumbing_event""",
    ),
)

REGISTERS = (
    Kind(
        "series",
        """SELECT id::text AS id, '' AS issuer, '' AS issuer_zone, kind, year, last FROM billing_series""",
        lambda row, book, catalogue: row.update(
            issuer=book.programmes[max(book.programmes)].seller.tax_id, issuer_zone=book.zone
        ),
    ),
    Kind(
        "auto_renew",
        """SELECT id::text AS id, subscription_id::text AS subscription, "on", at, by, cause
           FROM memberships_autorenewchange""",
    ),
    Kind(
        "attempt_status",
        """SELECT id::text AS id, attempt_id::text AS attempt, status, at, cause FROM payments_attemptchange""",
    ),
    Kind(
        "gateway_event",
        """SELECT event_id AS id, gateway, kind AS event_type, received_at, applied_at, nullif(outcome, '') AS outcome
           FROM payments_gatewayevent""",
    ),
    Kind(
        "payout",
        """SELECT id::text AS id, gateway, -amount_minor AS amount, currency, recorded_at AS at, ref AS gateway_ref
           FROM billing_gatewaymovement WHERE kind = 'payout'""",
    ),
    Kind(
        "fee",
        """SELECT id::text AS id, gateway, fee AS amount, currency, recorded_at AS at, ref AS gateway_ref
           FROM (SELECT *, fee_minor - CASE kind WHEN 'fee' THEN amount_minor ELSE 0 END AS fee
                 FROM billing_gatewaymovement) m WHERE fee <> 0""",
    ),
    Kind(
        "allocation",
        """SELECT id::text AS id, bank_line_id::text AS bank_line, order_id::text AS "order",
                  partner_id::text AS partner, amount_minor AS amount, currency, at, by
           FROM payments_allocation""",
    ),
    Kind(
        "approval",
        """SELECT id::text AS id,
                  CASE WHEN refund_id IS NULL THEN 'request:' || request_id ELSE 'refund:' || refund_id END AS object,
                  by, at, limit_minor AS limit_in_force, currency
           FROM payments_refundapproval""",
    ),
    Kind(
        "override",
        """SELECT 'request:' || r.id AS id, 'request:' || r.id AS object, 'refund' AS kind, r.reason,
                  r.decided_by AS by, coalesce(r.closed_at, r.moved_at) AS at, NULL AS until
           FROM support_request r WHERE r.override
           UNION ALL
           SELECT 'exemption:' || x.id, 'partner:' || x.partner_id, 'exemption', '', x.granted_by, x.granted_at,
                  x.valid_to::text
           FROM partners_taxexemption x""",
        _override,
    ),
    Kind(
        "task",
        """SELECT id::text AS id, kind, object, opened_at, closed_at FROM plumbing_task""",
    ),
)

SEALS = Kind(
    "seal",
    """SELECT chain || ':' || n AS id, chain, n, first_id::text AS first_id, last_id::text AS last_id, root,
              previous, hash, sealed_at
       FROM plumbing_seal""",
)

MONTHS = Kind(
    "month",
    """SELECT to_char(month, 'YYYY-MM') AS id, r.recognised_at, c.closed_at, c.closed_by
       FROM billing_recognisedmonth r FULL JOIN billing_closedmonth c USING (month)""",
)

WITHHELD = Kind(
    "withholding",
    """SELECT id::text AS id, partner_id::text AS partner, order_id::text AS "order", amount_minor AS amount, currency,
              status, tax_year, counts_for_id::text AS counts_for, submitted_at, submitted_by, decided_at,
              nullif(decided_by, '') AS decided_by, settled_at, returned_at
       FROM billing_withholding""",
)
