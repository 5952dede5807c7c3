"""Attacks 37 to 42 and 44: addresses guessed, passwords guessed, codes used twice, sessions kept and stolen.

The numbers are those of the list of attacks. Read next: ``tests/doors/test_sign_in_elsewhere.py`` for 43.
"""

import re
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings as configured
from django.core import mail
from django.db import connection
from django.test import Client

from tenure.people import actions as people
from tenure.people import visits
from tenure.people.models import Colleague, Limit, Seed, User, Visit
from tenure.plumbing import clock
from tenure.programme.queries import current
from tests.doors.door import FACTOR, LOGIN, code_of, fresh, give_password, set_up_app, sign_in
from tests.worlds import PASSWORD

pytestmark = pytest.mark.django_db
TRIES = 8
JOINING = {
    "legal_name": "Fabrikam Ltd",
    "country": "TW",
    "address": "7 Xinyi Road",
    "city": "Taipei",
    "postcode": "110",
    "contact_name": "Fay Ho",
    "contact_phone": "02 2712 3456",
    "password": "a long enough sentence",
    "agreement": "on",
}


@pytest.fixture
def slow_hash(settings):
    """The hash of a real installation; the stories use a quick one."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]


def timed(do, times=TRIES):
    took = []
    for _ in range(times):
        Limit.objects.all().delete()
        began = time.perf_counter()
        do()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def without_token(answer):
    page = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode())
    return re.sub(r"[\w.+-]+@[\w.-]+", "ADDRESS", page)


@pytest.mark.parametrize(
    ("path", "field", "more"),
    [
        (LOGIN, "login", {"password": "not the right one"}),
        ("/accounts/password/reset/", "email", {}),
        ("/accounts/login/code/", "email", {}),
    ],
)
def test_attack_37_known_and_unknown_addresses_get_the_same_answer_in_the_same_time(
    world, slow_hash, path, field, more
):
    give_password(world.sal)
    client = Client()
    answers = {}

    def ask(email):
        def asked():
            client.cookies.clear()
            answers[email] = client.post(path, {field: email, **more}, follow=True)

        return asked

    known, unknown = timed(ask(world.sal.email)), timed(ask("nobody@nowhere.example"))
    one, other = answers[world.sal.email], answers["nobody@nowhere.example"]
    assert one.status_code == other.status_code and one.redirect_chain == other.redirect_chain
    assert without_token(one) == without_token(other)
    assert 0.5 < known / unknown < 2, (known, unknown)


def test_attack_37_joining_tells_nobody_whether_an_address_is_somebodys(world, slow_hash, settings):
    settings.TENURE_DEMO = False
    version = current().agreement("programme").version
    given = JOINING | {"agreement_version": version}
    new = Client().post("/join/", given | {"contact_email": "fay@fabrikam.example"})
    known = Client().post("/join/", given | {"contact_email": world.sal.email, "legal_name": "Other Ltd"})
    assert (new.status_code, new["Location"]) == (known.status_code, known["Location"]) == (302, "/join/sent/")
    assert not new.cookies.get("sessionid") and not known.cookies.get("sessionid")
    assert User.objects.filter(email="fay@fabrikam.example").exists()
    assert "Check your mail" in Client().get("/join/sent/").content.decode()


def test_attack_37_an_invitation_of_somebody_known_reads_like_any_other(world):
    client = Client()
    client.force_login(world.ann)
    other = world.company("Fabrikam Ltd", "fabrikam.example", "Fay Ho")
    fay = Colleague.objects.get(partner_id=other.pk).user
    said = []
    for email in (fay.email, "nobody@nowhere.example"):
        given = {"name": "Somebody", "email": email, "language": "en", "roles": ["member"]}
        answer = client.post("/users/invite/", given, follow=True)
        said.append(re.findall(r"is on its way to ADDRESS", without_token(answer)))
    assert said[0] == said[1] != []


def test_attack_38_passwords_tried_on_one_account_are_slowed_and_the_owner_still_gets_in(world):
    give_password(world.sal)
    owner, _ = sign_in(world.sal)
    owner.post("/accounts/logout/")
    for n in range(5):
        _, answer = sign_in(world.sal, password=f"wrong {n}", REMOTE_ADDR=f"198.51.100.{n}")
        assert answer.status_code == 200
    _, answer = sign_in(world.sal, REMOTE_ADDR="198.51.100.99")
    assert answer.status_code == 429 and 1 <= int(answer["Retry-After"]) <= 15
    assert "nothing has been locked" in answer.content.decode()
    # On the browser that the owner has used before, the owner is counted alone; a code by mail is a way in, too.
    assert sign_in(world.sal, owner)[1].status_code == 302
    assert Client().post("/accounts/login/code/", {"email": world.sal.email}).status_code == 302


def test_attack_38_every_wait_ends_and_none_grows_beyond_a_quarter_of_an_hour(world, monkeypatch):
    give_password(world.sal)
    began = now = clock.machine()
    monkeypatch.setattr(clock, "machine", lambda: now)
    tried, waits = 0, []
    while now < began + timedelta(hours=4):
        _, answer = sign_in(world.sal, password="wrong", REMOTE_ADDR=f"10.0.{tried // 200}.{tried % 200}")
        if answer.status_code == 429:
            waits.append(int(answer["Retry-After"]))
            now += timedelta(seconds=waits[-1])
        else:
            tried += 1
    assert waits[:4] == [15, 30, 60, 120] and max(waits) == 900
    assert tried < 35
    _, answer = sign_in(world.sal, REMOTE_ADDR="203.0.113.7")
    now += timedelta(seconds=int(answer.get("Retry-After", 0)))
    assert sign_in(world.sal, REMOTE_ADDR="203.0.113.7")[1].status_code == 302


def test_attack_38_one_password_on_a_thousand_accounts_is_slowed_by_address(world):
    statuses = [
        Client().post(LOGIN, {"login": f"user{n}@nowhere.example", "password": "Spring2019!!"}).status_code
        for n in range(30)
    ]
    assert statuses == [200] * 20 + [429] * 10


@pytest.mark.django_db(transaction=True)
def test_attack_38_twenty_tries_at_once_are_not_let_through_together(world):
    """A try is counted before it is made: at once or one after the other, five are tried and the rest wait."""
    give_password(world.sal)
    connection.close()

    def tries(n):
        try:
            return sign_in(world.sal, password=f"wrong {n}", REMOTE_ADDR=f"198.51.100.{n}")[1].status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(tries, range(20)))
    assert sorted(statuses) == [200] * 5 + [429] * 15


def test_attack_38_a_forged_header_makes_no_other_address(world, settings):
    give_password(world.sal)
    for n in range(20):
        Client().post(LOGIN, {"login": f"u{n}@x.example", "password": "wrong"}, HTTP_X_FORWARDED_FOR=f"198.51.100.{n}")
    _, answer = sign_in(world.sal, HTTP_X_FORWARDED_FOR="198.51.100.200")
    assert answer.status_code == 429
    settings.TENURE_TRUSTED_PROXIES = ["127.0.0.0/8"]
    assert sign_in(world.sal, HTTP_X_FORWARDED_FOR="198.51.100.200")[1].status_code == 302


def test_attack_38_resets_and_codes_are_few_an_hour(world):
    for path, few in (("/accounts/password/reset/", 3), ("/accounts/login/code/", 6)):
        for email in (world.sal.email, "nobody@nowhere.example"):
            statuses = [Client().post(path, {"email": email}).status_code for _ in range(few + 1)]
            assert statuses == [302] * few + [429], path


def test_attack_38_an_address_enrols_ten_companies_an_hour(world, settings):
    settings.SIGN_UPS_LIMITED = True
    statuses = [Client().post("/join/", {"legal_name": f"Firm {n}"}).status_code for n in range(11)]
    assert statuses == [200] * 10 + [429]


def test_attack_39_a_password_of_a_megabyte_is_refused_before_it_is_hashed(world):
    give_password(world.sal)
    for path, field in (
        (LOGIN, "password"),
        ("/join/", "password"),
        ("/accounts/password/reset/key/1-x/", "password1"),
    ):
        answer = Client().post(path, {"login": world.sal.email, field: "x" * 1_000_000})
        assert answer.status_code == 422 and "1024 characters" in answer.content.decode().replace(",", ""), path
    assert Client().post(LOGIN, {"login": world.sal.email, "password": "x" * 1024}).status_code == 200


def test_attack_39_nothing_is_cut_and_every_character_counts(world, slow_hash):
    for long in ("密碼可以是一句話，而且很長很長很長" * 8, "p" * 72 + "-and the rest counts", "a b" * 300):
        give_password(world.sal, long)
        assert sign_in(world.sal, password=long)[1].status_code == 302
        Limit.objects.all().delete()
        assert sign_in(world.sal, password=long[:72])[1].status_code == 200
        Limit.objects.all().delete()
    assert User.objects.get(pk=world.sal.pk).password.startswith("argon2$argon2id$")


def test_attack_39_common_and_personal_passwords_are_refused(world):
    client, _ = sign_in(give_password(world.sal))
    for bad in ("password1234", "qwertyuiop123", "sal@contoso.example", "short"):
        given = {"oldpassword": PASSWORD, "password1": bad, "password2": bad}
        answer = client.post("/accounts/password/change/", given)
        assert answer.status_code == 200 and 'id="error-password1"' in answer.content.decode(), bad
    assert User.objects.get(pk=world.sal.pk).check_password(PASSWORD)


@pytest.fixture
def guarded(world):
    """Ann with an authenticator app, and her recovery codes."""
    client, _ = sign_in(give_password(world.ann))
    codes = set_up_app(client)
    return world.ann, client, codes


def second_step(user, code, client=None):
    client, answer = sign_in(user, client)
    assert answer["Location"] == FACTOR
    return client, client.post(FACTOR, {"code": code})


def test_attack_40_a_code_counts_once_for_one_person_and_one_step_around_now(world, guarded):
    ann, _, _ = guarded
    # The code that set the app up is used by that.
    assert second_step(ann, code_of(ann))[1].status_code == 200
    fresh(ann)
    for far in (-2, 2):
        assert second_step(ann, code_of(ann, far))[1].status_code == 200
    Limit.objects.all().delete()
    used = code_of(ann, -1)
    client, answer = second_step(ann, used)
    assert answer.status_code == 302 and client.get("/users/").status_code == 200
    assert second_step(ann, used)[1].status_code == 200, "a code opened twice"
    assert second_step(ann, code_of(ann, 1))[1].status_code == 302
    ming_client, _ = sign_in(give_password(world.ming))
    set_up_app(ming_client)
    fresh(world.ming)
    fresh(ann)
    assert second_step(ann, code_of(world.ming))[1].status_code == 200, "another person's code"


def test_attack_40_after_five_wrong_codes_somebody_waits_whatever_the_code(guarded):
    ann, _, _ = guarded
    fresh(ann)
    client, _ = sign_in(ann)
    statuses = [client.post(FACTOR, {"code": f"00000{n}"}).status_code for n in range(5)]
    assert statuses == [200] * 5
    answer = client.post(FACTOR, {"code": code_of(ann)})
    assert answer.status_code == 429 and int(answer["Retry-After"]) <= 15


def test_attack_41_a_recovery_code_opens_once_and_is_kept_sealed(guarded):
    ann, _, codes = guarded
    assert second_step(ann, codes[3])[1].status_code == 302
    assert second_step(ann, codes[3])[1].status_code == 200
    Limit.objects.all().delete()
    assert second_step(ann, codes[4])[1].status_code == 302
    kept = str([*Authenticator.objects.values_list("data", flat=True), *Seed.objects.values_list("secret", flat=True)])
    assert not any(code in kept for code in codes)


def test_attack_41_a_factor_is_not_removed_by_a_session_that_is_only_there(guarded, monkeypatch):
    _, client, _ = guarded
    later = clock.machine() + timedelta(minutes=16)
    monkeypatch.setattr(clock, "machine", lambda: later)
    monkeypatch.setattr("time.time", later.timestamp)
    for path in ("/accounts/factors/app/remove/", "/accounts/factors/codes/new/", "/accounts/factors/passkeys/add/"):
        answer = client.post(path)
        assert answer.status_code == 302 and "/reauthenticate/" in answer["Location"], path
    assert Authenticator.objects.filter(type="totp").exists()
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert client.post("/accounts/factors/app/remove/").status_code == 302
    assert not Authenticator.objects.exists() and not Seed.objects.exists()
    # What the role asks for is asked for again at once.
    assert client.get("/users/")["Location"] == "/security/"


def test_attack_41_a_reset_never_passes_the_factor_by(guarded):
    ann, _, _ = guarded
    Client().post("/accounts/password/reset/", {"email": ann.email})
    link = re.search(r"(/accounts/password/reset/key/\S+)", mail.outbox[-1].body)[1]
    client = Client()
    page = client.get(link, follow=True)
    given = {"password1": "another sentence here", "password2": "another sentence here"}
    client.post(page.redirect_chain[-1][0], given)
    assert client.get("/users/").status_code == 302
    _, answer = sign_in(ann, password="another sentence here")
    assert answer["Location"] == FACTOR


def test_attack_42_the_session_is_new_at_log_in_and_dead_after_log_out(world):
    give_password(world.sal)
    client = Client()
    client.get(LOGIN)
    session = client.session
    session["seed"] = 1
    session.save()
    client.cookies[configured.SESSION_COOKIE_NAME] = session.session_key
    sign_in(world.sal, client)
    stolen = client.cookies[configured.SESSION_COOKIE_NAME].value
    assert stolen != session.session_key
    client.post("/accounts/logout/")
    thief = Client()
    thief.cookies[configured.SESSION_COOKIE_NAME] = stolen
    assert thief.get("/support/")["Location"].startswith(LOGIN)
    assert Visit.objects.get().why_ended == "signed_out"


def test_attack_42_a_second_tab_holds_no_right_that_was_taken(world):
    client = Client()
    client.force_login(world.ming)
    assert client.get("/users/").status_code == 200
    place = Colleague.objects.get(user=world.ming)
    people.change_roles(world.actor(world.ann), place, roles=["member"], now=world.now)
    assert client.get("/users/").status_code == 403


@pytest.mark.parametrize("change", ["password", "factor", "deactivated", "place"])
def test_attack_42_no_other_session_outlives_a_change(world, change):
    """I-44: none valid after a password or factor change elsewhere, or deactivation."""
    here, _ = sign_in(give_password(world.sal))
    there, _ = sign_in(world.sal)
    assert there.get("/support/").status_code == here.get("/support/").status_code == 200
    before = here.cookies[configured.SESSION_COOKIE_NAME].value
    if change == "password":
        given = {"oldpassword": PASSWORD, "password1": "another sentence", "password2": "another sentence"}
        here.post("/accounts/password/change/", given)
    elif change == "factor":
        set_up_app(here)
    elif change == "deactivated":
        User.objects.filter(pk=world.sal.pk).update(is_active=False)
    else:
        place = Colleague.objects.get(user=world.sal)
        people.deactivate(world.actor(world.ann), place, now=world.now)
    assert there.get("/support/")["Location"].startswith(LOGIN)
    stays = change in ("password", "factor")
    assert (here.get("/support/").status_code == 200) == stays
    if stays:
        assert here.cookies[configured.SESSION_COOKIE_NAME].value != before, "the same id after a change"


@pytest.mark.parametrize(
    ("who", "idle", "absolute"),
    [("fin", timedelta(minutes=30), timedelta(hours=12)), ("sal", timedelta(hours=8), timedelta(days=7))],
)
def test_attack_42_a_session_ends_when_nobody_comes_and_at_the_latest_after_its_limit(
    world, monkeypatch, who, idle, absolute
):
    """I-44: the absolute limit."""
    person = getattr(world, who)
    door = "/office/" if who == "fin" else "/support/"
    began = now = clock.machine()
    monkeypatch.setattr(clock, "machine", lambda: now)
    client = Client()
    client.force_login(person)
    now = began + idle - timedelta(seconds=1)
    assert client.get(door).status_code == 200
    while now + idle - timedelta(minutes=1) < began + absolute:
        now += idle - timedelta(minutes=1)
        assert client.get(door).status_code == 200
    now = began + absolute
    assert client.get(door)["Location"].startswith(LOGIN)
    assert "some time has passed" in client.get(LOGIN).content.decode()
    client.force_login(person)
    now += idle
    assert client.get(door)["Location"].startswith(LOGIN)
    assert not visits.of(person, now)


@pytest.mark.parametrize(
    "there",
    [
        "//evil.example",
        "https://evil.example/",
        "https:evil.example",
        "/\\evil.example",
        "\\\\evil",
        "javascript:x",
        "/ok\r\nSet-Cookie: a=b",
    ],
)
def test_attack_44_after_signing_in_nobody_is_sent_away_from_here(world, there):
    give_password(world.sal)
    client = Client()
    answer = client.post(LOGIN, {"login": world.sal.email, "password": PASSWORD, "next": there})
    assert answer.status_code == 302
    assert re.fullmatch(r"/(?![/\\])[^\r\n]*", answer["Location"]) and "evil" not in answer["Location"]
    assert not answer.cookies.get("a")
