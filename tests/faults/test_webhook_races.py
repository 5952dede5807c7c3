"""Two at once: events committed out of order, two workers at one endpoint, a worker that dies or sleeps too long.

Each promise stands beside a control in which its guard is off.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction

from tenure import events
from tenure.kernel.access import SYSTEM
from tenure.plumbing import clock, crash
from tenure.plumbing.db import wiring
from tenure.plumbing.models import Counter, Event
from tenure.plumbing.outbox import record
from tenure.proof import seals, verify
from tenure.webhooks import actions as webhooks
from tenure.webhooks import feed, sending
from tenure.webhooks.models import Delivery, Endpoint, Entry, Sending
from tests import hostile
from tests.faults.conftest import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _at_home(settings):
    settings.TENURE_WEBHOOK_LOOPBACK = True


def happened(world, n: int) -> None:
    record(
        SYSTEM,
        "orders.test",
        world.now,
        events.OrderExpiring(partner_id=world.contoso.pk, subject=f"order:{n}", number=f"O-{n}"),
    )


def late(world, n: int, wait: threading.Event, written: threading.Event) -> None:
    """Write an event now and commit it only when told to."""
    try:
        with transaction.atomic():
            happened(world, n)
            written.set()
            wait.wait(20)
    finally:
        connection.close()


class Reader:
    """Follows a feed by its own mark, as a receiver would; remembers what it was told."""

    def __init__(self, look):
        self.look, self.mark, self.told = look, None, []

    def go(self) -> None:
        for mark, subject in self.look(self.mark):
            self.mark = mark
            if subject.startswith("order:9"):
                self.told.append(subject)


def by_feed(world):
    def look(mark):
        feed.publish(world.now)
        return [(event.key, event.object) for event in feed.read(None, after=mark or "")]

    return look


def by_id(world):
    """The control: the table itself, by the number it counts with."""
    return lambda mark: list(Event.objects.filter(pk__gt=mark or 0).order_by("pk").values_list("pk", "subject")[:100])


@pytest.mark.parametrize(("look", "misses"), [(by_feed, False), (by_id, True)], ids=["the feed", "control: by id"])
def test_an_event_committed_late_is_missed_by_nobody(committed, look, misses):
    world = committed
    reader = Reader(look(world))
    reader.go()
    release, written = threading.Event(), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(late, world, 901, release, written)
        assert written.wait(10)
        with transaction.atomic():
            happened(world, 902)
        ids = dict(Event.objects.filter(subject="order:902").values_list("subject", "pk"))
        reader.go()
        assert reader.told == ["order:902"]
        release.set()
        first.result(10)
    reader.go()
    reader.go()
    assert Event.objects.get(subject="order:901").pk < ids["order:902"], "the late one has the lower number"
    assert reader.told == (["order:902"] if misses else ["order:902", "order:901"])


def test_a_seal_moves_the_mark_and_nothing_is_lost_behind_it(committed):
    world = committed
    feed.publish(world.now)
    release, written = threading.Event(), threading.Event()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(late, world, 901, release, written)
        assert written.wait(10)
        with transaction.atomic():
            happened(world, 902)
        feed.publish(world.now)
        mark = Counter.objects.filter(name=feed.THROUGH).values_list("last", flat=True).first() or 0
        assert mark < Event.objects.get(subject="order:902").pk
        release.set()
        first.result(10)
    seals.seal(world.now)
    feed.publish(world.now)
    mark = Counter.objects.get(name=feed.THROUGH).last
    assert mark == Event.objects.order_by("pk").last().pk
    assert Entry.objects.count() == Event.objects.count()
    assert verify.run(ask_gateways=False, only={"I-45"}).violated == set()


def test_many_write_and_many_publish_and_the_numbers_run_through(committed):
    world = committed
    Counter.objects.get_or_create(name=feed.PLACES)

    def write(n: int) -> None:
        for k in range(5):
            with transaction.atomic():
                happened(world, 900 + (n + k) % 4)

    at_once(*[lambda n=n: write(n) for n in range(4)], *[lambda: [feed.publish(world.now) for _ in range(6)]] * 3)
    feed.publish(world.now)
    assert list(Entry.objects.order_by("position").values_list("position", flat=True)) == [
        *range(1, Event.objects.count() + 1)
    ]
    assert verify.run(ask_gateways=False, only={"I-45"}).violated == set()


def owed(world, url: str, n: int = 3) -> Endpoint:
    endpoint = webhooks.add_endpoint(SYSTEM, world.contoso, url=url, types=["orders.expiring"], now=world.now).endpoint
    with transaction.atomic():
        for k in range(n):
            happened(world, 900 + k)
    feed.publish(world.now)
    return endpoint


def ids(one: hostile.Receiver) -> list[str]:
    return [json.loads(request.partition(b"\r\n\r\n")[2])["id"] for request in one.heard]


def slowly(line) -> None:
    threading.Event().wait(0.15)
    line.sendall(hostile.OK)


@pytest.mark.parametrize("guarded", [True, False], ids=["leased", "control: without a lease"])
def test_two_workers_never_send_one_delivery_at_the_same_time(committed, guarded, monkeypatch):
    world = committed
    if not guarded:
        monkeypatch.setattr(sending, "claim", lambda now, seen=set(): _any(seen))
        monkeypatch.setattr(sending, "_ours", lambda endpoint: True)
    with hostile.receiver(slowly) as one:
        owed(world, one.url())
        at_once(*[lambda: sending.deliver(world.now)] * 4)
        assert (len(ids(one)) == len(set(ids(one))) == 3) is guarded
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}


def _any(seen: set) -> Endpoint | None:
    """What somebody would take who asks nobody: each thread once."""
    me = threading.get_ident()
    return None if me in seen or seen.add(me) else Endpoint.objects.get()


@pytest.mark.parametrize("point", ["webhook.claimed", "webhook.signed", "webhook.sent", "webhook.noted"])
def test_a_worker_that_dies_leaves_nothing_unsent_and_sends_under_the_same_id(committed, point):
    world = committed
    with hostile.receiver() as one:
        owed(world, one.url(), 2)
        assert killed_at(point) == -9
        before = ids(one)
        assert len(before) == (0 if point in ("webhook.claimed", "webhook.signed") else 1)
        # Its lease has to run out first: until then nobody touches the endpoint.
        assert sending.deliver(world.now) == 0
        Endpoint.objects.update(leased_until=clock.machine() - timedelta(seconds=1))
        assert sending.deliver(world.now) == (1 if point == "webhook.noted" else 2)
        after = ids(one)
    assert len(set(after)) == 2
    assert len(after) == (3 if point == "webhook.sent" else 2), "only who dies after sending sends twice"
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}
    assert verify.run(ask_gateways=False, only={"I-45"}).violated == set()


def killed_at(point: str) -> int:
    """Deliver in a process of its own that dies at a point."""
    words = "import django; django.setup()\nfrom tenure.plumbing import clock\nfrom tenure.webhooks import sending\n"
    words += "sending.deliver(clock.now())"
    done = subprocess.run(
        [sys.executable, "-c", words],
        env=own_environment(TENURE_CRASH_AT=point),
        timeout=60,
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, -9), done.stderr[-2000:]
    return done.returncode


def test_the_points_are_known():
    assert {"webhook.claimed", "webhook.signed", "webhook.sent", "webhook.noted", "feed.placed"} <= set(crash.points())


def test_a_worker_that_slept_too_long_finds_that_it_is_another_s(committed):
    """Its answer is logged, and decides nothing: another has sent it meanwhile."""
    world = committed
    with hostile.receiver(hostile.answers(500)) as one:
        owed(world, one.url(), 1)
        asleep = sending.claim(world.now)
        Endpoint.objects.update(leased_until=clock.machine() - timedelta(seconds=1))
        one._act = lambda line: line.sendall(hostile.OK)
        assert sending.deliver(world.now) == 1
        one._act = lambda line: line.sendall(hostile.answers(500))
        delivery = Delivery.objects.get()
        assert not sending._ours(asleep)
        sending._attempt(asleep, delivery, world.now)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries, delivery.answer) == ("delivered", 1, 200)
    assert list(Sending.objects.order_by("n").values_list("answer", flat=True)) == [200, 500]
    assert Endpoint.objects.get().failing_since is None


def test_shut_while_it_is_being_sent_to_it_stays_shut(committed):
    world = committed
    with hostile.receiver() as one:
        endpoint = owed(world, one.url(), 1)

        def removes(line):
            webhooks.remove_endpoint(SYSTEM, endpoint, now=world.now)
            connection.close()
            line.sendall(hostile.OK)

        one._act = removes
        sending.deliver(world.now)
    assert Endpoint.objects.get().status == "removed"
    assert Delivery.objects.get().state == "failed" and Sending.objects.get().answer == 200
    assert verify.run(ask_gateways=False, only={"I-45"}).violated == set()


def test_many_hands_keep_one_slow_receiver_from_holding_up_the_others(committed, monkeypatch):
    world = committed
    monkeypatch.setattr(sending.outgoing, "SECONDS", 2.0)
    with hostile.receiver(hostile.never_answers) as slow, hostile.receiver() as quick:
        owed(world, slow.url(), 2)
        owed(world, quick.url(), 20)
        sending.deliver(world.now, hands=4, seconds=5)
        assert len(set(ids(quick))) == 20
        assert Delivery.objects.filter(endpoint__url=quick.url(), state="delivered").count() == 20


def test_the_worker_sends_beside_its_other_work_and_ends_when_told(committed):
    """The worker as it really runs: woken, it numbers what has happened and has it sent by the queue beside."""
    world = committed
    with hostile.receiver() as one:
        webhooks.add_endpoint(SYSTEM, world.contoso, url=one.url(), types=["orders.expiring"], now=world.now)
        with transaction.atomic():
            happened(world, 901)
            wiring().wake()
        worker = subprocess.Popen([sys.executable, "-m", "tenure.cli.main", "work"], env=own_environment())
        try:
            until = time.monotonic() + 50
            while not one.heard and time.monotonic() < until and worker.poll() is None:
                time.sleep(0.2)
            assert len(ids(one)) == 1
        finally:
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(30) == 0


def own_environment(**more: str) -> dict[str, str]:
    parts = connection.settings_dict
    address = f"postgresql://{parts['USER']}@/{parts['NAME']}?host={parts['HOST']}"
    address += f"&port={parts['PORT']}" if parts["PORT"] else ""
    return {**os.environ, "TENURE_DATABASE_URL": address, "TENURE_WEBHOOK_LOOPBACK": "1", **more}
