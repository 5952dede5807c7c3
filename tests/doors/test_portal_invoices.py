"""Invoices to keep, and what people are told in the app."""

import pytest
from facturx import get_xml_from_pdf

from tenure.billing.models import Invoice
from tenure.people.models import User
from tenure.support import actions as support

pytestmark = pytest.mark.django_db


def test_the_list_and_the_bytes_for_who_may(client, world):
    world.buy_by_card()
    number = Invoice.objects.get().number
    client.force_login(world.bo)
    page = client.get("/invoices/").content.decode()
    for words in (number, "Issued in 2018", "Action Pack", "NT$15,000", "NT$750", "NT$15,750", "Paid", "Download"):
        assert words in page
    first, again = client.get(f"/invoices/{number}.pdf"), client.get(f"/invoices/{number}.pdf")
    assert first.content.startswith(b"%PDF-") and first.content == again.content
    assert first["Content-Disposition"] == f'attachment; filename="{number}.pdf"'
    assert first["Content-Type"] == "application/pdf" and first["ETag"] == again["ETag"]
    unchanged = client.get(f"/invoices/{number}.pdf", headers={"if-none-match": first["ETag"]})
    assert unchanged.status_code == 304 and not unchanged.content
    structured = client.get(f"/invoices/{number}.xml")
    assert structured["Content-Disposition"] == f'attachment; filename="{number}.xml"'
    assert get_xml_from_pdf(first.content, check_xsd=False) == ("factur-x.xml", structured.content)
    assert f'href="/invoices/{number}.xml"' in client.get("/invoices/").content.decode()


def test_strangers_find_nothing_and_colleagues_hear_who_can_help(client, world):
    world.buy_by_card()
    number = Invoice.objects.get().number
    client.force_login(world.sal)
    for path in ("/invoices/", f"/invoices/{number}.pdf", f"/invoices/{number}.xml"):
        refused = client.get(path)
        assert refused.status_code == 403 and "Bo Wu" in refused.content.decode()
    world.company("Fabrikam", "fabrikam.example", "Mei Chen")
    client.force_login(User.objects.get(email="mei@fabrikam.example"))
    assert client.get(f"/invoices/{number}.pdf").status_code == 404
    assert client.get(f"/invoices/{number}.xml").status_code == 404
    assert client.get("/invoices/INV-2018-999999.pdf").status_code == 404
    assert "No invoices yet." in client.get("/invoices/").content.decode()


def test_a_refund_shows_the_invoice_credited_and_its_credit_note(client, world):
    world.buy_by_card()
    row = support.open_request(
        world.actor(world.ming),
        world.contoso,
        problem_type="invoice-payment-reconciliation",
        subject="Cancel",
        description="Changed plans.",
        subscription=world.holding().subscription,
        now=world.now,
    )
    support.decide(world.actor(world.oda), row, refund=True, now=world.now)
    client.force_login(world.bo)
    page = client.get("/invoices/").content.decode()
    for words in ("Credited", "Credit note", "corrects", "-NT$15,750"):
        assert words in page.replace("−", "-")
    client.force_login(world.ming)
    assert "Refunded: NT$15,750" in client.get(f"/support/{row.number}/").content.decode()


def test_the_list_asks_few_questions(client, world, django_assert_max_num_queries):
    world.buy_by_card()
    client.force_login(world.bo)
    with django_assert_max_num_queries(14):
        client.get("/invoices/")


def test_notices_are_told_in_words_and_marked_read(client, world):
    world.buy_by_card()
    world.work()
    client.force_login(world.ming)
    page = client.get("/notices/").content.decode()
    assert "Action Pack" in page and "New" in page and "orders.paid" not in page
    for _ in range(2):
        assert client.post("/notices/")["Location"] == "/notices/"
    page = client.get("/notices/").content.decode()
    assert "Mark all as read" not in page and "Action Pack" in page


def test_notices_of_others_stay_theirs(client, world):
    world.buy_by_card()
    world.work()
    client.force_login(world.sal)
    assert "No notifications yet." in client.get("/notices/").content.decode()
