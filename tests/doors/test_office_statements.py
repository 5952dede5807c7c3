"""Bank files at the desk: handed in, told what became of them, doubts accepted with one press."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tenure.payments.models import BankLine, StatementFile, StatementMapping
from tenure.payments.rules import Method

ACCOUNT = "0099-01-118820-6"
COLUMNS = {
    "value_on": "day", "amount": "amount", "text": "text", "payer": "payer", "date_format": "%Y-%m-%d", "decimal": ".",
    "delimiter": ",", "skip": "0", "out_words": "D",
}  # fmt: skip


@pytest.fixture
def fin(world):
    client = Client()
    client.force_login(world.fin)
    assert client.post(reverse("office:columns", args=["TWD"]), COLUMNS).status_code == 302
    return client


@pytest.fixture
def wire(world):
    return world.buy(method=Method.BANK_TRANSFER)


def hand_in(client, *rows, name="june.csv", account=ACCOUNT):
    content = ("day,amount,text,payer\n" + "\n".join(rows)).encode()
    upload = SimpleUploadedFile(name, content, "text/csv")
    return client.post(reverse("office:statements"), {"file": upload, "account": account}, follow=True)


def test_a_file_is_handed_in_and_its_outcome_told(fin, wire):
    answer = hand_in(fin, f"2018-06-20,15750,{wire.reference},CONTOSO", "2018-06-20,77,rent,CITY", "2018-13-01,1,x,y")
    said = answer.content.decode()
    assert answer.redirect_chain[-1][0] == reverse("office:statement", args=[StatementFile.objects.get().pk])
    assert "Line 4: The date can&#x27;t be read." in said
    assert "Nothing in it says whom it is for" in said
    wire.refresh_from_db()
    assert wire.paid_at


def test_a_doubt_is_accepted_with_one_press_and_the_list_stays_open(fin, wire):
    hand_in(fin, f"2018-06-20,15700,fee {wire.number},SOMEBODY ELSE")
    line, file = BankLine.objects.get(), StatementFile.objects.get()
    page = fin.get(reverse("office:statement", args=[file.pk])).content.decode()
    assert wire.number in page and ">Match<" in page and "not certain" in page
    answer = fin.post(reverse("office:transfer-match", args=[line.pk]), {"number": wire.number, "file": file.pk})
    assert answer["Location"] == reverse("office:statement", args=[file.pk])
    assert line.allocations.get().order_id == wire.pk


def test_a_line_is_set_aside_with_a_reason(fin, wire):
    hand_in(fin, "2018-06-20,77,rent,CITY")
    line = BankLine.objects.get()
    url = reverse("office:transfer-ignore", args=[line.pk])
    assert fin.post(url, {"reason": ""}).status_code == 400
    answer = fin.post(url, {"reason": "Rent from the tenant"}, follow=True).content.decode()
    assert "Rent from the tenant" in answer and "Set aside" in answer
    assert fin.get(url).status_code == 302


def test_what_cannot_be_read_is_said_and_enters_nothing(fin):
    for content, words in ((b"%PDF-1.7", "no bank file"), (b"", "Choose a file"), (b"a,b\n1,2\n", "no column")):
        upload = SimpleUploadedFile("x", content)
        answer = fin.post(reverse("office:statements"), {"file": upload, "account": ACCOUNT})
        assert answer.status_code in (400, 409) and words in answer.content.decode()
    assert not StatementFile.objects.exists()


def test_columns_are_refused_by_their_fields_and_kept_when_sound(fin):
    url = reverse("office:columns", args=["TWD"])
    answer = fin.post(url, COLUMNS | {"value_on": "", "amount": ""})
    assert answer.status_code == 400 and answer.content.decode().count('class="error"') == 2
    assert StatementMapping.objects.get().columns["payer"] == "payer"
    assert fin.get(reverse("office:columns", args=["XXX"])).status_code == 404


def test_whoever_may_not_is_told_who_can(world, fin, wire):
    support = Client()
    support.force_login(world.sue)
    assert support.get(reverse("office:statements")).status_code == 403
    assert hand_in(support, "2018-06-20,1,x,y").status_code == 403
    assert not StatementFile.objects.exists()
