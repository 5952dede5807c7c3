"""The books in the back office: what finance sees, closes and takes away, and what others don't."""

import json

import pytest
from django.test import Client

from tenure.billing.models import ClosedMonth, Reconciliation
from tenure.payments.rules import Method

PAGE = "/office/books/"


@pytest.fixture
def desk(world):
    """Finance's browser in a world with a paid card order and an open transfer order, two months on."""
    world.qualify("silver-cloud")
    world.buy_by_card()
    world.live("2018-08-03")
    world.buy(offer="silver-cloud", method=Method.BANK_TRANSFER)
    world.live("2018-08-10")
    return world


def browser(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_finance_sees_balances_that_add_up_and_the_month_to_close(desk):
    page = browser(desk.fin).get(PAGE)
    text = page.content.decode()
    assert page.status_code == 200
    assert "Deferred revenue" in text and "Gateway fees" in text and "NT$15,294" in text
    (table,) = page.context["balances"]
    assert table["debit"] == table["credit"]
    assert "June 2018" in text and "0 to 30 days" in text
    assert "Close June 2018" in text and "The gateway's list" in text.replace("&#x27;", "'")


def test_a_month_that_is_not_explained_shows_why_and_no_button(desk):
    Reconciliation.objects.all().delete()
    text = browser(desk.fin).get(PAGE).content.decode().replace("&#x27;", "'")
    assert "the gateway's list has not been looked at" in text and "Close June 2018" not in text
    assert browser(desk.fin).post(f"{PAGE}compare/").status_code == 302
    text = browser(desk.fin).get(PAGE).content.decode()
    assert "Close June 2018" in text


def test_the_page_in_chinese(desk):
    client = browser(desk.fin)
    desk.fin.language = "zh-hant"
    desk.fin.save()
    text = client.get(PAGE).content.decode()
    assert "試算表" in text and "預收收入" in text and "2018年6月" in text and "Trial balance" not in text


def test_a_balance_on_an_earlier_day(desk):
    (table,) = browser(desk.fin).get(PAGE, {"on": "2018-06-20"}).context["balances"]
    assert {str(account) for account, *_ in table["rows"]} == {
        "Card gateway, clearing",
        "Deferred revenue",
        "Tax collected",
    }


def test_who_only_reads_is_told_who_closes(desk):
    auditor = desk.staff("Aud Auditor", "auditor")
    text = browser(auditor).get(PAGE).content.decode()
    assert "Fiona Finance" in text and "Compare now" not in text
    assert browser(desk.sue).get(PAGE).status_code == 403
    assert browser(desk.ming).get(PAGE).status_code in (403, 404)


def test_the_journal_is_downloaded_in_both_forms(desk):
    client = browser(desk.fin)
    answer = client.get(f"{PAGE}journal/", {"from": "2018-06-01", "to": "2018-06-30", "format": "json"})
    book = json.loads(b"".join(answer.streaming_content))
    assert book["totals"]["TWD"]["debit"] == book["totals"]["TWD"]["credit"] > 0
    answer = client.get(f"{PAGE}journal/", {"from": "nonsense", "to": "", "format": "exe"})
    assert answer.headers["Content-Disposition"].endswith('.csv"')
    assert b"".join(answer.streaming_content).startswith(b"transaction,posted_on")


def test_closing_asks_first_and_happens_once(desk):
    client = browser(desk.fin)
    asked = client.get(f"{PAGE}close/2018-06/")
    assert asked.status_code == 200 and "30 June 2018" in asked.content.decode()
    assert not ClosedMonth.objects.exists()
    for _ in range(2):
        assert client.post(f"{PAGE}close/2018-06/").status_code == 302
    assert [str(row.month) for row in ClosedMonth.objects.all()] == ["2018-06-01"]
    assert client.get(f"{PAGE}close/2018-06/").status_code == 302
    client.post(f"{PAGE}close/2018-08/")
    assert "2018-08 is not over" in client.get(PAGE).content.decode()
    assert client.post(f"{PAGE}close/nonsense/").status_code == 302


def test_whoever_may_not_close_does_not(desk):
    auditor = desk.staff("Aud Auditor", "auditor")
    assert browser(auditor).post(f"{PAGE}close/2018-06/").status_code == 403
    assert not ClosedMonth.objects.exists()
