"""The status vocabulary: one word and one tone for each state, the same on pages, in the API and in mail.

It decides how a state is called, never which state it is. A state whose word depends on where it stands has a
dotted entry (``proof.rejected``); the plain one serves everywhere else. Read next: ``templatetags/words.py``.
"""

from typing import Any

from django.utils.translation import pgettext_lazy as word

OK, WARN, DANGER, QUIET = "ok", "warn", "danger", "quiet"

STATUSES: dict[str, tuple[Any, str]] = {
    # Subscriptions and offers
    "active": (word("status", "Active"), OK),
    "renewal_window": (word("status", "Renewal window open"), WARN),
    "lapsed": (word("status", "Lapsed"), DANGER),
    "cancelled": (word("status", "Cancelled"), QUIET),
    "suspended": (word("status", "Suspended"), DANGER),
    "subscription.pending": (word("status", "Awaiting payment"), WARN),
    "available": (word("status", "Available"), QUIET),
    "not_held": (word("status", "Not held"), QUIET),
    "legacy": (word("status", "Managed in the old portal"), QUIET),
    "auto_renew_on": (word("status", "Auto-renew on"), OK),
    "auto_renew_off": (word("status", "Auto-renew off"), QUIET),
    # Orders and payments
    "waits_for_approval": (word("status", "Waits for approval"), WARN),
    "unfinished": (word("status", "Unfinished"), WARN),
    "draft": (word("status", "Unfinished"), WARN),
    "placed": (word("status", "Order placed"), WARN),
    "awaiting_payment": (word("status", "Awaiting payment"), WARN),
    "short_paid": (word("status", "Amount too small"), DANGER),
    "checking": (word("status", "Checking with the bank"), WARN),
    "unknown": (word("status", "Checking with the bank"), WARN),
    "initiated": (word("status", "Under way"), WARN),
    "captured": (word("status", "Paid"), OK),
    "paid": (word("status", "Paid"), OK),
    "fulfilled": (word("status", "Paid"), OK),
    "declined": (word("status", "Declined"), DANGER),
    "failed": (word("status", "Failed"), DANGER),
    "expired": (word("status", "Expired"), QUIET),
    "order.expired": (word("status", "Expired unpaid"), QUIET),
    "refunded": (word("status", "Refunded"), QUIET),
    "credited": (word("status", "Credited"), QUIET),
    "issued": (word("status", "Issued"), OK),
    "purchase": (word("status", "Purchase"), QUIET),
    "renewal": (word("status", "Renewal"), QUIET),
    "upgrade": (word("status", "Upgrade"), QUIET),
    # Bank transfers
    "matched": (word("status", "Matched"), OK),
    "ignored": (word("status", "Set aside"), QUIET),
    "unmatched": (word("status", "Unmatched"), WARN),
    "held": (word("status", "Held"), WARN),
    "proof.uploaded": (word("status", "Proof being checked"), WARN),
    "proof.accepted": (word("status", "Proof accepted"), OK),
    "proof.rejected": (word("status", "Proof not accepted"), DANGER),
    # Verification
    "pending": (word("status", "Pending"), WARN),
    "passed": (word("status", "Passed"), OK),
    "authorised": (word("status", "Authorised"), OK),
    "rejected": (word("status", "Rejected"), DANGER),
    "appealed": (word("status", "Appeal under review"), WARN),
    "not_joined": (word("status", "Not joined"), QUIET),
    # Competencies
    "not_started": (word("status", "Not started"), QUIET),
    "started": (word("status", "Started"), QUIET),
    "qualified": (word("status", "Qualified"), OK),
    "at_risk": (word("status", "At risk"), DANGER),
    "lost": (word("status", "Lost"), DANGER),
    "waived": (word("status", "Waived"), OK),
    "met": (word("status", "Met"), OK),
    "missing": (word("status", "Missing"), WARN),
    # Benefits
    "benefit.available": (word("status", "Ready to use"), OK),
    "provisioning": (word("status", "Being prepared"), WARN),
    "assigned": (word("status", "Assigned"), OK),
    "activated": (word("status", "Activated"), OK),
    "revealed": (word("status", "Key revealed"), OK),
    "exhausted": (word("status", "Used up"), QUIET),
    "revoked": (word("status", "Withdrawn"), DANGER),
    # Support
    "open": (word("status", "Open"), WARN),
    "attention_needed": (word("status", "Needs your answer"), DANGER),
    "office.attention_needed": (word("status", "Waiting for the partner"), QUIET),
    "closed": (word("status", "Closed"), QUIET),
    # People and invitations
    "invited": (word("status", "Invited"), WARN),
    "recovery_started": (word("status", "Started"), WARN),
    "recovery_agreed": (word("status", "Agreed to"), WARN),
    "recovery_stopped": (word("status", "Stopped"), QUIET),
    "recovery_done": (word("status", "Admin invited"), OK),
    "invitation.used": (word("status", "Used"), QUIET),
    "deactivated": (word("status", "Deactivated"), QUIET),
    # Mail and background work
    "queued": (word("status", "Queued"), QUIET),
    "sent": (word("status", "Sent"), OK),
    "skipped": (word("status", "Not sent, overtaken"), QUIET),
    "suppressed": (word("status", "Not sent"), QUIET),
    "due.suppressed": (word("status", "Overtaken"), QUIET),
    "parked": (word("status", "Parked"), DANGER),
    "running": (word("status", "Running"), WARN),
    "done": (word("status", "Done"), OK),
    # Attempts and refunds
    "new": (word("status", "New"), QUIET),
    "calling": (word("status", "Under way"), WARN),
    "processing": (word("status", "Under way"), WARN),
    "needs_action": (word("status", "Needs verification"), WARN),
    "succeeded": (word("status", "Done"), OK),
    "refused": (word("status", "Refused"), DANGER),
    # Disputes
    "needs_response": (word("status", "Needs evidence"), DANGER),
    "under_review": (word("status", "With the bank"), WARN),
    "won": (word("status", "Won"), OK),
    "dispute.lost": (word("status", "Lost"), DANGER),
    "refund.full": (word("status", "Full refund"), QUIET),
    "refund.tax": (word("status", "Tax refund"), QUIET),
    "late_capture": (word("status", "Late payment returned"), QUIET),
    "card": (word("status", "Card"), QUIET),
    "bank_transfer": (word("status", "Bank transfer"), QUIET),
    # Terms and documents
    "auto_renewal": (word("status", "Auto-renewal"), QUIET),
    "import": (word("status", "From the old portal"), QUIET),
    "here": (word("status", "Managed here"), OK),
    "invoice": (word("status", "Invoice"), QUIET),
    "credit_note": (word("status", "Credit note"), QUIET),
    "pro_forma": (word("status", "Pro-forma invoice"), QUIET),
    # Kinds of verification
    "email": (word("status", "E-mail address"), QUIET),
    "employment": (word("status", "Employment"), QUIET),
    "business": (word("status", "Business"), QUIET),
    # What a support request asks for, and how it ended
    "cancel": (word("status", "Cancellation"), WARN),
    "refund": (word("status", "Refund"), WARN),
    "exemption": (word("status", "Tax exemption"), QUIET),
    "do_not_renew": (word("status", "Ends at expiry"), QUIET),
    "tax_refunded": (word("status", "Tax refunded"), OK),
    "answered": (word("status", "Answered"), OK),
    # Tax certificates: withheld tax and exemption
    "submitted": (word("status", "Being checked"), WARN),
    "pending_partner": (word("status", "Waiting for your company"), DANGER),
    "office.pending_partner": (word("status", "Waiting for the partner"), QUIET),
    "accepted": (word("status", "Accepted"), OK),
    "withheld": (word("status", "Withheld tax"), WARN),
    "government": (word("status", "Government or public body"), QUIET),
    "education": (word("status", "School or research body"), QUIET),
    "charity": (word("status", "Charity"), QUIET),
    "international": (word("status", "International organisation or diplomatic mission"), QUIET),
    "other": (word("status", "Another ground"), QUIET),
    # Webhook endpoints and what is owed to them
    "paused": (word("status", "Paused"), WARN),
    "gone": (word("status", "Gone"), DANGER),
    "failing": (word("status", "Not answering"), DANGER),
    "removed": (word("status", "Removed"), QUIET),
    "delivery.due": (word("status", "To be sent"), WARN),
    "delivered": (word("status", "Delivered"), OK),
    "delivery.failed": (word("status", "Not delivered"), DANGER),
    # Ledger accounts
    "receivable": (word("status", "Receivable"), QUIET),
    "gateway_clearing": (word("status", "Card clearing"), QUIET),
    "bank": (word("status", "Bank"), QUIET),
    "account.held": (word("status", "Held for partners"), QUIET),
    "suspense": (word("status", "Suspense"), QUIET),
    "deferred_revenue": (word("status", "Deferred revenue"), QUIET),
    "revenue": (word("status", "Revenue"), QUIET),
    "tax": (word("status", "Tax"), QUIET),
    "refunds": (word("status", "Refunds"), QUIET),
    "fees": (word("status", "Fees"), QUIET),
    "disputes": (word("status", "Disputes"), QUIET),
    "rounding": (word("status", "Rounding"), QUIET),
}


def status_of(code: str) -> tuple[str, str]:
    """The word in the active language and the tone. A dotted code falls back to its last part.

    An unknown code is shown as it is: a page must not fail for want of a word; a test finds it instead.
    """
    entry = STATUSES.get(code) or STATUSES.get(code.rsplit(".", 1)[-1])
    return (str(entry[0]), entry[1]) if entry else (code, QUIET)
