"""Every page of the back office: for staff with the right, staff without it, and everybody else."""

import pytest
from django.urls import reverse

from tests.doors.desk import Desk

PAGES = [
    ("today", ()),
    ("partners", ()),
    ("partner", ("partner",)),
    ("verifications", ()),
    ("verification", ("check",)),
    ("transfers", ()),
    ("transfer", ("line",)),
    ("subscriptions", ()),
    ("order", ("order",)),
    ("support", ()),
    ("request", ("request",)),
    ("invoices", ()),
    ("invoice-pdf", ("invoice",)),
    ("invoice-xml", ("invoice",)),
    ("mail", ()),
    ("letter", ("letter",)),
    ("parked", ()),
    ("programme", ()),
    ("runs", ()),
    ("run", ("run",)),
]
# Who of the staff is refused, because their role does not hold the page's right.
REFUSED = {
    "verifications": "sue",
    "verification": "fin",
    "transfers": "sue",
    "transfer": "sue",
    "mail": "fin",
    "letter": "sue",
    "parked": "fin",
}


@pytest.fixture
def desk(world):
    return Desk(world)


@pytest.mark.parametrize("language", ["en", "zh-hant"])
def test_an_operator_sees_every_page(desk, language):
    desk.speak(language)
    for name, args in PAGES:
        answer = desk.get(desk.world.oda, name, *args)
        assert answer.status_code == 200, name


def test_to_everybody_else_the_back_office_does_not_exist(desk):
    for name, args in PAGES:
        for person in (desk.world.ann, desk.world.sal):
            assert desk.get(person, name, *args).status_code == 404, name


def test_a_visitor_is_asked_to_sign_in(client, desk):
    for name, args in PAGES:
        answer = client.get(desk.address(name, *args))
        assert answer.status_code == 302 and answer["Location"].startswith("/accounts/login/"), name


def test_staff_without_the_right_is_told_so(desk):
    for name, who in REFUSED.items():
        args = dict(PAGES)[name]
        assert desk.get(getattr(desk.world, who), name, *args).status_code == 403, name


def test_what_is_not_there_is_not_found(desk):
    for name in ("partner", "verification", "transfer", "letter", "run", "proof", "verification-evidence"):
        assert desk.client(desk.world.oda).get(reverse(f"office:{name}", args=[999_999])).status_code == 404, name
    for name in ("order", "request", "invoice-pdf", "invoice-xml"):
        assert desk.client(desk.world.oda).get(reverse(f"office:{name}", args=["O-1999-1"])).status_code == 404, name


def test_acts_are_refused_to_those_without_the_right_and_nothing_happens(desk):
    world = desk.world
    acts = [
        (world.fin, "partner-suspend", ("partner",), {"reason": "fraud"}),
        (
            world.sue,
            "partner-exempt",
            ("partner",),
            {"certificate": "A", "valid_from": "2018-01-01", "valid_to": "2019-01-01"},
        ),
        (world.fin, "request-refund", ("request",), {}),
        (world.sue, "request-refund-tax", ("request",), {}),
        (world.fin, "request-close", ("request",), {}),
        (world.sue, "transfer-match", ("line",), {"number": desk.order.number}),
    ]
    for who, name, args, given in acts:
        assert desk.post(who, name, *args, **given).status_code == 403, name
    world.contoso.refresh_from_db()
    assert world.contoso.suspended_at is None and not world.contoso.exemptions.exists()


@pytest.mark.parametrize(
    "name", ["today", "partners", "transfers", "subscriptions", "support", "invoices", "mail", "parked"]
)
def test_a_list_asks_a_handful_of_questions_however_long_it_is(desk, name, django_assert_max_num_queries):
    client = desk.client(desk.world.oda)
    client.get(desk.address(name))
    for n in range(5):
        desk.more(n)
    with django_assert_max_num_queries(24):
        assert client.get(desk.address(name)).status_code == 200


def test_a_partner_s_story_asks_a_bounded_number_of_questions(desk, django_assert_max_num_queries):
    client = desk.client(desk.world.oda)
    with django_assert_max_num_queries(34):
        assert client.get(desk.address("partner", "partner")).status_code == 200
