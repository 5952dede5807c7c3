"""Cancelling is asking: a request of the fixed problem type, decided by the refund rule (domain.md S33 to S37)."""

from datetime import date

import pytest

from tenure.benefits import actions as benefits
from tenure.benefits.models import Grant
from tenure.kernel.refusals import Invalid, NotYours, Refusal
from tenure.memberships.models import AutoRenewChange
from tenure.payments.models import Payment, Refund, RefundApproval
from tenure.payments.queries import attempts
from tenure.plumbing.models import Event
from tenure.purchases import actions as purchases
from tenure.purchases.models import Order
from tenure.purchases.queries import status_of
from tenure.support import actions as support
from tenure.support.models import Request
from tenure.support.queries import get, queue, refund_case, visible_to
from tests.worlds import Method


@pytest.fixture
def pack(world):
    """S35: an Action Pack bought by card on 25 June 2019, nothing used."""
    world.go("2019-06-25")
    world.buy_by_card()
    return world.holding().subscription


def grant(kind: str) -> Grant:
    return Grant.objects.filter(kind=kind).order_by("-pk").first()


def reveal(world):
    benefits.load_keys(world.system, None, pool="server-keys", values=["AAAA-BBBB", "CCCC-DDDD"], now=world.now)
    return benefits.reveal_key(world.actor(world.ming), grant("keys"), now=world.now)


def test_s33_the_request_has_a_number_and_turns_auto_renew_off_at_once(world, pack):
    request = world.ask_to_cancel(pack)
    assert request.number.startswith("SR-2019-") and request.status == "open"
    assert (request.problem_type, request.action) == ("invoice-payment-reconciliation", "cancel")
    assert request.subscription_id == pack.pk and not world.holding().subscription.auto_renew
    assert AutoRenewChange.objects.filter(on=False).get().cause == "cancel_request"
    assert world.status(pack) == "active", "asking ends nothing"
    with pytest.raises(Refusal, match="cancel_already_requested") as refused:
        world.ask_to_cancel(pack)
    assert refused.value.facts["number"] == request.number
    world.work()
    assert len(world.mails("support.received")) == 1


def test_s34_the_request_is_listed_to_its_company_and_not_to_everybody(world, pack):
    """Ming sees it open, so does Ann; Sal, who may see only his own, does not; a stranger sees nothing."""
    request = world.ask_to_cancel(pack)
    seen = {name: list(visible_to(world.actor(getattr(world, name)))) for name in ("ming", "ann", "sal", "sue")}
    assert seen == {"ming": [request], "ann": [request], "sal": [], "sue": [request]}
    assert list(queue()) == [request]
    with pytest.raises(Refusal, match="forbidden"):
        support.reply(world.actor(world.sal), request, text="What is this?", now=world.now)
    fabrik = world.company("Fabrik Ltd", "fabrik.example", "Fay Huang")
    fay = world.person("fay@fabrik.example")
    assert not visible_to(world.actor(fay))
    with pytest.raises(NotYours):
        world.ask_to_cancel(pack, fay)
    with pytest.raises(NotYours):
        support.open_request(
            world.actor(fay),
            fabrik,
            problem_type="invoice-payment-reconciliation",
            subject="Cancel",
            description="Another company's subscription",
            subscription=pack,
            now=world.now,
        )
    pack.refresh_from_db()
    assert Request.objects.count() == 1


def test_a_request_goes_back_and_forth_until_it_is_closed(world, pack):
    """Staff's word waits for the partner, the partner's reopens; an internal note is not for the partner."""
    request = world.ask_to_cancel(pack)
    support.reply(world.actor(world.sue), request, text="Which seats are in use?", now=world.now)
    assert get(request.number).status == "attention_needed"
    support.reply(world.actor(world.sue), request, text="Looks fine.", internal=True, now=world.now)
    support.reply(world.actor(world.ming), request, text="None.", now=world.now)
    assert get(request.number).status == "open"
    world.decide(request, refund=False)
    support.reply(world.actor(world.ming), request, text="One more thing.", now=world.now)
    assert get(request.number).status == "open" and get(request.number).closed_at is None


