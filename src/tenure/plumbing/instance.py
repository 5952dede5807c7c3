"""Which installation this is: a name in the database and its twin outside it, so that a copy knows that it is one.

A database restored from a backup, or cloned, carries the name but lies elsewhere: under another cluster, or as another
database of the same one. Nothing there leads to its twin, and whoever charges cards from it would charge them a second
time. Rows restored over the very same database lie where they lay, but they have moved money less often than the twin
has seen. It decides whether money may be moved from here. It must never mend a difference by itself once the database
has a name: a person does, with ``tenure release``. Read next: ``plumbing/charging.py``, which asks before each call
that moves money; docs/operations/release-after-a-restore.md.
"""

import os
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.db import connection
from django.db.models import F

from tenure import events
from tenure.kernel.access import Actor, Side
from tenure.kernel.refusals import Invalid
from tenure.plumbing.db import verb
from tenure.plumbing.models import Instance
from tenure.plumbing.outbox import record

REASON_LIMIT = 300


def identify() -> None:
    """Give the installation its name if it has none yet, and keep the twin."""
    if not Instance.objects.exists():
        Instance.objects.create()
        # Two processes that begin at once may have made one each; the first counts.
        _keep(_row())


def released() -> bool:
    """Whether these rows lie where they were named and are no older than their twin, so that money may be moved."""
    # The twin first: it is never ahead of rows that are read after it.
    name, moves = _told()
    row = Instance.objects.order_by("pk").first()
    if row is None:
        identify()
        return True
    return name == str(row.uuid) and moves <= row.moves


def count_move() -> None:
    """Money is about to be moved: one more, in the database and then outside it.

    What is not committed at once would be counted outside alone, and make these rows look restored.
    """
    if connection.in_atomic_block:
        return
    Instance.objects.update(moves=F("moves") + 1)
    row = _row()
    if row.moves > _told()[1]:
        _keep(row)


@verb(Side.STAFF, name="charging.release")
def release(actor: Actor, subject: None, *, reason: str, now: datetime) -> bool:
    """Let a restored or copied installation move money again. Whether it had been stopped."""
    reason = reason.strip()
    if not reason or len(reason) > REASON_LIMIT:
        raise Invalid({"reason": "text.missing" if not reason else "text.too_long"})
    if released():
        return False
    row = _row()
    record(actor, "charging.release", now, events.ChargingReleased(subject=f"instance:{row.uuid}", reason=reason))
    # Whoever else kept a twin of these rows is ahead of none of them any more.
    row.moves = max(row.moves, _told()[1]) + 1
    row.save(update_fields=["moves"])
    _keep(row)
    return True


def _row() -> Instance:
    return Instance.objects.order_by("pk")[0]


def _keep(row: Instance) -> None:
    """Write the twin, readable by its owner alone, whole or not at all."""
    twin = _twin()
    twin.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    half = twin.with_suffix(f".{uuid4().hex}")
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(f"{row.uuid} {row.moves}")
    half.replace(twin)


def _told() -> tuple[str, int]:
    """What the twin says: the name, and how often money had been moved when it was written."""
    try:
        name, _, moves = _twin().read_text().partition(" ")
        return name.strip(), int(moves or 0)
    except (OSError, ValueError):
        return "", 0


def _twin() -> Path:
    """The twin's place: named after the cluster and the database, neither of which a copy takes along."""
    return settings.DATA_DIR / "instance" / sha256(_place().encode()).hexdigest()[:32]


def _place() -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT system_identifier FROM pg_control_system()), oid FROM pg_database "
            "WHERE datname = current_database()"
        )
        return "-".join(map(str, cursor.fetchone()))
