"""The desk's daily work: what needs a person, a company's story, verifications, mail, parked work and lists."""

import re

import pytest
from django.urls import reverse

from tenure.competencies.models import Evidence
from tenure.enrolment import actions as enrolment
from tenure.enrolment.models import Check
from tenure.events import BY_NAME
from tenure.partners.rules import ManagedIn, Standing
from tenure.payments.models import Attempt
from tenure.people import actions as people
from tenure.people.models import User
from tenure.plumbing.files import handed_in
from tenure.plumbing.models import Mail, Reaction, Task
from tenure.reports.queries import desk as desk_of
from tenure.web.shared.happened import WORDS
from tests.doors.desk import Desk


@pytest.fixture
def desk(world):
    return Desk(world)


def text_of(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_today_lists_what_waits_the_longest_waiting_first(desk):
    world = desk.world
    world.go("2018-06-23")
    world.transfer(None, 99, reference="later")
    page = text_of(desk.get(world.oda, "today"))
    assert "Needs a person 6" in page
    assert page.index("Verification to decide") < page.index("NT$15,700 received") < page.index("NT$99 received")
    assert f"{desk.request.number}: Cancel it" in page and "3 days" in page
    assert "NT$15,000" in page and "1 live subscription" in page
    since = [item.since for item in desk_of(world.today).waiting]
    assert since == sorted(since)


def test_today_shows_the_window_what_is_at_stake_and_the_renewals_to_come(desk):
    world = desk.world
    assert "Jun" in text_of(desk.get(world.oda, "today"))
    world.live("2019-06-25")
    page = text_of(desk.get(world.oda, "today"))
    assert "In the renewal window now 1 NT$15,000 at stake" in page
    html = desk.get(world.oda, "today").content.decode()
    assert '<rect class="bar expected"' in html and " style=" not in html and "<script" not in html
    assert desk.get(world.oda, "subscriptions", status="renewal_window").content.decode().count("Contoso") == 1


def test_today_leads_only_where_the_person_may_go(desk):
    html = desk.get(desk.world.sue, "today").content.decode()
    assert desk.address("request", "request") in html
    assert desk.address("transfer", "line") not in html and desk.address("verification", "check") not in html


def test_suspending_needs_a_reason_and_is_told_with_the_name_of_who_did_it(desk):
    world = desk.world
    refused = desk.post(world.oda, "partner-suspend", "partner", reason=" ")
    assert refused.status_code == 400 and '<details class="act" open>' in refused.content.decode()
    for _ in range(2):
        assert desk.post(world.oda, "partner-suspend", "partner", reason="Unpaid claims").status_code == 302
    page = text_of(desk.get(world.fin, "partner", "partner"))
    assert "The account is suspended. Unpaid claims" in page and "Oda Operator" in page
    assert "Oda Operator or Ove Operator can do it." in page
    world.contoso.refresh_from_db()
    assert world.contoso.standing is Standing.SUSPENDED
    assert desk.post(world.oda, "partner-reinstate", "partner").status_code == 302
    world.contoso.refresh_from_db()
    assert world.contoso.standing is Standing.AUTHORISED


def test_evidence_is_recorded_and_a_faulty_figure_keeps_the_form(desk):
    given = {"criterion": "silver-cloud/certified-people", "value": "two", "as_of": "2018-06-01", "note": "by mail"}
    page = desk.get(desk.world.oda, "partner", "partner").content.decode()
    given["criterion"] = re.search(r'<option value="(silver-[^"]+)"', page)[1]
    refused = desk.post(desk.world.oda, "partner-evidence", "partner", **given)
    assert refused.status_code == 400 and 'value="by mail"' in refused.content.decode()
    assert desk.post(desk.world.oda, "partner-evidence", "partner", **given | {"value": "2"}).status_code == 302
    assert Evidence.objects.get().value == 2


def test_an_exemption_with_its_dates_turned_round_is_refused(desk):
    given = {"certificate": "TX", "valid_from": "2019-01-01", "valid_to": "2018-01-01"}
    refused = desk.post(desk.world.fin, "partner-exempt", "partner", **given)
    assert refused.status_code == 400 and 'value="2019-01-01"' in refused.content.decode()
    assert (
        desk.post(desk.world.fin, "partner-exempt", "partner", **given | {"valid_to": "2019-12-31"}).status_code == 302
    )
    assert "1 January to 31 December 2019" in text_of(desk.get(desk.world.fin, "partner", "partner"))


def test_a_company_of_the_old_portal_is_invited(desk):
    company = desk.fabrik
    company.managed_in = ManagedIn.OLD_PORTAL
    company.save()
    client, here = desk.client(desk.world.sue), reverse("office:partner", args=[company.pk])
    assert "Invite to move here" in client.get(here).content.decode()
    assert client.post(reverse("office:partner-invite", args=[company.pk])).status_code == 302
    assert "Invited to move here on" in client.get(here).content.decode()


def test_a_verification_is_decided_once_and_a_rejection_says_why(desk):
    world = desk.world
    assert desk.post(world.oda, "verification", "check", decision="reject", reason="").status_code == 400
    assert desk.post(world.oda, "verification", "check", decision="reject", reason="No such company").status_code == 302
    again = desk.post(world.ove, "verification", "check", decision="pass")
    assert again.status_code == 409 and "already been decided" in again.content.decode()
    assert "No such company" in text_of(desk.get(world.oda, "verification", "check"))
    assert Check.objects.get(pk=desk.check.pk).state == "rejected"


def test_an_appeal_brings_its_document(desk):
    world = desk.world
    desk.post(world.oda, "verification", "check", decision="reject", reason="No such company")
    enrolment.appeal(
        world.actor(User.objects.get(email=desk.fabrik.contact_email)),
        Check.objects.get(pk=desk.check.pk),
        comment="See the register",
        evidence=handed_in("register.pdf", "application/pdf", b"%PDF-1.7 register"),
        now=world.now,
    )
    assert "Appeal under review" in text_of(desk.get(world.oda, "verifications"))
    assert "See the register" in text_of(desk.get(world.oda, "verification", "check"))
    answer = desk.get(world.oda, "verification-evidence", "check")
    assert answer.content == b"%PDF-1.7 register" and answer["Content-Disposition"].startswith("attachment")


def test_letters_are_shown_but_never_a_link_that_proves_who_reads(desk):
    world = desk.world
    row = people.invite(
        world.actor(world.ann),
        world.contoso,
        email="new@contoso.example",
        name="New Person",
        roles=["member"],
        language="en",
        now=world.now,
    )
    world.work()
    personal = Mail.objects.filter(code__in=("people.invitation", "enrolment.confirm_email"), state="sent")
    assert personal.filter(address=row.email).exists()
    for letter in personal:
        page = desk.client(world.oda).get(reverse("office:letter", args=[letter.pk])).content.decode()
        assert "[a link for the reader alone]" in page
        assert "/invitation/" not in page and "/join/confirm/" not in page
    signed = [m for m in Mail.objects.filter(state="sent") if re.search(r"/(invitation|join/confirm)/\S{20}", m.body)]
    assert {m.code for m in signed} <= {"people.invitation", "enrolment.confirm_email"}
    assert "new@contoso.example" in desk.get(world.oda, "mail", q="new@contoso").content.decode()
    assert "Nothing matches" in desk.get(world.oda, "mail", state="parked").content.decode()


def test_parked_work_is_tried_again_under_a_name(desk):
    world = desk.world
    row = desk.park()
    admin = world.staff("Adam Admin", "administrator")
    assert "OSError: no answer" in desk.get(admin, "parked").content.decode()
    assert "Look into it" in desk.get(admin, "today").content.decode()
    client = desk.client(admin)
    for _ in range(2):
        assert client.post(reverse("office:parked-retry", args=[row.pk])).status_code == 302
    assert Reaction.objects.get(pk=row.pk).state == "due"
    assert Task.objects.get(object=f"reaction:{row.pk}").closed_by == f"person:{admin.pk}"


def test_a_charge_without_an_answer_is_listed_with_the_next_time_the_gateway_is_asked(desk):
    world = desk.world
    world.qualify("silver-cloud")
    order = world.buy(offer="silver-cloud")
    assert "Charges without an answer" not in desk.get(world.oda, "parked").content.decode()
    Attempt.objects.filter(order_id=order.pk).update(status="unknown", called_at=world.now, asked_at=None)
    page = desk.get(world.oda, "parked").content.decode()
    assert "Charges without an answer" in page and order.number in page and "NT$52,500" in page
    assert "20 June 2018, 12:05" in page
    Attempt.objects.filter(order_id=order.pk).update(status="declined", resolved_at=world.now)
    assert order.number not in desk.get(world.oda, "parked").content.decode()


def test_a_task_is_noted_as_settled(desk):
    task = Task.objects.get(kind="renewal")
    client = desk.client(desk.world.oda)
    for _ in range(2):
        assert client.post(reverse("office:task-close", args=[task.pk])).status_code == 302
    task.refresh_from_db()
    assert task.closed_by == f"person:{desk.world.oda.pk}"


def test_an_invoice_is_handed_out_as_it_was_made(desk):
    answer = desk.get(desk.world.sue, "invoice-pdf", "invoice")
    assert answer["Content-Type"] == "application/pdf" and answer.content.startswith(b"%PDF-")
    assert desk.invoice.number in desk.get(desk.world.sue, "invoices", q="1 234 566").content.decode()
    assert "Nothing matches" in desk.get(desk.world.sue, "invoices", q="INV-1999").content.decode()


def test_lists_keep_their_search_and_filter_in_the_address(desk, monkeypatch):
    monkeypatch.setattr("tenure.web.office.lists.PAGE", 2)
    for n in range(4):
        desk.more(n)
    world = desk.world
    html = desk.get(world.oda, "partners", q="firm", standing="authorised").content.decode()
    assert "Firm 0 Ltd" in html and "Firm 2 Ltd" in html and "Firm 1 Ltd" not in html and "Contoso" not in html
    assert "?q=firm&amp;standing=pending" in html
    assert "Firm 1 Ltd" in desk.get(world.oda, "partners", standing="pending").content.decode()
    assert desk.get(world.oda, "partners", standing="nonsense", page="-3").status_code == 200
    first = desk.get(world.oda, "partners").content.decode()
    assert "1 to 2 of 6" in first and 'rel="next" href="?page=2"' in first
    last = desk.get(world.oda, "partners", page="999").content.decode()
    assert "5 to 6 of 6" in last and 'rel="next"' not in last


def test_the_timeline_speaks_every_event_and_names_who_did_it(desk):
    assert set(WORDS) == set(BY_NAME)
    page = text_of(desk.get(desk.world.oda, "partner", "partner"))
    assert f"Order {desk.order.number} paid" in page and "Ming Chen" in page


@pytest.mark.parametrize("language", ["en", "zh-hant"])
def test_no_page_runs_a_script_or_carries_a_style_of_its_own(desk, language):
    desk.speak(language)
    User.objects.filter(pk=desk.world.oda.pk).update(language=language)
    for name, things in (("today", ()), ("partner", ("partner",)), ("request", ("request",)), ("programme", ())):
        html = desk.get(desk.world.oda, name, *things).content.decode()
        assert " style=" not in html and " onclick" not in html and "<script" not in html, name
