"""An order's page in each of its states, the way back from the card page, proofs, documents, and the card proxy."""

import http.client

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tenure.payments.gateways.base import Unknown
from tenure.payments.rules import Method
from tenure.people.models import User
from tenure.purchases.models import Order
from tests.doors.till import FORM, Till
from tests.worlds import CONTACT

pytestmark = pytest.mark.django_db


@pytest.fixture
def till(world):
    return Till(world)


@pytest.fixture
def wire(till):
    """A transfer order, and its page."""
    return till.order("bank_transfer")


def slip(content=b"%PDF-1.7 slip", name="slip.pdf"):
    return SimpleUploadedFile(name, content)


def test_an_unfinished_order_goes_on_to_the_same_card_page(till):
    card_page = till.order()
    address = f"/orders/{till.newest().number}/"
    page = till.page(address)
    assert "Not paid yet" in page and "Nothing has been charged." in page and "Continue to pay NT$15,750" in page
    assert till.post(address + "pay/") == card_page
    assert till.post(address + "pay/") == card_page


def test_s25_a_declined_card_is_named_and_can_be_tried_again(till):
    first = till.order()
    address = till.press(first, "tok_9995")
    page = till.page(address)
    assert "The card was declined: insufficient funds. Nothing was charged." in page
    assert "Try again" in page and "Cancel and choose another method" in page
    second = till.post(address + "pay/")
    assert second.startswith("/pay/") and second != first
    assert till.press(second) == address
    assert "Paid and active" in till.page(address)
    assert Order.objects.count() == 1


def test_s21_another_method_means_cancel_and_order_again(till):
    address = till.press(till.order(), "tok_0002")
    assert till.post(address + "cancel/") == address
    page = till.page(address)
    assert "Cancelled. Nothing was charged." in page and "Order again" in page
    again = till.order("bank_transfer")
    assert again != address and "Order placed" in till.page(again)


def test_cancelled_on_the_card_page_nothing_is_charged(till):
    address = till.press(till.order(), do="cancel")
    assert "Nothing has been charged." in till.page(address)


def test_a_bank_that_asks_for_verification_is_answered_on_its_page(till):
    card_page = till.order()
    answer = till.client.post(card_page, "card=tok_3155&do=pay", content_type=FORM)
    assert answer["Location"] == card_page
    address = till.press(card_page, do="approve")
    assert "Paid and active" in till.page(address)


def test_s26_a_lost_answer_says_do_not_pay_again_until_the_bank_has_answered(till, world):
    card_page = till.order()
    answer = till.client.post(card_page, "card=tok_0119&do=pay", content_type=FORM)
    assert answer.status_code in (502, 504)
    address = f"/orders/{till.newest().number}/"
    world.asked()
    assert "Paid and active" in till.page(address)
    assert till.start() == "/offers/action-pack/#why"


def test_an_unknown_payment_blocks_a_second_and_can_be_asked_about(till, monkeypatch):
    card_page = till.order()
    till.client.post(card_page, "card=tok_4242&do=pay", content_type=FORM)
    number, address = till.newest().number, f"/orders/{till.newest().number}/"
    with monkeypatch.context() as gone:
        gone.setattr("tenure.payments.gateways.stripe.StripeGateway._ask", _silent)
        assert till.client.get(address + "return/")["Location"] == address
        page = till.page(address)
        assert "Checking with the bank" in page and "Don't pay again" in page and "Check again now" in page
        assert "Continue to pay" not in page
        assert f"We're checking the payment for order {number}" in till.page("/offers/")
        till.post(address + "pay/")
        assert "Don't pay again" in till.page(address)
    assert till.client.get(address + "return/")["Location"] == address
    assert "Paid and active" in till.page(address)


def _silent(*asked, **more):
    raise Unknown("timeout")


def _refuses(line):
    raise http.client.HTTPException("the line is dead")


def test_a_card_page_that_did_not_open_has_charged_nobody(till, monkeypatch):
    review = till.review()
    fields = till.shown(review)
    with monkeypatch.context() as gone:
        gone.setattr("tenure.payments.gateways.stripe.StripeGateway._ask", _silent)
        address = till.post(review, fields)
        page = till.page(address)
    assert "The card page did not open" in page and "Nothing has been charged." in page
    card_page = till.post(address + "pay/")
    assert till.press(card_page) == address
    assert "Paid and active" in till.page(address)


