"""Two who order at once: one order, one charge, one price that somebody saw (reliability.md §3.6)."""

import uuid

import pytest
from django.db import IntegrityError

from tenure.kernel.money import Money
from tenure.kernel.refusals import Decision
from tenure.memberships.models import Subscription, Term
from tenure.partners.models import Partner
from tenure.payments.models import Attempt
from tenure.payments.queries import attempts
from tenure.payments.rules import Method
from tenure.programme.models import Version
from tenure.programme.queries import version
from tenure.purchases import actions as purchases
from tenure.purchases import placing
from tenure.purchases.models import Order
from tenure.renewals import actions as renewals
from tests.faults.conftest import charged
from tests.faults.racing import ROUNDS, amid, at_once, codes, firm, firms, unconstrained, unlocked

pytestmark = pytest.mark.django_db(transaction=True)
TOO_LATE = {"renewals.payment_unknown", "offers.order_open", "renewals.window_not_open"}
ONE_OPEN = ("order_open_once_per_subscription", "order_open_once_per_offer")


def renewing(one, key: str | None = None):
    """The button of a renewal with the kept card; a key of its own unless one is given."""
    wanted = one.world.wanted(card=one.card, key=key or str(uuid.uuid4()))
    actor, subscription, now = one.actor, one.subscription, one.world.now
    return lambda: renewals.renew(actor, subscription, wanted=wanted, now=now)


def renewals_of(one) -> list[Order]:
    return list(Order.objects.filter(partner=one.partner, purpose="renewal").order_by("pk"))


def charges_of(one) -> int:
    return sum(charged(order.number) for order in renewals_of(one))


def is_renewed_once(one) -> None:
    assert Term.objects.filter(subscription=one.subscription).count() == 2
    assert charges_of(one) == 1


def test_the_same_key_pressed_eight_times_is_one_order_and_one_charge(committed):
    found = firms(committed, ROUNDS + 1)
    committed.go("2019-06-23")
    for one in found[:-1]:
        press = renewing(one)
        answers = at_once(*[press] * 8)
        assert codes(answers) == [] and {answer.pk for answer in answers} == {renewals_of(one)[0].pk}
        is_renewed_once(one)
    press = renewing(found[-1])
    assert codes(amid((renewals, "place"), press, press)) == []
    is_renewed_once(found[-1])


def test_control_the_same_key_without_its_guards_is_charged_twice(committed):
    (one,) = firms(committed, 1)
    committed.go("2019-06-23")
    press = renewing(one)
    with unlocked(Partner, Subscription), unconstrained("order_once_per_key", *ONE_OPEN):
        amid((renewals, "place"), press, press)
        assert len(renewals_of(one)) == charges_of(one) == 2


def test_two_people_renewing_at_once_make_one_term(committed):
    """Two keys for one year: whoever comes second is told of the first."""
    found = firms(committed, ROUNDS + 1)
    committed.go("2019-06-23")
    for one in found[:-1]:
        refused = codes(at_once(*[renewing(one) for _ in range(4)]))
        assert len(refused) == 3 and set(refused) <= TOO_LATE
        is_renewed_once(one)
    assert len(codes(amid((renewals, "place"), renewing(found[-1]), renewing(found[-1])))) == 1
    is_renewed_once(found[-1])


def test_control_two_renewals_without_the_guards_are_charged_twice(committed):
    (one,) = firms(committed, 1)
    committed.go("2019-06-23")
    with unlocked(Partner, Subscription), unconstrained(*ONE_OPEN):
        amid((renewals, "place"), renewing(one), renewing(one))
        assert charges_of(one) == 2


def buying(one, key: str | None = None, **changes):
    wanted = one.world.wanted(method=Method.BANK_TRANSFER, key=key or str(uuid.uuid4()), **changes)
    actor, now = one.actor, one.world.now
    return lambda: purchases.buy(actor, one.partner, wanted=wanted, now=now)


def test_two_first_purchases_at_once_leave_one_open_order(committed):
    for n in range(ROUNDS):
        one = firm(committed, n)
        assert codes(at_once(*[buying(one) for _ in range(6)])) == ["offers.order_open"] * 5
        assert Order.objects.filter(partner=one.partner, paid_at=None, closed_at=None).count() == 1
    one = firm(committed, ROUNDS)
    assert codes(amid((purchases, "place"), buying(one), buying(one))) == ["offers.order_open"]


def test_control_two_first_purchases_without_the_guards_are_two_orders(committed):
    one = firm(committed)
    with unlocked(Partner), unconstrained("order_open_once_per_offer"):
        amid((purchases, "place"), buying(one), buying(one))
        assert Order.objects.filter(partner=one.partner, paid_at=None, closed_at=None).count() == 2


