"""One transfer divided between orders by a clerk: every cent has a place, and what cannot be is refused whole."""

import pytest

from tenure.kernel.money import Money
from tenure.kernel.refusals import Invalid, Refusal
from tenure.payments.models import Allocation
from tenure.payments.queries import allocated, held, unmatched
from tenure.payments.rules import Method
from tenure.plumbing.models import Task
from tenure.proof import verify
from tenure.purchases import splitting, transfers
from tenure.purchases.actions import cancel_order

pytestmark = pytest.mark.django_db
PRICE = 15_750
MONEY = {"I-1", "I-2", "I-3", "I-4", "I-6", "I-8", "I-9", "I-10", "I-39", "I-42"}


def twd(minor: int) -> Money:
    return Money(minor, "TWD")


@pytest.fixture
def two(world):
    """Two orders of two companies, and one line that pays both with 500 over."""
    fabrik = world.company("Fabrik Systems Ltd", "fabrik.example", "Mei Chen")
    ours = world.buy(method=Method.BANK_TRANSFER)
    theirs = world.buy(world.person("mei@fabrik.example"), partner=fabrik, method=Method.BANK_TRANSFER)
    return ours, theirs, world.transfer(None, 2 * PRICE + 500, reference="both, thanks")


def split(world, line, *parts, hold_for=None, who=None):
    return splitting.split_transfer(world.actor(who or world.fin), line, parts=parts, hold_for=hold_for, now=world.now)


def test_it_pays_the_orders_of_two_partners_and_the_rest_stays_open(world, two):
    ours, theirs, line = two
    split(world, line, (ours, twd(PRICE)), (theirs, twd(PRICE)))
    for order in (ours, theirs):
        order.refresh_from_db()
        assert order.paid_at and allocated(order.pk, "TWD") == twd(PRICE)
    (waiting,) = unmatched()
    assert waiting.amount_minor - waiting.allocated == 500
    assert not MONEY & verify.run(ask_gateways=False).violated


def test_the_rest_is_held_for_whoever_is_named(world, two):
    ours, theirs, line = two
    split(world, line, (ours, twd(PRICE)), hold_for=theirs.partner)
    assert [row.amount_minor for row in held(theirs.partner_id)] == [PRICE + 500]
    assert not unmatched().exists()
    assert not MONEY & verify.run(ask_gateways=False).violated


def test_a_part_may_be_less_than_the_order_needs(world, two):
    ours, _, line = two
    split(world, line, (ours, twd(PRICE - 1_000)))
    ours.refresh_from_db()
    assert ours.paid_at is None
    assert Task.objects.filter(kind="transfer_short", object=f"order:{ours.pk}", closed_at=None).exists()


@pytest.mark.parametrize(
    ("parts", "field", "code"),
    [
        ([(0, 0)], "amount-1", "number.impossible"),
        ([(0, -5)], "amount-1", "number.impossible"),
        ([(0, 100), (0, 100)], "amount-2", "split.order_twice"),
        ([(0, PRICE), (1, PRICE + 501)], "amount-2", "split.more_than_there_is"),
        ([(0, PRICE), (1, PRICE + 1)], "amount-2", "split.more_than_due"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_given(world, two, parts, field, code):
    orders = two[:2]
    with pytest.raises(Invalid) as refused:
        split(world, two[2], *[(orders[which], twd(minor)) for which, minor in parts])
    assert refused.value.fields == {field: code}
    assert not Allocation.objects.exists()


def test_another_currency_is_refused(world, two):
    with pytest.raises(Invalid) as refused:
        split(world, two[2], (two[0], Money(100, "USD")))
    assert refused.value.fields == {"amount-1": "transfers.wrong_currency"}


def test_an_order_that_has_ended_takes_no_part_and_spoils_the_whole(world, two):
    ours, theirs, line = two
    cancel_order(world.actor(world.ming), ours, now=world.now)
    with pytest.raises(Invalid) as refused:
        split(world, line, (theirs, twd(PRICE)), (ours, twd(PRICE)))
    assert refused.value.fields == {"number-2": "split.order_takes_nothing"}
    theirs.refresh_from_db()
    assert theirs.paid_at is None and not Allocation.objects.exists()


def test_nothing_named_is_nothing_divided(world, two):
    with pytest.raises(Refusal, match=r"split\.nothing"):
        split(world, two[2], hold_for=two[0].partner)


def test_a_line_set_aside_is_divided_no_more(world, two):
    transfers.ignore_transfer(world.actor(world.fin), two[2], reason="rent", now=world.now)
    with pytest.raises(Refusal, match=r"transfers\.already_matched"):
        split(world, two[2], (two[0], twd(PRICE)))


@pytest.mark.parametrize("who", ["ming", "bo", "sal", "sue"])
def test_only_finance_divides(world, two, who):
    with pytest.raises(Refusal, match="access"):
        split(world, two[2], (two[0], twd(PRICE)), who=getattr(world, who))
    assert not Allocation.objects.exists()
