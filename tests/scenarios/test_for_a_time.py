"""A consultant's place has a last day: told of before, over by itself; and leaving frees what was held."""

import datetime as dt
from datetime import timedelta

import pytest
from django.test import Client

from tenure.kernel.access import NOBODY, may
from tenure.kernel.refusals import Invalid, Refusal
from tenure.people import actions as people
from tenure.people.keys import bearer, make_key
from tenure.people.models import ApiKey, Colleague, Invitation, Notice
from tenure.people.queries import last_admin
from tenure.plumbing.models import Event, Mail
from tenure.programme.queries import current
from tests.worlds import PASSWORD, taipei

LAST = dt.date(2018, 7, 20)


def invite(world, *, until_on=LAST, roles=("programme_admin",), email="cora@advice.example", company=None, who=None):
    given = {"email": email, "name": "Cora Coach", "roles": list(roles), "language": "en", "until_on": until_on}
    return people.invite(world.actor(who or world.ann), company or world.contoso, **given, now=world.now)


@pytest.fixture
def cora(world):
    return people.accept_invitation(NOBODY, invite(world), password=PASSWORD, now=world.now)


def place_of(user):
    return Colleague.objects.get(user=user)


def test_the_place_is_told_of_a_week_before_and_ends_by_itself_after_its_last_day(world, cora):
    assert place_of(cora).until_on == LAST and may(world.actor(cora), "purchases.buy", world.contoso.pk)
    world.live("2018-07-12 23:00")
    assert not Mail.objects.filter(code="people.place_ending").exists()
    world.live("2018-07-13 12:00")
    told = Mail.objects.filter(code="people.place_ending").order_by("address").values_list("address", flat=True)
    assert list(told) == ["ann@contoso.example", "cora@advice.example"]
    world.live("2018-07-20 23:59:59")
    assert may(world.actor(cora), "purchases.buy", world.contoso.pk) and place_of(cora).ended_at is None
    world.live("2018-07-21 00:01")
    assert place_of(cora).ended_at and world.contoso.pk not in world.actor(cora).grants
    assert Mail.objects.filter(code="people.place_ending").count() == 2
    ended = Event.objects.get(name="people.deactivated")
    assert ended.actor == "system" and ended.partner_id == world.contoso.pk


def test_it_is_over_although_nothing_has_run_since(world, cora):
    """The worker slept: the door is shut all the same, for the person and for their key."""
    given = {"name": "ERP", "scopes": ["offers.view"], "days": 90, "programme": current(), "now": world.now}
    roles = ["global_admin"]
    people.change_roles(world.actor(world.ann), place_of(cora), roles=roles, now=world.now)
    secret = make_key(world.actor(cora), world.contoso, **given).secret
    browser = Client()
    world.go(taipei("2018-07-20 23:59:59"))
    assert bearer(secret, world.now) and may(world.actor(cora), "offers.view", world.contoso.pk)
    world.go(taipei("2018-07-21 00:00:00"))
    assert bearer(secret, world.now) is None and world.actor(cora).grants == {}
    browser.force_login(cora)
    assert browser.get("/offers/")["Location"].endswith("/join/")
    assert place_of(cora).ended_at is None


def test_a_later_day_is_told_of_anew_and_none_lasts(world, cora):
    world.live("2018-07-14")
    ann = world.actor(world.ann)
    people.set_end(ann, place_of(cora), until_on=LAST + timedelta(days=30), now=world.now)
    world.live("2018-08-11")
    assert Notice.objects.filter(code="people.place_ending", user=cora).count() == 1
    world.live("2018-08-12")
    assert Notice.objects.filter(code="people.place_ending", user=cora).count() == 2
    people.set_end(ann, place_of(cora), until_on=None, now=world.now)
    world.live("2018-09-01")
    assert place_of(cora).ended_at is None
    with pytest.raises(Invalid):
        people.set_end(ann, place_of(cora), until_on=dt.date(2018, 8, 31), now=world.now)
    with pytest.raises(Refusal, match="forbidden"):
        people.set_end(world.actor(world.ming), place_of(cora), until_on=None, now=world.now)


def test_whoever_is_here_for_a_time_keeps_no_company_administered(world):
    cora = people.accept_invitation(NOBODY, invite(world, roles=["global_admin"]), password=PASSWORD, now=world.now)
    ann = Colleague.objects.get(user=world.ann)
    for act in (
        lambda: people.deactivate(world.actor(cora), ann, now=world.now),
        lambda: people.change_roles(world.actor(cora), ann, roles=["member"], now=world.now),
        lambda: people.set_end(world.actor(cora), ann, until_on=LAST, now=world.now),
    ):
        with pytest.raises(Refusal, match="last_admin"):
            act()
    assert last_admin(Colleague.objects.filter(partner_id=world.contoso.pk), current()) == ann.pk
    people.deactivate(world.actor(world.ann), place_of(cora), now=world.now)


