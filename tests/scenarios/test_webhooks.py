"""Webhooks from end to end: told once for each event, signed, tried again for days, shut when nobody is there."""

import json
from datetime import timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tenure.events import BY_NAME
from tenure.kernel.refusals import Invalid, NotYours, Refusal
from tenure.partners import actions as partners
from tenure.plumbing.models import Event
from tenure.support import actions as support
from tenure.webhooks import actions as webhooks
from tenure.webhooks import feed, queries, sending
from tenure.webhooks.models import Delivery, Endpoint, Entry, Secret, Sending
from tenure.webhooks.rules import INSIDE, TOLD, TRIES, Status
from tests import hostile

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at_home(settings):
    settings.TENURE_WEBHOOK_LOOPBACK = True


@pytest.fixture
def hook(world):
    """Add an endpoint, Ann's by default, and forget how it came to be."""

    def add(url: str, *types: str, company=True):
        who = world.actor(world.ann if company else world.oda)
        made = webhooks.add_endpoint(
            who, world.contoso if company else None, url=url, types=list(types or ("*",)), now=world.now
        )
        feed.publish(world.now)
        # It hears of its own beginning first, where it chose that; the stories begin after it.
        assert {row.entry.name for row in made.endpoint.deliveries.all()} <= {"webhooks.endpoint_added"}
        made.endpoint.deliveries.all().delete()
        return made

    return add


