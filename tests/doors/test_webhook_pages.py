"""The pages of webhook endpoints, in the portal and in the office."""

import re

import pytest

from tenure.plumbing import outgoing
from tenure.webhooks.models import Delivery, Endpoint, Secret
from tests import hostile

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _public(monkeypatch, settings):
    settings.TENURE_WEBHOOK_LOOPBACK = True
    monkeypatch.setattr(outgoing, "look_up", lambda host, port: [host if host[0].isdigit() else "93.184.215.14"])


def add(client, url="https://hooks.contoso.example/in", **given):
    return client.post("/webhooks/", {"url": url, "name": "Our system", "types": ["orders.*"], **given})


def secret_in(page: str) -> str:
    return re.search(r"whsec_[A-Za-z0-9+/=]+", page).group()


def test_an_endpoint_is_added_and_its_secret_shown_once(client, world):
    client.force_login(world.ann)
    secret = secret_in(add(client).content.decode())
    endpoint = Endpoint.objects.get()
    assert (endpoint.partner_id, endpoint.url) == (world.contoso.pk, "https://hooks.contoso.example/in")
    for path in ("/webhooks/", f"/webhooks/{endpoint.pk}/"):
        page = client.get(path).content.decode()
        assert "Our system" in page and "orders.*" in page
        assert secret not in page and "whsec_" not in page


def test_what_is_wrong_is_said_beside_its_field_and_what_was_typed_stays(client, world):
    client.force_login(world.ann)
    answer = add(client, url="https://10.0.0.1/", name="<b>x</b>", types=[])
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "private network" in page and "Choose at least one event." in page
    assert "https://10.0.0.1/" in page and "&lt;b&gt;x" in page
    assert not Endpoint.objects.exists()


def test_everything_can_be_done_from_the_page(client, world):
    client.force_login(world.ann)
    first = secret_in(add(client).content.decode())
    endpoint = Endpoint.objects.get()
    path = f"/webhooks/{endpoint.pk}/"

    def act(what: str) -> str:
        answer = client.post(path, {"act": what}, follow=True)
        assert answer.status_code == 200
        endpoint.refresh_from_db()
        return answer.content.decode()

    assert "Paused" in act("pause") and endpoint.status == "paused"
    act("resume")
    assert endpoint.status == "active"
    assert secret_in(act("rotate")) != first and Secret.objects.count() == 2
    assert "A test is on its way" in act("test")
    given = {"url": "https://other.contoso.example/", "name": "", "types": ["*"]}
    page = client.post(path, given, follow=True).content.decode()
    assert "https://other.contoso.example/" in page
    assert "Removed" in act("remove")
    answer = client.post(path, {"act": "resume"})
    assert answer.status_code == 409 and "has been removed" in answer.content.decode()


def test_the_log_shows_body_headers_and_answer_and_sends_again(client, world):
    client.force_login(world.ann)
    with hostile.receiver(hostile.answers(500, "X-Why: <script>", body=b"<script>alert(1)</script>")) as one:
        add(client, url=one.url(), types=["orders.placed"])
        order = world.buy()
        world.work()
        delivery = Delivery.objects.get()
        path = f"/webhooks/deliveries/{delivery.pk}/"
        page = client.get(path).content.decode()
        assert order.number in page and "webhook-signature" in page and "Answered with" in page
        assert "&lt;script&gt;alert(1)" in page and "<script>alert" not in page
        assert (
            "Answered with status 500." in client.get(f"/webhooks/{delivery.endpoint_id}/?state=due").content.decode()
        )
        one._act = lambda line: line.sendall(hostile.OK)
        assert client.post(path, follow=True).status_code == 200
        world.work()
    delivery.refresh_from_db()
    assert delivery.state == "delivered"
    assert "Try 2" in client.get(path).content.decode()


def test_a_stranger_finds_nothing_and_a_colleague_is_told_who_can(client, world):
    client.force_login(world.ann)
    add(client)
    endpoint = Endpoint.objects.get()
    world.company("Fabrikam Ltd", "fabrikam.example", "Fay Fu")
    client.force_login(world.person("fay@fabrikam.example"))
    assert client.get(f"/webhooks/{endpoint.pk}/").status_code == 404
    assert client.post(f"/webhooks/{endpoint.pk}/", {"act": "rotate"}).status_code == 404
    client.force_login(world.sal)
    answer = client.get("/webhooks/")
    assert answer.status_code == 403 and "Ann Lin" in answer.content.decode()
    assert Secret.objects.count() == 1


def test_the_office_sees_who_does_not_answer_and_has_its_own(client, world):
    client.force_login(world.ann)
    with hostile.receiver(hostile.answers(410)) as one:
        add(client, url=one.url(), types=["orders.placed"])
        world.buy()
        world.work()
    client.force_login(world.oda)
    page = client.get("/office/webhooks/").content.decode()
    assert "Not answering" in page and world.contoso.legal_name in page
    made = client.post("/office/webhooks/", {"url": "https://erp.aurora.example/", "types": ["*"]})
    assert "whsec_" in made.content.decode()
    assert Endpoint.objects.get(partner=None).host == "erp.aurora.example"
    shut = Endpoint.objects.get(partner=world.contoso)
    assert client.post(f"/office/webhooks/{shut.pk}/", {"act": "catch_up"}).status_code == 302
    shut.refresh_from_db()
    assert shut.status == "active"


def test_who_may_only_look_sees_no_button(client, world):
    client.force_login(world.ann)
    add(client)
    client.force_login(world.staff("Audrey Auditor", "auditor"))
    page = client.get(f"/office/webhooks/{Endpoint.objects.get().pk}/").content.decode()
    assert 'name="act"' not in page
    answer = client.post(f"/office/webhooks/{Endpoint.objects.get().pk}/", {"act": "remove"})
    assert answer.status_code == 403 and Endpoint.objects.get().status == "active"


def test_in_chinese(client, world):
    world.ann.language = "zh-hant"
    world.ann.save()
    client.force_login(world.ann)
    page = add(client).content.decode()
    assert "簽章金鑰" in page and "端點" in page
    assert "Webhooks" not in re.sub(r"<code.*?</code>", "", page)
