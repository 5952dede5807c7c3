"""What every card gateway can be asked, and the only answers it may give.

It decides the shape of a charge from outside: a payment is created unconfirmed, its id is stored by the
caller, then it is confirmed; a lost answer is resolved by reading that id (reliability.md, 0.4). It must
never know a row, a request or a clock of the programme. Read next: ``gateways/stripe.py``, the adapter.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from tenure.kernel.money import Money


class Unknown(Exception):
    """The answer is missing: nobody can say whether money moved. Never "failed"; ask with ``look``.

    >>> Unknown("no_answer").reason
    'no_answer'
    """

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


class Rejected(Exception):
    """The gateway refused the request itself; no money moved. Sending it again as it is changes nothing.

    >>> Rejected("idempotency_mismatch").code
    'idempotency_mismatch'
    """

    def __init__(self, code: str):
        super().__init__(code)
        self.code = code


class Forged(Exception):
    """A doorbell that the gateway did not ring, or rang too long ago."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


class Status(StrEnum):
    """Where a payment stands. ``needs_action`` waits for the customer, ``processing`` for the bank."""

    NEEDS_ACTION = "needs_action"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    CANCELLED = "cancelled"


FINAL = frozenset({Status.SUCCEEDED, Status.DECLINED, Status.CANCELLED})


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A payment for which the customer names the card, on the gateway's own page.

    ``key`` is the attempt's one key, made from order and attempt number; adapters derive from it the key of
    each call. ``return_path`` is a path on our portal; nothing in the return is trusted.
    """

    key: str
    amount: Money
    order: str
    attempt: int
    description: str
    language: str
    return_path: str
    save_card: bool
    customer: str
    payer_name: str
    merchant: str = "Tenure"


@dataclass(frozen=True, slots=True)
class CardPageRequest:
    """A card that is named on the gateway's own page to be kept; nothing is charged.

    ``currency`` is the one it will be charged in. ``key`` belongs to this page alone.
    """

    key: str
    customer: str
    currency: str
    language: str
    return_path: str
    payer_name: str
    merchant: str = "Tenure"


@dataclass(frozen=True, slots=True)
class Page:
    """A page that waits for the customer: the payment's id, and where the browser goes.

    ``path`` lies below the portal's own ``/pay/``, or is a full address where the gateway hosts its page.
    """

    ref: str
    path: str


@dataclass(frozen=True, slots=True)
class ChargeRequest:
    """A payment with a saved card. ``off_session``: the customer is not there to answer his bank.

    ``language`` and ``return_path`` serve the page of authentication, which only a present customer sees.
    """

    key: str
    amount: Money
    order: str
    attempt: int
    description: str
    card_token: str
    customer: str
    off_session: bool
    language: str = "en"
    return_path: str = "/"


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """Money back from one captured payment; ``key`` belongs to this refund, not to the payment."""

    key: str
    payment_ref: str
    amount: Money
    reason: str


@dataclass(frozen=True, slots=True)
class Card:
    """What may be kept of a card. ``token`` is empty when the customer did not let it be saved."""

    token: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """The gateway's word on one payment.

    ``confirmed`` is false until somebody asked for the money: a prepared charge, or a page nobody has used.
    Such a payment stands at ``needs_action``; it may be confirmed or cancelled, and cannot have charged.

    >>> paid = Outcome(Status.SUCCEEDED, "pi_1", Money(15750, "TWD"))
    >>> paid.final, paid.status == "succeeded"
    (True, True)
    """

    status: Status
    ref: str
    amount: Money
    order: str = ""
    attempt: int = 0
    confirmed: bool = True
    decline_code: str = ""
    hard: bool = False
    card: Card | None = None
    action_path: str = ""
    captured_at: datetime | None = None
    refunded: Money | None = None

    @property
    def final(self) -> bool:
        """No later answer of the gateway will differ, save that a declined payment may be cancelled."""
        return self.status in FINAL


@dataclass(frozen=True, slots=True)
class RefundOutcome:
    """The gateway's word on one refund: ``succeeded``, or ``processing`` until the bank has done it.

    ``key`` is the one it was asked for with, by which it is found once the gateway has forgotten the request.
    """

    status: Status
    ref: str
    payment_ref: str
    amount: Money
    made_at: datetime | None = None
    key: str = ""


class DisputeStatus(StrEnum):
    """Where a disputed charge stands with the bank. While it is open the money is already gone from us."""

    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class DisputeOutcome:
    """The gateway's word on one dispute; ``fee`` is what the gateway takes for it, in its own right.

    ``respond_by`` is when the evidence has to be there at the latest.
    """

    ref: str
    payment_ref: str
    amount: Money
    status: DisputeStatus
    reason: str
    opened_at: datetime
    closed_at: datetime | None = None
    fee: Money | None = None
    respond_by: datetime | None = None


class MovementKind(StrEnum):
    CHARGE = "charge"
    REFUND = "refund"
    FEE = "fee"
    DISPUTE = "dispute"
    DISPUTE_REVERSAL = "dispute_reversal"
    PAYOUT = "payout"


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of the gateway's own account: ``amount`` as it changed the balance, before ``fee`` was taken.

    A charge is positive; a refund, a dispute and a payout are negative. ``payment_ref`` is empty where no
    payment is concerned.
    """

    ref: str
    kind: MovementKind
    amount: Money
    fee: Money
    at: datetime
    payment_ref: str = ""

    @property
    def currency(self) -> str:
        return self.amount.currency


