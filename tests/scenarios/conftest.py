"""What every story must end in: books that balance, numbers without a gap, and a gateway that tells the same tale."""

from itertools import groupby, pairwise

import pytest
from django.db.models import Count, Sum

from tenure.billing.models import Invoice, Posting, Series, Withholding
from tenure.billing.rules import Kind
from tenure.memberships.models import Subscription, Term
from tenure.payments.actions import gateway
from tenure.payments.models import Allocation, BankLine, Payment, Refund
from tenure.plumbing.models import Reaction
from tenure.purchases.models import Order


@pytest.fixture(autouse=True)
def _whole_books(request):
    """Hold the promises against every story that has a world, before its rows are rolled back."""
    world = request.getfixturevalue("world") if "world" in request.fixturenames else None
    yield
    if world is not None:
        world.gateway_faults()
        books_are_whole(world)


def books_are_whole(world) -> None:
    ledger_balances()
    numbers_have_no_gap()
    terms_abut()
    the_gateway_agrees(world)
    assert not Reaction.objects.filter(state="parked").exists(), "a reaction was parked"


def ledger_balances() -> None:
    """The trial balance is zero, nothing is owed for an order, and what is held is what the allocations say."""
    by_transaction = Posting.objects.values("transaction", "currency").annotate(s=Sum("amount_minor"), n=Count("pk"))
    assert all(row["s"] == 0 and row["n"] >= 2 for row in by_transaction)
    owed = Posting.objects.filter(account="receivable").values("order_id").annotate(s=Sum("amount_minor"))
    assert {row["order_id"]: row["s"] for row in owed if row["s"]} == {}
    given = _sums(Allocation.objects.all())
    took = _sums(Payment.objects.filter(method="bank_transfer"))
    certified = _sums(Withholding.objects.filter(status="accepted", settled_at=None))
    for account, expected in (
        ("held", {c: took.get(c, 0) - given.get(c, 0) - certified.get(c, 0) for c in given | certified}),
        ("suspense", {c: given.get(c, 0) - s for c, s in _sums(BankLine.objects.all()).items()}),
    ):
        posted = _sums(Posting.objects.filter(account=account))
        assert {c: s for c, s in posted.items() if s} == {c: s for c, s in expected.items() if s}, account


def _sums(rows) -> dict[str, int]:
    return dict(rows.values_list("currency").annotate(s=Sum("amount_minor")).order_by())


def numbers_have_no_gap() -> None:
    for series in Series.objects.all():
        rows = list(Invoice.objects.filter(series=series).order_by("running"))
        assert [row.running for row in rows] == list(range(1, series.last + 1))
        assert all(a.issued_at <= b.issued_at for a, b in pairwise(rows)), "later numbers carry later instants"
    paid = Payment.objects.exclude(refunds__kind="late_capture")
    invoiced = Invoice.objects.filter(kind=Kind.INVOICE).values_list("payment_id", flat=True)
    assert sorted(invoiced) == sorted(paid.values_list("pk", flat=True)), "one invoice for each payment"
    notes = Invoice.objects.filter(kind=Kind.CREDIT_NOTE)
    made = Refund.objects.filter(status="succeeded").exclude(kind="late_capture")
    assert sorted(notes.filter(refund__isnull=False).values_list("refund_id", flat=True)) == sorted(
        made.values_list("pk", flat=True)
    )


def terms_abut() -> None:
    """Terms follow each other without overlap, and an anchored one begins the day after the last (I-26)."""
    rows = Term.objects.select_related("programme").order_by("subscription_id", "n")
    for _, found in groupby(rows, key=lambda term: term.subscription_id):
        terms = list(found)
        assert [term.n for term in terms] == list(range(1, len(terms) + 1))
        assert all(a.expires_on < b.starts_on for a, b in pairwise(terms))
    live = Subscription.objects.filter(cancelled_at=None, superseded_at=None)
    assert live.count() == live.values("partner_id", "offer").distinct().count()


def the_gateway_agrees(world) -> None:
    """Charges at the gateway and payments here, one for one: orders alone would not show a double charge."""
    ours = set(Order.objects.values_list("number", flat=True))
    told = [charge for charge in gateway("demo").charges(world.began_at) if charge.order in ours]
    kept = Payment.objects.filter(method="card")
    assert sorted(charge.ref for charge in told) == sorted(kept.values_list("gateway_ref", flat=True))
    made = Refund.objects.filter(status="succeeded")
    back = dict(made.values_list("payment__gateway_ref").annotate(Sum("amount_minor")))
    assert {charge.ref: charge.refunded.minor for charge in told if charge.refunded} == {
        ref: minor for ref, minor in back.items() if ref
    }