def test_an_invitation_for_a_time_is_over_with_it(world):
    row = invite(world, until_on=world.today)
    world.go("2018-06-21")
    with pytest.raises(Refusal, match="invitation_expired"):
        people.accept_invitation(NOBODY, row, password=PASSWORD, now=world.now)
    with pytest.raises(Invalid):
        invite(world, until_on=dt.date(2018, 6, 20))


def test_leaving_frees_what_was_held_and_coming_back_does_not_bring_it_back(world):
    ann = world.actor(world.ann)
    second = world.colleague("Cleo Chang", "global_admin")
    given = {"name": "ERP", "scopes": ["offers.view"], "days": 90, "programme": current(), "now": world.now}
    theirs, anns = (make_key(world.actor(who), world.contoso, **given) for who in (second, world.ann))
    open_one = invite(world, who=second, until_on=None, email="friend@advice.example")
    other = invite(world, until_on=None, email="other@advice.example")
    place = place_of(second)
    people.deactivate(ann, place, now=world.now)
    assert ApiKey.objects.get(pk=theirs.row.pk).revoked_at == world.now
    assert Invitation.objects.get(pk=open_one.pk).withdrawn_at and not Invitation.objects.get(pk=other.pk).withdrawn_at
    people.reactivate(ann, place, now=world.now)
    assert may(world.actor(second), "company.edit", world.contoso.pk)
    assert bearer(theirs.secret, world.now) is None and bearer(anns.secret, world.now)


def test_inviting_says_the_same_of_an_address_that_is_known_elsewhere_and_of_one_that_is_not(world):
    """Whether somebody has an account is learnt only by whoever reads their mail."""
    world.company("Fabrikam", "fabrikam.example", "Fay Fox")
    ann, pages = Client(), []
    ann.force_login(world.ann)
    for email in ("fay@fabrikam.example", "nobody@fabrikam.example"):
        sent = {"email": email, "name": "Fay Fox", "roles": ["member"], "language": "en"}
        answer = ann.post("/users/invite/", sent, follow=True)
        pages.append((answer.status_code, answer.redirect_chain, answer.content.decode().count("Fay Fox")))
        Invitation.objects.filter(email=email).update(withdrawn_at=world.now)
    world.work()
    assert pages[0] == pages[1]
    letters = Mail.objects.filter(code="people.invitation", address__endswith="@fabrikam.example")
    assert letters.count() == 2


def test_one_person_works_for_several_companies_and_switches(world):
    fabrikam = world.company("Fabrikam", "fabrikam.example", "Fay Fox")
    fay = world.person("fay@fabrikam.example")
    row = invite(world, email="fay@fabrikam.example", roles=["member"])
    assert people.accept_invitation(NOBODY, row, password=None, now=world.now) == fay
    browser = Client()
    browser.force_login(fay)
    assert "Fabrikam" in browser.get("/company/").content.decode()
    browser.post("/company/switch/", {"partner": world.contoso.pk})
    assert f'<h1 class="name">{world.contoso.legal_name}' in browser.get("/company/").content.decode()
    assert browser.get("/company/edit/").status_code == 403, "a role holds where it was given"
    world.live("2018-07-21 12:00")
    browser.force_login(fay)
    assert '<h1 class="name">Fabrikam' in browser.get("/company/").content.decode()
    assert world.actor(fay).grants.keys() == {fabrikam.pk}


def test_the_page_sets_and_shows_the_last_day(world, cora):
    ann, ming = Client(), Client()
    ann.force_login(world.ann)
    ming.force_login(world.ming)
    address = f"/users/{place_of(cora).pk}/"
    assert "20 July 2018" in ann.get("/users/").content.decode()
    assert ann.post(address, {"act": "end", "until_on": "2018-08-20"}).status_code == 302
    assert place_of(cora).until_on == dt.date(2018, 8, 20)
    assert ming.post(address, {"act": "end", "until_on": ""}).status_code == 403
    page = ann.post(address, {"act": "end", "until_on": "2018-01-01"}).content.decode()
    assert "not before today" in page and 'value="2018-01-01"' in page
    assert place_of(cora).until_on == dt.date(2018, 8, 20)
