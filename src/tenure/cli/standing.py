"""What a command finds when it starts: tables and a programme, or one sentence about what is missing.

It decides nothing. Read next: ``cli/main.py``, which prints the sentence.
"""

from django.db import ProgrammingError

from tenure.cli.main import CannotRun
from tenure.kernel.refusals import Refusal
from tenure.programme.queries import current
from tenure.programme.rules import Programme


def programme() -> Programme:
    """The programme in force."""
    try:
        return current()
    except (Refusal, ProgrammingError):
        raise CannotRun("There is no programme here yet: `tenure demo` opens one, or apply a programme file.") from None
