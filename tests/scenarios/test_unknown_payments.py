"""When the answer is missing: unknown is not failed, nothing new is charged, one outcome in the end (domain.md S26)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tenure.kernel.refusals import Refusal
from tenure.payments.gateways import base
from tenure.payments.models import GatewayEvent, Refund
from tenure.payments.queries import attempts
from tenure.plumbing import clock
from tenure.plumbing.models import Event
from tenure.purchases import actions as purchases
from tenure.purchases.models import Order
from tenure.purchases.queries import status_of
from tenure.wiring import gateway
from tests.worlds import CARDS


def ring(world, order: Order, event: str = "") -> None:
    """The gateway's doorbell about an order's first attempt."""
    world.ring("payment_intent.succeeded", {"id": attempts(order.pk)[0].ref}, event=event)


@pytest.fixture
def kept(world):
    """Contoso has a card on file; silver's requirements are met."""
    world.buy_by_card()
    world.qualify("silver-cloud")
    return world.holding().subscription.card


def lost(world, kept) -> Order:
    """Silver bought with the kept card; the gateway charges, and its answer is lost."""
    world.gateway_faults(timeout_after_charge=1)
    gateway("demo").timeout, kept_timeout = 0.3, gateway("demo").timeout
    try:
        return world.buy(offer="silver-cloud", card=kept.pk)
    finally:
        gateway("demo").timeout = kept_timeout


def test_s26_a_lost_answer_is_checked_and_settled_once(world, kept):
    """The order shows "checking payment", a second Buy is blocked, and the next run settles it to one outcome."""
    order = lost(world, kept)
    assert status_of(order, world.today).value == "checking"
    for offer in ("silver-cloud", "gold-cloud", "silver-data"):
        world.qualify(offer)
        with pytest.raises(Refusal, match=r"renewals\.payment_unknown"):
            world.buy(offer=offer)
    with pytest.raises(Refusal, match=r"payments\.checking"):
        purchases.pay_again(world.actor(world.ming), order, now=world.now)
    world.live(world.now + timedelta(minutes=4, seconds=59))
    order.refresh_from_db()
    assert order.paid_at is None, "the gateway is asked five minutes after the call, not at every tick"
    world.live(world.now + timedelta(seconds=1))
    order.refresh_from_db()
    assert order.paid_at and world.charged(order) == 1 and len(attempts(order.pk)) == 1


def test_s26_the_doorbell_settles_it_as_well_and_ten_of_them_change_nothing(world, kept):
    """FormSG #6022, open-saas #688: the same event ten times, and ten events for one payment."""
    order = lost(world, kept)
    for _ in range(5):
        ring(world, order, event="evt_one")
    for _ in range(5):
        ring(world, order)
    world.work()
    order.refresh_from_db()
    assert order.paid_at and world.charged(order) == 1
    assert Event.objects.filter(name="orders.paid", subject=f"order:{order.pk}").count() == 1
    assert GatewayEvent.objects.filter(event_id="evt_one").count() == 1


def test_an_answer_of_500_after_the_charge_is_unknown_not_failed(world, kept):
    """C3: a stored 500 is read by id, not tried again under another key."""
    world.gateway_faults(error_500_after_charge=1)
    order = world.buy(offer="silver-cloud", card=kept.pk)
    assert order.paid_at is None and status_of(order, world.today).value == "checking"
    world.asked()
    order.refresh_from_db()
    assert order.paid_at and world.charged(order) == 1


def test_cancelling_while_nobody_knows_waits_for_the_answer_and_the_charge_wins(world, kept):
    """killbill#1015: the operator tried again while unknown, and both succeeded."""
    order = lost(world, kept)
    ended = purchases.cancel_order(world.actor(world.ming), order, now=world.now)
    assert ended.paid_at and ended.closing == "" and world.charged(order) == 1
    with pytest.raises(Refusal, match="already_paid"):
        purchases.cancel_order(world.actor(world.ming), order, now=world.now)


def test_cancelling_while_the_gateway_is_silent_is_refused_and_loses_nothing(world, monkeypatch):
    order = world.buy()

    def silent(ref):
        raise base.Unknown("no_answer")

    with monkeypatch.context() as patched:
        patched.setattr(gateway("demo"), "look", silent)
        with pytest.raises(Refusal, match=r"payments\.checking"):
            purchases.cancel_order(world.actor(world.ming), order, now=world.now)
    order.refresh_from_db()
    assert order.open
    assert purchases.cancel_order(world.actor(world.ming), order, now=world.now).closing == "cancelled"


