"""What is sent to pages in bad faith or by broken programs, and what they answer (reliability.md §4).

Each test's name carries its row. Read next: ``docs/operations/attacks.md``, which has all sixty.
"""

import re
from datetime import timedelta

import pytest
from django.core import mail as outbox
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tenure.partners.models import Partner
from tenure.people import actions as people
from tenure.people.models import Colleague, User
from tenure.people.queries import invitation_token
from tenure.plumbing.models import Mail, StoredFile
from tenure.purchases.models import Order
from tenure.support.models import Request
from tests.contracts.test_access_walk import ours
from tests.doors.till import Till
from tests.worlds import PASSWORD

SCRIPT = '<script>alert("x")</script>'
TEMPLATE = "{{7*7}}{% now 'Y' %}${7*7}"


@pytest.fixture
def ming(world):
    client = Client(raise_request_exception=False)
    client.force_login(world.ming)
    return client


@pytest.fixture
def ann(world):
    client = Client(raise_request_exception=False)
    client.force_login(world.ann)
    return client


def asked(**changes) -> dict:
    return {"problem_type": "tax", "subject": "Tax", "description": "Why?", "once": "x"} | changes


def test_attack_06_what_a_client_adds_about_price_is_not_read(world):
    till = Till(world)
    review = till.review("bank_transfer")
    forged = {"total": "1", "amount_minor": "1", "currency": "JPY", "discount": "100", "quantity": "0", "paid": "1"}
    till.post(review, till.shown(review) | forged)
    order = Order.objects.get()
    assert (order.total_minor, order.currency, order.paid_at) == (15750, "TWD", None)


@pytest.mark.parametrize("total", ["1", "-15750", "15750.5", "1e3", "NaN", "15,750,000,000,000,000,000"])
def test_attack_07_another_total_than_the_one_shown_buys_nothing(world, total):
    till = Till(world)
    review = till.review("bank_transfer")
    answer = till.client.post(review, till.shown(review) | {"expected_total": total})
    assert answer.status_code in (400, 409, 422) and not Order.objects.exists()


def test_attack_10_a_client_s_clock_opens_no_window(world):
    subscription = world.buy_by_card(auto_renew=False).subscription
    expires_on = world.terms(subscription)[-1][1]
    world.go(f"{expires_on} 23:59:59")
    till = Till(world)
    forged = {"now": "2019-06-25", "date": "2019-06-25", "timezone": "Pacific/Kiritimati", "placed_on": "2019-06-25"}
    headers = {"Date": "Tue, 25 Jun 2019 12:00:00 GMT", "X-Timezone": "Pacific/Kiritimati", "Time-Zone": "+14:00"}
    answer = till.client.post("/checkout/start/", {"subscription": subscription.pk} | forged, headers=headers)
    assert answer.headers["Location"] == "/offers/action-pack/#why" and Order.objects.count() == 1
    world.go(world.now + timedelta(seconds=1))
    answer = till.client.post("/checkout/start/", {"subscription": subscription.pk} | forged, headers=headers)
    assert answer.headers["Location"].startswith("/checkout/"), "a second later it is open by our clock"


