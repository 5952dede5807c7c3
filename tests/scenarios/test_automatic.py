"""Renewing by itself: charged once on the day after expiry, tried again after a decline, off when switched off
(domain.md S27 to S31)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tenure.kernel.refusals import Refusal
from tenure.memberships.models import AutoRenewChange
from tenure.payments.queries import attempts
from tenure.purchases import actions as purchases
from tenure.purchases.models import Order
from tenure.renewals import actions as renewals
from tenure.renewals.models import Due
from tenure.renewals.queries import next_charge
from tenure.support.rules import Outcome
from tests.worlds import AURORA, Method, World


def bought(world, card: str = "approves"):
    """An Action Pack bought by card on 22 June 2018 with auto-renew on."""
    world.go("2018-06-22")
    world.buy_by_card(card)
    return world.holding().subscription


def automatic() -> Order:
    return Order.objects.filter(origin="auto_renewal").order_by("pk").last()


def tried(order: Order) -> list[str]:
    return [str(attempt.committed_at.date()) for attempt in reversed(attempts(order.pk))]


def test_s27_the_card_is_charged_on_the_day_after_expiry_and_once(world):
    """On 23 June 2019 TWD 15,750 is captured once, expiry becomes 22 June 2020, a receipt is mailed; running the
    job again changes nothing."""
    subscription = bought(world)
    world.wake("2019-06-22 23:59:59")
    assert world.charged() == 1, "the expiry day is paid for"
    assert next_charge(world.holding(), world.today) == date(2019, 6, 23)
    world.wake("2019-06-23 00:04")
    order = automatic()
    assert world.charged(order) == 1 and order.total_minor == 15_750
    assert world.terms(subscription)[-1] == ("2019-06-23", "2020-06-22")
    receipts = len(world.mails("orders.paid"))
    world.work()
    world.wake("2019-06-24")
    assert world.charged() == 2 and len(world.mails("orders.paid")) == receipts == 2


def test_the_run_a_hundred_times_makes_one_document(world):
    """erpnext#28236: every refresh made an invoice. Empirical-Core #8864: charged although already active."""
    subscription = bought(world)
    world.go("2019-06-23 00:04")
    for _ in range(100):
        renewals.run(world.system, None, now=world.now)
    assert world.charged() == 2 and len(world.terms(subscription)) == 2
    world.go("2019-06-26")
    renewals.run(world.system, None, now=world.now)
    assert world.charged() == 2, "nothing is charged before the start of the next"


def test_s28_a_run_that_was_down_renews_once_to_the_same_anniversary(world):
    """The job was down until 25 June 2019: it renews once, dated to the anniversary (OCA/contract#1057)."""
    subscription = bought(world)
    world.wake("2019-06-25")
    assert world.terms(subscription) == [("2018-06-22", "2019-06-22"), ("2019-06-23", "2020-06-22")]
    assert world.charged() == 2


def test_down_past_a_retry_one_charge_is_made_and_the_missed_ones_are_noted(world):
    """Ten nights without the job: one charge, not one for each day that was missed."""
    bought(world)
    world.wake("2019-07-02")
    assert world.charged() == 2
    assert dict(Due.objects.filter(action__startswith="charge").values_list("action", "state")) == {
        "charge:+1": "suppressed",
        "charge:+4": "suppressed",
        "charge:+8": "done",
    }


def test_down_past_the_window_nothing_is_charged(world):
    """Forty nights without the job: the window has closed, so the card is left alone and the lapse is told."""
    subscription = bought(world)
    world.wake("2019-07-23 00:04")
    assert world.charged() == 1 and world.status(subscription) == "lapsed"
    assert len(world.mails("letter.lapsed")) == 1


