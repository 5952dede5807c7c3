"""Matching against the truth: hardly anything is left to a person, and nothing goes to the wrong partner."""

import pytest

from tenure.payments import matching
from tenure.payments.matching import Doubt, Match, Rule
from tenure.payments.models import BankLine, OutgoingLine
from tenure.programme.queries import current
from tenure.proof import statements, verify
from tenure.proof.acts import Acts

pytestmark = pytest.mark.django_db
LINES = 300


@pytest.fixture
def told(world):
    """A file of noisy lines whose truth is known, and the earlier one, already taken in."""
    world.go("2019-06-10 12:00")
    acts = Acts()
    acts.now, acts.zone = world.now, current().zone
    waiting = statements.people_it(acts, LINES, seed=7)
    before, found = statements.lines(waiting, LINES, seed=7)
    statements.take_in(before, acts, "before.xml")
    return acts, found


def judged(acts, found) -> statements.Verdict:
    acts.now = acts.now.replace(day=19)
    statements.take_in(found, acts, "noisy.xml")
    return statements.judge(found, statements.as_camt(found, current().seller.bank_accounts, acts.today))


def test_of_a_noisy_file_nearly_all_is_matched_and_nothing_wrongly(told):
    verdict = judged(*told)
    assert verdict.wrong == 0
    assert verdict.share >= 0.98, verdict
    report = verify.run(ask_gateways=False)
    assert report.violated == set() and not report.unable
    assert OutgoingLine.objects.count() == sum(line.kind == "went_out" for line in told[1])
    assert all(row.reasons for row in BankLine.objects.filter(allocations=None)), "every doubt says why"


def test_a_matcher_that_believes_every_reference_is_caught(told, monkeypatch):
    """The control: without the look at who pays, copied references pay strangers' orders and the judge says so."""
    monkeypatch.setattr(matching, "_against", lambda *a: ())
    assert judged(*told).wrong > 0


def test_a_matcher_that_guesses_by_amount_is_caught(told, monkeypatch):
    def guess(credit, known):
        found = [c.order for c in known.candidates.values() if c.missing == credit.minor and c.payable]
        return Match(found[0], Rule.NAME, ()) if found else Doubt(())

    monkeypatch.setattr(matching, "_unnamed", guess)
    assert judged(*told).wrong > 0
