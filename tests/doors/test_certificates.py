"""Tax certificates at both doors: sent in by the company's people, decided by finance, hidden from strangers."""

import uuid
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tenure.billing.models import Withholding
from tenure.partners.models import ExemptionApplication, TaxExemption
from tenure.payments.rules import Method
from tenure.people.models import Colleague, User
from tenure.purchases.models import Order
from tenure.web.shared.forms import MEGABYTE

pytestmark = pytest.mark.django_db


def paper(content=b"%PDF-1.7 certificate", name="16a.pdf"):
    return SimpleUploadedFile(name, content)


class Door:
    """Somebody's browser."""

    def __init__(self, user=None):
        self.client = Client()
        if user:
            self.client.force_login(user)

    def page(self, address, status=200):
        answer = self.client.get(address)
        assert answer.status_code == status, (address, answer.status_code, answer.get("Location"))
        return unescape(answer.content.decode())

    def send(self, address, status=302, **fields):
        answer = self.client.post(address, fields)
        assert answer.status_code == status, (address, answer.status_code, unescape(answer.content.decode())[-2500:])
        return answer["Location"] if status == 302 else unescape(answer.content.decode())


class Town:
    """Delhi Data with its order of US$475, its people, and a firm that has nothing to do with it."""

    def __init__(self, world):
        self.world = world
        self.partner = world.company("Delhi Data Pvt", "delhi.example", "Dia Rao", country="IN")
        self.user = User.objects.get(email="dia@delhi.example")
        self.dia = Door(self.user)
        self.order = world.buy(self.user, partner=self.partner, method=Method.BANK_TRANSFER)
        self.address = f"/orders/{self.order.number}/withholding/"
        self.fin, self.sue = Door(world.fin), Door(world.sue)
        stranger = world.company("Stranger Ltd", "stranger.example", "Sam Strange", country="IN")
        self.stranger = Door(Colleague.objects.get(partner_id=stranger.pk).user)
        self.member = Door(world.colleague("Mo Das", "member", partner=self.partner))

    def form(self, **changes):
        given = {"key": str(uuid.uuid4()), "amount": "47.50", "tax_year": "2018", "certificate": "16A-31"}
        return given | {"file": paper(), "note": ""} | changes

    def sent(self, **changes):
        self.dia.send(self.address, **self.form(**changes))
        return Withholding.objects.get()


@pytest.fixture
def town(world):
    return Town(world)


def test_the_order_leads_to_the_form_and_the_form_says_the_sums(town):
    assert town.address in town.dia.page(f"/orders/{town.order.number}/")
    page = town.dia.page(town.address)
    assert "US$475.00" in page and "May be withheld, at most" in page and "US$47.50" in page
    listed = town.dia.page("/invoices/withheld/")
    assert town.order.number in listed and "Send a certificate" in listed
    assert "/invoices/withheld/" in town.dia.page("/invoices/")


def test_sent_decided_and_paid(town):
    assert town.dia.send(town.address, **town.form()) == town.address
    row = Withholding.objects.get()
    assert (row.amount_minor, row.tax_year, row.certificate, row.file.media_type) == (
        4750,
        2018,
        "16A-31",
        "application/pdf",
    )
    assert "Being checked" in town.dia.page(town.address)
    assert "US$47.50 withheld, certificate 16A-31" in town.fin.page("/office/")
    town.world.transfer(town.order, 42750)
    assert "16A-31" in town.fin.page("/office/certificates/")
    decision = f"/office/certificates/withheld/{row.pk}/"
    page = town.fin.page(decision)
    assert "Money and tax are the total to the cent" in page
    assert town.fin.client.get(decision + "file/").content == b"%PDF-1.7 certificate"
    assert town.fin.send(decision, decision="accept", words="") == "/office/certificates/"
    assert Order.objects.get(pk=town.order.pk).paid_at
    order = town.dia.page(f"/orders/{town.order.number}/")
    assert "US$475.00 is paid, US$47.50 of it as withheld tax." in order
    assert "16A-31" in town.dia.page("/invoices/withheld/")
    assert "Accepted" in town.fin.page(f"/office/orders/{town.order.number}/")


def test_what_differs_is_said_before_it_is_decided(town):
    row = town.sent(amount="40")
    town.world.transfer(town.order, 42750)
    decision = f"/office/certificates/withheld/{row.pk}/"
    assert "the order waits for the US$7.50 that differ" in town.fin.page(decision)
    town.world.transfer(town.order, 4000)
    page = town.fin.page(decision)
    assert "It can't be accepted: money and tax would be US$32.50 more than the total." in page
    refused = town.fin.send(decision, 409, decision="accept", words="")
    assert "US$32.50 too much" in refused
    assert Withholding.objects.get().status == "submitted"