def test_s29_a_failed_charge_keeps_the_window_and_a_renewal_by_hand_stops_the_retries(world):
    """Declined on 23 June 2019: the subscription stays in its window with benefits, admins are told, Renew is open,
    and a renewal by hand on the 24th ends the automatic one."""
    subscription = bought(world, "declines_later")
    world.wake("2019-06-23 00:04")
    assert world.status(subscription) == "renewal_window" and world.charged() == 1
    assert [len(world.mails("payments.declined", who)) for who in (world.ann, world.ming, world.sal)] == [1, 1, 0]
    world.go("2019-06-24")
    tile = world.tile()
    assert tile.decision.allowed and tile.action == "renew", "the automatic order does not stand in the way"
    world.pay(world.renew(subscription))
    assert automatic().closing == "cancelled"
    for day in ("2019-06-26", "2019-06-30", "2019-07-07", "2019-07-14", "2019-07-22"):
        world.wake(day)
    assert world.charged() == 2 and len(attempts(automatic().pk)) == 1
    assert world.terms(subscription)[-1] == ("2019-06-23", "2020-06-22")


def test_retries_come_on_the_days_of_the_policy_and_then_stop(world):
    """Days +1, +4, +8, +15, +22; each is one attempt of one order, none is a second order (tendenci#1287)."""
    subscription = bought(world, "declines_later")
    for day in range(22, 31):
        world.wake(f"2019-06-{day} 00:04")
    for day in range(1, 24):
        world.wake(f"2019-07-{day:02d} 00:04")
    order = automatic()
    days = ["2019-06-22", "2019-06-25", "2019-06-29", "2019-07-06", "2019-07-13"]
    assert tried(order) == days, "four minutes past midnight in Taipei is the day before in UTC"
    assert Order.objects.filter(origin="auto_renewal").count() == 1 and order.closing == "expired"
    assert world.charged() == 1 and world.status(subscription) == "lapsed"
    assert len(world.mails("payments.declined")) == 5


def test_a_hard_decline_stops_at_once_even_after_an_order_by_hand_was_left(world):
    """A stolen card is not asked again, also when Ming meanwhile began a renewal by hand and left it."""
    subscription = bought(world)
    world.refuse_next("stolen_card")
    world.wake("2019-06-23 00:04")
    assert attempts(automatic().pk)[0].hard
    world.go("2019-06-24")
    world.renew(subscription)
    for day in ("2019-06-26", "2019-06-30", "2019-07-07", "2019-07-14"):
        world.wake(day)
    assert world.charged() == 1
    assert sum(len(attempts(order.pk)) for order in Order.objects.filter(origin="auto_renewal")) == 1


def test_a_bank_that_wants_to_see_the_customer_is_not_a_decline(world):
    """C6: authentication required sends one link and is not tried again in silence; the link pays the order."""
    subscription = bought(world)
    world.refuse_next("authentication_required")
    world.wake("2019-06-23 00:04")
    assert len(world.mails("payments.action_needed")) == 1 and not world.mails("payments.declined")
    world.wake("2019-06-26")
    order = automatic()
    assert len(attempts(order.pk)) == 1 and world.status(subscription) == "renewal_window"
    purchases.pay_again(world.actor(world.ming), order, now=world.now)
    world.pay(order)
    assert world.terms(subscription)[-1] == ("2019-06-23", "2020-06-22")


def test_an_automatic_order_cancelled_by_hand_is_tried_again_on_the_next_day_due(world):
    """Ming cancels the unpaid order; auto-renew is still on, so the retry places another and does not stumble."""
    subscription = bought(world)
    world.refuse_next("insufficient_funds")
    world.wake("2019-06-23 00:04")
    purchases.cancel_order(world.actor(world.ming), automatic(), now=world.now)
    world.wake("2019-06-26")
    assert world.charged() == 2 and world.terms(subscription)[-1] == ("2019-06-23", "2020-06-22")
    assert world.tasks() == []


def test_s30_off_is_off_and_nothing_is_charged(world):
    """Turned off on 1 May 2019: the switch reads off, nothing is charged on 23 June, and a letter confirms it."""
    subscription = bought(world)
    world.go("2019-05-01")
    row = renewals.turn_off_auto_renew(world.actor(world.ming), subscription, now=world.now)
    assert not row.auto_renew and next_charge(world.holding(), world.today) is None
    world.work()
    assert len(world.mails("renewals.auto_renew_off")) == 1
    for day in ("2019-06-23", "2019-06-26", "2019-07-14"):
        world.wake(day)
    assert world.charged() == 1
    again = renewals.turn_off_auto_renew(world.actor(world.ming), subscription, now=world.now)
    assert not again.auto_renew and AutoRenewChange.objects.filter(on=False).count() == 1


