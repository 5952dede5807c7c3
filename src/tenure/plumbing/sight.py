"""Whose rows the database shows: a second line behind the queries, should one of them forget to ask for one company.

While a partner's person or program is being answered, the connection wears a role to which PostgreSQL shows the rows
of their own companies and no others. It decides when that begins and ends; whose rows are whose stands in the
policies, made by migrations with ``shown_to``. What a verb does is done with open eyes: it was decided by its
permission, on an object that was seen, and the rules look at more than one company (numbers, bounds, duplicates). It
must never narrow for staff, jobs or commands, and never leave a connection narrowed that goes back into the pool.
Read next: ``plumbing/db.py``, ``verb``; docs/adr/0016-rows-of-one-company.md.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

import psycopg
from django.db import connection, migrations
from django.db.backends.signals import connection_created

from tenure.kernel.access import Actor

ROLE = "tenure_partner"
NARROW = (
    "SELECT set_config('tenure.partners', %s, false), set_config('tenure.person', %s, false), "
    f"set_config('role', '{ROLE}', false)"
)
WIDE = "SELECT set_config('role', 'none', false)"
# Evaluated once for a statement, and an index on the company is still of use.
MINE = "ANY ((SELECT current_setting('tenure.partners', true)::bigint[])::bigint[])"
ME = "(SELECT current_setting('tenure.person', true)::bigint)"


@dataclass(frozen=True, slots=True)
class Seen:
    """Whose rows are shown."""

    partners: str
    person: str


_seen: ContextVar[Seen | None] = ContextVar("sight", default=None)
# Connections that wear the role. One may go back into the pool so, when it is closed in the middle of a request.
_wearing: WeakSet[Any] = WeakSet()


def through_eyes_of(actor: Actor) -> None:
    """Show from now on what belongs to the companies of a partner's person or program; staff see everything."""
    if actor.is_staff or not actor.grants:
        return
    seen = Seen("{" + ",".join(map(str, sorted(actor.grants))) + "}", str(actor.id or 0))
    if _seen.get() == seen:
        return
    connection.ensure_connection()
    _narrow(seen)
    _seen.set(seen)


def with_open_eyes() -> None:
    """Show everything again: a request has been answered."""
    if _seen.get() is None:
        return
    _seen.set(None)
    _widen()


@contextmanager
def everything() -> Iterator[None]:
    """Show everything inside a block, and afterwards what was shown before."""
    seen = _seen.get()
    if seen is None:
        yield
        return
    with_open_eyes()
    try:
        yield
    finally:
        _seen.set(seen)
        if connection.connection is not None and not connection.needs_rollback:
            _narrow(seen)


def narrowed() -> bool:
    return _seen.get() is not None


def _narrow(seen: Seen) -> None:
    # Past Django's cursors: this is no statement of a page, and none that a page's count should hold.
    connection.connection.execute(NARROW, [seen.partners, seen.person])
    _wearing.add(connection.connection)


def _widen() -> None:
    raw = connection.connection
    if raw is None or raw.closed:
        return
    try:
        raw.execute(WIDE)
        _wearing.discard(raw)
    except psycopg.Error:
        # What cannot be opened again must not serve anybody else: the pool throws a closed connection away.
        raw.close()


def _again(connection: Any, **_more: Any) -> None:
    """A connection taken in the middle of a request sees no more than the first; taken by anybody else, everything."""
    if (seen := _seen.get()) is not None:
        _narrow(seen)
    elif connection.connection in _wearing:
        _widen()


connection_created.connect(_again, dispatch_uid="sight.again")


# For migrations


def role() -> migrations.RunSQL:
    """The role itself, which belongs to the whole server, and what it may touch at all."""
    return migrations.RunSQL(
        f"""
        DO $$
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN
                BEGIN
                    CREATE ROLE {ROLE} NOLOGIN;
                EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
                END;
            END IF;
            IF NOT pg_has_role(current_user, '{ROLE}', 'MEMBER') THEN
                EXECUTE format('GRANT {ROLE} TO %I', current_user);
            END IF;
            EXECUTE format('GRANT USAGE ON SCHEMA %I TO {ROLE}', current_schema());
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE EXCEPTION 'The role {ROLE} cannot be made by %', current_user USING HINT =
                format('As the server''s administrator: CREATE ROLE {ROLE} NOLOGIN; GRANT {ROLE} TO %I;', current_user);
        END $$;
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {ROLE};
        GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {ROLE};
        ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {ROLE};
        ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {ROLE};
        """,
        f"""
        ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM {ROLE};
        ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON SEQUENCES FROM {ROLE};
        REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {ROLE};
        REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {ROLE};
        REVOKE ALL ON SCHEMA public FROM {ROLE};
        """,
    )


def shown_to(table: str, rule: str) -> migrations.RunSQL:
    """Rows of a table that a partner's people see only where a rule holds. The owner goes on seeing all of them."""
    return migrations.RunSQL(
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; "
        f"CREATE POLICY {table}_of_partner ON {table} TO {ROLE} USING ({rule}) WITH CHECK ({rule});",
        f"DROP POLICY {table}_of_partner ON {table}; ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;",
    )


def of_company(table: str, column: str = "partner_id") -> migrations.RunSQL:
    return shown_to(table, f"{column} = {MINE}")


def of_parent(table: str, column: str, parent: str) -> migrations.RunSQL:
    """Rows without a company of their own: seen with the row they hang on."""
    return shown_to(table, f"EXISTS (SELECT FROM {parent} p WHERE p.id = {table}.{column})")
