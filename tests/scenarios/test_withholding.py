"""Tax withheld from a transfer: the certificate counts beside the money, to the cent, and goes with a refunded sale."""

import uuid

import pytest

from tenure.billing.ledger import Account
from tenure.billing.models import Invoice, Posting, Withholding
from tenure.billing.queries import withheld
from tenure.kernel.money import Money
from tenure.kernel.refusals import Invalid, Refusal
from tenure.payments.queries import held, payment_of, refunds_of
from tenure.payments.rules import Method
from tenure.people.models import User
from tenure.plumbing.files import handed_in
from tenure.plumbing.models import Mail
from tenure.proof import facts
from tenure.purchases.models import Order
from tenure.purchases.queries import view
from tenure.purchases.transfers import change_method
from tenure.purchases.withholding import decide_withholding, send_withholding
from tenure.support import actions as support
from tests.contracts.recheck import recheck
from tests.worlds import broken_promises

pytestmark = pytest.mark.django_db
TAX = Money(4750, "USD")


@pytest.fixture
def india(world):
    """Delhi Data is in a country that withholds ten percent; its order of US$475 waits for a transfer."""
    return India(world)


class India:
    def __init__(self, world):
        self.world = world
        self.partner = world.company("Delhi Data Pvt", "delhi.example", "Dia Rao", country="IN")
        self.dia = User.objects.get(email="dia@delhi.example")
        self.order = self.buy()

    def buy(self, offer="action-pack"):
        return self.world.buy(self.dia, partner=self.partner, offer=offer, method=Method.BANK_TRANSFER)

    def send(self, order=None, **changes):
        given = {
            "key": str(uuid.uuid4()),
            "amount": TAX,
            "tax_year": 2018,
            "certificate": "16A-2018-0031",
            "file": handed_in("16a.pdf", "application/pdf", b"%PDF-1.7 certificate"),
        }
        order = order or self.order
        return send_withholding(self.world.actor(self.dia), order, **given | changes, now=self.world.now)

    def decide(self, row, status="accepted", words="", who=None):
        actor = self.world.actor(who or self.world.fin)
        return decide_withholding(actor, row, status=status, words=words, now=self.world.now)

    def transfer(self, minor, order=None, **given):
        return self.world.transfer(order or self.order, minor, **given)

    def status(self, order=None):
        order = Order.objects.get(pk=(order or self.order).pk)
        return view(order, self.world.today).status.value

    def missing(self):
        return view(Order.objects.get(pk=self.order.pk), self.world.today).missing


def balance(account, currency="USD"):
    rows = Posting.objects.filter(account=account, currency=currency)
    return sum(rows.values_list("amount_minor", flat=True))


def sound(world):
    """Every promise recomputed, by us and by the stranger's checker."""
    world.work()
    assert broken_promises() == []
    assert recheck(list(facts.lines())) == []


def test_money_less_the_tax_and_the_certificate_pay_the_order_to_the_cent(india):
    world = india.world
    row = india.send()
    assert row.status == "submitted" and ("withholding", india.order.number) in world.tasks()
    world.go("2018-06-25")
    india.transfer(42750, on="2018-06-24")
    assert (india.status(), india.missing()) == ("short_paid", TAX), "a certificate that was only sent pays nothing"
    world.go("2018-06-27")
    india.decide(row)
    assert india.status() == "paid"
    payment = payment_of(india.order.pk)
    assert (payment.amount, str(payment.value_on)) == (Money(42750, "USD"), "2018-06-24"), "the money's day counts"
    invoice = Invoice.objects.get(order_id=india.order.pk)
    assert invoice.total == Money(47500, "USD"), "the invoice states the whole price"
    assert (balance(Account.WITHHOLDING), balance(Account.BANK), balance(Account.HELD)) == (4750, 42750, 0)
    assert balance(Account.RECEIVABLE) == 0 and world.tasks() == []
    sound(world)
    codes = [mail.code for mail in Mail.objects.filter(partner_id=india.partner.pk).order_by("pk")]
    assert [code for code in codes if code.startswith("withholding.")] == [
        "withholding.submitted",
        "withholding.accepted",
    ]
    paid = Mail.objects.get(partner_id=india.partner.pk, code="orders.paid")
    assert "US$47.50 of it was withheld as tax" in paid.body


