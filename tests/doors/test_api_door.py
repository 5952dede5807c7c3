"""What every operation keeps: problems with codes in both languages, bodies and headers looked at, pages, states, limits."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tenure_client import Problem

from tenure.people import actions as people
from tenure.plumbing import answers, clock
from tenure.plumbing.models import Answer
from tenure.purchases.models import Order
from tenure.web.api import once as once_door
from tests.doors.api import key_of, program

CONTACT = {"name": "Mei Chen", "phone": "02 2712 3456", "email": "mei@contoso.example"}
PROBLEM = "application/problem+json"


class Hand:
    """Requests as no client would send them."""

    def __init__(self, world, who=None, **headers):
        self.browser = Client()
        self.headers = {"Authorization": f"Bearer {key_of(world, who or world.ann)}", **headers}

    def __call__(self, method, path, body=b"", kind="application/json", **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return self.browser.generic(method, f"/api/v1{path}", data, content_type=kind, headers=given)


@pytest.fixture
def hand(world):
    world.work()
    return Hand(world)


def transfer(**changes):
    total = {"amount": "15750", "currency": "TWD"}
    body = {"offer": "action-pack", "purpose": "purchase", "payment_method": "bank_transfer", "contact": CONTACT}
    return body | {"expected_total": total, "terms_version": "2018-01"} | changes


def told(answer, status, code):
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["Content-Type"] == PROBLEM
    assert answer.json()["status"] == status
    assert answer.json()["title"]
    return answer.json()


# Problems


@pytest.mark.parametrize(
    ("asked", "spoken", "title"),
    [
        ("zh-TW,zh;q=0.9", "zh-Hant", "找不到"),
        ("zh-Hant", "zh-Hant", "找不到"),
        ("fr, zh;q=0.5, en;q=0.1", "zh-Hant", "找不到"),
        ("en-GB", "en", "Not found"),
        ("de", "en", "Not found"),
        ("", "en", "Not found"),
    ],
)
def test_a_problem_speaks_the_language_asked_for(hand, asked, spoken, title):
    hand.browser.cookies["django_language"] = "en" if spoken == "zh-Hant" else "zh-hant"
    answer = hand("GET", "/orders/O-1", Accept_Language=asked)
    assert told(answer, 404, "access.not_found")["title"] == title
    assert answer.headers["Content-Language"] == spoken


def test_what_is_nowhere_is_a_problem_too(hand):
    told(hand("GET", "/nothing"), 404, "access.not_found")
    told(hand("GET", "/subscriptions/one"), 404, "access.not_found")
    told(Client().get("/api/v1/"), 404, "access.not_found")
    told(Client().post("/api/v1/offers/"), 404, "access.not_found")


def test_a_fault_tells_nothing_of_the_inside(hand, monkeypatch):
    monkeypatch.setattr("tenure.web.api.offers.buyer", lambda *_: 1 / 0)
    answer = hand("GET", "/offers")
    told(answer, 500, "server.fault")
    assert b"ZeroDivision" not in answer.content


def test_the_wrong_method_names_the_right_ones(hand):
    answer = hand("PATCH", "/orders", {})
    told(answer, 405, "request.method_unknown")
    assert answer.headers["Allow"] == "GET, POST"


@pytest.mark.parametrize("body", [b"{", b"nonsense", b'{"a": NaN}', b"\xff\xfe", b"[" * 5000, b'{"a":1,"a":2}'])
def test_what_is_no_json_can_not_be_read(hand, body):
    told(hand("POST", "/support-requests", body), 400, "request.unreadable")


def test_a_body_is_an_object(hand):
    assert hand("POST", "/support-requests", b"[]").json()["code"] == "request.not_an_object"


def test_another_media_type_is_named(hand):
    told(
        hand("POST", "/support-requests", b"a=1", kind="application/x-www-form-urlencoded"),
        415,
        "request.media_unknown",
    )
    told(hand("GET", "/offers", Accept="text/html"), 406, "request.not_acceptable")


def test_a_body_too_large_is_not_read(hand, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    told(hand("POST", "/support-requests", {"subject": "x" * 2000}), 413, "request.too_large")


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"colour": "red"}, "bank_transfer.colour", "request.extra_forbidden"),
        ({"offer": 5}, "bank_transfer.offer", "request.string_type"),
        ({"offer": "Action Pack"}, "bank_transfer.offer", "request.string_pattern_mismatch"),
        (
            {"contact": CONTACT | {"phone": "call me now"}},
            "bank_transfer.contact.phone",
            "request.string_pattern_mismatch",
        ),
        ({"contact": CONTACT | {"name": "a\x00b"}}, "bank_transfer.contact.name", "request.string_pattern_mismatch"),
        ({"contact": None}, "bank_transfer.contact", "request.model_type"),
        ({"expected_total": "15750"}, "bank_transfer.expected_total", "request.model_type"),
    ],
)
def test_a_field_that_can_not_be_taken_is_named(hand, changes, field, code):
    answer = hand("POST", "/orders", transfer(**changes), Idempotency_Key="k")
    fields = {each["name"]: each["code"] for each in told(answer, 422, "form.invalid")["fields"]}
    assert fields == {field: code}
    assert not Order.objects.exists()
    assert not Answer.objects.exists(), "what never fitted uses up no key"


def test_a_parameter_nobody_knows_is_refused(hand):
    assert told(hand("GET", "/orders?colour=red"), 400, "request.parameter_unknown")["facts"] == {"parameter": "colour"}
    told(hand("GET", "/orders?limit=1000"), 422, "form.invalid")
    told(hand("GET", "/orders?limit=many"), 422, "form.invalid")


@pytest.mark.parametrize("number", ["4242424242424242", "4242 4242 4242 4242", "4000-0566-5566-5556"])
def test_no_card_number_passes(hand, number):
    told(
        hand("POST", "/support-requests", {"problem_type": "tax", "subject": "x", "description": number}),
        422,
        "input.card_data",
    )
    told(hand("POST", "/orders", transfer(payment_token=number), Idempotency_Key="k"), 422, "input.card_data")
    told(hand("POST", "/orders", transfer(**{number: 1}), Idempotency_Key="k"), 422, "input.card_data")


# Idempotency


@pytest.mark.parametrize("path", ["/orders", "/orders/O-1/cancel", "/orders/O-1/payment"])
def test_what_moves_money_needs_an_idempotency_key(hand, path):
    told(hand("POST", path, transfer()), 400, "idempotency.key_missing")
    told(hand("POST", path, transfer(), Idempotency_Key="a b"), 400, "idempotency.key_malformed")
    told(hand("POST", path, transfer(), Idempotency_Key="x" * 256), 400, "idempotency.key_malformed")


def test_while_the_first_is_under_way_the_second_waits(hand, world):
    first = hand("POST", "/orders", transfer(), Idempotency_Key="k")
    Answer.objects.update(status=None)
    told(hand("POST", "/orders", transfer(), Idempotency_Key="k"), 409, "idempotency.in_flight")
    Answer.objects.update(leased_until=clock.machine() - timedelta(seconds=1))
    again = hand("POST", "/orders", transfer(), Idempotency_Key="k")
    assert (again.status_code, again.json()["number"]) == (201, first.json()["number"])
    assert Order.objects.count() == 1


def test_a_process_that_dies_before_it_answers_leaves_one_order(hand, monkeypatch):
    """The verb has committed, the answer was not kept: past the lease the same request finds what it made."""
    with monkeypatch.context() as dying:
        dying.setattr(once_door.answers, "keep", lambda *_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            hand("POST", "/orders", transfer(), Idempotency_Key="k")
    assert Order.objects.count() == 1
    told(hand("POST", "/orders", transfer(), Idempotency_Key="k"), 409, "idempotency.in_flight")
    Answer.objects.update(leased_until=clock.machine() - timedelta(seconds=1))
    again = hand("POST", "/orders", transfer(), Idempotency_Key="k")
    assert again.json()["number"] == Order.objects.get().number


def test_a_no_is_kept_like_a_yes(hand, world):
    hand("POST", "/orders", transfer(), Idempotency_Key="a")
    no = hand("POST", "/orders", transfer(), Idempotency_Key="b")
    told(no, 409, "offers.order_open")
    hand("POST", f"/orders/{Order.objects.get().number}/cancel", Idempotency_Key="c")
    again = hand("POST", "/orders", transfer(), Idempotency_Key="b")
    assert (again.content, again.headers["Idempotency-Replayed"]) == (no.content, "true")
    assert hand("POST", "/orders", transfer(), Idempotency_Key="d").status_code == 201


def test_a_fault_is_not_kept(hand, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr("tenure.web.api.orders.whole", lambda *_: 1 / 0)
        told(hand("POST", "/orders", transfer(), Idempotency_Key="k"), 500, "server.fault")
    assert hand("POST", "/orders", transfer(), Idempotency_Key="k").status_code == 201
    assert Order.objects.count() == 1


def test_answers_are_kept_for_thirty_days(hand):
    hand("POST", "/orders", transfer(), Idempotency_Key="k")
    Answer.objects.update(asked_at=clock.machine() - timedelta(days=29, hours=23))
    assert answers.forget_old() == 0
    Answer.objects.update(asked_at=clock.machine() - timedelta(days=30, seconds=1))
    assert answers.forget_old() == 1


def test_a_key_is_its_companys_and_not_another_s(hand, world):
    fabrikam = world.company("Fabrikam Ltd", "fabrikam.example", "Fay Ho")
    from tenure.people.models import Colleague

    other = Hand(world, Colleague.objects.get(partner_id=fabrikam.pk).user)
    one = hand("POST", "/orders", transfer(), Idempotency_Key="k").json()
    two = other("POST", "/orders", transfer(), Idempotency_Key="k").json()
    assert one["number"] != two["number"]


def test_a_program_that_lost_its_right_gets_no_kept_answer(hand, world):
    from tenure.people.models import Colleague

    ming = Hand(world, world.ming)
    assert ming("POST", "/orders", transfer(), Idempotency_Key="k").status_code == 201
    place = Colleague.objects.get(user=world.ming, partner_id=world.contoso.pk)
    people.change_roles(world.actor(world.ann), place, roles=["member"], now=world.now)
    told(ming("POST", "/orders", transfer(), Idempotency_Key="k"), 403, "access.forbidden")


# Pages and states


def test_a_list_comes_in_pages_that_miss_nothing(world, hand):
    client = program(world, world.ann)
    made = [client.invite(f"p{n}@contoso.example", f"Person {n}", ["member"]).id for n in range(7)]
    assert [each.id for each in client.pages("/invitations", lambda told: type("I", (), told), limit=3)] == made[::-1]
    assert len([path for _m, path, _k in client._session.sent if path == "/api/v1/invitations"]) == 7 + 3
    first = client.get("/invitations", limit=3)
    assert len(first["items"]) == 3
    for mark in ("nonsense", first["next"][:-2], first["next"] + "x"):
        with pytest.raises(Problem) as unknown:
            client.get("/invitations", after=mark)
        assert (unknown.value.status, unknown.value.code) == (400, "paging.cursor_unknown")
    with pytest.raises(Problem):
        client.get("/users", after=first["next"])


def test_a_mark_belongs_to_its_filters(world, hand):
    for number in range(3):
        hand("POST", "/orders", transfer(), Idempotency_Key=f"o{number}")
        hand("POST", f"/orders/{Order.objects.latest('pk').number}/cancel", Idempotency_Key=f"c{number}")
    page = hand("GET", "/orders?limit=1&open=false").json()
    assert hand("GET", f"/orders?limit=2&open=false&after={page['next']}").status_code == 200
    told(hand("GET", f"/orders?limit=1&after={page['next']}"), 400, "paging.cursor_unknown")


def test_what_has_not_changed_is_not_sent_again(hand):
    number = hand("POST", "/orders", transfer(), Idempotency_Key="k").json()["number"]
    first = hand("GET", f"/orders/{number}")
    again = hand("GET", f"/orders/{number}", If_None_Match=first.headers["ETag"])
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    hand("POST", f"/orders/{number}/cancel", Idempotency_Key="c")
    assert hand("GET", f"/orders/{number}", If_None_Match=first.headers["ETag"]).status_code == 200


def test_a_change_of_what_has_changed_since_is_refused(hand):
    number = hand("POST", "/orders", transfer(), Idempotency_Key="k").json()["number"]
    seen = hand("GET", f"/orders/{number}").headers["ETag"]
    told(hand("POST", f"/orders/{number}/cancel", Idempotency_Key="a", If_Match='"other"'), 412, "precondition.failed")
    assert hand("POST", f"/orders/{number}/cancel", Idempotency_Key="b", If_Match=seen).json()["status"] == "cancelled"


def test_roles_are_changed_by_whoever_saw_them(world, hand):
    from tenure.people.models import Colleague

    place = Colleague.objects.get(user=world.bo)
    told(hand("PUT", f"/users/{place.pk}", {"roles": ["member"]}), 428, "precondition.required")
    seen = hand("GET", f"/users/{place.pk}").headers["ETag"]
    people.change_roles(world.actor(world.ann), place, roles=["programme_admin"], now=world.now)
    told(hand("PUT", f"/users/{place.pk}", {"roles": ["member"]}, If_Match=seen), 412, "precondition.failed")
    assert program(world, world.ann).change_user(place.pk, roles=["member"]).roles == ["member"]
    assert not program(world, world.ann).change_user(place.pk, roles=["member"], active=False).active


# Limits


def test_a_key_has_its_requests_a_minute_and_is_told(world, settings):
    settings.TENURE_API_PER_MINUTE = 25
    world.work()
    one, other = Hand(world), Hand(world)
    met = [one("GET", "/offers") for _ in range(27)]
    assert [answer.status_code for answer in met] == [200] * 25 + [429] * 2
    assert [int(answer.headers["RateLimit-Remaining"]) for answer in met] == [*range(24, -1, -1), 0, 0]
    assert {answer.headers["RateLimit-Limit"] for answer in met} == {"25"}
    told(met[-1], 429, "request.too_many")
    assert 1 <= int(met[-1].headers["Retry-After"]) <= 60
    assert other("GET", "/offers").status_code == 200


def test_a_program_waits_as_long_as_it_is_told(world, settings):
    settings.TENURE_API_PER_MINUTE = 1
    client = program(world, world.ann)
    waited = []
    client._sleep = waited.append
    client.offers()
    with pytest.raises(Problem) as many:
        client.offers()
    assert (many.value.status, len(waited)) == (429, 4)
    assert all(1 <= seconds <= 60 for seconds in waited)


# Statements


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/offers", 12),
        ("/offers/action-pack/eligibility", 12),
        ("/orders", 6),
        ("/subscriptions", 4),
        ("/invoices", 5),
        ("/benefits", 6),
        ("/users", 5),
        ("/support-requests", 5),
    ],
)
def test_a_list_costs_as_many_statements_for_many_as_for_one(world, hand, path, most):
    def statements() -> int:
        hand("GET", path)
        with CaptureQueriesContext(connection) as seen:
            assert hand("GET", path).status_code == 200
        return len(seen)

    world.buy_by_card()
    few = statements()
    for offer in ("silver-cloud", "silver-data"):
        world.qualify(offer)
        world.buy_by_card(offer=offer)
        world.colleague(f"{offer.title()} Person", "member")
    assert statements() <= few <= most


# The document and its page


def test_the_document_is_for_everybody_and_knows_the_programme(world):
    document = Client().get("/api/v1/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    kinds = document["components"]["schemas"]["RequestWanted"]["properties"]["problem_type"]["enum"]
    assert "invoice-payment-reconciliation" in kinds
    operations = [each for methods in document["paths"].values() for each in methods.values()]
    assert len({each["operationId"] for each in operations}) == len(operations) > 60
    for each in operations:
        refusals = {status: answer for status, answer in each["responses"].items() if status >= "400"}
        assert {"401", "403", "404", "429"} <= refusals.keys()
        assert all(list(answer["content"]) == [PROBLEM] for answer in refusals.values())


@pytest.mark.parametrize(("spoken", "words"), [("en", "Codes of refusals"), ("zh-hant", "拒絕代碼")])
def test_the_page_asks_no_other_host_for_anything(world, spoken, words):
    answer = Client().get("/api/v1/docs", headers={"Accept-Language": spoken})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert words in page
    assert all(f'id="{id}"' in page for id in ("createOrder", "renewals.window_closed", "shape-Problem"))
    assert not [each for each in ("<script", "style=", 'src="http', 'href="http', "onclick") if each in page]
