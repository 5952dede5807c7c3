"""Eight processes buy through the end of a year: every number given once, in order, to whom it belongs.

Both years' invoices and both years' credit notes have a series; the processes' clocks pass midnight at different
moments, so the four are asked for at the same time. The controls read the last number and add one, as is often
done, and the database refuses, or the same judge sees it.
"""

import json
import os
import subprocess
import sys
from collections import Counter

import pytest
from django.db import connection, transaction
from django.db.models import Sum

from tenure.billing.models import Invoice, Posting, Series
from tenure.billing.queries import view_of
from tenure.kernel.periods import day_of
from tenure.programme.queries import current
from tenure.proof import verify
from tenure.proof.crowd import crowd, join
from tenure.purchases.models import Order
from tests.faults.conftest import charged

pytestmark = pytest.mark.django_db(transaction=True)
PROCESSES, EACH, SEED = 8, 10, 20190101
# Killed with the number in hand, between card and settlement, and when all is done but nobody was told.
KILLED = {
    "1": "invoice.numbered:2",
    "3": "gateway.look:answered:1",
    "4": "purchases.settling.settle:after_commit:1",
    "6": "purchases.record_transfer:before_commit:3",
}


@pytest.fixture
def companies(committed):
    """Companies of many countries, of which each process has its own few."""
    committed.go("2018-12-31 10:00")
    firms = [firm for _, day in crowd(PROCESSES * EACH, SEED) for firm in day]
    with transaction.atomic():
        joined = [join(firm, committed.now).pk for firm in firms]
    return [joined[n::PROCESSES] for n in range(PROCESSES)]


def bought(shares: list[list[int]], *, careless: bool = False, killed: dict[str, str] = KILLED) -> dict:
    """Have the processes buy; what they were shown and what became of them."""
    parts = connection.settings_dict
    address = f"postgresql://{parts['USER']}@/{parts['NAME']}?host={parts['HOST']}"
    address += f"&port={parts['PORT']}" if parts["PORT"] else ""
    plan = {"shares": shares, "seed": SEED, "careless": careless, "killed": killed}
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.turn"],
        env={**os.environ, "TENURE_DATABASE_URL": address, "TENURE_CRASH_AT": ""},
        input=json.dumps(plan),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert not told["broken"], done.stderr[-3000:]
    return told


def misnumbered() -> list[str]:
    """What is not as a series must be: from 1 without a gap, none twice, its dates in order and of its year."""
    wrong, zone = [], current().zone
    for series in Series.objects.order_by("kind", "year"):
        rows = list(Invoice.objects.filter(series=series).order_by("running", "pk"))
        running = [row.running for row in rows]
        name = f"{series.kind} {series.year}"
        if running != list(range(1, len(rows) + 1)) or series.last != len(rows):
            twice = [n for n, often in Counter(running).items() if often > 1]
            wrong.append(f"{name}: {len(rows)} documents, last {series.last}, twice {twice}")
        instants = [row.issued_at for row in rows]
        if instants != sorted(instants):
            wrong.append(f"{name}: dates out of order")
        strange = {row.number for row in rows} & {
            row.number for row in rows if {row.issued_on.year, day_of(row.issued_at, zone).year} != {series.year}
        }
        wrong += [f"{name}: {number} is of another year" for number in sorted(strange)]
    return wrong


def misread() -> list[str]:
    """Documents that do not name their own order, buyer and amount."""
    wrong = []
    for row in Invoice.objects.select_related("partner", "payment", "series"):
        order, view = Order.objects.get(pk=row.order_id), view_of(row)
        total = order.total if row.kind == "invoice" else -order.total
        told = (view.number, view.order_number, view.buyer.name, view.buyer.partner_number, view.total)
        own = (row.number, order.number, row.partner.legal_name, row.partner.number, total)
        ours = {row.partner_id, row.payment.partner_id, order.partner_id}
        if told != own or len(ours) != 1 or row.payment.order_id != order.pk or row.total != view.total:
            wrong.append(f"{row.number}: {told} is not {own}")
        if not row.number.endswith(f"{row.series.year}-{row.running:05d}"):
            wrong.append(f"{row.number}: {row.series.year}, {row.running}")
    return wrong


def test_eight_processes_buy_through_a_years_end_and_no_number_is_missing_double_or_anothers(committed, companies):
    told = bought(companies)
    assert sorted(told["killed"]) == sorted(map(int, KILLED)), "each was really killed"
    assert sum(said["given_up"] for said in told["said"].values()) >= 5, "some transactions were given up"
    orders = Order.objects.all()
    assert orders.count() == PROCESSES * EACH and not orders.filter(paid_at=None).exists()
    assert {(s.kind, s.year): s.last > 0 for s in Series.objects.all()} == {
        (kind, year): True for kind in ("invoice", "credit_note") for year in (2018, 2019)
    }
    assert (misnumbered(), misread()) == ([], [])
    assert Invoice.objects.filter(kind="invoice").count() == PROCESSES * EACH
    assert Invoice.objects.filter(kind="credit_note").count() == orders.exclude(refunded_at=None).count() > 0
    seen = [number for said in told["said"].values() for numbers in said["seen"].values() for number in numbers]
    assert len(seen) == len(set(seen)) and [said["foreign"] for said in told["said"].values()] == [[]] * PROCESSES
    assert set(seen) <= set(Invoice.objects.values_list("number", flat=True))
    assert [order.number for order in orders.filter(method="card") if charged(order.number) != 1] == []
    assert Posting.objects.aggregate(s=Sum("amount_minor"))["s"] == 0
    report = verify.run(ask_gateways=False)
    assert report.violated == set() and not report.unable


def test_control_without_the_lock_the_database_refuses_numbers_that_come_twice(companies):
    """The negative control: the same buyers with a number that is read instead of locked."""
    told = bought([share[:4] for share in companies], careless=True, killed={})
    assert sum(said["refused"] for said in told["said"].values()) > 0, "no two had the same number"


def test_control_without_lock_and_keys_the_judge_sees_numbers_twice(companies):
    """Both guards gone, the series read as wrong."""
    twice = ("billing_invoice_number_key", "invoice_number_once")
    with connection.cursor() as cursor:
        cursor.execute("SELECT conname FROM pg_constraint WHERE conname = ANY(%s)", [list(twice)])
        assert {name for (name,) in cursor.fetchall()} == set(twice)
        for name in twice:
            cursor.execute(f"ALTER TABLE billing_invoice DROP CONSTRAINT {name}")
    try:
        bought([share[:4] for share in companies], careless=True, killed={})
        assert any("twice [" in wrong and "twice []" not in wrong for wrong in misnumbered()), misnumbered()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE billing_invoice CASCADE")
            cursor.execute("ALTER TABLE billing_invoice ADD CONSTRAINT billing_invoice_number_key UNIQUE (number)")
            cursor.execute("ALTER TABLE billing_invoice ADD CONSTRAINT invoice_number_once UNIQUE (series_id, running)")
