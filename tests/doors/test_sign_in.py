"""The way in: what a password, a code and a factor open, what they do not, and what is said to whom."""

import os
import re
import subprocess
import sys
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from tenure.people.models import Seed, User, Visit
from tenure.plumbing import clock
from tenure.plumbing.models import Mail
from tenure.plumbing.sealed import reseal
from tests.doors.door import LOGIN, code_of, give_password, set_up_app, sign_in
from tests.worlds import PASSWORD

pytestmark = pytest.mark.django_db


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


def test_an_administrator_who_entered_the_demonstration_by_its_door_is_asked_for_nothing(world, ann, settings):
    client = Client()
    assert client.post(f"/enter/{ann.pk}/").status_code == 302
    assert client.get("/users/").status_code == 200
    assert client.post("/users/invite/", {}).status_code == 200, "asked who they are"
    settings.TENURE_DEMO = False
    assert client.get("/users/")["Location"] == "/security/", "a real installation asks"


def test_what_could_do_harm_is_confirmed_and_what_was_typed_is_done(ann, monkeypatch):
    client, _ = sign_in(ann)
    set_up_app(client)
    later = clock.machine() + timedelta(minutes=16)
    monkeypatch.setattr(clock, "machine", lambda: later)
    monkeypatch.setattr("time.time", later.timestamp)
    typed = {"name": "Kai Lo", "email": "kai@contoso.example", "language": "en", "roles": ["member", "user_admin"]}
    before = client.session.session_key
    answer = client.post("/users/invite/", typed)
    assert answer["Location"] == "/accounts/reauthenticate/?next=%2Fusers%2Finvite%2F"
    page = client.get(answer["Location"]).content.decode()
    assert "What you have typed is kept" in page
    wrong = client.post("/accounts/reauthenticate/", {"password": "wrong", "next": "/users/invite/"})
    assert "This is not your password." in wrong.content.decode()
    done = client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": "/users/invite/"})
    assert done["Location"] == "/users/"
    assert client.session.session_key != before, "the same id after a proof"
    assert "kai@contoso.example" in client.get("/users/").content.decode()


def test_something_kept_is_not_done_on_the_way_to_another_page(ann, monkeypatch):
    client, _ = sign_in(ann)
    set_up_app(client)
    later = clock.machine() + timedelta(minutes=16)
    monkeypatch.setattr(clock, "machine", lambda: later)
    monkeypatch.setattr("time.time", later.timestamp)
    typed = {"name": "Kai Lo", "email": "kai@contoso.example", "language": "en", "roles": ["member"]}
    client.post("/users/invite/", typed)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": "/security/"})
    assert "kai@contoso.example" not in client.get("/users/").content.decode()


def test_a_code_by_mail_stands_in_for_the_password_and_not_for_the_factor(ann, sal):
    for person, then in ((sal, "/"), (ann, "/accounts/factors/sign-in/")):
        if person is ann:
            set_up_app(sign_in(ann)[0])
        client = Client()
        client.post("/accounts/login/code/", {"email": person.email})
        sent = mail.outbox[-1]
        assert sent.to == [person.email] and "Give the code to nobody" in sent.body
        code = re.search(r"^([A-Z0-9-]{6,9})$", sent.body, re.M)[1]
        wrong = client.post("/accounts/login/code/confirm/", {"code": "AAA-AAA"}).content.decode()
        assert "This code isn&#x27;t right" in wrong
        assert client.post("/accounts/login/code/confirm/", {"code": code})["Location"] == then


def test_the_page_lists_devices_and_ends_them(sal):
    here, _ = sign_in(sal, HTTP_USER_AGENT="Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0")
    there, _ = sign_in(sal, REMOTE_ADDR="203.0.113.9")
    page = here.get("/security/").content.decode()
    assert "Firefox, Linux" in page and "(this one)" in page and "203.0.113.9" in page
    other = Visit.objects.get(address="203.0.113.9")
    assert here.post(f"/security/devices/{other.pk}/end/")["Location"] == "/security/"
    assert there.get("/support/")["Location"].startswith(LOGIN)
    third, _ = sign_in(sal)
    here.post("/security/devices/end/")
    assert third.get("/support/")["Location"].startswith(LOGIN)
    assert here.get("/support/").status_code == 200


