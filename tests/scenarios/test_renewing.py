"""Renewing by hand inside the window, and nowhere else (domain.md S05 to S14, S46)."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tenure.benefits.actions import use
from tenure.benefits.queries import of_partner as benefits_of
from tenure.kernel.access import SYSTEM
from tenure.kernel.refusals import Refusal
from tenure.memberships.rules import TermFacts, standing
from tenure.partners import actions as partners
from tenure.programme.queries import current
from tenure.purchases.actions import cancel_order
from tenure.purchases.models import Order
from tenure.renewals.queries import checkout
from tests.worlds import AURORA, World


@pytest.fixture
def held(world):
    """An Action Pack bought on 22 June 2018, which expires on 22 June 2019; auto-renew is off."""
    world.go("2018-06-22")
    world.buy_by_card(auto_renew=False)
    return world.holding().subscription


def test_s05_on_the_expiry_day_renewal_is_closed_to_the_last_second(world, held):
    """At 23:59:59 on 22 June 2019 Renew is disabled and says that it opens on 23 June."""
    world.go("2019-06-22 23:59:59")
    tile = world.tile()
    assert not tile.decision.allowed and tile.decision.first.code == "renewals.window_not_open"
    assert tile.decision.first.facts["opens_on"] == date(2019, 6, 23)
    with pytest.raises(Refusal, match=r"renewals\.window_not_open"):
        world.renew(held)
    assert Order.objects.count() == 1 and world.status(held) == "active"


def test_s06_at_midnight_renewal_opens_and_says_until_when(world, held):
    """At 00:00:00 local, 2019-06-22T16:00:00Z, Renew is enabled and says "until 22 July 2019"."""
    at = world.go("2019-06-23 00:00:00")
    assert at.astimezone(ZoneInfo("UTC")).isoformat() == "2019-06-22T16:00:00+00:00"
    tile = world.tile()
    assert tile.decision.allowed and tile.action == "renew"
    assert tile.decision.closes_on == date(2019, 7, 22)
    assert world.pay(world.renew(held)).paid_at


def test_s07_in_the_last_second_of_the_window_renewal_still_succeeds(world, held):
    world.go("2019-07-22 23:59:59")
    assert world.pay(world.renew(held)).paid_at
    assert world.terms(held)[-1] == ("2019-06-23", "2020-06-22")


def test_s08_a_second_later_it_has_lapsed_and_must_be_bought_afresh(world, held):
    """On 23 July renewal is refused by the server, the subscription has lapsed, its benefits are gone, and the tile
    offers a fresh purchase, whose subscription is a new one."""
    world.go("2019-07-23 00:00:00")
    with pytest.raises(Refusal, match=r"renewals\.window_closed"):
        world.renew(held)
    assert world.status(held) == "lapsed" and not world.benefits_run(held)
    seats = next(grant for grant in benefits_of(world.contoso.pk) if grant.kind == "seats")
    with pytest.raises(Refusal, match=r"benefits\.not_active"):
        use(world.actor(world.ming), seats, quantity=1, now=world.now)
    assert world.tile().action == "buy" and world.tile().decision.allowed
    world.buy_by_card()
    fresh = world.holding().subscription
    assert fresh.pk != held.pk and world.terms(fresh) == [("2019-07-23", "2020-07-23")]
    with pytest.raises(Refusal, match=r"renewals\.not_held"):
        world.renew(held)


def test_s09_the_window_is_the_same_on_the_tile_in_the_checkout_and_in_the_refusal(world):
    """An expiry of 15 October shows 16 October to 14 November wherever it is shown."""
    world.go("2018-10-15")
    world.buy_by_card(auto_renew=False)
    world.go("2019-10-15")
    with pytest.raises(Refusal) as refused:
        world.renew(world.holding().subscription)
    told = world.tile().decision
    facts = refused.value.facts
    assert (told.opens_on, told.closes_on) == (facts["opens_on"], facts["closes_on"])
    assert (told.opens_on, told.closes_on) == (date(2019, 10, 16), date(2019, 11, 14))


def test_s11_a_leap_day_purchase_through_five_years_of_renewals(world):
    """Bought on 29 February 2020, renewed each year: 28 February three times, then 29 February 2024. Renewing on a
    leap day answers once, and asking again is a replay (bcgov/entity #10899)."""
    world.go("2020-02-29")
    world.buy_by_card(auto_renew=False)
    subscription = world.holding().subscription
    for day in ("2021-03-01", "2022-03-30", "2023-03-15"):
        world.go(day)
        order = world.pay(world.renew(subscription, key=f"renewal of {day}"))
        assert world.renew(subscription, key=f"renewal of {day}").pk == order.pk, "the retry is a replay"
    world.go("2024-02-29 23:59:59")
    with pytest.raises(Refusal, match="window_not_open"):
        world.renew(subscription)
    assert [expires for _, expires in world.terms(subscription)] == [
        "2021-02-28",
        "2022-02-28",
        "2023-02-28",
        "2024-02-29",
    ]
    assert world.charged() == 4


def test_s12_a_late_renewal_keeps_the_anniversary_and_says_so_before_buy(world, held):
    """Renewed by card on 10 July 2019: the new expiry is 22 June 2020, and the review page said so."""
    world.go("2019-07-10")
    review = checkout(world.contoso, current(), world.today, current().offer("action-pack"), held.pk)
    assert review.term.expires_on == date(2020, 6, 22)
    world.pay(world.renew(held))
    assert world.terms(held)[-1] == ("2019-06-23", "2020-06-22")
    assert world.holding().term.expires_on == review.term.expires_on


@pytest.mark.parametrize(
    ("rules", "expires_on"),
    [
        ({"anchor": "payment_date"}, "2020-07-10"),
        ({"anchor": "payment_date", "term_length": "365_days"}, "2020-07-09"),
        ({"term_length": "365_days"}, "2020-06-21"),
    ],
)
def test_s13_another_policy_gives_another_expiry(world, held, rules, expires_on):
    """With anchor = payment_date the same renewal gives 10 July 2020; with 365 days, 9 July."""
    world.new_policy(2, "2019-01-01", **rules)
    world.go("2019-07-10")
    review = checkout(world.contoso, current(), world.today, current().offer("action-pack"), held.pk)
    world.pay(world.renew(held))
    assert world.terms(held)[-1][1] == expires_on == str(review.term.expires_on)


def test_a_term_keeps_the_window_it_was_bought_with(world, held):
    """Decision 11: a policy of ten days from 2019 on does not shorten the window of a year bought in 2018."""
    world.new_policy(2, "2019-01-01", window_days=10, last_call_day=9, reminder_days=[-15], retry_days=[4, 8])
    world.go("2019-07-22")
    world.pay(world.renew(held))
    assert world.holding().term.renewal_closes_on == date(2020, 7, 2)


def test_s14_a_reader_in_new_york_sees_the_programmes_day_and_its_zone(world, held):
    """At 13:00 in New York on 22 June 2019 Renew is enabled, because it is 23 June in Taipei; the zone is named."""
    world.go(datetime(2019, 6, 22, 13, tzinfo=ZoneInfo("America/New_York")))
    decision = world.tile().decision
    assert decision.allowed and decision.zone == "Asia/Taipei"
    assert world.pay(world.renew(held)).paid_at


ZONES = ["Asia/Taipei", "America/New_York", "Pacific/Kiritimati", "Etc/GMT+12"]


@pytest.mark.parametrize("zone", ZONES)
def test_the_four_edges_of_the_window_hold_on_the_server_in_every_zone(db, card_gateway, settings, zone):
    """The button is not what decides: 23:59:59 and 00:00:00 at both ends, asked of the verb itself, in programmes
    whose days begin at opposite ends of the earth."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    source = AURORA.read_text().replace('zone = "Asia/Taipei"', f'zone = "{zone}"')
    world = World(card_gateway, source=source)
    here, second = ZoneInfo(zone), timedelta(seconds=1)
    world.go(datetime(2018, 6, 22, 12, tzinfo=here))
    world.buy_by_card(auto_renew=False)
    subscription = world.holding().subscription
    opens, ends = datetime(2019, 6, 23, tzinfo=here), datetime(2019, 7, 23, tzinfo=here)
    for at, code in ((opens - second, "window_not_open"), (ends, "window_closed")):
        world.go(at)
        with pytest.raises(Refusal, match=code):
            world.renew(subscription)
    for at in (opens, ends - second):
        world.go(at)
        left = world.renew(subscription)
        assert cancel_order(world.actor(world.ming), left, now=world.now).closing == "cancelled"
    world.go(ends - second)
    assert world.pay(world.renew(subscription)).paid_at
    assert world.terms(subscription)[-1] == ("2019-06-23", "2020-06-22")


def test_s46_the_old_portal_renews_its_own_until_the_company_moves_here(world):
    """Sixty days before expiry the tile says to renew in the old portal; after the invitation is accepted, renewal
    waits for the day after expiry, even though the old window was open."""
    world.go("2019-04-23")
    subscription = world.from_old_portal("Legato Ltd", "legato.example", "Lea Wang", expires_on="2019-06-22")
    partner, lea = subscription.partner, world.person("lea@legato.example")
    told = world.tile(partner=partner).decision.first
    assert told.code == "offers.managed_in_old_portal" and told.facts["old_opens_on"] == date(2019, 3, 24)
    with pytest.raises(Refusal, match=r"partners\.not_invited_here"):
        partners.move_here(world.actor(lea), partner, now=world.now)
    partners.invite_from_old_portal(world.actor(world.sue), partner, now=world.now)
    partner = partners.move_here(world.actor(lea), partner, now=world.now)
    told = world.tile(partner=partner).decision
    assert told.first.code == "renewals.window_not_open" and told.opens_on == date(2019, 6, 23)
    subscription.refresh_from_db()
    world.go("2019-06-23")
    assert world.pay(world.renew(subscription, lea)).paid_at
    assert world.terms(subscription)[-1] == ("2019-06-23", "2020-06-22")


def test_a_suspended_company_keeps_what_it_holds_and_renews_nothing(world, held):
    """R28: suspension blocks buying and renewing, not viewing; lifted, the window is where it was."""
    world.go("2019-06-25")
    partners.suspend(SYSTEM, world.contoso, reason="in arrears", now=world.now)
    with pytest.raises(Refusal, match=r"offers\.suspended"):
        world.renew(held)
    assert world.benefits_run(held)
    partners.reinstate(SYSTEM, world.contoso, now=world.now)
    assert world.pay(world.renew(held)).paid_at


def test_a_status_is_read_from_the_dates_whether_or_not_any_job_ran(world, held):
    """tendenci#372: with the nightly job off, expired people stayed active."""
    term = world.holding().term
    facts = TermFacts(term.expires_on, term.renewal_closes_on)
    for day, expected in (("2019-06-22", "active"), ("2019-06-23", "renewal_window"), ("2019-07-23", "lapsed")):
        world.go(day)
        assert world.status(held) == expected == standing(facts, world.today).status
