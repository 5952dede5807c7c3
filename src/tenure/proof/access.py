"""Who may and who did: every row belongs to its company, companies keep an administrator, the trail is whole.

Read next: ``kernel/access.py``, ``plumbing/outbox.py``.
"""

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec

from django.conf import settings

from tenure.kernel.access import TABLE, Side, holds
from tenure.plumbing.db import wiring
from tenure.proof import seals
from tenure.proof.book import Book, stream
from tenure.proof.feed import published
from tenure.proof.invariants import Violation, broken, invariant

# Child, the company it says, the parent, the company the parent says, and how they hang together.
BELONGING = (
    ("term", "memberships_term c", "memberships_subscription p", "p.id = c.subscription_id"),
    ("term", "memberships_term c", "purchases_order p", "p.id = c.order_id"),
    ("subscription", "memberships_subscription c", "payments_card p", "p.id = c.card_id"),
    ("order", "purchases_order c", "memberships_subscription p", "p.id = c.subscription_id"),
    ("order", "purchases_order c", "memberships_term p", "p.id = c.renews_id"),
    ("order", "purchases_order c", "payments_card p", "p.id = c.card_id"),
    ("draft", "purchases_draft c", "memberships_subscription p", "p.id = c.subscription_id"),
    ("draft", "purchases_draft c", "payments_card p", "p.id = c.card_id"),
    ("proof", "purchases_proof c", "purchases_order p", "p.id = c.order_id"),
    ("approval", "purchases_approval c", "purchases_order p", "p.id = c.order_id"),
    ("evidence", "enrolment_evidence c", "enrolment_check p", "p.id = c.check_id"),
    ("attempt", "payments_attempt c", "purchases_order p", "p.id = c.order_id"),
    ("attempt", "payments_attempt c", "payments_card p", "p.id = c.card_id"),
    ("payment", "payments_payment c", "purchases_order p", "p.id = c.order_id"),
    ("payment", "payments_payment c", "payments_attempt p", "p.id = c.attempt_id"),
    ("allocation", "payments_allocation c", "purchases_order p", "p.id = c.order_id"),
    ("invoice", "billing_invoice c", "purchases_order p", "p.id = c.order_id"),
    ("withholding", "billing_withholding c", "purchases_order p", "p.id IN (c.order_id, c.counts_for_id)"),
    ("invoice", "billing_invoice c", "payments_payment p", "p.id = c.payment_id"),
    ("grant", "benefits_grant c", "memberships_term p", "p.id = c.term_id"),
    ("request", "support_request c", "memberships_subscription p", "p.id = c.subscription_id"),
    (
        "transaction",
        "billing_ledgertransaction c",
        "billing_invoice p",
        "c.cause_type = 'invoice' AND p.id = c.cause_id",
    ),
    ("event", "plumbing_event c", "purchases_order p", "c.subject = 'order:' || p.id"),
    ("event", "plumbing_event c", "memberships_subscription p", "c.subject = 'subscription:' || p.id"),
    ("event", "plumbing_event c", "support_request p", "c.subject = 'request:' || p.id"),
)


