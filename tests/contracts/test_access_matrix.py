"""Everything there is to ask for, asked for by everybody, in every method: what happens is what the page says.

What is due is read from ``docs/access.md`` alone, as a person would read it; what happens is asked of the server. An
address without a line there fails, and so does a line without an address. Every cell is undone before the next.
Read next: ``tests/contracts/test_access_walk.py``, whose objects are shown here.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client, override_settings

from tenure.kernel.access import SYSTEM
from tenure.people import actions as people
from tenure.people import keys
from tenure.people.models import ApiKey, Colleague
from tenure.web.api.operations import OPERATIONS
from tests.contracts.test_access_walk import NOBODYS, PARAMETER, STAND_INS, Things, before_parameter
from tests.contracts.test_api_access import Walker
from tests.doors.api import key_of, object_of, objects_of
from tests.worlds import World
from tools.access import PAGE, routes

pytestmark = pytest.mark.django_db
AT_LEAST = 1500
METHODS = ("GET", "POST")
FORM = "application/x-www-form-urlencoded"
ALL_BUT_NAMED = {"Global admin": ("partner's people", "both"), "Programme operator": ("staff", "both")}
"""The two roles that the page leaves out, because they hold everything of their side."""
OPEN_DOORS = ("public", "machine")
NAMING = ("/transfers/{id}/match", "/transfers/{id}/hold")
"""What is sent there names something that is not there, which is another thing than not being let in."""
OF_ADDRESS = {(each.method, f"/api/v1{each.path}"): each for each in OPERATIONS.values()}
EVERYBODYS = (*NOBODYS, "/api/v1/offers/")
SECOND = {
    "/support/<str:number>/": "support.view_all",
    "/api/v1/support-requests/{number}": "support.view_all",
    "/api/v1/support-requests/{number}/notes": "support.view_all",
    "/api/v1/orders": "purchases.buy",
    "/office/partners/<int:id>/suspend/": "partners.suspend",
    "/office/partners/<int:id>/reinstate/": "partners.reinstate",
    "/office/partners/<int:id>/exempt/": "partners.grant_exemption",
    "/office/partners/<int:id>/invite/": "partners.invite_from_old_portal",
    "/office/partners/<int:id>/evidence/": "competencies.record_evidence",
    "/office/support/<str:number>/reply/": "support.reply",
    "/office/support/<str:number>/close/": "support.close_request",
    "/office/support/<str:number>/refund/": "support.decide",
    "/office/support/<str:number>/approve/": "support.approve_refund",
    "/office/support/<str:number>/override/": "support.decide",
    "/office/support/<str:number>/do-not-renew/": "support.decide",
    "/office/support/<str:number>/exempt/": "partners.grant_exemption",
    "/office/support/<str:number>/refund-tax/": "support.refund_tax",
    "/office/transfers/<int:id>/split/": "purchases.split_transfer",
    "/office/webhooks/deliveries/<int:id>/": "webhooks.replay",
    "/office/books/compare/": "billing.reconcile",
    "/office/books/close/<str:month>/": "billing.close_month",
}
"""Where an address stands behind a right to look, and what is done there behind one of its own: a request is Ann's, and
others need the right to see them all. Whoever lacks it gets in to look, and is refused when something is to be done."""


# What the page says.


@dataclass
class Told:
    """``docs/access.md``, read as text."""

    holders: dict[str, set[str]] = field(default_factory=dict)
    sides: dict[str, str] = field(default_factory=dict)
    lines: list[tuple[str, str, str]] = field(default_factory=list)

    def __post_init__(self):
        above, below = PAGE.read_text(encoding="utf-8").split("## Addresses")
        for name, _says, side, _money, roles in self.cells(above):
            self.sides[name] = side
            self.holders[name] = set() if roles == "–" else set(roles.split(", "))
        self.lines = [(address, door, permission) for address, door, permission in self.cells(below)]

    @staticmethod
    def cells(text: str) -> Iterator[list[str]]:
        rows = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| `")]
        return ([cell.strip(" `") for cell in row] for row in rows)

    def holds(self, roles: tuple[str, ...], permission: str) -> bool:
        side = self.sides[permission]
        whole = {role for role, words in ALL_BUT_NAMED.items() if side.startswith(words[0]) or "and staff" in side}
        return bool(set(roles) & (self.holders[permission] | whole))


TOLD = Told()


# Who asks.


@dataclass
class Caller:
    """Somebody with a browser or a program with a key; where they belong, and what the page calls their roles."""

    name: str
    client: Client
    where: str
    """``nowhere``, ``contoso``, ``elsewhere``, ``office`` or ``left``."""
    roles: tuple[str, ...] = ()
    scopes: frozenset[str] | None = None
    program: Walker | None = None

    def may(self, permission: str) -> bool:
        return TOLD.holds(self.roles, permission) and (self.scopes is None or permission in self.scopes)


@pytest.fixture(scope="module")
def things(django_db_setup, django_db_blocker, card_gateway):
    """One world for the whole module, in a transaction that counts as a test's."""
    hashers = ["django.contrib.auth.hashers.MD5PasswordHasher", "django.contrib.auth.hashers.Argon2PasswordHasher"]
    calm = {"TENURE_API_PER_MINUTE": 10**6, "PASSWORD_HASHERS": hashers}
    mail = {"EMAIL_BACKEND": "django.core.mail.backends.locmem.EmailBackend"}
    with django_db_blocker.unblock(), override_settings(**calm, **mail), undone():
        yield Things(World(card_gateway))


