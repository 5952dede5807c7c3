"""Two clerks with one bank file, or with one line, at the same instant; and what the guards are for."""

import pytest

from tenure.billing.models import LedgerTransaction
from tenure.kernel.money import Money
from tenure.kernel.refusals import Refusal
from tenure.payments import transfers as payments
from tenure.payments.models import Allocation, BankLine, StatementFile
from tenure.payments.rules import Method
from tenure.payments.statements.delimited import Mapping
from tenure.programme.queries import current
from tenure.purchases import importing, splitting, transfers
from tenure.purchases.models import Order
from tests.faults.conftest import at_once
from tests.faults.racing import amid, codes, unlocked

pytestmark = pytest.mark.django_db(transaction=True)
PRICE = 15_750
COLUMNS = Mapping(value_on="day", amount="amount", text="text", payer="payer")


@pytest.fixture
def file(committed):
    """A file with two sure lines and one for nobody, and the clerk's own words for taking it in."""
    account = current().seller.bank_accounts["TWD"]
    clerk = committed.actor(committed.fin)
    importing.save_mapping(clerk, None, account=account, mapping=COLUMNS, now=committed.now)
    order = committed.buy(method=Method.BANK_TRANSFER)
    day = committed.today.isoformat()
    rows = [f"{day},15750,{order.reference},CONTOSO", f"{day},15750,{order.reference},CONTOSO", f"{day},9,rent,X"]
    content = ("day,amount,text,payer\n" + "\n".join(rows)).encode()

    def take_in(content=content, name="one.csv"):
        given = {"content": content, "name": name, "account": account, "now": committed.now}
        return importing.import_statement(clerk, None, **given)

    return take_in, content


def test_one_file_uploaded_six_times_at_once_is_one_import(file):
    take_in, _ = file
    answers = at_once(*[take_in] * 6)
    assert not [answer for answer in answers if isinstance(answer, Refusal)]
    assert (StatementFile.objects.count(), BankLine.objects.count()) == (1, 3)
    assert Order.objects.get().paid_at
    assert Allocation.objects.count() == 2, "one pays the order, the other is held"
    booked = LedgerTransaction.objects.filter(cause_type="bank_line").count()
    assert booked == 3


def test_two_files_that_overlap_enter_what_they_share_once(file):
    take_in, content = file
    longer = content + b"\n2018-06-19,77,more,Y"
    answers = at_once(*[take_in, lambda: take_in(longer, "two.csv")] * 3)
    assert not [answer for answer in answers if isinstance(answer, Refusal)]
    assert (StatementFile.objects.count(), BankLine.objects.count()) == (2, 4)


def test_without_the_lock_the_same_upload_fails_for_somebody(file, monkeypatch):
    """The control: only waiting for each other makes both uploads end well; the keys alone refuse one."""
    take_in, content = file
    longer = content + b"\n2018-06-19,77,more,Y"

    monkeypatch.setattr(payments, "one_file_at_a_time", lambda: None)
    with pytest.raises(Exception, match="unique|duplicate"):
        for turn in range(6):
            more = longer + f"\n2018-06-19,{turn + 100},again,Z".encode()
            at_once(
                lambda m=more, t=turn: take_in(m, f"{t}.csv"), lambda m=more, t=turn: take_in(m + b"\n", f"{t}b.csv")
            )


def test_two_clerks_set_one_line_aside_and_give_it_at_once(file, committed):
    take_in, _ = file
    take_in()
    line = BankLine.objects.get(payer="X")
    clerk = committed.actor(committed.fin)
    answers = at_once(
        lambda: transfers.ignore_transfer(clerk, line, reason="rent", now=committed.now),
        lambda: transfers.hold_transfer(clerk, line, partner=committed.contoso, now=committed.now),
    )
    assert [a.code for a in answers if isinstance(a, Refusal)] == ["transfers.already_matched"]
    line.refresh_from_db()
    assert (line.ignored_at is None) == (line.allocations.count() == 1)


@pytest.fixture
def shared(committed):
    """A line that pays the orders of two partners, and two clerks who divide it each in their own way."""
    fabrik = committed.company("Fabrik Systems Ltd", "fabrik.example", "Mei Chen")
    ours = committed.buy(method=Method.BANK_TRANSFER)
    theirs = committed.buy(committed.person("mei@fabrik.example"), partner=fabrik, method=Method.BANK_TRANSFER)
    line = committed.transfer(None, 2 * PRICE, reference="both")
    clerk, whole = committed.actor(committed.fin), Money(PRICE, "TWD")

    def dividing(*parts, hold_for=None):
        given = {"parts": [(order, whole) for order in parts], "hold_for": hold_for, "now": committed.now}
        return lambda: splitting.split_transfer(clerk, line, **given)

    return dividing, ours, theirs


def test_two_clerks_divide_one_line_at_once_and_one_wins(shared):
    dividing, ours, theirs = shared
    answers = at_once(dividing(ours, theirs), dividing(theirs, ours))
    assert [a.code for a in answers if isinstance(a, Refusal)] == ["transfers.already_matched"]
    assert sorted(Allocation.objects.values_list("order_id", flat=True)) == sorted([ours.pk, theirs.pk])


def each_for_one_partner(dividing, ours, theirs):
    """The second clerk comes while the first is giving the first part away."""
    mine, yours = dividing(ours, hold_for=ours.partner), dividing(theirs, hold_for=theirs.partner)
    return amid((Allocation, "save"), mine, yours)


def test_the_second_clerk_waits_and_finds_the_line_divided(shared):
    assert codes(each_for_one_partner(*shared)) == ["transfers.already_matched"]
    assert sum(Allocation.objects.values_list("amount_minor", flat=True)) == 2 * PRICE


def test_control_without_the_lines_lock_it_is_given_away_twice(shared):
    with unlocked(BankLine):
        each_for_one_partner(*shared)
    assert sum(Allocation.objects.values_list("amount_minor", flat=True)) == 4 * PRICE


def test_a_change_of_method_against_the_money_coming_is_one_or_the_other(file, committed):
    take_in, _ = file
    order = Order.objects.get()
    ming = committed.actor(committed.ming)
    at_once(
        take_in,
        lambda: transfers.change_method(ming, order, method=Method.CARD, now=committed.now),
    )
    order.refresh_from_db()
    paid_by_wire = order.paid_at is not None
    held = Allocation.objects.filter(order_id=None).count()
    # Paid and the rest held; or a card order, and the money left to a person or held for the partner.
    assert (order.method, paid_by_wire, held) in (("bank_transfer", True, 1), ("card", False, 0), ("card", False, 2))
