"""Money that arrives twice, late, or by two ways at once: settled once, given once, numbered once."""

import threading
import time

import pytest
from django.db import IntegrityError, transaction

from tenure.billing import actions as billing
from tenure.billing.models import Invoice, Series
from tenure.billing.queries import view_of
from tenure.billing.rules import Kind
from tenure.memberships.models import Term
from tenure.partners.models import Partner
from tenure.payments import actions as payments
from tenure.payments.models import Allocation, Attempt, BankLine, Payment
from tenure.payments.queries import open_attempt
from tenure.payments.rules import Method
from tenure.plumbing.db import take_numbers
from tenure.plumbing.models import Counter
from tenure.programme.queries import current
from tenure.purchases import actions as purchases
from tenure.purchases import charging, transfers
from tenure.purchases.models import Order
from tenure.purchases.rules import Contact
from tests.faults.conftest import charged
from tests.faults.racing import ROUNDS, amid, at_once, codes, firm, unconstrained, unlocked

pytestmark = pytest.mark.django_db(transaction=True)
PRICE = 15_750


# The doorbell, the browser that returns, the janitor


def waiting(world, n: int = 1) -> Attempt:
    """The customer has paid on the gateway's page; nothing has come back to us yet."""
    one = firm(world, n)
    order = world.buy(one.person, partner=one.partner)
    world.choose_card(order)
    return open_attempt(order.pk)


def asking(world, attempt: Attempt, cause: str):
    return lambda: purchases.resolve(Attempt.objects.get(pk=attempt.pk), cause=cause, now=world.now)


def is_settled_once(attempt: Attempt) -> None:
    order = attempt.order_id
    assert Invoice.objects.filter(order_id=order).count() == 1
    assert Term.objects.filter(order_id=order).count() == Payment.objects.filter(order_id=order).count() == 1


@pytest.mark.parametrize("other", ["return", "janitor"])
def test_the_doorbell_against_who_else_asks_settles_once(committed, other):
    for n in range(ROUNDS):
        attempt = waiting(committed, n)
        causes = ("webhook", other, "webhook", other, "webhook", other)
        assert codes(at_once(*[asking(committed, attempt, cause) for cause in causes])) == []
        is_settled_once(attempt)
    attempt = waiting(committed, ROUNDS)
    # Who has patience waits without a lock of the database.
    both = [asking(committed, attempt, cause) for cause in ("webhook", other)]
    assert codes(amid((charging, "settle"), *both, longest=0.3)) == []
    is_settled_once(attempt)


@pytest.mark.parametrize("other", ["return", "janitor"])
def test_with_nobody_waiting_at_the_call_the_rows_still_settle_once(committed, monkeypatch, other):
    """The second line: the locks and the status of the attempt, when both come in with the same answer."""
    monkeypatch.setattr(payments, "_took", lambda space, id: True)
    attempt = waiting(committed)
    place = (payments, "receive")
    assert codes(amid(place, *[asking(committed, attempt, cause) for cause in ("webhook", other)])) == []
    is_settled_once(attempt)


@pytest.mark.parametrize("other", ["return", "janitor"])
def test_control_without_the_guards_one_charge_is_settled_twice(committed, monkeypatch, other):
    monkeypatch.setattr(payments, "_took", lambda space, id: True)
    attempt = waiting(committed)
    once = ("payments_payment_order_id_key", "payments_payment_attempt_id_key", "memberships_term_order_id_key")
    with unlocked(Partner, Order, Attempt), unconstrained(*once):
        amid((payments, "receive"), *[asking(committed, attempt, cause) for cause in ("webhook", other)])
        assert Invoice.objects.filter(order_id=attempt.order_id).count() == 2


@pytest.mark.parametrize(("cause", "paid"), [("return", True), ("janitor", False)])
def test_whoever_comes_back_from_the_card_page_waits_for_the_doorbell_and_sees_the_end(committed, cause, paid):
    """The doorbell is being answered while the browser returns: the page after it says paid, not "continue".

    The janitor, for whom nobody waits, leaves at once: without the patience the page would have, too.
    """
    attempt = waiting(committed)
    held, told = threading.Event(), []

    def doorbell():
        with payments.calling(payments.ATTEMPT_LOCKS, attempt.pk) as free:
            assert free
            held.set()
            time.sleep(0.5)

    def browser():
        assert held.wait(10)
        asking(committed, attempt, cause)()
        told.append(Order.objects.get(pk=attempt.order_id).paid_at is not None)

    at_once(doorbell, browser)
    assert told == [paid]


# Transfers


def transfer_order(world, n: int = 1) -> Order:
    one = firm(world, n)
    return world.buy(one.person, partner=one.partner, method=Method.BANK_TRANSFER)


def matching(world, line: BankLine, order: Order):
    clerk = world.actor(world.fin)
    return lambda: transfers.match_transfer(clerk, line, order=order, now=world.now)


