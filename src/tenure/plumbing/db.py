"""Transactions, locks and the way a verb is declared.

It decides where a transaction begins, that no gateway is called inside one, and that nobody passes without
the permission that stands above the verb. It must never know a capability. Read next: ``plumbing/outbox.py``.
"""

import sys
from collections.abc import Callable
from datetime import date, datetime
from functools import wraps
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.db import connection, migrations

from tenure.kernel.access import TABLE, Actor, Permission, Side, decide, declare
from tenure.kernel.money import Money
from tenure.kernel.text import Text
from tenure.plumbing import crash
from tenure.plumbing.crash import passes as crash_point
from tenure.plumbing.models import Counter
from tenure.plumbing.sight import everything


def wiring():
    """The one page that says who listens, what runs when and which gateway; read late, imported by nobody."""
    return import_module(settings.TENURE_WIRING)


def permissions() -> dict[str, Permission]:
    """Every permission there is. They stand above verbs and pages, so all of both are brought in first."""
    for capability in settings.CAPABILITIES:
        if find_spec(f"{capability}.actions"):
            import_module(f"{capability}.actions")
    import_module(settings.ROOT_URLCONF)
    return TABLE


def inside_transaction() -> bool:
    """Whether a transaction is open that was not opened by a test around everything."""
    return any(not block._from_testcase for block in connection.atomic_blocks)  # type: ignore[attr-defined]


def outside_transaction(what: str) -> None:
    """Refuse to go on while a transaction is open (reliability.md, I-14)."""
    if inside_transaction():
        raise RuntimeError(f"{what} must not run inside a transaction")


def inside(what: str) -> None:
    """A step is part of somebody's transaction; alone it would leave half a story."""
    if not connection.in_atomic_block:
        raise RuntimeError(f"{what} needs the transaction of a verb")


def beat():
    """One beat of a money verb: its own transaction, committed before the next beat begins."""
    return crash.around(sys._getframe(1))


def partner_of(subject: Any) -> int | None:
    return getattr(subject, "partner_id", None)


def verb(side: Side, *, name: str = "", money: bool = False) -> Callable:
    """Declare a verb: who may ask for it, under its dotted name, and whether it moves money.

    The decorated function takes the actor and the subject (whose ``partner_id`` says whose it is), then
    keywords. An ordinary verb runs in one transaction; a money verb opens its own beats.
    """

    def declaring(function: Callable) -> Callable:
        permission = name or f"{function.__module__.split('.')[1]}.{function.__name__}"
        declare(permission, side, money=money, says=(function.__doc__ or "").strip().split("\n")[0])

        if not money:
            crash.VERBS.add(permission)

        @wraps(function)
        def asked(actor: Actor, subject: Any, /, **given: Any) -> Any:
            decide(actor, permission, partner_of(subject))
            outside_transaction(permission)
            with everything():
                if money:
                    return function(actor, subject, **given)
                with crash.committed(permission):
                    return function(actor, subject, **given)

        asked.permission = permission  # type: ignore[attr-defined]
        return asked

    return declaring


def take_numbers(name: str, count: int = 1) -> int:
    """Take ``count`` numbers of a counter and return the first; the row stays locked until commit."""
    inside("taking a number")
    Counter.objects.bulk_create([Counter(name=name)], ignore_conflicts=True)
    row = Counter.objects.select_for_update().get(name=name)
    row.last += count
    row.save(update_fields=["last"])
    crash_point("number.taken")
    return row.last - count + 1


def pack(value: Any) -> Any:
    """Facts as JSON: dates, instants and money keep their kind.

    >>> pack({"price": Money(475, "TWD"), "on": date(2019, 6, 22)})
    {'price': {'$money': [475, 'TWD']}, 'on': {'$date': '2019-06-22'}}
    """
    match value:
        case Money():
            return {"$money": [value.minor, value.currency]}
        case datetime():
            return {"$at": value.isoformat()}
        case date():
            return {"$date": value.isoformat()}
        case dict():
            return {key: pack(item) for key, item in value.items()}
        case list() | tuple():
            return [pack(item) for item in value]
        case Text():
            return {"$text": [value.en, value.zh_hant]}
        case _:
            return value


def unpack(value: Any) -> Any:
    """The reverse of ``pack``; texts come back as a pair the doors can say in either language."""
    match value:
        case {"$money": [minor, currency]}:
            return Money(minor, currency)
        case {"$at": text}:
            return datetime.fromisoformat(text)
        case {"$date": text}:
            return date.fromisoformat(text)
        case {"$text": [en, zh_hant]}:
            return Text(en, zh_hant)
        case dict():
            return {key: unpack(item) for key, item in value.items()}
        case list():
            return [unpack(item) for item in value]
        case _:
            return value


def late_key(table: str, column: str, target: str, *, name: str) -> migrations.RunSQL:
    """A foreign key from a lower row to a higher one, kept by the higher capability's migration.

    Code only looks down the stack, so the lower model holds a bare id; the database still keeps the promise.
    """
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({column}) REFERENCES {target} (id) "
        "DEFERRABLE INITIALLY DEFERRED",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


def append_only(table: str) -> migrations.RunSQL:
    """Rows of a table that are never changed and never vanish: the database refuses both."""
    return migrations.RunSQL(
        f"""
        CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'restrict_violation'; END $$;
        CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only();
        """,
        f"DROP TRIGGER {table}_append_only ON {table}; DROP FUNCTION {table}_append_only();",
    )
