"""Lines of a bank file given in lots: a lot is all or nothing, whatever happens in the middle of it."""

import pytest

from tenure.billing.models import Invoice, Posting, Series
from tenure.memberships.models import Term
from tenure.payments.models import Allocation, BankLine, Payment
from tenure.payments.rules import Method
from tenure.payments.statements.delimited import Mapping
from tenure.plumbing.models import Task
from tenure.programme.queries import current
from tenure.proof import verify
from tenure.purchases import importing, settling
from tenure.purchases.models import Order
from tests.faults.conftest import child

pytestmark = pytest.mark.django_db(transaction=True)
COLUMNS = Mapping(value_on="day", amount="amount", text="text", payer="payer")
PRICE, FIRMS = 15_750, 4


@pytest.fixture
def file(committed):
    """Four companies' transfers and a second one of the first, entered and matched and not given to anybody yet."""
    account = current().seller.bank_accounts["TWD"]
    clerk = committed.actor(committed.fin)
    importing.save_mapping(clerk, None, account=account, mapping=COLUMNS, now=committed.now)
    orders = []
    for n in range(FIRMS):
        firm = committed.company(f"Firm {n} Ltd", f"firm{n}.example", f"Kim{n} Lee")
        person = committed.person(f"kim{n}@firm{n}.example")
        orders.append(committed.buy(person, partner=firm, method=Method.BANK_TRANSFER))
    day = committed.today.isoformat()
    rows = [f"{day},{PRICE},{order.reference},{n}" for n, order in enumerate([*orders, orders[0]])]
    content = "\n".join(["day,amount,text,payer", *rows]).encode()
    given = {"content": content, "name": "lot.csv", "account": account, "now": committed.now}
    importing.import_statement(clerk, None, at_once=0, **given)
    assert BankLine.objects.count() == FIRMS + 1 and not Allocation.objects.exists()
    return orders


def all_are_paid_once(orders: list[Order]) -> None:
    for order in orders:
        order.refresh_from_db()
        assert order.paid_at
    assert [Term.objects.count(), Payment.objects.count(), Invoice.objects.count()] == [FIRMS] * 3
    assert Allocation.objects.filter(order_id=None).count() == 1, "the second of one company is held for it"
    numbers = Invoice.objects.order_by("running").values_list("running", flat=True)
    assert list(numbers) == list(range(1, Series.objects.get().last + 1))
    report = verify.run(ask_gateways=False)
    assert not {"I-1", "I-2", "I-3", "I-4", "I-6", "I-8", "I-9", "I-10", "I-26", "I-39", "I-42"} & report.violated


@pytest.mark.parametrize(
    "point",
    [
        "invoice.numbered:2",
        "event.recorded:3",
        "event.recorded:9",
        "purchases.importing.given_together:before_commit",
        "purchases.importing.given_together:after_commit",
        "purchases.importing.given_together:before_commit:2",
    ],
)
def test_killed_in_a_lot_the_next_tick_gives_what_is_left(file, point):
    assert child("work", crash_at=point) == -9
    given = Allocation.objects.count()
    assert given in (0, FIRMS), "all of a lot or nothing of it"
    assert child("work") == 0
    all_are_paid_once(file)


def test_one_line_that_breaks_a_lot_is_a_persons_and_the_others_are_given(file, committed, monkeypatch):
    broken, real = file[2], settling.document

    def document(programme, order, *rest):
        if order.pk == broken.pk:
            raise ZeroDivisionError
        return real(programme, order, *rest)

    monkeypatch.setattr(settling, "document", document)
    importing.finish_statements(committed.now)
    assert Order.objects.filter(paid_at__isnull=False).count() == FIRMS - 1
    assert Task.objects.filter(kind="transfer", closed_at=None).count() == 1
    assert not Allocation.objects.filter(order_id=broken.pk).exists()
    monkeypatch.undo()
    importing.finish_statements(committed.now)
    all_are_paid_once(file)


def test_a_lot_holds_one_line_of_a_company_at_most(file):
    pairs = [(line, Order.objects.get(pk=line.likely_order_id)) for line in BankLine.objects.order_by("pk")]
    sizes = [[len(lot) for lot in importing.lots(pairs, size)] for size in (50, 3)]
    assert sizes == [[FIRMS, 1], [3, 1, 1]]
    assert [line.pk for lot in importing.lots(pairs) for line, _ in lot] == [line.pk for line, _ in pairs]


def test_a_lot_of_many_asks_hardly_more_than_a_lot_of_one(file, committed, django_assert_max_num_queries):
    with django_assert_max_num_queries(80):
        importing.finish_statements(committed.now)
    all_are_paid_once(file)
    assert Posting.objects.count() >= FIRMS * 7
