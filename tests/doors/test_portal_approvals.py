"""An order that waits for an approver, at the doors: who asked, who may, a colleague, a stranger, staff."""

import pytest
from django.test import Client

from tenure.kernel.money import Money
from tenure.payments.queries import attempts
from tenure.payments.rules import Method
from tenure.purchases.approvals import set_approval_limit
from tenure.purchases.models import Approval

pytestmark = pytest.mark.django_db


def browser(user):
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def order(world):
    set_approval_limit(world.actor(world.ann), world.contoso, above=Money(100, "TWD"), now=world.now)
    return world.buy(method=Method.BANK_TRANSFER)


def test_whoever_asked_sees_who_can_approve_and_nothing_to_pay(world, order):
    page = browser(world.ming).get(f"/orders/{order.number}/").content.decode()
    assert "Waits for approval" in page and "Ming Chen" in page and "Ann Lin" in page
    assert "SWIFT" not in page and "/approve/" not in page
    refused = browser(world.ming).post(f"/orders/{order.number}/approve/")
    assert refused.status_code == 403 and Approval.objects.get().approved is None


def test_the_approver_says_yes_and_the_way_to_pay_appears(world, order):
    ann = browser(world.ann)
    page = ann.get(f"/orders/{order.number}/").content.decode()
    assert f"/orders/{order.number}/approve/" in page and "SWIFT" not in page
    page = ann.post(f"/orders/{order.number}/approve/", follow=True).content.decode()
    assert "is approved and can be paid" in page and "SWIFT" in page and "Waits for approval" not in page
    again = ann.post(f"/orders/{order.number}/approve/", follow=True).content.decode()
    assert "wait for an approval" in again


def test_the_approver_says_no_and_the_order_ends(world, order):
    ann = browser(world.ann)
    page = ann.post(f"/orders/{order.number}/refuse/", {"reason": "Next <year>"}, follow=True).content.decode()
    assert "Cancelled" in page
    assert Approval.objects.get().reason == "Next <year>"


def test_a_card_order_is_not_paid_before_the_yes(world):
    set_approval_limit(world.actor(world.ann), world.contoso, above=Money(100, "TWD"), now=world.now)
    order = world.buy()
    ming = browser(world.ming)
    page = ming.post(f"/orders/{order.number}/pay/", follow=True).content.decode()
    assert "waits for somebody of your company" in page and not attempts(order.pk)
    browser(world.ann).post(f"/orders/{order.number}/approve/")
    answer = ming.post(f"/orders/{order.number}/pay/")
    assert answer.status_code == 302 and attempts(order.pk)


def test_a_stranger_and_staff_find_nothing(world, order):
    world.company("Fabrikam", "fabrikam.example", "Fay Fox")
    fay = browser(world.person("fay@fabrikam.example"))
    for verb in ("approve", "refuse"):
        assert fay.post(f"/orders/{order.number}/{verb}/").status_code == 404
        assert browser(world.sal).post(f"/orders/{order.number}/{verb}/").status_code == 403
        assert browser(world.oda).post(f"/orders/{order.number}/{verb}/")["Location"] == "/office/"
    assert Approval.objects.get().decided_at is None


def test_the_amount_is_set_and_shown(world):
    ann, sal = browser(world.ann), browser(world.sal)
    assert "No order waits" in sal.get("/company/").content.decode()
    assert sal.post("/company/approval/", {"above": "1"}).status_code == 403
    assert ann.post("/company/approval/", {"above": "-5"}).status_code == 400
    assert ann.post("/company/approval/", {"above": "1.555"}).status_code == 400
    page = ann.post("/company/approval/", {"above": "10,000"}, follow=True).content.decode()
    assert "Orders above" in page and "10,000" in page
    assert 'value="10,000"' in ann.get("/company/approval/").content.decode()
    page = ann.post("/company/approval/", {"above": ""}, follow=True).content.decode()
    assert "No order waits" in page
