"""A cardholder's bank takes a payment back: suspended while it decides, and then as if nothing or as if refunded."""

import pytest

from tenure.kernel.refusals import Refusal
from tenure.payments.models import Dispute, Refund
from tenure.payments.queries import payment_of
from tenure.plumbing.models import Event, Task

PRICE_TWD = 15_750


def ring(world, ref: str, kind: str) -> None:
    """The gateway's doorbell about a dispute."""
    world.ring(f"charge.dispute.{kind}", {"id": ref, "object": "dispute"})


@pytest.fixture
def bought(world):
    world.go("2018-06-22")
    return world.buy_by_card()


def disputed(world, order, reason: str = "fraudulent") -> str:
    ref = world.at_the_bank("dispute", payment_intent=payment_of(order.pk).gateway_ref, reason=reason)["id"]
    ring(world, ref, "created")
    return ref


def balance(account: str) -> int:
    from django.db.models import Sum

    from tenure.billing.models import Posting

    return Posting.objects.filter(account=account).aggregate(s=Sum("amount_minor"))["s"] or 0


def test_while_the_bank_has_not_decided_everything_stands_still(world, bought):
    """Suspended, not ended: no benefits, no renewal, no charge, no refund; told once, however often it rings."""
    subscription = world.holding().subscription
    assert world.benefits_run(subscription)
    ref = disputed(world, bought)
    ring(world, ref, "updated")
    ring(world, ref, "created")
    world.work()
    assert Dispute.objects.get().amount_minor == PRICE_TWD and balance("disputes") == PRICE_TWD
    assert world.holding().standing(world.today).suspended and not world.benefits_run(subscription)
    assert len(world.mails("payments.disputed", world.ming)) == 1
    assert [kind for kind, _ in world.tasks()] == ["dispute"]
    with pytest.raises(Refusal, match=r"refund\.disputed"):
        world.decide(world.ask_to_cancel(subscription), override=True, reason="Asked twice")
    assert not Refund.objects.exists()


def test_nothing_is_charged_or_renewed_while_a_payment_is_disputed(world, bought):
    subscription = world.holding().subscription
    disputed(world, bought)
    world.live("2019-06-25")
    assert world.charged() == 1
    with pytest.raises(Refusal, match=r"renewals\.disputed"):
        world.renew(subscription)


def test_a_dispute_that_is_won_leaves_everything_as_it_was(world, bought):
    subscription = world.holding().subscription
    ref = disputed(world, bought)
    world.at_the_bank("won", dispute=ref)
    ring(world, ref, "closed")
    ring(world, ref, "closed")
    world.work()
    assert Dispute.objects.get().status == "won" and balance("disputes") == 0
    assert not world.holding().standing(world.today).suspended and world.benefits_run(subscription)
    assert world.tasks() == [] and len(world.mails("payments.dispute_won", world.ming)) == 1
    assert [invoice.kind for invoice in world.invoices()] == ["invoice"]
    world.live("2019-06-25")
    assert world.charged() == 2, "what stood still goes on"


def test_a_dispute_that_is_lost_takes_the_sale_back(world, bought):
    """Credit note, end of the term, nothing left on the accounts of the sale; and never a refund on top (I-7)."""
    subscription = world.holding().subscription
    ref = disputed(world, bought)
    world.at_the_bank("lost", dispute=ref)
    ring(world, ref, "closed")
    ring(world, ref, "closed")
    world.work()
    assert [invoice.kind for invoice in world.invoices()] == ["credit_note", "invoice"]
    assert balance("disputes") == balance("receivable") == 0
    assert balance("gateway_clearing") == -balance("fees"), "what is left is the gateway's own fee"
    assert world.status(subscription) == "cancelled" and not world.benefits_run(subscription)
    assert len(world.mails("payments.dispute_lost", world.ming)) == 1 and world.tasks() == []
    assert Event.objects.filter(name="payments.dispute_closed").count() == 1
    assert not Refund.objects.exists()
    world.live("2019-07-30")
    assert world.charged() == 1


def test_news_after_the_decision_changes_nothing(world, bought):
    ref = disputed(world, bought)
    world.at_the_bank("lost", dispute=ref)
    ring(world, ref, "closed")
    Dispute.objects.update(status="lost")
    before = Event.objects.count()
    ring(world, ref, "updated")
    ring(world, ref, "created")
    assert Event.objects.count() == before


def test_a_decision_whose_doorbell_is_lost_is_found_the_next_day(world, bought):
    ref = disputed(world, bought)
    world.at_the_bank("won", dispute=ref)
    world.live("2018-06-24")
    assert Dispute.objects.get().status == "won" and Task.objects.filter(kind="dispute", closed_at=None).count() == 0


def test_a_dispute_of_which_no_doorbell_told_is_found_in_the_gateways_list(world, bought):
    """The daily look at the gateway's account names it; the dispute itself is then read."""
    world.at_the_bank("dispute", payment_intent=payment_of(bought.pk).gateway_ref, reason="general")
    world.live("2018-06-25")
    assert Dispute.objects.get().reason == "general" and world.holding().standing(world.today).suspended
