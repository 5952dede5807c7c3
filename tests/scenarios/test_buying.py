"""Buying for the first time: who may, what happens at once, what is refused (domain.md S01 to S04, S15 to S17)."""

from datetime import date

import pytest

from tenure.billing.queries import of_partner
from tenure.kernel.access import NOBODY
from tenure.kernel.money import Money
from tenure.kernel.refusals import Invalid, NotYours, Refusal
from tenure.offers.rules import BuyerFacts, may_buy
from tenure.people.queries import holders
from tenure.programme.queries import current
from tenure.purchases import actions as purchases
from tenure.purchases.models import Order
from tenure.purchases.queries import buyer, methods, status_of, view
from tenure.purchases.rules import Contact
from tests.worlds import Method


def test_s01_a_prospect_is_led_to_join_and_no_order_exists(world):
    """Given a prospect with no account, when they try to buy an Action Pack, they are led to join first."""
    programme = current()
    decision = may_buy(
        BuyerFacts(joined=False), programme.offer("action-pack"), programme, programme.policies[0], world.today
    )
    assert decision.first.code == "offers.not_joined"
    with pytest.raises(NotYours):
        purchases.buy(NOBODY, world.contoso, wanted=world.wanted(), now=world.now)
    assert not Order.objects.exists()


def test_s02_an_unverified_company_sees_why_it_cannot_buy(world):
    """Given verification is pending, Buy is disabled with the reason "account not verified", on the server too."""
    fabrik = world.company("Fabrik Ltd", "fabrik.example", "Fay Huang", verified=False)
    fay = world.person("fay@fabrik.example")
    tile = world.tile(partner=fabrik)
    assert not tile.decision.allowed and tile.decision.first.code == "offers.not_verified"
    with pytest.raises(Refusal, match="not_verified"):
        world.buy(fay, partner=fabrik)
    assert not Order.objects.exists()


def test_s03_a_good_card_makes_the_subscription_active_at_once(world):
    """Given nothing is held, when Ming buys by card on 22 June 2018, TWD 15,750 is captured once, the year runs to
    22 June 2019, auto-renew is on."""
    world.go("2018-06-22")
    assert world.tile().action == "buy" and str(world.tile().quote.total) == "NT$15,750"
    order = world.buy_by_card()
    holding = world.holding()
    assert order.paid_at and world.status(holding.subscription) == "active"
    assert holding.term.expires_on == date(2019, 6, 22)
    assert holding.subscription.auto_renew
    assert world.charged(order) == 1
    assert [str(invoice.total) for invoice in of_partner(world.contoso.pk)] == ["NT$15,750"]


def test_s04_a_second_purchase_is_refused_even_straight_to_the_server(world):
    """Given an active Action Pack, a second purchase posted to the server is refused: one per company."""
    world.buy_by_card()
    assert world.tile().action == "renew"
    for method in Method:
        with pytest.raises(Refusal, match=r"offers\.already_held"):
            world.buy(method=method)
    assert Order.objects.count() == 1


def test_s15_exactly_the_methods_of_the_country_are_offered(world):
    """Card and bank transfer, and only those an offer takes: one that takes cards alone refuses a transfer."""
    facts = buyer(world.contoso, current(), world.today)
    assert set(methods(facts, current().offer("action-pack"))) == {Method.CARD, Method.BANK_TRANSFER}
    world.apply(('methods = ["card", "bank_transfer"]', 'methods = ["card"]'))
    facts = buyer(world.contoso, current(), world.today)
    assert list(methods(facts, current().offer("action-pack"))) == [Method.CARD]
    with pytest.raises(Refusal, match=r"payments\.method_not_offered"):
        world.buy(method=Method.BANK_TRANSFER)


def test_s16_a_contact_that_could_not_be_reached_is_refused_per_field(world):
    """Bank transfer with name, phone or e-mail missing or malformed: refused per field, no order."""
    for contact, faults in (
        (Contact(), {"name", "phone", "email"}),
        (Contact("Ming", "02 2712 3456", ""), {"email"}),
        (Contact("Ming", "call me", "ming@contoso.example"), {"phone"}),
        (Contact("Ming", "02 2712 3456", "ming at contoso"), {"email"}),
        (Contact("  ", "02 2712 3456", "ming@contoso.example"), {"name"}),
    ):
        with pytest.raises(Invalid) as refused:
            world.buy(method=Method.BANK_TRANSFER, contact=contact)
        assert set(refused.value.fields) == faults
    assert not Order.objects.exists()


def test_s47_whoever_lacks_the_right_is_refused_and_told_who_can_help(world):
    """Sal has no purchase rights: an order is refused, and the names of those who can help are known. A stranger
    learns nothing."""
    for who in (world.sal, world.bo):
        with pytest.raises(Refusal, match=r"access\.forbidden") as refused:
            world.buy(who)
        assert refused.value.facts["permission"] == "purchases.buy"
    names = {user.name for user in holders(world.contoso.pk, "purchases.buy", current())}
    assert names == {"Ann Lin", "Ming Chen"}
    fabrik = world.company("Fabrik Ltd", "fabrik.example", "Fay Huang")
    with pytest.raises(NotYours):
        world.buy(world.ming, partner=fabrik)
    with pytest.raises(Refusal, match=r"access\.forbidden"):
        purchases.buy(world.actor(world.fin), world.contoso, wanted=world.wanted(), now=world.now)
    assert not Order.objects.exists()


def test_what_was_shown_is_what_is_bought(world):
    """A price, terms or a method that changed between review and Buy are refused, not charged."""
    with pytest.raises(Refusal, match=r"orders\.price_changed"):
        world.buy(expected_total=Money(10_000, "TWD"))
    with pytest.raises(Refusal, match=r"orders\.terms_changed"):
        world.buy(terms_version="2001-01")
    with pytest.raises(Refusal, match=r"offers\.not_for_sale"):
        world.buy(offer="no-such-offer", terms_version="2018-01")
    assert not Order.objects.exists()


def test_s25_a_declined_card_adds_no_term_and_can_be_tried_again(world):
    """The card is declined at Buy: no term, the reason is known, the form is tried again, one charge in the end."""
    order = world.pay(world.buy(), "insufficient_funds")
    assert order.paid_at is None and world.holding() is None
    assert view(order, world.today).decline == "insufficient_funds"
    assert status_of(order, world.today).value == "unfinished" and world.tile().action == "continue"
    again = purchases.pay_again(world.actor(world.ming), order, now=world.now)
    assert again.pk == order.pk
    world.pay(order)
    assert world.charged(order) == 1 and world.status(world.holding().subscription) == "active"


def test_a_hard_decline_can_be_followed_by_another_card(world):
    """odoo#107723: a key that ignored the card kept a second card from being tried."""
    order = world.pay(world.buy(), "expired")
    purchases.pay_again(world.actor(world.ming), order, now=world.now)
    assert world.pay(order).paid_at and world.charged(order) == 1


def test_an_order_left_on_the_card_page_overnight_does_not_stand_in_the_way(world):
    """Ming closes the card page and comes back the next day, before any job has run: she can buy."""
    left = world.buy()
    world.go("2018-06-21")
    order = world.buy_by_card()
    left.refresh_from_db()
    assert left.closing == "expired" and order.paid_at and world.charged() == 1
