"""Paying by bank transfer: the order holds the right, the value date decides, money never gets lost
(domain.md S17 to S24)."""

from datetime import date, timedelta

import pytest

from tenure.kernel.money import Money
from tenure.kernel.refusals import Invalid, Refusal
from tenure.payments.queries import held, unmatched
from tenure.plumbing.models import Event, StoredFile
from tenure.purchases import actions as purchases
from tenure.purchases import transfers
from tenure.purchases.models import Order
from tenure.purchases.queries import status_of, view
from tests.worlds import Method


@pytest.fixture
def pack(world):
    """An Action Pack that expired on 22 June 2019, without auto-renew."""
    world.go("2018-06-22")
    world.buy_by_card(auto_renew=False)
    return world.holding().subscription


@pytest.fixture
def wire(world, pack):
    """S17: a renewal by bank transfer, placed on 1 July 2019."""
    world.go("2019-07-01")
    return world.renew(pack, method=Method.BANK_TRANSFER)


def again(order: Order) -> Order:
    order.refresh_from_db()
    return order


def total_held(world) -> int:
    return sum(row.amount_minor for row in held(world.contoso.pk))


def test_s17_the_order_awaits_15750_until_31_july_and_charges_no_card(world, pack, wire):
    """It shows its number, the partner ID, the reference, "pay by 31 July"; the window and its benefits go on."""
    assert status_of(wire, world.today).value == "awaiting_payment"
    assert (wire.total, wire.expires_on) == (Money(15_750, "TWD"), date(2019, 7, 31))
    assert wire.bill_to["partner_number"] == world.contoso.number and wire.reference.startswith("RF")
    assert world.charged() == 1, "the first year's card payment and nothing else"
    assert world.status(pack) == "renewal_window" and world.benefits_run(pack)
    world.work()
    assert len(world.mails("orders.placed")) == len(world.mails("orders.placed", world.bo)) == 1


def test_s18_a_proof_informs_finance_and_activates_nothing(world, pack, wire):
    """Bo uploads a proof with date, account and reference: finance sees it, the subscription is not renewed yet."""
    world.go("2019-07-03")
    proof = world.prove(wire, "2019-07-03")
    assert (proof.paid_on, proof.uploaded_by) == (date(2019, 7, 3), f"person:{world.bo.pk}")
    assert world.tasks() == [("proof", wire.number)]
    assert again(wire).paid_at is None and world.status(pack) == "renewal_window"
    with pytest.raises(Invalid):
        world.prove(wire, "2019-07-04")
    with pytest.raises(Refusal, match="forbidden"):
        world.prove(wire, "2019-07-03", who=world.sal)


def test_s19_matched_on_5_july_it_renews_to_the_anniversary_with_notice_and_invoice(world, pack, wire):
    world.go("2019-07-05")
    world.transfer(wire, 15_750)
    world.work()
    assert again(wire).paid_at and world.terms(pack)[-1] == ("2019-06-23", "2020-06-22")
    assert len(world.mails("orders.paid")) == 2
    invoice = world.invoices()[0]
    assert (invoice.issued_on, invoice.total.minor) == (date(2019, 7, 5), 15_750)
    assert invoice.issued_on <= date(2019, 7, 15), "no later than ten days after the payment"


def test_s20_unpaid_it_expires_and_late_money_pays_the_fresh_purchase(world, pack, wire):
    """On 1 August the order has expired and the subscription lapsed; a late transfer is held, and the next order
    takes it without paying again."""
    world.wake("2019-07-31 23:59:59")
    assert status_of(again(wire), world.today).value == "awaiting_payment" and world.status(pack).endswith("suspended")
    world.wake("2019-08-01 00:04")
    assert again(wire).closing == "expired" and world.status(pack) == "lapsed"
    world.go("2019-08-05")
    world.transfer(wire, 15_750)
    assert total_held(world) == 15_750 and again(wire).paid_at is None
    world.go("2019-08-06")
    fresh = world.buy(method=Method.BANK_TRANSFER)
    assert fresh.paid_at and total_held(world) == 0
    assert world.terms(world.holding().subscription) == [("2019-08-06", "2020-08-06")]


