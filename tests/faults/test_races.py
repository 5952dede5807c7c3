"""Two at once: the lock decides, the constraint holds, and one of them is told (reliability.md §3.6).

Each race runs on connections of its own against committed rows. The controls take a guard away and show that the
same race then does harm, so the tests would notice if the guard went.
"""

import threading
import time
import uuid

import pytest
from django.db import connection, transaction

from tenure.benefits import actions as benefits
from tenure.benefits.models import Grant, Key
from tenure.billing.models import Invoice
from tenure.kernel.access import SYSTEM
from tenure.kernel.refusals import Refusal
from tenure.memberships.models import Subscription, Term
from tenure.payments import actions as payments
from tenure.payments.models import Allocation, BankLine, Refund
from tenure.payments.queries import cards, open_attempt
from tenure.payments.rules import Method
from tenure.people import actions as people
from tenure.people.models import Colleague
from tenure.plumbing.db import take_numbers
from tenure.plumbing.models import Counter
from tenure.purchases import actions as purchases
from tenure.purchases import transfers
from tenure.purchases.models import Order
from tenure.renewals import actions as renewals
from tenure.support import actions as support
from tests.faults.conftest import at_once, charged

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def june(committed):
    """Contoso bought with a card it keeps; it is the first day of the window a year later."""
    committed.go("2018-06-22")
    committed.buy_by_card()
    committed.go("2019-06-23")
    return committed


def kept_card(world) -> int:
    return cards(world.contoso.pk).first().pk


def refusals(answers) -> list[str]:
    return sorted(answer.code for answer in answers if isinstance(answer, Refusal))


def test_the_same_key_pressed_eight_times_is_one_order_and_one_charge(june):
    subscription = june.holding().subscription
    wanted = june.wanted(card=kept_card(june))
    ming = june.actor(june.ming)
    answers = at_once(*[lambda: renewals.renew(ming, subscription, wanted=wanted, now=june.now)] * 8)
    assert {answer.pk for answer in answers if isinstance(answer, Order)} == {Order.objects.latest("pk").pk}
    order = Order.objects.get(purpose="renewal")
    assert order.paid_at and charged(order.number) == 1
    assert Term.objects.filter(subscription=subscription).count() == 2


def test_two_people_renewing_at_once_make_one_term(june):
    subscription = june.holding().subscription
    asked = [
        (june.actor(person), june.wanted(card=kept_card(june))) for person in (june.ann, june.ming, june.ann, june.ming)
    ]
    at_once(*[lambda a=a, w=w: renewals.renew(a, subscription, wanted=w, now=june.now) for a, w in asked])
    assert Term.objects.filter(subscription=subscription).count() == 2
    assert sum(charged(order.number) for order in Order.objects.filter(purpose="renewal")) == 1


def test_a_renewal_by_hand_against_the_daily_run_makes_one_term(june):
    subscription = june.holding().subscription
    ming, wanted = june.actor(june.ming), june.wanted(card=kept_card(june))
    at_once(
        lambda: renewals.renew(ming, subscription, wanted=wanted, now=june.now),
        lambda: renewals.run(SYSTEM, None, now=june.now),
        lambda: renewals.run(SYSTEM, None, now=june.now),
    )
    june.work()
    assert Term.objects.filter(subscription=subscription).count() == 2
    assert sum(charged(order.number) for order in Order.objects.filter(purpose="renewal")) == 1


def test_two_daily_runs_at_once_charge_once(june):
    subscription = june.holding().subscription
    at_once(*[lambda: renewals.run(SYSTEM, None, now=june.now)] * 4)
    june.work()
    assert Term.objects.filter(subscription=subscription).count() == 2
    assert sum(charged(order.number) for order in Order.objects.filter(purpose="renewal")) == 1


def test_auto_renew_off_against_the_charge_is_one_or_the_other(june):
    subscription = june.holding().subscription
    ming = june.actor(june.ming)
    at_once(
        lambda: renewals.run(SYSTEM, None, now=june.now),
        lambda: renewals.turn_off_auto_renew(ming, subscription, now=june.now),
    )
    june.work()
    charges = sum(charged(order.number) for order in Order.objects.filter(purpose="renewal"))
    assert Term.objects.filter(subscription=subscription).count() == 1 + charges


