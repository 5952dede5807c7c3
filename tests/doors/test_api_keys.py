"""Keys for programs: shown once, a part of their maker's rights, ended by time, by a person, or with their maker."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from tenure_client import Problem

from tenure.kernel.access import may
from tenure.kernel.refusals import Invalid, Refusal
from tenure.people import actions as people
from tenure.people.keys import bearer, get, make_key, may_give, revoke_key, rotate_key
from tenure.people.models import ApiKey, Colleague
from tenure.plumbing.models import Event
from tenure.programme.queries import current
from tests.doors.api import desk, key_of, program


def make(world, who=None, *, scopes=("offers.view",), days=30):
    actor = world.actor(who or world.ann)
    given = {"name": "ERP", "scopes": list(scopes), "days": days, "programme": current(), "now": world.now}
    return make_key(actor, world.contoso, **given)


def shown(world, secret):
    return bearer(secret, world.now)


def test_the_secret_is_nowhere_in_the_database(world):
    made = make(world)
    assert re.fullmatch(r"tnr_[0-9a-f]{8}_[\w-]{43}", made.secret)
    row = ApiKey.objects.get()
    secret = made.secret.removeprefix(row.prefix + "_")
    assert not any(secret in str(value) for value in vars(row).values())
    assert not any(secret in str(event.payload) for event in Event.objects.all())
    assert shown(world, made.secret).actor.label == f"key:{row.pk}"


@pytest.mark.parametrize("wrong", ["", "tnr_", "tnr_00000000_" + "a" * 43, "Bearer x", "x" * 5000])
def test_what_is_no_key_is_nobody(world, wrong):
    make(world)
    assert shown(world, wrong) is None


def test_a_key_has_only_what_its_maker_has(world):
    with pytest.raises(Invalid) as more:
        make(world, world.ming, scopes=("people.invite",))
    assert more.value.fields == {"scopes": "choice.unknown"}
    with pytest.raises(Refusal) as none:
        make(world, world.sal, scopes=("company.view",))
    assert none.value.code == "access.forbidden"


@pytest.mark.parametrize("days", [0, -1, 367, 10_000])
def test_a_key_ends_within_a_year(world, days):
    with pytest.raises(Invalid) as wrong:
        make(world, days=days)
    assert wrong.value.fields == {"days": "number.impossible"}


def test_a_key_ends_by_itself(world):
    made = make(world, days=30)
    world.go(world.now + timedelta(days=29, hours=23))
    assert shown(world, made.secret)
    world.go(world.now + timedelta(hours=1))
    assert shown(world, made.secret) is None


def test_a_right_that_its_maker_loses_is_lost_at_once(world):
    made = make(world, world.ming, scopes=("offers.view", "people.view", "company.view"))
    place = Colleague.objects.get(user=world.ming, partner_id=world.contoso.pk)
    people.change_roles(world.actor(world.ann), place, roles=["member"], now=world.now)
    actor = shown(world, made.secret).actor
    assert may(actor, "company.view", world.contoso.pk)
    assert not may(actor, "offers.view", world.contoso.pk)
    people.deactivate(world.actor(world.ann), place, now=world.now)
    assert shown(world, made.secret) is None


def test_a_key_acts_in_the_company_it_was_made_for_and_nowhere_else(world):
    fabrikam = world.company("Fabrikam Ltd", "fabrikam.example", "Fay Ho")
    fay = Colleague.objects.get(partner_id=fabrikam.pk).user
    world.placed(fay, "global_admin")
    made = make(world, fay)
    assert set(shown(world, made.secret).actor.grants) == {world.contoso.pk}


def test_a_new_key_takes_an_old_ones_place_within_a_day(world):
    old = make(world, scopes=("offers.view", "orders.view"), days=60)
    new = rotate_key(world.actor(world.ann), old.row, now=world.now)
    assert new.row.scopes == old.row.scopes
    assert shown(world, old.secret)
    assert shown(world, new.secret)
    world.go(world.now + timedelta(hours=24))
    assert shown(world, old.secret) is None
    assert shown(world, new.secret)
    with pytest.raises(Refusal) as twice:
        rotate_key(world.actor(world.ann), get(old.row.pk), now=world.now)
    assert twice.value.code == "people.key_is_over"


def test_nobody_gets_a_colleagues_rights_by_replacing_their_key(world):
    old = make(world, world.ann, scopes=("people.invite",))
    with pytest.raises(Refusal) as other:
        rotate_key(world.actor(world.ming), old.row, now=world.now)
    assert other.value.code == "people.key_of_another"


def test_a_revoked_key_is_over_at_once_and_once(world):
    made = make(world)
    for _ in range(2):
        revoke_key(world.actor(world.ming), made.row, now=world.now)
    assert shown(world, made.secret) is None
    told = Event.objects.filter(subject=f"key:{made.row.pk}").order_by("pk").values_list("name", flat=True)
    assert list(told) == ["people.key_made", "people.key_revoked"]


def test_a_key_makes_no_keys(world):
    actor = shown(world, key_of(world, world.ann)).actor
    given = {"name": "x", "scopes": ["offers.view"], "days": 1, "programme": current(), "now": world.now}
    with pytest.raises(Refusal) as refused:
        make_key(actor, world.contoso, **given)
    assert refused.value.code == "access.forbidden"


def test_the_last_use_is_noted(world):
    made = make(world)
    assert made.row.last_used_at is None
    shown(world, made.secret)
    assert ApiKey.objects.get().last_used_at == world.now


def test_what_a_key_did_is_told_by_its_name(world):
    client = program(world, world.ann)
    row = client.invite("new@contoso.example", "Nan New", ["member"])
    event = Event.objects.get(subject=f"invitation:{row.id}")
    assert event.actor == f"key:{ApiKey.objects.get().pk}"
    from tenure.people.queries import names

    assert names([event.actor]) == {event.actor: "Ann Lin (tests)"}


def test_a_key_in_an_address_or_a_cookie_opens_nothing(world):
    secret, browser = key_of(world, world.ann), Client()
    assert browser.get(f"/api/v1/offers?key={secret}&access_token={secret}").status_code == 401
    browser.cookies["key"] = browser.cookies["Authorization"] = f"Bearer {secret}"
    assert browser.get("/api/v1/offers").status_code == 401
    browser.force_login(world.ann)
    assert browser.get("/api/v1/offers").status_code == 401
    assert browser.get("/api/v1/offers", headers={"Authorization": f"Basic {secret}"}).status_code == 401
    assert browser.get("/api/v1/offers", headers={"Authorization": f"Bearer {secret}"}).status_code == 200


def test_a_key_says_what_it_may(world):
    told = program(world, world.ming, "offers.view", "orders.view").key()
    assert (told.side, told.partner, told.rights) == ("partner", world.contoso.number, ["offers.view", "orders.view"])
    office = desk(world, world.fin, "payments.view")
    assert office.get("/key")["side"] == "office"
    with pytest.raises(Problem) as elsewhere:
        office.get("/offers")
    assert (elsewhere.value.status, elsewhere.value.code) == (403, "access.partner_key_needed")
    with pytest.raises(Problem) as hidden:
        program(world, world.ann).get("/office/partners")
    assert hidden.value.status == 404


# The pages


@pytest.mark.parametrize(("who", "place"), [("ann", "/keys/"), ("oda", "/office/keys/")])
def test_a_person_makes_replaces_and_revokes_a_key_on_the_page(world, who, place):
    browser = Client()
    browser.force_login(getattr(world, who))
    scope = may_give(world.actor(getattr(world, who)), world.contoso.pk if who == "ann" else None)[0]
    assert scope in browser.get(place).content.decode()
    page = browser.post(place, {"name": "ERP", "days": "90", "scopes": [scope]}).content.decode()
    secret = re.search(r"tnr_[0-9a-f]{8}_[\w-]{43}", page)[0]
    assert shown(world, secret)
    assert secret not in browser.get(place).content.decode()
    row = ApiKey.objects.get()
    page = browser.post(f"{place}{row.pk}/replace/").content.decode()
    second = re.search(r"tnr_[0-9a-f]{8}_[\w-]{43}", page)[0]
    assert second != secret
    browser.post(f"{place}{ApiKey.objects.latest('pk').pk}/revoke/")
    assert shown(world, second) is None
    faulty = browser.post(place, {"name": "", "days": "90"})
    assert faulty.status_code == 422
    assert ApiKey.objects.count() == 2


def test_another_companys_key_is_not_found(world):
    made = make(world)
    fabrikam = world.company("Fabrikam Ltd", "fabrikam.example", "Fay Ho")
    browser = Client()
    browser.force_login(Colleague.objects.get(partner_id=fabrikam.pk).user)
    for act in ("replace", "revoke"):
        assert browser.post(f"/keys/{made.row.pk}/{act}/").status_code == 404
    assert shown(world, made.secret)
