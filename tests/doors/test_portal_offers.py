"""Home, the offers page and one offer: what is held, what can be done today, why not, and who can help."""

import pytest
from django.test import Client
from django.urls import reverse

from tenure.competencies import actions as competencies
from tenure.partners.models import Partner
from tenure.payments.rules import Method
from tenure.people.models import User
from tenure.programme.queries import current
from tests.doors.till import Till
from tests.worlds import CONTACT

pytestmark = pytest.mark.django_db


@pytest.fixture
def till(world):
    return Till(world)


def qualify(world, code):
    """Record enough of everything an offer asks for."""
    for criterion in current().offer(code).criteria:
        competencies.record_evidence(
            world.actor(world.oda),
            world.contoso,
            offer=code,
            criterion=criterion.code,
            value=criterion.threshold,
            as_of=world.today,
            now=world.now,
        )


def test_a_company_that_holds_nothing_sees_what_it_can_buy(till):
    page = till.page("/offers/")
    assert "Action Pack" in page and "NT$15,000 a year, tax excluded" in page
    assert '<input type="hidden" name="offer" value="action-pack">' in page
    assert "0 of 4 met" in page and "Your company has bought nothing yet." in page


def test_s42_missing_requirements_stand_beside_the_closed_button(till, world):
    page = till.page("/offers/")
    assert 'aria-disabled="true" aria-describedby="why-silver-cloud"' in page
    assert "Requirements not met yet: Certified professionals" in page
    page = till.page("/offers/silver-cloud/")
    assert "0 of 20,000 US$" in page and "NT$52,500" in page and "Why not?" in page
    qualify(world, "silver-cloud")
    page = till.page("/offers/silver-cloud/")
    assert "All conditions are met" in page and 'name="offer" value="silver-cloud"' in page


def test_s05_s06_renewal_opens_at_midnight_in_the_programmes_zone(till, world):
    world.go("2018-06-22")
    till.buy(auto_renew=False)
    world.live("2019-06-22 23:59:59")
    page = till.page("/offers/")
    assert "renewal opens on 23 June 2019" in page and 'name="subscription"' not in page
    world.live("2019-06-23 00:00:00")
    page = till.page("/offers/")
    assert 'name="subscription"' in page and "22 July 2019 · 30 days left" in page
    assert "You can renew it from 23 June to 22 July 2019." in page
    world.live("2019-07-22 23:59:59")
    assert "22 July 2019 · last day" in till.page("/offers/")


def test_s08_after_the_window_the_tile_offers_a_fresh_purchase(till, world):
    world.go("2018-06-22")
    till.buy(auto_renew=False)
    world.live("2019-07-23 00:00:01")
    page = till.page("/offers/")
    assert 'name="offer" value="action-pack"' in page and "Lapsed" in page
    assert 'id="expired"' in page and "Download invoice" in page


def test_s22_a_transfer_order_past_the_window_shows_suspension(till, world):
    world.go("2018-06-22")
    till.buy(auto_renew=False)
    world.live("2019-07-22")
    till.order("bank_transfer", subscription=world.holding().subscription)
    world.live("2019-07-23")
    page = till.page("/offers/")
    assert "Suspended" in page and "awaits your transfer of NT$15,750 by 21 August 2019" in page
    assert "Continue with the order" in page and "See how to pay" in page


def test_purchased_shows_the_running_term_and_expired_the_years_before(till, world):
    world.go("2018-06-22")
    till.buy()
    world.live("2020-06-30")
    page = till.page("/offers/")
    assert "23 June 2020 to 22 June 2021" in page and "On, " not in page and "On · Visa ···· 4242" in page
    assert page.index("<strong>2020</strong>") < page.index("<strong>2019</strong>")
    assert page.count("Download invoice") == 3


def test_an_open_cancel_request_stands_on_the_tile(till, world):
    till.buy()
    request = world.contoso.requests.model.objects
    where = till.client.get(f"/subscriptions/{world.holding().subscription.pk}/cancel/")["Location"]
    assert where.startswith(reverse("portal:support_new") + "?subscription=")
    from tenure.support import actions as support

    support.open_request(
        world.actor(world.ming),
        world.contoso,
        problem_type="invoice-payment-reconciliation",
        subject="Cancel",
        description="Because.",
        subscription=world.holding().subscription,
        now=world.now,
    )
    assert f"Requested in {request.get().number}" in till.page("/offers/")


