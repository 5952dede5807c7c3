"""A database that was restored or copied asks the gateway, but moves no money until a person has released it."""

import pytest

from tenure.kernel.access import SYSTEM
from tenure.kernel.refusals import Invalid, Refusal
from tenure.plumbing import instance
from tenure.plumbing.models import Event, Instance
from tenure.purchases.models import Order


def copied() -> None:
    """As after a restore: the rows are the same, the place is another, and nothing there leads to the twin."""
    instance._twin().unlink()


@pytest.fixture
def house(world, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    Instance.objects.all().delete()
    world.go("2018-06-22")
    world.buy_by_card()
    return world


def test_a_fresh_installation_is_named_at_its_first_charge_and_charges(house):
    assert instance.released() and house.charged() == 1
    twin = instance._twin()
    assert twin.read_text().split()[0] == str(Instance.objects.get().uuid)
    assert twin.stat().st_mode & 0o777 == 0o600


def test_a_copy_charges_nobody_until_it_is_released(house):
    copied()
    house.qualify("silver-cloud")
    with pytest.raises(Refusal) as refused:
        house.buy(offer="silver-cloud")
    assert refused.value.code == "charging.stopped"
    house.work()
    assert house.charged() == 1 and not instance.released()
    with pytest.raises(Invalid):
        instance.release(SYSTEM, None, reason=" ", now=house.now)
    assert instance.release(SYSTEM, None, reason="The old machine is off.", now=house.now)
    event = Event.objects.get(name="charging.released")
    assert event.payload == {"reason": "The old machine is off."}
    assert not instance.release(SYSTEM, None, reason="Again", now=house.now)
    order = Order.objects.get(offer="silver-cloud")
    assert order.paid_at is None and order.open


def test_an_automatic_renewal_waits_as_a_persons_task_and_is_made_once_released(house):
    house.go("2019-06-23 00:10")
    copied()
    house.work()
    assert house.charged() == 1 and ("charging", "charging.renewals_wait") in house.tasks()
    instance.release(SYSTEM, None, reason="The old machine is off.", now=house.now)
    house.live("2019-06-23 12:00")
    assert house.charged() == 2 and Order.objects.get(origin="auto_renewal").paid_at


def test_control_without_the_twin_being_asked_a_copy_charges(house, monkeypatch):
    copied()
    monkeypatch.setattr("tenure.plumbing.charging.released", lambda: True)
    house.qualify("silver-cloud")
    house.buy_by_card(offer="silver-cloud")
    assert house.charged() == 2
