"""A programme that has lived: fourteen months of nine companies, told once for all tests of a module."""

import uuid

import pytest
from django.db import connection, transaction
from django.test import override_settings

from tenure.benefits import actions as benefits
from tenure.benefits.models import Grant
from tenure.billing.rules import WithholdingStatus
from tenure.kernel.access import SYSTEM
from tenure.kernel.money import Money
from tenure.partners.exemptions import ask_exemption, decide_exemption
from tenure.partners.rules import ApplicationStatus, ExemptionKind
from tenure.payments.queries import payment_of
from tenure.payments.rules import Method
from tenure.plumbing.files import handed_in
from tenure.plumbing.instance import identify
from tenure.plumbing.models import StoredFile
from tenure.purchases import actions as purchases
from tenure.purchases.disputes import dispute_heard
from tenure.purchases.rules import Closing
from tenure.purchases.settling import close
from tenure.purchases.withholding import decide_withholding, send_withholding
from tenure.renewals import actions as renewals
from tenure.support import actions as support
from tenure.webhooks import actions as webhooks
from tests import hostile
from tests.worlds import World

KEYS = [f"AURKEY-{n:05d}-ZZ" for n in range(12)]


@pytest.fixture(scope="module")
def lived(django_db_setup, django_db_blocker, card_gateway):
    """The world after its year, inside one transaction that is rolled back with the module."""
    quick = {
        "EMAIL_BACKEND": "django.core.mail.backends.locmem.EmailBackend",
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],
        "TENURE_WEBHOOK_LOOPBACK": True,
    }
    around = transaction.atomic()
    # As Django's own test case marks it: money verbs may begin their beats inside.
    around._from_testcase = True
    with django_db_blocker.unblock(), override_settings(**quick), around:
        identify()
        world = World(card_gateway)
        with hostile.receiver() as receiver:
            listened(world, receiver.url())
            a_year(world)
        yield world
        transaction.set_rollback(True)


@pytest.fixture
def book(lived, db):
    """The lived world, to be spoilt: what a test plants is rolled back after it."""
    return lived


def bank_decides(world: World, order, how: str) -> None:
    """The cardholder's bank takes a payment back, and decides for us or against us."""
    ref = world.at_the_bank("dispute", payment_intent=payment_of(order.pk).gateway_ref)["id"]
    dispute_heard("demo", ref, world.now)
    world.at_the_bank(how, dispute=ref)
    dispute_heard("demo", ref, world.now)


