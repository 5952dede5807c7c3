"""Months end: what was earned is recognised once, a closed month takes no posting, and only an explained one closes."""

from datetime import date

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from tenure.billing import closing
from tenure.billing.actions import post
from tenure.billing.closing import close_month, recognise
from tenure.billing.ledger import Account, earned, move
from tenure.billing.models import ClosedMonth, LedgerTransaction, Posting, RecognisedMonth
from tenure.billing.queries import EARNED, differences, trial_balance
from tenure.kernel.money import Money
from tenure.kernel.periods import Span, plus_days
from tenure.kernel.refusals import Refusal
from tenure.plumbing.models import Event
from tenure.programme.queries import current
from tests.actions.conftest import plant
from tests.worlds import taipei

JUNE, JULY = date(2018, 6, 1), date(2018, 7, 1)


@pytest.fixture
def no_gateway(monkeypatch):
    """What the gateways' lists say is another file's story."""
    monkeypatch.setattr("tenure.billing.queries.gateways", list)


def balance(account: str, on: date = date(2100, 1, 1)) -> int:
    return sum(minor for name, _, minor in trial_balance(on) if name == account)


def close(world, month: date, who=None):
    return close_month(world.actor(who or world.fin), None, month=month, now=world.now)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(-(10**10), 10**10), st.dates(date(2017, 1, 1), date(2020, 1, 1)), st.integers(-1, 800)),
        min_size=1,
        max_size=20,
    ),
    through=st.dates(date(2016, 1, 1), date(2023, 1, 1)),
)
def test_the_database_earns_as_the_rule_does(django_db_setup, django_db_blocker, rows, through):
    """A length of -1 stands for a line without a term."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        values = ", ".join(["(%s::bigint, %s::date, %s::date)"] * len(rows))
        given_rows = [
            (net, first if n >= 0 else None, plus_days(first, n) if n >= 0 else None) for net, first, n in rows
        ]
        sql = f"SELECT {EARNED} FROM (VALUES {values}) v (net, first, last)".replace("%(through)s", "%s")
        cursor.execute(sql, [through, *(value for row in given_rows for value in row)])
        told = [minor for (minor,) in cursor.fetchall()]
    wanted = [earned(Money(net, "TWD"), Span(a, b) if a else None, through).minor for net, a, b in given_rows]
    assert told == wanted


def test_a_month_is_recognised_once_however_often_it_is_asked_for(world):
    world.buy_by_card()
    world.go("2018-08-02")
    assert (recognise(world.now), recognise(world.now)) == (2, 0)
    assert [(row.kind, str(row.posted_on)) for row in LedgerTransaction.objects.filter(kind__startswith="recog")] == [
        ("recognised:2018-06", "2018-06-30"),
        ("recognised:2018-07", "2018-07-31"),
    ]
    # 20 June to 20 June are 366 days; 11 of them in June, 42 by the end of July.
    assert balance("revenue", date(2018, 6, 30)) == -(15_000 * 11 // 366)
    assert balance("revenue") == -(15_000 * 42 // 366) == -15_000 - balance("deferred_revenue")


def test_a_month_without_sales_is_done_as_well(world):
    world.buy_by_card()
    world.decide(world.ask_to_cancel(world.holding().subscription))
    world.go("2018-08-02")
    assert recognise(world.now) == 0
    assert [(str(row.month), row.invoices) for row in RecognisedMonth.objects.order_by("month")] == [
        ("2018-06-01", 0),
        ("2018-07-01", 0),
    ]


def test_a_refund_gives_back_the_unearned_first_and_then_what_was_earned(world):
    world.buy_by_card()
    world.wake("2018-07-10")
    was = -balance("revenue")
    assert was == 15_000 * 11 // 366
    world.decide(world.ask_to_cancel(world.holding().subscription))
    assert balance("deferred_revenue") == 0
    assert balance("refunds") == was == -balance("revenue"), "June keeps what it earned; July gives it back"
    world.wake("2018-10-02")
    assert -balance("revenue") == was, "nothing is earned after it"


def test_months_close_in_their_order_and_once(world, no_gateway):
    world.buy_by_card()
    world.go("2018-08-02")
    with pytest.raises(Refusal) as refused:
        close(world, JULY)
    assert refused.value.code == "books.close_earlier_first" and refused.value.facts["first"] == "2018-06"
    with pytest.raises(Refusal) as refused:
        close(world, date(2018, 8, 1))
    assert refused.value.code == "books.month_not_over"
    with pytest.raises(Refusal) as refused:
        close(world, date(2018, 5, 1))
    assert refused.value.code == "books.before_the_books"
    first, again = close(world, JUNE), close(world, JUNE)
    assert first.pk == again.pk and ClosedMonth.objects.count() == 1
    assert Event.objects.filter(name="billing.month_closed").count() == 1
    assert first.balances["TWD"]["revenue"] == -(15_000 * 11 // 366)
    assert str(close(world, JULY).month) == "2018-07-01"


def test_only_finance_closes(world, no_gateway):
    world.buy_by_card()
    world.go("2018-07-02")
    for who in (world.sue, world.ming):
        with pytest.raises(Refusal):
            close(world, JUNE, who)
    assert not ClosedMonth.objects.exists()


def write(world, when: str) -> None:
    with transaction.atomic():
        entries = move(Money(100, "TWD"), Account.BANK, Account.SUSPENSE)
        count = LedgerTransaction.objects.count()
        post("test", count + 1, "made", entries, None, taipei(when), current())


def test_a_closed_month_takes_no_posting_and_the_next_does(world, no_gateway):
    world.buy_by_card()
    world.go("2018-07-02")
    close(world, JUNE)
    with pytest.raises(IntegrityError, match="the month is closed"):
        write(world, "2018-06-30 23:59:59")
    write(world, "2018-07-01 00:00:00")


def test_without_the_trigger_the_closed_month_would_take_it(world, no_gateway):
    """The control: it is the trigger that refuses, and the check of the balances that finds what got past it."""
    from tenure.proof import verify

    world.buy_by_card()
    world.go("2018-07-02")
    close(world, JUNE)
    assert "I-3" not in verify.run(ask_gateways=False, only={"I-3"}).violated
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE billing_ledgertransaction DISABLE TRIGGER billing_month_closed")
    write(world, "2018-06-30 23:59:59")
    assert "I-3" in verify.run(ask_gateways=False, only={"I-3"}).violated


def test_what_comes_late_is_booked_into_the_open_month(world, no_gateway):
    """The statement shows a June value date in July: the money is June's, the posting July's."""
    world.buy_by_card()
    world.go("2018-07-02")
    close(world, JUNE)
    line = world.transfer(None, 500, on="2018-06-29", reference="late")
    posted = LedgerTransaction.objects.get(cause_type="bank_line", cause_id=line.pk)
    assert (str(line.value_on), str(posted.posted_on)) == ("2018-06-29", "2018-07-02")


def test_a_receivable_left_over_keeps_the_month_open(world, no_gateway):
    order = world.buy_by_card()
    plant(
        "DELETE FROM billing_posting WHERE transaction_id = (SELECT id FROM billing_ledgertransaction"
        " WHERE cause_type = 'payment')"
    )
    world.go("2018-07-02")
    (found,) = differences(JUNE)
    assert (found.code, found.facts) == ("books.receivable_open", {"order": order.pk, "amount": Money(15750, "TWD")})
    with pytest.raises(Refusal) as refused:
        close(world, JUNE)
    assert refused.value.code == "books.differences" and not ClosedMonth.objects.exists()


def test_a_gateway_nobody_has_looked_at_keeps_the_month_open(world):
    world.buy_by_card()
    world.go("2018-07-02")
    assert [found.code for found in differences(JUNE)] == ["books.not_reconciled"]


def test_what_was_recognised_twice_or_too_much_is_found(world):
    from tenure.proof import verify

    world.buy_by_card()
    world.wake("2018-08-02")
    assert verify.run(ask_gateways=False, only={"I-8"}).violated == set()
    plant("UPDATE billing_posting SET amount_minor = amount_minor - 1 WHERE account = 'revenue'")
    plant(
        "UPDATE billing_posting SET amount_minor = amount_minor + 1 WHERE account = 'deferred_revenue' AND amount_minor > 0"
    )
    assert verify.run(ask_gateways=False, only={"I-8"}).violated == {"I-8"}


def test_the_next_month_is_due_on_its_first_day(world):
    assert closing.next_day(date(2018, 6, 20)) is None
    world.buy_by_card()
    assert closing.next_day(date(2018, 6, 20)) == JULY
    assert Posting.objects.exists()
