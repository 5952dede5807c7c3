"""Who is signed in and which programs hold keys, recomputed: nothing is open that has ended.

Read next: ``people/visits.py``, ``people/keys.py``.
"""

from collections.abc import Iterator

from tenure.kernel.access import TABLE, holds
from tenure.proof.book import Book, stream
from tenure.proof.invariants import Violation, broken, invariant


@invariant(
    "I-44",
    "No session outlives its visit, and nobody who may not come in has one; a key ends and holds known permissions.",
    tables="people_visit django_session people_apikey people_user",
    guards="api_key_expires",
)
def nothing_is_open_that_has_ended(book: Book) -> Iterator[Violation]:
    yield from broken(
        """SELECT 'visit:' || v.id AS object, v.why_ended, u.is_active FROM people_visit v
           JOIN people_user u ON u.id = v.user_id JOIN django_session s ON s.session_key = v.session
           WHERE (v.ended_at IS NOT NULL OR NOT u.is_active) AND NOT EXISTS (
                SELECT FROM people_visit o WHERE o.session = v.session AND o.id > v.id AND o.ended_at IS NULL)"""
    )
    yield from broken(
        """SELECT 'key:' || id AS object, made_at, expires_at FROM people_apikey
           WHERE expires_at > made_at + interval '366 days' OR last_used_at > expires_at"""
    )
    for row in stream("SELECT id, scopes FROM people_apikey"):
        for name in row["scopes"]:
            if name not in TABLE and not any(holds(frozenset({name}), known) for known in TABLE):
                yield Violation(f"key:{row['id']}", {"permission": name})
