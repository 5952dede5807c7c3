"""The contract's third part: what a gateway tells of refunds, disputes and its own account, and of kept cards.

It must never compute what should have moved: it holds the gateway's lists against each other. Read next:
``payments/gateways/base.py``; ``test_gateways.py``.
"""

from datetime import timedelta

import pytest

from tenure.kernel.money import Money
from tenure.payments.gateways.base import RefundRequest, Rejected


@pytest.fixture
def paid(lab, gateway):
    """A charge of this test's own."""
    charge = lab.charge()
    return gateway.confirm(gateway.prepare(charge).ref, charge.key)


def of(movements, paid):
    return [(str(m.kind), m.amount.minor, m.fee.minor) for m in movements if m.payment_ref == paid.ref]


def test_what_moved_on_the_account_is_told_line_by_line(lab, gateway, paid):
    gateway.refund(RefundRequest("m1", paid.ref, Money(750, "TWD"), "a part"))
    dispute = lab.happen("dispute", payment_intent=paid.ref)["id"]
    lab.happen("won", dispute=dispute)
    lab.happen("payout", amount="100000", currency="twd")
    lines = gateway.movements(paid.captured_at)
    assert of(lines, paid) == [
        ("charge", 15750, 456),
        ("refund", -750, 0),
        ("dispute", -15000, 500),
        ("dispute_reversal", 15000, 0),
    ]
    last = lines[-1]
    assert (str(last.kind), last.amount, last.payment_ref) == ("payout", Money(-1000, "TWD"), "")
    assert len({line.ref for line in lines}) == len(lines) and lines == sorted(lines, key=lambda line: line.at)
    assert gateway.movements(last.at + timedelta(days=1)) == []


def test_the_charges_of_the_account_are_the_charges_told(lab, gateway, paid):
    moved = {line.payment_ref: line.amount for line in gateway.movements() if line.kind == "charge"}
    assert moved == {charge.ref: charge.amount for charge in gateway.charges()}


def test_refunds_are_listed_once_each(lab, gateway, paid):
    made = [gateway.refund(RefundRequest(f"{paid.ref}:{n}", paid.ref, Money(n, "TWD"), "")) for n in (1, 2, 3)]
    told = [refund for refund in gateway.refunds(paid.captured_at) if refund.payment_ref == paid.ref]
    assert told == made and sum(refund.amount.minor for refund in told) == gateway.look(paid.ref).refunded.minor


@pytest.mark.parametrize("verdict", ["won", "lost"])
def test_a_dispute_is_told_as_it_stands(lab, gateway, paid, verdict):
    ref = lab.happen("dispute", payment_intent=paid.ref, reason="product_not_received")["id"]
    opened = gateway.look_dispute(ref)
    assert (opened.payment_ref, opened.amount, opened.reason) == (paid.ref, paid.amount, "product_not_received")
    assert (str(opened.status), opened.closed_at, opened.fee) == ("needs_response", None, Money(500, "TWD"))
    lab.happen("answer", dispute=ref)
    assert str(gateway.look_dispute(ref).status) == "under_review"
    lab.happen(verdict, dispute=ref)
    closed = gateway.look_dispute(ref)
    assert str(closed.status) == verdict and (closed.closed_at is not None) == (verdict == "won")
    assert closed in gateway.disputes(opened.opened_at)
    assert gateway.look(paid.ref).status == "succeeded", "the payment was made all the same"
    with pytest.raises(Rejected, match="not_found"):
        gateway.look_dispute("dp_unheard_of")


def test_a_list_longer_than_a_page_is_told_whole(lab, gateway, monkeypatch):
    charges = [lab.charge() for _ in range(7)]
    done = [gateway.confirm(gateway.prepare(charge).ref, charge.key) for charge in charges]
    monkeypatch.setattr("tenure.payments.gateways.stripe.MOST_PER_PAGE", 3)
    for told in (gateway.charges(), gateway.charges(done[0].captured_at)):
        assert told[-7:] == done and len({charge.ref for charge in told}) == len(told)
    assert len([m for m in gateway.movements() if m.payment_ref in {charge.ref for charge in done}]) == 7


def test_a_forgotten_card_cannot_be_charged_and_its_payments_are_still_told(lab, gateway):
    first = lab.page()
    page = gateway.open_page(first)
    lab.pay(page.path, "approves")
    paid = gateway.look(page.ref)
    gateway.detach(paid.card.token)
    gateway.detach(paid.card.token)
    gateway.detach("pm_unheard_of")
    with pytest.raises(Rejected, match="card_unknown"):
        gateway.prepare(lab.charge(paid.card.token, customer=first.customer))
    assert gateway.look(paid.ref).card.last4 == "4242"