def test_nobody_ends_the_visit_of_somebody_else(sal, ann):
    client, _ = sign_in(sal)
    sign_in(ann)
    others = Visit.objects.get(user=ann)
    assert client.post(f"/security/devices/{others.pk}/end/").status_code == 404
    others.refresh_from_db()
    assert others.ended_at is None


def test_a_change_of_factor_or_password_is_told_by_mail_in_the_persons_language(world, sal):
    User.objects.filter(pk=sal.pk).update(language="zh-hant")
    client, _ = sign_in(sal)
    set_up_app(client)
    assert mail.outbox[-1].to == [sal.email] and "新增了驗證器應用程式" in mail.outbox[-1].body


def test_an_address_changes_when_both_agree(world, sal):
    client, _ = sign_in(sal)
    client.post("/security/email/", {"email": "Sally@contoso.example"})
    world.work()
    letters = {row.address: row.body for row in Mail.objects.filter(code__startswith="people.email_change_")}
    assert set(letters) == {"sal@contoso.example", "sally@contoso.example"}
    links = {address: re.search(r"(/security/email/\S+)", body)[1] for address, body in letters.items()}
    anybody = Client()
    assert anybody.get(links["sally@contoso.example"]).status_code == 200
    anybody.post(links["sally@contoso.example"])
    assert User.objects.get(pk=sal.pk).email == "sal@contoso.example", "one address is not enough"
    assert "has changed" in anybody.post(links["sal@contoso.example"]).content.decode()
    assert User.objects.get(pk=sal.pk).email == "sally@contoso.example"
    assert sign_in(User.objects.get(pk=sal.pk))[1].status_code == 302
    old = Client().post(LOGIN, {"login": "sal@contoso.example", "password": PASSWORD})
    assert old.status_code == 200, "the old address still opens"
    assert not EmailAddress.objects.exists(), "the library keeps addresses of its own"


def test_an_address_that_has_become_somebodys_is_not_taken(world, sal):
    client, _ = sign_in(sal)
    assert client.post("/security/email/", {"email": world.bo.email})["Location"] == "/security/"
    world.work()
    for row in Mail.objects.filter(code__startswith="people.email_change_"):
        answer = Client().post(re.search(r"(/security/email/\S+)", row.body)[1])
    assert answer.status_code == 410
    assert User.objects.get(pk=sal.pk).email == "sal@contoso.example"


def test_a_change_of_keys_finds_the_seeds_and_the_app_goes_on_working(ann, settings):
    client, _ = sign_in(ann)
    set_up_app(client)
    before = code_of(ann)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key of at least fifty characters, as it must be"
    column = Seed._meta.get_field("secret")
    assert reseal(Seed, column) == 2
    settings.SECRET_KEY_FALLBACKS = []
    assert code_of(ann) == before or code_of(ann, -1) == before


def test_behind_tls_every_cookie_is_bound_to_this_host():
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "from tenure import settings as s; print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.LANGUAGE_COOKIE_NAME,"
            " s.KNOWN_DEVICE_COOKIE_NAME, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SESSION_COOKIE_HTTPONLY,"
            " s.SESSION_COOKIE_SAMESITE)",
        ],
        env={**os.environ, "TENURE_BASE_URL": "https://partners.example"},
        capture_output=True,
        text=True,
        check=True,
    )
    *names, secure, csrf_secure, http_only, same_site = told.stdout.split()
    assert all(name.startswith("__Host-") for name in names)
    assert (secure, csrf_secure, http_only, same_site) == ("True", "True", "True", "Lax")


@pytest.mark.parametrize("who", ["fin", "sal", "ann"])
def test_everybody_has_the_page_in_the_frame_of_their_own_house(world, who):
    client = Client()
    client.force_login(getattr(world, who))
    page = client.get("/security/").content.decode()
    assert ("Support queue" in page) == (who == "fin") and ("Membership offers" in page) == (who != "fin")
