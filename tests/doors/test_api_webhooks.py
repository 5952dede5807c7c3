"""The feed and webhook endpoints as a program meets them."""

import json

import pytest
from django.test import Client

from tenure.plumbing import outgoing
from tenure.plumbing.models import Event
from tenure.webhooks.models import Delivery, Endpoint
from tests import hostile
from tests.doors.api import key_of

pytestmark = pytest.mark.django_db
HOOK = {"url": "https://hooks.contoso.example/in", "types": ["orders.*"], "name": "Our own system"}


@pytest.fixture(autouse=True)
def _public(monkeypatch):
    monkeypatch.setattr(outgoing, "look_up", lambda host, port: [host if host[0].isdigit() else "93.184.215.14"])


class Program:
    """A program with a key; answers are read as JSON."""

    def __init__(self, key: str):
        self.headers = {"Authorization": f"Bearer {key}"}

    def __call__(self, method: str, path: str, body: dict | None = None, **more):
        data = json.dumps(body) if body is not None else ""
        kind = "application/json" if body is not None else ""
        headers = {**self.headers, **more}
        answer = Client().generic(method, f"/api/v1{path}", data, content_type=kind, headers=headers)
        return answer.status_code, json.loads(answer.content or "null")


@pytest.fixture
def ann(world):
    return Program(key_of(world, world.ann))


@pytest.fixture
def office(world):
    return Program(key_of(world, world.oda, office=True))


def test_the_feed_is_read_to_its_end_and_on_from_there(world, ann):
    order = world.buy_by_card()
    seen, after = [], ""
    while True:
        status, page = ann("GET", f"/events?limit=5{after}")
        assert status == 200 and len(page["items"]) <= 5
        seen += page["items"]
        if page["next"] is None:
            break
        assert page["next"] == seen[-1]["id"]
        after = f"&after={page['next']}"
    assert {event["partner"] for event in seen} == {world.contoso.number}
    paid = [event for event in seen if event["type"] == "orders.paid"]
    assert [event["data"]["number"] for event in paid] == [order.number]
    assert ann("GET", f"/events?after={seen[-1]['id']}") == (200, {"items": [], "next": None})
    world.ask_to_cancel(order.subscription)
    _, page = ann("GET", f"/events?after={seen[-1]['id']}&type=support.opened")
    assert [event["type"] for event in page["items"]] == ["support.opened"]


def test_a_mark_that_is_none_or_another_s_is_refused(world, ann):
    world.company("Fabrikam Ltd", "fabrikam.example", "Fay Fu")
    last = Event.objects.order_by("pk").last()
    status, told = ann("GET", f"/events?after=evt_{last.pk}")
    assert (status, told["code"]) == (404, "events.after_unknown")
    assert ann("GET", "/events?after=1")[0] == 422
    assert ann("GET", "/events?type=renewals.ran")[0] == 422


def test_the_office_reads_everything(world, office):
    status, page = office("GET", "/office/events?type=programme.applied")
    assert status == 200 and page["items"][0]["partner"] is None


def test_an_endpoint_lives_from_adding_to_removing(world, ann):
    status, made = ann("POST", "/webhook-endpoints", HOOK, **{"Idempotency-Key": "one"})
    assert status == 201 and made["types"] == ["orders.*"] and "secret" not in made
    assert ann("POST", "/webhook-endpoints", HOOK, **{"Idempotency-Key": "one"}) == (201, made)
    path = f"/webhook-endpoints/{made['id']}"
    first, second = ann("PUT", f"{path}/secret")[1], ann("PUT", f"{path}/secret")[1]
    assert first["secret"].startswith("whsec_") and first["secret"] != second["secret"]
    assert second["previous_ends_at"] is not None
    changed = ann("PUT", path, HOOK | {"types": ["*"], "name": "x"})[1]
    assert (changed["types"], changed["name"]) == (["*"], "x")
    assert ann("POST", f"{path}/pause")[1]["status"] == "paused"
    assert ann("POST", f"{path}/test")[1]["code"] == "webhooks.not_active"
    assert ann("POST", f"{path}/resume", {})[1]["status"] == "active"
    assert ann("GET", "/webhook-endpoints")[1]["items"] == [ann("GET", path)[1]]
    assert ann("DELETE", path)[0] == 204
    assert ann("GET", "/webhook-endpoints")[1]["items"] == []
    assert ann("POST", f"{path}/resume", {})[1]["code"] == "webhooks.removed"