def test_s21_changing_to_the_card_is_cancelling_and_ordering_again(world, pack, wire):
    """One live order remains and one charge is made; the cancelled order takes no money any more."""
    world.go("2019-07-10")
    with pytest.raises(Refusal, match=r"offers\.order_open"):
        world.renew(pack)
    purchases.cancel_order(world.actor(world.ming), wire, now=world.now)
    world.pay(world.renew(pack))
    assert world.charged() == 2 and world.terms(pack)[-1] == ("2019-06-23", "2020-06-22")
    world.transfer(wire, 15_750)
    assert total_held(world) == 15_750 and len(world.terms(pack)) == 2


def test_s22_placed_on_the_last_day_it_suspends_and_does_not_destroy(world, pack):
    """Placed on 22 July, suspended on the 23rd, paid on the 25th: the benefits are back, expiry is 22 June 2020."""
    world.go("2019-07-22 23:59:00")
    order = world.renew(pack, method=Method.BANK_TRANSFER)
    world.wake("2019-07-23 00:04")
    assert world.status(pack) == "renewal_window suspended" and not world.benefits_run(pack)
    assert not world.mails("letter.lapsed")
    world.go("2019-07-25")
    world.transfer(order, 15_750)
    assert world.status(pack) == "active"
    assert world.benefits_run(pack)
    assert world.terms(pack)[-1] == ("2019-06-23", "2020-06-22")


def test_a_transfer_made_in_time_counts_however_late_it_is_imported(world, pack):
    """Decision 5: the value date on the statement decides. Valued on the order's last day and imported three days
    later, when the order had expired and the subscription lapsed, it still renews to the anniversary."""
    world.go("2019-07-22")
    order = world.renew(pack, method=Method.BANK_TRANSFER)
    assert order.expires_on == date(2019, 8, 21)
    world.wake("2019-08-24")
    assert world.status(pack) == "lapsed" and len(world.mails("letter.lapsed")) == 1
    world.transfer(order, 15_750, on="2019-08-21")
    assert again(order).paid_at and world.terms(pack)[-1] == ("2019-06-23", "2020-06-22")
    assert world.status(pack) == "active"


def test_a_transfer_valued_one_day_late_is_held(world, pack):
    world.go("2019-07-22")
    order = world.renew(pack, method=Method.BANK_TRANSFER)
    world.wake("2019-08-24")
    world.transfer(order, 15_750, on="2019-08-22")
    assert again(order).paid_at is None and total_held(world) == 15_750 and world.status(pack) == "lapsed"


def test_money_in_time_does_not_revive_what_was_bought_afresh_meanwhile(world, pack):
    """The partner had bought again before the statement came: the transfer is held, one subscription lives."""
    world.go("2019-07-22")
    order = world.renew(pack, method=Method.BANK_TRANSFER)
    world.wake("2019-08-24")
    world.buy_by_card()
    world.transfer(order, 15_750, on="2019-08-21")
    assert again(order).paid_at is None and total_held(world) == 15_750


def test_s23_too_little_activates_nothing_and_says_what_is_missing(world, pack, wire):
    """TWD 15,000 for TWD 15,750: "needs attention: 750 missing"; the rest completes it."""
    world.transfer(wire, 15_000)
    world.work()
    seen = view(again(wire), world.today)
    assert (seen.status.value, seen.missing) == ("short_paid", Money(750, "TWD"))
    assert world.tasks() == [("transfer_short", "NT$750 missing")] and world.status(pack) == "renewal_window"
    assert len(world.mails("payments.transfer_short")) == 1
    world.transfer(wire, 750)
    assert again(wire).paid_at and world.tasks() == []


