"""Requester and approver inside the buying company: above an amount nothing is paid before another has agreed."""

import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from tenure.kernel.money import Money
from tenure.kernel.refusals import Invalid, NotYours, Refusal
from tenure.payments.queries import attempts
from tenure.payments.rules import Method
from tenure.plumbing.models import Mail
from tenure.purchases import actions as purchases
from tenure.purchases.approvals import approve_order, refuse_order, set_approval_limit
from tenure.purchases.models import Approval, Order
from tenure.purchases.transfers import change_method
from tests.worlds import CONTACT, broken_promises

PRICE = 15_750


def limit(world, minor=PRICE - 1, who=None):
    above = None if minor is None else Money(minor, "TWD")
    return set_approval_limit(world.actor(who or world.ann), world.contoso, above=above, now=world.now)


def approve(world, order, who=None):
    return approve_order(world.actor(who or world.ann), order, now=world.now)


def letters(code):
    return sorted(Mail.objects.filter(code=code).values_list("address", flat=True))


def test_above_the_amount_a_card_order_waits_and_is_paid_after_the_yes(world):
    limit(world)
    order = world.buy()
    assert not attempts(order.pk) and order.expires_on == world.today + timedelta(days=30)
    for refused in (
        lambda: purchases.pay_again(world.actor(world.ming), order, now=world.now),
        lambda: change_method(
            world.actor(world.ming), order, method=Method.BANK_TRANSFER, contact=CONTACT, now=world.now
        ),
    ):
        with pytest.raises(Refusal, match="waits_for_approval"):
            refused()
    world.work()
    assert letters("orders.approval_asked") == ["ann@contoso.example"]
    world.live("2018-07-05")
    approve(world, order)
    world.work()
    assert "ming@contoso.example" in letters("orders.approved")
    order = purchases.pay_again(world.actor(world.ming), order, now=world.now)
    assert world.pay(order).paid_at and order.total_minor == PRICE
    assert broken_promises() == []


def test_at_the_amount_and_for_an_approver_nothing_waits(world):
    limit(world, PRICE)
    assert world.buy(method=Method.BANK_TRANSFER).open and not Approval.objects.exists()
    purchases.cancel_order(world.actor(world.ming), Order.objects.get(), now=world.now)
    limit(world, 0)
    assert attempts(world.buy(world.ann).pk) and not Approval.objects.exists()


def test_a_transfer_order_says_where_to_pay_only_after_the_yes_and_then_takes_what_is_held(world):
    limit(world)
    order = world.buy(method=Method.BANK_TRANSFER)
    world.work()
    assert letters("orders.placed") == []
    approve(world, order)
    world.work()
    assert letters("orders.approved")
    world.transfer(order, PRICE)
    order.refresh_from_db()
    assert order.paid_at and broken_promises() == []


def test_held_money_is_not_taken_before_the_yes(world):
    first = world.buy(method=Method.BANK_TRANSFER)
    world.live("2018-08-01")
    world.transfer(first, PRICE)
    limit(world)
    order = world.buy(method=Method.BANK_TRANSFER)
    assert order.paid_at is None
    approve(world, order)
    order.refresh_from_db()
    assert order.paid_at and broken_promises() == []


def test_a_no_ends_the_order_with_its_reason_and_nothing_follows(world):
    limit(world)
    order = world.buy()
    order = refuse_order(world.actor(world.ann), order, reason="Next year.", now=world.now)
    assert order.closing == "cancelled"
    world.work()
    assert "ming@contoso.example" in letters("orders.not_approved")
    with pytest.raises(Refusal):
        approve(world, order)
    assert world.buy().open, "another may be asked for"


def test_nobody_approves_what_they_asked_for_nor_without_the_right(world):
    limit(world)
    order = world.buy()
    for who in (world.ming, world.bo, world.sal):
        with pytest.raises(Refusal, match="forbidden"):
            approve(world, order, who)
    world.company("Fabrikam", "fabrikam.example", "Fay Fox")
    with pytest.raises(NotYours):
        approve(world, order, world.person("fay@fabrikam.example"))
    world.placed(world.ming, "global_admin")
    with pytest.raises(Refusal, match="needs_another"):
        approve(world, order, world.ming)
    approve(world, order)
    with pytest.raises(Refusal, match="nothing_to_approve"):
        approve(world, order)
    row = Approval.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Approval.objects.filter(pk=row.pk).update(decided_by=row.asked_by)


def test_the_price_holds_until_the_last_day_and_not_after_it(world):
    limit(world)
    order = world.buy()
    world.live(order.expires_on.isoformat() + " 23:00")
    order.refresh_from_db()
    assert order.open
    world.live((order.expires_on + timedelta(days=1)).isoformat() + " 12:00")
    order.refresh_from_db()
    assert order.closing == "expired"
    with pytest.raises(Refusal):
        approve(world, order)


def test_the_same_key_asks_once(world):
    limit(world)
    key = str(uuid.uuid4())
    assert world.buy(key=key).pk == world.buy(key=key).pk
    assert Order.objects.count() == Approval.objects.count() == 1


def test_a_renewal_by_hand_waits_within_its_window_and_an_automatic_one_does_not(world):
    subscription = world.buy_by_card(auto_renew=False).subscription
    limit(world)
    world.live("2019-07-10")
    order = world.renew(subscription)
    assert order.expires_on == subscription.terms.get().renewal_closes_on and not attempts(order.pk)
    approve(world, order)
    order = purchases.pay_again(world.actor(world.ming), order, now=world.now)
    assert world.pay(order).paid_at
    world.live("2020-06-25")
    assert Order.objects.filter(origin="auto_renewal", paid_at__isnull=False).count() <= 1
    assert Approval.objects.count() == 1 and broken_promises() == []


def test_only_who_may_sets_the_limit_in_the_company_s_currency(world):
    with pytest.raises(Refusal, match="forbidden"):
        limit(world, who=world.ming)
    with pytest.raises(Invalid):
        set_approval_limit(world.actor(world.ann), world.contoso, above=Money(1, "USD"), now=world.now)
    limit(world)
    limit(world, None)
    world.contoso.refresh_from_db()
    assert world.contoso.approval_above_minor is None and world.buy_by_card().paid_at
