"""Transfers at the desk: recorded once, matched by a person, held for a partner (domain.md S18 to S24)."""

import uuid

import pytest
from django.test import Client
from django.urls import reverse

from tenure.payments.models import Allocation, BankLine
from tenure.payments.rules import Method
from tenure.plumbing.files import handed_in
from tenure.purchases import actions as purchases

ACCOUNT = "0099-01-118820-6"


@pytest.fixture
def wire(world):
    """A bank-transfer order of NT$15,750 that waits for its money."""
    return world.buy(method=Method.BANK_TRANSFER)


@pytest.fixture
def fin(world):
    client = Client()
    client.force_login(world.fin)
    return client


def form(**changes):
    given = {
        "line_key": str(uuid.uuid4()),
        "account": ACCOUNT,
        "value_on": "2018-06-20",
        "currency": "TWD",
        "amount": "15,750",
        "reference": "",
        "payer": "CONTOSO TAIWAN",
    }
    return given | changes


def url(name, *args):
    return reverse(f"office:{name}", args=args)


def test_the_reference_matches_by_itself(fin, wire):
    answer = fin.post(url("transfers"), form(reference=f"fee {wire.reference}"), follow=True)
    assert f"matched to order {wire.number}" in answer.content.decode()
    wire.refresh_from_db()
    assert wire.paid_at


def test_a_double_click_counts_once(fin, wire):
    given = form()
    first, second = fin.post(url("transfers"), given), fin.post(url("transfers"), given)
    assert first["Location"] == second["Location"] == url("transfer", BankLine.objects.get().pk)


def test_a_used_form_never_swallows_another_transfer(fin, wire):
    given = form()
    fin.post(url("transfers"), given)
    answer = fin.post(url("transfers"), given | {"amount": "99", "payer": "Somebody else"})
    text = answer.content.decode()
    assert answer.status_code == 409 and "has recorded another transfer already" in text
    assert 'value="99"' in text and given["line_key"] not in text
    assert BankLine.objects.count() == 1


def test_a_faulty_form_says_what_is_wrong_and_keeps_everything(fin, wire):
    given = form(amount="15.5", value_on="2018-06-21", reference="for Contoso")
    answer = fin.post(url("transfers"), given)
    text = answer.content.decode()
    assert answer.status_code == 400 and "<title>Error:" in text and 'role="alert"' in text
    assert "Enter an amount" in text and "not after today" in text
    assert 'value="15.5"' in text and 'value="for Contoso"' in text and given["line_key"] in text
    assert not BankLine.objects.exists()


def test_candidates_say_why_and_a_person_matches(world, fin, wire):
    world.transfer(None, 15_750, reference=f"order {wire.number[2:]}")
    line = BankLine.objects.get()
    text = fin.get(url("transfer", line.pk)).content.decode()
    assert "Same reference digits" in text and "Exactly the amount" in text and "name is similar" in text
    given = {"number": wire.number}
    assert fin.post(url("transfer-match", line.pk), given).status_code == 302
    again = fin.post(url("transfer-match", line.pk), given)
    assert again.status_code == 409 and "already matched" in again.content.decode()
    wire.refresh_from_db()
    assert wire.paid_at and Allocation.objects.count() == 1


def test_s23_too_little_is_said_before_the_press_and_needs_attention_after(world, fin, wire):
    world.transfer(None, 15_000, reference="")
    line = BankLine.objects.get()
    assert "NT$750 too little" in fin.get(url("transfer", line.pk)).content.decode()
    fin.post(url("transfer-match", line.pk), {"number": wire.number.lower()})
    wire.refresh_from_db()
    assert wire.paid_at is None
    client = Client()
    client.force_login(world.oda)
    assert f"Order {wire.number}: NT$15,000 received, NT$750 missing" in client.get(url("today")).content.decode()
    assert "NT$750 missing" in client.get(url("order", wire.number)).content.decode()


def test_an_order_or_partner_that_is_not_there_is_said_beside_the_field(world, fin, wire):
    world.transfer(None, 15_000, reference="")
    line = BankLine.objects.get()
    wrong = fin.post(url("transfer-match", line.pk), {"number": "O-1"})
    assert wrong.status_code == 400 and "There is no order with this number." in wrong.content.decode()
    wrong = fin.post(url("transfer-hold", line.pk), {"partner": "77"})
    assert wrong.status_code == 400 and "There is no partner with this ID." in wrong.content.decode()


def test_s24_money_without_an_order_is_held_once(world, fin):
    world.transfer(None, 5_000, reference="")
    line = BankLine.objects.get()
    given = {"partner": "1 234 566"}
    assert fin.post(url("transfer-hold", line.pk), given).status_code == 302
    assert fin.post(url("transfer-hold", line.pk), given).status_code == 409
    assert Allocation.objects.get().amount_minor == 5_000
    assert "NT$5,000" in fin.get(url("partner", world.contoso.pk)).content.decode()


def test_s18_a_proof_is_seen_and_downloaded_as_a_file(world, fin, wire):
    file = handed_in("slip 1.pdf", "application/pdf", b"%PDF-1.7 slip")
    proof = purchases.upload_proof(
        world.actor(world.bo), wire, file=file, paid_on=world.today, account=ACCOUNT, reference="99", now=world.now
    )
    assert wire.number in fin.get(url("transfers")).content.decode()
    answer = fin.get(url("proof", proof.pk))
    assert answer.content == b"%PDF-1.7 slip" and answer["Content-Disposition"].startswith("attachment")
    auditor = world.staff("Ada Auditor", "auditor")
    client = Client()
    client.force_login(auditor)
    page = client.get(url("transfers")).content.decode()
    assert "Fiona Finance, Oda Operator or Ove Operator can do it." in page and 'name="line_key"' not in page
    assert client.post(url("transfers"), form()).status_code == 403
