"""What people are told, on which day, once; and nothing that is not true any more (domain.md S32, §3.16)."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.mail import EmailMessage

from tenure.kernel.refusals import Refusal
from tenure.payments.models import Card
from tenure.people.models import Notice
from tenure.plumbing import clock, mail, outbox
from tenure.plumbing.models import Mail
from tenure.renewals import actions as renewals
from tenure.renewals.models import Due, Run
from tests.worlds import Method


@pytest.fixture
def pack(world):
    """An Action Pack that expires on 22 June 2019, without auto-renew."""
    world.go("2018-06-22")
    world.buy_by_card(auto_renew=False)
    return world.holding().subscription


def told(world, who=None) -> list[tuple[str, str]]:
    """The programme's letters that one person was sent, with the day in Taipei."""
    rows = Mail.objects.filter(code__startswith="letter.", person_id=(who or world.ming).pk, state="sent")
    zone = ZoneInfo("Asia/Taipei")
    return [(row.code.removeprefix("letter."), str(row.sent_at.astimezone(zone).date())) for row in rows.order_by("pk")]


def walk(world, first: str, days: int, step: int = 1) -> None:
    day = datetime.fromisoformat(first)
    for n in range(0, days, step):
        world.wake(f"{(day + timedelta(n)).date()} 00:04")


def test_s32_reminders_go_on_7_june_and_15_july_once_each(world, pack):
    """Unrenewed, with auto-renew off: every telling on its day, once each, to those who can renew and nobody else."""
    walk(world, "2019-06-01", 60)
    assert told(world) == [
        ("reminder_before", "2019-06-07"),
        ("window_open", "2019-06-23"),
        ("reminder_window", "2019-07-15"),
        ("last_call", "2019-07-21"),
        ("lapsed", "2019-07-23"),
    ]
    assert told(world, world.ann) == told(world)
    assert told(world, world.bo) == told(world, world.sal) == []


def test_s32_none_on_15_july_after_a_renewal_on_10_july(world, pack):
    walk(world, "2019-06-01", 35)
    world.go("2019-07-10")
    world.pay(world.renew(pack))
    walk(world, "2019-07-11", 30)
    assert [code for code, _ in told(world)] == ["reminder_before", "window_open"]


def test_with_auto_renew_on_the_text_says_what_will_be_charged_and_nothing_else_is_told(world):
    world.go("2018-06-22")
    world.buy_by_card()
    walk(world, "2019-06-01", 60)
    assert told(world) == [("reminder_before_auto", "2019-06-07")]
    facts = world.mails("letter.reminder_before_auto")[0].facts
    assert facts["charge_on"] == {"$date": "2019-06-23"} and facts["amount"] == {"$money": [15_750, "TWD"]}
    assert facts["card"] == "Visa ···· 4242"


def test_a_job_down_three_nights_tells_late_what_still_helps(world, pack):
    """OCA/contract#1057: an equality test in the nightly job lost whatever fell due while it was down."""
    world.wake("2019-06-06 00:04")
    world.wake("2019-06-10 00:04")
    assert told(world) == [("reminder_before", "2019-06-10")]


def test_a_reminder_that_has_been_overtaken_is_noted_and_not_sent(world, pack):
    """Down from May until the window was open: told that it is open, not that it will expire."""
    world.wake("2019-05-01 00:04")
    world.wake("2019-06-25 00:04")
    assert told(world) == [("window_open", "2019-06-25")]
    assert list(Due.objects.order_by("pk").values_list("action", "state", "reason")) == [
        ("card:-30", "suppressed", "overtaken"),
        ("reminder:-15", "suppressed", "overtaken"),
        ("opened:+1", "done", ""),
    ]


@pytest.mark.parametrize("step", [1, 2, 3, 7, 13])
def test_however_often_the_run_happens_each_due_thing_is_done_once(world, pack, step):
    """I-30: once per term and action, however often jobs run, are skipped or run late."""
    walk(world, "2019-05-20", 80, step)
    walk(world, "2019-07-25", 3)
    actions = list(Due.objects.values_list("action", flat=True))
    assert sorted(actions) == sorted(set(actions)) and "lapsed:+31" in actions and len(actions) == 6
    assert [code for code, _ in told(world)].count("lapsed") == 1


def test_the_same_night_twice_and_a_hundred_times(world, pack):
    world.wake("2019-06-07 00:04")
    for _ in range(100):
        renewals.run(world.system, None, now=world.now)
    world.work()
    assert told(world) == [("reminder_before", "2019-06-07")] and Run.objects.count() == 1


