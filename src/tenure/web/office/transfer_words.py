"""Why a bank line was matched, or why that was left to a person, in words. It decides nothing."""

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as word

from tenure.web.shared.messages import MESSAGES, say

FOR = {
    "reference": word("Quotes the order's reference"),
    "number": word("Quotes the order's number"),
    "near_reference": word("The reference has one slip and can only be this order's"),
    "amount": word("Exactly the amount"),
    "account": word("From an account this partner has paid from before"),
    "payer": word("Payer's name fits"),
}
AGAINST = {
    "several_references": word("Quotes more than one order"),
    "several_orders": word("More than one order fits"),
    "wrong_currency": word("Another currency than the order's"),
    "account_of_another": word("From an account known as another partner's"),
    "name_of_another": word("The payer's name is another partner's"),
    "other_amount": word("The amount does not agree, so this is not certain"),
    "card_order": word("The order is to be paid by card"),
    "reversal": word("The bank marks it as a reversal"),
    "entered_before": word("A transfer of this day and amount stands here already, entered another way"),
    "nothing_known": word("Nothing in it says whom it is for"),
    "refused": word("It could not be given to the order"),
}


def reasons_in_words(reasons: Iterable[str]) -> list[tuple[str, bool]]:
    """Each reason in words, and whether it speaks for the order."""
    found = []
    for reason in reasons:
        if reason in FOR:
            found.append((str(FOR[reason]), True))
        elif reason in AGAINST:
            found.append((str(AGAINST[reason]), False))
        elif reason in MESSAGES:
            found.append((say(reason), False))
    return found
