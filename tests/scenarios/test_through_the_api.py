"""The stories lived through the API alone by its client, the first answer to everything lost, and through the verbs.

Both ways end alike: orders, attempts, payments, postings, invoices, terms, grants, requests and events, as ``tenure
facts`` tells them; numbers, instants and hashes aside.
"""

import json
from collections import Counter
from collections.abc import Callable

import pytest
from django.db import transaction
from tenure_client.shapes import Amount

from tenure.benefits import actions as benefits
from tenure.benefits.models import Grant
from tenure.programme.queries import row, version
from tenure.proof import facts
from tenure.purchases.models import Order
from tenure.renewals import actions as renewals
from tests.doors.api import SITE, desk, program
from tests.worlds import CARDS, Method, World

CONTACT = {"name": "Ming Chen", "phone": "02 2712 3456", "email": "ming@contoso.example"}
KEPT = {
    "subscription": "offer anchor_on auto_renew status cancelled_on held_until",
    "term": "n starts_on expires_on kind renewal_opens_on renewal_closes_on",
    "order": "purpose offer method currency net tax total status expires_on terms_version origin tax_category placed_on",
    "attempt": "n gateway amount currency status decline_kind off_session",
    "payment": "method amount currency value_on",
    "refund": "amount currency status",
    "bank_line": "account value_on amount currency state",
    "invoice": "kind year issued_on currency net tax total language",
    "posting": "kind account currency amount",
    "balance": "account currency amount",
    "grant": "benefit kind quantity used state",
    "usage": "quantity",
    "request": "problem_type status action outcome",
    "event": "name",
}
KEYS = {"people.key_made"}


def end_state() -> Counter:
    """What has become of everything, as far as two lives of one story must agree."""
    found: Counter = Counter()
    for line in b"".join(facts.lines()).splitlines():
        told = json.loads(line)
        if told["type"] in KEPT and told.get("name") not in KEYS:
            found[(told["type"], *(str(told[field]) for field in KEPT[told["type"]].split()))] += 1
    return found


def lived(gateway: str, story: Callable[[World], None]) -> Counter:
    """Live a story in a world of its own, of which nothing stays."""
    mark = transaction.savepoint()
    try:
        world = World(gateway)
        world.work()
        story(world)
        world.work()
        return end_state()
    finally:
        transaction.savepoint_rollback(mark)
        version.cache_clear()
        row.cache_clear()


def offered(client, code="action-pack"):
    return next(offer for offer in client.offers() if offer.code == code)


# The main story: bought by card, used, auto-renew off, renewed with the kept card on the window's last day.


def main_by_verbs(world: World) -> None:
    world.buy_by_card(auto_renew=True)
    subscription = world.holding().subscription
    grant = Grant.objects.get(partner=world.contoso, kind="incidents")
    benefits.use(world.actor(world.ming), grant, quantity=2, note="", now=world.now)
    renewals.turn_off_auto_renew(world.actor(world.ming), subscription, now=world.now)
    world.go("2019-07-20")
    subscription.refresh_from_db()
    world.renew(subscription, card=subscription.card_id, auto_renew=True)


def main_by_api(world: World) -> None:
    client = program(world, world.ming, clumsy=True)
    order = client.buy(offered(client))
    world.press(order.pay_url.removeprefix(SITE), CARDS["approves"])
    assert client.order(order.number).status == "paid"
    held = next(client.subscriptions())
    incidents = next(client.benefits(kind="incidents"))
    assert client.use_benefit(incidents.id, 2).used == 2
    assert not client.turn_off_auto_renewal(held.id).auto_renew
    world.go("2019-07-20")
    client = program(world, world.ming, clumsy=True)
    assert client.eligibility(held.id).allowed
    renewed = client.renew(held, payment_token=client.cards()[0].payment_token)
    assert renewed.status == "paid"
    assert [term.kind for term in client.terms(held.id)] == ["renewal", "purchase"]


# The transfer story: ordered, proved, recorded by finance with the reference, active; cancelled orders on the way.


