"""The gateway's own list beside the books: fees and payouts are booked once, and every planted difference is named."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from tenure.billing.models import GatewayMovement, LedgerTransaction, Reconciliation
from tenure.billing.queries import differences, reconciliation, trial_balance
from tenure.billing.reconciling import next_day, reconcile, reconcile_daily
from tenure.kernel.money import Money
from tenure.payments.gateways.base import Movement, MovementKind, Outcome, Status, Unknown
from tenure.payments.models import Payment
from tenure.plumbing.models import Task
from tenure.proof import verify
from tenure.purchases.transfers import ignore_transfer
from tests.actions.conftest import plant

AT = datetime(2026, 11, 1, 8, tzinfo=UTC)


@dataclass
class Listed:
    """A gateway that only has its list; what was really charged stands in the world's own gateway."""

    lines: list[Movement] = field(default_factory=list)
    orders: dict[str, str] = field(default_factory=dict)
    silent: bool = False
    asked: list[datetime | None] = field(default_factory=list)

    def movements(self, since=None):
        if self.silent:
            raise Unknown("no_answer")
        self.asked.append(since)
        return [line for line in self.lines if since is None or line.at >= since]

    def charges(self, since=None):
        return [Outcome(Status.SUCCEEDED, ref, Money(1, "TWD"), order) for ref, order in self.orders.items()]

    def look(self, ref):
        return Outcome(Status.SUCCEEDED, ref, Money(1, "TWD"), captured_at=AT)

    def add(self, kind: str, minor: int, payment_ref: str = "", fee: int = 0, ref: str = "") -> Movement:
        n = len(self.lines)
        line = Movement(
            ref or f"txn_{n}",
            MovementKind(kind),
            Money(minor, "TWD"),
            Money(fee, "TWD"),
            AT + timedelta(minutes=n),
            payment_ref,
        )
        self.lines.append(line)
        return line


@pytest.fixture
def listed(world, monkeypatch):
    """A sale and a refunded sale in the books, and a list to be filled."""
    world.qualify("silver-cloud")
    world.buy_by_card(offer="silver-cloud")
    world.decide(world.ask_to_cancel(world.holding("silver-cloud").subscription))
    world.buy_by_card()
    gateway = Listed()
    monkeypatch.setattr("tenure.payments.actions.gateway", lambda name: gateway)
    return gateway


def refs() -> list[str]:
    return list(Payment.objects.order_by("pk").values_list("gateway_ref", flat=True))


def tell(listed: Listed, fee: int = 0) -> None:
    """The list of a gateway with which all is well."""
    silver, pack = refs()
    listed.add("charge", 52_500, silver, fee)
    listed.add("refund", -52_500, silver)
    listed.add("charge", 15_750, pack, fee)


def look(world) -> Reconciliation:
    (found,) = reconcile(world.actor(world.fin), None, now=world.now)
    return found


def orphans(found: Reconciliation) -> list[tuple[str, str, int]]:
    return [(each["side"], each["kind"], each["amount"]) for each in found.orphans]


def clearing() -> int:
    return sum(minor for account, _, minor in trial_balance(AT.date()) if account == "gateway_clearing")


def test_two_books_that_agree(world, listed):
    tell(listed)
    found = look(world)
    assert (found.orphans, found.unexplained, found.foreign) == ([], {}, 0)
    assert found.balances == {"TWD": {"books": 15_750, "gateway": 15_750}}


def test_fees_and_payouts_are_booked_once_however_often_the_list_is_read(world, listed):
    tell(listed, fee=300)
    listed.add("fee", -20)
    listed.add("payout", -10_000)
    for _ in range(3):
        found = look(world)
    assert (found.orphans, found.unexplained) == ([], {})
    told = {account: minor for account, _, minor in trial_balance(AT.date())}
    assert told["fees"] == 620 and told["in_transit"] == 10_000
    assert told["gateway_clearing"] == 15_750 - 620 - 10_000 == found.balances["TWD"]["gateway"]
    assert LedgerTransaction.objects.filter(cause_type="movement").count() == 3
    assert GatewayMovement.objects.count() == 5 and Reconciliation.objects.count() == 1
    assert verify.run(ask_gateways=False, only={"I-1", "I-3", "I-8"}).violated == set()
    assert listed.asked[0] == AT and listed.asked[-1] == AT + timedelta(minutes=4, days=-3)


