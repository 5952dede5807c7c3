"""The second line by itself: with every question for the company taken out of the code, nothing leaks all the same.

Each test has its control, in which the second line is off as well: then the same pages do leak. Read next:
``src/tenure/plumbing/sight.py``.
"""

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.utils import ProgrammingError
from django.test import Client

from tenure.kernel.access import NOBODY, SYSTEM, Actor
from tenure.memberships.models import Subscription
from tenure.plumbing import sight
from tenure.plumbing.models import Event
from tenure.proof import verify
from tests.contracts.test_access_matrix import OF_ADDRESS, TOLD, browser
from tests.contracts.test_access_walk import PARAMETER, STAND_INS, Things, before_parameter
from tests.contracts.test_api_access import Walker
from tests.doors.api import key_of, object_of, objects_of

OF_THE_OFFICE = {
    "payments_bankline": "a line of the bank's statement is nobody's until it is given to an order",
    "payments_outgoingline": "a line of the bank's statement",
    "plumbing_storedfile": "bytes without an owner; each is reached through a row that has one",
    "people_user": "people belong to several companies; who belongs where stands in people_colleague",
}
"""Tables that hang on a company's rows without being one company's."""

TENANT_TABLES = """
    SELECT DISTINCT c.relname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE a.attname = 'partner_id' AND c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
"""
CHILDREN = """
    SELECT DISTINCT child.relname FROM pg_constraint k
    JOIN pg_class child ON child.oid = k.conrelid JOIN pg_class parent ON parent.oid = k.confrelid
    WHERE k.contype = 'f' AND parent.relrowsecurity AND child.relnamespace = current_schema()::regnamespace
"""
PROTECTED = "SELECT tablename FROM pg_policies WHERE 'tenure_partner' = ANY (roles)"


def names(sql: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return {name for (name,) in cursor.fetchall()}


@pytest.fixture
def things(world, settings, caplog) -> Things:
    settings.TENURE_API_PER_MINUTE = 10**6
    caplog.set_level("CRITICAL")
    return Things(world)


@pytest.fixture
def marks(things) -> list[bytes]:
    """What must not be read by anybody of another company."""
    own = [things.order.number, things.invoice.number, things.request.number, "Contoso Taiwan", "ming@contoso.example"]
    return [str(word).encode() for word in own]


@pytest.fixture
def first_line_gone(monkeypatch):
    """No permission is asked for and no query asks for one company."""

    def careless(self, *args, **kwargs):
        left = {name: value for name, value in kwargs.items() if not name.startswith("partner")}
        return ordinary(self, *args, **left)

    ordinary = QuerySet.filter
    monkeypatch.setattr(QuerySet, "filter", careless)
    monkeypatch.setattr("tenure.web.shared.pages.decide", lambda *_: None)
    monkeypatch.setattr("tenure.web.api.door.decide", lambda *_: None)
    monkeypatch.setattr("tenure.web.api.listing.decide", lambda *_: None, raising=False)


@pytest.fixture
def second_line_gone(monkeypatch):
    monkeypatch.setattr(sight, "through_eyes_of", lambda actor: None)


def portal_pages(things) -> list[str]:
    """Every address of the portal, with Contoso's object in it."""
    found = []
    for address, door, _right in TOLD.lines:
        if door == "portal":
            thing = STAND_INS.get(address) or STAND_INS[before_parameter(address)] if "<" in address else None
            found.append(PARAMETER.sub(str(thing(things)) if thing else "", address))
    return found


def leaks_of_pages(things, marks: list[bytes]) -> list[str]:
    client = browser(things.stranger)
    return [path for path in portal_pages(things) if _holds(client.get(path), marks)]


def leaks_of_program(things, marks: list[bytes]) -> list[str]:
    walker, found = Walker(things, key_of(things.world, things.stranger)), []
    objects = objects_of(things)
    for operation in OF_ADDRESS.values():
        if operation.method == "GET" and not operation.office:
            shown = str(object_of(operation.path, objects))
            path = f"/api/v1{operation.path.split('{')[0]}{shown if '{' in operation.path else ''}"
            path += operation.path.split("}")[1] if "}" in operation.path else ""
            if _holds(walker._asks(operation, path), marks):
                found.append(operation.id)
    return found


def _holds(answer, marks: list[bytes]) -> bool:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    if answer.status_code != 200:  # what is not found repeats the address that was asked for
        return False
    file = answer.headers["Content-Type"].startswith(("application/pdf", "image/"))
    return file or any(mark in content for mark in marks)


def test_every_table_of_a_company_is_protected(db):
    protected = names(PROTECTED)
    assert names(TENANT_TABLES) - protected == set()
    assert names(CHILDREN) - protected - OF_THE_OFFICE.keys() == set()
    assert len(protected) > 40


def test_pages_leak_nothing_without_the_first_line(things, marks, first_line_gone):
    assert leaks_of_pages(things, marks) == []


def test_pages_would_leak_without_either(things, marks, first_line_gone, second_line_gone):
    assert len(leaks_of_pages(things, marks)) > 10


def test_programs_are_told_nothing_without_the_first_line(things, marks, first_line_gone):
    assert leaks_of_program(things, marks) == []


def test_programs_would_be_told_without_either(things, marks, first_line_gone, second_line_gone):
    assert len(leaks_of_program(things, marks)) > 5


@pytest.fixture
def eyes():
    yield sight.through_eyes_of
    sight.with_open_eyes()


def test_a_partners_eyes_see_their_own_company_alone(things, eyes):
    everything = Event.objects.count()
    eyes(things.world.actor(things.stranger))
    own = set(Event.objects.values_list("partner_id", flat=True))
    assert own == set(things.world.actor(things.stranger).grants)
    assert not Subscription.objects.exists()
    with sight.everything():
        assert Event.objects.count() == everything
    assert not Subscription.objects.exists()


def test_nothing_can_be_written_for_another_company(things, eyes):
    eyes(things.world.actor(things.stranger))
    assert Subscription.objects.filter(pk=things.subscription.pk).update(auto_renew=True) == 0
    with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
        Event.objects.create(
            name="x", partner_id=things.world.contoso.pk, subject="x", actor="x", verb="x", occurred_at=things.world.now
        )


@pytest.mark.parametrize("actor", [SYSTEM, NOBODY, Actor("person", 1, "Both", {7: frozenset()}, frozenset({"*"}))])
def test_the_system_and_staff_see_everything(things, eyes, actor):
    eyes(actor)
    assert not sight.narrowed()
    assert Subscription.objects.exists()


def test_a_request_leaves_the_connection_as_it_was(things):
    client = Client()
    client.force_login(things.stranger)
    assert client.get("/").status_code == 200
    assert not sight.narrowed()
    assert names("SELECT current_user") != {"tenure_partner"}
    assert Subscription.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_connection_made_anew_sees_no_more(things, eyes):
    eyes(things.world.actor(things.stranger))
    connection.close()
    assert not Subscription.objects.exists()
    sight.with_open_eyes()
    connection.close()
    assert Subscription.objects.exists()
    assert verify.run(ask_gateways=False, only={"I-39"}).findings[0].count == 0
