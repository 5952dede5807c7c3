"""A company whose admins are all gone: two of staff, a fortnight in the open, and anybody who was told stops it."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client

from tenure.enrolment.models import Recovery
from tenure.enrolment.recovery import agree_recovery, follow_recoveries, start_recovery, stop_recovery
from tenure.kernel.access import NOBODY, may
from tenure.kernel.refusals import Invalid, Refusal
from tenure.people import actions as people
from tenure.people.models import Colleague, Invitation, Notice
from tenure.plumbing.files import handed_in
from tenure.plumbing.models import Mail
from tests.worlds import PASSWORD

PDF = b"%PDF-1.7 a letter of the board"


@pytest.fixture
def recovery(world):
    return start(world)


def start(world, who=None, **changes):
    given = {"name": "Nora New", "email": "nora@contoso.example", "language": "en", "reason": "Both have left."}
    file = handed_in("board.pdf", "application/pdf", PDF)
    return start_recovery(world.actor(who or world.sue), world.contoso, **given | changes, evidence=file, now=world.now)


def letters(world):
    return list(Mail.objects.filter(code="enrolment.recovery").order_by("pk").values_list("address", flat=True))


def test_it_takes_two_of_staff_and_the_waiting_days_and_ends_in_an_invitation(world, recovery):
    assert str(recovery.ready_on) == "2018-07-04" and letters(world) == ["ann@contoso.example"]
    with pytest.raises(Refusal, match="needs_another"):
        agree_recovery(world.actor(world.sue), recovery, now=world.now)
    agree_recovery(world.actor(world.oda), recovery, now=world.now)
    world.live("2018-07-03")
    recovery.refresh_from_db()
    assert recovery.done_at is None and not Invitation.objects.filter(email="nora@contoso.example").exists()
    assert len(letters(world)) == 14, "one on the first day and one on each day after it"
    world.live("2018-07-04 12:00")
    recovery.refresh_from_db()
    invitation = Invitation.objects.get(email="nora@contoso.example")
    assert recovery.done_at and invitation.roles == ["global_admin"]
    assert not Colleague.objects.filter(user__email="nora@contoso.example").exists(), "nobody is put in without a yes"
    nora = people.accept_invitation(NOBODY, invitation, password=PASSWORD, now=world.now)
    assert may(world.actor(nora), "company.edit", world.contoso.pk)
    with pytest.raises(Refusal, match="recovery_over"):
        stop_recovery(world.actor(world.oda), recovery, who="late", now=world.now)


def test_without_the_second_yes_nothing_ever_happens_but_letters(world, recovery):
    world.live("2018-08-01")
    recovery.refresh_from_db()
    assert recovery.open and recovery.done_at is None
    agree_recovery(world.actor(world.oda), recovery, now=world.now)
    follow_recoveries(world.now)
    recovery.refresh_from_db()
    assert recovery.done_at == world.now


def test_whoever_was_once_an_admin_and_every_contact_is_told_once_a_day(world):
    cleo = world.colleague("Cleo Chang", "global_admin")
    people.deactivate(world.actor(world.ann), Colleague.objects.get(user=cleo), now=world.now)
    world.contoso.contact_email = "Board@contoso.example"
    world.contoso.save()
    start(world)
    assert letters(world) == ["ann@contoso.example", "cleo@contoso.example", "Board@contoso.example"]
    for _twice in range(2):
        follow_recoveries(world.now)
    assert len(letters(world)) == 3
    assert Notice.objects.filter(code="enrolment.recovery", user=world.ann).count() == 1
    assert not Notice.objects.filter(code="enrolment.recovery", user__in=[world.ming, world.sal]).exists()


def test_anybody_who_was_told_stops_it_with_one_press_and_looking_stops_nothing(world, recovery):
    agree_recovery(world.actor(world.oda), recovery, now=world.now)
    world.work()
    [letter] = Mail.objects.filter(code="enrolment.recovery")
    path = re.search(r"/recovery/[^/\s]+/", letter.body)[0]
    stranger = Client()
    page = stranger.get(path).content.decode()
    assert "Nora New" in page and "Stop it" in page
    recovery.refresh_from_db()
    assert recovery.open
    assert stranger.post(path).status_code == 302
    assert "Nobody has become an admin." in stranger.get(path).content.decode()
    recovery.refresh_from_db()
    assert recovery.stopped_by == f"person:{world.ann.pk}"
    world.live("2018-07-10")
    recovery.refresh_from_db()
    assert recovery.done_at is None and not Invitation.objects.filter(email="nora@contoso.example").exists()
    assert stranger.post(path[:-3] + "x/").status_code == 404
    again = start(world)
    assert again.pk != recovery.pk


def test_one_at_a_time_with_a_sound_address_and_a_reason(world, recovery):
    with pytest.raises(Refusal, match="recovery_running"):
        start(world)
    stop_recovery(world.actor(world.oda), recovery, who="person:1", now=world.now)
    with pytest.raises(Invalid) as refused:
        start(world, email="nora@gmail.com")
    assert refused.value.fields == {"email": "enrolment.personal_address"}
    with pytest.raises(Invalid):
        start(world, reason=" ")
    for who in (world.ann, world.fin):
        with pytest.raises(Refusal):
            start(world, who=who)
    assert Recovery.objects.count() == 1


def test_the_database_itself_wants_two_people_and_a_yes(world, recovery):
    for wrong in ({"agreed_by": recovery.started_by, "agreed_at": world.now}, {"done_at": world.now}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Recovery.objects.filter(pk=recovery.pk).update(**wrong)


def test_the_desk_starts_agrees_and_reads_the_evidence(world):
    sue, oda, ann = Client(), Client(), Client()
    for client, who in ((sue, world.sue), (oda, world.oda), (ann, world.ann)):
        client.force_login(who)
    address = f"/office/partners/{world.contoso.pk}/recovery/"
    assert "Start a recovery" in sue.get(f"/office/partners/{world.contoso.pk}/").content.decode()
    given = {"name": "Nora <New>", "email": "nora@contoso.example", "language": "zh-hant", "reason": "They left."}
    assert sue.post(address, given).status_code == 400
    answer = sue.post(address, given | {"evidence": SimpleUploadedFile("board.pdf", PDF)})
    row = Recovery.objects.get()
    assert answer["Location"] == f"/office/recoveries/{row.pk}/"
    page = sue.get(answer["Location"]).content.decode()
    assert "Nora &lt;New&gt;" in page and "somebody else has to agree" in page
    assert sue.post(answer["Location"] + "agree/").status_code == 409
    assert ann.get(answer["Location"]).status_code == 404 and ann.post(address, given).status_code == 404
    assert oda.get(f"/office/recoveries/{row.pk}/evidence/").content == PDF
    assert oda.post(answer["Location"] + "agree/").status_code == 302
    assert "Contoso" in oda.get("/office/recoveries/").content.decode()
    assert sue.post(answer["Location"] + "stop/").status_code == 302
    row.refresh_from_db()
    assert row.stopped_by == world.actor(world.sue).label