def test_the_card_page_and_the_doorbell_and_the_run_settle_one_payment_once(world):
    """FOSSBilling #3106: the callback renewed, then the nightly job renewed again."""
    order = world.buy()
    world.choose_card(order)
    ring(world, order)
    world.come_back(order)
    world.work()
    ring(world, order)
    assert world.charged(order) == 1 and len(world.terms(world.holding().subscription)) == 1


def test_a_doorbell_is_never_believed(world):
    """It says "succeeded", the gateway says otherwise when asked: nothing is given."""
    order = world.buy()
    ring(world, order)
    order.refresh_from_db()
    assert order.paid_at is None and world.holding() is None


def test_the_answer_of_the_page_is_lost_and_the_return_finds_the_charge(world):
    order = world.pay(world.buy(), "loses_answer")
    assert order.paid_at and world.charged(order) == 1


def test_i18_a_gateway_that_charges_after_it_said_cancelled_is_heard_and_the_money_goes_back(world, monkeypatch):
    """The gateway confirmed the cancellation and captured all the same; its doorbell brings the money back."""
    order = world.buy()
    through = gateway("demo")

    def pretends(ref, key):
        return replace(through.look(ref), status=base.Status.CANCELLED, confirmed=True)

    with monkeypatch.context() as patched:
        patched.setattr(through, "cancel", pretends)
        assert purchases.cancel_order(world.actor(world.ming), order, now=world.now).closing == "cancelled"
    world.choose_card(order)
    ring(world, order)
    ring(world, order)
    world.work()
    back = Refund.objects.get()
    assert (back.kind, back.status, back.amount_minor) == ("late_capture", "succeeded", 15_750)
    order.refresh_from_db()
    assert order.paid_at is None and world.holding() is None


def test_a_gateway_that_refuses_the_request_itself_is_no_decline_and_a_person_is_asked(world, kept, monkeypatch):
    """The key was used with another body: nobody can say that nothing was charged, so nothing new is tried."""
    world.go("2019-06-23")
    subscription = world.holding().subscription

    def refuses(*asked):
        raise base.Rejected("idempotency_mismatch")

    with monkeypatch.context() as patched:
        patched.setattr(gateway("demo"), "prepare", refuses)
        order = world.renew(subscription, card=kept.pk)
    assert status_of(order, world.today) == "checking" and world.charged(order) == 0
    assert world.tasks() == [("payment", "idempotency_mismatch")]
    world.asked()
    order.refresh_from_db()
    assert order.paid_at and world.charged(order) == 1, "asked again under the same key, it was charged once"
    assert world.tasks() == []


def test_no_card_number_is_anywhere_in_what_is_kept(world, kept):
    """What is known of a card: a token, a brand, four digits."""
    assert kept.token.startswith("pm_") and kept.last4 == "4242" and str(kept) == "Visa ···· 4242"
    assert all(token.startswith("tok_") for token in CARDS.values())


def test_a_silent_gateway_is_asked_after_five_minutes_an_hour_and_then_daily(world, kept, monkeypatch):
    """Nothing new is charged meanwhile, however long it takes; the first answer settles it."""
    order, heard = lost(world, kept), []
    through, start = gateway("demo"), world.now
    about = attempts(order.pk)[0].ref

    def silent(ref):
        if ref == about:
            heard.append(clock.now() - start)
        raise base.Unknown("no_answer")

    with monkeypatch.context() as patched:
        patched.setattr(through, "look", silent)
        world.live(start + timedelta(days=3, hours=1))
        by_itself = list(heard)
        assert status_of(order, world.today).value == "checking"
        with pytest.raises(Refusal, match=r"payments\.checking"):
            world.buy(offer="silver-cloud")
    minutes, hours = timedelta(minutes=5), timedelta(hours=1)
    assert world.tasks() == [("payment", "payments.no_answer")]
    assert by_itself == [minutes, hours, *(timedelta(days=n) for n in (1, 2, 3))]
    world.live(start + timedelta(days=4))
    order.refresh_from_db()
    assert world.tasks() == []
    assert order.paid_at and world.charged(order) == 1 and len(attempts(order.pk)) == 1
