"""Two who stop charging at the same instant make one stop; and the count of moves never runs behind its twin."""

import pytest

from tenure.plumbing import charging, instance
from tenure.plumbing.models import ChargingStop, Event, Instance
from tests.faults.conftest import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def stop(world, n: int):
    return lambda: charging.stop(world.system, None, reason=f"No {n}", now=world.now)


def test_eight_who_stop_it_at_once_make_one_stop_and_one_event(committed):
    instance.identify()
    answers = at_once(*(stop(committed, n) for n in range(8)))
    assert sorted(map(str, answers)) == ["False"] * 7 + ["True"]
    assert ChargingStop.objects.count() == Event.objects.filter(name="charging.stopped").count() == 1


def test_the_first_call_of_two_new_processes_leaves_one_name(committed, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    Instance.objects.all().delete()
    at_once(*[instance.identify] * 4)
    assert instance.released()


def test_moves_counted_by_many_at_once_never_look_restored(committed, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    Instance.objects.all().delete()
    instance.identify()

    def moves():
        for _ in range(10):
            assert instance.released()
            instance.count_move()
        return True

    assert at_once(*[moves] * 6) == [True] * 6
    assert Instance.objects.get().moves == 60 and instance._told()[1] <= 60


def test_control_counted_outside_first_it_looks_restored(committed, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    Instance.objects.all().delete()
    instance.identify()
    row = Instance.objects.get()
    row.moves += 1
    instance._keep(row)
    assert not instance.released()
