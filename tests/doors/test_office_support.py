"""Deciding requests: the rule's verdict, one approver or two, tax given back, and answers."""

import pytest

from tenure.kernel.money import Money
from tenure.partners.models import TaxExemption
from tenure.payments.models import Payment, Refund, RefundApproval
from tenure.programme.queries import current
from tenure.support.models import Request
from tests.doors.desk import Desk


@pytest.fixture
def desk(world):
    return Desk(world)


@pytest.fixture
def large(desk, monkeypatch):
    """A world in which the membership fee is above one person's limit."""
    policy = current().policy(1)
    monkeypatch.setitem(policy.refund_limit, "TWD", 10_000)
    return desk


def status_of(desk):
    return Request.objects.get(pk=desk.request.pk)


def test_the_page_shows_the_rule_s_verdict_with_every_condition(desk):
    page = desk.get(desk.world.oda, "request", "request").content.decode()
    assert "By the rule: refund in full" in page and "Refund NT$15,750" in page and "0 of 1" in page
    assert page.count('<span class="unseen">Met:') == 4 and "Not met:" not in page
    assert "This condition is met." not in page


def test_one_press_gives_the_money_back_and_a_second_one_does_nothing_more(desk):
    first = desk.post(desk.world.sue, "request-refund", "request")
    assert first.status_code == 302
    row = status_of(desk)
    assert (row.status, row.outcome) == ("closed", "refunded")
    again = desk.post(desk.world.sue, "request-refund", "request")
    assert again.status_code == 409 and "is closed" in again.content.decode()
    assert Refund.objects.count() == 1


def test_finance_finds_the_second_yes_once_support_has_given_the_first(large):
    world = large.world
    assert "/approve/" not in large.get(world.fin, "request", "request").content.decode()
    large.post(world.sue, "request-refund", "request")
    assert "/approve/" in large.get(world.fin, "request", "request").content.decode()
    assert large.post(world.fin, "request-approve", "request").status_code == 302
    assert status_of(large).outcome == "refunded" and RefundApproval.objects.count() == 2


def test_above_the_limit_the_first_press_records_and_the_second_person_executes(large):
    world = large.world
    page = large.get(world.oda, "request", "request").content.decode()
    assert "Approve refund of NT$15,750" in page and "0 of 2" in page

    assert large.post(world.oda, "request-refund", "request").status_code == 302
    assert not Refund.objects.exists() and status_of(large).status == "open"
    page = large.get(world.oda, "request", "request").content.decode()
    assert "You have approved this refund" in page and "1 of 2" in page and "/refund/" not in page
    assert "Ove Operator" in page

    again = large.post(world.oda, "request-refund", "request")
    assert again.status_code == 409 and "A second person has to approve it" in again.content.decode()
    assert RefundApproval.objects.count() == 1 and not Refund.objects.exists()

    assert "Refund NT$15,750" in large.get(world.ove, "request", "request").content.decode()
    assert large.post(world.ove, "request-refund", "request").status_code == 302
    assert Refund.objects.get().amount == Money(15_750, "TWD")
    assert status_of(large).outcome == "refunded"


def test_past_the_refund_period_the_rule_says_why_and_an_override_needs_a_reason(desk):
    world = desk.world
    world.live("2018-08-01")
    desk.request = desk.ask("Late", who=world.ann, kind="refund", subscription=desk.subscription)
    page = desk.get(world.oda, "request", "request").content.decode()
    assert "By the rule: no refund" in page and "The refund period ended on 20 July 2018." in page
    assert "/refund/" not in page and "Refund NT$15,750 against the rule" in page

    refused = desk.post(world.oda, "request-refund", "request")
    assert refused.status_code == 409 and "The refund period ended" in refused.content.decode()
    empty = desk.post(world.oda, "request-override", "request", reason="  ")
    assert empty.status_code == 400 and "<title>Error:" in empty.content.decode()
    assert not Refund.objects.exists()

    assert desk.post(world.oda, "request-override", "request", reason="Promised on the phone").status_code == 302
    row = status_of(desk)
    assert (row.outcome, row.override, row.reason) == ("refunded", True, "Promised on the phone")


def test_do_not_renew_closes_and_leaves_the_membership_to_its_last_day(desk):
    assert desk.post(desk.world.sue, "request-do-not-renew", "request").status_code == 302
    assert status_of(desk).outcome == "do_not_renew" and not Refund.objects.exists()
    assert desk.world.status(desk.subscription) == "active"


def test_the_requester_cannot_press_their_own_refund(desk):
    Request.objects.filter(pk=desk.request.pk).update(opened_by=desk.world.oda)
    page = desk.get(desk.world.oda, "request", "request").content.decode()
    assert "somebody else has to approve" in page and "/refund/" not in page
    assert desk.post(desk.world.oda, "request-refund", "request").status_code == 409


def test_whoever_may_not_decide_reads_who_can(desk):
    page = desk.get(desk.world.fin, "request", "request").content.decode()
    assert "Oda Operator, Ove Operator or Sue Support can do it." in page and "/refund/" not in page


def test_s41_an_exemption_granted_late_gives_the_tax_back(desk):
    world = desk.world
    desk.request = desk.ask("Exempt", who=world.ann, kind="cannot-manage-profile", subscription=desk.subscription)
    page = desk.get(world.fin, "request", "request").content.decode()
    assert "Record the exemption first; then the tax of NT$750" in page
    wrong = desk.post(world.fin, "request-exempt", "request", certificate="TX-1", valid_from="2018-02-30", valid_to="")
    text = wrong.content.decode()
    assert wrong.status_code == 400 and 'value="TX-1"' in text and 'value="2018-02-30"' in text
    given = {"certificate": "TX-1", "valid_from": "107/1/1", "valid_to": "2020-12-31"}
    assert desk.post(world.fin, "request-exempt", "request", **given).status_code == 302
    assert TaxExemption.objects.get().valid_from.isoformat() == "2018-01-01"
    assert "Refund tax NT$750" in desk.get(world.fin, "request", "request").content.decode()
    assert desk.post(world.fin, "request-refund-tax", "request").status_code == 302
    assert Refund.objects.get().amount == Money(750, "TWD") and Payment.objects.count() == 1
    assert desk.post(world.fin, "request-refund-tax", "request").status_code == 409


def test_answers_and_notes(desk):
    world = desk.world
    assert desk.post(world.sue, "request-reply", "request", text="").status_code == 400
    assert desk.post(world.sue, "request-reply", "request", text="Between us", internal="on").status_code == 302
    assert status_of(desk).status == "open"
    assert desk.post(world.sue, "request-reply", "request", text="Which one?").status_code == 302
    assert status_of(desk).status == "attention_needed"
    page = desk.get(world.fin, "request", "request").content.decode()
    assert "internal note" in page and "Between us" in page and "Which one?" in page
    assert desk.request.number not in desk.get(world.sue, "support").content.decode()
    assert desk.request.number in desk.get(world.sue, "support", state="attention_needed").content.decode()
    assert desk.post(world.sue, "request-close", "request", last_word="Done").status_code == 302
    assert desk.request.number in desk.get(world.sue, "support", state="closed").content.decode()


def test_a_card_number_is_not_taken_into_a_thread(desk):
    refused = desk.post(desk.world.sue, "request-reply", "request", text="It was 4242 4242 4242 4242")
    assert refused.status_code == 422 and "card number" in refused.content.decode()
