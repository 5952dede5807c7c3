"""The checkout as a browser meets it: buying and renewing, both ways to pay, and everything that can go wrong."""

import pytest
from django.test import Client

from tenure.payments.rules import Method
from tenure.people.models import User
from tenure.programme.queries import current
from tenure.purchases.models import Draft, Order
from tests.doors.till import CONTACT, Till

pytestmark = pytest.mark.django_db


@pytest.fixture
def till(world):
    return Till(world)


def test_s03_buying_by_card_ends_on_a_page_that_says_until_when(till):
    till.world.go("2018-06-22")
    order = till.buy()
    page = till.page(order)
    assert "Paid and active" in page and "Action Pack is active and runs to 22 June 2019." in page
    assert "Auto-renew is on" in page and ">Close</a>" in page
    assert till.world.holding().subscription.auto_renew
    assert Order.objects.count() == 1


def test_s12_the_review_page_says_the_new_expiry_before_anything_is_bought(till, world):
    world.go("2018-06-22")
    till.buy(auto_renew=False)
    world.live("2019-07-10")
    subscription = world.holding().subscription
    review = till.review("card", subscription=subscription)
    page = till.page(review)
    assert "New expiry date 22 June 2020" in page and "23 June 2019 to 22 June 2020" in page
    assert "NT$15,000" in page and "NT$750" in page and "Pay NT$15,750" in page
    till.press(till.post(review, till.shown(review)))
    assert str(world.holding().term.expires_on) == "2020-06-22"


def test_s15_exactly_the_offers_methods_are_shown(till):
    page = till.page(till.start())
    assert page.count('type="radio"') == 2
    assert 'value="card"' in page and 'value="bank_transfer"' in page
    assert till.refused(till.start(), {"method": "cheque"}).count("Choose one of the options.") >= 1


def test_a_kept_card_is_offered_and_charged_without_a_card_page(till, world):
    world.go("2018-06-22")
    till.buy(auto_renew=False)
    world.live("2019-06-25")
    subscription = world.holding().subscription
    card = subscription.card
    checkout = till.start(subscription=subscription)
    assert "Visa ···· 4242" in till.page(checkout)
    details = till.post(checkout, {"method": f"card-{card.pk}"})
    review = till.post(details, {"auto_renew": "on"})
    assert "is charged to Visa ···· 4242 as soon as you select Pay" in till.page(review)
    order = till.post(review, till.shown(review))
    assert "Your membership now runs to 22 June 2020." in till.page(order)


def test_another_companys_card_is_no_option(till, world):
    other = world.company("Fabrik Systems Ltd", "fabrik.example", "Mei Chen")
    card = world.contoso.cards.model.objects.create(
        partner=other, gateway="demo", token="t", brand="Visa", last4="1111", exp_month=1, exp_year=2030,
        consented_at=world.now, consented_by="person:1",
    )  # fmt: skip
    till.refused(till.start(), {"method": f"card-{card.pk}"})


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name": ""}, "Enter the name of the person to contact."),
        ({"phone": "02-1234"}, "Enter the whole phone number with its area code, like 02 2712 3456."),
        ({"email": "ming"}, "Enter a whole e-mail address, like name@company.example."),
        ({"name": "4242 4242 4242 4242"}, "This looks like a card number."),
    ],
)
def test_s16_a_contact_that_cannot_be_reached_is_refused_field_by_field(till, changed, words):
    details = till.post(till.start(), {"method": "bank_transfer"})
    page = till.refused(details, CONTACT | changed)
    assert page.count(words) >= 2 and "<title>Error:" in page
    # Nothing typed is lost, but for a card number, which never comes back.
    assert all((f'value="{v}"' in page) is not v.startswith("4242") for v in (CONTACT | changed).values() if v)
    assert not Order.objects.exists()


def test_s16_all_faults_are_told_at_once_in_the_order_of_the_form(till):
    details = till.post(till.start(), {"method": "bank_transfer"})
    page = till.refused(details, {"name": "", "phone": "02-1234", "email": ""})
    at = [page.index(f'href="#field-{name}"') for name in ("name", "phone", "email")]
    assert at == sorted(at)


def test_s17_a_transfer_order_says_what_to_pay_where_until_when(till, world):
    world.go("2018-07-01")
    page = till.page(till.order("bank_transfer"))
    order = till.newest()
    for words in ("Order placed", "NT$15,750", "TWD", "0099-01-118820-6", "1234566", "Tuesday 31 July 2018"):
        assert words in page
    assert order.number in page and world.holding() is None


def test_the_box_must_be_ticked(till):
    review = till.review()
    fields = till.shown(review)
    page = till.refused(review, {name: value for name, value in fields.items() if name != "terms"})
    assert page.count("Read the terms and tick the box to accept them.") == 2
    assert not Order.objects.exists()


def test_a_price_that_changed_is_shown_again_and_nothing_is_bought(till):
    review = till.review()
    page = till.refused(review, till.shown(review) | {"expected_total": "15000 TWD"}, status=409)
    assert "The total changed from NT$15,000 to NT$15,750." in page and "Pay NT$15,750" in page
    for nonsense in ("", "x y z", "15750", "15750 XXX", "-1 TWD", "9" * 5000 + " TWD"):
        till.refused(review, till.shown(review) | {"expected_total": nonsense}, status=409)
    assert not Order.objects.exists()


