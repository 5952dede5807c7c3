"""What happened, in words: one line for each event, for timelines in the portal and the back office.

It must never decide anything; an event without words is shown by its name, and a test finds it. Read next:
``tenure/events.py``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as word

from tenure.kernel.money import Money
from tenure.people.queries import names
from tenure.plumbing.db import unpack
from tenure.web.shared.language import fill, language
from tenure.web.shared.statuses import status_of

GOOD, QUIET, BAD = "", "quiet", "bad"

WORDS: dict[str, tuple[Any, str]] = {
    "programme.applied": (word("Programme version %(version)s applied"), QUIET),
    "people.invited": (word("Somebody was invited to join the company"), QUIET),
    "people.joined": (word("A person joined the company"), QUIET),
    "people.roles_changed": (word("A person's roles were changed"), QUIET),
    "people.deactivated": (word("A person was deactivated"), QUIET),
    "people.place_limited": (word("A person's place was given another last day"), QUIET),
    "people.place_ending": (word("A person's place ends on %(until_on)s"), QUIET),
    "people.reactivated": (word("A person was brought back"), QUIET),
    "people.key_made": (word("API key %(prefix)s was made"), QUIET),
    "people.key_rotated": (word("API key %(prefix)s takes the place of an older one"), QUIET),
    "people.key_revoked": (word("API key %(prefix)s was revoked"), QUIET),
    "webhooks.endpoint_added": (word("Webhook endpoint at %(host)s added"), QUIET),
    "webhooks.endpoint_changed": (word("Webhook endpoint at %(host)s: %(status)s"), QUIET),
    "webhooks.endpoint_disabled": (word("Webhooks to %(host)s were stopped"), BAD),
    "webhooks.secret_rotated": (word("A webhook's signing secret was replaced"), QUIET),
    "webhooks.tested": (word("A test was sent to a webhook endpoint"), QUIET),
    "partners.joined": (word("The company joined with partner ID %(number)s"), GOOD),
    "partners.changed": (word("The company's data were changed"), QUIET),
    "partners.suspended": (word("The account was suspended: %(reason)s"), BAD),
    "partners.reinstated": (word("The suspension was lifted"), GOOD),
    "partners.exempted": (
        word("Tax exemption %(certificate)s recorded, valid from %(valid_from)s to %(valid_to)s"),
        GOOD,
    ),
    "partners.exemption_moved": (word("Application for tax exemption: %(status)s"), QUIET),
    "partners.exemption_ending": (word("Tax exemption %(certificate)s ends on %(valid_to)s"), QUIET),
    "partners.location_added": (word("Location %(number)s was added"), QUIET),
    "partners.location_changed": (word("Location %(number)s was changed"), QUIET),
    "partners.location_removed": (word("Location %(number)s was removed"), QUIET),
    "partners.invited_here": (word("The company was invited to move here from the old portal"), QUIET),
    "partners.moved_here": (word("The company moved here from the old portal"), GOOD),
    "enrolment.agreement_accepted": (word("Agreement version %(version)s was accepted"), QUIET),
    "enrolment.email_confirmed": (word("The e-mail address was confirmed"), QUIET),
    "enrolment.confirmation_asked": (word("The link that confirms the e-mail address was sent"), QUIET),
    "enrolment.check_decided": (word("Verification %(kind)s: %(state)s"), QUIET),
    "enrolment.appealed": (word("Appeal against the verification %(kind)s"), QUIET),
    "enrolment.evidence_handed_in": (word("A document was handed in for the verification %(kind)s"), QUIET),
    "enrolment.recovery_moved": (word("The recovery of a company without admins: %(status)s"), QUIET),
    "enrolment.verified": (word("The company is authorised"), GOOD),
    "partners.approval_limit_set": (word("The amount above which orders are approved was changed"), QUIET),
    "orders.approval_asked": (word("Order %(number)s waits for an approver of the company"), QUIET),
    "orders.approval_decided": (word("An approver of the company decided on order %(number)s"), QUIET),
    "orders.placed": (word("Order %(number)s placed"), QUIET),
    "orders.paid": (word("Order %(number)s paid"), GOOD),
    "orders.cancelled": (word("Order %(number)s cancelled"), QUIET),
    "orders.expired": (word("Order %(number)s expired unpaid"), BAD),
    "orders.expiring": (word("Order %(number)s is about to expire unpaid"), QUIET),
    "orders.method_changed": (word("Another way to pay chosen for order %(number)s"), QUIET),
    "orders.proof_uploaded": (word("Proof of payment uploaded for order %(number)s"), QUIET),
    "charging.released": (word("Charging released after a restore: %(reason)s"), QUIET),
    "charging.stopped": (word("Charging cards was stopped: %(reason)s"), BAD),
    "charging.started": (word("Charging cards goes on: %(reason)s"), GOOD),
    "payments.card_removed": (word("%(label)s was removed"), QUIET),
    "payments.declined": (word("The card was declined for order %(number)s"), BAD),
    "payments.action_needed": (word("The bank asked for verification for order %(number)s"), QUIET),
    "payments.unknown": (word("No answer about the charge for order %(number)s; the bank is being asked"), BAD),
    "payments.transfer_received": (word("Transfer recorded"), QUIET),
    "payments.transfer_matched": (word("Transfer matched to order %(number)s"), GOOD),
    "payments.transfer_held": (word("Transfer held for the company"), QUIET),
    "payments.transfer_ignored": (word("Transfer set aside: it is for no order"), QUIET),
    "payments.withholding_moved": (word("Certificate of withheld tax for order %(number)s: %(status)s"), QUIET),
    "payments.transfer_short": (word("Transfer for order %(number)s is %(missing)s short"), BAD),
    "payments.late_capture_returned": (word("A late card payment for order %(number)s was given back"), BAD),
    "payments.refunded": (word("The money was given back"), QUIET),
    "payments.disputed": (word("The bank disputes the payment of order %(number)s"), BAD),
    "payments.dispute_closed": (word("The bank has decided the dispute about order %(number)s"), QUIET),
    "billing.invoice_issued": (word("Document %(number)s issued"), QUIET),
    "billing.month_closed": (word("The books were closed for %(month)s"), QUIET),
    "memberships.subscribed": (word("Subscribed"), GOOD),
    "memberships.term_opened": (word("Term %(starts_on)s to %(expires_on)s began"), GOOD),
    "memberships.ended": (word("The subscription ended"), BAD),
    "renewals.auto_renew_turned_off": (word("Auto-renew turned off"), QUIET),
    "renewals.auto_renew_turned_on": (word("Auto-renew turned on"), QUIET),
    "renewals.card_changed": (word("%(label)s will be charged at the next renewal"), QUIET),
    "renewals.fell_due": (word("Reminder due: %(action)s"), QUIET),
    "renewals.lapsed": (word("The subscription lapsed"), BAD),
    "renewals.ran": (word("The renewal run ended"), QUIET),
    "support.opened": (word("Support request %(number)s opened"), QUIET),
    "support.replied": (word("Reply in support request %(number)s"), QUIET),
    "support.closed": (word("Support request %(number)s closed: %(outcome)s"), QUIET),
    "support.reopened": (word("Support request %(number)s reopened"), QUIET),
    "support.refund_approved": (word("First approval of the refund in support request %(number)s"), QUIET),
    "benefits.granted": (word("Benefits granted"), GOOD),
    "benefits.key_revealed": (word("A product key was revealed"), QUIET),
    "benefits.used": (word("A benefit was used"), QUIET),
    "benefits.revoked": (word("Benefits withdrawn"), BAD),
    "competencies.evidence_recorded": (word("Evidence recorded: %(criterion)s at %(value)s"), QUIET),
    "competencies.qualified": (word("All requirements of a competency are met"), GOOD),
}

DUE = {
    "reminder": word("renewal reminder"),
    "opened": word("renewal window open"),
    "last_call": word("last call"),
    "card": word("notice that the card ends"),
    "lapsed": word("lapsed"),
    "charge": word("automatic charge"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a timeline."""

    words: str
    at: datetime
    by: str
    tone: str
    href: str = ""


