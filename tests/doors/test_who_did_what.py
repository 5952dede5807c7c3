"""Who did what: a company reads its own, an auditor reads all; a file that no spreadsheet runs."""

import csv
import io

import pytest
from django.test import Client

from tenure import events
from tenure.kernel.access import SYSTEM
from tenure.people.actions import change_roles
from tenure.people.models import Colleague
from tenure.plumbing.models import Event
from tenure.proof.seals import seal

BAD = ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "＝1"]


@pytest.fixture
def browser(world):
    def of(user) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return of


def rows_of(answer) -> list[dict[str, str]]:
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def test_a_change_of_roles_says_who_what_before_and_after(world, browser):
    place = Colleague.objects.get(user=world.sal)
    change_roles(world.actor(world.ann), place, roles=["billing_admin"], now=world.now)
    line = next(row for row in rows_of(browser(world.ann).get("/company/history.csv")) if "roles" in row["event"])
    assert (line["who"], line["actor"]) == ("Ann Lin", f"person:{world.ann.pk}")
    assert (line["before"], line["after"]) == ('["member"]', '["billing_admin"]')
    assert "Ann Lin" in browser(world.ann).get("/company/history/").content.decode()


def test_it_is_narrowed_by_person_and_day(world, browser):
    ann = browser(world.ann)
    everything = rows_of(ann.get("/company/history.csv"))
    hers = rows_of(ann.get("/company/history.csv", {"actor": f"person:{world.ann.pk}"}))
    assert len(hers) < len(everything) and {row["actor"] for row in hers} <= {f"person:{world.ann.pk}"}
    assert rows_of(ann.get("/company/history.csv", {"since": "2018-06-21"})) == []
    assert rows_of(ann.get("/company/history.csv", {"until": "2018-06-20"})) == everything
    assert rows_of(ann.get("/company/history.csv", {"since": "no day", "until": "9999-12-31"})) == everything


def test_a_company_reads_nothing_of_another_and_no_note_of_colleagues(world, browser):
    other = world.company("Fabrikam Ltd", "fabrikam.example", "Fay Ho")
    Event.objects.create(
        name=events.RequestReplied.name, partner_id=world.contoso.pk, subject="request:77", actor="person:1",
        verb="support.reply", payload={"number": "S-77", "internal": True}, occurred_at=world.now,
    )  # fmt: skip
    told = browser(world.ann).get("/company/history.csv").content.decode()
    assert f"partner:{other.pk}" not in told and "request:77" not in told
    assert (
        "request:77" in browser(world.staff("Audrey Auditor", "auditor")).get("/office/audit/file.csv").content.decode()
    )


def test_who_has_no_right_reads_nothing(world, browser):
    assert browser(world.sal).get("/company/history.csv").status_code == 403
    assert browser(world.sue).get("/office/audit/").status_code == 403


@pytest.mark.parametrize("text", BAD)
def test_no_cell_is_a_formula(world, browser, text):
    Event.objects.create(
        name=text, partner_id=world.contoso.pk, subject=text, actor="person:1", verb=text, payload={},
        request=text, occurred_at=world.now,
    )  # fmt: skip
    row = rows_of(browser(world.ann).get("/company/history.csv"))[0]
    assert [row[name][0] for name in ("event", "what", "verb", "object", "request")] == ["'"] * 5


def test_an_auditor_sees_whether_the_seal_holds(world, browser, monkeypatch):
    auditor = browser(world.staff("Audrey Auditor", "auditor"))
    assert "seal" not in auditor.get("/office/audit/").content.decode().split("<h1>")[1]
    seal(world.now)
    assert "The newest seal holds" in auditor.get("/office/audit/").content.decode()
    monkeypatch.setattr("tenure.proof.seals.EVENTS_BETWEEN", EVENTS_WITH_A_LIE)
    assert "The newest seal is broken" in auditor.get("/office/audit/").content.decode()
    assert SYSTEM.label in auditor.get("/office/audit/", {"text": "system"}).content.decode()


EVENTS_WITH_A_LIE = (
    "SELECT id AS _id, id::text AS id, name, 'x' AS partner, subject, actor, verb, occurred_at, payload, "
    "NULL AS request FROM plumbing_event WHERE id > %s AND id <= %s ORDER BY id"
)