def plant(*statements: str) -> None:
    """Write behind the product's back: no trigger fires and no foreign key is asked."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        for statement in statements:
            cursor.execute(statement)
            assert cursor.rowcount != 0, f"nothing was planted by {statement}"
        cursor.execute("SET LOCAL session_replication_role = origin")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def a_year(world: World) -> None:
    """Cards and transfers, short and late; refunds, an exemption, keys; renewals by hand and by themselves."""
    world.go("2018-06-22")
    world.buy_by_card()
    world.work()
    benefits.load_keys(SYSTEM, None, pool="server-keys", values=KEYS, now=world.now)
    given = {grant.benefit: grant for grant in Grant.objects.filter(partner=world.contoso)}
    benefits.reveal_key(world.actor(world.ann), given["server-keys"], now=world.now)
    benefits.use(world.actor(world.ann), given["incidents"], quantity=2, now=world.now)

    fabrikam, fay = firm(world, "Fabrikam Taiwan Ltd", "fabrikam.example", "Fay Kuo")
    northwind, nora = firm(world, "Northwind Ltd", "northwind.example", "Nora Tsai")
    adatum, adam = firm(world, "Adatum Ltd", "adatum.example", "Adam Hu")
    tailspin, tess = firm(world, "Tailspin Ltd", "tailspin.example", "Tess Ma")
    wingtip, wendy = firm(world, "Wingtip Ltd", "wingtip.example", "Wendy Ho")
    litware, liam = firm(world, "Litware Inc.", "litware.example", "Liam Yeh", country="US")

    world.wake("2018-07-02")
    order = world.buy(fay, partner=fabrikam, method=Method.BANK_TRANSFER)
    show_proof(world, fay, order)
    world.transfer(order, 15000)
    world.wake("2018-07-05")
    world.transfer(order, 1000)

    world.buy_by_card(who=nora, partner=northwind)
    world.decide(world.ask_to_cancel(world.holding(partner=northwind).subscription, nora))
    world.qualify("gold-cloud")
    world.buy_by_card(offer="gold-cloud")
    request = world.ask_to_cancel(world.holding("gold-cloud").subscription)
    world.decide(request, world.oda)
    world.decide(request, world.ove)

    order = world.pay(world.buy(adam, partner=adatum), "declined")
    world.pay(purchases.pay_again(world.actor(adam), order, now=world.now))
    exempted(world, adam, adatum)
    world.buy_by_card(who=liam, partner=litware)
    proseware, pia = firm(world, "Proseware Ltd", "proseware.example", "Pia Lo")
    bank_decides(world, world.buy_by_card(who=pia, partner=proseware), "lost")
    delhi, dia = firm(world, "Delhi Data Pvt", "delhi.example", "Dia Rao", country="IN")
    withheld(world, dia, delhi)
    never_paid(world, tess, tailspin)
    too_late(world, wendy, wingtip)

    world.wake("2018-09-01")
    renewals.turn_off_auto_renew(world.actor(adam), world.holding(partner=adatum).subscription, now=world.now)
    # Nothing falls due in between; from here on, every day is lived.
    world.wake("2019-06-05")
    world.live("2019-06-22")
    world.refuse_next("insufficient_funds")
    world.live("2019-07-10")
    world.transfer(world.renew(world.holding(partner=fabrikam).subscription, fay, method=Method.BANK_TRANSFER), 15500)
    world.live("2019-08-07")
    world.wake("2019-08-20")
    given = {"offer": "action-pack", "subscription": None, "language": "en", "now": world.now}
    purchases.draft(world.actor(adam), adatum, **given)


def listened(world: World, url: str) -> None:
    """Contoso's own system and the office's hear of the year; Contoso changes what it wants to hear."""
    ann, given = world.actor(world.ann), {"url": url, "now": world.now}
    endpoint = webhooks.add_endpoint(ann, world.contoso, types=["orders.*"], **given).endpoint
    webhooks.add_endpoint(world.actor(world.oda), None, types=["memberships.*"], **given)
    world.work()
    webhooks.change_endpoint(ann, endpoint, types=["orders.paid", "memberships.*", "renewals.*"], **given)
    webhooks.send_test(ann, endpoint, now=world.now)


def firm(world: World, name: str, domain: str, admin: str, **more):
    partner = world.company(name, domain, admin, **more)
    return partner, world.person(partner.contact_email)


def show_proof(world: World, who, order) -> None:
    file = StoredFile(sha256="268ad70eb5bc4737a2ae28162cbca30118cc94520e49ef1ac5f72c85d3f2caa9", name="receipt.txt")
    file.media_type, file.content = "text/plain", b"paid"
    given = {"paid_on": world.today, "account": "812-0009", "reference": order.reference, "now": world.now}
    purchases.upload_proof(world.actor(who), order, file=file, **given)


def exempted(world: World, who, partner) -> None:
    dates = {"valid_from": world.today, "valid_to": world.today.replace(year=2020)}
    paper = {"key": str(uuid.uuid4()), "kind": ExemptionKind.CHARITY, "certificate": "EX-7", "file": certificate()}
    asked = ask_exemption(SYSTEM, partner, **paper, **dates, now=world.now)
    decide_exemption(world.actor(world.fin), asked, status=ApplicationStatus.ACCEPTED, now=world.now)
    request = support.open_request(
        world.actor(who),
        partner,
        problem_type="cannot-manage-profile",
        subject="We are exempt",
        description="Certificate EX-7.",
        subscription=world.holding(partner=partner).subscription,
        now=world.now,
    )
    support.refund_tax(world.actor(world.oda), request, now=world.now)


def withheld(world: World, who, partner) -> None:
    """Money less the tax that India withholds; the certificate is asked about once, and makes it whole."""
    order = world.buy(who, partner=partner, method=Method.BANK_TRANSFER)
    given = {"amount": Money(4750, "USD"), "tax_year": 2018, "certificate": "16A-1", "file": certificate()}
    row = send_withholding(world.actor(who), order, key=str(uuid.uuid4()), **given, now=world.now)
    words = {"words": "The second page is missing."}
    decide_withholding(SYSTEM, row, status=WithholdingStatus.PENDING_PARTNER, **words, now=world.now)
    row = send_withholding(world.actor(who), order, key=str(uuid.uuid4()), **given, now=world.now)
    world.transfer(order, 42750)
    decide_withholding(world.actor(world.fin), row, status=WithholdingStatus.ACCEPTED, now=world.now)


def certificate() -> StoredFile:
    return handed_in("certificate.pdf", "application/pdf", b"%PDF-1.7 certificate")


def never_paid(world: World, who, partner) -> None:
    """An order that runs out, and the money that comes after it."""
    order = world.buy(who, partner=partner, method=Method.BANK_TRANSFER)
    world.wake("2018-08-06")
    world.transfer(order, 15750)


def too_late(world: World, who, partner) -> None:
    """A card charged for an order that had ended: the customer pressed the button on a page left open."""
    order = world.buy(who, partner=partner)
    with transaction.atomic(durable=True):
        close(SYSTEM, order, Closing.CANCELLED, world.now)
    world.pay(order)
    world.work()