def test_no_secret_is_kept_with_the_answers(world, ann):
    from tenure.plumbing.models import Answer

    path = f"/webhook-endpoints/{ann('POST', '/webhook-endpoints', HOOK, **{'Idempotency-Key': 'k'})[1]['id']}"
    secret = ann("PUT", f"{path}/secret", **{"Idempotency-Key": "k2"})[1]["secret"]
    assert Answer.objects.count() == 1
    assert not any(secret in str(vars(row)) for row in Answer.objects.all())


def test_deliveries_are_listed_and_sent_again(world, ann, settings):
    settings.TENURE_WEBHOOK_LOOPBACK = True
    path = f"/webhook-endpoints/{ann('POST', '/webhook-endpoints', HOOK)[1]['id']}"
    with hostile.receiver(hostile.answers(500)) as one:
        Endpoint.objects.update(url=one.url())
        world.buy()
        world.work()
        (row,) = ann("GET", f"{path}/deliveries?state=due")[1]["items"]
        assert (row["type"], row["tries"], row["answer"], row["fault"]) == ("orders.placed", 1, 500, "status_500")
        Delivery.objects.update(state="failed")
        one._act = lambda line: line.sendall(hostile.OK)
        assert ann("POST", f"{path}/replay-failed", {"since": "2018-01-01T00:00:00Z"})[1] == {"deliveries": 1}
        world.work()
        assert ann("POST", f"{path}/replay", {"deliveries": [row["id"]]})[1] == {"deliveries": 1}
        world.work()
        assert one.lines == 3
    (row,) = ann("GET", f"{path}/deliveries?state=delivered")[1]["items"]
    assert row["answer"] == 200 and row["due_at"] is None


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://localhost.internal/", "webhooks.url_private"),
        ("https://hooks.contoso.example:25/", "webhooks.url_port"),
    ],
)
def test_attack_54_what_leads_inside_is_refused_by_field(world, ann, url, code):
    status, told = ann("POST", "/webhook-endpoints", HOOK | {"url": url})
    assert status == 409 and [field["code"] for field in told["fields"]] == [code]


@pytest.mark.parametrize("url", ["http://hooks.contoso.example/", "https://127.0.0.1/", "https://u@h.example/", "x"])
def test_attack_54_what_is_no_address_does_not_fit_the_document(world, ann, url):
    assert ann("POST", "/webhook-endpoints", HOOK | {"url": url})[0] == 422


def test_another_company_finds_neither_endpoint_nor_delivery(world, ann, office):
    fabrikam = world.company("Fabrikam Ltd", "fabrikam.example", "Fay Fu")
    path = f"/webhook-endpoints/{ann('POST', '/webhook-endpoints', HOOK)[1]['id']}"
    fay = Program(key_of(world, world.person("fay@fabrikam.example")))
    for method, place, body in (
        ("GET", "", None),
        ("PUT", "", HOOK),
        ("DELETE", "", None),
        ("PUT", "/secret", None),
        ("GET", "/deliveries", None),
        ("POST", "/replay", {"deliveries": [1]}),
    ):
        assert fay(method, path + place, body)[0] == 404
    assert fabrikam.pk and fay("GET", "/webhook-endpoints")[1]["items"] == []
    assert [each["partner"] for each in office("GET", "/office/webhook-endpoints")[1]["items"]] == [
        world.contoso.number
    ]