def test_s31_on_is_refused_until_the_next_paid_renewal(world):
    """Posting "turn on" is refused; after renewing on 25 June 2019 the choice is there again."""
    subscription = bought(world)
    renewals.turn_off_auto_renew(world.actor(world.ming), subscription, now=world.now)
    subscription.refresh_from_db()
    with pytest.raises(Refusal, match=r"renewals\.renew_first"):
        renewals.turn_on_auto_renew(world.actor(world.ming), subscription, now=world.now)
    world.go("2019-06-25")
    world.pay(world.renew(subscription))
    assert world.holding().subscription.auto_renew
    causes = [change.cause for change in AutoRenewChange.objects.filter(on=True).order_by("pk")]
    assert causes == ["purchase", "renewal"], "on only ever with a paid order (I-28)"


def test_unticked_at_checkout_or_paid_by_transfer_it_stays_off(world):
    """Decision 4: on by default after a card payment, never for a bank transfer, whatever was posted."""
    world.go("2018-06-22")
    world.buy_by_card(auto_renew=False)
    assert not world.holding().subscription.auto_renew
    world.go("2019-06-25")
    order = world.renew(world.holding().subscription, method=Method.BANK_TRANSFER, auto_renew=True)
    world.transfer(order, 15_750)
    assert not world.holding().subscription.auto_renew


def test_turned_off_in_the_window_the_retries_stop_and_nothing_is_left_behind(world):
    """Off any time until captured: during the window too. laravel-cashier-mollie #233: a left-over item renewed."""
    subscription = bought(world, "declines_later")
    world.wake("2019-06-23 00:04")
    renewals.turn_off_auto_renew(world.actor(world.ming), subscription, now=world.now)
    assert automatic().closing == "cancelled"
    for day in ("2019-06-26", "2019-06-30", "2019-07-14"):
        world.wake(day)
    assert len(attempts(automatic().pk)) == 1


def test_turned_off_while_the_run_is_at_work_the_card_is_left_alone(world, monkeypatch):
    """The run read its terms first; before it came to this one, Ming turned auto-renew off (I-29)."""
    subscription = bought(world)
    world.go("2019-06-23 00:04")
    terms = list(renewals.terms_with_something_due(world.today))
    monkeypatch.setattr(renewals, "terms_with_something_due", lambda today: terms)
    renewals.turn_off_auto_renew(world.actor(world.ming), subscription, now=world.now)
    renewals.run(world.system, None, now=world.now)
    assert world.charged() == 1 and automatic() is None


def test_asking_to_cancel_ends_the_retries_with_it(world):
    """S33 and decision 7: auto-renew is off the moment the request is submitted; nothing is tried again."""
    subscription = bought(world, "declines_later")
    world.wake("2019-06-23 00:04")
    request = world.ask_to_cancel(subscription)
    assert automatic().closing == "cancelled"
    world.wake("2019-06-26")
    assert len(attempts(automatic().pk)) == 1
    assert world.decide(request, refund=False).outcome == Outcome.DO_NOT_RENEW
    assert world.charged() == 1


@pytest.mark.parametrize("zone", ["Etc/GMT+12", "America/New_York", "Pacific/Kiritimati"])
def test_asked_every_hour_in_any_zone_the_year_is_renewed_once_and_on_its_day(db, card_gateway, settings, zone):
    """lago#662, #879: a once-a-day guard compared UTC days, and partners east of UTC were billed twice."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    world = World(card_gateway, source=AURORA.read_text().replace('zone = "Asia/Taipei"', f'zone = "{zone}"'))
    here = ZoneInfo(zone)
    world.go(datetime(2018, 6, 22, 12, tzinfo=here))
    world.buy_by_card()
    at = datetime(2019, 6, 22, tzinfo=here).astimezone(UTC)
    for _ in range(60):
        world.go(at)
        renewals.run(world.system, None, now=at)
        expected = 2 if at.astimezone(here).date() > date(2019, 6, 22) else 1
        assert world.charged() == expected, at
        at += timedelta(hours=1)
    assert [str(row.issued_on) for row in world.invoices()] == ["2019-06-23", "2018-06-22"], "the issuer's own day"
