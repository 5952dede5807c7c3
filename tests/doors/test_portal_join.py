"""The ways in: joining with every fault by its field, confirming the address, accepting an invitation."""

import pytest

from tenure.enrolment.models import Check
from tenure.enrolment.queries import confirmation_token
from tenure.partners.models import Partner
from tenure.people import actions as people
from tenure.people.models import Colleague, User
from tenure.people.queries import invitation_token
from tests.worlds import PASSWORD

pytestmark = pytest.mark.django_db

GOOD = {
    "legal_name": "Fabrikam <b>Systems</b> 𠮷田",
    "country": "TW",
    "address": "1 Roosevelt Road",
    "city": "Taipei",
    "postcode": "100",
    "tax_id": "０４５９５２５７",
    "registration_number": "",
    "contact_name": "Mei Chen",
    "contact_email": "mei@fabrikam.example",
    "contact_phone": "02 2712 3456",
    "billing_name": "",
    "billing_address": "",
    "password": PASSWORD,
    "agreement": "on",
    "agreement_version": "2018-01",
}


def test_a_company_joins_is_signed_in_and_sees_how_far_verification_is(client, world):
    answer = client.post("/join/", GOOD, follow=True)
    partner = Partner.objects.get(contact_email="mei@fabrikam.example")
    page = answer.content.decode()
    assert answer.redirect_chain == [("/company/", 302)]
    assert partner.tax_id == "04595257" and partner.verified_at is None
    assert "Fabrikam &lt;b&gt;Systems&lt;/b&gt; 𠮷田" in page and "<b>Systems" not in page
    assert "We sent a link to mei@fabrikam.example" in page and page.count("Pending") >= 4
    assert client.get("/join/")["Location"] == "/company/"


def test_every_fault_stands_by_its_field_and_everything_typed_is_kept(client, world):
    typed = GOOD | {
        "legal_name": "",
        "tax_id": "12345672",
        "contact_email": "info@fabrikam.example",
        "contact_phone": "02",
        "password": "brief",
        "agreement": "",
        "address": "4242 4242 4242 4242",
    }
    page = client.post("/join/", typed).content.decode()
    for field in ("legal_name", "tax_id", "contact_email", "contact_phone", "password", "agreement", "address"):
        assert f'id="error-{field}"' in page, field
    assert 'id="error-country"' in client.post("/join/", GOOD | {"country": "QQ"}).content.decode()
    assert "<title>Error:" in page and 'value="Mei Chen"' in page and 'value="12345672"' in page
    assert "brief" not in page
    assert Partner.objects.count() == 1


@pytest.mark.parametrize(
    ("email", "words"),
    [
        ("mei@gmail.com", "not a personal mailbox"),
        ("ann@contoso.example", "already a user"),
        ("mei", "Enter a whole e-mail address"),
        ("", "Enter an e-mail address"),
    ],
)
def test_the_address_must_be_a_persons_at_the_companys_own_domain(client, world, email, words):
    assert words in client.post("/join/", GOOD | {"contact_email": email}).content.decode()


@pytest.mark.parametrize("password", ["password1234", "meichenmeichen", "mei@fabrikam.example", ""])
def test_a_weak_password_is_refused(client, world, password):
    typed = GOOD | {"password": password, "contact_name": "meichenmeichen" if "chen" in password else "Mei Chen"}
    assert 'id="error-password"' in client.post("/join/", typed).content.decode()


def test_an_agreement_that_has_changed_is_read_again(client, world):
    page = client.post("/join/", GOOD | {"agreement_version": "2010-01"}).content.decode()
    assert "The agreement has changed" in page and 'name="agreement_version" value="2018-01"' in page


def test_joining_twice_enrols_once(client, world):
    client.post("/join/", GOOD)
    assert client.post("/join/", GOOD).status_code == 302
    client.logout()
    assert "already a user" in client.post("/join/", GOOD).content.decode()
    assert Partner.objects.filter(contact_email=GOOD["contact_email"]).count() == 1


def test_only_a_press_confirms_the_address(client, world):
    partner = world.company("Fabrikam", "fabrikam.example", "Mei Chen", verified=False)
    link = f"/join/confirm/{confirmation_token(partner)}/"
    assert "Confirm this address" in client.get(link).content.decode()
    assert Check.objects.get(partner=partner, kind="email").state == "pending"
    page = client.post(link, follow=True).content.decode()
    assert Check.objects.get(partner=partner, kind="email").state == "passed"
    assert "Address confirmed" in page
    assert client.post(link, follow=True).status_code == 200


def test_a_link_that_confirms_nothing_says_so(client, world):
    for token in ("nonsense", confirmation_token(world.contoso)[:-2], "a:b:c"):
        answer = client.get(f"/join/confirm/{token}/")
        assert answer.status_code == 404 and "Sign in and send a new link" in answer.content.decode()


def invite(world, email="kai@contoso.example", language="en"):
    given = {"email": email, "name": "Kai Lo", "roles": ["billing_admin"], "language": language}
    return people.invite(world.actor(world.ann), world.contoso, **given, now=world.now)


def test_an_invitation_speaks_the_language_it_was_written_in(client, world):
    page = client.get(f"/invitation/{invitation_token(invite(world, language='zh-hant'))}/").content.decode()
    assert 'lang="zh-Hant"' in page and "您受邀加入" in page


def test_somebody_new_sets_a_password_and_is_in(client, world):
    link = f"/invitation/{invitation_token(invite(world))}/"
    page = client.get(link).content.decode()
    assert "Contoso Taiwan Ltd" in page and "Billing admin" in page
    assert 'id="error-password"' in client.post(link, {"password": "short"}).content.decode()
    answer = client.post(link, {"password": PASSWORD})
    assert answer.status_code == 302 and answer["Location"] == "/"
    kai = User.objects.get(email="kai@contoso.example")
    assert kai.check_password(PASSWORD) and client.get("/users/").status_code == 403
    used = client.get(link)
    assert used.status_code == 410 and "has been used" in used.content.decode()
    assert client.post(link, {"password": PASSWORD}).status_code == 410


def test_somebody_known_only_confirms(client, world):
    world.company("Fabrikam", "fabrikam.example", "Mei Chen")
    link = f"/invitation/{invitation_token(invite(world, 'mei@fabrikam.example'))}/"
    page = client.get(link).content.decode()
    assert "Your password stays the same" in page and 'name="password"' not in page
    answer = client.post(link)
    mei = User.objects.get(email="mei@fabrikam.example")
    # The link proves who reads the mail, not who sits here: signing in stays the person's own.
    assert answer["Location"] == "/accounts/login/" and "_auth_user_id" not in client.session
    assert Colleague.objects.filter(user=mei, ended_at=None).count() == 2 and mei.check_password(PASSWORD)


def test_a_dead_invitation_says_why(client, world):
    row = invite(world)
    link = f"/invitation/{invitation_token(row)}/"
    people.withdraw_invitation(world.actor(world.ann), row, now=world.now)
    assert "was withdrawn" in client.get(link).content.decode()
    row = invite(world)
    world.go("2018-07-20")
    answer = client.get(f"/invitation/{invitation_token(row)}/")
    assert answer.status_code == 410 and "has expired" in answer.content.decode()
    assert client.get("/invitation/nonsense/").status_code == 404