@contextmanager
def undone() -> Iterator[None]:
    """Whatever happens inside has not happened."""
    block = transaction.atomic()
    block._from_testcase = True
    with block:
        yield
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _refusals_are_no_news(caplog):
    caplog.set_level("CRITICAL", "django.request")
    caplog.set_level("CRITICAL", "tenure")


PARTNERS_PEOPLE = {"sal": "Member", "bo": "Billing admin", "ming": "Programme admin", "ann": "Global admin"}
STAFF = {
    "vera": ("verification_officer", "Verification officer"),
    "fiona": ("finance", "Finance"),
    "sue": ("support_agent", "Support agent"),
    "audrey": ("auditor", "Auditor"),
    "adam": ("administrator", "System administrator"),
    "oda": ("operator", "Programme operator"),
}


@pytest.fixture(scope="module")
def cast(things) -> dict[str, object]:
    """Every person by name, with what the page calls their role."""
    world = things.world
    found = {name: getattr(world, name) for name in PARTNERS_PEOPLE} | {"stranger": things.stranger}
    found |= {"fiona": world.fin, "sue": world.sue, "oda": world.oda}
    found |= {name: world.staff(f"{name.title()} Staff", STAFF[name][0]) for name in ("vera", "audrey", "adam")}
    found |= {"usha": world.colleague("Usha User", "user_admin"), "lee": world.colleague("Lee Left", "global_admin")}
    found |= {"ian": world.colleague("Ian Inactive", "member")}
    return found


def browser(user=None) -> Client:
    client = Client(raise_request_exception=False)
    if user is not None:
        client.force_login(user)
    return client


@pytest.fixture(scope="module")
def people_with_browsers(things, cast) -> list[Caller]:
    callers = [Caller("nobody", browser(), "nowhere")]
    of = PARTNERS_PEOPLE | {"usha": "User admin"}
    callers += [Caller(name, browser(cast[name]), "contoso", (role,)) for name, role in of.items()]
    callers += [Caller("stranger", browser(cast["stranger"]), "elsewhere", ("Global admin",))]
    callers += [Caller(name, browser(cast[name]), "office", (role,)) for name, (_, role) in STAFF.items()]
    inactive, ended = Caller("ian", browser(cast["ian"]), "nowhere"), Caller("lee", browser(cast["lee"]), "nowhere")
    people.deactivate(SYSTEM, Colleague.objects.get(user=cast["lee"]), now=things.world.now)
    cast["ian"].is_active = False
    cast["ian"].save()
    # Deactivating ends what Lee was signed in to; who signs in again belongs nowhere.
    return [*callers, inactive, ended, Caller("lee again", browser(cast["lee"]), "left")]


