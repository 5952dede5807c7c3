"""What the processes do that die: for each deed the moment before it, the deed, and whoever comes again afterwards.

Read next: ``stage.py``, where they are done, and ``test_every_point.py``, which says how each must end.
"""

from datetime import date, timedelta

from django.conf import settings

from tenure.billing.closing import close_month
from tenure.billing.reconciling import reconcile
from tenure.memberships.models import Subscription
from tenure.payments.actions import gateway
from tenure.payments.cards import card_named, open_card_page
from tenure.payments.models import BankLine, Dispute
from tenure.payments.queries import attempts, payment_of
from tenure.payments.rules import Method
from tenure.payments.statements.delimited import Mapping
from tenure.people.models import User
from tenure.plumbing import clock, jobs
from tenure.programme.queries import current
from tenure.purchases import actions as purchases
from tenure.purchases import importing, transfers
from tenure.purchases.models import Order
from tenure.renewals import actions as renewals
from tenure.support.models import Request
from tests.faults import child
from tests.worlds import World

COLUMNS = Mapping(value_on="day", amount="amount", text="text", payer="payer")
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


class Refund:
    """Staff decide that a card's money goes back."""

    def prepare(self, world: World) -> None:
        order = world.buy_by_card()
        world.work()
        world.ask_to_cancel(order.subscription)

    def do(self) -> None:
        child.refund(Request.objects.get().number)

    def again(self) -> None:
        if not Request.objects.get().refund_id:
            self.do()


class RefundByWire(Refund):
    """The same for money that came by transfer."""

    def prepare(self, world: World) -> None:
        order = world.buy(method=Method.BANK_TRANSFER)
        world.transfer(order, order.total_minor)
        world.work()
        order.refresh_from_db()
        world.ask_to_cancel(order.subscription)


class Import:
    """A clerk takes in a bank's file: two lines are sure, one is for nobody."""

    def prepare(self, world: World) -> None:
        account = current().seller.bank_accounts["TWD"]
        importing.save_mapping(world.actor(world.fin), None, account=account, mapping=COLUMNS, now=world.now)
        fabrikam = world.company("Fabrikam Ltd", "fabrikam.example", "Fay Fu")
        world.buy(method=Method.BANK_TRANSFER)
        world.buy(User.objects.get(email=fabrikam.contact_email), partner=fabrikam, method=Method.BANK_TRANSFER)
        world.work()

    def do(self) -> None:
        world, day = told(), "2018-06-22"
        rows = [f"{day},{o.total_minor},{o.reference},{o.partner.legal_name}" for o in Order.objects.order_by("pk")]
        content = "\n".join(["day,amount,text,payer", *rows, f"{day},9,rent,X"]).encode()
        account = current().seller.bank_accounts["TWD"]
        given = {"content": content, "name": "june.csv", "account": account, "now": world.now}
        importing.import_statement(world.actor(world.fin), None, **given)

    again = do


class Match:
    """A clerk says whom a transfer without a reference is for; more came than the order takes."""

    def prepare(self, world: World) -> None:
        order = world.buy(method=Method.BANK_TRANSFER)
        world.transfer(None, order.total_minor + 250, reference="no reference at all")
        world.work()

    def do(self) -> None:
        world = told()
        transfers.match_transfer(world.actor(world.fin), BankLine.objects.get(), order=newest(), now=world.now)

    def again(self) -> None:
        if newest().open:
            self.do()


class Disputed:
    """The cardholder's bank takes a payment back, and the gateway rings about it until it is answered."""

    kind = "created"

    def prepare(self, world: World) -> None:
        order = world.buy_by_card()
        world.work()
        world.at_the_bank("dispute", payment_intent=payment_of(order.pk).gateway_ref, reason="fraudulent")

    def do(self) -> None:
        ref = gateway("demo").disputes(None)[-1].ref
        told().ring(f"charge.dispute.{self.kind}", {"id": ref, "object": "dispute"}, event=f"evt_{self.kind}")

    again = do


class Lose(Disputed):
    """The bank has decided against us."""

    kind, decision = "closed", "lost"

    def prepare(self, world: World) -> None:
        super().prepare(world)
        Disputed().do()
        world.work()
        world.at_the_bank(self.decision, dispute=Dispute.objects.get().ref)


class Win(Lose):
    """The bank has decided for us."""

    decision = "won"


class Close:
    """June is closed, after a look at the gateway's list."""

    def prepare(self, world: World) -> None:
        world.buy_by_card()
        world.work()
        world.go("2018-07-01 00:10")

    def do(self) -> None:
        world = told()
        clerk = world.actor(world.fin)
        reconcile(clerk, None, now=world.now)
        close_month(clerk, None, month=date(2018, 6, 1), now=world.now)

    again = do


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


DEEDS = {
    "buy": Buy(),
    "open": Open(),
    "come_back": ComeBack(),
    "ring": Ring(),
    "run": Run(),
    "tidy": Tidy(),
    "ask": Ask(),
    "cancel": Cancel(),
    "refund": Refund(),
    "refund_by_wire": RefundByWire(),
    "import": Import(),
    "match": Match(),
    "dispute": Disputed(),
    "lose": Lose(),
    "win": Win(),
    "close": Close(),
    "replace_card": ReplaceCard(),
}
