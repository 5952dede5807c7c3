"""More charges within an hour than are believed stop charging until a person has looked into it (reliability.md, 5.1)."""

from datetime import timedelta

import pytest

from tenure.kernel.refusals import Refusal
from tenure.payments.models import Attempt
from tenure.plumbing import charging
from tenure.plumbing.models import ChargingStop, Event
from tenure.purchases.models import Order

FIRMS = ("Fabrikam", "Northwind", "Adatum", "Tailspin")


@pytest.fixture
def four(world):
    """Four companies that renew by themselves on one morning; two charges within an hour are believed."""
    world.go("2018-06-22")
    for name in FIRMS:
        world.company(f"{name} Ltd", f"{name.lower()}.example", f"{name} Admin")
        who = world.person(f"{name.lower()}@{name.lower()}.example")
        world.buy_by_card(who=who, partner=partner_of(who))
    world.work()
    world.go("2019-06-01")
    world.apply(("hourly_charges = 20000", "hourly_charges = 2"))
    return world


def partner_of(who):
    from tenure.partners.models import Partner
    from tenure.people.models import Colleague

    return Partner.objects.get(pk=Colleague.objects.get(user=who).partner_id)


def test_a_burst_stops_charging_and_the_rest_waits_until_somebody_has_looked(four):
    before = four.charged()
    four.wake("2019-06-23 00:10")
    assert four.charged() == before + 2
    stop = ChargingStop.objects.get()
    assert (stop.cause, stop.reason, stop.stopped_by) == ("bound", "3 > 2", "system")
    assert ("charging", "charging.bound") in four.tasks()
    assert Event.objects.get(name="charging.stopped").payload["cause"] == "bound"
    four.live("2019-06-23 12:00")
    assert four.charged() == before + 2, "time alone starts nothing"
    charging.start(four.actor(four.fin), None, reason="Many expire on one day.", now=four.now)
    four.work()
    four.live("2019-06-24 12:00")
    assert four.charged() == before + 4
    assert not [task for task in four.tasks() if task[0] == "charging"]
    assert Order.objects.filter(origin="auto_renewal", paid_at=None).count() == 0


def test_a_purchase_above_the_bound_is_kept_and_paid_later(four):
    four.go("2019-06-02")
    orders = [four.buy()]
    four.qualify("silver-cloud")
    orders.append(four.buy(offer="silver-cloud"))
    four.qualify("gold-cloud")
    with pytest.raises(Refusal, match=r"charging\.stopped"):
        four.buy(offer="gold-cloud")
    kept = Order.objects.latest("pk")
    assert kept.open and Attempt.objects.get(order_id=kept.pk).status == "cancelled"
    assert charging.why_not().cause == "bound"


def test_what_is_usual_is_believed(four):
    """Three times the mean of the busiest hours: four charges in an hour last week make twelve usual today."""
    usual = Attempt.objects.order_by("pk").first()
    rows = [
        Attempt(
            order_id=usual.order_id,
            order_number=usual.order_number,
            partner_id=usual.partner_id,
            n=100 + n,
            gateway="demo",
            key=f"usual/{n}",
            amount_minor=1,
            currency="TWD",
            status="declined",
            committed_at=four.now,
        )
        for n in range(4)
    ]
    Attempt.objects.bulk_create(rows)
    before = four.charged()
    four.wake("2019-06-23 00:10")
    assert four.charged() == before + 4 and charging.why_not() is None


def test_control_without_the_bound_the_burst_is_charged(four):
    four.apply(("hourly_charges = 2\n", "hourly_charges = 0\n"))
    before = four.charged()
    four.wake("2019-06-23 00:10")
    assert four.charged() == before + 4 and not ChargingStop.objects.exists()


def test_an_hour_later_the_count_begins_anew(four):
    four.go("2019-06-02")
    four.buy()
    four.qualify("silver-cloud")
    four.buy(offer="silver-cloud")
    four.go(four.now + timedelta(hours=1, seconds=1))
    four.qualify("gold-cloud")
    four.buy(offer="gold-cloud")
    assert charging.why_not() is None