@pytest.fixture(scope="module")
def programs(things, cast) -> list[Caller]:
    world = things.world

    def program(name: str, where: str, role: str, *scopes: str, of: str = "") -> Caller:
        key = key_of(world, cast[of or name], *scopes, office=where == "office", by_hand=True)
        row = ApiKey.objects.order_by("-id").first()
        walker = Walker(things, key, of_the_office=where == "office")
        return Caller(f"key of {name}", walker.browser, where, (role,), frozenset(row.scopes), walker)

    unknown = Walker(things, "tnr_00000000_unknown")
    callers = [Caller("no key", browser(), "nowhere", program=Walker(things, None))]
    callers += [Caller("unknown", browser(), "nowhere", program=unknown)]
    callers += [program(name, "contoso", role) for name, role in PARTNERS_PEOPLE.items()]
    callers += [program("stranger", "elsewhere", "Global admin")]
    callers += [program(name, "office", role) for name, (_, role) in STAFF.items()]
    for name in ("revoked", "whose maker left"):
        maker = world.colleague(f"{name.split()[0].title()} Maker", "global_admin")
        cast[name] = maker
        caller = program(name, "nowhere", "Global admin")
        if name == "whose maker left":
            people.deactivate(SYSTEM, Colleague.objects.get(user=maker), now=world.now)
        else:
            keys.revoke_key(world.actor(maker), ApiKey.objects.get(maker=maker), now=world.now)
        callers.append(caller)
    for group, scopes in sorted(groups().items()):
        callers.append(program(f"ann, {group} only", "contoso", "Global admin", *scopes, of="ann"))
    return callers


def groups() -> dict[str, list[str]]:
    """The rights that a company's key can be given, by capability."""
    asked = {each.permission for each in OPERATIONS.values() if each.permission and not each.office}
    found: dict[str, list[str]] = {}
    for name in sorted(asked):
        found.setdefault(name.split(".")[0], []).append(name)
    return found


# What there is to ask for.


@dataclass(frozen=True)
class Ask:
    address: str
    shown: str
    door: str
    permission: str
    method: str

    @property
    def an_object(self) -> bool:
        return ("<" in self.address or "{" in self.address) and not self.address.startswith(EVERYBODYS)


def pages(things) -> list[Ask]:
    """Every line of the page that a browser can open, with an object of Contoso's in it."""

    def filled(address: str) -> str:
        if "<" not in address:
            return address
        thing = STAND_INS.get(address) or STAND_INS[before_parameter(address)]
        return PARAMETER.sub(str(thing(things)), address)

    lines = [line for line in TOLD.lines if not line[1].startswith(("api", "sign-in"))]
    return [Ask(address, filled(address), door, right, how) for address, door, right in lines for how in METHODS]


def operations(things) -> list[Ask]:
    objects = objects_of(things)
    asks = []
    for line, door, right in TOLD.lines:
        if door.startswith("api"):
            method, _, address = line.partition(" ")
            address = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", address)
            shown = str(object_of(address.removeprefix("/api/v1"), objects))
            asks.append(Ask(address, re.sub("{[a-z]+}", shown, address), door, right, method))
    return asks


# What is due, and what happens.


def due_to_a_person(caller: Caller, ask: Ask) -> str:
    if ask.door in OPEN_DOORS:
        return "open"
    if caller.where == "nowhere":
        return "login"
    if ask.door == "signed in":
        return "open"
    if ask.door == "office":
        if caller.where != "office":
            return "hidden"
        return "in" if caller.may(ask.permission) else "refused"
    if caller.where in ("office", "left"):
        return "sent on"
    if not caller.may(ask.permission):
        return "refused"
    return "hidden" if caller.where == "elsewhere" and ask.an_object else "in"


def due_to_a_program(caller: Caller, ask: Ask) -> str:
    if caller.where == "nowhere":
        return "key"
    if ask.permission == "any key":
        return "in"
    if "office" in ask.door:
        if caller.where != "office":
            return "hidden"
        return "in" if caller.may(ask.permission) else "refused"
    if caller.where == "office":
        if "{" not in ask.address or "and staff" not in TOLD.sides[ask.permission]:
            return "another key"
        return "in" if caller.may(ask.permission) else "refused"
    if not caller.may(ask.permission):
        return "refused"
    return "hidden" if caller.where == "elsewhere" and ask.an_object else "in"


