"""How often one person may have what costs something, and how often a gateway may ring (reliability.md §5.6)."""

from datetime import timedelta

import pytest
from django.test import Client

from tenure.plumbing import clock
from tenure.purchases.models import Draft
from tenure.web.hooks import gateways
from tenure.web.shared.pace import PACES

START, ORDERS = "/checkout/start/", {"offer": "action-pack"}
JOURNAL, SEARCH = "/office/books/journal/", "/office/partners/?q=contoso"


@pytest.fixture
def paced(world, settings):
    settings.PAGES_PACED = True
    return world


def come_in(user):
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def refused(answer) -> int:
    """The page that says how long to wait; the wait itself, in seconds."""
    assert answer.status_code == 429, answer.status_code
    seconds = int(answer.headers["Retry-After"])
    assert str(seconds) in answer.content.decode()
    return seconds


def test_ten_checkouts_a_minute_and_nobody_else_waits(paced):
    ming, ann = come_in(paced.ming), come_in(paced.ann)
    assert [ming.post(START, ORDERS).status_code for _ in range(10)] == [302] * 10
    assert 0 < refused(ming.post(START, ORDERS)) <= 60
    assert ming.get("/").status_code == ming.get("/offers/").status_code == 200, "looking costs nothing"
    assert ann.post(START, ORDERS).status_code == 302, "a colleague is somebody else"
    assert Draft.objects.exists()


def test_the_wait_ends_by_itself_and_is_not_made_longer_by_asking(paced, monkeypatch):
    ming, at = come_in(paced.ming), clock.machine()
    monkeypatch.setattr(clock, "machine", lambda: at)
    for _ in range(30):
        last = ming.post(START, ORDERS)
    assert refused(last) <= 60
    monkeypatch.setattr(clock, "machine", lambda: at + timedelta(seconds=61))
    assert ming.post(START, ORDERS).status_code == 302


def test_five_exports_an_hour(paced):
    fin = come_in(paced.fin)
    assert [fin.get(JOURNAL).status_code for _ in range(5)] == [200] * 5
    assert 60 < refused(fin.get(JOURNAL)) <= 3600
    assert come_in(paced.oda).get(JOURNAL).status_code == 200


def test_sixty_searches_a_minute_and_a_list_without_one_is_free(paced):
    desk = come_in(paced.oda)
    assert {desk.get(SEARCH).status_code for _ in range(PACES["search"][0])} == {200}
    refused(desk.get(SEARCH))
    assert desk.get("/office/partners/").status_code == 200


def test_ten_keys_an_hour(paced):
    ann = come_in(paced.ann)
    for _ in range(10):
        assert ann.post("/keys/", {}).status_code in (200, 302, 422)
    refused(ann.post("/keys/", {}))
    assert ann.get("/keys/").status_code == 200


def test_it_is_said_in_chinese_too(paced):
    type(paced.ming).objects.filter(pk=paced.ming.pk).update(language="zh-hant")
    ming = come_in(type(paced.ming).objects.get(pk=paced.ming.pk))
    for _ in range(11):
        answer = ming.post(START, ORDERS)
    assert refused(answer) and 'lang="zh-Hant"' in answer.content.decode()


def test_control_in_a_demonstration_nobody_is_counted(world):
    ming = come_in(world.ming)
    assert {ming.post(START, ORDERS).status_code for _ in range(30)} == {302}


def test_a_doorbell_is_counted_before_its_signature_is_looked_at(world, monkeypatch):
    monkeypatch.setattr(gateways, "BELLS_A_MINUTE", 20)
    asked = []
    monkeypatch.setattr(gateways, "heard", lambda *given, **more: asked.append(given))
    rung = [Client().post("/hooks/demo", b"{}", content_type="application/json") for _ in range(25)]
    assert [answer.status_code for answer in rung] == [200] * 20 + [429] * 5 and len(asked) == 20
    assert 0 < int(rung[-1].headers["Retry-After"]) <= 60
    other = Client(REMOTE_ADDR="198.51.100.7").post("/hooks/demo", b"{}", content_type="application/json")
    assert other.status_code == 200, "somebody else's flood closes no gateway's door"
