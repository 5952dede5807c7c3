"""A renewal meets the daily run, an off-switch, another card, a cancellation: one year, and the last word counts."""

import pytest
from django.db import IntegrityError, transaction

from tenure.kernel.access import SYSTEM
from tenure.memberships.models import Subscription, Term
from tenure.partners.models import Partner
from tenure.payments.gateways import base
from tenure.payments.models import Attempt, Card
from tenure.plumbing.models import Event
from tenure.purchases import placing, settling
from tenure.renewals import actions as renewals
from tenure.renewals.cards import remove_card
from tenure.renewals.models import Due
from tests.faults.racing import ROUNDS, Firm, amid, at_once, codes, firms, janitor, unconstrained, unlocked
from tests.faults.test_races_of_orders import ONE_OPEN, TOO_LATE, charges_of, is_renewed_once, renewals_of, renewing

pytestmark = pytest.mark.django_db(transaction=True)
OTHER = base.Card("tok_4444", "Mastercard", "4444", 12, 2049)


def due(world, count: int = 1) -> list[Firm]:
    """Companies whose kept card is to be charged today."""
    found = firms(world, count)
    world.go("2019-06-23")
    return found


def daily_run(world):
    return lambda: renewals.run(SYSTEM, None, now=world.now)


def turning_off(one: Firm):
    actor, subscription, now = one.actor, one.subscription, one.world.now
    return lambda: renewals.turn_off_auto_renew(actor, subscription, now=now)


def taking_another_card(one: Firm):
    actor, subscription, now = one.actor, one.subscription, one.world.now
    return lambda: renewals.change_card(actor, subscription, card=OTHER, now=now)


def came_before(first: str, second: str) -> bool:
    """Whether one event was written before the other: events are numbered as they are written."""
    told = dict(Event.objects.filter(name__in=[first, second]).values_list("name", "pk"))
    return first in told and second in told and told[first] < told[second]


# By hand and by itself


def test_a_renewal_by_hand_against_the_daily_run_makes_one_term(committed):
    for one in due(committed, ROUNDS):
        answers = at_once(renewing(one), daily_run(committed), daily_run(committed))
        assert set(codes(answers)) <= {*TOO_LATE, "orders.card_charge_running", "payments.checking"}
        janitor(committed)
        is_renewed_once(one)


def test_a_renewal_by_hand_amid_the_daily_run_is_refused(committed):
    (one,) = due(committed)
    answers = amid((renewals, "place"), daily_run(committed), renewing(one))
    assert codes(answers) == ["orders.card_charge_running"]
    is_renewed_once(one)


def test_control_without_the_second_look_the_database_would_have_to_refuse(committed, monkeypatch):
    (one,) = due(committed)
    monkeypatch.setattr(renewals, "open_automatic", lambda subscription_id: None)
    monkeypatch.setattr(renewals, "charged", lambda actor, order, attempt, now: order)
    _, hand = amid((renewals, "place"), daily_run(committed), renewing(one))
    assert isinstance(hand, IntegrityError)


def test_control_by_hand_and_by_itself_without_the_guards_are_charged_twice(committed):
    (one,) = due(committed)
    with unlocked(Partner, Subscription), unconstrained(*ONE_OPEN):
        amid((renewals, "place"), daily_run(committed), renewing(one))
        assert charges_of(one) == 2


def test_two_daily_runs_at_once_charge_once(committed):
    found = due(committed, ROUNDS)
    assert codes(at_once(*[daily_run(committed)] * 4)) == []
    janitor(committed)
    for one in found:
        is_renewed_once(one)
    assert Due.objects.filter(action__startswith="charge").count() == ROUNDS


def test_control_two_daily_runs_without_the_guards_charge_twice(committed):
    (one,) = due(committed)
    once = ("due_once_per_term", "order_once_per_key", *ONE_OPEN)
    with unlocked(Partner, Subscription), unconstrained(*once):
        amid((renewals, "place"), daily_run(committed), daily_run(committed))
        assert charges_of(one) == 2


def test_the_database_itself_refuses_a_second_live_subscription(committed):
    """The last line: whatever code forgets, two live subscriptions of one offer cannot be written."""
    (one,) = due(committed)
    given = {"offer": "action-pack", "anchor_on": committed.today, "created_at": committed.now}
    with pytest.raises(IntegrityError), transaction.atomic():
        Subscription.objects.create(partner=one.partner, **given)


# The off-switch


