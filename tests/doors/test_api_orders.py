"""Buying, paying, renewing and cancelling through the API alone, and every request of it asked twice."""

import pytest
from tenure_client import Problem, Unreachable

from tenure.payments.queries import attempts
from tenure.purchases.models import Order
from tests.doors.api import SITE, desk, program
from tests.worlds import CARDS

CONTACT = {"name": "Mei Chen", "phone": "02 2712 3456", "email": "mei@contoso.example"}


def offered(client, code="action-pack"):
    return next(offer for offer in client.offers() if offer.code == code)


@pytest.fixture
def ming(world):
    world.work()
    return program(world, world.ming)


def pay(world, order, card="approves"):
    world.press(order.pay_url.removeprefix(SITE), CARDS[card])


def test_a_program_buys_by_card_and_a_person_pays_on_the_gateways_page(world, ming):
    offer = offered(ming)
    assert (offer.action, offer.allowed) == ("purchase", True)
    assert offer.price.total.told() == {"amount": "15750", "currency": "TWD"}
    assert ming.offer_eligibility("action-pack").allowed
    order = ming.buy(offer)
    assert order.status == "unfinished"
    assert order.pay_url.startswith(f"{SITE}/pay/")
    pay(world, order)
    paid = ming.order(order.number)
    assert paid.status == "paid"
    held = next(ming.subscriptions())
    assert (held.offer, held.status, held.auto_renew) == ("action-pack", "active", True)
    assert held.expires_on == world.holding().term.expires_on
    invoice = ming.invoice(paid.invoice)
    assert invoice.total == paid.total
    assert ming.invoice_pdf(invoice.number).startswith(b"%PDF-")
    assert b"CrossIndustryInvoice" in ming.invoice_xml(invoice.number)
    assert world.charged() == 1


def test_an_order_asked_twice_is_one_order_with_one_answer(world, ming):
    offer = offered(ming)
    first = ming.buy(offer, idempotency_key="order-1")
    again = ming.buy(offer, idempotency_key="order-1")
    assert again == first
    wire = ming._session
    assert wire.answers[-1].content == wire.answers[-2].content
    assert wire.answers[-1].headers["Idempotency-Replayed"] == "true"
    assert Order.objects.count() == 1
    with pytest.raises(Problem) as other:
        ming.buy(offer, contact=CONTACT, idempotency_key="order-1")
    assert (other.value.status, other.value.code) == (422, "idempotency.other_body")


def test_a_lost_answer_is_asked_for_again_under_the_same_key(world, ming):
    offer = offered(ming)
    wire = ming._session
    wire.lose, before = 2, len(wire.sent)
    order = ming.buy(offer)
    sent = wire.sent[before:]
    assert len(sent) == 3
    assert len({key for _method, _path, key in sent}) == 1
    assert Order.objects.get().number == order.number
    assert len(attempts(Order.objects.get().pk)) == 1


def test_silence_that_lasts_names_the_key_to_ask_again_with(world, ming):
    offer = offered(ming)
    ming._session.lose = 5
    with pytest.raises(Unreachable) as silence:
        ming.buy(offer)
    order = ming.buy(offer, idempotency_key=silence.value.idempotency_key)
    assert Order.objects.get().number == order.number


def test_a_transfer_is_ordered_proved_recorded_by_the_office_and_opens_the_term(world, ming):
    office = desk(world, world.fin)
    order = ming.buy(offered(ming), contact=CONTACT)
    assert order.status == "awaiting_payment"
    assert order.transfer.reference
    proof = ming.upload_payment_proof(
        order.number, b"%PDF-1.7 slip", paid_on=world.today, account="812-1", reference=order.transfer.reference
    )
    assert proof["order"] == order.number
    credit = office.record_transfer(
        order.transfer.account, world.today, order.total, reference=order.transfer.reference, idempotency_key="line-1"
    )
    assert credit.given == order.total
    again = office.record_transfer(
        order.transfer.account, world.today, order.total, reference=order.transfer.reference, idempotency_key="line-1"
    )
    assert again == credit
    assert ming.order(order.number).status == "paid"
    assert next(ming.subscriptions()).status == "active"


def test_a_transfer_without_a_reference_is_matched_by_hand(world, ming):
    office = desk(world, world.fin)
    order = ming.buy(offered(ming), contact=CONTACT)
    credit = office.record_transfer(order.transfer.account, world.today, order.total, reference="thanks")
    assert [each.id for each in office.transfers()] == [credit.id]
    assert office.match_transfer(credit.id, order.number).given == order.total
    with pytest.raises(Problem) as twice:
        office.match_transfer(credit.id, order.number)
    assert (twice.value.status, twice.value.code) == (409, "transfers.already_matched")
    assert ming.order(order.number).status == "paid"


def test_what_may_not_be_ordered_comes_with_every_condition(world, ming):
    pay(world, ming.buy(offered(ming)))
    ming.order(next(ming.orders()).number)
    held = next(ming.subscriptions())
    may = ming.eligibility(held.id)
    assert (may.allowed, may.action, may.reasons) == (False, "renewal", ["renewals.window_not_open"])
    assert (may.opens_on, may.closes_on) == (held.renewal_opens_on, held.renewal_closes_on)
    with pytest.raises(Problem) as early:
        ming.renew(held)
    assert (early.value.status, early.value.code) == (409, "renewals.window_not_open")
    assert [check["code"] for check in early.value.checks if not check["passed"]] == ["renewals.window_not_open"]
    assert early.value.facts["opens_on"] == held.renewal_opens_on.isoformat()


def test_another_price_or_other_terms_than_shown_are_refused(world, ming):
    offer = offered(ming)
    from tenure_client.shapes import Amount

    with pytest.raises(Problem) as price:
        ming.buy(offer, expected_total=Amount("1", "TWD"))
    assert price.value.code == "orders.price_changed"
    assert price.value.facts["after"] == {"amount": "15750", "currency": "TWD"}
    with pytest.raises(Problem) as terms:
        ming.buy(offer, terms_version="1.0-old")
    assert terms.value.code == "orders.terms_changed"
    assert not Order.objects.exists()


def test_a_declined_card_is_told_and_paid_with_another(world, ming):
    order = ming.buy(offered(ming))
    pay(world, order, "insufficient_funds")
    seen = ming.order(order.number)
    assert (seen.status, seen.decline) == ("unfinished", "insufficient_funds")
    again = ming.pay_order(order.number)
    pay(world, again)
    assert ming.order(order.number).status == "paid"
    assert world.charged() == 1


def test_an_open_order_is_cancelled_once(world, ming):
    order = ming.buy(offered(ming), contact=CONTACT)
    assert ming.cancel_order(order.number, idempotency_key="stop").status == "cancelled"
    assert ming.cancel_order(order.number, idempotency_key="stop").status == "cancelled"
    assert ming.cancel_order(order.number).status == "cancelled"
    with pytest.raises(Problem) as closed:
        ming.pay_order(order.number)
    assert closed.value.code == "orders.closed"
