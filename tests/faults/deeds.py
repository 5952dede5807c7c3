"""What the processes do that die: for each deed the moment before it, the deed, and whoever comes again afterwards.

Here a partner, a browser or the worker. Read next: ``deeds_of_staff.py``; ``stage.py``, where they are done, and ``test_every_point.py``, which says how each must end.
"""

from datetime import timedelta

from django.conf import settings

from tenure.memberships.models import Subscription
from tenure.payments.actions import gateway
from tenure.payments.cards import card_named, open_card_page
from tenure.payments.models import Card
from tenure.payments.queries import attempts
from tenure.payments.rules import Method
from tenure.people.models import User
from tenure.plumbing import clock, jobs
from tenure.purchases import actions as purchases
from tenure.purchases import transfers
from tenure.purchases.models import Order
from tenure.renewals import actions as renewals
from tenure.renewals import cards as removing
from tests.faults import child
from tests.worlds import CONTACT, World

NEW_CARD = "tok_4444"


def told() -> World:
    """The verbs of a world that is there already, and some of its people."""
    world = World.__new__(World)
    world.gateway, world.now = settings.TENURE_DEMO_GATEWAY_URL, clock.now()
    people = {name: User.objects.filter(email__startswith=f"{name}@") for name in ("ming", "fiona", "oda")}
    world.ming, world.fin, world.oda = (rows.get() for rows in people.values())
    world.contoso = child.partner(min(world.actor(world.ming).grants))
    return world


def newest() -> Order:
    return Order.objects.order_by("-pk").first()


class Buy:
    """Silver, with a card the company keeps."""

    def prepare(self, world: World) -> None:
        world.buy_by_card()
        world.qualify("silver-cloud")
        world.work()

    def do(self) -> None:
        child.buy("silver-cloud")

    again = do


class Open:
    """Ming buys by a card that is typed on the gateway's page."""

    def prepare(self, world: World) -> None:
        world.work()

    def do(self) -> None:
        child.buy("action-pack", kept=False)

    def again(self) -> None:
        self.do()
        order = newest()
        if order.open:
            # The page may never have been made: then the person presses "pay" on the order.
            purchases.pay_again(child.ming(), order, now=clock.now())
        told().choose_card(order)
        told().come_back(order)


class ComeBack:
    """The browser returns from the card page."""

    def prepare(self, world: World) -> None:
        world.choose_card(world.buy())

    def do(self) -> None:
        child.come_back(newest().number)

    again = do


class Ring:
    """The gateway's doorbell, as it rings for the newest order, and rings again when nobody answered."""

    prepare = ComeBack.prepare

    def do(self) -> None:
        attempt = attempts(newest().pk)[0]
        paid = gateway("demo").find(attempt.order_number, attempt.n) or gateway("demo").look(attempt.ref)
        named = {"order": attempt.order_number, "attempt": str(attempt.n)}
        told().ring("payment_intent.succeeded", {"id": paid.ref, "metadata": named}, event=f"evt_{attempt.pk}")

    again = do


class Run:
    """The daily run, with a renewal to be charged."""

    def prepare(self, world: World) -> None:
        world.buy_by_card()
        world.work()
        world.go("2019-06-23 00:10")

    def do(self) -> None:
        child.run()

    def again(self) -> None:
        pass


class Tidy:
    """The worker, after a purchase: letters, the invoice's file, what is due."""

    def prepare(self, world: World) -> None:
        world.buy_by_card()

    def do(self) -> None:
        jobs.run_until_idle(clock.now())

    def again(self) -> None:
        pass


class Ask(Tidy):
    """The worker, with a payment nobody has told of."""

    def prepare(self, world: World) -> None:
        world.choose_card(world.buy())
        world.go(world.now + timedelta(minutes=20))


class Cancel:
    """An order that is not paid is cancelled."""

    def prepare(self, world: World) -> None:
        world.buy()
        world.work()

    def do(self) -> None:
        purchases.cancel_order(child.ming(), newest(), now=clock.now())

    def again(self) -> None:
        if newest().open:
            self.do()


class ReplaceCard:
    """The card of the next renewal is replaced by one that is named on the gateway's page."""

    def prepare(self, world: World) -> None:
        world.buy_by_card()
        world.work()

    def do(self) -> None:
        world, row = told(), Subscription.objects.get()
        page = open_card_page(
            row.partner_id,
            currency="TWD",
            language="en",
            payer=world.contoso.legal_name,
            merchant="Aurora",
            return_path=f"/subscriptions/{row.pk}/card/return/",
        )
        world.press(page.path, NEW_CARD)
        renewals.change_card(world.actor(world.ming), row, card=card_named(page.ref), now=world.now)

    def again(self) -> None:
        if Subscription.objects.get().card.last4 != NEW_CARD[-4:]:
            self.do()


class ForgetCard:
    """The card that renews is removed, knowing that it will not renew any more."""

    prepare = ReplaceCard.prepare

    def do(self) -> None:
        world, card = told(), Card.objects.get()
        removing.remove_card(world.actor(world.ming), card, agreed=True, now=world.now)

    def again(self) -> None:
        if Subscription.objects.get().auto_renew:
            self.do()


class Renew:
    """Ming renews by hand, with the card that is kept, after it was said that nothing renews by itself."""

    def prepare(self, world: World) -> None:
        order = world.buy_by_card()
        renewals.turn_off_auto_renew(world.actor(world.ming), order.subscription, now=world.now)
        world.work()
        world.go("2019-06-23 09:00")

    def do(self) -> None:
        world = told()
        world.renew(Subscription.objects.get(), key="by-hand", card=Card.objects.get().pk)

    again = do


class PayAgain:
    """After a no, another card is typed on a new page."""

    def prepare(self, world: World) -> None:
        world.pay(world.buy(), "declined")
        world.work()

    def do(self) -> None:
        purchases.pay_again(child.ming(), newest(), now=clock.now())
        told().pay(newest())

    def again(self) -> None:
        if newest().open:
            self.do()


class ChangeMethod:
    """The card page was opened and left; the order is to be paid by transfer."""

    def prepare(self, world: World) -> None:
        world.buy()
        world.work()

    def do(self) -> None:
        given = {"method": Method.BANK_TRANSFER, "contact": CONTACT, "now": clock.now()}
        transfers.change_method(child.ming(), newest(), **given)

    again = do


class Expire(Tidy):
    """The worker, with two orders whose last day has passed: a card page that was left, a transfer that never came."""

    def prepare(self, world: World) -> None:
        world.buy()
        world.qualify("silver-cloud")
        world.buy(offer="silver-cloud", method=Method.BANK_TRANSFER)
        world.work()
        world.go("2018-08-01 00:10")


class Month(Tidy):
    """The worker on the first of a month: what June has earned, and the gateway's list."""

    def prepare(self, world: World) -> None:
        world.buy_by_card()
        world.work()
        world.go("2018-07-01 00:10")


PARTNERS = {
    "buy": Buy(),
    "open": Open(),
    "come_back": ComeBack(),
    "ring": Ring(),
    "run": Run(),
    "tidy": Tidy(),
    "ask": Ask(),
    "cancel": Cancel(),
    "renew": Renew(),
    "pay_again": PayAgain(),
    "change_method": ChangeMethod(),
    "replace_card": ReplaceCard(),
    "forget_card": ForgetCard(),
    "expire": Expire(),
    "month": Month(),
}
