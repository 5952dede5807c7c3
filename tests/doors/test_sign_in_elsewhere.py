"""Attack 43: signing in by OpenID Connect, against a provider that keeps to the book and one that lies.

The honest provider is a process of its own; the liar signs what a test asks of it. An identity is issuer and subject;
an address never links anybody.
"""

import base64
import hashlib
import json
import re
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client

from tenure.people import directories, identities
from tenure.people.models import Directory, Identity, Invitation, User
from tenure.people.queries import invitation_token
from tenure.plumbing import clock
from tests.doors.door import FACTOR, give_password, set_up_app, sign_in
from tests.processes import until_it_answers

pytestmark = pytest.mark.django_db
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="session")
def honest():
    """oidc-provider-mock as a process of its own; returns its issuer."""
    port = free_port()
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce", "true"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    issuer = f"http://127.0.0.1:{port}"
    until_it_answers(f"{issuer}/.well-known/openid-configuration", "the provider", seconds=30)
    yield issuer
    process.terminate()
    process.wait(10)


@pytest.fixture
def everybodys(settings, honest):
    """The honest provider for the whole installation."""
    settings.TENURE_OIDC_ISSUER, settings.TENURE_OIDC_NAME = honest, "Example ID"
    settings.TENURE_OIDC_CLIENT_ID = settings.TENURE_OIDC_CLIENT_SECRET = "tenure"
    return honest


def off(client, slug="sso", **query):
    """Off to the provider; returns the address there."""
    if query.get("for") in ("link", "test"):
        page = client.get("/security/" if query["for"] == "link" else "/company/sign-in/").content.decode()
        query["press"] = re.search(r"press=(\w+)", page)[1]
    answer = client.get(f"/sign-in/{slug}/?{urlencode(query)}")
    assert answer.status_code == 302, answer.content.decode()
    return answer["Location"]


def there(address, subject):
    """Somebody signs in there; returns the address to come back to, without the host."""
    reply = requests.post(address, data={"sub": subject}, allow_redirects=False, timeout=10)
    assert reply.status_code == 302, reply.text
    back = urlsplit(reply.headers["Location"])
    return f"{back.path}?{back.query}"


def test_the_way_there_carries_a_state_a_nonce_and_a_challenge(world, everybodys):
    asked = parse_qs(urlsplit(off(Client())).query)
    assert asked["response_type"] == ["code"] and asked["code_challenge_method"] == ["S256"]
    assert asked["scope"] == ["openid"] and "client_secret" not in asked
    assert all(len(asked[name][0]) >= 43 for name in ("state", "nonce", "code_challenge"))


def test_somebody_signed_in_links_and_comes_in_that_way_from_then_on(world, everybodys):
    client, _ = sign_in(give_password(world.sal))
    assert "Link Example ID" in client.get("/security/").content.decode()
    assert client.get(there(off(client, **{"for": "link"}), "sal-there"))["Location"] == "/security/"
    row = Identity.objects.get()
    assert (row.user, row.issuer, row.subject) == (world.sal, everybodys, "sal-there")
    later = Client()
    assert "Sign in with Example ID" in later.get("/accounts/login/").content.decode()
    assert later.get(there(off(later, next="/support/"), "sal-there"))["Location"] == "/support/"
    assert later.get("/support/").status_code == 200
    client.post(f"/security/identities/{row.pk}/remove/")
    assert Client().get(there(off(later), "sal-there")).status_code == 403


def test_attack_43_an_address_links_nobody(world, everybodys):
    """The subject is the address of a user, as a provider may write it; nobody is let in by that."""
    client = Client()
    answer = client.get(there(off(client), world.ann.email))
    assert answer.status_code == 403 and "Nobody here is linked" in answer.content.decode()
    assert client.get("/support/").status_code == 302 and not Identity.objects.exists()


def test_attack_43_the_same_subject_of_a_second_issuer_is_somebody_else(world, everybodys):
    identities.link(world.ann, "https://another.example", "ann", clock.machine())
    assert Client().get(there(off(client := Client()), "ann")).status_code == 403
    assert client.get(there(off(client), "ann")).status_code == 403


def test_attack_43_no_other_site_presses_the_link_that_links(world, everybodys):
    client, _ = sign_in(give_password(world.sal))
    for press in ("", "0" * 64):
        assert client.get(f"/sign-in/sso/?for=link&press={press}")["Location"] == "/security/"
    client.force_login(world.ann)
    directories.set_up_directory(
        world.actor(world.ann), world.contoso, name="n", issuer=everybodys, client="c", secret="s", now=world.now
    )
    slug = Directory.objects.get().slug
    assert client.get(f"/sign-in/{slug}/?for=test")["Location"] == "/company/sign-in/"


def test_attack_43_a_link_that_is_somebodys_stays_theirs(world, everybodys):
    identities.link(world.bo, everybodys, "shared", clock.machine())
    client, _ = sign_in(give_password(world.sal))
    assert client.get(there(off(client, **{"for": "link"}), "shared")).status_code == 409
    assert Identity.objects.get().user == world.bo


