"""Signing in, in the browser: a second factor set up and used, a passkey made and used, devices ended.

English on a desk in the light, 繁體中文 on a phone in the dark. Passkeys meet Chromium's own virtual authenticator; they
need an address with a name, so these journeys go to localhost. Every page on the way is looked at by axe.
"""

import re
from itertools import count

import pytest

from tests.doors.door import code

pytestmark = pytest.mark.xdist_group("browser")
NUMBERS = count(1)
READERS = [("en", "desk", "light"), ("zh-hant", "phone", "dark")]
PASSWORD = "a long enough sentence"
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class Admin:
    """Whoever has enrolled a company: an administrator, so a password alone is not enough."""

    def __init__(self, visit, language: str, size: str, scheme: str):
        n = next(NUMBERS)
        self.person = visit(language, size, scheme)
        self.home = self.person.house.address.replace("127.0.0.1", "localhost")
        self.email = f"admin{n}@signin{n}.example"
        self.name = f"晨光資訊{n}有限公司" if language == "zh-hant" else f"Sunrise Labs {n} Ltd"

    @property
    def page(self):
        return self.person.page

    def go(self, path: str):
        return self.person.go(self.home + path)

    def looks(self) -> None:
        self.person.is_sound()

    def press(self, words: str) -> None:
        self.person.press(self.page.locator(words).first)

    def join(self) -> None:
        page = self.go("/join/")
        self.person.reads_own_language()
        fields = {
            "legal_name": self.name,
            "address": "7 Section 5, Xinyi Road",
            "city": "Taipei",
            "postcode": "110",
            "contact_name": "Mei Chen",
            "contact_email": self.email,
            "contact_phone": "02 2712 3456",
            "password": PASSWORD,
        }
        page.locator("[name=country]").select_option("TW")
        for name, value in fields.items():
            page.locator(f"main [name={name}]").fill(value)
        page.locator("[name=agreement]").check()
        self.press("main .button.primary")
        self.sign_out()

    def sign_out(self) -> None:
        self.press("form[action='/accounts/logout/'] button")
        assert "/accounts/login/" in self.page.url

    def sign_in(self) -> None:
        self.go("/accounts/login/")
        self.page.locator("[name=login]").fill(self.email)
        self.page.locator("[name=password]").fill(PASSWORD)
        self.press("form[action='/accounts/login/'] button")

    def prove(self) -> None:
        """Confirm who one is, when a page asks for it."""
        if "/accounts/reauthenticate/" in self.page.url:
            self.looks()
            self.page.locator("[name=password]").fill(PASSWORD)
            self.press("main form .button.primary")

    def set_up_app(self) -> list[str]:
        self.press("a[href='/accounts/factors/app/']")
        self.looks()
        secret = self.page.locator("dd.code").inner_text()
        self.page.locator("[name=code]").fill("000000")
        self.press("main form .button.primary")
        self.looks()
        assert self.page.locator("#error-code").count() == 1
        self.page.locator("[name=code]").fill(code(secret))
        self.press("main form .button.primary")
        self.looks()
        return self.page.locator(".codes li").all_inner_texts()


@pytest.fixture
def admin(visit):
    def make(language: str, size: str, scheme: str) -> Admin:
        made = Admin(visit, language, size, scheme)
        made.join()
        return made

    return make


@pytest.mark.parametrize(("language", "size", "scheme"), READERS)
def test_an_administrator_sets_up_an_app_and_signs_in_with_a_recovery_code(admin, language, size, scheme):
    me = admin(language, size, scheme)
    me.sign_in()
    assert me.page.url.endswith("/security/")
    me.looks()
    me.person.sees("Your role needs a second factor", "您的角色須有第二重驗證")
    me.go("/users/")
    assert me.page.url.endswith("/security/")
    codes = me.set_up_app()
    assert len(codes) == 10
    me.press("main .button.primary")
    me.go("/security/")
    me.looks()
    me.sign_out()
    me.looks()
    me.sign_in()
    me.looks()
    assert me.page.url.endswith("/accounts/factors/sign-in/")
    me.page.locator("[name=code]").fill(codes[0])
    me.press("main form .button.primary")
    assert me.go("/users/").url.endswith("/users/")


