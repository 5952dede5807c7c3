"""The programme file from the command line: is it sound, what would it change, and bring it into force.

It decides only how the answer is printed and which status it ends with. It must never judge a file itself.
Read next: ``programme/reading.py`` and ``docs/how-to/change-the-programme.md``.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tenure.cli.main import FAILED, CannotRun
from tenure.kernel.periods import day_of
from tenure.kernel.refusals import Refusal
from tenure.programme.comparing import Change, changes, rewrites
from tenure.programme.reading import Fault, Faulty, read
from tenure.programme.rules import Programme

NEEDS_DJANGO = True


def register(commands: Any) -> None:
    text = "Check, compare or apply the programme: offers, prices, rules, roles and texts in one file."
    parser = commands.add_parser("programme", help="check, compare or apply the programme file", description=text)
    verbs = parser.add_subparsers(dest="programme_verb", metavar="VERB", required=True)
    for name, run, line in (
        ("check", check, "say whether a file is sound, or list every fault with its line"),
        ("diff", diff, "show what a file would change in the programme in force"),
        ("apply", apply, "make a file the programme in force, as a new version"),
    ):
        verb = verbs.add_parser(name, help=line, description=f"{line[0].upper()}{line[1:]}.")
        verb.add_argument("file", metavar="FILE", help="a programme file, like programmes/aurora.toml")
        verb.add_argument("--json", action="store_true", help="answer in JSON")
        verb.set_defaults(run=run)


def check(args: argparse.Namespace) -> int:
    try:
        programme = _read(_source(args.file))
    except Faulty as faulty:
        return _refused(args, faulty.faults)
    _say(args, f"{args.file}: sound: {_counted(programme)}", {"sound": True, "faults": [], **_counts(programme)})
    return 0


def diff(args: argparse.Namespace) -> int:
    from tenure.plumbing import clock
    from tenure.programme import queries

    try:
        programme = _read(_source(args.file))
    except Faulty as faulty:
        return _refused(args, faulty.faults)
    try:
        present = queries.current()
    except Refusal as refusal:
        raise CannotRun("No programme is in force yet: apply one first.") from refusal
    found = changes(present, programme)
    lines = [_line(change) for change in found] or ["  nothing changes"]
    past = rewrites(present, programme, day_of(clock.now(), present.zone))
    lines += [f"  ! {change.path} would rewrite the past; add a new version beside it instead" for change in past]
    head = f"{args.file} beside version {present.version}:"
    facts = {"changes": [asdict(each) for each in found], "rewrites": [change.path for change in past]}
    _say(args, "\n".join([head, *lines]), {"version": present.version, **facts})
    return FAILED if past else 0


def apply(args: argparse.Namespace) -> int:
    from tenure.kernel.access import SYSTEM
    from tenure.plumbing import clock
    from tenure.programme import actions

    source = _source(args.file)
    try:
        _read(source)
    except Faulty as faulty:
        return _refused(args, faulty.faults)
    now = clock.now()
    row = actions.apply(SYSTEM, None, source=source, now=now)
    new = row.applied_at == now
    words = f"version {row.n} is in force" if new else f"nothing changes, version {row.n} stays in force"
    _say(args, f"{args.file}: {words}", {"version": row.n, "new": new, "sha256": row.sha256})
    return 0


def _source(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise CannotRun(f"{file} can't be read: it is not saved as UTF-8.") from None
    except OSError as error:
        raise CannotRun(f"{file} can't be read: {error.strerror}.") from None


def _read(source: str) -> Programme:
    return read(source, known_permissions=_permissions())


def _permissions() -> frozenset[str]:
    from tenure.plumbing.db import permissions

    return frozenset(permissions())


def _refused(args: argparse.Namespace, faults: list[Fault]) -> int:
    if args.json:
        print(json.dumps({"file": args.file, "sound": False, "faults": list(map(asdict, faults))}, ensure_ascii=False))
    for fault in () if args.json else faults:
        print(f"{args.file}:{fault.line}: {fault.path}: {fault.message} {fault.remedy}")
    count = len(faults)
    print(f"{args.file}: refused: {count} fault{'' if count == 1 else 's'}", file=sys.stderr)
    return FAILED


def _say(args: argparse.Namespace, words: str, facts: dict[str, Any]) -> None:
    print(json.dumps({"file": args.file, **facts}, ensure_ascii=False, default=str) if args.json else words)


def _line(change: Change) -> str:
    before, after = _short(change.before), _short(change.after)
    if change.before is None:
        return f"  + {change.path}: {after}"
    return f"  - {change.path}: {before}" if change.after is None else f"  ~ {change.path}: {before} → {after}"


def _short(words: str | None) -> str:
    line = " ".join((words or "").split())
    return f"{line[:59]}…" if len(line) > 60 else line


def _counts(programme: Programme) -> dict[str, int]:
    parts = ("policies", "offers", "prices", "agreements", "taxes", "roles", "problem_types", "letters")
    return {part: len(getattr(programme, part)) for part in parts}


def _counted(programme: Programme) -> str:
    names = {"policies": "policy", "taxes": "tax", "problem_types": "problem type"}
    return ", ".join(
        f"{count} {part.replace('_', ' ') if count != 1 else names.get(part, part.removesuffix('s'))}"
        for part, count in _counts(programme).items()
    )