def test_the_second_factor_is_asked_for_whatever_the_door(world, everybodys):
    set_up_app(sign_in(give_password(world.ann))[0])
    identities.link(world.ann, everybodys, "ann", clock.machine())
    client = Client()
    assert client.get(there(off(client), "ann"))["Location"] == FACTOR
    assert client.get("/users/").status_code == 302


def test_somebody_deactivated_does_not_come_in(world, everybodys):
    identities.link(world.sal, everybodys, "sal", clock.machine())
    User.objects.filter(pk=world.sal.pk).update(is_active=False)
    assert (client := Client()).get(there(off(client), "sal")).status_code == 403


def test_attack_43_a_state_of_another_browser_or_used_before_is_refused(world, everybodys):
    identities.link(world.sal, everybodys, "sal", clock.machine())
    attacker, victim = Client(), Client()
    back = there(off(attacker), "sal")
    assert victim.get(back).status_code == 403
    assert victim.get("/support/").status_code == 302
    assert attacker.get(back).status_code == 302
    attacker.post("/accounts/logout/")
    assert attacker.get(back).status_code == 403, "a code and a state were used twice"
    assert Client().get("/sign-in/sso/back/?code=x").status_code == 403


def test_an_invitation_is_accepted_with_an_account_elsewhere(world, everybodys):
    client = Client()
    client.force_login(world.ann)
    given = {"name": "Kai Lo", "email": "kai@contoso.example", "language": "en", "roles": ["member"]}
    client.post("/users/invite/", given)
    token = invitation_token(Invitation.objects.get(email="kai@contoso.example"))
    kai = Client()
    assert "Accept with Example ID" in kai.get(f"/invitation/{token}/").content.decode()
    answer = kai.get(there(off(kai, token=token, **{"for": "invitation"}), "kai-there"))
    assert answer["Location"] == "/" and kai.get("/support/").status_code == 200
    person = User.objects.get(email="kai@contoso.example")
    assert not person.has_usable_password() and Identity.objects.get(user=person).subject == "kai-there"


def test_attack_43_an_invitation_of_somebody_known_links_nothing(world, everybodys):
    other = world.company("Fabrikam Ltd", "fabrikam.example", "Fay Ho")
    client = Client()
    client.force_login(User.objects.get(email=other.contact_email))
    given = {"name": "Sal", "email": world.sal.email, "language": "en", "roles": ["member"]}
    client.post("/users/invite/", given)
    token = invitation_token(Invitation.objects.get(email=world.sal.email, accepted_at=None))
    stranger = Client()
    assert stranger.get(there(off(stranger, token=token, **{"for": "invitation"}), "evil")).status_code == 404
    assert not Identity.objects.exists()


# A company's own


def test_a_company_sets_up_its_own_and_tests_it(world, honest, settings):
    settings.TENURE_WEBHOOK_LOOPBACK = True
    client = Client()
    client.force_login(world.ann)
    typed = {"name": "Contoso account", "issuer": honest, "client": "tenure", "secret": "s3cret"}
    assert client.post("/company/sign-in/", typed)["Location"] == "/company/sign-in/"
    row = Directory.objects.get()
    assert "s3cret" not in row.secret and directories.secret_of(row) == "s3cret"
    page = client.get("/company/sign-in/").content.decode()
    assert "s3cret" not in page and "Not tested yet" in page
    assert client.get(there(off(client, row.slug, **{"for": "test"}), "ann"))["Location"] == "/company/sign-in/"
    assert "Tested on" in client.get("/company/sign-in/").content.decode()
    assert not Identity.objects.exists(), "a test links nobody"
    # The secret is not sent to an issuer it was not given for.
    again = client.post("/company/sign-in/", typed | {"issuer": f"{honest}/other", "secret": ""})
    assert 'id="error-secret"' in again.content.decode()
    sal, _ = sign_in(give_password(world.sal))
    assert sal.get(there(off(sal, row.slug, **{"for": "link"}), "sal"))["Location"] == "/security/"
    client.post("/company/sign-in/remove/")
    assert Client().get(f"/sign-in/{row.slug}/").status_code == 404


def test_only_who_may_sets_it_up_and_no_address_inside_is_asked(world):
    client = Client()
    client.force_login(world.ming)
    assert client.get("/company/sign-in/").status_code == 403
    client.force_login(world.ann)
    for issuer in ("http://127.0.0.1:5432", "https://169.254.169.254", "https://localhost", "ftp://x.example", "x"):
        page = client.post("/company/sign-in/", {"name": "n", "issuer": issuer, "client": "c", "secret": "s"})
        assert 'id="error-issuer"' in page.content.decode(), issuer
    assert not Directory.objects.exists()


# A provider that lies


