"""The pretend cards and how each behaves.

It decides what the pretend bank answers for a card. It must never hold a card number: a card is a token,
a brand and four digits. Read next: ``demogateway/book.py``, which remembers the answers.
"""

from dataclasses import dataclass

EXP_MONTH = 12
HARD = frozenset({"expired_card", "stolen_card", "lost_card"})


@dataclass(frozen=True, slots=True)
class PretendCard:
    """One card on the page. ``decline`` is the bank's no; ``later`` its no when the customer is away."""

    token: str
    brand: str
    last4: str
    decline: str = ""
    later: str = ""
    authenticates: bool = False
    loses_answer: bool = False
    exp_year: int = 2049


CARDS = {
    card.token: card
    for card in (
        PretendCard("tok_4242", "Visa", "4242"),
        PretendCard("tok_4444", "Mastercard", "4444"),
        PretendCard("tok_0002", "Visa", "0002", decline="card_declined"),
        PretendCard("tok_9995", "Visa", "9995", decline="insufficient_funds"),
        PretendCard("tok_0069", "Visa", "0069", decline="expired_card", exp_year=2018),
        PretendCard("tok_3155", "Visa", "3155", later="authentication_required", authenticates=True),
        PretendCard("tok_0341", "Visa", "0341", later="card_declined"),
        PretendCard("tok_0119", "Visa", "0119", loses_answer=True),
    )
}

DECLINES = (*HARD, "card_declined", "insufficient_funds", "authentication_required", "authentication_failed")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the bank says: a status of the payment, and why not."""

    status: str
    decline_code: str = ""

    @property
    def hard(self) -> bool:
        return self.decline_code in HARD


def decide(card: PretendCard, *, off_session: bool, approved: bool | None = None) -> Verdict:
    """The bank's answer; ``approved`` is the customer's own, once his bank has asked him.

    >>> decide(CARDS["tok_3155"], off_session=False).status
    'needs_action'
    >>> decide(CARDS["tok_3155"], off_session=True)
    Verdict(status='declined', decline_code='authentication_required')
    >>> decide(CARDS["tok_3155"], off_session=False, approved=True).status
    'succeeded'
    >>> decide(CARDS["tok_0069"], off_session=False).hard
    True
    """
    if code := card.decline or (card.later if off_session else ""):
        return Verdict("declined", code)
    if card.authenticates and approved is None:
        return Verdict("needs_action")
    if approved is False:
        return Verdict("declined", "authentication_failed")
    return Verdict("succeeded")