@pytest.mark.parametrize(("language", "size", "scheme"), READERS)
def test_a_passkey_is_made_and_signs_in_without_a_password(admin, language, size, scheme):
    me = admin(language, size, scheme)
    device = me.person.context.new_cdp_session(me.page)
    device.send("WebAuthn.enable")
    key = device.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})["authenticatorId"]
    me.sign_in()
    me.press("a[href='/accounts/factors/passkeys/add/']")
    me.looks()
    me.page.locator("[name=name]").fill("Work laptop")
    me.press("form[data-passkey=make] button")
    assert me.page.locator(".codes li").count() == 10
    held = device.send("WebAuthn.getCredentials", {"authenticatorId": key})["credentials"]
    assert len(held) == 1 and held[0]["isResidentCredential"]
    me.go("/security/")
    me.looks()
    me.person.sees("Work laptop", "Work laptop")
    me.sign_out()

    # Without a password, and no second question: whoever opens the key has shown two things.
    me.press("form[data-passkey='sign-in'] button")
    assert me.go("/users/").url.endswith("/users/")
    me.sign_out()

    # After the password, as the second factor.
    me.sign_in()
    me.press("form[data-passkey=prove] button")
    assert me.go("/users/").url.endswith("/users/")

    # Removing the last factor leads back to setting one up.
    me.go("/security/")
    me.press("a[href$='/remove/']")
    me.prove()
    me.looks()
    me.press("main form .button.danger")
    assert me.page.url.endswith("/security/")
    me.person.sees("Your role needs a second factor", "您的角色須有第二重驗證")
    device.send("WebAuthn.clearCredentials", {"authenticatorId": key})


@pytest.mark.parametrize(("language", "size", "scheme"), READERS)
def test_a_passkey_that_is_refused_says_so_and_leaves_the_page_standing(admin, language, size, scheme):
    me = admin(language, size, scheme)
    device = me.person.context.new_cdp_session(me.page)
    device.send("WebAuthn.enable")
    device.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR | {"isUserVerified": False}})
    me.page.locator("form[data-passkey='sign-in'] button").click()
    me.page.locator("[data-passkey-failed]").wait_for()
    me.looks()


@pytest.mark.parametrize(("language", "size", "scheme"), READERS)
def test_a_code_by_mail_and_the_pages_around_the_password(admin, language, size, scheme):
    me = admin(language, size, scheme)
    me.go("/accounts/login/code/")
    me.looks()
    me.page.locator("[name=email]").fill(me.email)
    me.press("main form .button.primary")
    me.looks()
    letter = me.person.house.letter(me.email, me.person.say("This code signs you in", "以下驗證碼可登入一次"))
    sent = re.search(r"^([A-Z0-9-]{6,9})$", letter, re.M)[1]
    me.page.locator("[name=code]").fill(sent)
    me.press("main form .button.primary")
    assert me.page.url.endswith("/security/")
    me.set_up_app()
    for path in (
        "/security/email/",
        "/accounts/password/change/",
        "/accounts/factors/codes/new/",
        "/accounts/factors/codes/",
        "/accounts/factors/app/remove/",
        "/company/sign-in/",
    ):
        me.go(path)
        me.looks()
    me.go("/security/email/")
    me.page.locator("[name=email]").fill(f"new-{me.email}")
    me.press("main form .button.primary")
    me.looks()
    link = re.search(r"https?://[^/\s]+(/security/email/\S+)", me.person.house.letter(me.email, "/security/email/"))[1]
    me.go(link)
    me.looks()
    me.press("main form .button.primary")
    me.looks()