def test_a_clock_that_steps_back_an_hour_tells_nothing_again(world, pack):
    """I-32: back across midnight and forward again; two days back is refused."""
    world.wake("2019-06-23 00:30")
    before = told(world)
    clock.put(world.now - timedelta(hours=1))
    world.now -= timedelta(hours=1)
    world.work()
    with pytest.raises(Refusal, match="window_not_open"):
        world.renew(pack)
    with pytest.raises(Refusal, match="backwards_too_far"):
        clock.put(world.now - timedelta(hours=49))
    world.wake("2019-06-23 00:31")
    assert told(world) == before == [("window_open", "2019-06-23")]


def test_what_became_untrue_between_queue_and_post_is_not_sent(world, pack):
    """Queued while the mail stood still, renewed meanwhile: suppressed with its reason (openstreetmap#196)."""
    world.go("2019-07-15")
    renewals.run(world.system, None, now=world.now)
    outbox.drain()
    queued = Mail.objects.get(code="letter.reminder_window", person_id=world.ming.pk)
    assert queued.state == "queued"
    world.pay(world.renew(pack))
    mail.deliver(world.now)
    queued.refresh_from_db()
    assert (queued.state, queued.reason) == ("suppressed", "renewed")
    assert told(world) == []


def test_nothing_is_told_after_a_cancellation(world, pack):
    world.decide(world.ask_to_cancel(pack), override=True, reason="Agreed")
    walk(world, "2019-06-05", 60, 3)
    assert told(world) == []


def test_while_an_order_holds_the_right_it_has_not_lapsed(world, pack):
    """The lapse is told on the day after the order ran out, not on the day after the window."""
    world.go("2019-07-20")
    world.renew(pack, method=Method.BANK_TRANSFER)
    walk(world, "2019-07-21", 40)
    assert ("lapsed", "2019-08-20") in told(world) and [code for code, _ in told(world)].count("lapsed") == 1


def test_a_notice_in_the_app_stands_beside_every_letter(world, pack):
    walk(world, "2019-06-05", 5)
    notice = Notice.objects.get(user=world.ming, code="letter.reminder_before")
    assert notice.link == f"/subscriptions/{pack.pk}/"


def test_the_next_year_is_told_again(world, pack):
    walk(world, "2019-06-05", 5)
    world.go("2019-06-25")
    world.pay(world.renew(pack, auto_renew=False))
    walk(world, "2020-06-05", 5)
    assert told(world) == [("reminder_before", "2019-06-07"), ("reminder_before", "2020-06-07")]


def test_a_broken_mail_server_keeps_letters_and_does_not_hold_up_money(world, pack, monkeypatch):
    """C8: mail happens after commit; its failure never undoes or repeats money."""

    def refuses(message, fail_silently=False):
        raise OSError("connection refused")

    with monkeypatch.context() as patched:
        patched.setattr(EmailMessage, "send", refuses)
        world.go("2019-06-25")
        order = world.pay(world.renew(pack))
        world.work()
    assert order.paid_at and not world.mails("orders.paid")[1:]
    world.work()
    assert len(world.mails("orders.paid")) == 2


@pytest.mark.parametrize(("year", "month", "sent"), [(2019, 5, True), (2019, 6, False)])
def test_a_card_that_ends_before_the_charge_is_told_a_month_ahead(world, year, month, sent):
    """A card is good to the end of its month: May is too short for a charge on 23 June, June is not."""
    world.go("2018-06-22")
    world.buy_by_card()
    Card.objects.update(exp_year=year, exp_month=month)
    walk(world, "2019-05-22", 3)
    expected = [("card_expiring", "2019-05-23")] if sent else []
    assert told(world) == told(world, world.ann) == expected
    assert [due.reason for due in Due.objects.filter(action="card:-30")] == ["" if sent else "card_valid"]


def test_a_card_replaced_between_queue_and_post_is_not_warned_about(world):
    world.go("2018-06-22")
    world.buy_by_card()
    Card.objects.update(exp_year=2019, exp_month=5)
    world.go("2019-05-23")
    renewals.run(world.system, None, now=world.now)
    outbox.drain()
    Card.objects.update(exp_year=2030)
    mail.deliver(world.now)
    assert {(row.state, row.reason) for row in Mail.objects.filter(code="letter.card_expiring")} == {
        ("suppressed", "card_valid")
    }
