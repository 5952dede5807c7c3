"""Write docs/events.md: all that can happen, with its facts, where it is recorded and who reacts.

    tools/events.py            write the page
    tools/events.py --check    say whether the page is current (exit status 1 if not)

It must never describe an event that ``events.py`` does not define. Read next: ``src/tenure/events.py``.
"""

import argparse
import ast
import os
import sys
from collections import defaultdict
from dataclasses import fields
from pathlib import Path
from types import UnionType

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "tenure"
PAGE = ROOT / "docs" / "events.md"
ENVELOPE = ("partner_id", "subject")


def set_up() -> None:
    """Django with no database behind it: nothing here reads a row."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tenure.settings"
    os.environ["TENURE_DEMO"] = "1"
    os.environ["TENURE_DATABASE_URL"] = "postgresql:///nobody"
    import django

    django.setup()


def recorded_in() -> dict[str, list[str]]:
    """The files that make each event, by the event's class."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="events"), attr=name)):
                    found[name].add(str(path.relative_to(SOURCE)))
    return {name: sorted(files) for name, files in found.items()}


def kind(of: object) -> str:
    return str(of) if isinstance(of, UnionType) else getattr(of, "__name__", str(of))


def page() -> str:
    from tenure import wiring
    from tenure.events import BY_NAME

    files = recorded_in()
    lines = [
        "# What can happen",
        "",
        "Written by `tools/events.py` from `events.py`, `wiring.py` and the files that record them; a test keeps it "
        "current. Every event is one row, written in the transaction of its cause: the audit trail, the partner's "
        "timeline and what reactions listen to. Beside its own facts each carries the partner, the subject "
        "(`order:12`), the actor and the instant.",
        "",
        "| event | facts | recorded in | reactions |",
        "|---|---|---|---|",
    ]
    for name, event in sorted(BY_NAME.items()):
        facts = ", ".join(f"`{f.name}` {kind(f.type)}" for f in fields(event) if f.name not in ENVELOPE)
        where = ", ".join(f"`{file}`" for file in files.get(event.__name__, []))
        reactions = ", ".join(f"`{each}`" for each in wiring.REACTIONS.get(event, []))
        lines.append(f"| `{name}` {event.__name__} | {facts.replace('|', 'or')} | {where} | {reactions} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="Write docs/events.md.")
    parser.add_argument("--check", action="store_true", help="only say whether the page is current")
    check = parser.parse_args().check
    set_up()
    text = page()
    if not check:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        print("docs/events.md is not current: run tools/events.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
