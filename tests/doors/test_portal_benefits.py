"""Benefits and competencies: what is granted, used and lost; a key comes after a warning, never twice by accident."""

from datetime import date

import pytest

from tenure.benefits import actions as benefits
from tenure.benefits.models import Grant, Key
from tenure.competencies import actions as competencies
from tenure.people.models import User
from tenure.support.queries import refund_case

pytestmark = pytest.mark.django_db


@pytest.fixture
def pack(world):
    """Contoso with an Action Pack and keys in the pool."""
    keys = [f"KEY-{n}" for n in range(20)]
    benefits.load_keys(world.actor(world.oda), None, pool="server-keys", values=keys, now=world.now)
    world.buy_by_card()
    return world.holding().subscription


def grant_of(benefit):
    return Grant.objects.filter(benefit=benefit).order_by("-pk")[0]


def press(client, grant, **more):
    return client.post(f"/benefits/{grant.pk}/reveal/", {"seen": grant.used, **more})


def test_everybody_sees_the_benefits_and_who_may_reveals(client, world, pack):
    client.force_login(world.sal)
    page = client.get("/benefits/").content.decode()
    for words in ("Action Pack", "Office suite", "20 Jun 2019", "Who can help:"):
        assert words in page
    assert "/reveal/" not in page
    refused = client.get(f"/benefits/{grant_of('server-keys').pk}/reveal/")
    assert refused.status_code == 403 and "Ann Lin or Ming Chen" in refused.content.decode()
    client.force_login(world.bo)
    assert client.get("/benefits/").status_code == 403


def test_a_key_is_shown_after_a_warning_and_pressing_twice_shows_one(client, world, pack):
    grant = grant_of("server-keys")
    client.force_login(world.ming)
    page = client.get(f"/benefits/{grant.pk}/reveal/").content.decode()
    assert "ends your right to a refund" in page and Key.objects.filter(grant=grant).count() == 0
    first = press(client, grant)
    page = client.get(first["Location"]).content.decode()
    assert "KEY-0" in page and "20 June 2018, 12:00" in page
    again = client.post(f"/benefits/{grant.pk}/reveal/", {"seen": grant.used}, follow=True)
    assert "Somebody used this benefit in the meantime" in again.content.decode()
    assert Key.objects.filter(grant=grant).count() == 1
    assert "KEY-0" in client.get("/benefits/").content.decode()
    client.force_login(world.sal)
    assert "KEY-0" not in client.get("/benefits/").content.decode()
    assert refund_case(pack, date(2018, 6, 21)).decision.first.code == "refund.key_revealed"


def test_use_is_recorded_with_a_note_up_to_what_is_left(client, world, pack):
    grant = grant_of("incidents")
    path = f"/benefits/{grant.pk}/use/"
    client.force_login(world.ming)
    for quantity in ("", "x", "0", "-1", "99"):
        page = client.post(path, {"quantity": quantity, "note": "Kept <note>", "seen": "0"}).content.decode()
        assert 'id="error-quantity"' in page and "Kept &lt;note&gt;" in page
    for _ in range(2):
        answer = client.post(path, {"quantity": "2", "note": "Mail server", "seen": "0"})
    grant.refresh_from_db()
    assert grant.used == 2 and 'id="error-quantity"' in answer.content.decode()
    page = client.get(path).content.decode()
    assert "Mail server" in page and "Ming Chen" in page and "8 of 10" in page


def test_kinds_do_not_mix(client, world, pack):
    client.force_login(world.ming)
    assert client.get(f"/benefits/{grant_of('incidents').pk}/reveal/").status_code == 404
    assert client.get(f"/benefits/{grant_of('server-keys').pk}/use/").status_code == 404


def test_an_empty_pool_is_told(client, world):
    world.buy_by_card()
    client.force_login(world.ming)
    answer = client.post(f"/benefits/{grant_of('server-keys').pk}/reveal/", {"seen": "0"}, follow=True)
    assert "No product key is left to hand out" in answer.content.decode()


def test_strangers_find_nothing(client, world, pack):
    world.company("Fabrikam", "fabrikam.example", "Mei Chen")
    client.force_login(User.objects.get(email="mei@fabrikam.example"))
    for benefit, act in (("server-keys", "reveal"), ("incidents", "use")):
        assert client.get(f"/benefits/{grant_of(benefit).pk}/{act}/").status_code == 404
        assert client.post(f"/benefits/{grant_of(benefit).pk}/{act}/", {"seen": "0"}).status_code == 404
    assert "No benefits yet." in client.get("/benefits/").content.decode()


def test_in_the_window_they_go_on_and_after_it_they_are_lost(client, world, pack):
    client.force_login(world.ming)
    world.go("2019-07-01")
    page = client.get("/benefits/").content.decode()
    assert "go on until 20 July 2019" in page and "/use/" in page
    world.go("2019-07-21")
    page = client.get("/benefits/").content.decode()
    assert "Lost after 20 July 2019" in page and "/use/" not in page
    answer = client.post(f"/benefits/{grant_of('incidents').pk}/use/", {"quantity": "1"})
    assert "not active" in answer.content.decode()


def test_the_list_asks_few_questions(client, world, pack, django_assert_max_num_queries):
    client.force_login(world.ming)
    with django_assert_max_num_queries(16):
        client.get("/benefits/")


def test_competencies_say_how_far_and_what_is_missing(client, world):
    for criterion, value in (("certified-people", 3), ("customer-references", 1), ("performance", 12_500)):
        competencies.record_evidence(
            world.actor(world.oda),
            world.contoso,
            offer="silver-cloud",
            criterion=criterion,
            value=value,
            as_of=world.today,
            now=world.now,
        )
    client.force_login(world.ming)
    page = client.get("/competencies/").content.decode()
    assert "12,500 of 20,000 US$." in page and "7,500 more to go." in page and "Started" in page
    assert 'href="/offers/silver-cloud/"' in page and "3 of 4 requirements are still to be met." in page
    assert client.get("/competencies/").status_code == 200
    client.force_login(world.sal)
    assert client.get("/competencies/").status_code == 403