@invariant(
    "I-39",
    "Every row says the same company as the row it hangs on.",
    tables="partners_partner memberships_term memberships_subscription purchases_order purchases_draft purchases_proof "
    "payments_attempt payments_payment payments_allocation payments_card billing_invoice benefits_grant "
    "billing_withholding purchases_approval enrolment_evidence enrolment_check partners_location "
    "support_request billing_ledgertransaction plumbing_event payments_refund people_notice plumbing_mail",
)
def belonging(book: Book) -> Iterator[Violation]:
    for kind, child, parent, hanging in BELONGING:
        yield from broken(
            f"""SELECT '{kind}:' || c.id AS object, c.partner_id AS partner, p.partner_id AS parents_partner,
                       '{parent.split()[0]}' AS parent
                FROM {child} JOIN {parent} ON {hanging} WHERE c.partner_id IS DISTINCT FROM p.partner_id"""
        )
    yield from broken(
        """SELECT 'location:' || l.id AS object, l.number, p.id AS partner FROM partners_location l
           JOIN partners_partner p ON p.number = l.number"""
    )
    yield from broken(
        """SELECT 'refund:' || r.id AS object, p.partner_id AS partner, q.partner_id AS parents_partner
           FROM payments_refund r JOIN payments_payment p ON p.id = r.payment_id
           JOIN support_request q ON q.id = r.request_id
           WHERE p.partner_id <> q.partner_id"""
    )
    yield from broken(
        """SELECT 'mail:' || m.id AS object, m.partner_id AS partner FROM plumbing_mail m
           WHERE m.partner_id IS NOT NULL AND m.person_id IS NOT NULL AND NOT EXISTS (
             SELECT FROM people_colleague c WHERE c.user_id = m.person_id AND c.partner_id = m.partner_id)
           UNION ALL
           SELECT 'notice:' || n.id, n.partner_id FROM people_notice n
           WHERE n.partner_id IS NOT NULL AND NOT EXISTS (
             SELECT FROM people_colleague c WHERE c.user_id = n.user_id AND c.partner_id = n.partner_id)"""
    )


@invariant(
    "I-40",
    "Every permission a role holds is one the table of permissions knows.",
    tables="programme_version",
)
def permissions(book: Book) -> Iterator[Violation]:
    # Verbs and doors enter their permissions when they are read.
    import_module(settings.ROOT_URLCONF)
    for name in settings.CAPABILITIES:
        if find_spec(f"{name}.actions"):
            import_module(f"{name}.actions")
    programme = book.programmes[max(book.programmes)]
    for role in programme.roles:
        for name in sorted(role.permissions):
            if name not in TABLE and not any(holds(frozenset({name}), known) for known in TABLE):
                yield Violation(f"role:{role.code}", {"permission": name})


@invariant(
    "I-41",
    "A company that has people always has an administrator among them.",
    tables="people_colleague people_user programme_version",
)
def administered(book: Book) -> Iterator[Violation]:
    programme = book.programmes[max(book.programmes)]
    admins = [role.code for role in programme.roles if role.admin and role.side == "partner"]
    yield from broken(
        """SELECT 'partner:' || c.partner_id AS object, count(*) AS people FROM people_colleague c
           JOIN people_user u ON u.id = c.user_id
           GROUP BY c.partner_id
           HAVING count(*) FILTER (WHERE c.ended_at IS NULL AND u.is_active AND c.roles && %s::varchar[]) = 0""",
        [admins],
    )


