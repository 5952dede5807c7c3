"""Rows that are written together: each table of a transaction in one statement instead of one for every row.

It decides in which order what was kept is written: what must come first, new rows, changed rows. It must never keep
anything beyond the block it was kept in, nor outlive its transaction. Steps speak to it whether a block is open or
not: without one, all is written at once. Within a block nobody may read back what the block has not written yet; so a
block holds work on different partners only, which no step of another's reads. Read next:
``purchases/transfers.py``, which gives the lines of a bank file in blocks.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model

from tenure.plumbing.db import inside

Row = TypeVar("Row", bound=Model)


class _Block:
    """What is kept until the block ends."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.first: dict[Callable[[list], None], list] = {}
        self.new: dict[type[Model], list] = defaultdict(list)
        self.changed: dict[tuple[type[Model], tuple[str, ...]], dict[int, Any]] = defaultdict(dict)
        self.remembered: dict[Any, Any] = {}
        self._fresh: set[int] = set()
        self._ids: dict[type[Model], Iterator[int]] = {}

    @property
    def many(self) -> bool:
        return self.size > 1

    def add(self, row: Model) -> None:
        self.new[type(row)].append(row)
        self._fresh.add(id(row))

    def add_with_id(self, row: Model) -> None:
        model = type(row)
        row.pk = next(self._ids.get(model) or iter(()), None) or self._more_ids(model)
        self.add(row)

    def change(self, row: Model, fields: tuple[str, ...]) -> None:
        if id(row) not in self._fresh:
            self.changed[type(row), fields][id(row)] = row

    def _more_ids(self, model: type[Model]) -> int:
        with connection.cursor() as cursor:
            table, column = model._meta.db_table, model._meta.pk.column
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)", [table, column, self.size]
            )
            self._ids[model] = iter([id for (id,) in cursor.fetchall()])
        return next(self._ids[model])

    def write(self) -> None:
        for function, values in self.first.items():
            function(values)
        for model, rows in self.new.items():
            model._base_manager.bulk_create(rows)
        for (model, fields), changed in self.changed.items():
            _update(model, list(changed.values()), fields)


def _update(model: type[Model], rows: list[Any], fields: tuple[str, ...]) -> None:
    """Some fields of several rows in one statement, each value beside its row's number."""
    columns: list[Any] = [model._meta.get_field(field) for field in fields]
    quoted = [connection.ops.quote_name(column.column) for column in columns]
    types = [str(column.db_parameters(connection)["type"]) for column in columns]
    values = [[column.get_db_prep_save(getattr(row, column.attname), connection) for row in rows] for column in columns]
    told = ", ".join(["%s::bigint[]", *(f"%s::{kind}[]" for kind in types)])
    sql = (
        f"UPDATE {model._meta.db_table} AS t SET {', '.join(f'{name} = v.{name}' for name in quoted)} "
        f"FROM UNNEST({told}) AS v (id, {', '.join(quoted)}) WHERE t.id = v.id"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [[row.pk for row in rows], *values])


_open: ContextVar[_Block | None] = ContextVar("together", default=None)


@contextmanager
def together(size: int = 1) -> Iterator[None]:
    """Keep new rows until the end of the block. ``size`` says of how many like things; one within another is one."""
    inside("writing together")
    if _open.get() is not None:
        yield
        return
    block = _Block(size)
    token = _open.set(block)
    try:
        yield
        _open.set(None)
        block.write()
    finally:
        _open.reset(token)


def insert(row: Row) -> Row:
    """Write a new row whose number is needed at once: kept in a block of many, with its number taken beforehand."""
    block = _open.get()
    if block is not None and block.many:
        block.add_with_id(row)
    else:
        row.save(force_insert=True)
    return row


def insert_all(model: type[Row], rows: Iterable[Row]) -> list[Row]:
    """Write new rows whose numbers nobody needs before the block ends."""
    made = list(rows)
    block = _open.get()
    if block is None:
        return model._base_manager.bulk_create(made)
    for row in made:
        block.add(row)
    return made


def save(row: Model, *fields: str) -> None:
    """Write some fields of a row that stands already, or let them go in with it when it is still to be written."""
    block = _open.get()
    if block is None:
        row.save(update_fields=fields)
    else:
        block.change(row, fields)


def remember(key: Any, read: Callable[[], Row]) -> Row:
    """A row that is read and locked once for a whole block; without one, now."""
    block = _open.get()
    if block is None:
        return read()
    if key not in block.remembered:
        block.remembered[key] = read()
    return block.remembered[key]


def first(function: Callable[[list], None], value: Any) -> None:
    """Do something before the rows of a block are written, once for all the values it was asked with."""
    block = _open.get()
    if block is not None and block.many:
        block.first.setdefault(function, []).append(value)
    else:
        function([value])
