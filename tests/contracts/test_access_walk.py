"""Every address has a guard and an object to show; whoever only looks changes nothing.

The addresses come from the resolver, so a new page is walked the day it is added: without a guard it fails by name,
and one that shows an object fails until STAND_INS knows an object to show. Read next:
``tests/contracts/test_access_matrix.py``, where everybody asks for everything; ``docs/access.md``.
"""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.test import Client

from tenure.billing.models import Invoice, Withholding
from tenure.enrolment import actions as enrolment
from tenure.enrolment.queries import confirmation_token, recovery_token
from tenure.enrolment.recovery import start_recovery
from tenure.kernel.access import TABLE
from tenure.memberships.queries import facts_of
from tenure.partners.exemptions import ask_exemption
from tenure.partners.locations import add_location
from tenure.partners.rules import Place
from tenure.payments.models import StatementFile
from tenure.payments.queries import cards
from tenure.payments.rules import Method
from tenure.people import actions as people
from tenure.people import addresses, directories, identities, visits
from tenure.people.keys import make_key
from tenure.people.models import Colleague
from tenure.people.queries import invitation_token
from tenure.plumbing.files import handed_in
from tenure.plumbing.models import Event, Mail, Reaction, StoredFile, Task
from tenure.programme.queries import current
from tenure.purchases import actions as purchases
from tenure.purchases.models import Draft
from tenure.renewals.models import Run
from tenure.support import actions as support
from tenure.webhooks.feed import publish
from tenure.webhooks.models import Delivery, Endpoint, Entry, Selection
from tests.worlds import World
from tools.access import routes

# The pages of the sign-in library, which carry no guard of ours: an address added there must be looked at by a person.
SIGN_IN = {
    "login/",
    "logout/",
    "inactive/",
    "signup/",
    "reauthenticate/",
    "login/code/",
    "login/code/confirm/",
    "password/change/",
    "password/set/",
    "password/reset/",
    "password/reset/done/",
    "password/reset/key/done/",
    r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
    "factors/",
    "factors/sign-in/",
    "factors/again/",
    "factors/app/",
    "factors/app/remove/",
    "factors/codes/",
    "factors/codes/new/",
    "factors/passkeys/",
    "factors/passkeys/sign-in/",
    "factors/passkeys/again/",
    "factors/passkeys/add/",
    "factors/passkeys/<int:pk>/name/",
    "factors/passkeys/<int:pk>/remove/",
}
DOORS = {"portal", "office", "signed in", "public", "machine", "api"}
PARAMETER = re.compile(r"<(?:\w+:)?\w+>")