def declined(world, n: int) -> Order:
    """An order whose card was refused on the page: it may be paid again."""
    one = firm(world, n)
    order = world.pay(world.buy(one.person, partner=one.partner), "declined")
    assert [attempt.status for attempt in attempts(order.pk)] == ["declined"]
    return order


def paying_again(world, order: Order):
    actor = world.actor(world.person(order.partner.contact_email))
    return lambda: purchases.pay_again(actor, order, now=world.now)


def test_paying_again_pressed_four_times_is_one_attempt(committed):
    """One order under two keys: a second attempt waits until the first is known not to have charged."""
    for n in range(ROUNDS):
        order = declined(committed, n)
        assert codes(at_once(*[paying_again(committed, order)] * 4)) in ([], ["orders.card_charge_running"])
        assert [attempt.n for attempt in attempts(order.pk)] == [2, 1]
    order = declined(committed, ROUNDS)
    assert codes(amid((purchases, "promise"), *[paying_again(committed, order)] * 2)) == []
    assert [attempt.n for attempt in attempts(order.pk)] == [2, 1]


def test_control_paying_again_without_the_guards_is_two_attempts(committed):
    order = declined(committed, 1)
    once = ("attempt_open_once", "attempt_n_once", "attempt_key_once")
    with unlocked(Partner, Order), unconstrained(*once):
        amid((Attempt, "save"), *[paying_again(committed, order)] * 2)
        assert Attempt.objects.filter(order_id=order.pk).exclude(status="declined").count() == 2


# The programme changes while somebody buys

DEARER = ('net = "15,000"', 'net = "16,000"')
SEEN = Money(15_750, "TWD")


def applying(world, *changes):
    return lambda: world.apply(*changes)


def test_a_price_that_changes_under_the_button_is_said_and_not_charged(committed):
    for n, minor in enumerate(range(15_000, 15_000 + ROUNDS * 1_000, 1_000)):
        one, seen = firm(committed, n), Money(minor + minor // 20, "TWD")
        change = (f'net = "{minor:,}"', f'net = "{minor + 1_000:,}"')
        answers = at_once(buying(one, expected_total=seen), applying(committed, change))
        order = Order.objects.filter(partner=one.partner).first()
        assert codes(answers) == ([] if order else ["orders.price_changed"])
        assert order is None or (order.total == seen and order.price in prices_of(order))


def prices_of(order: Order) -> set[str]:
    return {price.id for price in version(order.programme.n).prices if price.net == order.net}


def bought_while_the_price_changed(world, one):
    """It changes after the button was pressed and before anything is locked."""
    return amid((purchases, "end_overdue"), buying(one, expected_total=SEEN), applying(world, DEARER))


def test_a_price_that_changed_before_the_order_refuses_it(committed):
    assert codes(bought_while_the_price_changed(committed, firm(committed))) == ["orders.price_changed"]
    assert not Order.objects.exists()


def test_control_without_the_look_at_what_was_shown_the_new_price_is_taken(committed, monkeypatch):
    monkeypatch.setattr(placing, "_require_as_shown", lambda *given: None)
    bought_while_the_price_changed(committed, firm(committed))
    assert Order.objects.get().total > SEEN


GONE = ("[offers.action-pack]", "[offers.action-pack]\nvalid_to = 2018-06-19")


def withdrawn_meanwhile(world, one):
    return amid((purchases, "end_overdue"), buying(one), applying(world, GONE))


def test_an_offer_withdrawn_under_the_button_is_not_sold(committed):
    assert codes(withdrawn_meanwhile(committed, firm(committed))) == ["offers.not_for_sale"]
    assert not Order.objects.exists()


def test_control_without_the_decision_the_withdrawn_offer_is_sold(committed, monkeypatch):
    monkeypatch.setattr(Decision, "require", lambda decision: None)
    assert codes(withdrawn_meanwhile(committed, firm(committed))) == []
    assert Order.objects.exists()


def test_two_who_apply_a_programme_at_once_make_two_versions(committed):
    before = Version.objects.count()
    again = ('net = "440.00"', 'net = "441.00"')
    answers = amid((Version, "save"), applying(committed, DEARER), applying(committed, again))
    assert codes(answers) == []
    assert list(Version.objects.order_by("n").values_list("n", flat=True)) == list(range(1, before + 3))


def test_control_without_the_lock_on_the_newest_version_its_number_is_taken_twice(committed):
    other = ('net = "440.00"', 'net = "441.00"')
    with unlocked(Version):
        answers = amid((Version, "save"), applying(committed, DEARER), applying(committed, other))
    assert any(isinstance(answer, IntegrityError) for answer in answers)
