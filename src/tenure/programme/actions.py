"""Applying a programme file: the only writer of versions. Read next: ``programme/reading.py``."""

import hashlib
from datetime import datetime

from tenure import events
from tenure.kernel.access import Actor, Side
from tenure.kernel.periods import day_of
from tenure.kernel.refusals import Refusal
from tenure.plumbing.db import verb
from tenure.plumbing.outbox import record
from tenure.programme import queries
from tenure.programme.comparing import rewrites
from tenure.programme.models import Version
from tenure.programme.reading import read

# VERBS


@verb(Side.STAFF)
def apply(actor: Actor, subject: None, *, source: str, now: datetime) -> Version:
    """Make a file the programme in force. A faulty file is refused whole; the same file again changes nothing.

    Policies that have begun and agreements somebody may have accepted keep their words: a change needs a new
    version of them in the file, or the file is refused.
    """
    programme = read(source)
    sha256 = hashlib.sha256(source.encode()).hexdigest()
    # Of two at once the second waits for the first, and sees its version only by looking again.
    list(Version.objects.select_for_update().order_by("-n")[:1])
    latest = Version.objects.order_by("-n").first()
    if latest and latest.sha256 == sha256:
        return latest
    if latest:
        before = queries.version(latest.n)
        rewritten = rewrites(before, programme, day_of(now, before.zone))
        if rewritten:
            raise Refusal("programme.rewrites_the_past", paths=sorted({change.path for change in rewritten}))
    row = Version.objects.create(
        n=latest.n + 1 if latest else 1,
        code=programme.code,
        source=source,
        sha256=sha256,
        applied_at=now,
        applied_by=actor.label,
    )
    record(
        actor,
        "programme.apply",
        now,
        events.ProgrammeApplied(subject=f"programme:{row.n}", version=row.n, sha256=sha256),
    )
    return row