@dataclass
class Things:
    """One object of every kind, all Contoso's."""

    world: World

    def __post_init__(self):
        world = self.world
        self.stranger = self.other_company()
        self.subscription = world.buy_by_card(auto_renew=False).subscription
        self.card = self.subscription.card or cards(world.contoso.pk).get()
        self.check = world.company("Waiting Ltd", "waiting.example", "Wanda Wait", verified=False).checks.get(
            kind="business"
        )
        self.check.evidence = StoredFile.objects.create(
            sha256="0" * 64, name="register.pdf", media_type="application/pdf", content=b"%PDF-1.7", stored_at=world.now
        )
        self.check.save()
        given = {"name": "Nora New", "email": "nora@contoso.example", "language": "en", "reason": "They left."}
        board = handed_in("board.pdf", "application/pdf", b"%PDF-1.7 board")
        self.recovery = start_recovery(world.actor(world.sue), world.contoso, **given, evidence=board, now=world.now)
        self.own_check = world.contoso.checks.get(kind="business")
        wanda = world.actor(world.person("wanda@waiting.example"))
        register = handed_in("register.pdf", "application/pdf", b"%PDF-1.7 register")
        self.paper = enrolment.hand_in(wanda, self.check, file=register, note="", now=world.now)
        branch = Place("Tainan", "TW", "1 Minquan Road", "Tainan", "700", "Bo Wu", "bo@contoso.example", "06 220 1188")
        self.location = add_location(world.actor(world.ann), world.contoso, place=branch, now=world.now)
        world.work()
        world.go("2019-06-25")
        world.work()
        self.order = world.renew(self.subscription, method=Method.BANK_TRANSFER)
        self.line = world.transfer(self.order, 1, reference="no reference")
        self.proof = self.upload()
        self.statement = StatementFile.objects.create(
            sha256="1" * 64, name="june.xml", form="camt.053", account="1", received_at=world.now, received_by="x"
        )
        self.withholding = self.certificate()
        self.application = self.ask_exemption()
        self.draft = Draft.objects.create(
            partner=world.contoso, user=world.ann, purpose="purchase", offer="silver-cloud", created_at=world.now
        )
        self.request = support.open_request(
            world.actor(world.ann), world.contoso, problem_type="tax", subject="Tax", description="Why?", now=world.now
        )
        self.colleague = Colleague.objects.get(user=world.bo)
        self.invitation = self.invite()
        self.identity = identities.link(world.bo, "https://id.example", "bo", world.now)
        given = {"name": "Contoso", "issuer": "https://id.example", "client": "tenure", "secret": "secret"}
        self.directory = directories.set_up_directory(world.actor(world.ann), world.contoso, **given, now=world.now)
        self.visit = visits.begin(world.bo, session="none", address="", agent="", now=world.now)
        asked = {"email": "bo.wu@contoso.example", "now": world.now}
        self.email_change = addresses.ask_email_change(world.actor(world.bo), world.bo, **asked)
        grants = world.holding().term.grants
        given = {"name": "ERP", "scopes": ["offers.view"], "days": 9, "programme": current(), "now": world.now}
        self.api_key = make_key(world.actor(world.ann), world.contoso, **given).row
        self.staff_key = make_key(world.actor(world.oda), None, **given | {"scopes": ["partners.view"]}).row
        self.keys, self.incidents = grants.filter(kind="keys").first(), grants.filter(kind="incidents").first()
        self.invoice = Invoice.objects.get(order_id=world.holding().term.order_id)
        self.letter = Mail.objects.first()
        self.endpoint, self.delivery = self.listening()
        self.run = Run.objects.create(on=world.today, started_at=world.now, finished_at=world.now)
        self.parked = Reaction.objects.create(event=Event.objects.first(), name="orders.tell_short", state="parked")
        self.task = Task.objects.create(kind="job", object="job:x", reason="failed", opened_at=world.now)

    def listening(self):
        """An address that is told of events, without asking where its name leads."""
        given = {"url": "https://hooks.contoso.example/", "added_at": self.world.now, "added_by": "system"}
        endpoint = Endpoint.objects.create(partner=self.world.contoso, **given)
        Selection.objects.create(endpoint=endpoint, types=["*"], after=0)
        publish(self.world.now)
        entry = Entry.objects.filter(partner=self.world.contoso, shown_number__isnull=False).first()
        return endpoint, Delivery.objects.create(endpoint=endpoint, entry=entry, due_at=self.world.now)

    def other_company(self):
        fabrikam = self.world.company("Fabrikam Ltd", "fabrikam.example", "Fay Ho")
        return Colleague.objects.get(partner_id=fabrikam.pk).user

    def upload(self):
        file = StoredFile(sha256="0" * 64, name="slip.pdf", media_type="application/pdf", content=b"%PDF-1.7")
        given = {"paid_on": self.world.today, "account": "12345", "reference": "", "now": self.world.now}
        return purchases.upload_proof(self.world.actor(self.world.ann), self.order, file=file, **given)

    def certificate(self):
        file = StoredFile.objects.create(
            sha256="2" * 64, name="16a.pdf", media_type="application/pdf", content=b"%PDF-", stored_at=self.world.now
        )
        at = {"submitted_at": self.world.now, "moved_at": self.world.now, "submitted_by": "person:1"}
        money = {"amount_minor": 100, "currency": self.order.currency, "tax_year": 2019}
        return Withholding.objects.create(
            key=uuid.uuid4(), partner=self.order.partner, order_id=self.order.pk, file=file, **money, **at
        )

    def ask_exemption(self):
        file = StoredFile(sha256="3" * 64, name="ex.pdf", media_type="application/pdf", content=b"%PDF-")
        days = {"valid_from": self.world.today, "valid_to": self.world.today}
        given = {"key": str(uuid.uuid4()), "kind": "charity", "certificate": "EX-1", "file": file}
        return ask_exemption(self.world.actor(self.world.ann), self.world.contoso, **given, **days, now=self.world.now)

    def invite(self):
        given = {"email": "new@contoso.example", "name": "Nan New", "roles": ["member"], "language": "en"}
        return people.invite(self.world.actor(self.world.ann), self.world.contoso, **given, now=self.world.now)


