"""Who listens, what runs when, which gateway: three tables, one page.

Read late, through ``plumbing.db.wiring``; nothing imports it. A reaction is at-least-once and keyed by its
event; a job finds what is due by facts and dates, so running it twice, late or after days changes nothing.
"""

from contextlib import suppress
from contextvars import ContextVar
from datetime import datetime
from functools import cache

from django.conf import settings
from procrastinate.contrib.django import app as engine
from procrastinate.exceptions import AlreadyEnqueued

from tenure import events
from tenure.billing import closing, reconciling
from tenure.enrolment import queries as enrolment_read
from tenure.enrolment import recovery
from tenure.kernel.access import SYSTEM
from tenure.partners import exemptions
from tenure.partners import jobs as partner_jobs
from tenure.partners import queries as partners_read
from tenure.payments import queries as payments_read
from tenure.payments.gateways.stripe import StripeGateway
from tenure.people import actions as people
from tenure.people import queries as people_read
from tenure.plumbing import clock, jobs, offset, outbox
from tenure.plumbing.db import beat
from tenure.programme.queries import applied
from tenure.proof import seals
from tenure.purchases import actions as purchases
from tenure.purchases import disputes, importing
from tenure.purchases import jobs as order_jobs
from tenure.purchases import queries as orders_read
from tenure.renewals import actions as renewals
from tenure.renewals import cards as renewal_cards
from tenure.renewals import jobs as renewal_jobs
from tenure.renewals import queries as renewals_read
from tenure.support import actions as support
from tenure.support import jobs as support_jobs
from tenure.web.shared.letters import put_into_words
from tenure.webhooks import feed, sending
from tenure.webhooks import jobs as webhook_jobs
from tenure.webhooks import queries as webhooks_read

__all__ = ["put_into_words"]

# 1. Who listens: event → reactions, in order.

LISTENERS = {
    "orders.tell_placed": order_jobs.tell_placed,
    "orders.tell_approval_asked": order_jobs.tell_approval_asked,
    "orders.tell_approval_decided": order_jobs.tell_approval_decided,
    "orders.tell_paid": order_jobs.tell_paid,
    "orders.tell_expiring": order_jobs.tell_expiring,
    "orders.tell_expired": order_jobs.tell_expired,
    "orders.tell_declined": order_jobs.tell_declined,
    "orders.tell_action_needed": order_jobs.tell_action_needed,
    "orders.tell_unknown": order_jobs.tell_unknown,
    "orders.tell_short": order_jobs.tell_short,
    "orders.tell_refunded": order_jobs.tell_refunded,
    "billing.make_pdf": order_jobs.make_pdf,
    "orders.tell_disputed": order_jobs.tell_disputed,
    "orders.tell_dispute_closed": order_jobs.tell_dispute_closed,
    "orders.tell_withholding": order_jobs.tell_withholding,
    "partners.tell_exemption_moved": partner_jobs.tell_moved,
    "partners.tell_exemption_ending": partner_jobs.tell_ending,
    "renewals.tell_due": renewal_jobs.tell_due,
    "renewals.tell_card_removed": renewal_jobs.tell_card_removed,
    "renewals.tell_auto_renew_off": renewal_jobs.tell_auto_renew_off,
    "enrolment.tell_confirmation": support_jobs.tell_confirmation,
    "enrolment.tell_verified": support_jobs.tell_verified,
    "enrolment.tell_rejected": support_jobs.tell_rejected,
    "people.tell_place_ending": support_jobs.tell_place_ending,
    "people.tell_invited": support_jobs.tell_invited,
    "partners.tell_invited_here": support_jobs.tell_invited_here,
    "support.tell_opened": support_jobs.tell_opened,
    "support.tell_replied": support_jobs.tell_replied,
    "support.tell_closed": support_jobs.tell_closed,
    "competencies.tell_qualified": support_jobs.tell_qualified,
    "webhooks.tell_disabled": webhook_jobs.tell_disabled,
}