@pytest.mark.parametrize(
    ("name", "content", "claimed"),
    [
        ("a.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "image/png"),
        ("a.pdf", b"<html><script>alert(1)</script></html>", "application/pdf"),
        ("a.png", b"PK\x03\x04" + b"\0" * 400, "image/png"),
        ("a.pdf.exe", b"MZ\x90\x00", "application/pdf"),
        ("a.html", b"GIF88a<script>", "image/gif"),
    ],
)
def test_attack_32_a_file_is_what_its_bytes_are_or_nothing(world, name, content, claimed):
    order = world.buy(method="bank_transfer", contact=world.wanted(method="bank_transfer").contact)
    sent = {"paid_on": "2018-06-20", "account": "12345", "reference": "x", "file": SimpleUploadedFile(name, content)}
    sent["file"].content_type = claimed
    client = Client()
    client.force_login(world.bo)
    answer = client.post(f"/orders/{order.number}/proof/", sent)
    assert answer.status_code == 422 and 'id="error-file"' in answer.content.decode()
    assert not StoredFile.objects.filter(content=content).exists()


def test_attack_32_a_file_that_may_be_two_things_is_handed_out_as_one(world):
    """A PDF that is a page, too, under a name that climbs: kept as a PDF, given out to be saved, never shown."""
    content = b"%PDF-1.7\n<html><script>alert(1)</script></html>"
    order = world.buy(method="bank_transfer", contact=world.wanted(method="bank_transfer").contact)
    file = SimpleUploadedFile("..\\..\\etc/passwd\r\nSet-Cookie: a=b.pdf", content)
    client = Client()
    client.force_login(world.bo)
    sent = {"paid_on": "2018-06-20", "account": "12345", "reference": "x", "file": file}
    assert client.post(f"/orders/{order.number}/proof/", sent).status_code == 302
    kept = StoredFile.objects.get(content=content)
    assert not re.search(r"[/\\\r\n]|\.\.", kept.name), kept.name
    desk = Client()
    desk.force_login(world.fin)
    page = desk.get("/office/transfers/").content.decode()
    answer = desk.get(re.search(r'"(/office/transfers/proofs/\d+/)"', page)[1])
    assert answer.headers["Content-Type"] == "application/pdf" and "attachment" in answer.headers["Content-Disposition"]
    assert (
        answer.headers["X-Content-Type-Options"] == "nosniff" and "sandbox" in answer.headers["Content-Security-Policy"]
    )


def test_attack_36_an_admin_changes_a_person_here_and_nowhere_else(world, ann):
    fabrikam = world.company("Fabrikam Ltd", "fabrikam.example", "Fay Ho")
    shared = world.placed(User.objects.get(email="fay@fabrikam.example"), "member")
    here = Colleague.objects.get(user=shared, partner_id=world.contoso.pk)
    there = Colleague.objects.get(user=shared, partner_id=fabrikam.pk)
    before = (list(there.roles), there.ended_at, shared.password, shared.email)
    ann.post(f"/users/{here.pk}/", {"do": "deactivate", "password": "x", "email": "evil@evil.example"})
    ann.post(f"/users/{there.pk}/", {"do": "deactivate"})
    there.refresh_from_db()
    shared.refresh_from_db()
    assert (list(there.roles), there.ended_at, shared.password, shared.email) == before and shared.is_active


@pytest.mark.parametrize(
    "there", ["//evil.example", "https:evil.example", "/\\evil.example", "\\\\evil.example", "/%0d%0aSet-Cookie:a=b",
              "https://evil.example/", "javascript:alert(1)", "/\t/evil.example", "///evil.example"]
)  # fmt: skip
def test_attack_44_nobody_is_led_away(world, there):
    signed_in = Client().post(f"/accounts/login/?next={there}", {"login": "ann@contoso.example", "password": PASSWORD})
    language = Client().post("/language/", {"language": "en", "next": there})
    for answer in (signed_in, language):
        place = answer.headers.get("Location", "/")
        assert place.startswith("/") and not re.match(r"/[/\\\t]", place) and "\n" not in place, place


def test_attack_45_no_form_is_taken_without_its_token(world):
    """Every address that takes a form refuses one from elsewhere, whoever is signed in; doorbells are signed instead."""
    client, walked = Client(enforce_csrf_checks=True), 0
    client.force_login(world.ann)
    for place, view in ours():
        if view.access.door in ("machine", "api") or "<" in place:
            continue
        assert client.post(place, {"a": "b"}).status_code in (403, 405), place
        assert client.post(place, '{"a": 1}', content_type="text/plain").status_code in (403, 405), place
        override = client.get(place, headers={"X-HTTP-Method-Override": "POST"}).status_code
        assert override == client.get(place).status_code, place
        walked += 1
    assert walked > 40


@pytest.mark.parametrize("origin", ["null", "https://evil.example", "https://testserver.evil.example"])
def test_attack_46_no_other_origin_may_read(ann, origin):
    for method in (ann.get, ann.options):
        answer = method("/orders/", headers={"Origin": origin, "Access-Control-Request-Method": "GET"})
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


def test_attack_48_a_forged_host_stands_in_no_letter(world, settings):
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    forged = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher", "Forwarded": "host=evil.example"}
    given = {"email": "ann@contoso.example"}
    assert Client().post("/accounts/password/reset/", given, headers={"Host": "evil.example"}).status_code == 400
    Client().post("/accounts/password/reset/", given, headers=forged)
    world.work()
    said = [f"{letter.subject} {letter.body}" for letter in outbox.outbox] + [str(m.facts) for m in Mail.objects.all()]
    assert said and not any("evil.example" in text for text in said)


BAD_VALUES = ["'", '"', "';--", "1 OR 1=1", "a__b", "partner__user__password", "-id;DROP TABLE x", "{}", '{"a":1}', "%",
              "\\", "\x00", "\ud800", "\U0001f600", "٣", "(((((((((((((((a+)+)+)+)+)+)+)+)+)+$", "9" * 400, "-1", "1e9"]  # fmt: skip


@pytest.mark.parametrize("value", BAD_VALUES)
def test_attacks_30_49_and_57_no_filter_page_or_order_breaks_a_list(world, value):
    """Quotes, lookups across relations, NUL, halves of characters and endless numbers in every parameter of a list."""
    names = ("q", "page", "status", "sort", "order_by", "expand", "after", "kind", "partner__user__password", "account")
    lists = {world.ann: ("/orders/", "/invoices/", "/support/", "/users/", "/notices/")}
    lists[world.oda] = (
        "/office/partners/",
        "/office/transfers/",
        "/office/support/",
        "/office/mail/",
        "/office/invoices/",
    )
    for user, places in lists.items():
        client = Client(raise_request_exception=False)
        client.force_login(user)
        for place in places:
            for name in names:
                answer = client.get(place, {name: value.encode("utf-8", "surrogatepass")})
                assert answer.status_code in (200, 302, 400, 404, 422), (place, name, answer.status_code)
                assert len(answer.content) < 400_000


def test_attack_50_what_people_type_is_text_everywhere(world, ann, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    Partner.objects.filter(pk=world.contoso.pk).update(legal_name=f"Contoso {SCRIPT} {TEMPLATE}")
    ann.post("/support/new/", asked(subject=f"{SCRIPT}{TEMPLATE}", description=f"{SCRIPT}{TEMPLATE}"))
    request = Request.objects.get()
    world.buy_by_card()
    world.work()
    desk = Client()
    desk.force_login(world.oda)
    places = [(ann, f"/support/{request.number}/"), (ann, "/company/"), (ann, "/"), (desk, "/office/support/")]
    places += [(desk, f"/office/support/{request.number}/"), (desk, f"/office/partners/{world.contoso.pk}/")]
    for client, place in places:
        page = client.get(place).content.decode()
        assert "<script>" not in page and "&lt;script&gt;" in page and "{{7*7}}" in page, place
    letters = [letter.body for letter in outbox.outbox]
    assert letters and any(SCRIPT in letter for letter in letters) and not any("$49" in each for each in letters)


@pytest.mark.parametrize("name", ["Eve\r\nBcc: all@evil.example", "Eve\nSubject: owned", "Eve\x0b\x0cX: y"])
def test_attack_53_no_name_becomes_a_header_of_a_letter(world, ann, settings, name):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    sent = {"name": name, "email": "eve@contoso.example", "roles": ["member"], "language": "en", "once": "x"}
    ann.post("/users/invite/", sent)
    ann.post("/support/new/", asked(subject=name))
    world.work()
    assert all(set(letter.message().keys()) & {"Bcc", "X"} == set() for letter in outbox.outbox)
    assert not any("evil.example" in to for letter in outbox.outbox for to in letter.recipients())


def test_attack_56_too_much_of_anything_is_refused_and_the_house_stands(world, ann):
    fields = {f"f{n}": "x" for n in range(100_000)}
    assert ann.post("/support/new/", fields).status_code == 400
    deep = "[" * 10_000 + "]" * 10_000
    assert ann.post("/support/new/", deep, content_type="application/json").status_code < 500
    assert ann.post("/support/new/", asked(description="x" * 10_000_000)).status_code == 413
    assert ann.post("/support/new/", '{"a": NaN, "a": Infinity}', content_type="application/json").status_code < 500
    assert ann.get("/support/", headers={f"X-H{n}": "x" for n in range(500)}).status_code == 200
    assert not Request.objects.exists()


NAMES = ["\u202eevil\u202c Ltd", "a\u200bb\u200d Ltd", "раураl Ltd", "😀😀 Ltd", "𠮷野家", "A", "長" * 255, "x" * 255,
         "Å" * 60, "A\u0301" * 40, "ﷺ Ltd", "<b>Ltd</b>", "\u0000Ltd"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_attack_58_any_name_is_taken_and_shown_or_refused_by_its_field(world, ann, name):
    before = Request.objects.count()
    answer = ann.post("/support/new/", asked(subject=name, description=f"{name} {name}"))
    assert answer.status_code in (302, 200, 422), answer.status_code
    if answer.status_code != 302:
        assert 'id="error-subject"' in answer.content.decode() and Request.objects.count() == before
    else:
        assert ann.get(answer.headers["Location"]).status_code == 200


@pytest.mark.parametrize("day", ["2027-02-29", "0000-01-01", "9999-12-31", "2018-06-20T24:00", "2018-06-31", "2018-13-01",
                                 "20180620T235960Z", "2018-06-20 Etc/GMT+25", "-2018-06-20", "１０７/０２/３０"])  # fmt: skip
def test_attack_59_a_day_that_is_none_is_refused_by_its_field(world, day):
    order = world.buy(method="bank_transfer", contact=world.wanted(method="bank_transfer").contact)
    client = Client()
    client.force_login(world.bo)
    proof = SimpleUploadedFile("a.pdf", b"%PDF-1.7")
    answer = client.post(
        f"/orders/{order.number}/proof/", {"paid_on": day, "account": "1", "reference": "x", "file": proof}
    )
    assert answer.status_code == 422 and 'id="error-paid_on"' in answer.content.decode()


@pytest.mark.parametrize("path", ["/.git/config", "/.env", "/admin/", "/debug/", "/static/", "/static/../settings.py",
                                  "/__debug__/", "/server-status", "/wp-login.php", "/static/css/", "/.well-known/../x"])  # fmt: skip
def test_attack_60_there_is_nothing_else_to_find(world, ann, path):
    answer = ann.get(path)
    page = answer.content.decode() if not answer.streaming else ""
    assert answer.status_code == 404 and "Traceback" not in page and "settings" not in page.replace(path, "")


def test_attack_60_odd_methods_do_nothing(ann):
    for method in ("TRACE", "CONNECT", "PROPFIND", "PUT", "DELETE", "PATCH"):
        assert ann.generic(method, "/orders/").status_code in (403, 404, 405, 501), method


def test_attack_58_half_a_character_is_no_text(ann):
    body = b"problem_type=tax&once=x&description=Why%3F&subject=%ED%A0%BD"
    answer = ann.post("/support/new/", body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code < 500 and all("\ud83d" not in each.subject for each in Request.objects.all())


def test_attack_60_there_is_no_account_that_came_with_the_house(world):
    assert all(user.email.endswith(("@contoso.example", "@aurora.example")) for user in User.objects.all())
    for name in ("admin@example.com", "admin", "root", "tenure@tenure.example"):
        for password in ("admin", "password", "tenure", ""):
            assert Client().post("/accounts/login/", {"login": name, "password": password}).status_code != 302


@pytest.mark.parametrize(
    "named", ["%00", "a%00b", "%0d%0aSet-Cookie:a=b", "%1b[2J", "%c2%85", "%ED%A0%BD", "..%2f..%2fetc"]
)
def test_attacks_49_and_52_no_address_holds_what_is_no_text(world, ann, named):
    desk = Client(raise_request_exception=False)
    desk.force_login(world.oda)
    own = ("/orders/{}/", "/support/{}/", "/invoices/{}/", "/offers/{}/", "/invitation/{}/", "/pay/{}", "/checkout/{}/")
    for client, places in ((ann, own), (desk, ("/office/orders/{}/", "/office/support/{}/", "/office/invoices/{}/"))):
        for place in places:
            for method in (client.get, client.post):
                answer = method(place.format(named))
                assert answer.status_code in (404, 405, 410, 415), (place, answer.status_code)
                assert "Set-Cookie:a" not in str(answer.headers)


def test_attack_34_an_invitation_joins_nobody_but_whom_it_was_written_to(world, ann):
    """Handed on, it still makes the person it names; whoever else presses, signed in or not, gets no place by it."""
    fabrikam = world.company("Fabrikam Ltd", "fabrikam.example", "Fay Ho")
    fay = world.actor(User.objects.get(email="fay@fabrikam.example"))
    given = {"roles": ["global_admin"], "language": "en", "now": world.now}
    token = invitation_token(people.invite(fay, fabrikam, email="kim@fabrikam.example", name="Kim Lee", **given))
    before = set(Colleague.objects.filter(user=world.ann).values_list("partner_id", flat=True))
    sent = {"password": PASSWORD, "email": "ann@contoso.example", "name": "Ann", "roles": ["operator"]}
    assert ann.post(f"/invitation/{token}/", sent).status_code in (302, 403, 409)
    joined = Colleague.objects.filter(partner_id=fabrikam.pk).exclude(user__email="fay@fabrikam.example")
    assert {place.user.email for place in joined} <= {"kim@fabrikam.example"}
    assert set(Colleague.objects.filter(user=world.ann).values_list("partner_id", flat=True)) == before
    assert User.objects.get(pk=world.ann.pk).staff_roles == []
    for changed in (token[:-1], token + "a", token.upper(), "0" * len(token)):
        assert Client().get(f"/invitation/{changed}/").status_code in (404, 410), changed