def entries(rows: list[Any], link: Callable[[Any, dict[str, Any]], str] | None = None) -> list[Entry]:
    """Events as the lines of a timeline, with the names of who did what; ``link`` may lead on from one."""
    people = names({row.actor for row in rows})
    return [
        Entry(
            sentence(row.name, facts),
            row.occurred_at,
            people.get(row.actor, "Tenure" if row.actor == "system" else ""),
            WORDS.get(row.name, ("", QUIET))[1],
            link(row, facts) if link else "",
        )
        for row, facts in ((row, unpack(row.payload)) for row in rows)
    ]


def sentence(name: str, facts: dict[str, Any]) -> str:
    """An event's line. Kinds and states speak the vocabulary of the statuses."""
    if name not in WORDS:
        return name
    said = {
        key: status_of(value)[0] if key in ("kind", "state", "outcome", "status") else value
        for key, value in facts.items()
    }
    if name == "payments.transfer_short":
        said["missing"] = Money(facts["missing_minor"], facts["currency"])
    if "action" in facts:
        said["action"] = due_words(facts["action"])
    return fill(str(WORDS[name][0]), said, language())


def due_words(action: str) -> str:
    """What fell due, as people say it: ``reminder:-15`` is a renewal reminder.

    >>> due_words("something_else:+1")
    'something_else:+1'
    """
    known = DUE.get(action.split(":", maxsplit=1)[0])
    return str(known) if known else action