REACTIONS = {
    events.OrderPlaced: ["orders.tell_placed"],
    events.OrderApprovalAsked: ["orders.tell_approval_asked"],
    events.OrderApprovalDecided: ["orders.tell_approval_decided"],
    events.OrderMethodChanged: ["orders.tell_placed"],
    events.OrderPaid: ["billing.make_pdf", "orders.tell_paid"],
    events.OrderExpiring: ["orders.tell_expiring"],
    events.OrderExpired: ["orders.tell_expired"],
    events.PaymentDeclined: ["orders.tell_declined"],
    events.PaymentActionNeeded: ["orders.tell_action_needed"],
    events.PaymentUnknown: ["orders.tell_unknown"],
    events.TransferShort: ["orders.tell_short"],
    events.PaymentRefunded: ["billing.make_pdf", "orders.tell_refunded"],
    events.PaymentDisputed: ["orders.tell_disputed"],
    events.DisputeClosed: ["billing.make_pdf", "orders.tell_dispute_closed"],
    events.WithholdingMoved: ["orders.tell_withholding"],
    events.ExemptionMoved: ["partners.tell_exemption_moved"],
    events.ExemptionEnding: ["partners.tell_exemption_ending"],
    events.DueFell: ["renewals.tell_due"],
    events.CardRemoved: ["renewals.tell_card_removed"],
    events.AutoRenewTurnedOff: ["renewals.tell_auto_renew_off"],
    events.ConfirmationAsked: ["enrolment.tell_confirmation"],
    events.PartnerVerified: ["enrolment.tell_verified"],
    events.CheckDecided: ["enrolment.tell_rejected"],
    events.PlaceEnding: ["people.tell_place_ending"],
    events.PersonInvited: ["people.tell_invited"],
    events.PartnerInvitedHere: ["partners.tell_invited_here"],
    events.RequestOpened: ["support.tell_opened"],
    events.RequestReplied: ["support.tell_replied"],
    events.RequestClosed: ["support.tell_closed"],
    events.CompetencyQualified: ["competencies.tell_qualified"],
    events.EndpointDisabled: ["webhooks.tell_disabled"],
}

STILL_TRUE = {
    "due": renewal_jobs.still_true,
    "checking": order_jobs.still_checking,
    "invitation": support_jobs.invitation_stands,
}

# 2. What runs when: all of it at every tick, in this order.

_in_worker: ContextVar[bool] = ContextVar("in_worker", default=False)


def _run_renewals(now: datetime) -> int:
    return renewals.run(SYSTEM, None, now=now).work


def _publish(now: datetime) -> int:
    """Numbering makes no further work of itself; what is owed for it is counted when it is sent."""
    feed.publish(now)
    return 0


def _deliver(now: datetime) -> int:
    """Send webhooks: here, or in the worker by others beside it, so that a slow receiver holds up nobody."""
    if not _in_worker.get():
        return sending.deliver(now)
    if webhooks_read.anything_due(now):
        with suppress(AlreadyEnqueued):
            send_webhooks.configure(queueing_lock="webhooks").defer()
    return 0


SCHEDULE = [
    ("purchases.ask_open_attempts", purchases.ask_open_attempts),
    ("purchases.finish_refunds", purchases.finish_refunds),
    ("support.finish_refunded", lambda now: support.finish_refunded(now, SYSTEM)),
    ("purchases.finish_statements", importing.finish_statements),
    ("purchases.expire_orders", purchases.expire_orders),
    ("renewals.run", _run_renewals),
    ("purchases.warn_expiring_orders", purchases.warn_expiring_orders),
    ("partners.warn_ending", exemptions.warn_ending),
    ("people.follow_places", people.follow_places),
    ("enrolment.follow_recoveries", recovery.follow_recoveries),
    ("billing.recognise", closing.recognise),
    ("billing.reconcile", reconciling.reconcile_daily),
    ("renewals.finish_removals", renewal_cards.finish_removals),
    ("purchases.follow_disputes", disputes.follow_disputes),
    ("proof.seal", seals.seal),
    ("webhooks.publish", _publish),
    ("webhooks.deliver", _deliver),
]


