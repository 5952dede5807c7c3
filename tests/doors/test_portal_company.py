"""The company's page: its data, its verification, an appeal with a document, and moving here."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.test import Client

from tenure.enrolment import actions as enrolment
from tenure.enrolment.models import Check
from tenure.partners import actions as partners
from tenure.partners.models import Partner
from tenure.people.models import User

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.7 an extract from the register"


@pytest.fixture
def rejected(world):
    """A company whose business check was not passed, and its admin's browser."""
    partner = world.company("Proseware", "proseware.example", "Rita Rowe", verified=False)
    check = Check.objects.get(partner=partner, kind="business")
    enrolment.decide(world.actor(world.oda), check, passed=False, reason="Not in the <register>.", now=world.now)
    browser = Client()
    browser.force_login(User.objects.get(email="rita@proseware.example"))
    return partner, check, browser


def data_of(partner, **changes):
    names = Partner._meta.get_fields()
    kept = {f.name: getattr(partner, f.name) for f in names if f.concrete and f.name in FIELDS}
    return kept | changes


FIELDS = (
    "legal_name country address city postcode registration_number tax_id billing_name billing_address "
    "contact_name contact_email contact_phone"
).split()


def test_everybody_sees_the_company_and_only_who_may_changes_it(client, world):
    client.force_login(world.sal)
    page = client.get("/company/").content.decode()
    assert "Contoso Taiwan Ltd" in page and "Version 2018-01, accepted by Ann Lin" in page
    assert "/company/edit/" not in page and "Ann Lin" in page
    refused = client.get("/company/edit/")
    assert refused.status_code == 403 and "Ann Lin" in refused.content.decode()


def test_strangers_and_staff_do_not_get_in(client, world):
    assert "/accounts/login/" in client.get("/company/")["Location"]
    client.force_login(world.sue)
    assert client.get("/company/")["Location"] == "/office/"


def test_a_change_is_saved_and_legal_data_is_verified_again(client, world):
    client.force_login(world.ann)
    answer = client.post("/company/edit/", data_of(world.contoso, billing_name="Contoso 帳務"), follow=True)
    world.contoso.refresh_from_db()
    assert world.contoso.billing_name == "Contoso 帳務" and world.contoso.verified_at
    assert "The company&#x27;s data is saved." in answer.content.decode()
    answer = client.post("/company/edit/", data_of(world.contoso, legal_name="Contoso 股份"), follow=True)
    world.contoso.refresh_from_db()
    assert world.contoso.verified_at is None and "has to be verified again" in answer.content.decode()


def test_faults_stand_by_their_fields_and_input_stays(client, world):
    client.force_login(world.ann)
    typed = data_of(world.contoso, city="", tax_id="12345672", contact_email="x", legal_name="Neu <i>")
    page = client.post("/company/edit/", typed).content.decode()
    assert all(f'id="error-{name}"' in page for name in ("city", "tax_id", "contact_email"))
    assert 'value="Neu &lt;i&gt;"' in page and "<title>Error:" in page
    world.contoso.refresh_from_db()
    assert world.contoso.legal_name == "Contoso Taiwan Ltd"


def test_a_rejected_check_says_why_and_is_appealed_with_a_document(rejected, world):
    partner, check, browser = rejected
    page = browser.get("/company/").content.decode()
    assert "Not in the &lt;register&gt;." in page and f"/company/checks/{check.pk}/appeal/" in page
    file = SimpleUploadedFile("../extract.pdf", PDF)
    answer = browser.post(f"/company/checks/{check.pk}/appeal/", {"comment": "We are, since May.", "evidence": file})
    assert answer["Location"] == "/company/"
    check.refresh_from_db()
    assert check.state == "pending" and bytes(check.evidence.content) == PDF
    assert check.evidence.name == "extract.pdf" and check.evidence.stored_at == world.now
    assert "Appeal under review" in browser.get("/company/").content.decode()
    again = browser.post(f"/company/checks/{check.pk}/appeal/", {"comment": "Again"})
    assert again.status_code == 409