class Liar(ThreadingHTTPServer):
    """Answers everything and signs whatever a test asks for."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answers)
        self.issuer = f"http://127.0.0.1:{self.server_address[1]}"
        self.nonce, self.changed, self.sign = "", {}, self.properly
        self.configuration = {}
        self.posted = {}

    def properly(self, claims):
        return jwt.encode(claims, KEY, algorithm="RS256", headers={"kid": "1"})

    def token(self):
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": "tenure", "sub": "sal", "nonce": self.nonce, "iat": now, "exp": now + 60}
        claims |= self.changed
        return self.sign({name: value for name, value in claims.items() if value is not None})


class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        at = self.server.issuer
        if "well-known" in self.path:
            ends = {"authorization_endpoint": "/a", "token_endpoint": "/t", "jwks_uri": "/k"}
            told = {"issuer": at, **{name: at + path for name, path in ends.items()}, **self.server.configuration}
            return self.tell(told)
        key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
        return self.tell({"keys": [key | {"kid": "1", "use": "sig"}]})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.posted = {name: values[0] for name, values in parse_qs(body).items()}
        self.tell({"access_token": "x", "token_type": "Bearer", "id_token": self.server.token()})

    def tell(self, what):
        body = json.dumps(what).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def liar(settings, world):
    server = Liar()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.TENURE_OIDC_ISSUER = server.issuer
    settings.TENURE_OIDC_CLIENT_ID = settings.TENURE_OIDC_CLIENT_SECRET = "tenure"
    identities.link(world.sal, server.issuer, "sal", clock.machine())
    yield server
    server.shutdown()
    server.server_close()


def come_back(liar, client=None, **more):
    client = client or Client()
    asked = {name: values[0] for name, values in parse_qs(urlsplit(off(client)).query).items()}
    liar.nonce = asked["nonce"]
    answer = client.get(f"/sign-in/sso/back/?{urlencode({'code': 'c', 'state': asked['state'], **more})}")
    return client, answer, asked


def test_the_liar_is_believed_when_it_does_not_lie(liar):
    """The control: only what a test changes is why it is refused."""
    client, answer, asked = come_back(liar)
    assert answer["Location"] == "/" and client.get("/support/").status_code == 200
    digest = hashlib.sha256(liar.posted["code_verifier"].encode()).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == asked["code_challenge"]


LIES = {
    "another audience": {"aud": "another"},
    "an audience among several, for another party": {"aud": ["tenure", "b"], "azp": "b"},
    "several audiences and no party": {"aud": ["tenure", "b"]},
    "another issuer": {"iss": "https://evil.example"},
    "the issuer with a slash": {"iss": "SLASH"},
    "another nonce": {"nonce": "other"},
    "no nonce": {"nonce": None},
    "expired": {"exp": 1_000_000_000},
    "no end": {"exp": None},
    "made in the future": {"iat": 4_000_000_000, "exp": 4_000_000_100},
    "no subject": {"sub": None},
    "a subject that is no text": {"sub": 7},
}


@pytest.mark.parametrize("lie", LIES)
def test_attack_43_a_token_that_lies_is_refused(liar, lie):
    liar.changed = {name: liar.issuer + "/" if value == "SLASH" else value for name, value in LIES[lie].items()}
    client, answer, _ = come_back(liar)
    assert answer.status_code == 403 and client.get("/support/").status_code == 302


def unsigned(claims):
    return jwt.encode(claims, "", algorithm="none", headers={"kid": "1"})


def by_another(claims):
    return jwt.encode(claims, OTHER_KEY, algorithm="RS256", headers={"kid": "1"})


def with_the_shared_secret(claims):
    return jwt.encode(claims, "tenure" * 8, algorithm="HS256", headers={"kid": "1"})


def with_another_name(claims):
    return jwt.encode(claims, KEY, algorithm="RS256", headers={"kid": "2"})


def cut(claims):
    return by_another(claims).rpartition(".")[0] + "."


def no_token(claims):
    return None


@pytest.mark.parametrize("sign", [unsigned, by_another, with_the_shared_secret, with_another_name, cut, no_token])
def test_attack_43_a_token_not_signed_by_the_issuer_is_refused(liar, sign):
    liar.sign = sign
    client, answer, _ = come_back(liar)
    assert answer.status_code == 403 and client.get("/support/").status_code == 302


def test_attack_43_an_answer_of_another_provider_and_a_refusal_sign_nobody_in(liar):
    assert come_back(liar, iss="https://evil.example")[1].status_code == 403
    answer = come_back(liar, error="access_denied")[1]
    assert answer.status_code == 403 and "not signed in there" in answer.content.decode()


def test_attack_43_a_provider_that_calls_itself_otherwise_is_not_gone_to(liar):
    liar.configuration = {"issuer": "https://evil.example"}
    answer = Client().get("/sign-in/sso/")
    assert answer.status_code == 403 and "another name" in answer.content.decode()