def asked(caller: Caller, ask: Ask) -> HttpResponse:
    """What the server answers. A program sends what fits the document, for only then is it seen whose an object is."""
    if ask.door.startswith("api"):
        return caller.program._asks(OF_ADDRESS[ask.method, ask.address], ask.shown)
    if ask.method == "GET":
        return caller.client.get(ask.shown)
    return caller.client.generic("POST", ask.shown, "offer=action-pack", content_type=FORM)


def second_is_missing(caller: Caller, ask: Ask) -> bool:
    right = SECOND.get(ask.address)
    return right is not None and caller.name not in ("ann", "key of ann") and not caller.may(right)


WORDS = {401: "key", 403: "refused", 404: "hidden", 405: "not this way"}


def met(caller: Caller, ask: Ask) -> str:
    """Ask, say in a word what was answered, and undo it."""
    cookies = caller.client.cookies.copy()
    with undone():
        answer = asked(caller, ask)
    caller.client.cookies = cookies
    to = answer.headers.get("Location", "")
    if to.startswith("/accounts/login"):
        return "login"
    if ask.door == "portal" and caller.where in ("office", "left") and to in ("/office/", "/join/"):
        return "sent on"
    if b"access.partner_key_needed" in answer.content[:2000] if not answer.streaming else False:
        return "another key"
    if ask.address.endswith(NAMING) and caller.where == "office" and answer.status_code == 404:
        return "in"
    return WORDS.get(answer.status_code, "in" if answer.status_code < 500 else f"broken {answer.status_code}")


def agrees(due: str, met: str) -> bool:
    if due == "open":
        return met != "login" and not met.startswith("broken")
    return met in (due, "not this way")


def differences(callers: list[Caller], asks: list[Ask], due: Callable[[Caller, Ask], str]) -> tuple[int, list[str]]:
    wrong, cells = [], 0
    for caller in callers:
        for ask in asks:
            wanted, found = due(caller, ask), met(caller, ask)
            cells += 1
            if wanted == "in" and found == "refused" and second_is_missing(caller, ask):
                continue
            if not agrees(wanted, found):
                wrong.append(f"{ask.method} {ask.address} ({ask.permission}) by {caller.name}: {wanted}, met {found}")
    return cells, wrong


def test_every_address_has_its_line_and_every_line_its_address():
    there = set()
    for address, view in routes():
        methods = getattr(view, "operations", {})
        there |= {f"{method} {address}" for method in methods} or {address}
    assert there == {line[0].replace("\\|", "|") for line in TOLD.lines}


def test_people_meet_what_the_page_says(things, people_with_browsers):
    cells, wrong = differences(people_with_browsers, pages(things), due_to_a_person)
    assert not wrong
    assert cells >= AT_LEAST


def test_programs_meet_what_the_page_says(things, programs):
    cells, wrong = differences(programs, operations(things), due_to_a_program)
    assert not wrong
    assert cells >= AT_LEAST


def test_no_page_is_barred_in_every_method(things, people_with_browsers):
    """An address that answered "not this way" to everything would agree with anything."""
    oda = next(caller for caller in people_with_browsers if caller.name == "oda")
    shut = {}
    for ask in pages(things):
        if ask.door == "office":
            shut.setdefault(ask.address, set()).add(met(oda, ask))
    assert [address for address, words in shut.items() if words == {"not this way"}] == []


def test_the_matrix_would_notice_a_door_left_open(things, people_with_browsers, monkeypatch):
    """The negative control: whoever is asked about, the answer is yes."""
    monkeypatch.setattr("tenure.web.shared.pages.decide", lambda *_: None)
    sal = next(caller for caller in people_with_browsers if caller.name == "sal")
    _, wrong = differences([sal], pages(things), due_to_a_person)
    assert len(wrong) > 20