def parted(request: bytes) -> tuple[dict[str, str], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    lines = [line.split(": ", 1) for line in head.decode().split("\r\n")[1:]]
    return {name.lower(): value for name, value in lines}, body


def heard(one: hostile.Receiver) -> list[dict]:
    return [json.loads(parted(request)[1]) for request in one.heard]


def test_a_purchase_is_told_event_by_event_in_the_order_of_each_object(world, hook):
    with hostile.receiver() as one:
        secret = hook(one.url(), "orders.*", "memberships.*", "billing.invoice_issued").secret
        order = world.buy_by_card()
        world.work()
        told = heard(one)
    assert {event["type"] for event in told} == {
        "orders.placed",
        "memberships.subscribed",
        "memberships.term_opened",
        "orders.paid",
        "billing.invoice_issued",
    }
    by_object: dict[str, list[int]] = {}
    for event in told:
        by_object.setdefault(event["object"], []).append(event["number"])
    assert all(numbers == sorted(numbers) for numbers in by_object.values())
    paid = next(event for event in told if event["type"] == "orders.paid")
    assert paid["object"] == f"order:{order.pk}" and paid["data"]["number"] == order.number
    assert paid["partner"] == world.contoso.number and paid["version"] == 1
    for request in one.heard:
        headers, body = parted(request)
        assert Webhook(secret).verify(body, headers)["id"] == headers["webhook-id"]
    assert Delivery.objects.filter(state="delivered").count() == len(told) == Sending.objects.count()


def test_a_changed_body_another_secret_and_an_old_message_are_not_believed(world, hook):
    with hostile.receiver() as one:
        secret = hook(one.url()).secret
        world.buy()
        world.work()
        headers, body = parted(one.heard[0])
    Webhook(secret).verify(body, headers)
    other = Webhook("whsec_" + "A" * 43 + "=")
    for verifier, changed, given in (
        (Webhook(secret), body.replace(b"1", b"2"), headers),
        (other, body, headers),
        (Webhook(secret), body, headers | {"webhook-timestamp": str(int(headers["webhook-timestamp"]) - 301)}),
        (Webhook(secret), body, headers | {"webhook-id": "evt_999999"}),
    ):
        with pytest.raises(WebhookVerificationError):
            verifier.verify(changed, given)


def test_only_what_was_chosen_and_only_ones_own(world, hook):
    fabrikam = world.company("Fabrikam Ltd", "fabrikam.example", "Fay Fu")
    with hostile.receiver() as one, hostile.receiver() as office:
        hook(one.url(), "orders.placed")
        hook(office.url(), "orders.placed", company=False)
        world.buy()
        world.buy(world.person("fay@fabrikam.example"), partner=fabrikam)
        world.work()
        assert [event["partner"] for event in heard(one)] == [world.contoso.number]
        assert {event["partner"] for event in heard(office)} == {world.contoso.number, fabrikam.number}
        assert {event["type"] for event in heard(one)} == {"orders.placed"}


def test_an_internal_note_is_no_business_of_the_company_and_leaves_no_gap(world, hook):
    with hostile.receiver() as one, hostile.receiver() as office:
        hook(one.url(), "support.*")
        hook(office.url(), "support.*", company=False)
        request = support.open_request(
            world.actor(world.ming), world.contoso, problem_type="tax", subject="Tax", description="Why?", now=world.now
        )
        support.reply(world.actor(world.sue), request, text="they pay late", internal=True, now=world.now)
        support.reply(world.actor(world.sue), request, text="Because.", now=world.now)
        world.work()
        assert [(event["type"], event["number"]) for event in heard(one)] == [
            ("support.opened", 1),
            ("support.replied", 2),
        ]
        assert [event["number"] for event in heard(office)] == [1, 2, 3]
    assert b"they pay late" not in b"".join([*one.heard, *office.heard])


def test_no_answer_is_tried_again_over_days_and_then_given_up(world, hook):
    with hostile.receiver(hostile.answers(500, body=b"oops")) as one:
        endpoint = hook(one.url(), "orders.placed").endpoint
        world.buy()
        world.work()
        delivery = Delivery.objects.get()
        assert (delivery.state, delivery.tries, delivery.answer, delivery.fault) == ("due", 1, 500, "status_500")
        began, at = world.now, [world.now]
        while (due := queries.next_due_at(world.now)) is not None:
            world.wake(due)
            at.append(due)
        delivery.refresh_from_db()
        endpoint.refresh_from_db()
    ids = {parted(request)[0]["webhook-id"] for request in one.heard}
    bodies = {parted(request)[1] for request in one.heard}
    assert len(ids) == len(bodies) == 1, "the same id and the same bytes each time"
    # Ten tries fall over three to four days; shutting after five days of silence comes later than the last.
    assert (delivery.state, delivery.tries, len(one.heard)) == ("failed", TRIES, TRIES)
    assert timedelta(days=3) < at[-1] - began < timedelta(days=4)
    assert endpoint.status == Status.ACTIVE
    assert [sending.n for sending in queries.sendings(delivery)] == [*range(TRIES, 0, -1)]
    assert queries.sendings(delivery)[0].answer_body == "oops"


def test_after_five_days_of_silence_the_endpoint_is_shut_and_its_company_told(world, hook):
    with hostile.receiver(hostile.answers(503)) as one:
        endpoint = hook(one.url(), "support.opened").endpoint
        began = world.now
        for day in range(5):
            _ask(world, world.contoso, f"day {day}", who=world.ming)
            world.work()
            world.live(began + timedelta(days=day, hours=23))
            endpoint.refresh_from_db()
            assert endpoint.status == Status.ACTIVE and endpoint.failing_since == began
        _ask(world, world.contoso, "one more", who=world.ming)
        world.live(began + timedelta(days=5, hours=6))
        endpoint.refresh_from_db()
        assert endpoint.status == Status.FAILING
        assert {delivery.state for delivery in Delivery.objects.all()} == {"failed"}
        tried = one.lines
        world.live(began + timedelta(days=8))
        assert one.lines == tried
    (letter,) = world.mails("webhooks.failing", world.ann)
    assert endpoint.host in letter.body and f"/webhooks/{endpoint.pk}/" in letter.body
    assert world.mails("webhooks.failing", world.sal) == []
    assert world.ann.notices.filter(code="webhooks.failing").count() == 1


def test_one_answer_in_time_begins_the_five_days_anew(world, hook):
    with hostile.receiver(hostile.answers(503)) as one:
        endpoint = hook(one.url(), "support.opened").endpoint
        began = world.now
        _ask(world, world.contoso, "first", who=world.ming)
        world.live(began + timedelta(days=2))
        one._act = lambda line: line.sendall(hostile.OK)
        world.live(began + timedelta(days=4))
        endpoint.refresh_from_db()
        assert (endpoint.failing_since, endpoint.failures, endpoint.resting_until) == (None, 0, None)
        assert Delivery.objects.get().state == "delivered"


def test_410_shuts_at_once(world, hook):
    with hostile.receiver(hostile.answers(410)) as one:
        endpoint = hook(one.url(), "orders.placed").endpoint
        world.buy()
        world.work()
        endpoint.refresh_from_db()
        assert (endpoint.status, one.lines) == (Status.GONE, 1)
        assert Delivery.objects.get().state == "failed"
        assert len(world.mails("webhooks.gone", world.ann)) == 1


def test_429_is_left_alone_for_as_long_as_it_asks(world, hook):
    with hostile.receiver(hostile.answers(429, "Retry-After: 7200")) as one:
        hook(one.url(), "orders.*")
        world.buy()
        world.work()
        assert one.lines == 1
        assert queries.next_due_at(world.now) == world.now + timedelta(hours=2)
        world.wake(world.now + timedelta(hours=1, minutes=59))
        assert one.lines == 1
        world.wake(world.now + timedelta(minutes=1))
        assert one.lines == 2


def test_the_office_s_own_endpoint_leaves_a_task_when_it_is_shut(world, hook):
    with hostile.receiver(hostile.answers(410)) as one:
        endpoint = hook(one.url(), "orders.placed", company=False).endpoint
        world.buy()
        world.work()
        assert ("webhook", "webhooks.gone") in world.tasks()
        one._act = lambda line: line.sendall(hostile.OK)
        webhooks.resume_endpoint(world.actor(world.oda), endpoint, catch_up=True, now=world.now)
        assert ("webhook", "webhooks.gone") not in world.tasks()


def test_opened_again_it_starts_anew_or_catches_up(world, hook):
    fabrikam = world.company("Fabrikam Ltd", "fabrikam.example", "Fay Fu")
    for catch_up in (False, True):
        with hostile.receiver(hostile.answers(410)) as one:
            endpoint = hook(one.url(), "support.opened", company=False).endpoint
            for subject in ("shuts it", "missed"):
                _ask(world, fabrikam, subject)
                world.work()
            assert one.lines == 1
            one._act = lambda line: line.sendall(hostile.OK)
            one.heard.clear()
            webhooks.resume_endpoint(world.actor(world.oda), endpoint, catch_up=catch_up, now=world.now)
            _ask(world, fabrikam, "after")
            world.work()
            assert len(heard(one)) == (2 if catch_up else 1)
            webhooks.remove_endpoint(world.actor(world.oda), endpoint, now=world.now)


def _ask(world, partner, subject, who=None):
    support.open_request(
        world.actor(who or world.person("fay@fabrikam.example")),
        partner,
        problem_type="tax",
        subject=subject,
        description="?",
        now=world.now,
    )


def test_paused_what_happens_waits_and_is_sent_in_order_afterwards(world, hook):
    with hostile.receiver() as one:
        endpoint = hook(one.url(), "orders.*").endpoint
        webhooks.pause_endpoint(world.actor(world.ann), endpoint, now=world.now)
        order = world.buy_by_card()
        world.work()
        assert one.lines == 0
        webhooks.resume_endpoint(world.actor(world.ann), endpoint, now=world.now)
        world.work()
        assert [(e["type"], e["number"]) for e in heard(one) if e["object"] == f"order:{order.pk}"][0][0] == (
            "orders.placed"
        )
        assert len({event["id"] for event in heard(one)}) == one.lines


def test_what_failed_is_sent_again_by_one_or_all_under_the_same_ids(world, hook):
    with hostile.receiver(hostile.answers(500)) as one:
        endpoint = hook(one.url(), "orders.placed", "orders.cancelled").endpoint
        order = world.buy()
        world.work()
        Delivery.objects.update(state="failed", tries=TRIES)
        one._act = lambda line: line.sendall(hostile.OK)
        ann = world.actor(world.ann)
        assert webhooks.replay_failed(ann, endpoint, since=world.now + timedelta(days=1), now=world.now) == 0
        assert webhooks.replay_failed(ann, endpoint, since=world.now - timedelta(days=1), now=world.now) == 1
        world.work()
        delivery = Delivery.objects.get()
        assert (delivery.state, delivery.tries) == ("delivered", 1)
        assert webhooks.replay(ann, endpoint, deliveries=[delivery.pk], now=world.now) == 1
        world.work()
    assert len({parted(request)[0]["webhook-id"] for request in one.heard}) == 1 and one.lines == 3
    assert [s.n for s in queries.sendings(delivery)] == [3, 2, 1] and order.number


def test_a_replay_of_somebody_else_s_delivery_sends_nothing(world, hook):
    with hostile.receiver() as one, hostile.receiver() as other:
        endpoint = hook(one.url(), "orders.placed").endpoint
        foreign = hook(other.url(), "orders.placed").endpoint
        world.buy()
        world.work()
        theirs = foreign.deliveries.get()
        assert webhooks.replay(world.actor(world.ann), endpoint, deliveries=[theirs.pk], now=world.now) == 0
        world.work()
        assert other.lines == 1


def test_a_secret_is_rotated_with_a_day_of_both(world, hook):
    with hostile.receiver() as one:
        made = hook(one.url(), "orders.placed")
        ann = world.actor(world.ann)
        new = webhooks.rotate_secret(ann, made.endpoint, now=world.now)
        assert new.secret != made.secret
        world.buy()
        world.work()
        headers, body = parted(one.heard[-1])
        assert len(headers["webhook-signature"].split()) == 2
        for secret in (made.secret, new.secret):
            Webhook(secret).verify(body, headers)
        delivery = Delivery.objects.get()
        world.go(world.now + timedelta(hours=23, minutes=59))
        webhooks.replay(ann, made.endpoint, deliveries=[delivery.pk], now=world.now)
        world.work()
        assert len(parted(one.heard[-1])[0]["webhook-signature"].split()) == 2
        world.go(world.now + timedelta(minutes=1))
        webhooks.replay(ann, made.endpoint, deliveries=[delivery.pk], now=world.now)
        world.work()
        headers, body = parted(one.heard[-1])
        Webhook(new.secret).verify(body, headers)
        with pytest.raises(WebhookVerificationError):
            Webhook(made.secret).verify(body, headers)


def test_rotated_twice_the_first_ends_at_once(world, hook):
    made = hook("http://127.0.0.1:9/", "orders.placed")
    ann = world.actor(world.ann)
    webhooks.rotate_secret(ann, made.endpoint, now=world.now)
    webhooks.rotate_secret(ann, made.endpoint, now=world.now)
    holding = Secret.objects.filter(endpoint=made.endpoint)
    assert holding.count() == 3
    assert holding.filter(ends_at=None).count() == holding.filter(ends_at__gt=world.now).count() == 1


def test_no_secret_stands_anywhere_in_the_clear(world, hook):
    with hostile.receiver() as one:
        secret = hook(one.url()).secret
        world.buy()
        world.work()
    kept = [row.value for row in Secret.objects.all()]
    kept += [json.dumps(row.payload) for row in Event.objects.all()]
    kept += [json.dumps(row.request_headers) + row.answer_body for row in Sending.objects.all()]
    assert kept and not any(secret in text or secret.removeprefix("whsec_") in text for text in kept)


def test_a_removed_endpoint_is_told_nothing_and_keeps_no_secret(world, hook):
    with hostile.receiver() as one:
        endpoint = hook(one.url()).endpoint
        webhooks.remove_endpoint(world.actor(world.ann), endpoint, now=world.now)
        world.buy()
        world.work()
        assert one.lines == 0
    assert {secret.value for secret in Secret.objects.all()} == {""}
    assert queries.get(endpoint.pk).status == Status.REMOVED and queries.endpoints(world.contoso.pk) == []
    with pytest.raises(Refusal, match=r"webhooks\.removed"):
        webhooks.resume_endpoint(world.actor(world.ann), endpoint, now=world.now)


def test_a_test_goes_to_its_endpoint_only(world, hook):
    with hostile.receiver() as one, hostile.receiver() as other:
        endpoint = hook(one.url(), "orders.placed").endpoint
        hook(other.url(), "*")
        hook(other.url(), "*", company=False)
        webhooks.send_test(world.actor(world.ann), endpoint, now=world.now)
        world.work()
        assert [event["type"] for event in heard(one)] == ["webhooks.tested"]
        assert "webhooks.tested" not in {event["type"] for event in heard(other)}


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({"url": "http://10.0.0.1/"}, "url", "webhooks.url_scheme"),
        ({"url": "https://10.0.0.1/"}, "url", "webhooks.url_private"),
        ({"url": "https://metadata.google.internal/"}, "url", "webhooks.url_private"),
        ({"types": []}, "types", "webhooks.types_missing"),
        ({"types": ["orders.payed"]}, "types", "choice.unknown"),
        ({"types": ["renewals.ran"]}, "types", "choice.unknown"),
        ({"types": ["*.*"]}, "types", "choice.unknown"),
        ({"name": "x" * 121}, "name", "text.too_long"),
    ],
)
def test_attack_54_what_can_t_be_is_refused_when_it_is_saved(world, given, field, code):
    asked = {"url": "http://127.0.0.1:1/", "types": ["*"], "now": world.now} | given
    with pytest.raises(Invalid) as refused:
        webhooks.add_endpoint(world.actor(world.ann), world.contoso, **asked)
    assert refused.value.fields == {field: code}
    assert not Endpoint.objects.exists()


