"""How the gateway is asked: one key for twenty hours, one open payment per order, one restore noticed. With controls."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tenure.kernel.access import SYSTEM
from tenure.kernel.refusals import Refusal
from tenure.payments.gateways import base
from tenure.payments.models import Dispute, Refund
from tenure.payments.queries import attempts, payment_of
from tenure.plumbing import charging, instance
from tenure.plumbing.models import Instance
from tenure.purchases import actions as purchases
from tenure.purchases import charging as calls
from tenure.purchases import disputes
from tenure.purchases.models import Order
from tenure.wiring import gateway as through

TWENTY = timedelta(hours=20)


@pytest.fixture
def kept(world):
    """Contoso has a card on file; silver's requirements are met."""
    world.go("2018-06-22 01:00")
    world.buy_by_card()
    world.qualify("silver-cloud")
    return world.holding().subscription.card


@pytest.fixture
def sent(monkeypatch):
    """The keys under which a payment was created or confirmed, in order."""
    heard, adapter = [], through("demo")
    for name in ("prepare", "confirm"):
        before = getattr(adapter, name)

        def asked(*given, name=name, before=before):
            heard.append((name, given[0].key if name == "prepare" else given[1]))
            return before(*given)

        monkeypatch.setattr(adapter, name, asked)
    return heard


def cut_off(world, kept, call: str) -> Order:
    """Silver bought with the kept card; the line breaks at one of the two calls, before it has arrived."""
    adapter = through("demo")

    def silent(*given):
        raise base.Unknown("no_answer")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(adapter, call, silent)
        return world.buy(offer="silver-cloud", card=kept.pk)


# C2: the same key for less than twenty hours


def test_within_twenty_hours_the_same_key_is_sent_again(world, kept, sent):
    order = cut_off(world, kept, "prepare")
    world.live(world.now + timedelta(minutes=5))
    order.refresh_from_db()
    assert order.paid_at and sent == [("prepare", f"{order.number}/1"), ("confirm", f"{order.number}/1")]


@pytest.mark.parametrize("call", ["prepare", "confirm"])
def test_after_twenty_hours_it_is_only_asked_about_and_the_attempt_ends(world, kept, sent, call):
    """The machine slept for a day meanwhile: the gateway may have forgotten the key."""
    order = cut_off(world, kept, call)
    before = len(sent)
    world.go(world.now + TWENTY)
    calls.resolve(attempts(order.pk)[0], cause="janitor", now=world.now)
    assert len(sent) == before and world.charged(order) == 0
    attempt = attempts(order.pk)[0]
    assert attempt.status == "cancelled"
    if attempt.ref:
        assert through("demo").look(attempt.ref).status == base.Status.CANCELLED
    order.refresh_from_db()
    assert order.paid_at is None


def test_control_without_the_twenty_hours_the_key_is_sent_again(world, kept, sent, monkeypatch):
    order = cut_off(world, kept, "confirm")
    monkeypatch.setattr(calls, "too_old_to_send_again", lambda sent_at, now: False)
    world.go(world.now + TWENTY)
    calls.resolve(attempts(order.pk)[0], cause="janitor", now=world.now)
    assert sent[-1] == ("confirm", f"{order.number}/1")


def refund_whose_answer_was_lost(world) -> Refund:
    """The gateway gives the money back and its answer never comes."""
    order, adapter = world.buy_by_card(), through("demo")
    before = adapter.refund

    def lost(request):
        before(request)
        raise base.Unknown("no_answer")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(adapter, "refund", lost)
        world.decide(world.ask_to_cancel(order.subscription))
    return Refund.objects.get(made_at=None)


def test_a_refund_is_read_in_the_gateways_list_before_it_is_sent_again_after_a_day(world, monkeypatch):
    refund = refund_whose_answer_was_lost(world)

    def never(request):
        raise AssertionError("the key is a day old")

    monkeypatch.setattr(through("demo"), "refund", never)
    world.wake(world.now + timedelta(days=2))
    refund.refresh_from_db()
    assert refund.made_at and refund.gateway_ref.startswith("re_")


def test_a_refund_the_list_does_not_know_is_made(world):
    order, adapter = world.buy_by_card(), through("demo")

    def silent(request):
        raise base.Unknown("no_answer")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(adapter, "refund", silent)
        world.decide(world.ask_to_cancel(order.subscription))
    world.wake(world.now + timedelta(days=2))
    assert Refund.objects.get().made_at and len(adapter.refunds(world.began_at)) >= 1


# C4: the old payment is cancelled before the next


def test_a_declined_payment_is_cancelled_at_the_gateway_before_the_next_is_made(world, kept):
    world.refuse_next("insufficient_funds")
    order = world.buy(offer="silver-cloud", card=kept.pk)
    first = attempts(order.pk)[0]
    assert first.status == "declined" and through("demo").look(first.ref).status == base.Status.DECLINED
    purchases.pay_again(world.actor(world.ming), order, now=world.now)
    second, first = attempts(order.pk)
    assert second.n == 2 and through("demo").look(first.ref).status == base.Status.CANCELLED
    assert first.status == "declined", "what the gateway said first stands in our history"
    world.pay(order)
    order.refresh_from_db()
    assert order.paid_at and world.charged(order) == 1


