"""What the pages say is so: links lead somewhere, files and commands exist, generated maps are current.

A page that is wrong is worse than none. Nothing here judges style. Read next: ``README.md``.
"""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tenure.cli.main import COMMANDS
from tenure.events import BY_NAME
from tools.events import recorded_in

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "tenure"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
PROSE = [page for page in PAGES if page.name not in ("access.md", "events.md")]

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
CODE = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"[\w./-]*\w\.(?:py|md|toml|typ|css|html|po|lock)|(?:src|docs|tests|tools|programmes)/[\w./-]*")
READ_NEXT = re.compile(r"Read next:(.*?)(?:\n\n|\Z)", re.DOTALL)


def page_name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def exists(name: str, page: Path) -> bool:
    """Whether a file that is named is there: from the root, beside the page, or at the end of a path in the source."""
    name = name.rstrip("/")
    if any((place / name).exists() for place in (ROOT, ROOT / "src", SOURCE, page.parent, page.parent.parent)):
        return True
    if name in (ROOT / ".gitignore").read_text("utf-8").split():
        return True
    return any(
        str(path).endswith(f"/{name}") for top in (SOURCE, ROOT / "tests") for path in top.rglob(Path(name).name)
    )


def links() -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        for target in LINK.findall(page.read_text("utf-8")):
            if "://" not in target:
                yield page, target


def test_every_link_leads_somewhere():
    broken = [f"{page_name(page)}: {target}" for page, target in links() if not (page.parent / target).exists()]
    assert not broken


def test_every_file_a_page_names_is_there():
    missing = []
    for page in PROSE:
        for code in CODE.findall(LINK.sub("", page.read_text("utf-8"))):
            if FILE.fullmatch(code) and "*" not in code and not exists(code, page):
                missing.append(f"{page_name(page)}: {code}")
    assert not missing


def test_every_read_next_leads_somewhere():
    missing = []
    for path in sorted([*SOURCE.rglob("*.py"), *(ROOT / "tools").glob("*.py"), *(ROOT / "tests").rglob("*.py")]):
        docstring = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
        for wanted in READ_NEXT.findall(docstring):
            for name in re.findall(r"``([^`]+)``", wanted):
                if FILE.fullmatch(name) and not exists(name, path):
                    missing.append(f"{page_name(path)}: {name}")
    assert not missing


def test_every_command_a_page_names_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    wrong = []
    for page in PROSE:
        for block in CODE.findall(page.read_text("utf-8")):
            for tool, word in re.findall(r"(?:^|\s|/)(make|tenure) ([a-z]+)\b", block):
                if word not in (targets if tool == "make" else COMMANDS):
                    wrong.append(f"{page_name(page)}: {tool} {word}")
    assert not wrong


def test_every_variable_a_page_names_is_read():
    read = set(re.findall(r"TENURE_[A-Z_]+", "".join(path.read_text("utf-8") for path in SOURCE.rglob("*.py"))))
    named = {word for page in PROSE for word in re.findall(r"TENURE_[A-Z_]+", page.read_text("utf-8"))}
    assert not named - read


@pytest.mark.parametrize("map_of", ["access", "events"])
def test_a_generated_page_is_current(map_of):
    said = subprocess.run(
        [sys.executable, ROOT / "tools" / f"{map_of}.py", "--check"],
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert said.returncode == 0, said.stderr


def test_every_event_that_has_a_name_is_recorded_somewhere():
    assert not {event.__name__ for event in BY_NAME.values()} - recorded_in().keys()


def test_every_dependency_is_explained():
    groups = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]]
    wanted = {re.match(r"[\w-]+", each)[0] for each in groups}
    page = (ROOT / "docs" / "adr" / "0001-dependencies.md").read_text("utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    # A row may say which extras are taken.
    assert {name for row in rows for name in re.findall(r"`([\w-]+)(?:\[[\w,-]+\])?`", row)} == wanted


def test_every_decision_has_a_number_of_its_own_and_is_listed():
    folder = ROOT / "docs" / "adr"
    decisions = sorted(path for path in folder.glob("*.md") if path.name != "README.md")
    numbers = [path.name[:4] for path in decisions]
    assert numbers == [f"{n:04}" for n in range(1, len(numbers) + 1)]
    listed = (folder / "README.md").read_text("utf-8")
    for path in decisions:
        assert path.read_text("utf-8").startswith(f"# {path.name[:4]}")
        assert path.name in listed


def test_the_changelog_keeps_its_form():
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    versions = re.findall(r"^## \[(.+?)\]", text, re.MULTILINE)
    assert versions[0] == "Unreleased"
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= {
        "Added",
        "Changed",
        "Deprecated",
        "Removed",
        "Fixed",
        "Security",
    }


def test_the_readme_s_promises_have_their_stories():
    """Each row of the table of promises links to tests, and each of those has some."""
    table = (ROOT / "README.md").read_text("utf-8").split("## What it promises")[1].split("##")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ") and "promise" not in line.split("|")[1][:10]]
    assert rows
    for row in rows:
        stories = LINK.findall(row)
        assert stories, row
        for story in stories:
            # A page may stand for many stories, if it lists them by name (another test keeps such a list true).
            assert re.search(r"\ndef test_|\[`test_\w+`\]", (ROOT / story).read_text("utf-8")), row
