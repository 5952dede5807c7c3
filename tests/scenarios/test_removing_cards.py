"""A kept card is removed by who sees the bills: agreed to first, forgotten once, and repaired after a crash."""

from datetime import timedelta

import pytest

from tenure.kernel.refusals import NotYours, Refusal
from tenure.memberships.models import AutoRenewChange
from tenure.payments.actions import gateway
from tenure.payments.gateways import base
from tenure.payments.models import Card
from tenure.payments.queries import cards
from tenure.plumbing.models import Event
from tenure.purchases.models import Order
from tenure.renewals import cards as removing


def remove(world, card: Card, who=None, *, agreed: bool = True):
    return removing.remove_card(world.actor(who or world.bo), card, agreed=agreed, now=world.now)


@pytest.fixture
def kept(world) -> Card:
    world.go("2018-06-22")
    world.buy_by_card()
    return world.holding().subscription.card


@pytest.fixture
def asked(monkeypatch) -> list[str]:
    """The tokens that the gateway was asked to forget."""
    heard, through = [], gateway("demo")._through
    forgets = through.detach
    monkeypatch.setattr(through, "detach", lambda token: (heard.append(token), forgets(token))[1])
    return heard


def silent(token: str) -> None:
    raise base.Unknown("no_answer")


def test_what_the_card_renews_is_said_and_agreed_to_first(world, kept, asked):
    with pytest.raises(Refusal, match=r"cards\.renews"):
        remove(world, kept, agreed=False)
    assert asked == [] and world.holding().subscription.auto_renew
    assert [row.pk for row in remove(world, kept)] == [world.holding().subscription.pk]
    subscription = world.holding().subscription
    assert not subscription.auto_renew and subscription.card is None
    assert AutoRenewChange.objects.latest("pk").cause == "card_removed"
    assert asked == [kept.token] and not cards(world.contoso.pk).exists()
    world.live("2019-07-30")
    assert world.charged() == 1


def test_everybody_concerned_hears_of_it_once(world, kept):
    remove(world, kept)
    with pytest.raises(NotYours):
        remove(world, kept)
    world.work()
    for who in (world.bo, world.ming):
        letter = world.mails("payments.card_removed", who)
        assert len(letter) == 1 and "Action Pack" in letter[0].body
    event = Event.objects.get(name="payments.card_removed")
    assert event.actor == world.actor(world.bo).label and event.payload["label"] == str(kept)


def test_a_card_that_renews_nothing_goes_without_a_question(world, asked):
    world.buy_by_card(auto_renew=False)
    card = cards(world.contoso.pk).get()
    assert remove(world, card, agreed=False) == [] and asked == [card.token]


def test_every_token_of_the_same_plastic_is_forgotten(world, kept, asked):
    world.qualify("silver-cloud")
    world.buy_by_card(offer="silver-cloud")
    assert cards(world.contoso.pk).count() == 2
    assert len(remove(world, kept)) == 2 and len(asked) == 2 and not cards(world.contoso.pk).exists()


def test_while_a_charge_runs_on_it_the_card_stays(world, kept, asked):
    world.qualify("silver-cloud")
    world.gateway_faults(timeout_after_charge=1)
    gateway("demo")._through.timeout, before = 0.3, gateway("demo")._through.timeout
    try:
        order = world.buy(offer="silver-cloud", card=kept.pk)
    finally:
        gateway("demo")._through.timeout = before
    with pytest.raises(Refusal, match=r"cards\.charge_running"):
        remove(world, kept)
    assert asked == []
    world.asked()
    assert world.charged(order) == 1 and remove(world, kept)


def test_a_removal_that_the_gateway_did_not_hear_is_repeated_and_charges_nothing_meanwhile(world, kept, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(gateway("demo")._through, "detach", silent)
        remove(world, kept)
        world.work()
        kept.refresh_from_db()
        assert kept.removing_at and kept.removed_at is None and not cards(world.contoso.pk).exists()
        with pytest.raises(Refusal, match=r"payments\.card_not_found"):
            world.qualify("silver-cloud")
            world.buy(offer="silver-cloud", card=kept.pk)
        world.live(world.now + timedelta(days=2))
        assert ("card", "cards.not_forgotten") in world.tasks()
    world.work()
    kept.refresh_from_db()
    assert kept.removed_at and world.tasks() == []


def test_an_automatic_order_that_is_still_trying_ends_with_the_card(world, kept):
    world.refuse_next("insufficient_funds")
    world.live("2019-06-23")
    assert Order.objects.get(origin="auto_renewal").open
    remove(world, kept)
    assert Order.objects.get(origin="auto_renewal").closing == "cancelled"
    world.live("2019-07-30")
    assert world.charged() == 1


def test_another_company_and_a_plain_user_remove_nothing(world, kept, asked):
    world.company("Fabrikam Ltd", "fabrikam.example", "Fay Ho")
    for who in (world.person("fay@fabrikam.example"), world.sal):
        with pytest.raises((NotYours, Refusal)):
            remove(world, kept, who)
    assert asked == []


def test_the_same_card_named_anew_is_kept_again(world, kept):
    remove(world, kept)
    world.qualify("silver-cloud")
    world.buy_by_card(offer="silver-cloud")
    assert cards(world.contoso.pk).get().removing_at is None


def test_control_without_the_lookout_a_running_charge_loses_its_card(world, kept, monkeypatch):
    world.qualify("silver-cloud")
    world.gateway_faults(error_500_after_charge=1)
    world.buy(offer="silver-cloud", card=kept.pk)
    monkeypatch.setattr(removing, "charge_running_on", lambda rows: None)
    assert remove(world, kept)
    world.asked()