def overdue(world, *numbers: int) -> list[tuple[Order, BankLine]]:
    """Orders whose last day was yesterday, each with a line of that day which nobody has matched."""
    orders = [transfer_order(world, n) for n in numbers]
    world.go("2018-07-21")
    return [(order, world.transfer(None, PRICE, on=order.expires_on.isoformat(), reference="?")) for order in orders]


def expiring(world):
    return lambda: purchases.expire_orders(world.now)


def test_money_of_the_last_day_against_the_order_running_out_counts(committed):
    for order, line in overdue(committed, *range(ROUNDS)):
        assert codes(at_once(matching(committed, line, order), expiring(committed))) == []
        order.refresh_from_db()
        assert order.paid_at and not order.closed_at, "whichever came first"


def test_an_order_does_not_run_out_amid_its_payment(committed):
    ((order, line),) = overdue(committed, 1)
    assert codes(amid((transfers, "transfer_arrived"), matching(committed, line, order), expiring(committed))) == []
    order.refresh_from_db()
    assert order.paid_at and not order.closed_at


def test_control_without_the_locks_an_order_is_paid_and_run_out(committed):
    ((order, line),) = overdue(committed, 1)
    with unlocked(Partner, Order):
        amid((transfers, "transfer_arrived"), matching(committed, line, order), expiring(committed))
    order.refresh_from_db()
    assert order.paid_at and order.closed_at


def test_two_clerks_on_one_line_cannot_both_win(committed):
    for n in range(ROUNDS):
        line = committed.transfer(None, PRICE, reference="no reference at all")
        orders = [transfer_order(committed, n), transfer_order(committed, n + 100)]
        answers = at_once(*[matching(committed, line, order) for order in orders])
        assert codes(answers) == ["transfers.already_matched"]
        assert Allocation.objects.filter(bank_line=line).count() == 1
    assert Order.objects.filter(paid_at__isnull=False).count() == ROUNDS


def two_clerks(world) -> list:
    line = world.transfer(None, PRICE, reference="no reference at all")
    orders = [transfer_order(world, n) for n in (1, 2)]
    return amid((Allocation, "save"), *[matching(world, line, order) for order in orders])


def test_the_second_clerk_waits_for_the_first_and_is_told(committed):
    assert codes(two_clerks(committed)) == ["transfers.already_matched"]
    assert Order.objects.filter(paid_at__isnull=False).count() == 1


def test_control_without_the_lines_lock_its_money_pays_twice(committed):
    with unlocked(BankLine):
        two_clerks(committed)
    assert Order.objects.filter(paid_at__isnull=False).count() == 2


def entering(world, order: Order, key: str):
    given = {"account": "812", "value_on": world.today, "amount": order.total, "reference": order.reference}
    clerk = world.actor(world.fin)
    return lambda: transfers.record_transfer(clerk, None, line_key=key, payer="CONTOSO", now=world.now, **given)


def test_the_same_statement_line_twice_at_once_counts_once(committed):
    for n in range(ROUNDS):
        order = transfer_order(committed, n)
        assert codes(at_once(*[entering(committed, order, f"statement-7/line-{n}")] * 6)) == []
        assert Invoice.objects.filter(order_id=order.pk).count() == 1
    assert BankLine.objects.count() == ROUNDS


def test_control_without_its_key_a_line_is_money_twice(committed):
    order = transfer_order(committed)
    with unconstrained("payments_bankline_line_key_key"):
        amid((BankLine, "save"), *[entering(committed, order, "statement-7/line-3")] * 2)
        assert BankLine.objects.count() == 2


# Another way to pay, while the card is being charged

CONTACT = Contact("Fay Fu", "02 2712 3456", "fay@firm.example")


def card_order(world, n: int = 1) -> tuple[Order, Attempt]:
    one = firm(world, n)
    order = world.buy(one.person, partner=one.partner)
    return order, open_attempt(order.pk)


def changing(world, order: Order):
    actor = world.actor(world.person(order.partner.contact_email))
    given = {"method": Method.BANK_TRANSFER, "contact": CONTACT, "now": world.now}
    return lambda: transfers.change_method(actor, order, **given)


def paying(world, order: Order, attempt: Attempt):
    def pay() -> None:
        world.choose_card(order)
        asking(world, attempt, "return")()

    return pay


def way(order: Order) -> tuple[str, int, int]:
    """How the order says it is paid, how often the card was charged, how many payments we know of."""
    order.refresh_from_db()
    return order.method, charged(order.number), Payment.objects.filter(order_id=order.pk).count()


def test_another_method_against_the_card_charge_is_one_or_the_other(committed):
    for n in range(ROUNDS):
        order, attempt = card_order(committed, n)
        answers = at_once(changing(committed, order), paying(committed, order, attempt))
        assert set(codes(answers)) <= {"orders.card_charge_running", "payments.checking", "orders.already_paid"}
        asking(committed, attempt, "janitor")()
        assert way(order) in [("card", 1, 1), ("bank_transfer", 0, 0)]


