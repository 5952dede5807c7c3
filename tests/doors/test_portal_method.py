"""Paying another way from the order's own page: the number stays, nothing is paid twice."""

import pytest
from django.test import Client
from django.urls import reverse

from tenure.payments.rules import Method
from tenure.people.models import Colleague

CONTACT = {"name": "Ming Chen", "phone": "02 2712 3456", "email": "ming@contoso.example"}


@pytest.fixture
def ming(world):
    client = Client()
    client.force_login(world.ming)
    return client


def url(name, order):
    return reverse(f"portal:{name}", args=[order.number])


def test_a_transfer_is_paid_by_card_instead(world, ming):
    order = world.buy(method=Method.BANK_TRANSFER)
    assert "Pay by card instead" in ming.get(url("order", order)).content.decode()
    answer = ming.post(url("order_method", order))
    assert answer["Location"].startswith("/pay/")
    order.refresh_from_db()
    assert order.method == "card"
    assert world.pay(order).paid_at


def test_a_card_order_is_paid_by_transfer_instead(world, ming):
    order = world.buy()
    page = ming.get(url("order", order)).content.decode()
    assert url("order_method", order) in page
    assert "Ann Lin" in ming.get(url("order_method", order)).content.decode()
    faulty = ming.post(url("order_method", order), CONTACT | {"phone": "02"})
    assert faulty.status_code == 422 and "area code" in faulty.content.decode()
    shown = ming.post(url("order_method", order), CONTACT, follow=True).content.decode()
    assert "How to pay" in shown and order.number in shown
    order.refresh_from_db()
    assert (order.method, order.contact_name) == ("bank_transfer", "Ming Chen")


def test_after_some_money_has_come_the_page_offers_nothing_else_and_the_server_refuses(world, ming):
    order = world.buy(method=Method.BANK_TRANSFER)
    world.transfer(order, 5000)
    assert "Pay by card instead" not in ming.get(url("order", order)).content.decode()
    said = ming.post(url("order_method", order), follow=True).content.decode()
    assert "It stays a bank transfer" in said


def test_a_stranger_finds_nothing(world):
    order = world.buy(method=Method.BANK_TRANSFER)
    other = world.company("Fabrikam Ltd", "fabrikam.example", "Fay Fu")
    client = Client()
    client.force_login(Colleague.objects.get(partner_id=other.pk).user)
    assert client.post(url("order_method", order)).status_code == 404