def test_attack_54_an_address_that_has_become_private_is_not_sent_to(world, hook, monkeypatch):
    with hostile.receiver() as one:
        hook(one.url(), "orders.placed")
        Endpoint.objects.update(url="https://hooks.contoso.example/")
        monkeypatch.setattr(sending.outgoing, "look_up", lambda host, port: ["10.0.0.7"])
        world.buy()
        world.work()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.fault, delivery.answer) == ("due", "webhooks.url_private", None)
    assert one.lines == 0


def test_attack_54_no_more_than_a_kilobyte_of_an_answer_is_kept_and_no_cookie(world, hook):
    body = b"\x00secret " + b"z" * 5000
    answer = hostile.answers(500, "Set-Cookie: session=abc", "X-Long: " + "y" * 900, body=body)
    with hostile.receiver(answer) as one:
        hook(one.url(), "orders.placed")
        world.buy()
        world.work()
    sent = Sending.objects.get()
    assert len(sent.answer_body) == 1024 and "\x00" not in sent.answer_body
    assert "set-cookie" not in sent.answer_headers and len(sent.answer_headers["x-long"]) == 300


def test_attack_55_a_failure_is_written_down_and_the_next_try_is_later(world, hook, monkeypatch):
    monkeypatch.setattr(sending.outgoing, "SECONDS", 0.5)
    with hostile.receiver(hostile.drips) as one:
        hook(one.url(), "orders.*", "memberships.*")
        world.buy_by_card()
        world.work()
        slow = Delivery.objects.filter(fault="slow").count()
    # After two failures on end the others wait: nobody is kept waiting for each of them.
    assert slow == one.lines == 2
    assert Delivery.objects.filter(state="due", tries=0).exists()
    assert queries.next_due_at(world.now) > world.now