# What changed, of which rows, and the one event that must tell it.
TOLD = (
    ("order", "purchases_order", "true", "orders.placed", "e.subject = 'order:' || r.id"),
    ("order", "purchases_order", "r.paid_at IS NOT NULL", "orders.paid", "e.subject = 'order:' || r.id"),
    ("closing", "purchases_order", "r.closing = 'expired'", "orders.expired", "e.subject = 'order:' || r.id"),
    ("closing", "purchases_order", "r.closing = 'cancelled'", "orders.cancelled", "e.subject = 'order:' || r.id"),
    (
        "invoice",
        "billing_invoice",
        "r.kind = 'invoice'",
        "billing.invoice_issued",
        "e.payload->>'invoice' = r.id::text",
    ),
    (
        "refund",
        "payments_refund",
        "r.status = 'succeeded' AND r.kind <> 'late_capture'",
        "payments.refunded",
        "e.payload->>'refund' = r.id::text",
    ),
    ("term", "memberships_term", "true", "memberships.term_opened", "e.payload->>'term' = r.id::text"),
    (
        "subscription",
        "memberships_subscription",
        "r.cancelled_at IS NOT NULL",
        "memberships.ended",
        "e.subject = 'subscription:' || r.id",
    ),
    ("bank_line", "payments_bankline", "true", "payments.transfer_received", "e.payload->>'line' = r.id::text"),
    ("request", "support_request", "true", "support.opened", "e.subject = 'request:' || r.id"),
    ("proof", "purchases_proof", "true", "orders.proof_uploaded", "e.subject = 'order:' || r.order_id"),
    ("programme", "programme_version", "true", "programme.applied", "e.payload->>'version' = r.n::text"),
    ("invitation", "people_invitation", "true", "people.invited", "e.payload->>'invitation' = r.id::text"),
    ("key", "benefits_key", "r.grant_id IS NOT NULL", "benefits.key_revealed", "e.payload->>'key' = r.id::text"),
    (
        "acceptance",
        "enrolment_acceptance",
        "true",
        "enrolment.agreement_accepted",
        "e.partner_id = r.partner_id AND e.payload->>'agreement' = r.agreement AND e.payload->>'version' = r.version",
    ),
    (
        "check",
        "enrolment_check",
        "r.decided_at IS NOT NULL",
        "enrolment.check_decided",
        "e.partner_id = r.partner_id AND e.payload->>'kind' = r.kind",
    ),
    (
        "evidence",
        "competencies_evidence",
        "true",
        "competencies.evidence_recorded",
        "e.partner_id = r.partner_id AND e.payload->>'criterion' = r.criterion AND e.occurred_at = r.recorded_at",
    ),
    (
        "exemption",
        "partners_taxexemption",
        "true",
        "partners.exempted",
        "e.partner_id = r.partner_id AND e.payload->>'certificate' = r.certificate",
    ),
    (
        "application",
        "partners_exemptionapplication",
        "true",
        "partners.exemption_moved",
        "(e.payload->>'application')::bigint = r.id AND e.payload->>'status' = r.status",
    ),
    (
        "withholding",
        "billing_withholding",
        "true",
        "payments.withholding_moved",
        "(e.payload->>'withholding')::bigint = r.id AND e.payload->>'status' = r.status",
    ),
)
ONCE = {"order", "invoice", "refund", "term", "bank_line", "request", "programme", "invitation", "key"}
"""Things of which the event happens exactly once; of the others at least once."""


@invariant(
    "I-42",
    "Every change that counts left exactly one event, with actor, company, object, verb and time.",
    tables="plumbing_event purchases_order billing_invoice payments_refund memberships_term memberships_subscription "
    "payments_bankline support_request purchases_proof programme_version people_invitation benefits_key "
    "enrolment_acceptance enrolment_check competencies_evidence partners_taxexemption memberships_autorenewchange "
    "benefits_usage partners_exemptionapplication billing_withholding",
)
def audited(book: Book) -> Iterator[Violation]:
    for kind, table, changed, name, telling in TOLD:
        counted = "<> 1" if kind in ONCE else "= 0"
        yield from broken(
            f"""SELECT '{kind}:' || r.id AS object, '{name}' AS event, count(e.id) AS events FROM {table} r
                LEFT JOIN plumbing_event e ON e.name = '{name}' AND {telling}
                WHERE {changed} GROUP BY r.id HAVING count(e.id) {counted}"""
        )
    yield from broken(
        """SELECT 'subscription:' || c.subscription_id AS object, c."on", count(*) AS changes, (
             SELECT count(*) FROM plumbing_event e WHERE e.subject = 'subscription:' || c.subscription_id
             AND e.name = 'renewals.auto_renew_turned_' || CASE WHEN c."on" THEN 'on' ELSE 'off' END) AS events
           FROM memberships_autorenewchange c GROUP BY c.subscription_id, c."on"
           HAVING count(*) <> (SELECT count(*) FROM plumbing_event e
             WHERE e.subject = 'subscription:' || c.subscription_id
             AND e.name = 'renewals.auto_renew_turned_' || CASE WHEN c."on" THEN 'on' ELSE 'off' END)"""
    )
    yield from broken(
        """SELECT 'grant:' || u.grant_id AS object, count(*) AS usages, (
             SELECT count(*) FROM plumbing_event e WHERE e.subject = 'grant:' || u.grant_id AND e.name = 'benefits.used'
           ) AS events FROM benefits_usage u GROUP BY u.grant_id
           HAVING count(*) <> (SELECT count(*) FROM plumbing_event e
             WHERE e.subject = 'grant:' || u.grant_id AND e.name = 'benefits.used')"""
    )
    yield from broken(
        """SELECT 'event:' || id AS object, name, actor, verb FROM plumbing_event
           WHERE actor = '' OR verb = '' OR subject !~ '^[a-z_]+:.+' OR occurred_at > %s""",
        [book.at],
    )


