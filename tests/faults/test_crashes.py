"""A process dies between any two beats; the worker repairs it by repeating the next. One charge, one term,
one invoice, a balanced ledger (reliability.md §0.4, §3.5)."""

import pytest
from django.db.models import Sum

from tenure.billing.models import Invoice, Posting, Series
from tenure.competencies.actions import record_evidence
from tenure.kernel.access import SYSTEM
from tenure.memberships.models import Term
from tenure.payments.actions import gateway
from tenure.payments.models import Attempt, Payment, Refund
from tenure.programme.queries import current
from tenure.purchases.models import Order
from tenure.support import actions as support
from tests.faults.conftest import charged, child

pytestmark = pytest.mark.django_db(transaction=True)


def books_are_whole(world, order: Order) -> None:
    """What every story must end in: the gateway, the term, the number and the ledger tell of one sale."""
    order.refresh_from_db()
    assert order.paid_at is not None
    assert charged(order.number) == 1
    assert Payment.objects.filter(order_id=order.pk).count() == 1
    assert Term.objects.filter(order_id=order.pk).count() == 1
    assert Invoice.objects.filter(order_id=order.pk, kind="invoice").count() == 1
    for series in Series.objects.all():
        running = Invoice.objects.filter(series=series).order_by("running").values_list("running", flat=True)
        assert list(running) == list(range(1, series.last + 1))
    sums = Posting.objects.values("account").annotate(total=Sum("amount_minor"))
    assert sum(row["total"] for row in sums) == 0
    assert next(row["total"] for row in sums if row["account"] == "receivable") == 0


def a_year_later(world) -> Order:
    world.go("2018-06-22")
    world.buy_by_card()
    world.go("2019-06-23 00:10")
    return world


AUTO = ["renewal_promised", "card_called", "before_settle", "inside_settle", "after_settle"]


@pytest.mark.parametrize("point", AUTO)
def test_an_automatic_renewal_killed_anywhere_is_done_once(committed, point):
    world = a_year_later(committed)
    assert child("run", crash_at=point) == -9
    child("work")
    child("work")
    order = Order.objects.get(origin="auto_renewal")
    books_are_whole(world, order)
    assert Term.objects.filter(subscription=order.subscription).count() == 2


@pytest.mark.parametrize("point", ["order_promised", "card_called", "before_settle", "inside_settle", "after_settle"])
def test_a_purchase_with_a_kept_card_killed_anywhere_is_done_once(committed, point):
    world = committed
    world.go("2018-06-22")
    world.buy_by_card()
    offer = current().offer("silver-cloud")
    for criterion in offer.criteria:
        record_evidence(
            SYSTEM,
            world.contoso,
            offer=offer.code,
            criterion=criterion.code,
            value=criterion.threshold,
            as_of=world.today,
            now=world.now,
        )
    assert child("buy", "silver-cloud", crash_at=point) == -9
    child("work")
    assert child("buy", "silver-cloud") == 0, "the same key again is the same order"
    books_are_whole(world, Order.objects.get(offer="silver-cloud"))


@pytest.mark.parametrize("point", ["before_settle", "inside_settle", "after_settle"])
def test_the_return_from_the_card_page_killed_anywhere_is_settled_once(committed, point):
    world = committed
    world.go("2018-06-22")
    order = world.buy()
    world.choose_card(order)
    assert child("come_back", order.number, crash_at=point) == -9
    child("work")
    child("come_back", order.number)
    books_are_whole(world, order)


@pytest.mark.parametrize("point", ["refund_promised", "refund_called"])
def test_a_refund_killed_anywhere_is_made_once(committed, point):
    world = committed
    world.go("2018-06-22")
    order = world.buy_by_card()
    request = support.open_request(
        world.actor(world.ming),
        world.contoso,
        problem_type="invoice-payment-reconciliation",
        subject="Cancel",
        description="We ordered the wrong pack.",
        subscription=order.subscription,
        now=world.now,
    )
    assert child("refund", request.number, crash_at=point) == -9
    child("work")
    child("work")
    refund = Refund.objects.get()
    assert refund.made_at and refund.status == "succeeded"
    assert Invoice.objects.filter(kind="credit_note").count() == 1
    request.refresh_from_db()
    order.subscription.refresh_from_db()
    assert (request.status, request.outcome) == ("closed", "refunded")
    assert order.subscription.cancelled_at
    back = [c.refunded for c in gateway("demo").charges(None) if c.order == order.number]
    assert [money.minor for money in back] == [15750]
    assert Posting.objects.aggregate(s=Sum("amount_minor"))["s"] == 0


def test_control_a_key_made_afresh_after_the_crash_charges_twice(committed):
    """The negative control: without the stored key and id, the same story ends in two charges, and we would see it."""
    world = a_year_later(committed)
    assert child("run", crash_at="card_called") == -9
    order = Order.objects.get(origin="auto_renewal")
    Attempt.objects.filter(order_id=order.pk).update(key="made-afresh", ref="", n=7)
    child("work")
    assert charged(order.number) == 2
    with pytest.raises(AssertionError):
        books_are_whole(world, order)
