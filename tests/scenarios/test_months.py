"""A year in the books: each month earns its days and is closed, and at the end nothing is left to be earned."""

from datetime import date

from tenure.billing.closing import close_month, next_to_close
from tenure.billing.models import ClosedMonth
from tenure.billing.queries import trial_balance
from tenure.proof import verify
from tests.worlds import taipei


def balances(on: date = date(2100, 1, 1)) -> dict[str, int]:
    return {account: minor for account, _, minor in trial_balance(on)}


def close(world) -> date:
    month = next_to_close(world.today)
    return close_month(world.actor(world.fin), None, month=month, now=world.now).month


def test_a_year_of_a_membership_closed_month_by_month(world):
    world.go("2018-07-01")
    subscription = world.buy_by_card() and world.holding().subscription
    assert world.terms(subscription) == [("2018-07-01", "2019-07-01")]
    left = []
    for n in range(12):
        year, month = 2018 + (7 + n) // 12, (7 + n) % 12 + 1
        world.wake(taipei(f"{year}-{month:02d}-01 00:10"))
        close(world)
        left.append(-balances()["deferred_revenue"])
    assert left == sorted(left, reverse=True) and left[0] == 15_000 - 15_000 * 31 // 366
    assert left[-1] == 15_000 - 15_000 * 365 // 366, "the last day of the term lies in the month still open"
    # The automatic renewal of 2 July brings the next year's price.
    world.live("2019-08-01 00:10")
    close(world)
    july = balances(date(2019, 7, 31))
    assert -july["revenue"] == 15_000 + 15_000 * 30 // 366 and -july["deferred_revenue"] == 15_000 - 15_000 * 30 // 366
    assert july["tax"] == -1_500 and "receivable" not in july
    assert ClosedMonth.objects.count() == 13
    assert verify.run(ask_gateways=False, only={"I-1", "I-2", "I-3", "I-4", "I-8"}).violated == set()


def test_a_refund_in_the_second_month_leaves_the_closed_one_as_it_was(world):
    world.go("2018-06-20")
    world.buy_by_card()
    world.wake(taipei("2018-07-01 00:10"))
    assert close(world) == date(2018, 6, 1)
    june = balances(date(2018, 6, 30))
    world.go("2018-07-15")
    world.decide(world.ask_to_cancel(world.holding().subscription))
    world.wake(taipei("2018-08-01 00:10"))
    assert close(world) == date(2018, 7, 1)
    assert balances(date(2018, 6, 30)) == june
    after = balances()
    assert "deferred_revenue" not in after and after["revenue"] + after["refunds"] == 0
    assert after["fees"] + after["gateway_clearing"] == 0, (
        "the gateway keeps its fee, and takes it out of the next sale"
    )
    assert set(after) == {"revenue", "refunds", "fees", "gateway_clearing"}, "everything else is back at nothing"


def test_a_renewal_paid_late_earns_what_has_passed_in_the_month_it_is_paid(world):
    """Its term began in June; June is over when the money comes, so July's posting holds the June days, too."""
    world.go("2018-06-20")
    world.buy_by_card()
    subscription = world.holding().subscription
    world.wake("2018-06-21")
    subscription.refresh_from_db()
    from tenure.renewals.actions import turn_off_auto_renew

    turn_off_auto_renew(world.actor(world.ming), subscription, now=world.now)
    world.live("2019-07-10")
    world.pay(world.renew(subscription))
    assert world.terms(subscription)[-1] == ("2019-06-21", "2020-06-20")
    world.wake(taipei("2019-08-01 00:10"))
    earned = -balances(date(2019, 7, 31))["revenue"] + balances(date(2019, 6, 30))["revenue"]
    assert earned == 15_000 * 41 // 366, "ten days of June and all of July"