def test_the_retry_of_an_automatic_renewal_cancels_the_last_try_first(world, kept):
    world.refuse_next("insufficient_funds")
    world.live("2019-06-24")
    order = Order.objects.get(origin="auto_renewal")
    assert attempts(order.pk)[0].status == "declined"
    world.live("2019-07-05")
    *_, first = attempts(order.pk)
    order.refresh_from_db()
    assert order.paid_at and world.charged(order) == 1
    assert through("demo").look(first.ref).status == base.Status.CANCELLED


def test_one_that_has_charged_after_all_ends_the_next_before_the_gateway_hears_of_it(world, kept, monkeypatch):
    world.refuse_next("insufficient_funds")
    order = world.buy(offer="silver-cloud", card=kept.pk)
    first, adapter = attempts(order.pk)[0], through("demo")
    pretends = replace(adapter.look(first.ref), status=base.Status.SUCCEEDED)
    monkeypatch.setattr(adapter, "cancel", lambda ref, key: pretends)
    purchases.pay_again(world.actor(world.ming), order, now=world.now)
    second = attempts(order.pk)[0]
    assert (second.n, second.status, second.ref) == (2, "cancelled", "")
    assert ("payment", "charged_after_no") in world.tasks()


def test_control_without_cancelling_the_old_payment_could_still_be_paid(world, kept, monkeypatch):
    monkeypatch.setattr(calls, "_last_is_over", lambda attempt, now: True)
    world.refuse_next("insufficient_funds")
    order = world.buy(offer="silver-cloud", card=kept.pk)
    purchases.pay_again(world.actor(world.ming), order, now=world.now)
    assert through("demo").look(attempts(order.pk)[1].ref).status == base.Status.DECLINED


# A restore over the rows of the same database


@pytest.fixture
def house(world, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    Instance.objects.all().delete()
    world.go("2018-06-22")
    assert instance.released()
    return world


def moved(times: int) -> None:
    """As after some charges, each of which was committed before the gateway was called."""
    Instance.objects.update(moves=times)
    instance._keep(Instance.objects.get())


def test_rows_older_than_what_was_kept_outside_charge_nobody(house):
    moved(7)
    house.buy_by_card()
    Instance.objects.update(moves=5)
    assert not instance.released() and charging.why_not().cause == "unreleased"
    house.qualify("silver-cloud")
    with pytest.raises(Refusal, match=r"charging\.stopped"):
        house.buy(offer="silver-cloud")
    assert instance.release(SYSTEM, None, reason="Restored on purpose.", now=house.now)
    assert Instance.objects.get().moves == 8 and instance.released() and charging.why_not() is None


def test_control_a_twin_without_the_count_does_not_notice(house):
    moved(7)
    Instance.objects.update(moves=5)
    instance._twin().write_text(str(Instance.objects.get().uuid))
    assert instance.released()


def test_a_copy_forgets_no_card_of_the_original(house):
    from tenure.renewals.cards import remove_card

    house.buy_by_card()
    card = house.holding().subscription.card
    instance._twin().unlink()
    with pytest.raises(Refusal, match=r"charging\.unreleased"):
        remove_card(house.actor(house.bo), card, agreed=True, now=house.now)
    card.refresh_from_db()
    assert card.removing_at is None


# Disputes in the gateway's list


def test_a_dispute_that_is_nobodys_is_looked_for_once_a_day(world, monkeypatch):
    world.buy_by_card()
    asked = []
    monkeypatch.setattr(disputes, "dispute_movements", lambda: [stray(world)])
    monkeypatch.setattr(through("demo"), "disputes", lambda since: asked.append(since) or [])
    for _ in range(3):
        disputes.follow_disputes(world.now)
    assert len(asked) == 1
    disputes.follow_disputes(world.now + timedelta(days=1))
    assert len(asked) == 2


def stray(world):
    from tenure.billing.models import GatewayMovement

    return GatewayMovement(gateway="demo", ref="txn_stray", kind="dispute", payment_ref="pi_stray", at=world.now)


def test_a_dispute_is_written_only_when_something_changed(world, django_assert_num_queries, monkeypatch):
    order = world.buy_by_card()
    ref = world.at_the_bank("dispute", payment_intent=payment_of(order.pk).gateway_ref)["id"]
    disputes.dispute_heard("demo", ref, world.now)
    assert Dispute.objects.get().respond_by is not None
    saved, save = [], Dispute.save
    monkeypatch.setattr(Dispute, "save", lambda row, **given: (saved.append(row.pk), save(row, **given))[1])
    disputes.dispute_heard("demo", ref, world.now)
    assert saved == []
    world.at_the_bank("won", dispute=ref)
    disputes.dispute_heard("demo", ref, world.now)
    assert len(saved) == 1 and Dispute.objects.get().closed_at