def test_staff_asks_and_the_form_comes_back_filled_in(town):
    row = town.sent()
    decision = f"/office/certificates/withheld/{row.pk}/"
    town.fin.send(decision, decision="ask", words="The second page is missing.")
    assert "a question about the certificate of US$47.50" in town.dia.page("/")
    page = town.dia.page(town.address)
    assert "The second page is missing." in page and 'value="47.50"' in page and 'value="16A-31"' in page
    assert "Answer" in town.dia.page(f"/orders/{town.order.number}/")
    again = town.form(file=paper(b"\x89PNG\r\n\x1a\n pages", "pages.png"))
    town.dia.send(town.address, **again)
    row.refresh_from_db()
    assert (row.status, row.file.media_type) == ("submitted", "image/png")
    kept = dict(town.form())
    del kept["file"]
    town.fin.send(decision, decision="ask", words="Which year?")
    town.dia.send(town.address, **kept)
    assert Withholding.objects.get().file_id == row.file_id


def test_refused_with_words_the_form_is_open_again(town):
    row = town.sent()
    town.fin.send(f"/office/certificates/withheld/{row.pk}/", decision="refuse", words="Not our name.")
    page = town.dia.page(town.address)
    assert "Not our name." in page and "Send the certificate" in page
    assert "Refused" in town.dia.page("/invoices/withheld/")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"file": paper(b"<html>", "16a.pdf")}, "PDF, JPEG, PNG or GIF"),
        ({"file": paper(b"%PDF-" + b"x" * MEGABYTE)}, "1 MB"),
        ({"file": ""}, "Choose a file"),
        ({"amount": "47.51"}, "At most US$47.50 may be withheld of this order."),
        ({"amount": "0"}, ""),
        ({"amount": "47.505"}, ""),
        ({"tax_year": "1999"}, "Enter a year from 2013 to 2019."),
        ({"tax_year": "last"}, ""),
        ({"certificate": ""}, "Enter the certificate's number."),
        ({"certificate": "4242 4242 4242 4242"}, "card"),
        ({"key": "nothing"}, ""),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_nothing_is_kept(town, changes, words):
    page = town.dia.send(town.address, 422, **town.form(**changes))
    assert words in page
    assert "There is something to put right" in page
    assert Withholding.objects.count() == 0


def test_the_same_form_sent_twice_is_one_certificate(town):
    key = str(uuid.uuid4())
    town.dia.send(town.address, **town.form(key=key))
    town.dia.send(town.address, **town.form(key=key))
    assert Withholding.objects.count() == 1
    assert town.dia.send(town.address, **town.form()) == f"/orders/{town.order.number}/"
    assert Withholding.objects.count() == 1
    assert "has been sent already" in town.dia.page(f"/orders/{town.order.number}/")


def test_strangers_find_nothing_and_colleagues_hear_who_can(town):
    row = town.sent()
    own = f"/invoices/withheld/{row.pk}/certificate/"
    assert town.dia.client.get(own).content == b"%PDF-1.7 certificate"
    for address in (town.address, own):
        town.stranger.page(address, 404)
        assert "Dia Rao" in town.member.page(address, 403)
    assert "Dia Rao" in town.member.page("/invoices/withheld/", 403)
    assert row.certificate not in town.stranger.page("/invoices/withheld/")
    office = f"/office/certificates/withheld/{row.pk}/"
    for address in ("/office/certificates/", office, office + "file/"):
        town.dia.page(address, 404)
        town.sue.page(address, 403)
    auditor = Door(town.world.staff("Aud Auditor", "auditor"))
    assert "Fiona Finance" in auditor.page(office), "who may look only is told who decides"
    auditor.send(office, 403, decision="accept", words="")
    assert Withholding.objects.get().status == "submitted"


def test_a_company_whose_country_withholds_nothing_is_told_so(world):
    order = world.buy(method=Method.BANK_TRANSFER)
    ming = Door(world.ming)
    address = f"/orders/{order.number}/withholding/"
    assert address not in ming.page(f"/orders/{order.number}/")
    assert "tax can't be withheld" in ming.page(address)
    fields = {"key": str(uuid.uuid4()), "amount": "1", "tax_year": "2018", "certificate": "x", "file": paper()}
    ming.send(address, **fields)
    assert Withholding.objects.count() == 0
    assert "/invoices/withheld/" not in ming.page("/invoices/")


# Exemption

FORM = {"kind": "charity", "certificate": "EX-9", "valid_from": "2018-07-01", "valid_to": "108/6/30", "note": ""}


