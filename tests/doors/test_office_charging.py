"""The switch in the office, what the portal says meanwhile, the list of disputes, and the page of kept cards."""

from html import unescape

import pytest
from django.test import Client

from tenure.payments.actions import gateway
from tenure.payments.models import Card
from tenure.payments.queries import payment_of
from tenure.plumbing import charging
from tenure.plumbing.models import ChargingStop
from tenure.purchases.disputes import dispute_heard
from tenure.purchases.models import Order
from tests.doors.till import Till


class Desk:
    """Somebody of the staff, signed in."""

    def __init__(self, who):
        self.client = Client()
        self.client.force_login(who)

    def page(self, address: str, fields: dict | None = None, *, status: int = 200) -> str:
        answer = self.client.get(address) if fields is None else self.client.post(address, fields)
        assert answer.status_code == status, (address, answer.status_code)
        return unescape(answer.content.decode())


SAID = "Cards can't be charged at the moment."


def stopped(world) -> None:
    charging.stop(world.actor(world.fin), None, reason="The prices are wrong.", now=world.now)


def test_finance_stops_and_starts_it_with_a_reason(world):
    desk = Desk(world.fin)
    assert "Cards are charged." in desk.page("/office/charging/")
    assert "Fill in this field." in desk.page("/office/charging/stop/", {"reason": " "}, status=422)
    assert not ChargingStop.objects.exists()
    assert desk.client.post("/office/charging/stop/", {"reason": "The prices are wrong."}).status_code == 302
    for address in ("/office/", "/office/charging/"):
        page = desk.page(address)
        assert "Card charging has been stopped since" in page and "The prices are wrong." in page
    assert desk.client.post("/office/charging/start/", {"reason": "They are right again."}).status_code == 302
    page = desk.page("/office/charging/")
    assert "Cards are charged." in page and "They are right again." in page and world.fin.name in page


def test_an_auditor_looks_and_support_sees_the_banner_only(world):
    auditor = world.staff("Aud Itor", "auditor")
    stopped(world)
    assert "Card charging has been stopped since" in Desk(auditor).page("/office/charging/")
    assert Desk(auditor).client.post("/office/charging/start/", {"reason": "x"}).status_code == 403
    assert "Card charging has been stopped since" in Desk(world.sue).page("/office/support/")
    assert Desk(world.sue).client.get("/office/charging/").status_code == 403
    assert charging.open_stop() is not None


def test_the_checkout_says_so_and_loses_nothing(world):
    till = Till(world)
    review = till.review()
    stopped(world)
    assert SAID in till.page(review)
    address = till.post(review, till.shown(review))
    order = Order.objects.get()
    page = till.page(address)
    assert address == f"/orders/{order.number}/" and order.open
    assert "The order is kept" in page and SAID in page and "Pay by bank transfer instead" in page
    assert f"/orders/{order.number}/pay/" not in page
    charging.start(world.actor(world.fin), None, reason="Right again.", now=world.now)
    page = till.page(address)
    assert SAID not in page and f"/orders/{order.number}/pay/" in page
    till.press(till.post(f"/orders/{order.number}/pay/"))
    order.refresh_from_db()
    assert order.paid_at and world.charged() == 1


def test_the_banner_is_in_chinese_too(world):
    stopped(world)
    world.ming.language = "zh-hant"
    world.ming.save()
    till = Till(world, world.ming)
    assert "目前無法以信用卡扣款" in till.page(till.start())


def test_a_clock_that_is_off_is_said_in_the_office(world):
    world.gateway_faults(clock_s=120)
    gateway("demo").charges(world.began_at)
    page = Desk(world.sue).page("/office/support/")
    assert "seconds ahead of this machine's" in page and "(demo)" in page
    assert "seconds ahead" not in Till(world).page("/offers/")
    ready = Client().get("/readyz")
    assert (ready.status_code, ready.content) == (503, b"clock\n")
    world.gateway_faults()
    gateway("demo").charges(world.began_at)
    assert Client().get("/readyz").status_code == 200


def test_the_command_stops_starts_and_says(world, capsys):
    from tenure.cli.main import main

    assert main(["charging"]) == 0
    assert main(["charging", "stop"]) == 2
    assert main(["charging", "stop", "--reason", "Prices"]) == 0
    assert main(["charging"]) == 1
    assert main(["charging", "start", "--reason", "Right"]) == 0
    told = capsys.readouterr().out
    assert "no card is charged from now on" in told and "by system: Prices" in told and told.endswith("are charged.\n")


# Disputes


def test_a_dispute_is_listed_with_what_the_books_say(world):
    desk = Desk(world.fin)
    assert "No payment has been disputed." in desk.page("/office/disputes/")
    order = world.buy_by_card()
    ref = world.at_the_bank("dispute", payment_intent=payment_of(order.pk).gateway_ref)["id"]
    dispute_heard("demo", ref, world.now)
    page = desk.page("/office/disputes/")
    for said in (order.number, "NT$15,750", "Needs evidence", "It stands on Disputed payments", "Contoso Taiwan Ltd"):
        assert said in page
    assert page.count('<time datetime="') >= 2, "opened, and the last day for evidence"
    subscription = Till(world).page(f"/subscriptions/{world.holding().subscription.pk}/")
    assert "the cardholder's bank disputes the payment" in subscription
    world.at_the_bank("lost", dispute=ref)
    dispute_heard("demo", ref, world.now)
    assert "The sale was taken back by" in desk.page("/office/disputes/")
    assert Desk(world.sue).client.get("/office/disputes/").status_code == 403


# Cards kept


@pytest.fixture
def bo(world) -> Till:
    return Till(world, world.bo)


def test_a_card_is_removed_after_the_page_said_what_it_renews(world, bo):
    world.buy_by_card()
    card = Card.objects.get()
    assert "Action Pack" in bo.page("/cards/") and "/cards/" in bo.page("/company/")
    page = bo.page(f"/cards/{card.pk}/remove/")
    assert "They will not be renewed by themselves any more" in page and "Action Pack" in page
    assert "Tick the box to agree" in bo.refused(f"/cards/{card.pk}/remove/")
    assert world.holding().subscription.auto_renew
    assert bo.post(f"/cards/{card.pk}/remove/", {"agreed": "on"}) == "/cards/"
    page = bo.page("/cards/")
    assert "No card is kept." in page and "has been removed" in page
    assert not world.holding().subscription.auto_renew


def test_nobody_removes_another_companys_card(world, bo):
    world.buy_by_card()
    world.company("Fabrikam Ltd", "fabrikam.example", "Fay Ho")
    stranger = Client()
    stranger.force_login(world.person("fay@fabrikam.example"))
    address = f"/cards/{Card.objects.get().pk}/remove/"
    assert stranger.get(address).status_code == 404 and stranger.post(address, {"agreed": "on"}).status_code == 404
    plain = Client()
    plain.force_login(world.sal)
    assert plain.get(address).status_code == 403
    assert Card.objects.get().removing_at is None
