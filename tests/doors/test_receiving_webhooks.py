"""The receiver of docs/how-to/receive-webhooks.md, run as it stands there, against what is really sent."""

import json
import re
import threading
from datetime import timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from tenure.webhooks import actions as webhooks
from tenure.webhooks import rules
from tenure.webhooks.feed import read
from tenure.webhooks.models import Delivery

pytestmark = pytest.mark.django_db
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "receive-webhooks.md").read_text("utf-8")


@pytest.fixture
def receiver():
    """The page's own code, on a port of this machine."""
    space: dict = {}
    exec(re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1], space)
    server = ThreadingHTTPServer(("127.0.0.1", 0), space["Receiver"])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    space["Receiver"].url = f"http://127.0.0.1:{server.server_port}/"
    yield space["Receiver"]
    server.shutdown()
    server.server_close()


def test_the_receiver_of_the_page_takes_each_event_once(world, receiver, settings):
    settings.TENURE_WEBHOOK_LOOPBACK = True
    ann = world.actor(world.ann)
    made = webhooks.add_endpoint(ann, world.contoso, url=receiver.url, types=["orders.*"], now=world.now)
    receiver.secret = made.secret
    order = world.buy_by_card()
    world.work()
    assert [event["type"] for event in receiver.work] == ["orders.placed", "orders.paid"]
    webhooks.replay(ann, made.endpoint, deliveries=[row.pk for row in Delivery.objects.all()], now=world.now)
    world.work()
    assert len(receiver.work) == 2 and set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}
    # The new secret is in place within the day; both work meanwhile.
    receiver.secret = webhooks.rotate_secret(ann, made.endpoint, now=world.now).secret
    world.ask_to_cancel(order.subscription)
    world.wake(world.now + timedelta(minutes=1))
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}


def test_the_receiver_of_the_page_believes_no_other_secret(world, receiver, settings):
    settings.TENURE_WEBHOOK_LOOPBACK = True
    webhooks.add_endpoint(world.actor(world.ann), world.contoso, url=receiver.url, types=["orders.*"], now=world.now)
    receiver.secret = "whsec_" + "A" * 43 + "="
    world.buy()
    world.work()
    assert receiver.work == [] and Delivery.objects.get().answer == 400


def test_the_page_shows_an_event_as_it_is(world):
    shown = json.loads(re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)[1])
    world.buy_by_card()
    world.work()
    (paid,) = [event for event in read(world.contoso.pk) if event.name == "orders.paid"]
    assert shown.keys() == paid.body.keys() and shown["data"].keys() == paid.data.keys()
    assert shown["type"] == paid.name and shown["version"] == rules.VERSION


def test_the_page_tells_the_plan_as_it_is():
    hours = [int(delay.total_seconds() // 3600) for delay in rules.DELAYS[3:]]
    assert f"{', '.join(map(str, hours[:-1]))} and {hours[-1]} hours" in PAGE
    assert [delay.total_seconds() for delay in rules.DELAYS[:3]] == [5, 300, 1800]
    assert rules.TRIES == 10 and rules.JITTER == 0.2 and timedelta(days=5) == rules.SHUT_AFTER
