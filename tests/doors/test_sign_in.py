"""The way in: what a password, a code and a factor open, what they do not, and what is said to whom."""

import re
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client

from tenure.plumbing.sealed import unseal
from tests.worlds import PASSWORD

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"


def give_password(user, password=PASSWORD):
    user.set_password(password)
    user.save()
    return user


def sign_in(user, client=None, password=PASSWORD, **more):
    client = client or Client()
    return client, client.post(LOGIN, {"login": user.email, "password": password}, **more)


def code_of(user, steps=0):
    secret = unseal(Authenticator.objects.get(user=user, type="totp").data["secret"], "people.factor")
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def set_up_app(client):
    """Through the page, as a person does it; returns the recovery codes shown."""
    page = client.get("/accounts/factors/app/").content.decode()
    secret = re.search(r'<dd class="code">(\w+)</dd>', page)[1]
    answer = client.post(
        "/accounts/factors/app/", {"code": format_hotp_value(hotp_value(secret, int(time.time()) // 30))}
    )
    assert answer.status_code == 302, answer.content.decode()
    shown = client.get(answer["Location"]).content.decode()
    return re.findall(r'<li class="code">(\d+)</li>', shown)


@pytest.fixture
def sal(world):
    """Somebody whose role asks for no second factor."""
    return give_password(world.sal)


@pytest.fixture
def ann(world):
    """An administrator: a second factor is asked for."""
    return give_password(world.ann)


def test_a_member_signs_in_with_a_password_alone(sal):
    client, answer = sign_in(sal)
    assert answer["Location"] == "/"
    assert client.get("/support/").status_code == 200


def test_an_administrator_sets_up_a_factor_first_and_can_do_nothing_else(ann):
    client, _ = sign_in(ann)
    for path in ("/", "/users/", "/company/", "/accounts/password/change/", "/security/email/"):
        assert client.get(path)["Location"] == "/security/", path
    assert "Your role needs a second factor" in client.get("/security/").content.decode()
    codes = set_up_app(client)
    assert len(codes) == 10
    assert client.get("/users/").status_code == 200
    other, answer = sign_in(ann)
    assert answer["Location"] == "/accounts/factors/sign-in/"
    assert other.get("/users/")["Location"].startswith(LOGIN)
