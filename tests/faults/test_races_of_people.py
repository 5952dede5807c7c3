"""People, and the work that is done for them: one administrator stays, one link works once, one duty is done once."""

from contextlib import nullcontext

import pytest
from django.core import mail as sent
from django.db import connection, transaction

from tenure import events
from tenure.kernel.access import SYSTEM
from tenure.people import actions as people
from tenure.people.models import Colleague, Invitation
from tenure.plumbing import mail, outbox
from tenure.plumbing.db import wiring
from tenure.plumbing.models import Event, Mail, Reaction, Seal
from tenure.proof import seals
from tests.faults.racing import ROUNDS, amid, at_once, codes, firm, unlocked

pytestmark = pytest.mark.django_db(transaction=True)


# Administrators


def two_administrators(world, n: int = 1) -> list:
    """Each about to remove the other."""
    one = firm(world, n)
    other = world.colleague(f"Eve{n} Wang", "global_admin", partner=one.partner)
    places = {place.user_id: place for place in Colleague.objects.filter(partner_id=one.partner.pk)}
    pairs = [(world.actor(one.person), places[other.pk]), (world.actor(other), places[one.person.pk])]
    return [lambda a=actor, p=place: people.deactivate(a, p, now=world.now) for actor, place in pairs]


def administrators(world) -> int:
    return Colleague.objects.filter(ended_at=None, roles__contains=["global_admin"]).count() - 1


def test_two_administrators_cannot_remove_each_other(committed):
    for n in range(ROUNDS):
        assert codes(at_once(*two_administrators(committed, n))) == ["people.last_admin"]
    assert codes(amid((Colleague, "save"), *two_administrators(committed, ROUNDS))) == ["people.last_admin"]
    assert administrators(committed) == ROUNDS + 1


def test_control_without_the_lock_on_the_companys_people_nobody_is_left(committed):
    with unlocked(Colleague):
        assert codes(amid((Colleague, "save"), *two_administrators(committed))) == []
    assert administrators(committed) == 0


# Invitations


def invited(world, n: int = 1) -> Invitation:
    """Somebody who belongs to another company already is asked to join."""
    given = {"name": "Fay", "roles": ["member"], "language": "en", "now": world.now}
    email = firm(world, n).person.email
    return people.invite(world.actor(world.ann), world.contoso, email=email, **given)


def accepting(world, invitation: Invitation):
    return lambda: people.accept_invitation(SYSTEM, invitation, password=None, now=world.now)


def joined() -> int:
    return Event.objects.filter(
        name="people.joined", payload__has_key="person", verb="people.accept_invitation"
    ).count()


def test_one_invitation_is_accepted_once(committed):
    before = joined()
    for n in range(ROUNDS):
        answers = at_once(*[accepting(committed, invited(committed, n))] * 4)
        assert codes(answers) == ["people.invitation_used"] * 3
    answers = amid((people, "place"), *[accepting(committed, invited(committed, ROUNDS))] * 2)
    assert codes(answers) == ["people.invitation_used"]
    assert joined() == before + ROUNDS + 1


def test_control_without_the_invitations_lock_it_is_accepted_twice(committed):
    before, invitation = joined(), invited(committed)
    with unlocked(Invitation):
        assert codes(amid((people, "place"), *[accepting(committed, invitation)] * 2)) == []
    assert joined() == before + 2


# Two workers


@pytest.fixture
def done(committed, monkeypatch) -> list:
    """What the workers did: each duty is written down instead of done."""
    found = []

    class Listeners(dict):
        def __missing__(self, name):
            return lambda happened, event, now: found.append((name, event.pk))

    monkeypatch.setattr(wiring(), "LISTENERS", Listeners())
    return found


def test_six_workers_do_each_duty_once(committed, done):
    duties = Reaction.objects.filter(state="due").count()
    assert duties > 6
    assert sum(at_once(*[outbox.drain] * 6)) == duties
    assert len(done) == len(set(done)) == duties


def test_a_worker_passes_over_what_another_is_just_taking(committed, done):
    amid((Reaction, "save"), outbox.drain, outbox.drain)
    assert len(done) == len(set(done)) == Reaction.objects.count()


def test_control_without_the_lock_a_duty_is_done_twice(committed, done):
    with unlocked(Reaction):
        amid((Reaction, "save"), outbox.drain, outbox.drain)
    assert len(done) > len(set(done))


def letters() -> list[str]:
    """The letters that left, by the id each carries."""
    return [letter.extra_headers["Message-ID"] for letter in sent.outbox]


def test_two_workers_send_each_letter_once(committed):
    outbox.drain()
    amid((Mail, "save"), *[lambda: mail.deliver(committed.now)] * 2)
    left = letters()
    assert len(left) == len(set(left)) == Mail.objects.filter(state="sent").count() > 1


def test_control_without_the_lock_a_letter_leaves_twice(committed):
    outbox.drain()
    with unlocked(Mail):
        amid((Mail, "save"), *[lambda: mail.deliver(committed.now)] * 2)
    left = letters()
    assert len(left) > len(set(left))


# The chain of events


def standing() -> None:
    """Where a writer stands, its event written and not committed."""


HERE = (__import__(__name__, fromlist=["standing"]), "standing")


def telling(world):
    happened = events.ProofUploaded(partner_id=world.contoso.pk, subject="test:1", number="race")

    def tell() -> None:
        with transaction.atomic():
            outbox.record(SYSTEM, "test.tell", world.now, happened)
            HERE[0].standing()

    return tell


def sealing(world, *, waits: bool = True):
    """Tell of something and seal what there is; ``waits=False`` leaves out the lock that waits for writers."""

    def unwaiting(execute, sql, *rest):
        return execute("SELECT 1" if sql.startswith("LOCK TABLE") else sql, *rest)

    def run() -> None:
        telling(world)()
        with nullcontext() if waits else connection.execute_wrapper(unwaiting):
            seals.seal(world.now)

    return run


def is_whole() -> bool:
    newest = Seal.objects.filter(chain=seals.EVENTS).order_by("-n").first()
    return not list(seals.broken(seals.EVENTS)) and newest.last_id == Event.objects.order_by("-pk").first().pk


def test_sixteen_who_write_and_seal_at_once_leave_one_whole_chain(committed):
    for _ in range(ROUNDS):
        codes(at_once(*[telling(committed)] * 8, *[sealing(committed)] * 8))
        seals.seal(committed.now)
        assert is_whole()


def test_the_seal_waits_for_an_event_on_its_way(committed):
    assert codes(amid(HERE, telling(committed), sealing(committed))) == []
    seals.seal(committed.now)
    assert is_whole()


def test_control_without_waiting_an_event_slips_in_behind_its_seal(committed):
    amid(HERE, telling(committed), sealing(committed, waits=False))
    seals.seal(committed.now)
    assert not is_whole()
