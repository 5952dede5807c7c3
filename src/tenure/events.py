"""All that can happen: past tense, frozen, with the wire names (``capability.what_happened``) the outside relies on.

An event carries ids and facts, never rows. Who reacts stands in ``wiring.py``. Read next: ``kernel/happening.py``.
"""

from datetime import date
from typing import Any

from tenure.events_of_doors import *  # noqa: F403
from tenure.kernel.happening import BY_NAME as BY_NAME
from tenure.kernel.happening import Event as Event
from tenure.kernel.happening import event as _event


@_event("programme.applied")
class ProgrammeApplied(Event):
    version: int
    sha256: str


@_event("people.invited")
class PersonInvited(Event):
    invitation: int


@_event("people.joined")
class PersonJoined(Event):
    person: int


@_event("people.roles_changed")
class RolesChanged(Event):
    person: int
    before: list[str]
    after: list[str]


@_event("people.deactivated")
class PersonDeactivated(Event):
    person: int


@_event("people.reactivated")
class PersonReactivated(Event):
    person: int


@_event("partners.joined")
class PartnerJoined(Event):
    number: str


@_event("partners.changed")
class PartnerChanged(Event):
    before: dict[str, Any]
    after: dict[str, Any]


@_event("partners.suspended")
class PartnerSuspended(Event):
    reason: str


@_event("partners.reinstated")
class PartnerReinstated(Event):
    pass


@_event("partners.exempted")
class PartnerExempted(Event):
    certificate: str
    valid_from: date
    valid_to: date


@_event("partners.exemption_moved")
class ExemptionMoved(Event):
    application: int
    status: str
    words: str = ""


@_event("partners.exemption_ending")
class ExemptionEnding(Event):
    certificate: str
    valid_to: date


@_event("partners.invited_here")
class PartnerInvitedHere(Event):
    pass


@_event("partners.moved_here")
class PartnerMovedHere(Event):
    pass


@_event("enrolment.agreement_accepted")
class AgreementAccepted(Event):
    agreement: str
    version: str
    person: int


@_event("enrolment.email_confirmed")
class EmailConfirmed(Event):
    pass


@_event("enrolment.confirmation_asked")
class ConfirmationAsked(Event):
    person: int


@_event("enrolment.check_decided")
class CheckDecided(Event):
    kind: str
    state: str
    reason: str


@_event("enrolment.appealed")
class CheckAppealed(Event):
    kind: str


@_event("enrolment.verified")
class PartnerVerified(Event):
    pass


@_event("orders.placed")
class OrderPlaced(Event):
    number: str
    purpose: str
    method: str


@_event("orders.paid")
class OrderPaid(Event):
    number: str
    term: int
    invoice: int


@_event("orders.cancelled")
class OrderCancelled(Event):
    number: str


@_event("orders.expired")
class OrderExpired(Event):
    number: str


@_event("orders.expiring")
class OrderExpiring(Event):
    number: str


@_event("orders.method_changed")
class OrderMethodChanged(Event):
    number: str
    method: str


@_event("orders.proof_uploaded")
class ProofUploaded(Event):
    number: str


@_event("payments.declined")
class PaymentDeclined(Event):
    number: str
    reason: str
    hard: bool
    automatic: bool


@_event("payments.action_needed")
class PaymentActionNeeded(Event):
    number: str


@_event("payments.unknown")
class PaymentUnknown(Event):
    number: str


@_event("payments.transfer_received")
class TransferReceived(Event):
    line: int


@_event("payments.transfer_matched")
class TransferMatched(Event):
    line: int
    number: str


@_event("payments.transfer_held")
class TransferHeld(Event):
    line: int


@_event("payments.withholding_moved")
class WithholdingMoved(Event):
    withholding: int
    number: str
    status: str
    words: str = ""


@_event("payments.transfer_ignored")
class TransferIgnored(Event):
    line: int


@_event("payments.transfer_short")
class TransferShort(Event):
    number: str
    missing_minor: int
    currency: str


@_event("payments.late_capture_returned")
class LateCaptureReturned(Event):
    number: str


@_event("payments.refunded")
class PaymentRefunded(Event):
    refund: int
    credit_note: int


@_event("payments.disputed")
class PaymentDisputed(Event):
    number: str
    dispute: int
    reason: str


@_event("payments.dispute_closed")
class DisputeClosed(Event):
    """The cardholder's bank has decided, for us (``won``) or against us."""

    number: str
    dispute: int
    won: bool


@_event("billing.invoice_issued")
class InvoiceIssued(Event):
    invoice: int
    number: str


@_event("billing.month_closed")
class MonthClosed(Event):
    month: str


@_event("memberships.subscribed")
class Subscribed(Event):
    offer: str


@_event("memberships.term_opened")
class TermOpened(Event):
    term: int
    n: int
    kind: str
    starts_on: date
    expires_on: date


@_event("memberships.ended")
class SubscriptionEnded(Event):
    reason: str


@_event("renewals.auto_renew_turned_off")
class AutoRenewTurnedOff(Event):
    cause: str


@_event("renewals.auto_renew_turned_on")
class AutoRenewTurnedOn(Event):
    cause: str


@_event("renewals.card_changed")
class RenewalCardChanged(Event):
    """Another card of the company will be charged at the next renewal."""

    card: int
    label: str


@_event("renewals.fell_due")
class DueFell(Event):
    due: int
    action: str


@_event("renewals.lapsed")
class SubscriptionLapsed(Event):
    term: int


@_event("renewals.ran")
class RenewalsRan(Event):
    run: int


@_event("support.opened")
class RequestOpened(Event):
    number: str
    problem_type: str


@_event("support.replied")
class RequestReplied(Event):
    number: str
    by_staff: bool
    internal: bool = False


@_event("support.closed")
class RequestClosed(Event):
    number: str
    outcome: str


@_event("support.reopened")
class RequestReopened(Event):
    number: str


@_event("support.refund_approved")
class RefundApproved(Event):
    number: str


@_event("charging.released")
class ChargingReleased(Event):
    reason: str


@_event("charging.stopped")
class ChargingStopped(Event):
    cause: str
    reason: str


@_event("charging.started")
class ChargingStarted(Event):
    reason: str


@_event("payments.card_removed")
class CardRemoved(Event):
    card: int
    label: str
    renewed: list[int]


@_event("benefits.granted")
class BenefitsGranted(Event):
    term: int


@_event("benefits.key_revealed")
class KeyRevealed(Event):
    grant: int
    key: int


@_event("benefits.used")
class BenefitUsed(Event):
    grant: int
    quantity: int


@_event("benefits.revoked")
class BenefitsRevoked(Event):
    term: int


@_event("competencies.evidence_recorded")
class EvidenceRecorded(Event):
    criterion: str
    value: int


@_event("competencies.qualified")
class CompetencyQualified(Event):
    offer: str