def test_a_charge_at_the_gateway_that_the_books_do_not_have(world, listed):
    tell(listed)
    listed.add("charge", 15_750, "pi_orphan")
    listed.orders["pi_orphan"] = Payment.objects.latest("pk").attempt.order_number
    found = look(world)
    assert orphans(found) == [("theirs", "charge", 15_750)] and found.unexplained == {}


def test_a_charge_for_somebody_else_is_counted_and_no_difference(world, listed):
    tell(listed)
    listed.add("charge", 99, "pi_elsewhere")
    listed.orders["pi_elsewhere"] = "O-OF-ANOTHER-SHOP"
    found = look(world)
    assert (orphans(found), found.foreign, found.movements) == ([], 1, 3)


def test_a_charge_in_the_books_that_the_gateway_does_not_have(world, listed):
    tell(listed)
    del listed.lines[-1]
    found = look(world)
    assert orphans(found) == [("ours", "charge", 15_750)] and found.unexplained == {}


def test_another_amount_is_a_difference_on_both_sides(world, listed):
    tell(listed)
    listed.lines[0] = Movement("txn_0", MovementKind.CHARGE, Money(52_499, "TWD"), Money(0, "TWD"), AT, refs()[0])
    assert orphans(look(world)) == [("ours", "charge", 52_500), ("theirs", "charge", 52_499)]


def test_what_nothing_accounts_for_is_said_to_be_unexplained(world, listed):
    tell(listed)
    plant(
        "UPDATE billing_posting SET amount_minor = amount_minor + 7 WHERE account = 'gateway_clearing' AND transaction_id"
        " IN (SELECT id FROM billing_ledgertransaction WHERE cause_type = 'refund')"
    )
    found = look(world)
    assert orphans(found) == [("ours", "refund", -52_493), ("theirs", "refund", -52_500)]
    plant("UPDATE billing_ledgertransaction SET kind = 'odd' WHERE cause_type = 'refund'")
    assert look(world).unexplained == {"TWD": -52_493}


def test_a_difference_becomes_a_task_after_a_day_and_the_task_ends_with_it(world, listed):
    tell(listed)
    last = listed.lines.pop()
    assert reconcile_daily(world.now) == 1 and reconcile_daily(world.now) == 0
    assert not Task.objects.filter(kind="reconciliation").exists()
    world.go("2018-06-21 12:01")
    assert reconcile_daily(world.now) == 1
    assert [task.reason for task in Task.objects.filter(kind="reconciliation")] == ["books.do_not_agree"]
    listed.lines.append(last)
    world.go("2018-06-22")
    reconcile_daily(world.now)
    assert not Task.objects.filter(kind="reconciliation", closed_at=None).exists()


def test_a_gateway_that_does_not_answer_is_asked_again(world, listed):
    tell(listed)
    listed.silent = True
    assert reconcile_daily(world.now) == 0 and reconciliation("demo") is None
    assert next_day(world.today) is not None
    listed.silent = False
    assert reconcile_daily(world.now) == 1
    assert next_day(world.today) is None, "nothing has moved since"


def test_a_month_closes_when_its_list_agrees_and_not_before(world, listed):
    tell(listed)
    missing = listed.lines.pop()
    world.go("2018-07-02")
    june = world.today.replace(month=6, day=1)
    assert [each.code for each in differences(june)] == ["books.not_reconciled"]
    look(world)
    (found,) = differences(june)
    assert (found.code, found.facts["amount"]) == ("books.orphan_ours", Money(15_750, "TWD"))
    listed.lines.append(missing)
    look(world)
    assert differences(june) == []


def test_a_payout_arrives_when_its_line_is_set_aside_and_only_then(world, listed):
    tell(listed)
    listed.add("payout", -10_000)
    look(world)
    line, same = (world.transfer(None, 10_000, reference="CARD PAYOUT") for _ in range(2))
    look(world)
    assert in_transit() == 10_000, "it may be a partner's transfer of the same amount"
    for each in (line, same):
        ignore_transfer(world.actor(world.fin), each, reason="The gateway's payout", now=world.now)
    for _ in range(2):
        look(world)
    assert in_transit() == 0, "one payout is one of the two lines"
    assert LedgerTransaction.objects.filter(kind="payout").count() == 1
    assert verify.run(ask_gateways=False, only={"I-1", "I-3", "I-8"}).violated == set()
    plant("UPDATE payments_bankline SET ignored_at = NULL")
    assert verify.run(ask_gateways=False, only={"I-8"}).violated == {"I-8"}


def in_transit() -> int:
    return sum(minor for account, _, minor in trial_balance(AT.date()) if account == "in_transit")
