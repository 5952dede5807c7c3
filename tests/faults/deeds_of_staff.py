"""The deeds of staff and of banks, in which processes die as in those of ``deeds.py``: transfers, refunds, disputes.

Read next: ``stage.py``.
"""

from datetime import date

from tenure.billing.closing import close_month
from tenure.billing.models import Withholding
from tenure.billing.reconciling import reconcile
from tenure.kernel.money import Money
from tenure.payments.actions import gateway
from tenure.payments.models import BankLine, Dispute
from tenure.payments.queries import payment_of
from tenure.payments.rules import Method
from tenure.payments.statements.delimited import Mapping
from tenure.people.models import User
from tenure.plumbing.files import handed_in
from tenure.programme.queries import current
from tenure.purchases import importing, transfers
from tenure.purchases.models import Order
from tenure.purchases.withholding import decide_withholding, send_withholding
from tenure.support.models import Request
from tests.faults import child
from tests.faults.deeds import Tidy, newest, told
from tests.worlds import World

COLUMNS = Mapping(value_on="day", amount="amount", text="text", payer="payer")


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
    """A clerk takes in a bank's file: two lines pay, one pays once more, one is for nobody.

    Two lines of one partner are given one after the other, so the file can be half given.
    """

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
        content = "\n".join(["day,amount,text,payer", *rows, rows[0], f"{day},9,rent,X"]).encode()
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


class Follow(Tidy):
    """The worker on the next day: the bank has decided against us, and no doorbell told of any of it."""

    def prepare(self, world: World) -> None:
        Disputed.prepare(self, world)
        world.go("2018-06-23 00:10")


class Enter:
    """A clerk enters a line of the statement; its reference is sound."""

    def prepare(self, world: World) -> None:
        world.buy(method=Method.BANK_TRANSFER)
        world.work()

    def do(self) -> None:
        world, order = told(), newest()
        transfers.record_transfer(
            world.actor(world.fin),
            None,
            line_key="statement-7/line-3",
            account="812-0001-2345",
            value_on=date(2018, 6, 22),
            amount=order.total,
            reference=order.reference,
            payer="CONTOSO",
            now=world.now,
        )

    again = do


class Withhold:
    """Staff accept the certificate of withheld tax that, with the transfer, makes an order whole."""

    def prepare(self, world: World) -> None:
        partner = world.company("Delhi Data Pvt", "delhi.example", "Dia Rao", country="IN")
        dia = User.objects.get(email=partner.contact_email)
        order = world.buy(dia, partner=partner, method=Method.BANK_TRANSFER)
        tax = Money(order.total_minor // 10, order.currency)
        send_withholding(
            world.actor(dia),
            order,
            key="00000000-0000-4000-8000-000000000016",
            amount=tax,
            tax_year=2018,
            certificate="16A-2018-0031",
            file=handed_in("16a.pdf", "application/pdf", b"%PDF-1.7 certificate"),
            now=world.now,
        )
        world.transfer(order, order.total_minor - tax.minor)
        world.work()

    def do(self) -> None:
        world = told()
        decide_withholding(world.actor(world.fin), Withholding.objects.get(), status="accepted", now=world.now)

    again = do


STAFF = {
    "refund": Refund(),
    "refund_by_wire": RefundByWire(),
    "import": Import(),
    "match": Match(),
    "enter": Enter(),
    "withhold": Withhold(),
    "dispute": Disputed(),
    "lose": Lose(),
    "win": Win(),
    "follow": Follow(),
    "close": Close(),
}
