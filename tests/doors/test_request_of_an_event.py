"""An event says in which request it was asked for: the name that the answer and the log carry."""

from django.test import Client

from tenure.people.models import Colleague
from tenure.plumbing.models import Event
from tenure.proof import seals
from tenure.proof.facts import audit

NAME = "0123456789abcdef0123456789abcdef"


def change_roles(world) -> Event:
    client, place = Client(), Colleague.objects.get(user=world.sal)
    client.force_login(world.ann)
    answer = client.post(f"/users/{place.pk}/", {"roles": ["billing_admin"]}, headers={"X-Request-Id": NAME})
    assert answer.status_code == 302 and answer.headers["X-Request-Id"] == NAME
    return Event.objects.filter(actor=f"person:{world.ann.pk}", subject__contains=str(world.sal.pk)).latest("id")


def test_what_a_page_does_carries_the_name_of_its_request(world):
    row = change_roles(world)
    assert row.request == NAME
    told = {line["id"]: line["request"] for line in audit()}
    assert told[str(row.pk)] == NAME
    assert set(told.values()) == {None, NAME}


def test_what_the_system_does_has_none(world):
    world.buy_by_card()
    world.work()
    assert set(Event.objects.values_list("request", flat=True)) == {""}


def test_the_name_is_sealed_and_its_absence_hashes_as_before(world):
    given = {"id": "1", "occurred_at": None, "payload": {}}
    assert seals.leaf(given | {"request": None}) == seals.leaf(dict(given))
    assert seals.leaf(given | {"request": NAME}) != seals.leaf(dict(given))