def test_auto_renew_off_against_the_charge_is_one_or_the_other(committed):
    for one in due(committed, ROUNDS):
        at_once(daily_run(committed), turning_off(one))
        janitor(committed)
        assert Term.objects.filter(subscription=one.subscription).count() == 1 + charges_of(one)
        assert not one.subscription.auto_renew, "the person said off, whether the charge was through or not"


def test_who_switches_off_amid_the_promise_waits_for_it(committed):
    (one,) = due(committed)
    amid((renewals, "place"), daily_run(committed), turning_off(one))
    assert came_before("orders.placed", "renewals.auto_renew_turned_off")
    assert charges_of(one) == 1


def test_control_without_the_lock_a_card_is_charged_after_it_was_switched_off(committed):
    (one,) = due(committed)
    with unlocked(Partner, Subscription):
        amid((renewals, "place"), daily_run(committed), turning_off(one))
    assert came_before("renewals.auto_renew_turned_off", "orders.placed")
    assert charges_of(one) == 1


def test_off_while_the_card_is_being_charged_stays_off(committed):
    """The charge was promised before; its year is opened, and nothing is charged after that."""
    (one,) = due(committed)
    answers = amid((renewals, "charged"), daily_run(committed), turning_off(one))
    assert codes(answers) == [] and charges_of(one) == 1
    is_renewed_once(one)
    assert not one.subscription.auto_renew


def test_control_what_the_order_wished_would_switch_it_on_again(committed, monkeypatch):
    monkeypatch.setattr(settling, "_renewing", lambda order, subscription, card: (order.auto_renew, card))
    (one,) = due(committed)
    amid((renewals, "charged"), daily_run(committed), turning_off(one))
    assert one.subscription.auto_renew


# Another card


def test_another_card_against_the_charge_is_the_one_that_stays(committed):
    for one in due(committed, ROUNDS):
        at_once(daily_run(committed), taking_another_card(one))
        janitor(committed)
        assert charges_of(one) == 1
        assert one.subscription.card.token == OTHER.token


def test_another_card_amid_the_promise_waits_for_it(committed):
    (one,) = due(committed)
    amid((renewals, "place"), daily_run(committed), taking_another_card(one))
    assert came_before("orders.placed", "renewals.card_changed")
    assert renewals_of(one)[0].card.token != OTHER.token, "the card that stood there when the charge was promised"


def test_control_without_the_lock_the_card_that_was_replaced_is_charged_after_it(committed):
    (one,) = due(committed)
    with unlocked(Partner, Subscription):
        amid((renewals, "place"), daily_run(committed), taking_another_card(one))
    assert came_before("renewals.card_changed", "orders.placed")
    assert renewals_of(one)[0].card.token != OTHER.token


def test_another_card_while_the_old_one_is_being_charged_is_the_one_that_stays(committed):
    (one,) = due(committed)
    assert codes(amid((renewals, "charged"), daily_run(committed), taking_another_card(one))) == []
    is_renewed_once(one)
    assert one.subscription.card.token == OTHER.token


def test_control_the_orders_card_would_come_back(committed, monkeypatch):
    monkeypatch.setattr(settling, "_renewing", lambda order, subscription, card: (order.auto_renew, card))
    (one,) = due(committed)
    amid((renewals, "charged"), daily_run(committed), taking_another_card(one))
    assert one.subscription.card.token != OTHER.token


# The card is removed


def removing(one: Firm):
    actor, card, now = one.actor, Card.objects.get(pk=one.card), one.world.now
    return lambda: remove_card(actor, card, agreed=True, now=now)


def charged_on_a_removed_card() -> bool:
    return Attempt.objects.filter(card__removing_at__isnull=False).exclude(status="succeeded").exists()


def test_a_card_removed_against_its_charge_is_charged_before_or_not_at_all(committed):
    for one in due(committed, ROUNDS):
        answers = at_once(daily_run(committed), removing(one))
        janitor(committed)
        assert set(codes(answers)) <= {"cards.charge_running"}
        assert Term.objects.filter(subscription=one.subscription).count() == 1 + charges_of(one)
        assert not charged_on_a_removed_card()


def test_who_removes_a_card_amid_the_promise_waits_for_it(committed):
    (one,) = due(committed)
    amid((placing, "promise"), daily_run(committed), removing(one))
    assert charges_of(one) == 1 and not charged_on_a_removed_card()


def test_control_without_the_lock_a_card_is_charged_after_it_was_removed(committed):
    (one,) = due(committed)
    with unlocked(Partner, Subscription):
        amid((placing, "promise"), daily_run(committed), removing(one))
    assert charged_on_a_removed_card()