def test_the_doorbell_against_the_return_page_settles_once(committed):
    committed.go("2018-06-22")
    order = committed.buy()
    committed.choose_card(order)
    attempt = open_attempt(order.pk)
    answers = at_once(
        *[lambda cause=cause: purchases.resolve(attempt, cause=cause, now=committed.now)
          for cause in ("webhook", "return", "webhook", "janitor", "return", "webhook")]
    )  # fmt: skip
    assert refusals(answers) == []
    purchases.resolve(attempt, cause="janitor", now=committed.now)
    assert Invoice.objects.filter(order_id=order.pk).count() == 1
    assert Term.objects.filter(order_id=order.pk).count() == 1


@pytest.mark.parametrize(("cause", "paid"), [("return", True), ("janitor", False)])
def test_whoever_comes_back_from_the_card_page_waits_for_the_doorbell_and_sees_the_end(committed, cause, paid):
    """The doorbell is being answered while the browser returns: the page after it says paid, not "continue".

    The janitor, for whom nobody waits, leaves at once: without the patience the page would have, too.
    """
    committed.go("2018-06-22")
    order = committed.buy()
    committed.choose_card(order)
    attempt = open_attempt(order.pk)
    held, told = threading.Event(), []

    def doorbell():
        with payments.calling(payments.ATTEMPT_LOCKS, attempt.pk) as free:
            assert free
            held.set()
            time.sleep(0.5)

    def browser():
        assert held.wait(10)
        purchases.resolve(attempt, cause=cause, now=committed.now)
        told.append(Order.objects.get(pk=order.pk).paid_at is not None)

    at_once(doorbell, browser)
    assert told == [paid]


def test_two_first_purchases_at_once_leave_one_open_order(committed):
    ming = committed.actor(committed.ming)
    asked = [committed.wanted(method=Method.BANK_TRANSFER) for _ in range(6)]
    answers = at_once(*[lambda w=w: purchases.buy(ming, committed.contoso, wanted=w, now=committed.now) for w in asked])
    assert refusals(answers) == ["offers.order_open"] * 5
    assert Order.objects.filter(paid_at=None, closed_at=None).count() == 1


def test_two_clerks_on_one_line_cannot_both_win(committed):
    first = committed.buy(method=Method.BANK_TRANSFER)
    other = committed.company("Fabrikam Ltd", "fabrikam.example", "Fay Fu")
    fay = next(c.user for c in Colleague.objects.filter(partner_id=other.pk).select_related("user"))
    second = committed.buy(fay, partner=other, method=Method.BANK_TRANSFER)
    line = committed.transfer(None, 15750, reference="no reference at all")
    fin = committed.actor(committed.fin)
    answers = at_once(
        lambda: transfers.match_transfer(fin, line, order=first, now=committed.now),
        lambda: transfers.match_transfer(fin, line, order=second, now=committed.now),
    )
    assert refusals(answers) == ["transfers.already_matched"]
    assert Allocation.objects.count() == 1
    assert Order.objects.filter(paid_at__isnull=False).count() == 1


def test_the_same_statement_line_twice_at_once_counts_once(committed):
    order = committed.buy(method=Method.BANK_TRANSFER)
    fin = committed.actor(committed.fin)
    given = {
        "line_key": "statement-7/line-3",
        "account": "812",
        "value_on": committed.today,
        "amount": order.total,
        "reference": order.reference,
        "payer": "CONTOSO",
        "now": committed.now,
    }
    at_once(*[lambda: transfers.record_transfer(fin, None, **given)] * 6)
    assert BankLine.objects.count() == 1
    assert Invoice.objects.count() == 1


def test_a_transfer_against_the_order_running_out_is_one_or_the_other(committed):
    order = committed.buy(method=Method.BANK_TRANSFER)
    last = order.expires_on.isoformat()
    committed.go("2018-07-21")
    fin = committed.actor(committed.fin)
    line = committed.transfer(None, 15750, on=last, reference="?")
    at_once(
        lambda: transfers.match_transfer(fin, line, order=order, now=committed.now),
        lambda: purchases.expire_orders(committed.now),
    )
    order.refresh_from_db()
    assert order.paid_at is not None, "money of the last day counts, whichever came first"


def test_two_administrators_cannot_remove_each_other(committed):
    eve = committed.colleague("Eve Wang", "global_admin")
    places = {c.user_id: c for c in Colleague.objects.filter(partner_id=committed.contoso.pk)}
    ann, eva = committed.actor(committed.ann), committed.actor(eve)
    answers = at_once(
        lambda: people.deactivate(ann, places[eve.pk], now=committed.now),
        lambda: people.deactivate(eva, places[committed.ann.pk], now=committed.now),
    )
    assert refusals(answers) == ["people.last_admin"]


