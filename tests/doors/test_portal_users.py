"""The company's people: seen, invited, given roles, leaving and coming back; always one admin."""

import pytest

from tenure.people.models import Colleague, Invitation

pytestmark = pytest.mark.django_db


def place_of(user):
    return Colleague.objects.get(user=user)


def test_the_list_shows_people_roles_and_the_only_admin(client, world):
    client.force_login(world.ming)
    page = client.get("/users/").content.decode()
    for words in ("Ann Lin", "Ming Chen", "Bo Wu", "Sal Hsu", "Billing admin", "The only admin", "(you)"):
        assert words in page
    # Ming may look but not invite: the page says who can.
    assert "/users/invite/" not in page and "Who can help:" in page


def test_without_the_right_the_list_names_who_can_help(client, world):
    client.force_login(world.sal)
    answer = client.get("/users/")
    assert answer.status_code == 403 and "Ann Lin or Ming Chen" in answer.content.decode()


def test_inviting_sends_one_invitation_and_asks_again_on_faults(client, world):
    client.force_login(world.ann)
    typed = {"name": "Kai <b>Lo</b>", "email": "kai", "language": "en"}
    page = client.post("/users/invite/", typed).content.decode()
    assert 'id="error-email"' in page and 'id="error-roles"' in page and "Kai &lt;b&gt;Lo" in page
    typed |= {"email": "kai@contoso.example", "roles": ["billing_admin", "member"]}
    assert client.post("/users/invite/", typed)["Location"] == "/users/"
    row = Invitation.objects.get(email="kai@contoso.example")
    assert row.roles == ["billing_admin", "member"]
    assert "kai@contoso.example" in client.get("/users/").content.decode()
    client.post("/users/invite/", typed)
    assert Invitation.objects.filter(email="kai@contoso.example", withdrawn_at=None).count() == 1


def test_a_colleague_is_not_invited_again_and_no_role_is_invented(client, world):
    client.force_login(world.ann)
    typed = {"name": "Sal", "email": "SAL@contoso.example", "language": "en", "roles": ["member"]}
    assert "already a user" in client.post("/users/invite/", typed).content.decode()
    typed = {"name": "Kai", "email": "kai@contoso.example", "language": "en", "roles": ["operator"]}
    assert 'id="error-roles"' in client.post("/users/invite/", typed).content.decode()


def test_an_invitation_is_withdrawn_by_who_may(client, world):
    client.force_login(world.ann)
    typed = {"name": "Kai Lo", "email": "kai@contoso.example", "language": "en", "roles": ["member"]}
    client.post("/users/invite/", typed)
    row = Invitation.objects.get(email="kai@contoso.example")
    client.force_login(world.ming)
    assert client.post(f"/invitations/{row.pk}/withdraw/").status_code == 403
    client.force_login(world.ann)
    for _ in range(2):
        assert client.post(f"/invitations/{row.pk}/withdraw/")["Location"] == "/users/"
    row.refresh_from_db()
    assert row.withdrawn_at
    client.get("/users/")
    assert "Kai Lo" not in client.get("/users/").content.decode()


def test_roles_are_changed(client, world):
    client.force_login(world.ann)
    path = f"/users/{place_of(world.sal).pk}/"
    assert "Sees the company&#x27;s benefits" in client.get(path).content.decode()
    for _ in range(2):
        assert client.post(path, {"act": "roles", "roles": ["member", "billing_admin"]})["Location"] == path
    assert place_of(world.sal).roles == ["member", "billing_admin"]
    assert 'id="error-roles"' in client.post(path, {"act": "roles"}).content.decode()


def test_the_last_admin_keeps_the_role(client, world):
    client.force_login(world.ann)
    path = f"/users/{place_of(world.ann).pk}/"
    assert "only admin" in client.get(path).content.decode()
    page = client.post(path, {"act": "roles", "roles": ["member"]}).content.decode()
    assert "last admin" in page and place_of(world.ann).roles == ["global_admin"]
    assert "last admin" in client.post(path, {"act": "deactivate"}).content.decode()
    assert place_of(world.ann).ended_at is None


def test_leaving_ends_access_and_coming_back_restores_it(client, world):
    client.force_login(world.ann)
    path = f"/users/{place_of(world.sal).pk}/"
    client.post(path, {"act": "deactivate"})
    assert "Deactivated" in client.get("/users/").content.decode()
    client.force_login(world.sal)
    assert client.get("/benefits/")["Location"] == "/join/"
    client.force_login(world.ann)
    client.post(path, {"act": "reactivate"})
    client.force_login(world.sal)
    assert client.get("/benefits/").status_code == 200


def test_who_may_only_look_changes_nothing(client, world):
    client.force_login(world.ming)
    path = f"/users/{place_of(world.sal).pk}/"
    assert "Save the roles" not in client.get(path).content.decode()
    for given in ({"act": "roles", "roles": ["global_admin"]}, {"act": "deactivate"}):
        assert client.post(path, given).status_code == 403
    assert place_of(world.sal).roles == ["member"]


def test_another_companys_person_does_not_exist(client, world):
    world.company("Fabrikam", "fabrikam.example", "Mei Chen")
    client.force_login(world.ann)
    stranger = Colleague.objects.get(user__email="mei@fabrikam.example")
    assert client.get(f"/users/{stranger.pk}/").status_code == 404
    assert client.post(f"/users/{stranger.pk}/", {"act": "deactivate"}).status_code == 404
    assert client.get("/users/999999/").status_code == 404


def test_the_list_asks_few_questions_whatever_its_length(client, world, django_assert_max_num_queries):
    for n in range(8):
        world.colleague(f"N{n} Nobody", "member")
    client.force_login(world.ann)
    with django_assert_max_num_queries(14):
        client.get("/users/")