def test_a_stranger_and_a_colleague_without_the_right_are_turned_away(world, hook):
    endpoint = hook("http://127.0.0.1:9/").endpoint
    world.company("Fabrikam Ltd", "fabrikam.example", "Fay Fu")
    fay, sal = world.actor(world.person("fay@fabrikam.example")), world.actor(world.sal)
    deeds = [
        lambda who: webhooks.add_endpoint(who, world.contoso, url="http://127.0.0.1:9/", types=["*"], now=world.now),
        lambda who: webhooks.change_endpoint(who, endpoint, url="http://127.0.0.1:9/", types=["*"], now=world.now),
        lambda who: webhooks.pause_endpoint(who, endpoint, now=world.now),
        lambda who: webhooks.resume_endpoint(who, endpoint, now=world.now),
        lambda who: webhooks.remove_endpoint(who, endpoint, now=world.now),
        lambda who: webhooks.rotate_secret(who, endpoint, now=world.now),
        lambda who: webhooks.send_test(who, endpoint, now=world.now),
        lambda who: webhooks.replay(who, endpoint, deliveries=[], now=world.now),
        lambda who: webhooks.replay_failed(who, endpoint, since=world.now, now=world.now),
    ]
    before = Event.objects.count()
    for deed in deeds:
        with pytest.raises(NotYours):
            deed(fay)
        with pytest.raises(Refusal, match=r"access\.forbidden"):
            deed(sal)
    assert Event.objects.count() == before