@invariant(
    "I-43",
    "Events are only ever added, their batches meet every seal, and none holds anything like a card number.",
    tables="plumbing_event plumbing_seal",
    guards="plumbing_event_append_only",
)
def trail(book: Book) -> Iterator[Violation]:
    for n, facts in seals.broken(seals.EVENTS):
        yield Violation(f"seal:{seals.EVENTS}:{n}", facts)
    rows = stream(
        r"""SELECT e.id, d.digits[1] AS digits FROM plumbing_event e,
                   LATERAL regexp_matches(
                     e.payload::text, '(?:^|[^0-9A-Fa-f-])([0-9]{13,19})(?![0-9A-Fa-f])', 'g') AS d(digits)
            WHERE e.payload::text ~ '[0-9]{13}'"""
    )
    yield from (Violation(f"event:{row['id']}", {"like_a_card": True}) for row in rows if luhn(row["digits"]))


def luhn(digits: str) -> bool:
    """Whether a row of digits bears the check digit of a card.

    >>> luhn("4242424242424242"), luhn("4242424242424241")
    (True, False)
    """
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


@invariant(
    "I-45",
    "Every event's duties stand beside it, one that cannot be done waits for a person, and each endpoint is owed "
    "exactly what it chose.",
    tables="plumbing_reaction plumbing_event plumbing_task webhooks_entry webhooks_endpoint webhooks_selection "
    "webhooks_delivery webhooks_sending",
    guards="reaction_once_per_event delivery_once_per_event endpoint_has_one_newest_selection",
)
def duties(book: Book) -> Iterator[Violation]:
    yield from broken(
        """SELECT 'reaction:' || r.id AS object, r.name, r.state FROM plumbing_reaction r
           WHERE r.state = 'parked' AND NOT EXISTS (
             SELECT FROM plumbing_task t WHERE t.object = 'reaction:' || r.id AND t.closed_at IS NULL)"""
    )
    yield from broken(
        """SELECT 'event:' || event_id AS object, name, count(*) AS times FROM plumbing_reaction
           GROUP BY event_id, name HAVING count(*) > 1"""
    )
    yield from published(book)


@invariant(
    "I-49",
    "A subscription ends only by a support request that staff decided, or by a bank's decision against the payment; "
    "no partner's verb ends a paid term.",
    tables="memberships_subscription support_request plumbing_event payments_refund payments_dispute",
)
def ended_by_staff(book: Book) -> Iterator[Violation]:
    wiring()
    if TABLE["support.decide"].side is not Side.STAFF:
        yield Violation("permission:support.decide", {"side": str(TABLE["support.decide"].side)})
    yield from broken(
        """SELECT 'subscription:' || s.id AS object, s.cancelled_at FROM memberships_subscription s
           WHERE s.cancelled_at IS NOT NULL AND NOT EXISTS (
             SELECT FROM payments_refund r JOIN support_request q ON q.id = r.request_id
             WHERE q.subscription_id = s.id AND r.status = 'succeeded' AND r.kind = 'full')
           AND NOT EXISTS (SELECT FROM memberships_term t JOIN payments_payment p ON p.order_id = t.order_id
             JOIN payments_dispute d ON d.payment_id = p.id WHERE t.subscription_id = s.id AND d.status = 'lost')"""
    )
    yield from broken(
        """SELECT e.subject AS object, e.verb, e.actor FROM plumbing_event e
           WHERE e.name = 'memberships.ended' AND e.verb NOT IN ('support.decide', 'payments.hear_dispute')"""
    )
    yield from broken(
        """SELECT 'term:' || t.id AS object, t.revoked_at FROM memberships_term t
           JOIN memberships_subscription s ON s.id = t.subscription_id
           WHERE t.revoked_at IS NOT NULL AND s.cancelled_at IS NULL"""
    )
