"""Write docs/access.md: every permission with the roles that hold it, and every address with its guard.

    tools/access.py            write the page
    tools/access.py --check    say whether the page is current (exit status 1 if not)

It must never hold a permission of its own: all of it is read from the verbs, the guards and the programme file.
Read next: ``src/tenure/kernel/access.py``.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "access.md"
PROGRAMME = ROOT / "programmes" / "aurora.toml"
SIDES = {
    "partner": "partner's people",
    "staff": "staff",
    "both": "partner's people and staff",
    "system": "the system alone",
    "anyone": "anybody",
}


def set_up() -> None:
    """Django with no database behind it: nothing here reads a row."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tenure.settings"
    os.environ["TENURE_DEMO"] = "1"
    os.environ["TENURE_DATABASE_URL"] = "postgresql:///nobody"
    import django

    django.setup()


def routes() -> Iterator[tuple[str, object]]:
    """Every address and its view, in the order in which they are tried."""
    from django.urls import URLResolver, get_resolver

    def walk(patterns: list, before: str) -> Iterator[tuple[str, object]]:
        for each in patterns:
            address = before + str(each.pattern)
            if isinstance(each, URLResolver):
                yield from walk(each.url_patterns, address)
            else:
                yield address, each.callback

    yield from walk(get_resolver().url_patterns, "/")


def page() -> str:
    from tenure.kernel.access import holds
    from tenure.plumbing.db import permissions
    from tenure.programme.reading import read

    addresses = list(routes())
    roles = [role for role in read(PROGRAMME.read_text(encoding="utf-8")).roles if "*" not in role.permissions]
    lines = [
        "# Who may do what",
        "",
        "Written by `tools/access.py` from the verbs, the guards of the pages and `programmes/aurora.toml`; a test "
        "keeps it current. Roles are data: an operator changes them in the programme file. The two admin roles of the "
        "demonstration programme, Global admin and Programme operator, hold every permission of their side and are "
        "left out of the last column.",
        "",
        "A permission that stands above a verb carries the verb's name. Another company's objects do not exist for a "
        "stranger (404); a colleague without the right is told who can help (403).",
        "",
        "## Permissions",
        "",
        "| permission | says | for | money | roles |",
        "|---|---|---|---|---|",
    ]
    for name, each in sorted(permissions().items()):
        holding = ", ".join(role.name.en for role in roles if holds(role.permissions, name)) or "–"
        money = "moves money" if each.money else ""
        lines.append(f"| `{name}` | {each.says} | {SIDES[each.side]} | {money} | {holding} |")
    lines += ["", "## Addresses", "", "| address | door | permission |", "|---|---|---|"]
    for address, view in addresses:
        access = getattr(view, "access", None)
        door, permission = (access.door, access.permission) if access else ("sign-in", None)
        shown = address.replace("|", "\\|")
        for method, operation in sorted(getattr(view, "operations", {}).items()):
            right = f"`{operation.permission}`" if operation.permission else "any key"
            lines.append(f"| `{method} {shown}` | {door}{', office' if operation.office else ''} | {right} |")
        if hasattr(view, "operations"):
            continue
        lines.append(f"| `{shown}` | {door} | {f'`{permission}`' if permission else ''} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="Write docs/access.md.")
    parser.add_argument("--check", action="store_true", help="only say whether the page is current")
    check = parser.parse_args().check
    set_up()
    text = page()
    if not check:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        print("docs/access.md is not current: run tools/access.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