def test_a_short_payment_left_behind_is_held_and_pays_the_next_order(world, pack, wire):
    world.transfer(wire, 15_000)
    world.wake("2019-08-01 00:04")
    assert again(wire).closing == "expired" and total_held(world) == 15_000 and world.tasks() == []
    fresh = world.buy(method=Method.BANK_TRANSFER)
    assert view(fresh, world.today).missing == Money(750, "TWD")
    world.transfer(fresh, 750)
    assert again(fresh).paid_at and total_held(world) == 0


def test_too_much_is_held_and_the_order_is_paid_once(world, pack, wire):
    world.transfer(wire, 20_000)
    assert again(wire).paid_at and total_held(world) == 4_250


def test_the_same_transfer_sent_twice_is_held_the_second_time(world, pack, wire):
    """The bank sends the money twice, as two lines: one renews, the other waits for the next order."""
    world.transfer(wire, 15_750)
    world.transfer(wire, 15_750)
    assert len(world.terms(pack)) == 2 and total_held(world) == 15_750


def test_s24_a_transfer_without_a_reference_waits_for_finance_and_the_match_is_on_record(world, pack, wire):
    line = world.transfer(wire, 15_750, reference="thank you")
    assert [row.pk for row in unmatched()] == [line.pk] and again(wire).paid_at is None
    transfers.match_transfer(world.actor(world.fin), line, order=wire, now=world.now)
    assert again(wire).paid_at and not unmatched()
    event = Event.objects.get(name="payments.transfer_matched")
    assert (event.actor, event.payload["number"]) == (f"person:{world.fin.pk}", wire.number)
    with pytest.raises(Refusal, match="already_matched"):
        transfers.match_transfer(world.actor(world.fin), line, order=wire, now=world.now)
    for who in (world.ming, world.sue):
        with pytest.raises(Refusal):
            transfers.match_transfer(world.actor(who), line, order=wire, now=world.now)


def test_another_currency_is_never_taken_for_the_order(world, pack, wire):
    """USD 15,750.00 with the right reference: nothing activates, finance holds it for the partner."""
    line = transfers.record_transfer(
        world.actor(world.fin),
        None,
        line_key="usd",
        account="0099-02-118821-4",
        value_on=world.today,
        amount=Money(1_575_000, "USD"),
        reference=wire.reference,
        payer="CONTOSO",
        now=world.now,
    )
    assert again(wire).paid_at is None and [row.pk for row in unmatched()] == [line.pk]
    with pytest.raises(Refusal, match="wrong_currency"):
        transfers.match_transfer(world.actor(world.fin), line, order=wire, now=world.now)
    transfers.hold_transfer(world.actor(world.fin), line, partner=world.contoso, now=world.now)
    assert again(wire).paid_at is None and not unmatched()


def test_money_held_in_another_currency_does_not_pay(world, pack, wire):
    test_another_currency_is_never_taken_for_the_order(world, pack, wire)
    purchases.cancel_order(world.actor(world.ming), wire, now=world.now)
    assert world.renew(pack, method=Method.BANK_TRANSFER).paid_at is None


def test_the_warning_goes_once_a_week_before_the_order_runs_out(world, pack, wire):
    for day in (wire.placed_on + timedelta(n) for n in range(20, 31)):
        world.wake(f"{day} 00:04")
    assert [str(mail.queued_at.date()) for mail in world.mails("orders.expiring")] == ["2019-07-23"]


def test_a_first_purchase_by_transfer_begins_on_the_day_the_money_is_valued(world):
    """Pending until paid: nothing is held; the year runs from the value date of the payment."""
    world.go("2018-06-22")
    order = world.buy(method=Method.BANK_TRANSFER)
    assert world.holding() is None
    world.go("2018-06-27")
    world.transfer(order, 15_750, on="2018-06-25")
    assert world.terms(world.holding().subscription) == [("2018-06-25", "2019-06-25")]
    assert not world.holding().subscription.auto_renew


def test_a_stored_file_is_kept_as_it_was_given(world, pack, wire):
    proof = world.prove(wire, "2019-07-01")
    assert bytes(StoredFile.objects.get(pk=proof.file_id).content) == b"%PDF-1.7 proof"