def test_a_company_applies_and_finance_grants_other_days(world):
    bo, fin = Door(world.bo), Door(world.fin)
    assert "/company/exemption/" in bo.page("/company/")
    bo.send("/company/exemption/", **FORM, key=str(uuid.uuid4()), file=paper())
    row = ExemptionApplication.objects.get()
    assert str(row.valid_to) == "2019-06-30"
    assert "Being checked" in bo.page("/company/exemption/") and "EX-9" in bo.page("/company/")
    assert "Application for tax exemption, certificate EX-9" in fin.page("/office/")
    decision = f"/office/certificates/exemption/{row.pk}/"
    assert 'value="2018-07-01"' in fin.page(decision)
    assert fin.client.get(decision + "file/").content == b"%PDF-1.7 certificate"
    wrong = {"valid_from": "2019-01-01", "valid_to": "2018-12-31"}
    assert "The last day comes before the first." in fin.send(decision, 400, decision="accept", words="", **wrong)
    days = {"valid_from": "2018-07-01", "valid_to": "2018-12-31"}
    fin.send(decision, decision="accept", words="", **days)
    assert str(TaxExemption.objects.get().valid_to) == "2018-12-31"
    page = bo.page("/company/exemption/")
    assert "31 December 2018" in page and "Apply for exemption" in page
    assert "Accepted" in fin.page(decision) and "Grant the exemption" not in fin.page(decision)


def test_staff_asks_for_more_and_refuses(world):
    bo, fin = Door(world.bo), Door(world.fin)
    bo.send("/company/exemption/", **FORM, key=str(uuid.uuid4()), file=paper())
    decision = f"/office/certificates/exemption/{ExemptionApplication.objects.get().pk}/"
    fin.send(decision, 400, decision="refuse", words="")
    fin.send(decision, decision="ask", words="Whose stamp is this?")
    assert "a question about your application for tax exemption" in bo.page("/")
    page = bo.page("/company/exemption/")
    assert "Whose stamp is this?" in page and 'value="EX-9"' in page
    bo.send("/company/exemption/", **FORM, key=str(uuid.uuid4()))
    fin.send(decision, decision="refuse", words="It is a licence.")
    page = bo.page("/company/exemption/")
    assert "It is a licence." in page and "Send the application" in page
    assert fin.send(decision, 409, decision="accept", words="", valid_from="2018-07-01", valid_to="2019-06-30")
    assert TaxExemption.objects.count() == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "king"}, ""),
        ({"certificate": ""}, "Enter the certificate's number."),
        ({"valid_from": "2018-02-30"}, ""),
        ({"valid_to": "2018-06-30"}, "The last day comes before the first."),
        ({"valid_from": "2017-01-01", "valid_to": "2018-06-01"}, "An exemption that is over"),
        ({"file": paper(b"MZ", "ex.pdf")}, "PDF, JPEG, PNG or GIF"),
        ({"file": paper(b"GIF89a" + b"x" * MEGABYTE)}, "1 MB"),
    ],
)
def test_an_application_that_cannot_be_taken(world, changes, words):
    fields = {**FORM, "key": str(uuid.uuid4()), "file": paper()} | changes
    page = Door(world.bo).send("/company/exemption/", 422, **fields)
    assert words in page and ExemptionApplication.objects.count() == 0


def test_who_may_not_apply_is_told_who_may(world):
    Door(world.bo).send("/company/exemption/", **FORM, key=str(uuid.uuid4()), file=paper())
    assert "Bo Wu" in Door(world.sal).page("/company/exemption/", 403)
    assert "/company/exemption/" not in Door(world.sal).page("/company/")
    decision = f"/office/certificates/exemption/{ExemptionApplication.objects.get().pk}/"
    Door(world.bo).page(decision, 404)
    Door(world.sue).page(decision, 403)


def test_both_speak_chinese(town):
    row = town.sent()
    town.dia.send("/company/exemption/", **FORM, key=str(uuid.uuid4()), file=paper())
    User.objects.filter(pk__in=[town.user.pk, town.world.fin.pk]).update(language="zh-hant")
    pages = [town.dia.page(town.address), town.dia.page("/invoices/withheld/"), town.dia.page("/company/exemption/")]
    pages.append(town.fin.page("/office/certificates/"))
    pages.append(town.fin.page(f"/office/certificates/withheld/{row.pk}/"))
    assert all("扣繳" in page for page in pages[:2] + pages[3:]) and "免稅" in pages[2]
    for page in pages:
        for english in ("Withheld", "Certificate", "Being checked", "Decision"):
            assert english not in page
