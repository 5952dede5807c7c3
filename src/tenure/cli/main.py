"""The command line's frame: finds the command, runs it, and turns what went wrong into words and an exit status.

It decides how every command ends: 0, or 1 when a check failed, or 2 when it could not run. It must never do a
command's work, nor import a group that was not asked for, so that ``--help`` answers at once. Each group is a
module with ``register(commands)``; one that needs the rows says ``NEEDS_DJANGO = True`` and imports them inside
its functions. Read next: ``cli/up.py``, the command behind ``make run``.
"""

import argparse
import errno
import json
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

from tenure.kernel.refusals import Refusal

FAILED, COULD_NOT_RUN, INTERRUPTED = 1, 2, 130

# Heading, then: command, the module that holds it, its line in the overview.
GROUPS = (
    (
        "Run the house",
        (
            ("up", "tenure.cli.up", "start everything: database, demonstration, worker and web"),
            ("serve", "tenure.cli.serve", "the web alone"),
            ("work", "tenure.cli.work", "the worker alone"),
        ),
    ),
    (
        "Try it out",
        (
            ("demo", "tenure.cli.demo", "fill an empty database with a living programme"),
            ("clock", "tenure.cli.clock", "show, set or advance the demonstration clock"),
            ("tour", "tenure.cli.tour", "one renewal told in six files, with line numbers"),
        ),
    ),
    (
        "Run the programme",
        (
            ("programme", "tenure.cli.programme", "check, compare or apply the programme file"),
            ("renewals", "tenure.cli.renewals", "the daily renewal run"),
            ("import", "tenure.cli.imports", "take in a bank statement"),
            ("jobs", "tenure.cli.jobs", "list or run what is due now"),
            ("charging", "tenure.cli.charging", "stop charging cards, or let them be charged again"),
            ("keys", "tenure.cli.keys", "bring what is stored sealed under a new key"),
            ("books", "tenure.cli.books", "close a month, write the journal, compare with the gateway"),
        ),
    ),
    (
        "Prove it",
        (
            ("verify", "tenure.cli.verify", "recompute every promise and list what is broken"),
            ("facts", "tenure.cli.facts", "every fact as lines of JSON, for another program to check"),
            ("release", "tenure.cli.release", "let a restored or copied database charge again"),
            ("crashpoints", "tenure.cli.crashpoints", "where a process can be made to die, for a rehearsal"),
            ("bench", "tenure.cli.bench", "measure pages and the renewal run"),
        ),
    ),
)
COMMANDS = {name: module for _, rows in GROUPS for name, module, _ in rows}


class CannotRun(Exception):
    """A command that can't run; the message is one sentence for a person."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tenure.settings")
    try:
        return _run(words)
    except KeyboardInterrupt:
        return _say("Stopped.", INTERRUPTED)
    except SystemExit as stop:
        # argparse leaves with a number, settings that can't be used with a sentence.
        return stop.code if isinstance(stop.code, int) else _say(str(stop.code), COULD_NOT_RUN) if stop.code else 0
    except Refusal as refusal:
        facts = "".join(f" {name}={value}" for name, value in refusal.facts.items())
        return _say(f"{refusal.code}{facts}", FAILED)
    except BrokenPipeError:
        # The reader of our output has seen enough (``| head``); keep Python from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        sentence = explained(error)
        if not sentence:
            raise
        return _say(sentence, COULD_NOT_RUN)


def join_house(environ: Mapping[str, str]) -> dict[str, str]:
    """What ``tenure up`` left for commands in another terminal: its key, its port, its card gateway.

    A database named in the environment is a real installation, which a folder lying about must not touch.
    """
    if environ.get("TENURE_DATABASE_URL"):
        return {}
    try:
        left = json.loads((Path(environ.get("TENURE_DATA_DIR") or ".data") / "house.json").read_text())
    except (OSError, ValueError):
        return {}
    return {name: value for name, value in left.items() if name not in environ}


def explained(error: Exception) -> str:
    """One sentence for what a person can mend, nothing for what is a defect in the program."""
    if isinstance(error, CannotRun) or type(error).__name__ == "DatabaseUnavailable":
        return str(error)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "The disk is full: free some space and start again."
    if isinstance(error, PermissionError) and error.filename:
        return f"{error.filename} can't be opened: {error.strerror}."
    # By name, so that neither library is imported for a command without a database.
    library, kind = type(error).__module__.split(".")[0], type(error).__name__
    if library in ("django", "psycopg", "psycopg_pool") and kind in ("OperationalError", "PoolTimeout"):
        reason = " ".join(str(error).split()).rstrip(".")
        return f"The database can't be reached; is it running, and is TENURE_DATABASE_URL right? It said: {reason}."
    return ""


def _run(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="tenure",
        usage="tenure COMMAND [options]",
        description="Tenure, the partner programme centre.",
        epilog=_overview(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    if not words or words[0].startswith("-"):
        parser.add_argument("command", nargs="?", help=argparse.SUPPRESS)
        parser.parse_args(words)
        parser.print_help()
        return 0 if words else COULD_NOT_RUN
    if words[0] not in COMMANDS:
        return _say(f"tenure has no command {words[0]!r}; tenure --help lists them.", COULD_NOT_RUN)
    if words[0] != "up":
        os.environ.update(join_house(os.environ))
    module = import_module(COMMANDS[words[0]])
    args = parse(parser, module, words)
    if getattr(module, "NEEDS_DJANGO", False):
        _set_up_django()
    return int(args.run(args) or 0)


def parse(parser: argparse.ArgumentParser, module: ModuleType, words: list[str]) -> argparse.Namespace:
    """Let the one group that was asked for add its commands, then read the words."""
    module.register(parser.add_subparsers(dest="command", metavar="COMMAND", required=True, prog="tenure"))
    return parser.parse_args(words)


def _set_up_django() -> None:
    import django  # noqa: PLC0415  only for a command that needs the rows

    django.setup()


def _overview() -> str:
    lines = []
    for heading, rows in GROUPS:
        lines += [f"{heading}:", *(f"  {name:<12}{line}" for name, _, line in rows), ""]
    return "\n".join([*lines, "tenure COMMAND --help says more. Exit status: 0, 1 a check failed, 2 could not run."])


def _say(sentence: str, status: int) -> int:
    print(sentence, file=sys.stderr)
    return status


if __name__ == "__main__":
    # Under its own name, so that there is one CannotRun and not two.
    sys.exit(import_module("tenure.cli.main").main())
