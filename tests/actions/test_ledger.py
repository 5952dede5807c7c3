"""The ledger in the database: balanced by statement, never changed, one posting for each cause."""

import pytest
from django.db import Error, IntegrityError, connection, transaction

from tenure.billing.actions import post
from tenure.billing.ledger import Account, Entry, move
from tenure.billing.models import Invoice, InvoiceLine, LedgerTransaction, Posting
from tenure.billing.queries import balances
from tenure.kernel.money import Money
from tenure.payments.models import Payment, Refund
from tenure.programme.queries import current

TWD = "TWD"


def write(world, entries, cause_id=1, kind="test"):
    with transaction.atomic():
        post("test", cause_id, kind, entries, None, world.now, current())


def test_a_transaction_that_does_not_sum_to_zero_is_refused_by_the_database(world):
    for entries in (
        [Entry(Account.BANK, Money(100, TWD)), Entry(Account.HELD, Money(-99, TWD))],
        [Entry(Account.BANK, Money(100, TWD)), Entry(Account.HELD, Money(-100, "USD"))],
        [Entry(Account.BANK, Money(100, TWD))],
    ):
        with pytest.raises(IntegrityError):
            write(world, entries)
    assert not Posting.objects.exists()


def test_a_cause_is_posted_once_for_each_kind(world):
    write(world, move(Money(100, TWD), Account.BANK, Account.SUSPENSE))
    with pytest.raises(IntegrityError):
        write(world, move(Money(100, TWD), Account.BANK, Account.SUSPENSE))
    write(world, move(Money(100, TWD), Account.SUSPENSE, Account.BANK), kind="reversed")
    assert {balance for _, _, balance in balances()} == {0}


def test_an_empty_entry_and_an_impossible_amount_are_refused(world):
    for minor in (0, 10**12 + 1):
        with pytest.raises(IntegrityError):
            write(world, [Entry(Account.BANK, Money(minor, TWD)), Entry(Account.HELD, Money(-minor, TWD))])


@pytest.mark.parametrize("model", [Posting, LedgerTransaction, Invoice, InvoiceLine])
def test_what_is_posted_or_issued_never_changes_and_never_vanishes(world, model):
    world.buy_by_card()
    for change in ("DELETE FROM {}", "UPDATE {} SET id = id"):
        with pytest.raises(Error), transaction.atomic():
            connection.cursor().execute(change.format(model._meta.db_table))
    assert model.objects.exists()


def test_an_order_has_one_payment_and_its_refunds_never_pass_it(world):
    order = world.buy_by_card()
    payment = Payment.objects.get(order_id=order.pk)
    payment.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        payment.save(force_insert=True)
    given = {"currency": TWD, "reason": "", "requested_by": "system", "promised_at": world.now}
    kept = Payment.objects.get(order_id=order.pk)
    Refund.objects.create(payment=kept, kind="tax", amount_minor=750, gateway_key="one", **given)
    with pytest.raises(IntegrityError), transaction.atomic():
        Refund.objects.create(payment=kept, kind="full", amount_minor=15_001, gateway_key="two", **given)


def test_a_sale_and_its_refund_leave_only_what_is_still_to_be_earned(world):
    """Receivable, deferred revenue, tax and clearing are all back at zero after a full refund."""
    world.buy_by_card()
    found = {account: minor for account, _, minor in balances()}
    assert found == {"deferred_revenue": -15_000, "gateway_clearing": 15_750, "receivable": 0, "tax": -750}
    world.decide(world.ask_to_cancel(world.holding().subscription))
    assert {minor for _, _, minor in balances()} == {0}
