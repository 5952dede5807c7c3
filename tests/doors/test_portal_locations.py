"""Locations, the agreement's new version and papers for checks at the doors: owner, colleague, stranger, staff."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tenure.enrolment.models import Acceptance, Evidence
from tenure.partners.locations import add_location
from tenure.partners.models import Location, Partner
from tenure.partners.rules import Place
from tests.scenarios.test_joining import new_agreement

pytestmark = pytest.mark.django_db
PLACE = {
    "name": "Tainan <branch>",
    "country": "TW",
    "address": "1 Minquan Road",
    "city": "Tainan",
    "postcode": "700",
    "contact_name": "Bo Wu",
    "contact_email": "bo@contoso.example",
    "contact_phone": "06 220 1188",
}


def browser(user):
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def branch(world):
    return add_location(world.actor(world.ann), world.contoso, place=Place(**PLACE), now=world.now)


@pytest.fixture
def stranger(world):
    world.company("Fabrikam", "fabrikam.example", "Fay Fox")
    return browser(world.person("fay@fabrikam.example"))


def test_an_admin_adds_a_location_and_it_has_an_id_of_the_same_series(world):
    page = browser(world.ann).post("/company/locations/new/", PLACE, follow=True).content.decode()
    row = Location.objects.get()
    assert int(row.number) == int(world.contoso.number) + 1 and row.added_by == world.actor(world.ann).label
    assert "Tainan &lt;branch&gt;" in page and "is saved" in page
    later = world.company("Fabrikam", "fabrikam.example", "Fay Fox")
    assert int(later.number) == int(row.number) + 1


def test_faults_stand_by_their_fields_and_input_stays(world):
    answer = browser(world.ann).post("/company/locations/new/", PLACE | {"city": "", "contact_email": "x"})
    page = answer.content.decode()
    assert answer.status_code == 400 and 'id="error-city"' in page and 'id="error-contact_email"' in page
    assert 'value="06 220 1188"' in page and not Location.objects.exists()


def test_a_colleague_sees_and_does_not_change_and_a_stranger_finds_nothing(world, branch, stranger):
    sal = browser(world.sal)
    page = sal.get("/company/locations/").content.decode()
    assert "Tainan &lt;branch&gt;" in page and "Ann Lin" in page and "/company/locations/new/" not in page
    assert sal.post("/company/locations/new/", PLACE).status_code == 403
    address = f"/company/locations/{branch.pk}/"
    assert sal.post(address, PLACE | {"city": "Elsewhere"}).status_code == 403
    assert stranger.get(address).status_code == 404 and stranger.post(address, PLACE).status_code == 404
    assert "Tainan" not in stranger.get("/company/locations/").content.decode()
    branch.refresh_from_db()
    assert branch.city == "Tainan"


def test_only_support_removes_a_location_with_a_reason_and_it_stays_for_papers(world, branch):
    address = f"/office/partners/{world.contoso.pk}/location/"
    given = {"location": branch.pk, "location_reason": "The branch has closed."}
    assert browser(world.ann).post(address, given).status_code == 404
    assert browser(world.fin).post(address, given).status_code == 403
    sue = browser(world.sue)
    assert sue.post(address, given | {"location_reason": " "}).status_code == 400
    assert Location.objects.get().removed_at is None
    assert sue.post(address, given).status_code == 302
    branch.refresh_from_db()
    assert branch.removed_reason == "The branch has closed." and branch.removed_by == world.actor(world.sue).label
    assert "Tainan" not in browser(world.ann).get("/company/locations/").content.decode()
    assert browser(world.ann).get(f"/company/locations/{branch.pk}/").status_code == 404


def test_a_location_of_another_company_is_not_removed_here(world, branch):
    other = world.company("Fabrikam", "fabrikam.example", "Fay Fox")
    given = {"location": branch.pk, "location_reason": "Wrong company."}
    assert browser(world.sue).post(f"/office/partners/{other.pk}/location/", given).status_code == 400
    branch.refresh_from_db()
    assert branch.removed_at is None


def test_the_new_agreement_is_read_by_all_and_accepted_by_an_admin(world):
    new_agreement(world)
    ann, sal = browser(world.ann), browser(world.sal)
    assert "Read and accept it" in sal.get("/company/").content.decode()
    assert "Ann Lin" in sal.get("/company/agreement/").content.decode()
    tick = {"agreement": "on", "agreement_version": "2019-01"}
    assert sal.post("/company/agreement/", tick).status_code == 403
    page = ann.get("/company/agreement/").content.decode()
    assert "Be good." in page and 'value="2019-01"' in page
    assert ann.post("/company/agreement/", {"agreement_version": "2019-01"}).status_code == 400
    assert ann.post("/company/agreement/", tick | {"agreement_version": "2018-01"}).status_code == 400
    assert Acceptance.objects.filter(partner=world.contoso).count() == 1
    page = ann.post("/company/agreement/", tick, follow=True).content.decode()
    assert "Version 2019-01, accepted by Ann Lin" in page and "Read and accept it" not in page


def test_the_offer_says_what_stands_in_the_way(world):
    new_agreement(world)
    page = browser(world.ming).get("/offers/action-pack/").content.decode()
    assert "The programme agreement has a new version." in page


def test_a_paper_goes_from_the_company_to_the_officer_and_nobody_else(world, stranger):
    partner = world.company("Waiting", "waiting.example", "Wanda Wait", verified=False)
    check = partner.checks.get(kind="business")
    wanda, address = browser(world.person("wanda@waiting.example")), f"/company/checks/{check.pk}/document/"
    file = SimpleUploadedFile("register.pdf", b"%PDF-1.7 register")
    assert stranger.post(address, {"file": file}).status_code == 404
    assert wanda.post(address, {"file": SimpleUploadedFile("x.html", b"<html>")}).status_code == 400
    file.seek(0)
    page = wanda.post(address, {"file": file, "note": "As asked"}, follow=True).content.decode()
    assert "register.pdf, handed in on" in page
    paper = Evidence.objects.get()
    officer = browser(world.staff("Vera Officer", "verification_officer"))
    page = officer.get(f"/office/verifications/{check.pk}/").content.decode()
    assert "register.pdf" in page and "As asked" in page
    answer = officer.get(f"/office/verifications/papers/{paper.pk}/")
    assert answer["Content-Disposition"].startswith("attachment") and b"register" in answer.content
    assert browser(world.sue).get(f"/office/verifications/papers/{paper.pk}/").status_code == 403
    assert wanda.get(f"/office/verifications/papers/{paper.pk}/").status_code == 404


def test_the_officer_sees_a_likely_twin_and_the_applicant_does_not(world):
    twin = world.company("CONTOSO Taiwan Co., Ltd.", "contoso.example", "Cleo Chang", verified=False)
    check = twin.checks.get(kind="business")
    page = browser(world.oda).get(f"/office/verifications/{check.pk}/").content.decode()
    assert "Perhaps enrolled before" in page and world.contoso.legal_name in page and "same tax number" in page
    cleo = browser(world.person("cleo@contoso.example"))
    assert world.contoso.legal_name not in cleo.get("/company/").content.decode()


def test_the_officer_sees_exactly_what_changed(world):
    fields = {name: getattr(world.contoso, name) for name in CHANGED}
    browser(world.ann).post("/company/edit/", fields | {"city": "Tainan"})
    partner = Partner.objects.get(pk=world.contoso.pk)
    check = partner.checks.get(kind="business")
    page = browser(world.oda).get(f"/office/verifications/{check.pk}/").content.decode()
    assert "<td>Taipei</td><td>Tainan</td>" in page and page.count("<td>Taipei</td>") == 1


CHANGED = (
    "legal_name country address city postcode registration_number tax_id billing_name billing_address "
    "contact_name contact_email contact_phone"
).split()