def test_what_the_browser_claims_on_its_way_back_is_not_believed(till):
    till.order()
    address = f"/orders/{till.newest().number}/"
    assert till.client.get(address + "return/?status=succeeded&paid=1")["Location"] == address
    assert "Not paid yet" in till.page(address)


def test_s17_the_transfer_page_has_all_a_payer_needs(till, wire):
    order = till.newest()
    page = till.page(wire)
    assert "Pay by" in page and "Upload proof of payment" in page and "Cancel order" in page
    assert f'src="{wire}transfer.svg"' in page
    picture = till.client.get(wire + "transfer.svg")
    assert picture["Content-Type"] == "image/svg+xml" and picture.content.startswith(b"<svg")
    pdf = till.client.get(wire + "pro-forma.pdf")
    assert pdf["Content-Type"] == "application/pdf" and pdf.content.startswith(b"%PDF-")
    assert order.number in pdf["Content-Disposition"]


def test_card_orders_have_neither_code_nor_pro_forma(till):
    till.order()
    address = f"/orders/{till.newest().number}/"
    for name in ("transfer.svg", "pro-forma.pdf", "proof/"):
        assert till.client.get(address + name).status_code == 404


def test_s18_the_billing_admin_uploads_a_proof_and_nothing_is_active_yet(world, wire):
    bo = Till(world, world.bo)
    fields = {"paid_on": "107/6/20", "account": "0099-01-118820-6", "reference": "RF94", "file": slip()}
    assert bo.post(wire + "proof/", fields) == wire
    page = bo.page(wire)
    assert "slip.pdf" in page and "Paid on 20 June 2018" in page and "Order placed" in page
    assert world.holding() is None


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"file": ""}, "Choose a file."),
        ({"file": slip(b"<html>", "slip.pdf")}, "Choose a PDF, JPEG, PNG or GIF file."),
        ({"paid_on": "2019-02-30"}, "Enter a date that exists, like 2019-07-22."),
        ({"paid_on": "2018-06-21"}, "Enter a date that is not after today."),
        ({"account": ""}, "Enter the account number you paid into."),
        ({"reference": "4242424242424242"}, "This looks like a card number."),
    ],
)
def test_a_proof_that_shows_nothing_is_refused_and_the_rest_is_kept(till, wire, changed, words):
    fields = {"paid_on": "2018-06-19", "account": "0099", "reference": "RF94", "file": slip()} | changed
    page = till.refused(wire + "proof/", fields)
    assert page.count(words) == 2
    assert all((f'value="{v}"' in page) is not v.startswith("4242") for k, v in fields.items() if k != "file" and v)
    assert not till.newest().proofs.exists()


def test_s23_a_short_transfer_names_what_is_missing(till, world, wire):
    world.transfer(till.newest(), 15_000)
    page = till.page(wire)
    assert "Needs attention: NT$750 missing" in page and world.holding() is None
    assert "NT$750 is missing" in till.page("/offers/") and "NT$750 is missing" in till.page("/")
    world.transfer(till.newest(), 750)
    page = till.page(wire)
    assert "Paid and active" in page and "Download invoice" in page


def test_an_expired_order_says_what_becomes_of_late_money(till, world, wire):
    world.go("2018-07-21")
    page = till.page(wire)
    assert "Expired unpaid after 20 July 2018." in page and "Order again" in page
    assert "Cancel order" not in page


def test_acting_twice_or_too_late_explains_itself(till, wire):
    assert till.post(wire + "cancel/") == till.post(wire + "cancel/") == wire
    assert till.post(wire + "pay/") == wire
    assert "is closed. Nothing more can be done with it." in till.page(wire)
    paid = till.buy()
    assert till.post(paid + "pay/") == paid
    assert "is already paid. Nothing was charged again." in till.page(paid)
    assert till.post(paid + "cancel/") == paid
    assert "Paid and active" in till.page(paid)


def test_only_posts_change_orders(till, wire):
    for name in ("pay/", "cancel/"):
        assert till.client.get(wire + name).status_code == 405
    assert till.client.post(wire).status_code == 405
    assert till.client.post(wire + "return/").status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(till.world.ming)
    assert strict.post(wire + "cancel/").status_code == 403