def test_one_invitation_is_accepted_once(committed):
    invitation = people.invite(
        committed.actor(committed.ann),
        committed.contoso,
        email="new@contoso.example",
        name="New",
        roles=["member"],
        language="en",
        now=committed.now,
    )
    answers = at_once(
        *[lambda: people.accept_invitation(SYSTEM, invitation, password="a long enough one", now=committed.now)] * 4
    )
    assert refusals(answers) == ["people.invitation_used"] * 3


def test_a_refund_pressed_twice_goes_back_once(committed):
    committed.go("2018-06-22")
    order = committed.buy_by_card()
    request = support.open_request(
        committed.actor(committed.ming),
        committed.contoso,
        problem_type="invoice-payment-reconciliation",
        subject="Cancel",
        description="Wrong pack.",
        subscription=order.subscription,
        now=committed.now,
    )
    oda = committed.actor(committed.oda)
    at_once(*[lambda: support.decide(oda, request, refund=True, now=committed.now)] * 4)
    committed.work()
    assert Refund.objects.count() == 1
    assert Invoice.objects.filter(kind="credit_note").count() == 1


def test_the_last_key_goes_to_one_of_eight(committed):
    committed.go("2018-06-22")
    committed.buy_by_card()
    grant = Grant.objects.filter(kind="keys").first()
    benefits.load_keys(SYSTEM, None, pool=grant.benefit, values=["ONE-ONLY"], now=committed.now)
    ann = committed.actor(committed.ann)
    answers = at_once(*[lambda: benefits.reveal_key(ann, grant, now=committed.now)] * 8)
    assert sum(isinstance(answer, Key) for answer in answers) == 1
    assert refusals(answers) == ["benefits.pool_empty"] * 7


def _take(name: str, give_up: bool) -> int | None:
    try:
        with transaction.atomic():
            n = take_numbers(name)
            if give_up:
                raise RuntimeError
            return n
    except RuntimeError:
        return None


def test_numbers_taken_by_eight_at_once_have_no_gap_though_some_give_up(committed):
    taken = []
    for round_ in range(20):
        taken += at_once(*[lambda i=i, r=round_: _take("race", (i + r) % 5 == 0) for i in range(8)])
    numbers = sorted(n for n in taken if n is not None)
    assert numbers == list(range(1, len(numbers) + 1))


def test_control_numbers_without_the_lock_come_twice(committed):
    """The negative control: the same race over "read the last, add one" gives numbers twice."""

    def careless() -> int:
        with transaction.atomic():
            row, _ = Counter.objects.get_or_create(name="careless")
            connection.cursor().execute("SELECT pg_sleep(0.01)")
            Counter.objects.filter(pk=row.pk).update(last=row.last + 1)
            return row.last + 1

    Counter.objects.create(name="careless")
    taken = [n for _ in range(3) for n in at_once(*[careless] * 8)]
    assert len(set(taken)) < len(taken)


def test_control_without_the_partners_lock_two_orders_would_open(committed, monkeypatch):
    """The negative control: lock and unique index gone, two tabs make two orders for one offer."""
    from tenure.partners.models import Partner

    monkeypatch.setattr(purchases, "lock", lambda pk: Partner.objects.get(pk=pk))
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX order_open_once_per_offer")
    try:
        ming = committed.actor(committed.ming)
        opened = Order.objects.filter(paid_at=None, closed_at=None)
        # The harm needs two of them at the same spot; a busy machine may take a few rounds to bring them there.
        for _ in range(10):
            Order.objects.all().delete()
            asked = [committed.wanted(method=Method.BANK_TRANSFER, key=str(uuid.uuid4())) for _ in range(6)]
            at_once(*[lambda w=w: purchases.buy(ming, committed.contoso, wanted=w, now=committed.now) for w in asked])
            if opened.count() > 1:
                break
        assert opened.count() > 1
    finally:
        Order.objects.all().delete()
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE UNIQUE INDEX order_open_once_per_offer ON purchases_order (partner_id, offer) "
                "WHERE closed_at IS NULL AND paid_at IS NULL"
            )


def test_the_database_itself_refuses_a_second_live_subscription(june):
    """The last line: whatever code forgets, two live subscriptions of one offer cannot be written."""
    from django.db import IntegrityError

    with pytest.raises(IntegrityError), transaction.atomic():
        Subscription.objects.create(
            partner=june.contoso, offer="action-pack", anchor_on=june.today, created_at=june.now
        )
