"""What a task asks of a person, in words. A task whose kind is new here is told by its reason alone."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as word

from tenure.web.shared.messages import MESSAGES, say

KINDS: dict[str, Any] = {
    "reaction": word("What should have followed an event keeps failing"),
    "renewal": word("The renewal run could not handle a subscription"),
    "job": word("A scheduled job failed"),
    "payment": word("The charge and the order do not agree"),
    "dispute": word("A cardholder's bank disputes a payment"),
    "withholding": word("A certificate of withheld tax was sent in"),
    "exemption": word("A company applied for tax exemption"),
    "card": word("A removed card has not been forgotten"),
    "charging": word("Charging cards is stopped"),
    "webhook": word("A webhook endpoint of the office was stopped"),
    "order": word("An order could not be closed"),
    "proof": word("A proof of payment was uploaded"),
    "reconciliation": word("The gateway's list and the books differ"),
    "transfer": word("A line of the bank could not be given to its order"),
    "transfer_out": word("A debit names a refund that it does not fit"),
    "transfer_reversed": word("The bank turned a booking round"),
    "transfer_short": word("A transfer was too small"),
}


def task_words(kind: str, object: str, reason: str) -> str:
    """One sentence: what is the matter, with which thing, and the reason noted."""
    if reason in MESSAGES:
        reason = say(reason)
    facts = {"what": KINDS.get(kind, kind), "object": object, "reason": reason}
    return _("%(what)s: %(object)s. %(reason)s") % facts
