"""The visit itself: language, the demonstration's clock and its way in, and requests that are too large."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client

from tenure.people.models import User
from tenure.plumbing import clock
from tests.worlds import taipei

pytestmark = pytest.mark.django_db


def test_a_persons_language_is_kept_and_the_next_page_speaks_it(client, world):
    client.force_login(world.ming)
    answer = client.post("/language/", {"language": "zh-hant", "next": "/support/?status=closed"})
    assert answer.status_code == 302 and answer["Location"] == "/support/?status=closed"
    assert User.objects.get(pk=world.ming.pk).language == "zh-hant"
    page = client.get("/support/").content.decode()
    assert 'lang="zh-Hant"' in page and "支援" in page


def test_a_visitor_keeps_the_language_in_a_cookie(client, world):
    client.post("/language/", {"language": "zh-hant"})
    assert client.cookies[settings.LANGUAGE_COOKIE_NAME].value == "zh-hant"
    assert 'lang="zh-Hant"' in client.get("/join/").content.decode()


@pytest.mark.parametrize("there", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x", ""])
def test_nobody_is_sent_away_from_here(client, world, there):
    assert client.post("/language/", {"language": "en", "next": there})["Location"] == "/"


def test_an_unknown_language_changes_nothing(client, world):
    client.force_login(world.ming)
    assert client.post("/language/", {"language": "xx"}).status_code == 302
    assert User.objects.get(pk=world.ming.pk).language == "en"


def test_the_clock_walks_forward_and_says_so(client, world):
    client.force_login(world.ming)
    answer = client.post("/clock/", {"move": "1d", "next": "/support/"}, follow=True)
    assert clock.now() == world.now + timedelta(days=1)
    assert "21 June 2018, 12:00" in answer.content.decode()


def test_the_clock_goes_to_a_day_at_the_same_hour(client, world):
    client.post("/clock/", {"to": "2018-07-01"})
    assert clock.now() == taipei("2018-07-01 12:00")


@pytest.mark.parametrize("to", ["2018-06-01", "2019-12-31", "9999-12-31", "0001-01-01", "yesterday", ""])
def test_the_clock_refuses_with_words(client, world, to):
    client.force_login(world.ming)
    answer = client.post("/clock/", {"to": to, "next": "/support/"}, follow=True)
    assert clock.now() == world.now
    assert 'class="note error"' in answer.content.decode()


def test_the_clock_does_not_exist_outside_a_demonstration(client, world, settings):
    settings.TENURE_DEMO = False
    assert client.post("/clock/", {"move": "1d"}).status_code == 404
    assert client.post(f"/enter/{world.ming.pk}/").status_code == 404
    assert "Look around as" not in client.get("/accounts/login/").content.decode()


def test_the_demonstration_lets_people_in_and_shows_them_by_company(client, world):
    world.buy_by_card()
    page = client.get("/accounts/login/").content.decode()
    for words in ("Contoso Taiwan Ltd", "Ann Lin", "Global admin", "Action Pack", "Fiona Finance", "Back office"):
        assert words in page
    assert client.post(f"/enter/{world.ming.pk}/").status_code == 302
    assert client.get("/support/").status_code == 200
    assert client.post("/enter/999999/").status_code == 404


def test_coming_in_twice_as_oneself_is_coming_in(client, world):
    for _ in range(2):
        assert client.post(f"/enter/{world.ann.pk}/").status_code == 302
    assert client.get("/orders/").status_code == 200


def test_the_sign_in_page_asks_few_questions(client, world, django_assert_max_num_queries):
    with django_assert_max_num_queries(20):
        client.get("/accounts/login/")


def test_too_much_text_is_told_as_that(world):
    client = Client()
    answer = client.post("/join/", {"legal_name": "x" * 3_000_000})
    assert answer.status_code == 413 and "too much at once" in answer.content.decode()
