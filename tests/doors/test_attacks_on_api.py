"""What programs are sent in bad faith or by mistake, and what the API answers (reliability.md §4).

Each test's name carries its row. Read next: ``docs/operations/attacks.md``, which has all sixty.
"""

import json
import time
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from tenure.benefits.models import Usage
from tenure.partners.models import Partner
from tenure.payments.rules import Method
from tenure.people.models import Colleague, Invitation, User
from tenure.plumbing.models import StoredFile
from tenure.purchases.models import Order
from tests.doors.api import key_of

JSON = "application/json"


class Program:
    """Somebody else's program, which keeps to no manners: it sends what it is told and reads the status and the code."""

    def __init__(self, world, who, **given):
        self.world, self.client = world, Client(raise_request_exception=False)
        self.key = key_of(world, who, **given)

    def send(self, method, path, body=None, *, kind=JSON, key="a", **headers):
        sent = body if isinstance(body, bytes | str) else json.dumps(body) if body is not None else ""
        own = {"Authorization": f"Bearer {self.key}"} | ({"Idempotency-Key": key} if key is not None else {})
        answer = self.client.generic(
            method, f"/api/v1{path}", sent, content_type=kind if sent else "", headers=own | headers
        )
        assert answer.status_code < 500, (method, path, answer.content[:400])
        if answer.status_code >= 400:
            assert answer.headers["Content-Type"] == "application/problem+json", answer.headers
        return answer

    def wanted(self, **changes):
        given = {
            "offer": "action-pack",
            "purpose": "purchase",
            "payment_method": "card",
            "terms_version": self.world.wanted().terms_version,
            "expected_total": {"amount": "15750", "currency": "TWD"},
        }
        return given | changes

    def order(self, key="a", **changes):
        return self.send("POST", "/orders", self.wanted(**changes), key=key)


def said(answer):
    told = json.loads(answer.content)
    return answer.status_code, told.get("code")


def names(answer):
    return {each["name"] for each in json.loads(answer.content)["fields"]}


@pytest.fixture
def ming(world):
    return Program(world, world.ming)


@pytest.fixture
def ann(world):
    return Program(world, world.ann)


def test_attack_02_the_same_key_with_another_wish_is_refused(world, ming):
    assert ming.order().status_code == 201
    other = ({"expected_total": {"amount": "1", "currency": "TWD"}}, {"offer": "silver-cloud"}, {"auto_renew": False})
    for changes in other:
        assert said(ming.order(**changes)) == (422, "idempotency.other_body")
    assert Order.objects.count() == 1 and world.charged() == 0


@pytest.mark.parametrize("path", ["/orders", "/orders/O-2018-000001/cancel", "/orders/O-2018-000001/payment"])
def test_attack_03_what_pays_needs_a_key_of_its_own(ming, path):
    answer = ming.send("POST", path, ming.wanted() if path == "/orders" else None, key=None)
    assert said(answer) == (400, "idempotency.key_missing")
    told = json.loads(answer.content)
    place, _, anchor = told["type"].partition("#")
    page = Client().get(place)
    assert page.status_code == 200 and anchor == "idempotency.key_missing", "the problem leads to its page"
    assert not Order.objects.exists()


@pytest.mark.parametrize("key", ["k" * 256, "", " ", "a\tb", "a b", "\x7f", "é", "k" * 5000])
def test_attack_04_a_key_that_is_none(ming, key):
    status, code = said(ming.order(key=key))
    assert status == 400 and code in ("idempotency.key_malformed", "idempotency.key_missing")
    assert not Order.objects.exists()


def test_attack_05_another_company_s_key_is_nothing_here(world, ming):
    fabrikam = world.company("Fabrikam Ltd", "fabrikam.example", "Fay Ho")
    fay = Program(world, world.person("fay@fabrikam.example"))
    first, second = ming.order(key="the-same"), fay.order(key="the-same")
    assert (first.status_code, second.status_code) == (201, 201) and "Idempotency-Replayed" not in second.headers
    assert [order.partner_id for order in Order.objects.order_by("pk")] == [world.contoso.pk, fabrikam.pk]
    assert json.loads(first.content)["number"] != json.loads(second.content)["number"]


@pytest.mark.parametrize(
    "name", ["total", "price", "net", "currency", "discount", "paid", "paid_at", "status", "quantity"]
)
def test_attacks_06_and_31_a_field_that_is_not_asked_for_is_refused(ming, name):
    answer = ming.order(**{name: "1"})
    assert answer.status_code == 422 and any(name in each for each in names(answer)) and not Order.objects.exists()


AMOUNTS = ["0", "-1", "-15750", "1.5", "1e3", "1E+3", "NaN", "Infinity", "9" * 20, "15,750", " 15750",
           "１５７５０", "0x3D86", "", None, 15750, 15750.0, True, [], {}, {"amount": "1"}]  # fmt: skip


