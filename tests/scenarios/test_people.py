"""Joining a company: an invitation works once, a password must be set, an address belongs to one person (S49)."""

import pytest

from tenure.kernel.access import NOBODY
from tenure.kernel.refusals import Invalid, Refusal
from tenure.people import actions as people
from tenure.people.models import Colleague
from tests.worlds import PASSWORD


def invite(world, email: str, who=None, roles=("member",)):
    return people.invite(
        world.actor(who or world.ann),
        world.contoso,
        email=email,
        name="Wei Lin",
        roles=list(roles),
        language="zh-hant",
        now=world.now,
    )


def accept(world, invitation, password=PASSWORD):
    return people.accept_invitation(NOBODY, invitation, password=password, now=world.now)


def test_s49_an_invitation_works_once(world):
    invitation = invite(world, "wei@contoso.example")
    wei = accept(world, invitation)
    assert wei.check_password(PASSWORD) and wei.language == "zh-hant"
    with pytest.raises(Refusal, match="invitation_used"):
        accept(world, invitation)


def test_s49_a_password_must_be_set(world):
    """An empty one, a short one, one of everybody's and one's own name are refused; nobody has come in."""
    invitation = invite(world, "wei@contoso.example")
    for password, code in (
        ("", "password.missing"),
        ("short", "password.too_short"),
        ("password1234", "password.too_common"),
        ("wei@contoso.example", "password.like_the_person"),
    ):
        with pytest.raises(Invalid) as refused:
            accept(world, invitation, password)
        assert refused.value.fields == {"password": code}
    assert not Colleague.objects.filter(user__email="wei@contoso.example").exists()
    assert accept(world, invitation)


def test_s49_an_address_that_is_there_already_is_refused(world):
    for email in ("ming@contoso.example", "Ming@Contoso.example"):
        with pytest.raises(Refusal, match="email_taken"):
            invite(world, email)


def test_an_invitation_runs_out_after_its_days_and_a_new_one_replaces_it(world):
    first = invite(world, "wei@contoso.example")
    second = invite(world, "wei@contoso.example")
    with pytest.raises(Refusal):
        accept(world, first)
    world.go("2018-07-20")
    with pytest.raises(Refusal, match="invitation_expired"):
        accept(world, second)


def test_whoever_may_not_invite_is_refused(world):
    for who in (world.ming, world.bo, world.sal):
        with pytest.raises(Refusal, match="forbidden"):
            invite(world, "wei@contoso.example", who)


def test_the_last_administrator_stays(world):
    """Neither removed nor demoted, also by herself; with a second one she may go (domain.md §2.2)."""
    ann = Colleague.objects.get(user=world.ann)
    with pytest.raises(Refusal, match="last_admin"):
        people.deactivate(world.actor(world.ann), ann, now=world.now)
    with pytest.raises(Refusal, match="last_admin"):
        people.change_roles(world.actor(world.ann), ann, roles=["member"], now=world.now)
    ming = Colleague.objects.get(user=world.ming)
    people.change_roles(world.actor(world.ann), ming, roles=["global_admin"], now=world.now)
    people.deactivate(world.actor(world.ann), ann, now=world.now)
    assert not world.actor(world.ann).grants


def test_somebody_who_left_can_do_nothing_any_more(world):
    people.deactivate(world.actor(world.ann), Colleague.objects.get(user=world.ming), now=world.now)
    with pytest.raises(Refusal):
        world.buy(world.ming)
