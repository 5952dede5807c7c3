"""Joining goes on after the first day: a new agreement, changed data, papers for a check, a company enrolled twice."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import transaction

from tenure.enrolment import actions as enrolment
from tenure.enrolment.actions import LINKS_AN_HOUR
from tenure.enrolment.models import Acceptance, Check, Evidence
from tenure.kernel.refusals import NotYours, Refusal
from tenure.partners.models import Partner
from tenure.partners.queries import alike
from tenure.plumbing.files import handed_in
from tenure.plumbing.models import Event
from tenure.purchases.models import Order

PDF = b"%PDF-1.7 an extract"


def new_agreement(world, version="2019-01"):
    world.apply(('[[agreements]]\nid = "programme"\nversion = "2018-01"', f"{AGREEMENT % version}\n{OLD}"))


OLD = '[[agreements]]\nid = "programme"\nversion = "2018-01"'
AGREEMENT = """[[agreements]]
id = "programme"
version = "%s"
title = { en = "Partner programme agreement", zh-hant = "合作夥伴計畫合約" }
body = { en = "Be good.", zh-hant = "誠信往來。" }
"""


def states(partner):
    return dict(Check.objects.filter(partner=partner).values_list("kind", "state"))


def change(world, partner, **fields):
    company = replace(enrolment.company_of(partner), **fields)
    changed = enrolment.change_company(world.actor(world.ann), partner, company=company, now=world.now)
    changed.refresh_from_db()
    return changed


def test_a_new_agreement_is_accepted_by_an_admin_before_anything_is_bought(world):
    new_agreement(world)
    with pytest.raises(Refusal, match="agreement_changed"):
        world.buy()
    assert not Order.objects.exists()
    accept = {"version": "2019-01", "now": world.now}
    with pytest.raises(Refusal, match="forbidden"):
        enrolment.accept_agreement(world.actor(world.ming), world.contoso, **accept)
    with pytest.raises(NotYours):
        enrolment.accept_agreement(world.actor(world.sue.__class__(pk=0)), world.contoso, **accept)
    for _twice in range(2):
        enrolment.accept_agreement(world.actor(world.ann), world.contoso, **accept)
    assert world.buy_by_card().paid_at
    rows = Acceptance.objects.filter(partner=world.contoso).order_by("pk")
    assert [(row.version, row.user_id, row.at) for row in rows][1:] == [("2019-01", world.ann.pk, world.now)]


def test_only_the_version_that_is_shown_now_is_accepted(world):
    new_agreement(world)
    with pytest.raises(Refusal, match="enrolment.agreement_changed"):
        enrolment.accept_agreement(world.actor(world.ann), world.contoso, version="2018-01", now=world.now)
    assert Acceptance.objects.filter(partner=world.contoso).count() == 1


def test_an_automatic_renewal_was_agreed_to_when_it_was_bought(world):
    subscription = world.buy_by_card().subscription
    new_agreement(world)
    world.live("2019-06-25")
    subscription.refresh_from_db()
    assert Order.objects.filter(subscription=subscription, origin="auto_renewal", paid_at__isnull=False).count() == 1


@pytest.mark.parametrize(
    ("fields", "open_again"),
    [
        ({"contact_phone": "02 5550 0100"}, set()),
        ({"billing_name": "Contoso Billing"}, set()),
        ({"contact_email": "bo@contoso.example"}, {"email"}),
        ({"contact_email": "ann@other.example"}, {"email", "employment"}),
        ({"legal_name": "Contoso Holding"}, {"business"}),
        ({"tax_id": "12345670"}, set()),
        ({"city": "Tainan", "contact_email": "ann@other.example"}, {"email", "employment", "business"}),
    ],
)
def test_exactly_what_changed_is_verified_again(world, fields, open_again):
    partner = change(world, world.contoso, **fields)
    assert {kind for kind, state in states(partner).items() if state == "pending"} == open_again
    assert (partner.verified_at is None) == bool(open_again)


def test_staff_see_what_changed_since_their_last_decision_and_issued_papers_keep_the_old_data(world):
    order = world.buy_by_card()
    before = order.bill_to
    change(world, world.contoso, legal_name="Contoso Two", city="Tainan")
    partner = change(world, Partner.objects.get(pk=world.contoso.pk), legal_name="Contoso Three", city="Taipei")
    check = Check.objects.get(partner=partner, kind="business")
    assert check.changed == {"legal_name": ["Contoso Taiwan Ltd", "Contoso Three"]}
    enrolment.decide(world.actor(world.oda), check, passed=True, reason="", now=world.now)
    check.refresh_from_db()
    order.refresh_from_db()
    assert check.changed == {} and order.bill_to == before and "Contoso Taiwan Ltd" in str(before)


def test_the_link_is_sent_a_few_times_an_hour_and_then_again_after_it(world):
    partner = world.company("Waiting", "waiting.example", "Wanda Wait", verified=False)
    wanda = world.actor(world.person("wanda@waiting.example"))
    for _times in range(LINKS_AN_HOUR):
        enrolment.ask_confirmation_again(wanda, partner, now=world.now)
    with pytest.raises(Refusal, match="too_many"):
        enrolment.ask_confirmation_again(wanda, partner, now=world.now)
    enrolment.ask_confirmation_again(wanda, partner, now=world.now + timedelta(hours=1))
    asked = Event.objects.filter(name="enrolment.confirmation_asked", partner_id=partner.pk)
    assert asked.count() == 1 + LINKS_AN_HOUR + 1


def test_a_paper_is_handed_in_for_an_open_check_and_decides_nothing(world):
    partner = world.company("Waiting", "waiting.example", "Wanda Wait", verified=False)
    wanda = world.actor(world.person("wanda@waiting.example"))
    business, email = (Check.objects.get(partner=partner, kind=kind) for kind in ("business", "email"))

    def hand_in(actor, check):
        file = handed_in("register.pdf", "application/pdf", PDF)
        return enrolment.hand_in(actor, check, file=file, note="The register", now=world.now)

    row = hand_in(wanda, business)
    assert row.file.content == PDF and row.handed_in_by == wanda.label
    assert states(partner)["business"] == "pending"
    with pytest.raises(Refusal, match="nothing_to_prove"):
        hand_in(wanda, email)
    with pytest.raises(NotYours):
        hand_in(world.actor(world.ann), business)
    enrolment.decide(world.actor(world.oda), business, passed=False, reason="Not there.", now=world.now)
    with pytest.raises(Refusal, match="nothing_to_prove"):
        hand_in(wanda, business)
    assert Evidence.objects.count() == 1
    paper = handed_in("other.pdf", "application/pdf", PDF + b"2")
    enrolment.appeal(wanda, business, comment="Look again.", evidence=paper, now=world.now)
    assert Evidence.objects.count() == 2


def test_who_may_be_enrolled_twice_is_found_by_number_name_and_domain(world):
    twin = world.company("CONTOSO Taiwan Co., Ltd.", "contoso.example", "Cleo Chang")
    with transaction.atomic():
        Partner.objects.filter(pk=twin.pk).update(tax_id="12345670")
    alone = world.company("Proseware", "proseware.example", "Rita Rowe", country="US")
    [found] = alike(Partner.objects.get(pk=world.contoso.pk))
    assert found.partner == twin and found.reasons == ("name", "domain")
    assert alike(alone) == []
    Partner.objects.filter(pk=alone.pk).update(tax_id="12345670")
    assert [(each.partner, each.reasons) for each in alike(Partner.objects.get(pk=twin.pk))] == [
        (world.contoso, ("name", "domain")),
        (alone, ("tax_id",)),
    ]