@pytest.mark.parametrize(("day", "eligible"), [("2019-07-25", True), ("2019-07-26", False)])
def test_s35_within_thirty_days_inclusive_and_not_a_day_later(world, pack, day, eligible):
    """Asked on 25 July it is eligible; on the 26th it is not, and the reason is shown. The day of asking counts,
    not the day of deciding."""
    world.go(day)
    request = world.ask_to_cancel(pack)
    world.go("2019-08-20")
    decision = refund_case(pack, request.opened_on, request).decision
    assert decision.allowed is eligible and decision.closes_on == date(2019, 7, 25)
    if eligible:
        world.decide(request)
        assert world.status(pack) == "cancelled"
        return
    assert decision.first.code == "refund.too_late"
    with pytest.raises(Refusal, match=r"refund\.too_late"):
        world.decide(request)
    assert world.status(pack) == "active" and not Refund.objects.exists()


def test_s36_a_key_that_was_seen_ends_the_right_to_a_refund(world, pack):
    world.go("2019-06-26")
    reveal(world)
    world.go("2019-06-27")
    request = world.ask_to_cancel(pack)
    with pytest.raises(Refusal, match=r"refund\.key_revealed"):
        world.decide(request)
    assert world.decide(request, refund=False).outcome == "do_not_renew"
    assert world.status(pack) == "active", "it runs to its expiry"
    world.wake("2020-06-26")
    assert world.charged() == 1, "and is not renewed"


def test_a_benefit_in_use_ends_it_too(world, pack):
    benefits.use(world.actor(world.ming), grant("incidents"), quantity=1, now=world.now)
    with pytest.raises(Refusal, match=r"refund\.benefit_used"):
        world.decide(world.ask_to_cancel(pack))


def test_s37_an_eligible_refund_goes_back_with_a_credit_note_and_ends_the_benefits(world, pack):
    """TWD 15,750 goes back to the card, the credit note names the invoice, the state is cancelled."""
    request = world.ask_to_cancel(pack)
    world.decide(request, world.sue)
    refund = Refund.objects.get()
    assert (refund.amount_minor, refund.status, refund.kind) == (15_750, "succeeded", "full")
    note, invoice = world.invoices()
    assert (note.kind, note.amends_id, note.total.minor) == ("credit_note", invoice.pk, -15_750)
    assert world.status(pack) == "cancelled" and not world.benefits_run(pack)
    assert not Grant.objects.filter(revoked_at=None).exists()
    assert get(request.number).outcome == "refunded" and status_of(Order.objects.get(), world.today) == "refunded"
    world.work()
    assert len(world.mails("payments.refunded")) == len(world.mails("support.closed")) == 1
    assert world.buy_by_card().paid_at, "and it may be bought afresh"


def test_whoever_asks_does_not_decide(world, pack):
    """An operator who is also the partner's colleague asked: another must decide. Partners cannot decide at all."""
    request = world.ask_to_cancel(pack, world.placed(world.oda, "global_admin"))
    with pytest.raises(Refusal, match="requester_cannot_approve"):
        world.decide(request, world.oda)
    with pytest.raises(NotYours):
        world.decide(request, world.ming)
    assert not Refund.objects.exists()
    world.decide(request, world.ove)
    assert world.status(pack) == "cancelled"


def test_an_override_needs_a_reason_and_keeps_it(world, pack):
    world.go("2019-09-01")
    request = world.ask_to_cancel(pack)
    with pytest.raises(Invalid):
        world.decide(request, override=True)
    world.decide(request, override=True, reason="Bought twice by two departments")
    row = get(request.number)
    assert (row.override, row.reason, row.outcome) == (True, "Bought twice by two departments", "refunded")


def test_above_the_limit_two_people_agree_and_one_person_twice_is_one(world):
    """Gold costs TWD 157,500, the limit is 60,000: two approvers, neither of them the requester (I-48)."""
    world.qualify("gold-cloud")
    world.buy_by_card(offer="gold-cloud")
    gold = world.holding("gold-cloud").subscription
    request = world.ask_to_cancel(gold)
    world.decide(request, world.oda)
    assert get(request.number).status == "open" and not Refund.objects.exists()
    with pytest.raises(Refusal, match="second_approver_needed"):
        world.decide(request, world.oda)
    world.decide(request, world.ove)
    assert Refund.objects.get().amount_minor == 157_500 and world.status(gold) == "cancelled"