@pytest.mark.parametrize("amount", AMOUNTS)
def test_attack_07_what_is_no_price_that_was_shown(ming, amount):
    answer = ming.order(expected_total={"amount": amount, "currency": "TWD"})
    assert answer.status_code in (409, 422) and not Order.objects.exists()


@pytest.mark.parametrize("quantity", [0, -1, 1.5, 10**20, "1e3", True, "1", None, [], 2**63])
def test_attack_07_what_is_no_number_of_things(world, quantity):
    world.buy_by_card()
    grant = world.holding().term.grants.filter(kind="incidents").first()
    answer = Program(world, world.ann).send(
        "POST", f"/benefits/{grant.pk}/consumptions", {"quantity": quantity, "note": "x", "seen": 0}
    )
    assert answer.status_code in (409, 422) and not Usage.objects.exists()


def renewing(world, when, key):
    """Ask for the renewal at an instant of ours, whatever time the program says it is."""
    world.go(when)
    elsewhere = {"Date": "Tue, 25 Jun 2030 12:00:00 GMT", "X-Timezone": "Pacific/Kiritimati"}
    program = Program(world, world.ming)
    sent = program.wanted(purpose="renewal", subscription=world.holding().subscription.pk)
    return program.send("POST", "/orders", sent, key=key, **elsewhere)


def test_attack_08_a_renewal_opens_with_the_day_and_not_a_second_before(world):
    world.buy_by_card(auto_renew=False)
    ends = world.holding().term.expires_on
    early = renewing(world, f"{ends} 23:59:59", "early")
    assert said(early) == (409, "renewals.window_not_open")
    assert json.loads(early.content)["facts"]["opens_on"] > str(ends), "and says when it opens"
    assert renewing(world, f"{ends + timedelta(days=1)} 00:00:00", "in-time").status_code == 201


def test_attack_09_a_renewal_closes_with_the_day_and_not_a_second_later(world):
    world.buy_by_card(auto_renew=False)
    closes = world.holding().term.renewal_closes_on
    late = renewing(world, f"{closes + timedelta(days=1)} 00:00:00", "late")
    assert said(late) == (409, "renewals.window_closed") and Order.objects.count() == 1
    told = json.loads(late.content)
    assert str(closes) in json.dumps(told["facts"]) and "buy" in told["detail"].lower(), told
    assert renewing(world, f"{closes} 23:59:59", "in-time").status_code == 201


def test_attack_10_a_program_s_clock_is_not_asked_for(ming):
    for name in ("date", "now", "timezone", "placed_at"):
        assert ming.order(**{name: "2019-06-25"}).status_code == 422
    assert not Order.objects.exists()


def test_attack_11_auto_renew_is_not_switched_on_again(world):
    world.buy_by_card()
    subscription = world.holding().subscription
    program = Program(world, world.ming)
    place = f"/subscriptions/{subscription.pk}/auto-renewal"
    off = program.send("DELETE", place)
    for method in ("PUT", "POST", "PATCH"):
        assert program.send(method, place, {"auto_renew": True}).status_code == 405, "there is no such operation"
    subscription.refresh_from_db()
    assert off.status_code == 200 and not subscription.auto_renew


def test_attack_13_a_second_one_of_the_same_is_refused(world, ming):
    world.buy_by_card()
    status, code = said(ming.order())
    assert status == 409 and code.startswith("offers.") and Order.objects.count() == 1


@pytest.mark.parametrize("offer", ["gold-cloud", "no-such-offer", "ACTION-PACK", "action-pack ", "../action-pack", ""])
def test_attack_14_what_is_not_for_this_company_is_not_sold(ming, offer):
    answer = ming.order(offer=offer)
    assert answer.status_code in (404, 409, 422) and not Order.objects.exists()


@pytest.mark.parametrize("name", ["name", "phone", "email"])
@pytest.mark.parametrize("value", ["", " ", None, "\u200b", "a\x00b", "x" * 300])
def test_attack_16_a_transfer_wants_somebody_to_speak_to(ming, name, value):
    contact = {"name": "Ming Chen", "phone": "02 2712 3456", "email": "ming@contoso.example"} | {name: value}
    answer = ming.order(payment_method="bank_transfer", contact=contact)
    assert answer.status_code in (409, 422) and not Order.objects.exists()
    assert any(name in each for each in names(answer)), answer.content


def test_attack_28_a_card_number_is_taken_by_no_program(world, ming):
    for place, body in (
        ("/orders", {"payment_token": "4242424242424242"}),
        ("/support-requests", {"subject": "4242 4242 4242 4242", "problem_type": "tax", "description": "x"}),
        ("/invitations", {"name": "4242-4242-4242-4242", "email": "a@contoso.example", "roles": ["member"]}),
    ):
        program = ming if place == "/orders" else Program(world, world.ann)
        answer = program.send("POST", place, ming.wanted(**body) if place == "/orders" else body)
        assert said(answer) == (422, "input.card_data") and b"4242" not in answer.content