def test_who_pays_by_card_after_the_change_finds_the_page_closed(committed):
    order, attempt = card_order(committed)
    amid((transfers, "stop"), changing(committed, order), paying(committed, order, attempt), after=True)
    assert way(order) == ("bank_transfer", 0, 0)


def test_control_without_closing_the_page_a_transfer_order_is_charged_too(committed, monkeypatch):
    order, attempt = card_order(committed)
    monkeypatch.setattr(transfers, "stop", lambda order, now: True)
    monkeypatch.setattr(transfers, "open_attempt", lambda order_id: None)
    changing(committed, order)()
    paying(committed, order, attempt)()
    assert way(order) == ("bank_transfer", 1, 1)


# Numbers

HANDS = 8


def giving_up(call, give_up: bool):
    """One of some transactions is given up after it has taken its number."""

    def take() -> int | None:
        try:
            with transaction.atomic():
                n = call()
                if give_up:
                    raise InterruptedError
                return n
        except InterruptedError:
            return None

    return take


def sold(world, count: int) -> list[Payment]:
    """Payments without a document, as many as are to be numbered: copies of one sale."""
    order = Order.objects.get(pk=world.buy_by_card().pk)
    payment = Payment.objects.get(order_id=order.pk)
    copies = []
    for n in range(count):
        order.pk, order.number, order.idempotency_key, order.reference = None, f"O-copy-{n}", f"copy-{n}", f"copy-{n}"
        order.save()
        payment.pk, payment.order_id, payment.attempt = None, order.pk, None
        payment.save()
        copies.append(Payment.objects.get(pk=payment.pk))
    return copies


def issuing(world, payment: Payment, kind: Kind):
    view = view_of(Invoice.objects.get(kind=Kind.INVOICE, payment__attempt__isnull=False))

    def make(number, day):
        return view.__class__(**{f: getattr(view, f) for f in view.__dataclass_fields__} | {"number": number})

    def issue() -> int:
        return billing.issue(current(), kind=kind, payment=payment, make=make, now=world.now).running

    return issue


def numbered(world, payments_: list[Payment]) -> list:
    """Invoices and credit notes at once, eight hands, every fifth given up."""
    answers = []
    for first in range(0, len(payments_), HANDS):
        calls = []
        for n, payment in enumerate(payments_[first : first + HANDS]):
            kind = Kind.INVOICE if n % 2 else Kind.CREDIT_NOTE
            calls.append(giving_up(issuing(world, payment, kind), (first + n) % 5 == 4))
        answers += at_once(*calls)
    return answers


def runs() -> dict[str, list[int]]:
    return {
        kind: sorted(Invoice.objects.filter(kind=kind).values_list("running", flat=True))
        for kind in (Kind.INVOICE, Kind.CREDIT_NOTE)
    }


def test_two_series_numbered_by_eight_at_once_have_no_gap_though_some_give_up(committed):
    answers = numbered(committed, sold(committed, HANDS * 4))
    assert codes(answers) == [] and answers.count(None) == HANDS * 4 // 5
    for found in runs().values():
        assert found == list(range(1, len(found) + 1)) and len(found) > HANDS
    for series in Series.objects.all():
        assert series.last == len(runs()[series.kind])


def test_control_without_the_series_lock_a_number_comes_twice(committed):
    payments_ = sold(committed, 2)
    with unlocked(Series), unconstrained("invoice_number_once", "billing_invoice_number_key"):
        amid((Invoice, "save"), *[issuing_alone(committed, payment) for payment in payments_])
        found = runs()[Kind.INVOICE]
        assert len(found) > len(set(found))


def issuing_alone(world, payment: Payment):
    return giving_up(issuing(world, payment, Kind.INVOICE), False)


def test_counters_taken_by_eight_at_once_have_no_gap_though_some_give_up(committed):
    taken = []
    for round_ in range(20):
        calls = [giving_up(lambda: take_numbers("race"), (i + round_) % 5 == 0) for i in range(HANDS)]
        taken += at_once(*calls)
    numbers = sorted(n for n in taken if n is not None)
    assert numbers == list(range(1, len(numbers) + 1))


def test_control_a_counter_without_its_lock_gives_a_number_twice(committed):
    Counter.objects.create(name="race")
    taking = giving_up(lambda: take_numbers("race"), False)
    with unlocked(Counter):
        answers = amid((Counter, "save"), taking, taking)
    assert answers == [1, 1]


def test_the_database_itself_refuses_a_second_document_for_a_payment(committed):
    committed.buy_by_card()
    payment = Payment.objects.get()
    with pytest.raises(IntegrityError):
        issuing_alone(committed, payment)()