STAND_INS: dict[str, Callable[[Things], object]] = {
    "/enter/": lambda things: things.world.ann.pk,
    "/pay/": lambda things: "page.css",
    "/offers/": lambda things: "action-pack",
    "/checkout/": lambda things: things.draft.key,
    "/orders/": lambda things: things.order.number,
    "/cards/": lambda things: things.card.pk,
    "/subscriptions/": lambda things: things.subscription.pk,
    "/invoices/": lambda things: things.invoice.number,
    "/invoices/withheld/": lambda things: things.withholding.pk,
    "/benefits/": lambda things: things.keys.pk,
    "/benefits/<int:id>/use/": lambda things: things.incidents.pk,
    "/competencies/": lambda things: "silver-cloud",
    "/support/": lambda things: things.request.number,
    "/company/checks/": lambda things: things.own_check.pk,
    "/company/locations/": lambda things: things.location.pk,
    "/recovery/": lambda things: recovery_token(things.recovery.pk, "contact"),
    "/join/confirm/": lambda things: confirmation_token(things.world.contoso),
    "/users/": lambda things: things.colleague.pk,
    "/keys/": lambda things: things.api_key.pk,
    "/webhooks/": lambda things: things.endpoint.pk,
    "/webhooks/deliveries/": lambda things: things.delivery.pk,
    "/office/webhooks/": lambda things: things.endpoint.pk,
    "/office/webhooks/deliveries/": lambda things: things.delivery.pk,
    "/invitations/": lambda things: things.invitation.pk,
    "/invitation/": lambda things: invitation_token(things.invitation),
    "/security/devices/": lambda things: things.visit.pk,
    "/security/identities/": lambda things: things.identity.pk,
    "/sign-in/": lambda things: things.directory.slug,
    "/security/email/": lambda things: addresses.token(things.email_change.pk, "new"),
    "/office/books/close/": lambda things: "2018-05",
    "/office/partners/": lambda things: things.world.contoso.pk,
    "/office/verifications/": lambda things: things.check.pk,
    "/office/verifications/papers/": lambda things: things.paper.pk,
    "/office/recoveries/": lambda things: things.recovery.pk,
    "/office/transfers/": lambda things: things.line.pk,
    "/office/transfers/proofs/": lambda things: things.proof.pk,
    "/office/transfers/statements/": lambda things: things.statement.pk,
    "/office/transfers/columns/": lambda things: "TWD",
    "/office/certificates/withheld/": lambda things: things.withholding.pk,
    "/office/certificates/exemption/": lambda things: things.application.pk,
    "/office/orders/": lambda things: things.order.number,
    "/office/subscriptions/": lambda things: things.subscription.pk,
    "/office/support/": lambda things: things.request.number,
    "/office/invoices/": lambda things: things.invoice.number,
    "/office/keys/": lambda things: things.staff_key.pk,
    "/office/mail/": lambda things: things.letter.pk,
    "/office/parked/": lambda things: things.parked.pk,
    "/office/parked/tasks/": lambda things: things.task.pk,
    "/office/runs/": lambda things: things.run.pk,
}
"""What to show at an address, by itself or by its beginning up to the object."""
NOBODYS = ("/offers/", "/competencies/")
"""Addresses whose parameter names something every company sees."""


