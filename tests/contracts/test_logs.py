"""The log: one line of JSON for each thing, known fields only, and of sixty things that are secret not one."""

import io
import json
import logging
import re
import secrets

import pytest
import structlog
from django.test import Client

from tenure.people.queries import invitation_token
from tenure.plumbing.logs import FIELDS, formatter
from tenure.web.portal import home, join

WORD = "heron"


def canary() -> str:
    """A word that nobody writes by chance and that no pattern of ours knows."""
    return WORD + "".join(secrets.choice("abcdefghkmnpqrstuvwxyz") for _ in range(12))


@pytest.fixture
def log():
    """Everything that is logged while the test runs, at every level, as it would be written."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(formatter())
    root, ours = logging.getLogger(), logging.getLogger("django.request")
    before = root.level, ours.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    ours.setLevel(logging.DEBUG)
    yield written.getvalue
    root.removeHandler(handler)
    root.setLevel(before[0])
    ours.setLevel(before[1])


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


# What a trace or a library may say with a secret in it; {} is the secret.
SAID = [
    "password={}",
    "Password: {}",
    "'new_password1': '{}'",
    '{{"password": "{}", "offer": "x"}}',
    "client_secret={}&grant_type=x",
    "TENURE_SECRET_KEY={}",
    "TENURE_STRIPE_WEBHOOK_SECRET={}",
    "secret: '{}'",
    "totp_secret={}",
    "token={}",
    "access_token: {}",
    "'refresh_token': '{}'",
    "id_token={}",
    "?token={}&next=/",
    "payment_token={}",
    "invitation_token='{}'",
    "csrfmiddlewaretoken={}",
    "X-CSRFToken: {}",
    "csrftoken={}; path=/",
    "Authorization: Bearer {}",
    "'Authorization': 'Basic {}'",
    "HTTP_AUTHORIZATION={}",
    "authorisation={}",
    "Bearer {}",
    "Basic {}",
    "Cookie: {}",
    "Set-Cookie: {}; HttpOnly",
    "'HTTP_COOKIE': '{}'",
    "sessionid={}",
    "session_key={}",
    "session: {}",
    "Stripe-Signature: {}",
    "webhook-signature: {}",
    "signature='{}'",
    "api_key={}",
    "api-key: {}",
    "apikey={}",
    "otp={}",
    "otp_code: {}",
    "recovery_codes={}",
    "sk_test_{}",
    "rk_live_{}",
    "whsec_{}",
    "pi_9_secret_{}",
    "postgresql://tenure:{}@db/tenure",
    "redis://:{}@cache:6379/0",
    "{}@contoso.example",
    "DETAIL: Key (email)=({}@contoso.example) already exists.",
]


@pytest.mark.parametrize("said", SAID)
def test_what_is_secret_by_its_name_or_its_form_is_not_written(log, said):
    secret = canary()
    text = said.format(secret)
    logging.getLogger("a.library").warning("it said %s", text)
    structlog.get_logger("tenure.test").info("it said", error=text, number=[text])
    try:
        raise RuntimeError(text)
    except RuntimeError:
        logging.getLogger("a.library").exception("it broke")
    assert len(lines(log())) == 3 and secret not in log(), said


def test_a_field_that_is_not_known_is_left_out_and_named(log):
    secret = canary()
    structlog.get_logger("tenure.test").info("asked", body=secret, headers={"a": secret}, order="O-2019-000001")
    (line,) = lines(log())
    assert line["left_out"] == ["body", "headers"] and line["order"] == "O-2019-000001" and secret not in log()


def test_no_text_begins_a_line_of_its_own_or_speaks_to_a_terminal(log):
    logging.getLogger("a.library").warning("first\nsecond\r\n\x1b[31mred\x85\u2028\u202e")
    assert len(log().splitlines()) == 1 and log().isascii() and "\x1b" not in log()


def test_of_what_doors_are_sent_nothing_is_written(world, log, monkeypatch):
    """A word in every place of a request: address, parameter, header, cookie, field; answered, refused and broken."""
    sent = []

    def word() -> str:
        sent.append(canary())
        return sent[-1]

    def ask(client, method, path, **given):
        headers = {
            name: word() for name in ("Authorization", "X-Forwarded-For", "User-Agent", "Referer", "X-Request-Id")
        }
        client.cookies["sid"] = word()
        return getattr(client, method)(path + f"?q={word()}&token={word()}", headers=headers, **given).status_code

    stranger, ming = Client(enforce_csrf_checks=True), Client(raise_request_exception=False)
    ming.force_login(world.ann)
    sign_in = {"login": f"{word()}@contoso.example", "password": word()}
    answered = [
        ask(Client(), "post", "/accounts/login/", data=sign_in),
        ask(stranger, "post", "/accounts/login/", data=sign_in),
        ask(ming, "get", "/orders/"),
        ask(ming, "get", f"/orders/{word()}/"),
        ask(ming, "get", f"/{word()}/"),
        ask(Client(), "get", f"/invitation/{word()}/"),
        ask(Client(), "post", "/hooks/demo", data=word(), content_type="application/json"),
        ask(ming, "post", "/support/new/", data={"subject": word(), "description": word(), "problem_type": word()}),
    ]
    monkeypatch.setattr(home, "render", lambda *given: {}[word()])
    answered.append(ask(ming, "get", "/"))
    assert {200, 400, 403, 404, 500} <= set(answered), answered
    assert len(sent) > 60 and not [each for each in sent if each in log()]
    told = [line for line in lines(log()) if line["event"] == "request"]
    assert len(told) == len(answered) and [line["status"] for line in told] == answered
    assert told[3]["route"] == "orders/<str:number>/" and told[3]["actor"] == f"person:{world.ann.pk}"


def test_a_token_that_works_is_not_written_either(world, log):
    from tenure.people import actions as people

    given = {"email": "new@contoso.example", "name": "Nan New", "roles": ["member"], "language": "en"}
    token = invitation_token(people.invite(world.actor(world.ann), world.contoso, **given, now=world.now))
    assert Client().get(f"/invitation/{token}/").status_code == 200
    assert token not in log() and '"invitation/<str:token>/"' in log()


def test_control_the_same_log_holds_what_is_no_secret(log):
    logging.getLogger("a.library").warning("the %s was seen", WORD)
    (line,) = lines(log())
    assert WORD in line["event"] and set(line) <= FIELDS


def test_a_request_keeps_the_name_it_came_with_if_it_is_one(world):
    named = "0123456789abcdef0123456789abcdef"
    assert Client().get("/healthz", headers={"X-Request-Id": named}).headers["X-Request-Id"] == named
    assert Client().get("/healthz", headers={"X-Request-Id": "a\tb"}).headers["X-Request-Id"] != "a\tb"


def test_an_address_that_is_no_plain_text_is_not_written_either(world, log, monkeypatch):
    """Django escapes what it writes of an address; left alone, a token beside such a character would stand there."""
    secret = canary()
    monkeypatch.setattr(join, "invitation_of", lambda token: {}[token])
    client = Client(raise_request_exception=False)
    assert client.get(f"/invitation/{secret}é😀\\/").status_code == 500
    assert secret not in log() and '"invitation/<str:token>/"' in log()


def test_every_line_says_when_in_utc(log):
    logging.getLogger("a.library").warning("now")
    (line,) = lines(log())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line["at"])