FILTERS = ["org__secret", "partner__user__password", "expand", "sort", "order_by", "fields", "include", "partner",
           "partner_id", "offer__in", "id__gt", "password", "$where", "page", "page_size", "api_key", "access_token"]  # fmt: skip


@pytest.mark.parametrize(
    "path", ["/orders", "/invoices", "/users", "/subscriptions", "/support-requests", "/invitations"]
)
def test_attack_30_no_list_is_asked_what_it_does_not_name(world, path):
    program = Program(world, world.ann)
    for name in FILTERS:
        answer = program.send("GET", f"{path}?{name}=org.users")
        assert answer.status_code == 400, (name, answer.content)


@pytest.mark.parametrize(
    "name", ["role", "tenant", "is_staff", "staff_roles", "partner_id", "partner", "password", "id"]
)
def test_attack_31_nobody_makes_himself_more_than_was_asked(world, ann, name):
    invited = {"email": "new@contoso.example", "name": "Nan New", "roles": ["member"], name: "operator"}
    assert ann.send("POST", "/invitations", invited).status_code == 422 and not Invitation.objects.filter(
        email="new@contoso.example"
    )
    sal = Colleague.objects.get(user=world.sal)
    changed = ann.send("PATCH", f"/users/{sal.pk}", {"roles": ["member"], name: "operator"}, **{"If-Match": "*"})
    assert changed.status_code in (405, 415, 422)
    sal.refresh_from_db()
    assert sal.roles == ["member"] and User.objects.get(pk=world.sal.pk).staff_roles == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.pdf", b"<html><script>alert(1)</script></html>"),
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("a.zip", b"PK\x03\x04"),
        ("a.pdf", b""),
    ],
)
def test_attack_32_a_program_s_file_is_what_its_bytes_are(world, name, content):
    order = world.buy(method=Method.BANK_TRANSFER)
    fields = {"paid_on": "2018-06-20", "account": "12345", "reference": "x", "file": SimpleUploadedFile(name, content)}
    body = encode_multipart(BOUNDARY, fields)
    program = Program(world, world.ming)
    answer = program.send("POST", f"/orders/{order.number}/payment-proofs", body, kind=MULTIPART_CONTENT)
    assert answer.status_code in (409, 422) and "file" in names(answer) and not StoredFile.objects.exists()


def test_attack_35_the_last_administrator_does_not_go_by_a_program_either(world, ann):
    row = Colleague.objects.get(user=world.ann)
    for sent in ({"roles": ["member"]}, {"roles": ["global_admin"], "active": False}):
        answer = ann.send("PUT", f"/users/{row.pk}", sent, **{"If-Match": "*"})
        answer = (
            answer if answer.status_code != 405 else ann.send("PATCH", f"/users/{row.pk}", sent, **{"If-Match": "*"})
        )
        assert answer.status_code == 409, answer.content
    row.refresh_from_db()
    assert row.ended_at is None and "global_admin" in row.roles


def test_attack_45_a_body_that_only_looks_like_json(world, ming):
    body = json.dumps(ming.wanted())
    for kind in ("text/plain", "application/x-www-form-urlencoded", "text/json", "multipart/form-data; boundary=x"):
        assert ming.send("POST", "/orders", body, kind=kind).status_code == 415, kind
    override = {"X-HTTP-Method-Override": "POST"}
    assert ming.send("GET", "/orders", **override).status_code == 200 and not Order.objects.exists()
    # A browser's visit is no key.
    browser = Client(raise_request_exception=False)
    browser.force_login(world.ming)
    assert browser.post("/api/v1/orders", body, content_type=JSON).status_code == 401


@pytest.mark.parametrize("origin", ["null", "https://evil.example", "http://testserver.evil.example"])
def test_attack_46_a_page_of_elsewhere_reads_nothing(ming, origin):
    for method in ("GET", "OPTIONS"):
        answer = ming.send(method, "/orders", Origin=origin, **{"Access-Control-Request-Method": "GET"})
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


VALUES = ["'", '"', "';--", "1 OR 1=1", "a__b", "{}", "%00", "%ED%A0%BD", "%F0%9F%98%80", "((((a+)+)+)+)$", "9" * 400]


@pytest.mark.parametrize("value", VALUES)
def test_attack_49_no_place_for_a_number_or_a_name_breaks(ming, value):
    for place in ("/orders/{}", "/invoices/{}", "/offers/{}/eligibility", "/support-requests/{}", "/subscriptions/{}/terms",
                  "/orders?offer={}", "/orders?after={}", "/orders?limit={}", "/users?active={}", "/users/{}"):  # fmt: skip
        answer = ming.send("GET", place.format(value.replace(" ", "%20").replace('"', "%22")))
        assert answer.status_code in (200, 400, 403, 404, 409, 422), (place, answer.status_code)