def before_parameter(address: str) -> str:
    return PARAMETER.split(address)[0]


def ours() -> list[tuple[str, object]]:
    """What a browser opens; the API's operations are walked by programs (``test_api_access.py``)."""
    pages = [(address, view) for address, view in routes() if not address.startswith("/accounts/")]
    return [(address, view) for address, view in pages if view.access.door != "api"]


@dataclass
class Page:
    """One address with an object in it, and the guard that stands before it."""

    address: str
    shown: str
    door: str
    permission: str | None


@pytest.fixture(autouse=True)
def _refusals_are_no_news(caplog):
    caplog.set_level("ERROR", "django.request")


@pytest.fixture
def things(world) -> Things:
    return Things(world)


@pytest.fixture
def pages(things) -> list[Page]:
    def filled(address: str) -> str:
        if "<" not in address:
            return address
        thing = STAND_INS.get(address) or STAND_INS[before_parameter(address)]
        return PARAMETER.sub(str(thing(things)), address)

    return [Page(address, filled(address), view.access.door, view.access.permission) for address, view in ours()]


class Visitor:
    """Somebody with a browser; tells in one word what an address answered."""

    def __init__(self, user=None):
        self.client = Client()
        if user is not None:
            self.client.force_login(user)

    def meets(self, method: str, page: Page) -> str:
        try:
            answer = getattr(self.client, method)(page.shown)
        except Exception as fault:  # the page's name belongs in the report, whatever went wrong behind it
            return f"{type(fault).__name__}: {fault}"
        if answer.status_code == 302 and answer.headers["Location"].startswith("/accounts/login"):
            return "login"
        named = {403: "refused", 404: "hidden", 405: "not this way"}
        return named.get(answer.status_code) or ("in" if answer.status_code < 500 else f"status {answer.status_code}")


def test_every_address_has_a_guard_that_knows_its_permission():
    wrong = []
    for address, view in routes():
        access = getattr(view, "access", None)
        if address.startswith("/accounts/"):
            if address.removeprefix("/accounts/") not in SIGN_IN:
                wrong.append(f"{address}: a page of the sign-in library that nobody has looked at")
        elif access is None:
            wrong.append(f"{address}: no guard")
        elif access.door not in DOORS or (access.permission is not None and access.permission not in TABLE):
            wrong.append(f"{address}: {access}")
        elif access.door in ("portal", "office") and access.permission is None:
            wrong.append(f"{address}: a guard without a permission")
        elif address.startswith("/office/") != (access.door == "office"):
            wrong.append(f"{address}: in the wrong house")
    assert not wrong


def test_every_object_address_has_something_to_show():
    missing = {before_parameter(address) for address, _ in ours() if "<" in address} - STAND_INS.keys()
    assert not missing, "name an object for these in STAND_INS"


def test_the_refusal_names_who_can_help(things):
    client = Client()
    client.force_login(things.world.sal)
    words = client.get("/offers/").content.decode()
    assert "Ann Lin" in words
    assert "Sal Hsu can" not in words


def test_an_auditor_changes_nothing(pages, things):
    """Reads everything, writes nothing: whatever is posted, no event follows."""
    auditor = Visitor(things.world.staff("Audrey Auditor", "auditor"))
    before = Event.objects.count()
    met = {page.address: auditor.meets("post", page) for page in pages if page.door == "office"}
    assert Event.objects.count() == before
    assert not {
        address: word for address, word in met.items() if word not in ("in", "refused", "hidden", "not this way")
    }


def test_the_world_of_the_walk_is_alive(things):
    assert facts_of(things.subscription).term.n == 1
    assert things.letter is not None
