"""The demonstration's world: built once by living three years, then looked at as it stands on 23 June 2019."""

import json
from argparse import ArgumentParser
from collections import Counter
from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from django.db import transaction
from django.test import override_settings

from tenure.billing.models import Invoice
from tenure.cli import clock as clock_command
from tenure.cli import jobs as jobs_command
from tenure.cli import renewals as renewals_command
from tenure.cli.main import CannotRun
from tenure.enrolment.queries import checks
from tenure.kernel.periods import day_of
from tenure.memberships.models import Subscription
from tenure.memberships.queries import facts_of
from tenure.partners.models import Partner
from tenure.partners.rules import ManagedIn, Standing
from tenure.payments.models import RefundApproval
from tenure.payments.queries import held, unmatched
from tenure.people.models import User
from tenure.plumbing import clock
from tenure.plumbing.models import Event, Mail, Reaction, Task
from tenure.proof import crowd
from tenure.proof import world as worlds
from tenure.purchases.models import Draft, Order
from tenure.purchases.queries import status_of
from tenure.renewals.models import Due
from tenure.support.models import Request

TODAY = date(2019, 6, 23)
EXTRA, BUY_HERE = 8, 5


@pytest.fixture(scope="module")
def built(django_db_setup, django_db_blocker, card_gateway):
    """The whole world with a handful of generated partners, in one transaction that is rolled back."""
    around = transaction.atomic()
    # As Django's own test case marks it: money verbs may begin their beats inside.
    around._from_testcase = True
    quick = {
        "EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend",
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],
    }
    with django_db_blocker.unblock(), override_settings(**quick), around, pytest.MonkeyPatch.context() as patch:
        patch.setattr(crowd, "BUY_HERE", BUY_HERE)
        yield worlds.build(1, extra=EXTRA)
        transaction.set_rollback(True)


@pytest.fixture
def here(built, db):
    return built


def firm(name: str) -> Partner:
    return Partner.objects.get(legal_name__startswith=name)


def held_by(name: str, offer: str = "action-pack") -> SimpleNamespace:
    row = Subscription.objects.get(partner=firm(name), offer=offer, superseded_at=None)
    holding = facts_of(row)
    return SimpleNamespace(
        status=str(holding.standing(TODAY).status),
        expires_on=holding.term.expires_on,
        closes_on=holding.term.renewal_closes_on,
        auto_renew=row.auto_renew,
        card=row.card,
        row=row,
    )


def test_it_ends_on_its_today_with_nothing_left_to_do(here):
    assert day_of(clock.now(), here.zone) == TODAY
    assert not Reaction.objects.exclude(state="done").exists()
    assert not Mail.objects.filter(state__in=["queued", "parked"]).exists()
    assert not Task.objects.filter(kind__in=["job", "renewal", "payment", "reaction"]).exists()
    assert not worlds.unfinished()
    assert not worlds.empty()


def test_every_day_with_something_due_was_lived(here):
    """Idle days are passed over; whatever was done was done on the day on which it fell due."""
    done = Due.objects.filter(state="done")
    assert done.count() > 40
    assert [due for due in done if day_of(due.done_at, here.zone) != due.due_on] == []


@pytest.mark.parametrize(
    ("name", "offer", "status", "expires_on", "auto_renew"),
    [
        ("曜石", "action-pack", "active", date(2019, 8, 25), True),
        ("Lantern", "action-pack", "active", TODAY, True),
        ("Fabrik", "action-pack", "renewal_window", date(2019, 6, 22), False),
        ("Harbour", "action-pack", "renewal_window", date(2019, 5, 24), False),
        ("Mistral", "action-pack", "lapsed", date(2019, 5, 15), False),
        ("Kestrel", "action-pack", "active", date(2019, 9, 14), False),
        ("Redwood", "action-pack", "renewal_window", date(2019, 6, 20), True),
        ("Aldgate", "action-pack", "renewal_window", date(2019, 6, 18), True),
        ("Tide", "action-pack", "cancelled", date(2019, 9, 3), False),
        ("Fabrik", "silver-cloud", "active", date(2020, 1, 31), True),
        ("青嵐", "action-pack", "active", date(2019, 8, 20), False),
    ],
)
def test_a_subscription_in_every_state(here, name, offer, status, expires_on, auto_renew):
    found = held_by(name, offer)
    assert (found.status, found.expires_on, found.auto_renew) == (status, expires_on, auto_renew)


def test_the_edges_of_the_window_are_today(here):
    assert held_by("Fabrik").expires_on + timedelta(days=1) == TODAY
    assert held_by("Harbour").closes_on == TODAY


def test_joining_in_every_state(here):
    appealed = next(check for check in checks(firm("方舟")) if check.kind == "business")
    assert (appealed.state, bool(appealed.appeal), bool(appealed.evidence)) == ("pending", True, True)
    assert [check.state for check in checks(firm("Keystone"))] == ["pending"] * 3
    assert Counter(check.state for check in checks(firm("Bluebird"))) == {"passed": 2, "pending": 1}
    assert firm("Quickstep").standing == Standing.SUSPENDED
    assert firm("青嵐").managed_in == ManagedIn.OLD_PORTAL
    assert firm("Baltic").invited_here_at is not None


def test_transfers_in_every_state(here):
    waiting, short, late = (Order.objects.get(partner=firm(name)) for name in ("晴川", "Southern", "Sakura"))
    assert status_of(waiting, TODAY) == "awaiting_payment"
    assert waiting.proofs.count() == 1
    assert status_of(short, TODAY) == "short_paid"
    assert status_of(late, TODAY) == "expired"
    assert held(late.partner_id).exists()
    assert unmatched().count() == 2