def test_a_refunded_order_says_so(till, world):
    address = till.buy()
    order = till.newest()
    order.refunded_at = world.now
    order.save()
    assert "Refunded: NT$15,750 is on its way back" in till.page(address)


def test_colleagues_see_what_their_role_allows(world, till, wire):
    bo = Till(world, world.bo)
    page = bo.page(wire)
    assert "Upload proof of payment" in page and "Cancel order" not in page
    assert bo.client.post(wire + "cancel/").status_code == 403
    sal = Till(world, world.sal)
    assert "Who can help" in sal.page(wire, status=403)
    sal.page("/orders/", status=403)


def test_another_companys_order_does_not_exist(world, wire):
    world.company("Fabrik Systems Ltd", "fabrik.example", "Mei Chen")
    stranger = Till(world, User.objects.get(email="mei@fabrik.example"))
    for name in ("", "return/", "proof/", "pro-forma.pdf", "transfer.svg"):
        stranger.page(wire + name, status=404)
    for name in ("pay/", "cancel/", "proof/"):
        assert stranger.client.post(wire + name).status_code == 404
    stranger.page("/orders/O-2018-999999/", status=404)
    assert "No orders yet." in stranger.page("/orders/")


def test_staff_look_at_orders_in_the_office(world, wire):
    assert Till(world, world.oda).client.get(wire)["Location"] == "/office/"
    assert Client().get(wire)["Location"].startswith("/accounts/login/")


def test_the_list_stays_within_its_queries_and_pages_by_address(world, till, django_assert_max_num_queries):
    for _ in range(30):
        order = world.buy(method=Method.BANK_TRANSFER, contact=CONTACT)
        till.post(f"/orders/{order.number}/cancel/")
    with django_assert_max_num_queries(9):
        page = till.page("/orders/")
    assert page.count("Cancelled") == 25
    numbers = sorted(Order.objects.values_list("number", flat=True))
    assert numbers[-1] in page and numbers[0] not in page
    older = page.split('rel="next" href="')[1].split('"')[0]
    assert numbers[0] in till.page("/orders/" + older)
    till.page("/orders/?before=x")


# The card page under our own address


def test_the_card_page_is_passed_through_with_its_own_policy(till):
    card_page = till.order()
    answer = Client().get(card_page)
    assert answer.status_code == 200 and answer["Content-Type"].startswith("text/html")
    assert "form-action 'self'" in answer["Content-Security-Policy"] and answer["Cache-Control"] == "no-store"
    assert Client().get("/pay/page.css")["Content-Type"].startswith("text/css")
    assert Client().get("/pay/cs_nothing").status_code == 404
    assert Client(enforce_csrf_checks=True).post(card_page, "card=&do=pay", content_type=FORM).status_code == 422


def test_only_the_card_pages_can_be_reached_through_it(world):
    for path in ("../v1/charges", "..%2fv1%2fcharges", "%2e%2e/healthz", "x?y=1", "x%0d%0aHost:evil"):
        assert Client().get("/pay/" + path).status_code in (400, 404, 502)
    assert Client().delete("/pay/cs_nothing").status_code == 405


def test_a_form_that_is_too_large_is_not_passed_on(world):
    assert Client().post("/pay/cs_nothing", "x" * 70_000, content_type=FORM).status_code == 413


@pytest.mark.parametrize("location", ["https://evil.example/", "//evil.example/", "/\\evil.example", "evil"])
def test_nobody_is_sent_away_by_the_processor(till, monkeypatch, location):
    card_page = till.order()
    get = http.client.HTTPMessage.get
    monkeypatch.setattr(
        "http.client.HTTPMessage.get", lambda m, name, d=None: location if name == "Location" else get(m, name, d)
    )
    answer = Client().get(card_page)
    assert answer.status_code == 502 and "Location" not in answer


def test_a_processor_that_is_gone_leaves_a_clear_sentence(till, monkeypatch):
    card_page = till.order()
    monkeypatch.setattr("http.client.HTTPConnection.connect", _refuses)
    opened, pressed = till.client.get(card_page), till.client.post(card_page, "card=tok_4242", content_type=FORM)
    assert opened.status_code == pressed.status_code == 502
    assert "Opening this page has charged nothing." in opened.content.decode()
    assert "We don't know yet whether the payment went through" in pressed.content.decode().replace("&#x27;", "'")