def test_finance_gives_the_second_yes_and_never_the_first(world):
    """Support puts the refund, finance agrees: neither moves more than the limit alone."""
    world.qualify("gold-cloud")
    world.buy_by_card(offer="gold-cloud")
    request = world.ask_to_cancel(world.holding("gold-cloud").subscription)
    finance = world.actor(world.fin)
    with pytest.raises(Refusal, match=r"support\.nothing_to_approve"):
        support.approve_refund(finance, request, now=world.now)
    with pytest.raises(Refusal, match=r"access\.forbidden"):
        support.decide(finance, request, refund=True, now=world.now)
    world.decide(request, world.sue)
    support.approve_refund(finance, request, now=world.now)
    with pytest.raises(Refusal, match=r"support\.closed"):
        support.approve_refund(finance, request, now=world.now)
    assert Refund.objects.get().amount_minor == 157_500
    assert sorted(RefundApproval.objects.values_list("by", flat=True)) == sorted(
        [f"person:{world.sue.pk}", f"person:{world.fin.pk}"]
    )


def test_a_decision_made_twice_changes_nothing(world, pack):
    request = world.ask_to_cancel(pack)
    world.decide(request)
    with pytest.raises(Refusal, match=r"support\.closed"):
        world.decide(request, world.ove)
    assert Refund.objects.count() == 1 and len(world.invoices()) == 2


def test_a_second_request_cannot_refund_again(world, pack):
    world.decide(world.ask_to_cancel(pack))
    with pytest.raises(Refusal, match="already_refunded"):
        world.decide(world.ask_to_cancel(pack))
    assert Refund.objects.count() == 1


def test_a_transfer_is_refunded_through_the_books(world):
    """Paid by bank transfer, the refund leaves the bank; the card gateway hears nothing."""
    world.go("2019-06-25")
    order = world.buy(method=Method.BANK_TRANSFER)
    world.transfer(order, 15_750)
    world.decide(world.ask_to_cancel(world.holding().subscription))
    assert Refund.objects.get().gateway_ref == "" and world.charged() == 0
    assert world.holding() is None


def test_a_refund_ends_a_renewal_that_was_still_open_and_its_money_is_held(world, pack):
    """In the window a wire renewal is open; staff refunds the last year with a reason. The transfer that comes
    afterwards revives nothing."""
    world.go("2020-06-26")
    subscription = world.holding().subscription
    wire = world.renew(subscription, method=Method.BANK_TRANSFER)
    world.decide(world.ask_to_cancel(subscription), override=True, reason="Agreed with the partner")
    wire.refresh_from_db()
    assert wire.closing == "cancelled"
    world.transfer(wire, 15_750)
    assert world.status(pack) == "cancelled" and len(world.terms(pack)) == 1


def test_i18_a_card_page_paid_after_the_end_is_given_back_by_itself(world, pack):
    """The same with a card page left open: what is captured after the cancellation goes back, and is on record."""
    world.go("2020-06-26")
    subscription = world.holding().subscription
    left = world.renew(subscription)
    world.decide(world.ask_to_cancel(subscription), override=True, reason="Agreed with the partner")
    world.choose_card(left)
    world.come_back(left)
    assert left.closing == "cancelled" and left.paid_at is None
    world.work()
    late = Refund.objects.get(kind="late_capture")
    assert (late.status, late.amount_minor, late.payment.order_id) == ("succeeded", 15_750, left.pk)
    assert len(world.terms(pack)) == 1 and world.status(pack) == "cancelled"
    assert Event.objects.filter(name="payments.late_capture_returned").count() == 1


def test_a_card_page_whose_order_has_ended_is_closed_by_the_next_run(world, pack):
    """Nobody can pay on it any more, and nothing stays unanswered (I-15)."""
    world.go("2020-06-26")
    subscription = world.holding().subscription
    left = world.renew(subscription)
    world.decide(world.ask_to_cancel(subscription), override=True, reason="Agreed with the partner")
    world.work()
    world.choose_card(left)
    world.work()
    assert world.charged(left) == 0 and attempts(left.pk)[0].status == "cancelled"


def test_an_unpaid_order_is_cancelled_by_its_owner_without_asking(world):
    order = world.buy(method=Method.BANK_TRANSFER)
    with pytest.raises(Refusal, match="forbidden"):
        purchases.cancel_order(world.actor(world.bo), order, now=world.now)
    assert purchases.cancel_order(world.actor(world.ming), order, now=world.now).closing == "cancelled"
    assert not Payment.objects.exists() and world.tile().action == "buy"