def test_the_certificate_first_then_the_money(india):
    india.decide(india.send())
    assert india.missing() == Money(42750, "USD") and balance(Account.HELD) == -4750
    sound(india.world)
    india.transfer(42750)
    assert india.status() == "paid" and balance(Account.HELD) == 0
    sound(india.world)


@pytest.mark.parametrize("tolerance", [0, 200])
def test_one_cent_less_waits_whatever_the_tolerance_and_one_cent_more_is_held(world, tolerance):
    world.new_policy(2, "2018-06-20", transfer_tolerance_minor=tolerance)
    india = India(world)
    india.decide(india.send())
    india.transfer(42749)
    assert (india.status(), india.missing()) == ("short_paid", Money(1, "USD"))
    india.transfer(2)
    assert india.status() == "paid"
    assert [part.amount_minor for part in held(india.partner.pk)] == [1]
    sound(india.world)


def test_a_certificate_that_would_be_too_much_is_refused_and_says_by_how_much(india):
    india.transfer(42751)
    row = india.send()
    with pytest.raises(Refusal) as refused:
        india.decide(row)
    assert (refused.value.code, refused.value.facts["over"]) == ("withholding.over", Money(1, "USD"))
    india.transfer(4749)
    with pytest.raises(Refusal, match="withholding.over"):
        india.decide(Withholding.objects.get(pk=row.pk))
    assert india.status() == "paid" and balance(Account.WITHHOLDING) == 0
    india.decide(row, "refused", "You transferred the whole total.")
    sound(india.world)


def test_staff_asks_the_partner_answers_and_it_is_accepted(india):
    world, row = india.world, india.send(amount=Money(4700, "USD"))
    india.decide(row, "pending_partner", "The certificate says 47.50.")
    assert world.tasks() == []
    again = india.send(file=None)
    assert (again.pk, again.status, again.amount) == (row.pk, "submitted", TAX)
    assert again.file_id == row.file_id, "without a new file the one that was sent is kept"
    assert ("withholding", india.order.number) in world.tasks()
    india.transfer(42750)
    india.decide(again)
    assert india.status() == "paid"
    sound(world)
    asked = Mail.objects.get(partner_id=india.partner.pk, code="withholding.pending_partner")
    assert "The certificate says 47.50." in asked.body


def test_a_refusal_leaves_the_order_waiting_and_another_certificate_can_be_sent(india):
    india.transfer(42750)
    row = india.send()
    india.decide(row, "refused", "This is another company's certificate.")
    assert (india.status(), india.missing()) == ("short_paid", TAX)
    india.decide(india.send())
    assert india.status() == "paid"
    sound(india.world)


def test_asked_twice_it_happens_once(india):
    given = {"key": str(uuid.uuid4())}
    first, second = india.send(**given), india.send(**given)
    assert first.pk == second.pk
    with pytest.raises(Refusal, match="idempotency.other_body"):
        india.send(**given, amount=Money(1, "USD"))
    with pytest.raises(Refusal, match="withholding.already_sent"):
        india.send()
    india.transfer(42750)
    india.decide(first)
    before = Posting.objects.count()
    india.decide(first)
    assert Posting.objects.count() == before, "accepting twice posts once"
    with pytest.raises(Refusal, match="withholding.decided"):
        india.decide(first, "refused", "No.")
    assert Posting.objects.count() == before
    sound(india.world)