def sized(ming, body, kind=JSON):
    began = time.process_time()
    answer = ming.send("POST", "/support-requests", body, kind=kind)
    return answer.status_code, time.process_time() - began


def test_attack_56_a_body_that_is_too_much_costs_little(ming):
    asked = {"problem_type": "tax", "subject": "Tax", "description": "Why?"}
    bodies = {
        "deep": b"[" * 10_000 + b"]" * 10_000,
        "deep in a field": json.dumps(asked).replace('"Why?"', '{"a":' * 10_000 + "1" + "}" * 10_000),
        "not a number": '{"a": NaN, "b": Infinity}',
        "half": '{"subject": "',
        "no object": "[]",
        "no text": b"\xff\xfe{}",
        "large": json.dumps(asked | {"description": "x" * 10_000_000}),
        "wide": json.dumps(dict.fromkeys(map(str, range(100_000)), 1)),
        "long": json.dumps(asked | {"subject": ["x"] * 400_000}),
    }
    sized(ming, "{}")  # whatever is read once has been read
    for name, body in bodies.items():
        status, spent = sized(ming, body)
        assert status in (400, 413, 422) and spent < 1.0, (name, status, spent)
    assert ming.send("GET", "/orders").status_code == 200, "and it still answers"


def test_attack_56_a_name_said_twice_is_not_chosen_between(ming):
    body = json.dumps(ming.wanted()).replace(
        '"offer": "action-pack"', '"offer": "silver-cloud", "offer": "action-pack"'
    )
    assert ming.send("POST", "/orders", body).status_code == 400
    assert not Order.objects.exists()


LIMITS = ["-1", "0", "101", "1000000000", "1e9", "", "all", "1.5", "9" * 400]


@pytest.mark.parametrize("limit", LIMITS)
def test_attack_57_a_page_holds_a_hundred_at_most(ming, limit):
    assert ming.send("GET", f"/orders?limit={limit}").status_code in (400, 422)


@pytest.mark.parametrize("mark", ["x", "a:b:c", "eyJhIjoxfQ:1abc:xyz", "%00", "W10:1sOmE:" + "x" * 43])
def test_attack_57_a_mark_that_we_did_not_make(ming, mark):
    assert ming.send("GET", f"/orders?after={mark}").status_code in (400, 404, 422)


NAMES = [
    "\u202eevil\u202c",
    "a\u200bb\u200d",
    "раураl",
    "😀😀",
    "𠮷野家",
    "A",
    "x" * 120,
    "A\u0301" * 40,
    "\x00",
    "\ud800",
    "<b>b",
]


@pytest.mark.parametrize("name", NAMES)
def test_attack_58_any_text_is_kept_as_it_is_or_refused_by_its_field(ming, name):
    sent = {"problem_type": "tax", "subject": name, "description": f"{name} {name}"}
    answer = ming.send("POST", "/support-requests", sent)
    if answer.status_code != 201:
        assert answer.status_code in (400, 409, 422) and (answer.status_code == 400 or names(answer)), answer.content
    else:
        number = json.loads(answer.content)["number"]
        assert ming.send("GET", f"/support-requests/{number}").status_code == 200


DAYS = [
    "2027-02-29",
    "0000-01-01",
    "2018-06-20T24:00",
    "2018-06-31",
    "20180620T235960Z",
    "Etc/GMT+25",
    "-1",
    "",
    "9999-12-31",
]


@pytest.mark.parametrize("day", DAYS)
def test_attack_59_a_day_that_is_none(world, day):
    order = world.buy(method=Method.BANK_TRANSFER)
    file = SimpleUploadedFile("a.pdf", b"%PDF-1.7")
    body = encode_multipart(BOUNDARY, {"paid_on": day, "account": "1", "reference": "x", "file": file})
    answer = Program(world, world.ming).send(
        "POST", f"/orders/{order.number}/payment-proofs", body, kind=MULTIPART_CONTENT
    )
    assert answer.status_code in (409, 422) and "paid_on" in names(answer), answer.content


def test_attack_60_what_is_nothing_is_a_problem_and_no_trace(ming):
    for path in ("/", "/admin", "/../settings", "/.git/config", "/debug", "/openapi.yaml", "/swagger"):
        answer = ming.send("GET", path)
        assert answer.status_code == 404 and b"Traceback" not in answer.content, path
    for method in ("TRACE", "PROPFIND", "CONNECT", "FOO"):
        assert ming.send(method, "/orders").status_code in (404, 405, 501), method
    assert Partner.objects.exists()