def test_an_appeal_without_words_or_with_a_bad_file_is_told_by_field(rejected):
    _partner, check, browser = rejected
    path = f"/company/checks/{check.pk}/appeal/"
    page = browser.post(path, {"comment": "", "evidence": SimpleUploadedFile("a.pdf", b"<html>")}).content.decode()
    assert 'id="error-comment"' in page and "Choose a PDF, JPEG, PNG or GIF file." in page
    big = SimpleUploadedFile("a.pdf", PDF + b"x" * 10 * 1024 * 1024)
    page = browser.post(path, {"comment": "Kept words", "evidence": big}).content.decode()
    assert "Choose a file of at most 10 MB." in page and "Kept words" in page


def test_a_huge_file_is_refused_in_words_and_dropped_unseen(rejected, monkeypatch):
    _partner, check, browser = rejected
    kept, store = [], TemporaryFileUploadHandler.receive_data_chunk

    def count(handler, raw, start):
        kept.append(len(raw))
        return store(handler, raw, start)

    monkeypatch.setattr(TemporaryFileUploadHandler, "receive_data_chunk", count)
    film = SimpleUploadedFile("film.pdf", PDF + bytes(40 * 1024 * 1024))
    answer = browser.post(f"/company/checks/{check.pk}/appeal/", {"comment": "Kept words", "evidence": film})
    assert "at most 10 MB" in answer.content.decode() and "Kept words" in answer.content.decode()
    assert 10 * 1024 * 1024 < sum(kept) <= 10 * 1024 * 1024 + 2 * 64 * 1024


def test_a_stranger_cannot_appeal_for_another_company(client, world, rejected):
    _partner, check, _browser = rejected
    client.force_login(world.ann)
    assert client.get(f"/company/checks/{check.pk}/appeal/").status_code == 404
    client.force_login(world.sal)
    assert client.get(f"/company/checks/{check.pk}/appeal/").status_code == 403
    assert client.get("/company/checks/999999/appeal/").status_code == 403


def test_the_confirmation_is_sent_again(client, world):
    partner = world.company("Proseware", "proseware.example", "Rita Rowe", verified=False)
    client.force_login(User.objects.get(email="rita@proseware.example"))
    assert "Send the link again" in client.get("/company/").content.decode()
    assert partner.contact_email in client.post("/company/confirmation/", follow=True).content.decode()
    assert client.get("/company/confirmation/").status_code == 405


def test_a_suspended_company_is_told(client, world):
    partners.suspend(world.actor(world.oda), world.contoso, reason="Overdue <invoices>", now=world.now)
    client.force_login(world.sal)
    page = client.get("/company/").content.decode()
    assert "account is suspended" in page and "Overdue &lt;invoices&gt;" in page


def test_moving_here_explains_the_changed_window_first(client, world):
    row = world.from_old_portal("Litware", "litware.example", "Lin Old", expires_on="2018-08-19")
    partner = row.partner
    client.force_login(User.objects.get(email="lin@litware.example"))
    page = client.get("/company/").content.decode()
    assert "managed in the old portal" in page and "Move here" not in page
    assert client.post("/company/move-here/").status_code == 409
    partners.invite_from_old_portal(world.actor(world.oda), partner, now=world.now)
    page = client.get("/company/").content.decode()
    assert "21 May to 19 August 2018" in page and "20 August to 18 September 2018" in page
    assert client.post("/company/move-here/").status_code == 302
    partner.refresh_from_db()
    assert partner.managed_in == "here"
    assert client.post("/company/move-here/").status_code == 302


def test_a_person_of_two_companies_changes_between_them(client, world):
    other = world.company("Fabrikam", "fabrikam.example", "Mei Chen")
    world.colleague("Ming Chen", "member", partner=other)
    client.force_login(world.ming)
    assert "Contoso Taiwan Ltd" in client.get("/company/").content.decode()
    client.post("/company/switch/", {"partner": other.pk})
    assert "<strong>Fabrikam</strong>" in client.get("/company/").content.decode()
    stranger = world.company("Tailspin", "tailspin.example", "Tom Park")
    for partner in (stranger.pk, "", "x", "９"):
        assert client.post("/company/switch/", {"partner": partner}).status_code == 404


def test_the_page_asks_few_questions(client, world, django_assert_max_num_queries):
    client.force_login(world.ann)
    with django_assert_max_num_queries(22):
        assert client.get("/company/").status_code == 200