def test_cards_that_need_somebody(here):
    retried = Order.objects.get(partner=firm("Redwood"), paid_at=None)
    assert Event.objects.filter(name="payments.declined", subject=f"order:{retried.pk}").count() == 1
    assert not Due.objects.filter(subscription=held_by("Redwood").row, action="charge:+4").exists()
    asked = Order.objects.get(partner=firm("Aldgate"), paid_at=None)
    assert Event.objects.filter(name="payments.action_needed", subject=f"order:{asked.pk}").count() == 1
    assert Draft.objects.filter(partner=firm("Meridian"), ordered_at=None).count() == 1


def test_support_in_every_state(here):
    asked = {row.partner.legal_name.split()[0]: row for row in Request.objects.select_related("partner")}
    assert (asked["Nordlys"].status, asked["Nordlys"].action) == ("open", "cancel")
    assert asked["Fabrik"].status == "attention_needed"
    assert asked["Tide"].outcome == "refunded"
    assert asked["拾光軟體有限公司"].outcome == "do_not_renew"
    second = asked["雲峰數位股份有限公司"]
    assert second.status == "open"
    assert RefundApproval.objects.filter(request_id=second.pk).count() == 1


def test_years_of_invoices_without_a_gap(here):
    assert Invoice.objects.filter(partner=firm("Fabrik")).count() == 5
    for series, rows in Counter(Invoice.objects.values_list("series", flat=True)).items():
        numbers = sorted(Invoice.objects.filter(series=series).values_list("running", flat=True))
        assert numbers == list(range(1, rows + 1))


def test_everybody_signs_in_with_the_one_password(here):
    assert all(user.check_password(worlds.PASSWORD) for user in User.objects.all()[:5])
    assert set(User.objects.values_list("language", flat=True)) == {"en", "zh-hant"}


def test_generated_partners_buy_here_or_come_with_a_year(here):
    generated = Partner.objects.filter(contact_email__regex=r"@p\d{5}\.example$")
    assert generated.count() == EXTRA
    assert Order.objects.filter(partner__in=generated).exclude(paid_at=None).count() >= BUY_HERE
    assert Subscription.objects.filter(partner__in=generated).count() == EXTRA
    assert not Partner.objects.filter(pk__in=generated, verified_at=None).exists()


def test_a_seed_is_a_crowd():
    assert crowd.crowd(50, 7) == crowd.crowd(50, 7)
    assert crowd.crowd(50, 7) != crowd.crowd(50, 8)


# The commands that look at it


def run(capsys, group, *words):
    parser = ArgumentParser()
    group.register(parser.add_subparsers())
    args = parser.parse_args(words)
    status = args.run(args)
    return status, capsys.readouterr().out


def test_the_clock_is_shown_and_goes_back_two_days_at_most(here, capsys):
    status, said = run(capsys, clock_command, "clock", "show", "--json")
    assert (status, json.loads(said)["now"]) == (0, "2019-06-23T09:30:00+08:00")
    with pytest.raises(CannotRun, match="at most 48 hours"):
        run(capsys, clock_command, "clock", "set", "2019-06-20")


def test_outside_a_demonstration_there_is_no_clock(here, capsys, settings):
    settings.TENURE_DEMO = False
    with pytest.raises(CannotRun, match="real time"):
        run(capsys, clock_command, "clock", "advance", "1d")


def test_setting_the_clock_runs_nothing_and_jobs_catch_up(here, capsys):
    before = Event.objects.count()
    assert run(capsys, clock_command, "clock", "set", "2019-06-24")[0] == 0
    assert Event.objects.count() == before
    status, said = run(capsys, jobs_command, "jobs", "run", "--until-idle", "--json")
    assert (status, json.loads(said)["parked"]) == (0, 0)
    assert held_by("Lantern").expires_on == date(2020, 6, 23)
    assert held_by("Harbour").status == "renewal_window"
    assert facts_of(held_by("Harbour").row).standing(date(2019, 6, 24)).status == "lapsed"


def test_what_waits_is_listed(here, capsys):
    waiting = json.loads(run(capsys, jobs_command, "jobs", "list", "--json")[1])
    assert {task["kind"] for task in waiting["tasks_open"]} == {"transfer_short", "proof"}
    assert waiting["reactions_due"] == waiting["letters_queued"] == []


def test_a_dry_run_changes_nothing_and_a_run_leaves_nothing(here, capsys):
    rows = Due.objects.count()
    status, said = run(capsys, renewals_command, "renewals", "run", "--on", "2019-06-24", "--dry-run", "--json")
    planned = json.loads(said)
    assert (status, Due.objects.count()) == (0, rows)
    assert planned["due"] >= 2
    status, said = run(capsys, renewals_command, "renewals", "run", "--on", "2019-06-24", "--json")
    summary = json.loads(said)
    assert (status, summary["due"], summary["left"], summary["parked"]) == (0, planned["due"], 0, 0)
    assert summary["renewed"] >= 1
    assert summary["declined"] >= 1
    again = json.loads(run(capsys, renewals_command, "renewals", "run", "--json")[1])
    assert again["due"] == again["renewed"] == 0


def test_another_day_is_only_looked_at(here, capsys):
    with pytest.raises(CannotRun, match="only --dry-run"):
        run(capsys, renewals_command, "renewals", "run", "--on", "2019-06-01")
