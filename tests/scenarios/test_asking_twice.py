"""Every verb that moves money, asked twice with one key: the second time changes nothing; another body is refused."""

from dataclasses import replace
from itertools import chain

import pytest
from django.apps import apps

from tenure.kernel.money import Money
from tenure.kernel.refusals import Refusal
from tenure.purchases import actions as purchases
from tenure.purchases import transfers
from tenure.purchases.models import Order
from tenure.purchases.rules import Contact
from tenure.renewals import actions as renewals
from tests.worlds import CONTACT, Method

WATCHED = ("purchases", "payments", "billing", "memberships", "renewals", "benefits", "support")


def everything() -> dict[str, list]:
    """Every row of the capabilities that hold money and rights."""
    models = chain.from_iterable(apps.get_app_config(label).get_models() for label in WATCHED)
    return {model._meta.label: sorted(map(str, model.objects.values_list())) for model in models}


def unchanged_by(call):
    """Call, and hold every row against what it was."""
    before = everything()
    try:
        answer = call()
    except Refusal as refusal:
        answer = refusal
    assert everything() == before
    return answer


@pytest.fixture
def pack(world):
    world.go("2018-06-22")
    world.buy_by_card(auto_renew=False)
    return world.holding().subscription


def test_buying(world):
    wanted = world.wanted()
    actor = world.actor(world.ming)
    order = purchases.buy(actor, world.contoso, wanted=wanted, now=world.now)
    again = unchanged_by(lambda: purchases.buy(actor, world.contoso, wanted=wanted, now=world.now))
    assert again.pk == order.pk, "while the card page waits"
    world.pay(order)
    again = unchanged_by(lambda: purchases.buy(actor, world.contoso, wanted=wanted, now=world.now))
    assert again.pk == order.pk and again.paid_at, "and after it was paid"
    again = unchanged_by(lambda: purchases.buy(world.actor(world.ann), world.contoso, wanted=wanted, now=world.now))
    assert again.pk == order.pk, "a colleague's click is the company's"


def test_another_body_under_the_same_key_is_refused(world):
    """Reliability attack 2: the same key with another offer, method, contact, card or total."""
    world.qualify("silver-cloud")
    wanted = world.wanted(method=Method.BANK_TRANSFER, expected_total=Money(15_750, "TWD"))
    actor = world.actor(world.ming)
    purchases.buy(actor, world.contoso, wanted=wanted, now=world.now)
    for change in (
        {"offer": "silver-cloud"},
        {"method": Method.CARD},
        {"contact": replace(CONTACT, phone="02 2712 9999")},
        {"contact": Contact()},
        {"auto_renew": False},
        {"card": 7},
        {"terms_version": "2001-01"},
        {"expected_total": Money(1, "TWD")},
    ):
        other = replace(wanted, **change)
        refused = unchanged_by(lambda other=other: purchases.buy(actor, world.contoso, wanted=other, now=world.now))
        assert refused.code == "idempotency.other_body", change


def test_one_companys_key_is_nothing_to_another(world):
    """Attack 5: tenant B uses tenant A's key and is never given A's answer."""
    wanted = world.wanted()
    order = purchases.buy(world.actor(world.ming), world.contoso, wanted=wanted, now=world.now)
    fabrik = world.company("Fabrik Ltd", "fabrik.example", "Fay Huang")
    fay = world.person("fay@fabrik.example")
    other = purchases.buy(world.actor(fay), fabrik, wanted=wanted, now=world.now)
    assert other.pk != order.pk and other.partner_id == fabrik.pk


@pytest.mark.parametrize("method", list(Method))
def test_renewing(world, pack, method):
    """openfoodsource#35: the browser's back button posted the renewal again."""
    world.go("2019-06-25")
    wanted = world.wanted(method=method)
    actor = world.actor(world.ming)
    order = renewals.renew(actor, pack, wanted=wanted, now=world.now)
    if method is Method.CARD:
        world.pay(order)
    again = unchanged_by(lambda: renewals.renew(actor, pack, wanted=wanted, now=world.now))
    assert again.pk == order.pk
    other = replace(wanted, auto_renew=False)
    refused = unchanged_by(lambda: renewals.renew(actor, pack, wanted=other, now=world.now))
    assert refused.code == "idempotency.other_body"
    fresh = unchanged_by(lambda: world.renew(pack, method=method))
    assert fresh.code in ("renewals.window_not_open", "offers.order_open"), "another key is another wish"


def statement_line(world, order, **changes):
    given = {
        "line_key": "2019-07-05/1",
        "account": "0099-01-118820-6",
        "value_on": world.today,
        "amount": Money(15_750, "TWD"),
        "reference": order.reference,
        "payer": "CONTOSO",
    }
    return transfers.record_transfer(world.actor(world.fin), None, **given | changes, now=world.now)


def test_recording_a_transfer(world, pack):
    """A statement that is imported twice counts once; the same line with another amount is refused."""
    world.go("2019-07-05")
    order = world.renew(pack, method=Method.BANK_TRANSFER)
    line = statement_line(world, order)
    again = unchanged_by(lambda: statement_line(world, order))
    assert again.pk == line.pk
    refused = unchanged_by(lambda: statement_line(world, order, amount=Money(99, "TWD")))
    assert refused.code == "idempotency.other_body"


def test_matching_and_holding_a_transfer(world, pack):
    world.go("2019-07-05")
    order = world.renew(pack, method=Method.BANK_TRANSFER)
    clerk = world.actor(world.fin)
    line = world.transfer(order, 15_750, reference="")
    transfers.match_transfer(clerk, line, order=order, now=world.now)
    assert unchanged_by(lambda: transfers.match_transfer(clerk, line, order=order, now=world.now)).code == (
        "transfers.already_matched"
    )
    spare = world.transfer(order, 500, reference="")
    transfers.hold_transfer(clerk, spare, partner=world.contoso, now=world.now)
    for call in (transfers.hold_transfer, transfers.match_transfer):
        subject = {"partner": world.contoso} if call is transfers.hold_transfer else {"order": order}
        refused = unchanged_by(lambda call=call, subject=subject: call(clerk, spare, **subject, now=world.now))
        assert refused.code == "transfers.already_matched"


def test_paying_again_and_cancelling_an_order(world):
    actor = world.actor(world.ming)
    order = world.buy()
    again = unchanged_by(lambda: purchases.pay_again(actor, order, now=world.now))
    assert again.pk == order.pk, "the page that is open is the page"
    purchases.cancel_order(actor, order, now=world.now)
    assert unchanged_by(lambda: purchases.cancel_order(actor, order, now=world.now)).closing == "cancelled"
    assert unchanged_by(lambda: purchases.pay_again(actor, order, now=world.now)).code == "orders.closed"


def test_deciding_a_refund(world, pack):
    request = world.ask_to_cancel(pack)
    world.decide(request)
    assert unchanged_by(lambda: world.decide(request)).code == "support.closed"
    assert unchanged_by(lambda: world.decide(request, refund=False)).code == "support.closed"


def test_the_run_and_everything_that_follows_it(world):
    world.go("2018-06-22")
    world.buy_by_card()
    world.wake("2019-06-23 00:04")
    unchanged_by(world.work)
    world.go("2019-06-22 23:04")
    unchanged_by(world.work)
    assert Order.objects.count() == 2, "a clock that steps back an hour repeats nothing"
