"""The journal as a file: the same bytes for the same books, sums that agree, and no cell a spreadsheet would run."""

import csv
import io
import json
import re
from datetime import date
from pathlib import Path

import pytest

from tenure.billing.queries import trial_balance
from tenure.cli import main
from tenure.kernel.money import EXPONENTS
from tenure.partners.models import Partner
from tenure.reports.documents import COLUMNS, amount, harmless, written
from tenure.reports.queries import aged
from tests.actions.conftest import plant

GOLDEN = Path(__file__).with_name("journal.csv")
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "operations" / "journal.md").read_text("utf-8")
SPAN = date(2018, 6, 1), date(2018, 7, 31)


@pytest.fixture
def books(world):
    """A sale of June in the books, its days of June earned, and all of it given back in July."""
    world.buy_by_card()
    world.wake("2018-07-10")
    world.decide(world.ask_to_cancel(world.holding().subscription))
    world.wake("2018-08-02")
    return world


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def ours(text: str) -> str:
    """The file with what differs from run to run (numbers of rows and orders) made alike."""
    seen: dict[str, str] = {}

    def alike(match: re.Match) -> str:
        return seen.setdefault(match.group(), f"{match.group(1)}#{len(seen) + 1}")

    text = re.sub(r"(O-\d{4}-)\d+", alike, text)
    text = re.sub(r"((?:invoice|payment|refund|movement):)\d+", alike, text)
    text = re.sub(r"(?m)^()\d+(?=,)", lambda m: seen.setdefault(m.group(), f"#{len(seen) + 1}"), text)
    return re.sub(r"(INV|CN)-2018-0*\d+", r"\1-2018-N", re.sub(r",\d{7},", ",PARTNER,", text))


def test_the_file_is_as_it_was(books):
    assert ours("".join(written("csv", *SPAN))) == GOLDEN.read_text("utf-8").replace("\n", "\r\n")


def test_debits_and_credits_are_the_trial_balance(books):
    sums: dict[str, int] = {}
    for row in table("".join(written("csv", date(2000, 1, 1), date(2100, 1, 1)))):
        minor = int(row["debit"] or 0) - int(row["credit"] or 0)
        sums[row["account"]] = sums.get(row["account"], 0) + minor
    assert {account: minor for account, minor in sums.items() if minor} == {
        account: minor for account, _, minor in trial_balance(date(2100, 1, 1))
    }


def test_json_says_the_same_as_the_table(books):
    told = json.loads("".join(written("json", *SPAN)))
    assert (told["format"], told["version"], told["from"], told["to"]) == ("tenure-journal", 1, *map(str, SPAN))
    flat = [
        (str(t["id"]), t["posted_on"], t["cause"], p["account"], p["debit"], p["credit"])
        for t in told["transactions"]
        for p in t["postings"]
    ]
    assert flat == [
        (
            row["transaction"],
            row["posted_on"],
            row["cause"],
            row["account"],
            int(row["debit"] or 0),
            int(row["credit"] or 0),
        )
        for row in table("".join(written("csv", *SPAN)))
    ]
    sums = told["totals"]["TWD"]
    assert sums["debit"] == sums["credit"] == sum(row[4] for row in flat) > 0


def test_a_span_holds_its_first_and_last_day_and_no_other(books):
    (day,) = {row["posted_on"] for row in table("".join(written("csv", date(2018, 6, 20), date(2018, 6, 20))))}
    assert day == "2018-06-20"
    assert table("".join(written("csv", date(2018, 6, 21), date(2018, 6, 29)))) == []
    assert json.loads("".join(written("json", date(2018, 6, 21), date(2018, 6, 29))))["transactions"] == []


def test_no_cell_runs_in_a_spreadsheet(books):
    for name in ("=1+1", "+1", "-1", "@SUM(A1)", "\tx", "＝1+1", " =1", '=HYPERLINK("http://x","y")'):
        Partner.objects.filter(pk=books.contoso.pk).update(legal_name=name)
        cells = [row["partner_name"] for row in table("".join(written("csv", *SPAN))) if row["partner"]]
        assert cells and all(cell == harmless(name) == f"'{name}" for cell in cells)
        told = json.loads("".join(written("json", *SPAN)))
        assert told["transactions"][0]["partner_name"] == name, "JSON is not a spreadsheet"


@pytest.mark.parametrize("currency", sorted(EXPONENTS))
def test_an_amount_is_written_with_the_decimals_of_its_currency(currency):
    places = EXPONENTS[currency]
    assert amount(123456789, currency) == ("123456789" if not places else "1234567.89")
    assert amount(1, currency) == ("1" if not places else "0.01")


def test_the_command_writes_and_closes(books, capfd):
    assert main.main(["books", "journal", "--from", "2018-06-01", "--to", "2018-07-31"]) == 0
    assert capfd.readouterr().out.replace("\r\n", "\n") == "".join(written("csv", *SPAN)).replace("\r\n", "\n")
    assert main.main(["books", "balance", "--on", "2018-06-30", "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert {row["account"]: row["minor"] for row in told["balances"]}["revenue"] == -(15_000 * 11 // 366)
    assert main.main(["books", "close", "2018-08"]) == 1
    assert capfd.readouterr().err.startswith("books.month_not_over month=2018-08")
    plant("DELETE FROM billing_reconciliation")
    assert main.main(["books", "close", "2018-06"]) == 1
    assert "books.not_reconciled gateway=demo" in capfd.readouterr().err
    assert main.main(["books", "reconcile"]) == 0
    assert capfd.readouterr().out == "demo: 2 movements, 0 differences\n"
    assert main.main(["books", "close", "2018-06"]) == 0
    assert capfd.readouterr().out == "2018-06 is closed.\n"
    assert main.main(["books", "close", "June"]) == 2


def test_the_page_lists_every_column():
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.M)[: len(COLUMNS)] == list(COLUMNS)


def test_open_transfer_orders_by_age(world):
    from tenure.payments.rules import Method

    order = world.buy(method=Method.BANK_TRANSFER)
    world.transfer(order, 10_000)
    assert [(row.first, row.orders, row.owed.minor) for row in aged(world.today)] == [
        (0, 1, 5_750),
        (31, 0, 0),
        (61, 0, 0),
        (91, 0, 0),
    ]
    assert [row.orders for row in aged(date(2018, 8, 19))] == [0, 1, 0, 0], "60 days"
    assert [row.orders for row in aged(date(2018, 9, 19))] == [0, 0, 0, 1], "91 days"
    assert aged(date(2018, 6, 20)) and not aged(world.today)[1].owed
