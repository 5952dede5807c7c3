"""Every answer says what a browser may do with it, be it a page, a file, a refusal or a fault."""

import os
import re
import subprocess
import sys

import pytest
from django.test import Client

from tenure.web.portal import home
from tests.contracts.test_access_walk import ours

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def spoken(answer) -> None:
    for name, value in ALWAYS.items():
        assert answer.headers[name] == value, name
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "unsafe" not in policy and "*" not in policy
    assert "camera=()" in answer.headers["Permissions-Policy"] and answer.headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("path", "status"),
    [("/accounts/login/", 200), ("/", 302), ("/nothing/", 404), ("/static/css/tenure.css", 200), ("/healthz", 200)],
)
def test_a_stranger_s_answers(world, path, status):
    answer = Client().get(path)
    assert answer.status_code == status
    spoken(answer)


def test_what_a_person_sees_is_kept_by_nobody_on_the_way(world, monkeypatch):
    client = Client(raise_request_exception=False)
    client.force_login(world.ann)
    page = client.get("/")
    refused = client.get("/orders/O-1999-000001/")
    monkeypatch.setattr(home, "render", lambda *given: 1 / 0)
    broken = client.get("/")
    assert page.status_code == 200 and refused.status_code == 404 and broken.status_code == 500
    for answer in (page, refused, broken):
        spoken(answer)
        assert answer.headers["Cache-Control"] == "no-store"


def outside(**environment: str) -> str:
    """What a process with an environment of its own says of its settings."""
    words = "from django.conf import settings as s; import django; django.setup();"
    words += (
        "from django.core.management import call_command; call_command('check', deploy=True, fail_level='WARNING');"
    )
    words += "print(s.SECURE_HSTS_SECONDS, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, *s.TENURE_CARD_PAGES)"
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    own = {"DJANGO_SETTINGS_MODULE": "tenure.settings", "TENURE_DATABASE_URL": "postgresql:///none"}
    own |= {"TENURE_SECRET_KEY": "".join(map(chr, range(40, 125)))}
    done = subprocess.run(
        [sys.executable, "-c", words], env=kept | own | environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_behind_tls_the_deployment_check_has_nothing_to_say():
    assert outside(TENURE_BASE_URL="https://partners.example.com") == "31536000 True True"


def test_forms_may_lead_to_the_page_of_the_card_company_that_is_used():
    given = {"TENURE_BASE_URL": "https://partners.example.com", "TENURE_STRIPE_SECRET_KEY": "sk_test_" + "x" * 24}
    given |= {"TENURE_STRIPE_WEBHOOK_SECRET": "whsec_" + "x" * 24}
    assert outside(**given).endswith("True https://checkout.stripe.com")
    assert outside(**given, TENURE_STRIPE_API_BASE="http://127.0.0.1:9/v").endswith("True http://127.0.0.1:9")


def test_after_signing_out_the_browser_is_told_to_forget(world):
    client = Client()
    client.force_login(world.ann)
    assert "Clear-Site-Data" not in client.get("/").headers
    answer = client.post("/accounts/logout/")
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert client.get("/").status_code == 302


@pytest.mark.parametrize("place", ["/accounts/login/", "/join/"])
def test_passwords_are_hidden_and_may_be_pasted(world, place):
    page = Client().get(place).content.decode()
    fields = [field for field in re.findall(r"<input[^>]*>", page) if "password" in field.lower()]
    assert fields and "onpaste" not in page
    for field in fields:
        assert 'type="password"' in field and re.search(r'autocomplete="(current|new)-password"', field), field


def test_whoever_is_in_can_sign_out_from_every_page(world):
    walked = 0
    for user in (world.ann, world.oda):
        client = Client()
        client.force_login(user)
        for place, view in ours():
            if "<" in place or view.access.door not in ("portal", "office", "signed in"):
                continue
            answer = client.get(place)
            if answer.status_code == 200 and not answer.streaming and b"<body" in answer.content:
                assert b'action="/accounts/logout/"' in answer.content, place
                walked += 1
    assert walked > 25, walked
