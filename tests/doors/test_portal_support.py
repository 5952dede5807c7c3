"""Support requests in the portal: opened, seen by the right people, answered, and the way to cancel."""

import pytest

from tenure.people.models import User
from tenure.support import actions as support
from tenure.support.models import Note, Request

pytestmark = pytest.mark.django_db
CANCEL = "invoice-payment-reconciliation"


def asked(**changes):
    return {"problem_type": "technical-fault", "subject": "Slow <page>", "description": "Half a minute.", **changes}


def opened(world, who, **changes):
    given = asked(**changes)
    return support.open_request(world.actor(who), world.contoso, now=world.now, **given)


def test_a_request_is_opened_once_however_often_the_button_is_pressed(client, world):
    client.force_login(world.sal)
    page = client.get("/support/new/").content.decode()
    once = page.split('name="once" value="')[1].split('"')[0]
    for _ in range(2):
        answer = client.post("/support/new/", asked(once=once))
        assert answer["Location"] == "/support/SR-2018-0001/"
    assert Request.objects.count() == 1
    page = client.get("/support/SR-2018-0001/").content.decode()
    assert "Slow &lt;page&gt;" in page and "Half a minute." in page and "Open" in page


def test_faults_stand_by_their_fields_and_input_stays(client, world):
    client.force_login(world.sal)
    page = client.post("/support/new/", asked(problem_type="", subject="", description="Kept words")).content.decode()
    assert 'id="error-problem_type"' in page and 'id="error-subject"' in page and "Kept words" in page
    page = client.post("/support/new/", asked(description="My card is 4242 4242 4242 4242")).content.decode()
    assert 'id="error-description"' in page and Request.objects.count() == 0


def test_everybody_sees_their_own_and_some_see_all(client, world):
    mine, theirs = opened(world, world.sal), opened(world, world.ming, subject="About gold")
    client.force_login(world.sal)
    page = client.get("/support/").content.decode()
    assert mine.number in page and theirs.number not in page
    refused = client.get(f"/support/{theirs.number}/")
    assert refused.status_code == 403 and "Ming Chen" in refused.content.decode()
    client.force_login(world.ming)
    page = client.get("/support/").content.decode()
    assert mine.number in page and theirs.number in page
    world.company("Fabrikam", "fabrikam.example", "Mei Chen")
    client.force_login(User.objects.get(email="mei@fabrikam.example"))
    assert client.get(f"/support/{theirs.number}/").status_code == 404
    assert client.get("/support/SR-1999-0001/").status_code == 404


def test_the_filter_stands_in_the_address(client, world):
    waiting, closed = opened(world, world.ming, subject="Waits"), opened(world, world.ming, subject="Done")
    support.reply(world.actor(world.sue), waiting, text="Which browser?", now=world.now)
    support.close_request(world.actor(world.sue), closed, text="Solved.", now=world.now)
    client.force_login(world.ming)
    assert "Waits" in client.get("/support/").content.decode()
    page = client.get("/support/?status=attention_needed").content.decode()
    assert "Waits" in page and "Done" not in page and "Needs your answer" in page
    page = client.get("/support/?status=closed").content.decode()
    assert "Done" in page and "Waits" not in page
    assert client.get("/support/?status=<script>&page=x").status_code == 200


def test_answering_reopens_and_a_second_press_says_nothing_twice(client, world):
    row = opened(world, world.sal)
    support.reply(world.actor(world.sue), row, text="An inside word", internal=True, now=world.now)
    support.reply(world.actor(world.sue), row, text="Which browser?", now=world.now)
    client.force_login(world.sal)
    page = client.get(f"/support/{row.number}/").content.decode()
    assert "Which browser?" in page and "An inside word" not in page and "Needs your answer" in page
    for _ in range(2):
        client.post(f"/support/{row.number}/", {"text": "The newest."})
    row.refresh_from_db()
    assert row.status == "open" and Note.objects.filter(text="The newest.").count() == 1
    assert 'id="error-text"' in client.post(f"/support/{row.number}/", {"text": " "}).content.decode()


def cancel_page(client, subscription):
    return client.get(f"/support/new/?subscription={subscription.pk}&problem={CANCEL}").content.decode()


def test_cancelling_says_beforehand_what_is_paid_back_and_what_is_lost(client, world):
    world.buy_by_card()
    subscription = world.holding().subscription
    client.force_login(world.ming)
    page = cancel_page(client, subscription)
    assert "You get NT$15,750 back." in page and "20 July 2018" in page
    assert "Office suite" in page and "Auto-renew goes off as soon as you send this" in page
    world.go("2018-08-01")
    page = cancel_page(client, subscription)
    assert "No refund is due." in page and "The refund period ended on 20 July 2018." in page
    assert "runs to 20 June 2019" in page


def test_a_cancel_request_turns_auto_renew_off_at_once_and_is_made_once(client, world):
    world.buy_by_card()
    subscription = world.holding().subscription
    client.force_login(world.ming)
    typed = {"subscription": subscription.pk, "subject": "Cancel Action Pack", "description": "Changed plans."}
    # Chosen by hand on the plain form: nothing is sent before what it means has been shown.
    page = client.post("/support/new/", typed | {"problem_type": CANCEL}).content.decode()
    assert "the request cancels it" in page and "Changed plans." in page and Request.objects.count() == 0
    answer = client.post("/support/new/", typed | {"problem_type": CANCEL, "seen": subscription.pk}, follow=True)
    row = Request.objects.get()
    assert "Auto-renew is off from now on." in answer.content.decode() and row.number in answer.content.decode()
    subscription.refresh_from_db()
    assert not subscription.auto_renew and row.action == "cancel"
    again = client.get(f"/support/new/?subscription={subscription.pk}&problem={CANCEL}")
    assert again["Location"] == f"/support/{row.number}/"


def test_cancelling_takes_the_right_to_turn_auto_renew_off(client, world):
    world.buy_by_card()
    subscription = world.holding().subscription
    client.force_login(world.sal)
    refused = client.get(f"/support/new/?subscription={subscription.pk}&problem={CANCEL}")
    assert refused.status_code == 403 and "Ann Lin or Ming Chen" in refused.content.decode()
    given = asked(problem_type=CANCEL, subscription=subscription.pk, seen=subscription.pk)
    assert client.post("/support/new/", given).status_code == 403
    subscription.refresh_from_db()
    assert subscription.auto_renew and Request.objects.count() == 0


def test_another_companys_subscription_cannot_be_asked_about(client, world):
    world.buy_by_card()
    subscription = world.holding().subscription
    world.company("Fabrikam", "fabrikam.example", "Mei Chen")
    client.force_login(User.objects.get(email="mei@fabrikam.example"))
    for id in (subscription.pk, 999999, "x", "9" * 30):
        assert client.get(f"/support/new/?subscription={id}&problem={CANCEL}").status_code == 404


def test_the_list_asks_few_questions_whatever_its_length(client, world, django_assert_max_num_queries):
    for n in range(12):
        opened(world, world.ming, subject=f"Number {n}")
    client.force_login(world.ming)
    with django_assert_max_num_queries(15):
        client.get("/support/")