def test_a_company_has_ten_at_most(world, hook):
    for _ in range(10):
        hook("http://127.0.0.1:9/")
    with pytest.raises(Refusal, match=r"webhooks\.too_many"):
        hook("http://127.0.0.1:9/")


# The feed


def test_the_feed_tells_a_company_everything_of_its_own_and_nothing_else(world):
    fabrikam = world.company("Fabrikam Ltd", "fabrikam.example", "Fay Fu")
    world.buy_by_card()
    world.buy(world.person("fay@fabrikam.example"), partner=fabrikam)
    world.work()
    own, office = walk(world.contoso.pk), walk(None)
    assert {event.partner for event in own} == {world.contoso.number}
    assert len(office) == Event.objects.count() == Entry.objects.count()
    assert [event.id for event in own] == [e.id for e in office if e.id in {event.id for event in own}]
    for told in (own, office):
        numbers: dict[str, list[int]] = {}
        for event in told:
            numbers.setdefault(event.object, []).append(event.number)
        assert all(each == list(range(1, len(each) + 1)) for each in numbers.values())


def walk(partner_id: int | None, limit: int = 7) -> list:
    """The whole feed, page by page."""
    found, after = [], ""
    while page := feed.read(partner_id, after=after, limit=limit):
        found += page
        after = page[-1].key
    return found