@dataclass(frozen=True, slots=True)
class Doorbell:
    """Somebody rang: something happened to ``ref``. It carries no state on purpose: ask with ``look``.

    ``ref`` is a payment, a page or a dispute; a refund's doorbell names its payment. ``order`` and ``attempt``
    find ours where the gateway has given the payment an id that we have not heard of yet. A ``foreign`` one is
    genuine, and about another account or another mode than ours.
    """

    event_id: str
    kind: str
    ref: str
    created_at: datetime
    order: str = ""
    attempt: int = 0
    foreign: bool = False


class Gateway(Protocol):
    """One way to pay by card. Every call may raise ``Unknown`` or ``Rejected``.

    A key used again with the same request gives the first answer again and never a second charge; with
    another request it is ``Rejected("idempotency_mismatch")``.
    """

    name: str

    def open_page(self, request: PageRequest) -> Page:
        """Create an unconfirmed payment and the page on which the customer confirms it."""

    def prepare(self, charge: ChargeRequest) -> Outcome:
        """Create an unconfirmed payment for a saved card. Store its ``ref`` before ``confirm``."""

    def confirm(self, ref: str, key: str) -> Outcome:
        """Ask for the money. A payment that is already decided answers as it stands."""

    def look(self, ref: str) -> Outcome:
        """Read a payment by its id: the only source that is believed."""

    def find(self, order: str, attempt: int) -> Outcome | None:
        """Search by our own order and attempt number, when the id was lost with the answer.

        Where several exist, the captured one is told before any other.
        """

    def cancel(self, ref: str, key: str) -> Outcome:
        """Make sure that the payment can no longer charge. One that was captured answers ``succeeded``."""

    def refund(self, request: RefundRequest) -> RefundOutcome:
        """Give money back; more than was captured is ``Rejected("refund_exceeds_capture")``."""

    def charges(self, since: datetime | None = None) -> list[Outcome]:
        """Every payment captured at or after an instant of the gateway's own clock, oldest first."""

    def refunds(self, since: datetime | None = None) -> list[RefundOutcome]:
        """Every refund made at or after an instant of the gateway's own clock, oldest first."""

    def disputes(self, since: datetime | None = None) -> list[DisputeOutcome]:
        """Every dispute opened at or after an instant, oldest first, as it stands now."""

    def look_dispute(self, ref: str) -> DisputeOutcome:
        """Read a dispute by its id."""

    def movements(self, since: datetime | None = None) -> list[Movement]:
        """The lines of the gateway's own account at or after an instant, oldest first."""

    def open_card_page(self, request: CardPageRequest) -> Page:
        """Create the page on which the customer names a card to be kept."""

    def look_card(self, ref: str) -> Card | None:
        """The card that was named on a page; none while the page waits, or when it was left."""

    def detach(self, card_token: str) -> None:
        """Forget a kept card. One that is already forgotten is no error."""

    def read_doorbell(self, body: bytes, headers: Mapping[str, str]) -> Doorbell:
        """Read a signed notice, or raise ``Forged``."""
