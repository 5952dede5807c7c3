"""Silver and gold: earned by figures, then paid; the button opens when the last one is met (domain.md S42, S44)."""

from datetime import date

import pytest

from tenure.competencies.actions import record_evidence
from tenure.kernel.refusals import Invalid, Refusal


def silver(world):
    """Silver Cloud Platform, earned and bought on 22 June 2018, without auto-renew."""
    world.go("2018-06-22")
    world.qualify("silver-cloud")
    world.buy_by_card(offer="silver-cloud", auto_renew=False)
    return world.holding("silver-cloud").subscription


def test_s42_unmet_requirements_are_named_and_when_met_it_costs_52500(world):
    world.qualify("silver-cloud", certified_people=1, performance=0)
    decision = world.tile("silver-cloud").decision
    assert decision.first.code == "offers.requirements_missing"
    missing = {m.name.en: (m.value, m.threshold) for m in decision.first.facts["missing"]}
    assert missing["Certified professionals"] == (1, 2) and len(missing) == 2
    with pytest.raises(Refusal, match="requirements_missing"):
        world.buy(offer="silver-cloud")
    world.qualify("silver-cloud")
    tile = world.tile("silver-cloud")
    assert tile.decision.allowed and str(tile.quote.total) == "NT$52,500"
    world.buy_by_card(offer="silver-cloud")
    world.work()
    assert len(world.mails("competencies.qualified")) == 1


def test_s44_the_missing_figure_recorded_in_the_window_opens_renewal_at_once(world):
    """Expired on 22 June 2019 and unqualified; recorded on 20 July it opens, and it closes after 22 July."""
    subscription = silver(world)
    world.go("2019-06-20")
    world.qualify("silver-cloud", certified_people=1)
    world.go("2019-07-20")
    with pytest.raises(Refusal, match="requirements_missing"):
        world.renew(subscription)
    record_evidence(
        world.system,
        world.contoso,
        offer="silver-cloud",
        criterion="certified-people",
        value=2,
        as_of=date(2019, 7, 19),
        now=world.now,
    )
    assert world.tile("silver-cloud").decision.allowed
    world.go("2019-07-23 00:00:00")
    with pytest.raises(Refusal, match="window_closed"):
        world.renew(subscription)
    world.go("2019-07-22 23:59:59")
    assert world.pay(world.renew(subscription)).paid_at


def test_an_unqualified_competency_is_not_renewed_by_itself(world):
    """The card is left alone while the requirements are unmet, and charged on the next day due after they are met."""
    world.go("2018-06-22")
    world.qualify("silver-cloud")
    world.buy_by_card(offer="silver-cloud")
    world.go("2019-06-20")
    world.qualify("silver-cloud", certified_people=1)
    world.wake("2019-06-23 00:04")
    assert world.charged() == 1
    world.qualify("silver-cloud")
    world.wake("2019-06-26 00:04")
    assert world.charged() == 2
    assert world.terms(world.holding("silver-cloud").subscription)[-1] == ("2019-06-23", "2020-06-22")


def test_silver_is_not_sold_to_a_holder_of_gold(world):
    """R25, within one family; the other family's silver is another matter."""
    world.qualify("gold-cloud")
    world.buy_by_card(offer="gold-cloud")
    world.qualify("silver-cloud")
    world.qualify("silver-data")
    with pytest.raises(Refusal, match=r"offers\.excluded"):
        world.buy(offer="silver-cloud")
    assert world.buy_by_card(offer="silver-data").paid_at


def test_a_figure_for_a_criterion_nobody_asked_for_is_refused(world):
    for offer, criterion, value in (
        ("silver-cloud", "luck", 1),
        ("no-such", "luck", 1),
        ("silver-cloud", "performance", -1),
    ):
        with pytest.raises(Invalid):
            record_evidence(
                world.system,
                world.contoso,
                offer=offer,
                criterion=criterion,
                value=value,
                as_of=world.today,
                now=world.now,
            )