def transfer_by_verbs(world: World) -> None:
    first = world.buy(method=Method.BANK_TRANSFER)
    from tenure.purchases.actions import cancel_order

    cancel_order(world.actor(world.ming), first, now=world.now)
    order = world.buy(method=Method.BANK_TRANSFER)
    world.prove(order, str(world.today))
    world.transfer(order, order.total_minor)


def transfer_by_api(world: World) -> None:
    client, office = program(world, world.ming, clumsy=True), desk(world, world.fin, clumsy=True)
    first = client.buy(offered(client), contact=CONTACT)
    assert client.cancel_order(first.number).status == "cancelled"
    order = client.buy(offered(client), contact=CONTACT)
    reference = order.transfer.reference
    # Nothing but a proof is kept twice when an answer is lost: its key is what makes the second the first.
    client.upload_payment_proof(order.number, b"%PDF-1.7", paid_on=world.today, account="0099", reference=reference)
    credit = office.record_transfer("812-0001-2345", world.today, order.total, reference=reference)
    assert credit.given == order.total
    assert client.order(order.number).status == "paid"


# The cancel story: bought by card, asked to be cancelled, refunded by the office.


def cancel_by_verbs(world: World) -> None:
    world.buy_by_card()
    world.decide(world.ask_to_cancel(world.holding().subscription))


def cancel_by_api(world: World) -> None:
    client, office = program(world, world.ming, clumsy=True), desk(world, world.oda, clumsy=True)
    order = client.buy(offered(client))
    world.press(order.pay_url.removeprefix(SITE), CARDS["approves"])
    client.order(order.number)
    held = next(client.subscriptions())
    request = client.open_support_request(
        "invoice-payment-reconciliation", "Cancel the subscription", "We no longer need it.", subscription=held.id
    )
    assert (request.action, client.subscription(held.id).auto_renew) == ("cancel", False)
    decided = office.decide_cancellation(request.number, refund=True)
    assert (decided.status, decided.outcome) == ("closed", "refunded")
    assert client.subscription(held.id).status == "cancelled"
    assert client.order(order.number).status == "refunded"
    assert {invoice.kind for invoice in client.invoices()} == {"invoice", "credit_note"}


STORIES = {
    "main": (main_by_verbs, main_by_api),
    "transfer": (transfer_by_verbs, transfer_by_api),
    "cancel": (cancel_by_verbs, cancel_by_api),
}


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.usefixtures("_settings_of_a_story")
def test_a_story_ends_alike_however_it_is_lived(db, card_gateway, story):
    by_verbs, by_api = (lived(card_gateway, each) for each in STORIES[story])
    assert by_verbs
    assert by_api - by_verbs == Counter()
    assert by_verbs - by_api == Counter()


@pytest.mark.usefixtures("_settings_of_a_story")
def test_the_comparison_notices_one_thing_more(db, card_gateway):
    """The negative control: the same story with one incident more used."""

    def once_more(world: World) -> None:
        main_by_verbs(world)
        grant = Grant.objects.filter(partner=world.contoso, kind="incidents").latest("pk")
        benefits.use(world.actor(world.ming), grant, quantity=1, note="", now=world.now)

    assert lived(card_gateway, once_more) != lived(card_gateway, main_by_verbs)


def test_without_its_key_a_second_request_would_be_a_second_order(world):
    """What the retries are saved from: two keys, two orders for what may be held twice; here the second is refused."""
    world.work()
    client = program(world, world.ming)
    client.buy(offered(client), contact=CONTACT, idempotency_key="a")
    from tenure_client import Problem

    with pytest.raises(Problem) as second:
        client.buy(offered(client), contact=CONTACT, idempotency_key="b")
    assert second.value.code == "offers.order_open"
    assert Order.objects.count() == 1


@pytest.fixture
def _settings_of_a_story(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *settings.PASSWORD_HASHERS]


def test_an_amount_is_never_a_float():
    assert str(Amount("498.75", "USD").value * 3) == "1496.25"