def test_terms_that_changed_have_to_be_accepted_anew(till):
    review = till.review()
    page = till.refused(review, till.shown(review) | {"terms_version": "2010-01"}, status=409)
    assert "The terms have changed." in page
    assert not Order.objects.exists()


def test_s25_a_second_click_leads_to_the_same_order(till):
    review = till.review("bank_transfer")
    fields = till.shown(review)
    assert till.post(review, fields) == till.post(review, fields)
    assert Order.objects.count() == 1
    assert till.client.get(review)["Location"] == f"/orders/{till.newest().number}/"


def test_a_draft_survives_reload_and_another_device(till, world):
    checkout = till.start()
    till.post(checkout, {"method": "bank_transfer"})
    elsewhere = Till(world)
    assert elsewhere.start() == checkout
    assert Draft.objects.count() == 1
    assert 'value="bank_transfer" checked' in elsewhere.page(checkout).replace(' id="field-method"', "")


def test_changing_from_the_review_comes_back_to_it(till):
    review = till.review()
    checkout = review.removesuffix("review/")
    assert till.post(f"{checkout}?from=review", {"method": "card"}) == review
    assert till.post(f"{checkout}?from=review", {"method": "bank_transfer"}).endswith("/details/")


def test_a_step_cannot_be_skipped(till):
    checkout = till.start()
    for later in ("details/", "review/"):
        assert till.client.get(checkout + later)["Location"] == checkout


def test_s05_a_renewal_that_is_not_open_is_refused_with_its_date(till, world):
    world.go("2018-06-22")
    till.buy(auto_renew=False)
    subscription = world.holding().subscription
    world.live("2019-06-22 23:59:59")
    assert till.start(subscription=subscription) == "/offers/action-pack/#why"
    assert "renewal opens on 23 June 2019" in till.page("/offers/action-pack/")
    assert not Draft.objects.filter(subscription=subscription).exists()
    world.live("2019-06-23 00:00:00")
    assert till.start(subscription=subscription).startswith("/checkout/")


def test_s08_the_window_may_close_while_the_page_is_open(till, world):
    world.go("2018-06-22")
    till.buy(auto_renew=False)
    world.live("2019-07-22 23:58")
    review = till.review("bank_transfer", subscription=world.holding().subscription)
    fields = till.shown(review)
    world.live("2019-07-23 00:00:01")
    assert till.post(review, fields) == "/offers/action-pack/#why"
    assert Order.objects.filter(purpose="renewal").count() == 0


def test_s04_a_second_pack_is_refused(till):
    till.buy()
    assert till.start() == "/offers/action-pack/#why"
    assert "Your company already has Action Pack. Each company can hold one." in till.page("/offers/action-pack/")


def test_s02_an_unverified_company_is_told_so(world):
    world.company("Fabrik Systems Ltd", "fabrik.example", "Mei Chen", verified=False)
    till = Till(world, User.objects.get(email="mei@fabrik.example"))
    assert till.start() == "/offers/action-pack/#why"
    assert "verification isn't finished" in till.page("/offers/action-pack/")


def test_s20_held_money_is_mentioned_and_pays_the_order(till, world):
    order = world.buy(method=Method.BANK_TRANSFER)
    world.live("2018-08-01")
    world.transfer(order, 15_750)
    checkout = till.start()
    assert "NT$15,750 from an earlier transfer is held for your company." in till.page(checkout)
    assert "Paid and active" in till.page(till.order("bank_transfer"))


def test_s47_who_may_not_buy_is_told_who_can(world):
    sal = Till(world, world.sal)
    page = sal.refused("/checkout/start/", {"offer": "action-pack"}, status=403)
    assert "Ann Lin or Ming Chen" in page
    page = sal.page(Till(world).start(), status=403)
    assert "Ann Lin or Ming Chen" in page


def test_another_companys_checkout_does_not_exist(world, till):
    checkout = till.start()
    world.company("Fabrik Systems Ltd", "fabrik.example", "Mei Chen")
    stranger = Till(world, User.objects.get(email="mei@fabrik.example"))
    for address in (checkout, checkout + "details/", checkout + "review/"):
        stranger.page(address, status=404)
    assert stranger.client.post(checkout, {"method": "card"}).status_code == 404
    assert stranger.client.post("/checkout/start/", {"offer": "no-such"}).status_code == 404


def test_visitors_sign_in_first_and_staff_have_their_own_door(world, till):
    checkout = till.start()
    assert Client().get(checkout)["Location"].startswith("/accounts/login/")
    assert Till(world, world.oda).client.get(checkout)["Location"] == "/office/"


def test_s50_every_step_speaks_chinese(world, till):
    world.ming.language = "zh-hant"
    world.ming.save()
    checkout = till.start()
    assert "您要如何付款？" in till.page(checkout)
    details = till.post(checkout, {"method": "bank_transfer"})
    assert "輸入完整的電話號碼與區碼" in till.refused(details, CONTACT | {"phone": "1"})
    review = till.post(details, CONTACT)
    assert "送出訂單" in till.page(review) and "我代表公司接受「購買條款」" in till.page(review)
    order = till.post(review, till.shown(review))
    assert "訂單已成立" in till.page(order)
    assert till.newest().language == "zh-hant" and current().offer("action-pack").name.zh_hant in till.page(order)