def test_what_cannot_be_sent(india):
    world = india.world
    for changes, field, code in (
        ({"amount": Money(4751, "USD")}, "amount", "withholding.too_much"),
        ({"amount": Money(0, "USD")}, "amount", "number.impossible"),
        ({"amount": Money(4750, "TWD")}, "amount", "number.impossible"),
        ({"tax_year": 2012}, "tax_year", "withholding.tax_year"),
        ({"tax_year": 2020}, "tax_year", "withholding.tax_year"),
        ({"certificate": " "}, "certificate", "withholding.certificate_missing"),
        ({"file": None}, "file", "file.missing"),
    ):
        with pytest.raises(Invalid) as refused:
            india.send(**changes)
        assert refused.value.fields == {field: code}
    ours = world.buy(method=Method.BANK_TRANSFER)
    with pytest.raises(Refusal, match="withholding.not_in_country"):
        send_withholding(
            world.actor(world.ming), ours, key=str(uuid.uuid4()), amount=Money(100, "TWD"), tax_year=2018,
            certificate="x", file=handed_in("x.pdf", "application/pdf", b"%PDF-"), now=world.now,
        )  # fmt: skip
    assert Withholding.objects.count() == 0


def test_only_finance_decides_and_only_the_company_sends(india):
    world, row = india.world, india.send()
    for who in (world.sue, world.ming, india.dia):
        with pytest.raises(Refusal):
            india.decide(row, who=who)
    with pytest.raises(Refusal):
        decide_withholding(world.actor(world.fin), row, status="accepted", now=world.now)
        send_withholding(world.actor(world.ming), india.order, key=str(uuid.uuid4()), amount=TAX, tax_year=2018,
                         certificate="x", file=None, now=world.now)  # fmt: skip
    with pytest.raises(Invalid):
        india.decide(row, "refused", " ")


def test_a_full_refund_gives_back_the_money_and_takes_back_the_claim(india):
    world = india.world
    row = india.send()
    india.transfer(42750)
    india.decide(row)
    request = support.open_request(
        world.actor(india.dia), india.partner, problem_type="invoice-payment-reconciliation", subject="Cancel",
        description="Not needed.", subscription=world.holding(partner=india.partner).subscription, now=world.now,
    )  # fmt: skip
    world.decide(request)
    world.work()
    assert [refund.amount for refund in refunds_of(india.order.pk)] == [Money(42750, "USD")]
    note = Invoice.objects.get(order_id=india.order.pk, kind="credit_note")
    assert note.total == Money(-47500, "USD")
    assert Withholding.objects.get(pk=row.pk).returned_at is not None
    assert [balance(each) for each in (Account.WITHHOLDING, Account.BANK, Account.RECEIVABLE, Account.HELD)] == [0] * 4
    sound(world)
    letter = Mail.objects.get(partner_id=india.partner.pk, code="payments.refunded")
    assert "US$427.50" in letter.body and "US$47.50 of the price was withheld" in letter.body


def test_an_order_that_ends_unpaid_releases_its_certificate_for_the_next(india):
    world = india.world
    india.decide(india.send())
    world.live("2018-07-25")
    assert india.status() == "expired" and withheld(india.order.pk, "USD").minor == 0
    assert balance(Account.HELD) == -4750
    sound(world)
    world.transfer(india.order, 42750)
    sound(world)
    second = india.buy()
    assert india.status(second) == "paid", "held money and the held certificate pay the next order"
    assert Withholding.objects.get().counts_for_id == second.pk
    sound(world)


def test_a_certificate_accepted_after_its_order_has_ended_pays_the_next_one(india):
    world, row = india.world, india.send()
    india.transfer(42750)
    world.live("2018-07-25")
    second = india.buy()
    assert india.status(second) == "short_paid"
    india.decide(row)
    assert india.status(second) == "paid"
    sound(world)


def test_the_order_comes_back_with_its_certificate_when_the_money_was_in_time(india):
    world = india.world
    india.decide(india.send())
    world.live("2018-07-25")
    india.transfer(42750, on="2018-07-19")
    assert india.status() == "paid"
    sound(world)


def test_an_order_with_a_certificate_is_not_moved_to_a_card(india):
    india.decide(india.send())
    with pytest.raises(Refusal, match="orders.money_has_come"):
        change_method(india.world.actor(india.dia), india.order, method=Method.CARD, now=india.world.now)
