"""Buying for the first time (domain.md S03)."""

from datetime import date

from tenure.billing.queries import of_partner


def test_s03_a_good_card_makes_the_subscription_active_at_once(world):
    world.go("2018-06-22")
    order = world.buy_by_card()
    holding = world.holding()
    assert order.paid_at and world.status(holding.subscription) == "active"
    assert holding.term.expires_on == date(2019, 6, 22)
    assert holding.subscription.auto_renew
    assert [str(invoice.total) for invoice in of_partner(world.contoso.pk)] == ["NT$15,750"]
