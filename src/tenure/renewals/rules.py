"""Renewing: when it is open, when the card is charged, and what is told on which day. Pure.

It decides to the day and to the reason; it must never read a row or a clock. Sources: domain.md, decisions 1,
4 and 5; §3.4, §3.6, §3.16, §4.1. Read next: ``renewals/actions.py``.
"""

from dataclasses import dataclass
from datetime import date

from tenure.kernel.periods import plus_days
from tenure.kernel.refusals import Check, Decision
from tenure.memberships.rules import Status, TermFacts, standing
from tenure.offers.rules import BuyerFacts, on_sale, order_checks, standing_checks
from tenure.programme.rules import Offer, OfferKind, Policy


@dataclass(frozen=True, slots=True)
class RenewableTerm:
    """The term that is to be renewed, with the window it was bought with."""

    facts: TermFacts
    renewal_opens_on: date
    renewal_closes_on: date


def may_renew(term: RenewableTerm, buyer: BuyerFacts, offer: Offer, policy: Policy, today: date, zone: str) -> Decision:
    """Whether a subscription may be renewed today, with every reason and date that stands against it.

    The same decision is the button, the sentence beside it, the mail and the refusal. The expiry day itself is
    paid for and closed; the last day of the window is open to its end.
    """
    status = standing(term.facts, today).status
    window = {
        "expires_on": term.facts.expires_on,
        "opens_on": term.renewal_opens_on,
        "closes_on": term.renewal_closes_on,
        "zone": zone,
    }
    checks = [
        Check("renewals.cancelled", status is not Status.CANCELLED),
        Check(
            "offers.managed_in_old_portal",
            buyer.managed_here,
            window | {"old_opens_on": plus_days(term.facts.expires_on, -policy.legacy_open_before_days)},
        ),
        Check("renewals.disputed", not term.facts.disputed),
        Check("renewals.window_not_open", today >= term.renewal_opens_on, window),
        Check("renewals.window_closed", today <= term.renewal_closes_on, window),
        *standing_checks(buyer, policy),
        Check("offers.not_for_sale", on_sale(offer, today), {"offer": offer.name}),
        *order_checks(buyer),
    ]
    if offer.kind in (OfferKind.SILVER, OfferKind.GOLD):
        checks.append(Check("offers.requirements_missing", not buyer.missing, {"missing": list(buyer.missing)}))
    return Decision("renew", tuple(checks), term.renewal_opens_on, term.renewal_closes_on, zone)


@dataclass(frozen=True, slots=True)
class DueAction:
    """Something that falls due for a term: its name, and the day counted from the expiry."""

    action: str
    due_on: date


def offset_day(expires_on: date, offset: int) -> date:
    """The day ``offset`` days from the expiry: +1 is the day after.

    >>> str(offset_day(date(2019, 6, 22), -15)), str(offset_day(date(2019, 6, 22), 23))
    ('2019-06-07', '2019-07-15')
    """
    return plus_days(expires_on, offset)


def tellings(expires_on: date, renewal_closes_on: date, policy: Policy) -> list[DueAction]:
    """What a partner is told about one term, in order: reminders, the opening, the last call, the lapse.

    >>> june = tellings(date(2019, 6, 22), date(2019, 7, 22), Policy(1, date(2010, 1, 1)))
    >>> [(due.action, str(due.due_on)) for due in june][:3]
    [('reminder:-15', '2019-06-07'), ('opened:+1', '2019-06-23'), ('reminder:+23', '2019-07-15')]
    """
    offsets = [("reminder", day) for day in policy.reminder_days]
    offsets += [("card", -policy.card_notice_days)] if policy.card_notice_days else []
    offsets += [("opened", policy.opens_offset_days), ("last_call", policy.last_call_day)]
    dues = [DueAction(f"{kind}:{day:+d}", offset_day(expires_on, day)) for kind, day in offsets]
    lapse = (plus_days(renewal_closes_on, 1) - expires_on).days
    dues.append(DueAction(f"lapsed:{lapse:+d}", plus_days(renewal_closes_on, 1)))
    return sorted(dues, key=lambda due: due.due_on)


def offsets_of(policy: Policy) -> set[int]:
    """The days, counted from the expiry, on which anything can fall due under a policy.

    >>> sorted(offsets_of(Policy(1, date(2010, 1, 1))))
    [-15, 1, 4, 8, 15, 22, 23, 29, 31]
    """
    lapse = policy.opens_offset_days + policy.window_days
    card = {-policy.card_notice_days} if policy.card_notice_days else set()
    return {*policy.reminder_days, *policy.retry_days, *card, policy.opens_offset_days, policy.last_call_day, lapse}


def charges(expires_on: date, policy: Policy) -> list[DueAction]:
    """The days on which the card is charged: the day after expiry, then the retries (decision 4).

    >>> [str(d.due_on) for d in charges(date(2019, 6, 22), Policy(1, date(2010, 1, 1)))]
    ['2019-06-23', '2019-06-26', '2019-06-30', '2019-07-07', '2019-07-14']
    """
    days = (policy.opens_offset_days, *policy.retry_days)
    return [DueAction(f"charge:{day:+d}", offset_day(expires_on, day)) for day in days]


def charge_due(
    expires_on: date, policy: Policy, today: date, done: frozenset[str]
) -> tuple[DueAction | None, tuple[DueAction, ...]]:
    """The charge to make today, if any, and the earlier ones it overtakes.

    After days of downtime one charge is made, not one for each day missed.

    >>> aurora = Policy(1, date(2010, 1, 1))
    >>> now, missed = charge_due(date(2019, 6, 22), aurora, date(2019, 7, 1), frozenset({"charge:+1"}))
    >>> now.action, [due.action for due in missed]
    ('charge:+8', ['charge:+4'])
    """
    waiting = [due for due in charges(expires_on, policy) if due.due_on <= today and due.action not in done]
    if not waiting:
        return None, ()
    return waiting[-1], tuple(waiting[:-1])


def still_useful(due: DueAction, status: Status, today: date, renewal_closes_on: date) -> str | None:
    """Why a telling should not go out any more; ``None`` when it should (domain.md §3.16).

    Sent late where it still helps, skipped where it has been overtaken.
    """
    kind = due.action.split(":")[0]
    if status is Status.CANCELLED:
        return "cancelled"
    if kind == "lapsed":
        return None if status is Status.LAPSED else "not_lapsed"
    if status is Status.LAPSED or today > renewal_closes_on:
        return "overtaken"
    before_expiry = ":-" in due.action
    if before_expiry and status is not Status.ACTIVE:
        return "overtaken"
    if not before_expiry and status is not Status.RENEWAL_WINDOW:
        return "renewed"
    return None


def card_ends_on(year: int, month: int) -> date:
    """The last day on which a card can be charged: cards end with a month.

    >>> str(card_ends_on(2019, 6)), str(card_ends_on(2020, 12))
    ('2019-06-30', '2020-12-31')
    """
    return plus_days(date(year + month // 12, month % 12 + 1, 1), -1)


def card_needs_notice(auto_renew: bool, ends_on: date | None, charge_on: date) -> str | None:
    """Why nobody need hear that a card ends; ``None`` when it ends before it would be charged.

    >>> card_needs_notice(True, date(2019, 5, 31), date(2019, 6, 23)) is None
    True
    >>> card_needs_notice(True, date(2019, 6, 30), date(2019, 6, 23))
    'card_valid'
    """
    if not auto_renew:
        return "auto_renew_off"
    if ends_on is None:
        return "no_card"
    return "card_valid" if ends_on >= charge_on else None
