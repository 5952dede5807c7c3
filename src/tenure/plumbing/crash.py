"""Named points at which a process can be made to die, as a power cut would make it.

It decides what the points are called and where each stands: two around every commit of a beat or a verb, two around
every call to a gateway, and a few between the statements of a transaction. The names are read from the code, so a
new beat has its points the day it is written. It must never do anything unless ``TENURE_CRASH_AT`` asks for it, which
the settings refuse outside a demonstration. Read next: ``plumbing/db.py``, ``beat``; ``tests/faults``, which kills at
every one of them.

    TENURE_CRASH_AT=purchases.settling.settle:before_commit      the first time it is passed
    TENURE_CRASH_AT=gateway.confirm:answered:2                   the second time
"""

import ast
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.db import transaction

ROOT = Path(__file__).resolve().parent.parent
BEFORE, AFTER = "before_commit", "after_commit"
ASKED, ANSWERED = "before_call", "answered"
CALLS = """open_page prepare confirm look find cancel refund
    open_card_page look_card detach look_dispute disputes charges movements""".split()
MOVES = ("open_page", "prepare", "confirm", "refund")
STEP_CALLS = ("passes", "crash_point")

# Verbs that run in one transaction; each tells its name where it is declared.
VERBS: set[str] = set()


class _Armed:
    """What this process was told: where to die, and who else listens to the points it passes."""

    def __init__(self) -> None:
        self.at, self.left = "", 0
        self.hears: Callable[[str], None] | None = None


_armed: _Armed | None = None


def arm(at: str, hears: Callable[[str], None] | None = None) -> None:
    """Die at a point, written ``name`` or ``name:n``; or only tell which points are passed."""
    global _armed  # noqa: PLW0603  a process dies once
    if not settings.TENURE_DEMO:
        raise RuntimeError("crash points are for demonstrations and tests")
    _armed = _Armed()
    name, _, last = at.rpartition(":")
    _armed.at, _armed.left = (name, int(last)) if last.isdecimal() else (at, 1)
    _armed.hears = hears


def passes(point: str) -> None:
    """This process passes a point, and ends here when it was told to."""
    if _armed is None:
        return
    if _armed.hears:
        _armed.hears(point)
    if point == _armed.at:
        _armed.left -= 1
        if _armed.left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


def around(frame: FrameType) -> Any:
    """The transaction of the beat that stands at a line of the caller, with its two points when they are asked for."""
    if _armed is None:
        return transaction.atomic(durable=True)
    return committed(_at(frame.f_code.co_filename).get(frame.f_lineno, frame.f_code.co_name.lstrip("_")))


@contextmanager
def committed(name: str) -> Iterator[None]:
    """A transaction with a point before its commit and one after."""
    with transaction.atomic(durable=True):
        yield
        passes(f"{name}:{BEFORE}")
    passes(f"{name}:{AFTER}")


class Watched:
    """A gateway whose calls have a point before the request and one after the answer, before anybody has read it.

    Calls that move money are made only when ``allowed``, which is told their names, does not object.
    """

    def __init__(self, through: Any, allowed: Callable[[str], None]):
        self._through, self._allowed = through, allowed

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._through, name)
        if name not in CALLS:
            return found

        def called(*given: Any, **named: Any) -> Any:
            if name in MOVES:
                self._allowed(name)
            passes(f"gateway.{name}:{ASKED}")
            answer = found(*given, **named)
            passes(f"gateway.{name}:{ANSWERED}")
            return answer

        return called


def points() -> list[str]:
    """Every point there is, sorted. Verbs count once they have been brought in (``db.permissions``)."""
    beats: set[str] = set()
    steps: set[str] = set()
    for path in sorted(ROOT.rglob("*.py")):
        beats.update(_at(str(path)).values())
        steps.update(_steps(path))
    names = [f"{name}:{moment}" for name in beats | VERBS for moment in (BEFORE, AFTER)]
    calls = [f"gateway.{name}:{moment}" for name in CALLS for moment in (ASKED, ANSWERED)]
    return sorted([*names, *calls, *steps])


@cache
def _at(file: str) -> dict[int, str]:
    """The line of each ``with beat():`` of a file and the name of what it stands in; the second of one has a number."""
    path = Path(file)
    if not path.is_relative_to(ROOT):
        return {}
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    names: dict[int, str] = {}
    for function in (node for node in ast.walk(_tree(path)) if isinstance(node, ast.FunctionDef)):
        lines = [node.lineno for node in ast.walk(function) if isinstance(node, ast.With) and _is_beat(node)]
        for n, line in enumerate(sorted(lines), 1):
            names[line] = f"{module}.{function.name.lstrip('_')}" + (f".{n}" if n > 1 else "")
    return names


def _steps(path: Path) -> set[str]:
    """The points between two statements: ``passes`` with the name written out."""
    told = (node for node in ast.walk(_tree(path)) if isinstance(node, ast.Call) and _called(node) in STEP_CALLS)
    return {str(arg.value) for node in told for arg in node.args[:1] if isinstance(arg, ast.Constant)}


def _is_beat(node: ast.With) -> bool:
    return any(isinstance(item.context_expr, ast.Call) and _called(item.context_expr) == "beat" for item in node.items)


def _called(node: ast.Call) -> str:
    return getattr(node.func, "id", "") or getattr(node.func, "attr", "")


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


if settings.TENURE_CRASH_AT:
    arm(settings.TENURE_CRASH_AT)
