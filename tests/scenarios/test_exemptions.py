"""Tax exemption: a company applies, staff decides, and orders placed between the days carry no tax (domain.md S41)."""

import uuid
from datetime import date

import pytest

from tenure.billing.models import Invoice
from tenure.kernel.money import Money
from tenure.kernel.refusals import Invalid, Refusal
from tenure.partners.exemptions import ask_exemption, decide_exemption
from tenure.partners.models import ExemptionApplication, TaxExemption
from tenure.partners.queries import next_day_of_exemptions
from tenure.plumbing.files import handed_in
from tenure.plumbing.models import Mail
from tenure.proof import facts
from tests.contracts.recheck import recheck
from tests.worlds import broken_promises

pytestmark = pytest.mark.django_db


@pytest.fixture
def school(world):
    """Contoso applies as a school, from July 2018 to June 2019."""
    return School(world)


class School:
    def __init__(self, world):
        self.world = world

    def ask(self, who=None, **changes):
        given = {
            "key": str(uuid.uuid4()),
            "kind": "education",
            "certificate": "EX-107-12",
            "valid_from": date(2018, 7, 1),
            "valid_to": date(2019, 6, 30),
            "file": handed_in("ex.png", "image/png", b"\x89PNG\r\n\x1a\n"),
        }
        world = self.world
        return ask_exemption(world.actor(who or world.ann), world.contoso, **given | changes, now=world.now)

    def decide(self, row, status="accepted", who=None, **given):
        world = self.world
        return decide_exemption(world.actor(who or world.fin), row, status=status, **given, now=world.now)


def sound(world):
    world.work()
    assert broken_promises() == []
    assert recheck(list(facts.lines())) == []


def letters(world, code):
    return list(Mail.objects.filter(code=code, person_id=world.ann.pk).order_by("pk"))


def test_s41_orders_between_its_days_carry_no_tax_and_issued_invoices_stay(school):
    world = school.world
    before = world.buy_by_card()
    row = school.ask()
    assert ("exemption", "EX-107-12") in world.tasks() and row.status == "submitted"
    world.go("2018-07-10")
    school.decide(row)
    assert world.tasks() == []
    world.work()
    (told,) = letters(world, "exemption.accepted")
    assert "1 July 2018 to 30 June 2019" in told.body
    assert Invoice.objects.get(order_id=before.pk).tax == Money(750, "TWD"), "what was issued stays as it is"
    world.qualify("silver-cloud")
    order = world.buy_by_card(offer="silver-cloud")
    assert (order.tax_minor, order.tax_category) == (0, "E")
    sound(world)


@pytest.mark.parametrize(
    ("day", "tax"), [("2018-06-30", 750), ("2018-07-01", 0), ("2019-06-30", 0), ("2019-07-01", 750)]
)
def test_its_first_and_last_day_are_free_and_the_days_beside_them_are_not(school, day, tax):
    world = school.world
    school.decide(school.ask())
    world.go(day)
    assert world.buy_by_card().tax_minor == tax


def test_an_application_alone_frees_nothing(school):
    world = school.world
    school.ask(valid_from=date(2018, 6, 1))
    assert world.buy_by_card().tax_minor == 750
    sound(world)


def test_staff_asks_the_company_answers_and_other_days_are_granted(school):
    world, row = school.world, school.ask()
    school.decide(row, "pending_partner", words="The stamp is missing.")
    assert world.tasks() == []
    again = school.ask(certificate="EX-107-13", file=None)
    assert (again.pk, again.status, again.file_id) == (row.pk, "submitted", row.file_id)
    school.decide(again, valid_from=date(2018, 8, 1), valid_to=date(2018, 12, 31))
    held = TaxExemption.objects.get()
    assert (held.certificate, str(held.valid_from), str(held.valid_to)) == ("EX-107-13", "2018-08-01", "2018-12-31")
    world.work()
    assert "The stamp is missing." in letters(world, "exemption.pending_partner")[0].body
    assert "1 August 2018" in letters(world, "exemption.accepted")[0].body
    sound(world)


def test_refused_with_words_and_asked_again(school):
    world, row = school.world, school.ask()
    with pytest.raises(Invalid):
        school.decide(row, "refused", words="  ")
    school.decide(row, "refused", words="This is a licence, not an exemption.")
    world.work()
    assert "This is a licence, not an exemption." in letters(world, "exemption.refused")[0].body
    assert TaxExemption.objects.count() == 0
    school.decide(school.ask())
    assert TaxExemption.objects.count() == 1
    sound(world)


def test_asked_and_decided_twice_it_happens_once(school):
    given = {"key": str(uuid.uuid4())}
    row = school.ask(**given)
    assert school.ask(**given).pk == row.pk
    with pytest.raises(Refusal, match="idempotency.other_body"):
        school.ask(**given, certificate="another")
    with pytest.raises(Refusal, match="exemption.already_asked"):
        school.ask()
    school.decide(row)
    school.decide(row)
    assert TaxExemption.objects.count() == 1
    with pytest.raises(Refusal, match="exemption.decided"):
        school.decide(row, "refused", words="No.")
    sound(school.world)


def test_days_that_cannot_be(school):
    for changes, fields in (
        ({"valid_to": date(2018, 6, 30)}, {"valid_to": "exemption.ends_before_it_begins"}),
        ({"valid_from": date(2017, 1, 1), "valid_to": date(2018, 6, 19)}, {"valid_to": "exemption.over"}),
        ({"certificate": ""}, {"certificate": "exemption.certificate_missing"}),
        ({"file": None}, {"file": "file.missing"}),
    ):
        with pytest.raises(Invalid) as refused:
            school.ask(**changes)
        assert refused.value.fields == fields
    assert ExemptionApplication.objects.count() == 0
    row = school.ask()
    with pytest.raises(Invalid):
        school.decide(row, valid_from=date(2019, 1, 1), valid_to=date(2018, 12, 31))
    assert ExemptionApplication.objects.get().status == "submitted"


def test_who_may_ask_and_who_decides(school):
    world = school.world
    school.ask(who=world.bo)
    row = ExemptionApplication.objects.get()
    for who in (world.ming, world.sal, world.fin):
        with pytest.raises(Refusal):
            school.ask(who=who)
    for who in (world.sue, world.ann, world.bo):
        with pytest.raises(Refusal):
            school.decide(row, who=who)


def test_thirty_days_before_its_end_the_company_is_told_once(school):
    world = school.world
    school.decide(school.ask())
    assert next_day_of_exemptions(world.today) == date(2019, 5, 31)
    world.live("2019-05-30")
    assert letters(world, "exemption.ending") == []
    world.live("2019-06-20")
    (told,) = letters(world, "exemption.ending")
    assert "30 June 2019" in told.subject
    assert next_day_of_exemptions(world.today) is None
    sound(world)


def test_nobody_is_told_when_the_next_exemption_follows(school):
    world = school.world
    school.decide(school.ask())
    school.decide(school.ask(certificate="EX-108-03", valid_from=date(2019, 7, 1), valid_to=date(2020, 6, 30)))
    world.live("2019-06-29")
    assert letters(world, "exemption.ending") == []


def test_one_granted_late_is_told_of_at_once(school):
    world = school.world
    school.decide(school.ask(valid_from=date(2018, 6, 1), valid_to=date(2018, 7, 1)))
    world.work()
    assert len(letters(world, "exemption.ending")) == 1