def test_s47_an_account_admin_sees_offers_and_who_can_buy(world):
    world.colleague("Ada Admin", "account_admin")
    page = Till(world, User.objects.get(email="ada@contoso.example")).page("/offers/")
    assert "You don't have permission to do this. Ann Lin or Ming Chen can do it." in page
    assert 'name="offer"' not in page


@pytest.mark.parametrize("address", ["/offers/", "/offers/action-pack/"])
def test_s47_others_are_refused_with_names(world, address):
    for person in (world.sal, world.bo):
        assert "Ann Lin or Ming Chen" in Till(world, person).page(address, status=403)


def test_strangers_see_their_own_offers_only(world, till):
    order = till.buy()
    world.company("Fabrik Systems Ltd", "fabrik.example", "Mei Chen")
    page = Till(world, User.objects.get(email="mei@fabrik.example")).page("/offers/")
    assert order.split("/")[2] not in page and "Fabrik Systems Ltd" in page


def test_staff_and_visitors(world, till):
    assert Till(world, world.oda).client.get("/offers/")["Location"] == "/office/"
    assert Client().get("/offers/")["Location"].startswith("/accounts/login/")
    till.page("/offers/no-such-offer/", status=404)


def test_s46_a_company_of_the_old_portal_is_told_the_truth(till, world):
    till.buy()
    Partner.objects.filter(pk=world.contoso.pk).update(managed_in="legacy")
    page = till.page("/offers/")
    assert "Your memberships are managed in the old portal." in page and "can be renewed there from" in page
    assert reverse("portal:move_here") not in page
    Partner.objects.filter(pk=world.contoso.pk).update(invited_here_at=world.now)
    page = till.page("/offers/")
    assert "renewal opens on the day after expiry" in page
    assert f'<form method="post" action="{reverse("portal:move_here")}">' in page


def test_the_offers_page_takes_twelve_queries_with_five_subscriptions(till, world, django_assert_max_num_queries):
    for code in ("silver-cloud", "gold-cloud", "silver-data", "gold-data"):
        qualify(world, code)
    for offer in ("action-pack", "silver-cloud", "gold-cloud", "silver-data", "gold-data"):
        world.transfer(world.buy(offer=offer, method=Method.BANK_TRANSFER, contact=CONTACT), 10**6)
    world.live("2019-06-19")
    assert len(world.contoso.subscriptions.all()) == 5
    with django_assert_max_num_queries(12):
        page = till.page("/offers/")
    assert page.count("renewal opens on") >= 5
    with django_assert_max_num_queries(14):
        till.page("/")
    world.live("2019-06-21")
    with django_assert_max_num_queries(12):
        assert till.page("/offers/").count('name="subscription"') == 5


# Home


def test_home_says_what_needs_doing_and_when(till, world):
    page = till.page("/")
    assert "Nothing is waiting for you." in page and "No membership yet." in page
    world.go("2018-06-22")
    till.buy()
    page = till.page("/")
    assert "Action Pack expires" in page and "Action Pack renews by itself, Visa ···· 4242 is charged" in page
    till.post(f"/subscriptions/{world.holding().subscription.pk}/auto-renew/")
    assert "Renewal of Action Pack opens" in till.page("/") and "Last day to renew Action Pack" in till.page("/")


def test_home_of_a_company_under_verification(world):
    world.company("Fabrik Systems Ltd", "fabrik.example", "Mei Chen", verified=False)
    page = Till(world, User.objects.get(email="mei@fabrik.example")).page("/")
    assert "We are still verifying your company." in page


def test_home_shows_each_role_what_it_may_see(world, till):
    till.buy()
    sal = Till(world, world.sal).page("/")
    assert "Your role doesn't show memberships." in sal and "Ann Lin" in sal and "Use benefits" in sal
    assert "NT$" not in sal
    bo = Till(world, world.bo).page("/")
    assert "Action Pack" in bo and "Download invoices" in bo and "Buy or renew" not in bo


def test_s50_home_and_offers_speak_chinese(world, till):
    world.go("2018-06-22")
    till.buy(auto_renew=False)
    world.live("2019-06-25")
    User.objects.filter(pk=world.ming.pk).update(language="zh-hant")
    page = till.page("/offers/")
    assert "行動套件已於 2019年6月22日到期。您可以在 2019年6月23日至7月22日之間續約；逾期須重新購買。" in page
    assert "2019年7月22日，還有 28 天" in page and "續約訂閱" in page
    assert "您好" in till.page("/") and "行動套件續約截止" in till.page("/")
