"""A month's end against everything else that posts: what is on its way arrives first or is refused.

Each race runs on connections of its own against committed rows; the control takes the shared lock out of the trigger
and sees the same race leave a closed month whose balances are not those of its postings.
"""

import threading
import time
from datetime import date

import pytest
from django.db import IntegrityError, connection, transaction

from tenure.billing.actions import post
from tenure.billing.closing import close_month, recognise
from tenure.billing.ledger import Account, move
from tenure.billing.models import ClosedMonth, LedgerTransaction, RecognisedMonth
from tenure.billing.queries import trial_balance
from tenure.kernel.money import Money
from tenure.programme.queries import current
from tenure.proof import verify
from tests.faults.conftest import at_once
from tests.worlds import taipei

pytestmark = pytest.mark.django_db(transaction=True)
JUNE = date(2018, 6, 1)
LAST_SECOND = "2018-06-30 23:59:59"
SLOW_SECONDS = 0.5


@pytest.fixture
def july(committed, monkeypatch):
    """Contoso bought in June; it is the first of July."""
    monkeypatch.setattr("tenure.billing.queries.gateways", list)
    committed.buy_by_card()
    committed.go("2018-07-01 00:00:01")
    return committed


def close(world):
    return close_month(world.actor(world.fin), None, month=JUNE, now=world.now)


def slow_posting(written: threading.Event):
    """A transaction of the month's last second that takes its time between its posting and its commit."""
    with transaction.atomic():
        entries = move(Money(100, "TWD"), Account.BANK, Account.SUSPENSE)
        post("test", 1, "made", entries, None, taipei(LAST_SECOND), current())
        written.set()
        time.sleep(SLOW_SECONDS)
    return "written"


def race(world) -> ClosedMonth:
    """Close the month while a posting into it is on its way."""
    written = threading.Event()

    def closing():
        assert written.wait(10)
        return close(world)

    _, row = at_once(lambda: slow_posting(written), closing)
    return row


def told(row: ClosedMonth) -> dict[str, int]:
    return row.balances["TWD"]


def real() -> dict[str, int]:
    return {account: minor for account, _, minor in trial_balance(date(2018, 6, 30))}


def test_a_posting_on_its_way_is_in_the_closed_month(july):
    row = race(july)
    assert told(row)["bank"] == 100 and told(row) == real()
    assert verify.run(ask_gateways=False, only={"I-3"}).violated == set()


def test_without_the_shared_lock_the_closed_month_would_not_know_of_it(july):
    """The control."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('billing_month_closed'::regproc)")
        (whole,) = cursor.fetchone()
        lock = "PERFORM pg_advisory_xact_lock_shared(hashtext('billing.books'));"
        assert lock in whole
        cursor.execute(whole.replace(lock, ""))
    try:
        row = race(july)
        assert "bank" not in told(row) and told(row) != real()
        assert verify.run(ask_gateways=False, only={"I-3"}).violated == {"I-3"}
    finally:
        with connection.cursor() as cursor:
            cursor.execute(whole)


def test_a_posting_that_comes_after_the_close_is_refused(july):
    close(july)
    with pytest.raises(IntegrityError, match="the month is closed"):
        slow_posting(threading.Event())
    assert not LedgerTransaction.objects.filter(cause_type="test").exists()


def test_eight_closings_at_once_close_once(july):
    rows = at_once(*[lambda: close(july)] * 8)
    assert len({row.pk for row in rows}) == ClosedMonth.objects.count() == 1


def test_eight_runs_recognise_a_month_once(july):
    july.go("2018-08-01 00:04")
    done = at_once(*[lambda: recognise(july.now)] * 8)
    assert sorted(done)[-2:] in ([0, 2], [1, 1])
    assert RecognisedMonth.objects.count() == 2
    assert verify.run(ask_gateways=False, only={"I-8"}).violated == set()


def test_a_credit_note_against_a_months_end_leaves_nothing_deferred(july):
    """Whichever comes first: what is given back and what was earned add up to the invoice."""
    request = july.ask_to_cancel(july.holding().subscription)
    at_once(lambda: july.decide(request), lambda: recognise(july.now))
    balances = {account: minor for account, _, minor in trial_balance(date(2018, 7, 31))}
    assert "deferred_revenue" not in balances
    assert balances.get("revenue", 0) + balances.get("refunds", 0) == 0
    assert verify.run(ask_gateways=False, only={"I-1", "I-3", "I-4", "I-8"}).violated == set()
