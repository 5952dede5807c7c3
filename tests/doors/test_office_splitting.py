"""Dividing a transfer at the desk: in both languages, for finance alone, with every fault beside its field."""

import pytest
from django.test import Client
from django.urls import reverse

from tenure.payments.models import Allocation
from tenure.payments.rules import Method

PRICE = 15_750


@pytest.fixture
def two(world):
    fabrik = world.company("Fabrik Systems Ltd", "fabrik.example", "Mei Chen")
    ours = world.buy(method=Method.BANK_TRANSFER)
    theirs = world.buy(world.person("mei@fabrik.example"), partner=fabrik, method=Method.BANK_TRANSFER)
    return ours, theirs, world.transfer(None, 2 * PRICE + 500, reference="both")


def client(person) -> Client:
    browser = Client()
    browser.force_login(person)
    return browser


def url(line) -> str:
    return reverse("office:transfer-split", args=[line.pk])


def filled(*parts, partner="") -> dict[str, str]:
    given = {"partner": partner}
    for n, (number, amount) in parts:
        given |= {f"number-{n}": number, f"amount-{n}": amount}
    return given


def test_finance_divides_and_holds_the_rest(world, two):
    ours, theirs, line = two
    fin = client(world.fin)
    assert url(line) in fin.get(reverse("office:transfer", args=[line.pk])).content.decode()
    given = filled((1, (ours.number, "15,750")), (4, (theirs.number.lower(), "15750")), partner=theirs.partner.number)
    answer = fin.post(url(line), given, follow=True)
    page = answer.content.decode()
    assert "The transfer is divided." in page and ours.number in page and theirs.number in page
    assert sorted(Allocation.objects.values_list("amount_minor", flat=True)) == [500, PRICE, PRICE]
    assert fin.get(url(line)).status_code == 302, "nothing is left to divide"


def test_faults_stand_beside_their_fields_and_what_was_typed_stays(world, two):
    ours, theirs, line = two
    given = filled((2, (ours.number, "15,751")), (3, ("O-1999-000001", "9")), (5, ("", "7")), partner="77")
    page = client(world.fin).post(url(line), given)
    text = page.content.decode()
    assert page.status_code == 400
    for field in ("number-3", "number-5", "partner"):
        assert f'id="error-{field}"' in text, field
    assert "There is no order with this number." in text and "There is no partner with this ID." in text
    assert 'value="15,751"' in text
    too_much = client(world.fin).post(url(line), filled((2, (theirs.number, "9")), (6, (ours.number, "15,751"))))
    text = too_much.content.decode()
    assert too_much.status_code == 400 and 'id="error-amount-6"' in text and "NT$15,750" in text
    assert not Allocation.objects.exists()


def test_a_clerk_who_comes_second_is_told_and_nothing_is_given_twice(world, two):
    ours, theirs, line = two
    fin = client(world.fin)
    assert fin.post(url(line), filled((1, (ours.number, "15750")), partner=theirs.partner.number)).status_code == 302
    again = fin.post(url(line), filled((1, (theirs.number, "15750"))))
    assert again.status_code == 409 and "already matched" in again.content.decode()
    assert Allocation.objects.count() == 2


def test_it_speaks_chinese(world, two):
    world.fin.language = "zh-hant"
    world.fin.save()
    assert "拆分" in client(world.fin).get(url(two[2])).content.decode()


@pytest.mark.parametrize(("who", "status"), [("sue", 403), ("ming", 404), ("bo", 404), ("sal", 404)])
def test_others_have_no_such_page_and_change_nothing(world, two, who, status):
    browser = client(getattr(world, who))
    given = filled((1, (two[0].number, "15750")))
    assert browser.get(url(two[2])).status_code == status
    assert browser.post(url(two[2]), given).status_code == status
    assert not Allocation.objects.exists()
