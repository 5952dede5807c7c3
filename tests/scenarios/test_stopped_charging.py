"""While charging is stopped nothing new is charged and nothing is lost; what was begun is settled. Each has a control."""

from datetime import timedelta

import pytest

from tenure.kernel.refusals import Invalid, Refusal
from tenure.payments.actions import gateway
from tenure.payments.queries import attempts, open_attempt
from tenure.payments.rules import Method
from tenure.plumbing import charging, offset
from tenure.plumbing.models import ChargingStop, Event, GatewayClock
from tenure.purchases import actions as purchases
from tenure.purchases.models import Order
from tenure.purchases.queries import status_of
from tenure.purchases.rules import Contact
from tenure.purchases.transfers import change_method
from tests.worlds import CONTACT

PRICE_TWD = 15_750


def stop(world, reason: str = "The prices are wrong.") -> bool:
    return charging.stop(world.actor(world.fin), None, reason=reason, now=world.now)


def start(world, reason: str = "The prices are right again.") -> bool:
    return charging.start(world.actor(world.oda), None, reason=reason, now=world.now)


def refused(world, **wanted) -> Order:
    with pytest.raises(Refusal) as said:
        world.buy(**wanted)
    assert said.value.code == "charging.stopped"
    return Order.objects.latest("pk")


def test_the_order_stays_and_is_paid_later_or_by_transfer(world):
    stop(world)
    order = refused(world)
    assert order.open and attempts(order.pk) == [] and status_of(order, world.today).value == "unfinished"
    assert world.charged() == 0
    with pytest.raises(Refusal, match=r"charging\.stopped"):
        purchases.pay_again(world.actor(world.ming), order, now=world.now)
    world.work()
    assert attempts(order.pk) == [], "nothing is charged without a word once charging goes on"
    start(world)
    world.work()
    assert attempts(order.pk) == []
    world.pay(purchases.pay_again(world.actor(world.ming), order, now=world.now))
    order.refresh_from_db()
    assert order.paid_at and world.charged(order) == 1


def test_bank_transfer_goes_on(world):
    stop(world)
    order = refused(world)
    order = change_method(world.actor(world.ming), order, method=Method.BANK_TRANSFER, contact=CONTACT, now=world.now)
    with pytest.raises(Refusal, match=r"charging\.stopped"):
        change_method(world.actor(world.ming), order, method=Method.CARD, contact=Contact(), now=world.now)
    world.transfer(order, PRICE_TWD)
    order.refresh_from_db()
    assert order.paid_at and world.charged() == 0


def test_the_same_request_again_is_the_same_order(world):
    stop(world)
    wanted = world.wanted()
    for _ in range(2):
        with pytest.raises(Refusal, match=r"charging\.stopped"):
            purchases.buy(world.actor(world.ming), world.contoso, wanted=wanted, now=world.now)
    assert Order.objects.count() == 1


def test_an_automatic_renewal_waits_and_is_made_once_charging_goes_on(world):
    world.go("2018-06-22")
    world.buy_by_card()
    world.go("2019-06-23 00:10")
    stop(world)
    world.work()
    world.live("2019-06-25")
    assert world.charged() == 1 and world.tasks() == [("charging", "charging.renewals_wait")]
    start(world)
    assert world.tasks() == []
    world.work()
    assert world.charged() == 2 and Order.objects.get(origin="auto_renewal").paid_at


def test_what_was_begun_is_asked_about_and_settled(world):
    """A page that was left open before the stop is paid on: its money is taken in, not lost."""
    order = world.buy()
    world.choose_card(order)
    stop(world)
    world.asked()
    order.refresh_from_db()
    assert order.paid_at and world.charged(order) == 1


def test_a_prepared_charge_is_not_confirmed_while_it_is_stopped(world, monkeypatch):
    """The process died between the two calls; the janitor would repeat the second."""
    world.buy_by_card()
    world.qualify("silver-cloud")
    through, kept = gateway("demo"), world.holding().subscription.card

    def dies(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(type(through._through), "confirm", dies)
        with pytest.raises(KeyboardInterrupt):
            world.buy(offer="silver-cloud", card=kept.pk)
    order = Order.objects.latest("pk")
    stop(world)
    world.asked()
    assert world.charged(order) == 0 and open_attempt(order.pk)
    start(world)
    world.live(world.now + timedelta(hours=1))
    order.refresh_from_db()
    assert order.paid_at and world.charged(order) == 1


def test_money_still_goes_back(world):
    order = world.buy_by_card()
    stop(world)
    world.decide(world.ask_to_cancel(order.subscription))
    world.work()
    order.refresh_from_db()
    assert order.refunded_at


def test_who_stopped_it_and_why_is_kept(world):
    with pytest.raises(Refusal, match=r"access\."):
        charging.stop(world.actor(world.sue), None, reason="No", now=world.now)
    with pytest.raises(Invalid):
        stop(world, " ")
    assert stop(world) and not stop(world, "Twice")
    why = charging.why_not()
    assert (why.cause, why.reason, why.by) == ("hand", "The prices are wrong.", world.actor(world.fin).label)
    assert start(world) and not start(world) and charging.why_not() is None
    row = ChargingStop.objects.get()
    assert row.started_by == world.actor(world.oda).label and row.started_reason == "The prices are right again."
    told = Event.objects.filter(name__in=["charging.stopped", "charging.started"]).order_by("pk")
    assert [(event.name, event.payload["reason"]) for event in told] == [
        ("charging.stopped", "The prices are wrong."),
        ("charging.started", "The prices are right again."),
    ]


def test_control_without_the_question_a_stop_stops_nothing(world, monkeypatch):
    stop(world)
    monkeypatch.setattr("tenure.plumbing.charging.open_stop", lambda: None)
    world.buy_by_card()
    assert world.charged() == 1


# The gateway's clock (I-32)


def test_a_clock_that_is_far_off_stops_charging_until_an_answer_agrees_again(world):
    world.gateway_faults(clock_s=700)
    with pytest.raises(Refusal, match=r"charging\.stopped"):
        world.buy_by_card()
        world.qualify("silver-cloud")
        world.buy(offer="silver-cloud")
    assert charging.why_not().cause == "clock" and 695 < GatewayClock.objects.get().ahead_s < 705
    world.gateway_faults()
    gateway("demo").charges(world.began_at)
    assert charging.why_not() is None and offset.wrong() is None


def test_a_clock_that_is_a_little_off_is_said_and_charges(world):
    world.gateway_faults(clock_s=90)
    world.buy_by_card()
    assert world.charged() == 1 and charging.why_not() is None
    assert 85 < offset.wrong().ahead_s < 95
    world.gateway_faults(clock_s=-40)
    gateway("demo").charges(world.began_at)
    assert offset.wrong() is None, "within a minute the clocks agree"
