"""Rows written together: nothing is lost, nothing is written twice, and nothing outlives the block."""

import pytest
from django.db import IntegrityError, transaction

from tenure.plumbing import together as block
from tenure.plumbing.models import Counter, Task
from tenure.plumbing.together import first, insert, insert_all, remember, save, together
from tests.worlds import taipei

pytestmark = pytest.mark.django_db
NOW = taipei("2018-06-20 12:00")


def task(n: int) -> Task:
    return Task(kind="order", object=f"order:{n}", reason="", opened_at=NOW)


def test_without_a_block_all_is_written_at_once():
    row = insert(task(1))
    row.reason = "x"
    save(row, "reason")
    insert_all(Task, [task(2)])
    assert list(Task.objects.order_by("pk").values_list("object", "reason")) == [("order:1", "x"), ("order:2", "")]


def test_a_block_of_many_writes_each_table_once_with_the_numbers_given_before(django_assert_num_queries):
    heard = []
    with transaction.atomic(), django_assert_num_queries(2), together(3):
        rows = [insert(task(n)) for n in range(3)]
        assert all(row.pk for row in rows) and len({row.pk for row in rows}) == 3
        for n, row in enumerate(rows):
            row.reason = f"said {n}"
            save(row, "reason")
            first(heard.append, n)
        assert heard == []
    assert heard == [[0, 1, 2]]
    assert dict(Task.objects.values_list("pk", "reason")) == {row.pk: row.reason for row in rows}


def test_rows_that_stood_before_are_changed_in_one_statement(django_assert_num_queries):
    rows = [insert(task(n)) for n in range(3)]
    with transaction.atomic(), together(3), django_assert_num_queries(0):
        for row in rows[:2]:
            row.reason, row.closed_at = "done", NOW
            save(row, "reason", "closed_at")
    assert list(Task.objects.order_by("pk").values_list("reason", "closed_at")) == [("done", NOW)] * 2 + [("", None)]


def test_a_block_of_one_numbers_at_once_what_must_be_known_and_keeps_the_rest():
    with transaction.atomic(), together():
        insert(task(1))
        insert_all(Task, [task(2)])
        assert Task.objects.count() == 1
    assert Task.objects.count() == 2


def test_more_than_was_expected_is_numbered_too():
    with transaction.atomic(), together(2):
        rows = [insert(task(n)) for n in range(5)]
    assert Task.objects.filter(pk__in=[row.pk for row in rows]).count() == 5


def test_a_block_within_another_is_part_of_it():
    with transaction.atomic(), together(2):
        with together():
            insert_all(Task, [task(1)])
        assert not Task.objects.exists()
    assert Task.objects.count() == 1


def test_what_failed_leaves_nothing_behind():
    with pytest.raises(ZeroDivisionError), transaction.atomic(), together(2):
        insert(task(1))
        raise ZeroDivisionError
    insert(task(2))
    assert Task.objects.get().object == "order:2", "written at once: no block is open any more"


def test_what_the_database_refuses_is_refused_when_the_block_ends():
    insert(task(1))
    with pytest.raises(IntegrityError), transaction.atomic(), together(2):
        insert(task(1))
    assert block._open.get() is None and Task.objects.count() == 1


def test_a_row_is_remembered_for_the_block_and_no_longer():
    asked = []

    def counter() -> Counter:
        asked.append(1)
        return Counter.objects.get_or_create(name="x")[0]

    with transaction.atomic(), together(2):
        for _ in range(3):
            row = remember("x", counter)
            row.last += 1
            save(row, "last")
    assert (len(asked), Counter.objects.get(name="x").last) == (1, 3)
    assert remember("x", counter).last == 3 and len(asked) == 2
