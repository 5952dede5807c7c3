"""Coming in by the front door, as the tests of signing in do it: a password, then what the page asks for."""

import re
from unittest import mock

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client

from tenure.people import seeds
from tenure.plumbing import clock
from tests.worlds import PASSWORD

LOGIN = "/accounts/login/"
FACTOR = "/accounts/factors/sign-in/"


def give_password(user, password=PASSWORD):
    user.set_password(password)
    user.save()
    return user


def sign_in(user, client=None, password=PASSWORD, **more):
    client = client or Client()
    return client, client.post(LOGIN, {"login": user.email, "password": password}, **more)


def step_now():
    return int(clock.machine().timestamp()) // 30


def code(secret, steps=0):
    return format_hotp_value(hotp_value(secret, step_now() + steps))


def code_of(user, steps=0):
    secret = seeds.read(Authenticator.objects.get(user=user, type="totp").data["secret"])
    return code(secret, steps)


def fresh(user):
    """As if the last code had been used long ago, so that a test need not wait for the next."""
    app = Authenticator.objects.get(user=user, type="totp")
    app.data["last_step"] = step_now() - 9
    app.save()


def set_up_app(client):
    """Through the page, as a person does it; returns the recovery codes shown."""
    page = client.get("/accounts/factors/app/").content.decode()
    secret = re.search(r'<dd class="code">(\w+)</dd>', page)[1]
    # What the library does once its rows are committed is done here, too: a test's own transaction never commits.
    with mock.patch("django.db.transaction.on_commit", lambda do, **more: do()):
        answer = client.post("/accounts/factors/app/", {"code": code(secret)})
    assert answer.status_code == 302, answer.content.decode()
    shown = client.get(answer["Location"]).content.decode()
    return re.findall(r'<li class="code">(\d+)</li>', shown)