def test_a_place_that_is_not_ones_own_is_unknown(world):
    fabrikam = world.company("Fabrikam Ltd", "fabrikam.example", "Fay Fu")
    world.work()
    theirs = feed.read(fabrikam.pk)[-1].key
    for key in (theirs, "evt_0", "evt_99999999", "evt_x", "evt_", "1", "evt_1' OR 1=1", "evt_" + "9" * 30, "evt_１"):
        with pytest.raises(Refusal, match=r"events\.after_unknown"):
            feed.read(world.contoso.pk, after=key)


def test_what_leaves_the_house_holds_no_words_and_no_address_of_anybody(world):
    order = world.buy_by_card()
    world.ask_to_cancel(order.subscription)
    partners.suspend(world.actor(world.oda), world.contoso, reason="Bo Wu owes us money", now=world.now)
    world.work()
    text = json.dumps([event.body for event in walk(None)])
    for private in ("Bo Wu", "owes us", "@contoso.example", "Ann Lin", "02 2712", "Xinyi"):
        assert private not in text
    assert "suspended" in text


def test_every_event_there_is_has_been_looked_at():
    assert TOLD.keys() | INSIDE.keys() == BY_NAME.keys()
    assert not TOLD.keys() & INSIDE.keys()
    for name, fields in {**TOLD, **INSIDE}.items():
        known = set(BY_NAME[name].__dataclass_fields__) | ({"fields"} if name == "partners.changed" else set())
        assert set(fields.split()) <= known, name