# The next day, after a given one, on which a job can have work; so that idle days are passed over when a
# demonstration walks forward. A job that stands here must never fall due on another day.
COMES_DUE = {
    "purchases.ask_open_attempts": lambda day: None,
    "purchases.finish_refunds": payments_read.next_day_of_refunds,
    "support.finish_refunded": payments_read.next_day_of_refunds,
    "purchases.finish_statements": payments_read.next_day_of_statements,
    "purchases.expire_orders": orders_read.next_day,
    "renewals.run": renewals_read.next_day,
    "purchases.warn_expiring_orders": orders_read.next_day,
    "partners.warn_ending": partners_read.next_day_of_exemptions,
    "people.follow_places": people_read.next_day_of_places,
    "enrolment.follow_recoveries": enrolment_read.next_day_of_recoveries,
    "billing.recognise": closing.next_day,
    "billing.reconcile": reconciling.next_day,
    "renewals.finish_removals": renewal_cards.next_day_of_removals,
    "purchases.follow_disputes": payments_read.next_day_of_disputes,
    "proof.seal": lambda day: None,
    "webhooks.publish": lambda day: None,
    "webhooks.deliver": lambda day: None,
}

# The next instant, after a given one, at which something falls due that does not keep to days.
COMES_DUE_AT = [payments_read.next_ask_at, webhooks_read.next_due_at]


def job_failed(name: str, now: datetime) -> None:
    """A scheduled job broke: a person should know, the next tick tries again."""
    with beat():
        outbox.open_task("job", f"job:{name}", None, "failed", now)


# 3. Which gateway.

CARD_GATEWAY = "stripe" if settings.TENURE_STRIPE_SECRET_KEY and not settings.TENURE_DEMO else "demo"


def listens(name: str) -> bool:
    """Whether a gateway's doorbell is answered: the pretend one's in a demonstration, Stripe's where it is paid by."""
    return settings.TENURE_DEMO if name == "demo" else bool(settings.TENURE_STRIPE_WEBHOOK_SECRETS)


@cache
def gateway(name: str):
    """The gateway of a name; one client per process, connections reused. The pretend one speaks the same wire."""
    site = settings.TENURE_BASE_URL
    if name == "demo":
        secret = settings.TENURE_DEMO_GATEWAY_SECRET
        base = settings.TENURE_DEMO_GATEWAY_URL
        return StripeGateway(secret, [secret], name="demo", base=base, site=site, told_time=offset.note)
    return {
        "stripe": lambda: StripeGateway(
            settings.TENURE_STRIPE_SECRET_KEY,
            settings.TENURE_STRIPE_WEBHOOK_SECRETS,
            base=settings.TENURE_STRIPE_API_BASE,
            site=site,
            told_time=offset.note,
        )
    }[name]()


# The engine only wakes us: everything that is due stands in rows.


@engine.periodic(cron="* * * * *")
@engine.task(queueing_lock="tick", name="tenure.tick")
def tick(timestamp: int) -> None:
    if applied():
        _in_worker.set(True)
        jobs.run_until_idle(clock.now())


@engine.task(name="tenure.drain")
def drain() -> None:
    _in_worker.set(True)
    now = clock.now()
    jobs.settle_down(now)
    _publish(now)
    _deliver(now)


@engine.task(name="tenure.webhooks", queue=jobs.BESIDE)
def send_webhooks() -> None:
    """With many hands, and for so short a time that the worker can be told to stop; what is left is begun anew."""
    _in_worker.set(True)
    sending.deliver(clock.now(), hands=8)
    _deliver(clock.now())


def wake() -> None:
    """Ask the worker to look for reactions; part of the transaction that made them."""
    drain.defer()
