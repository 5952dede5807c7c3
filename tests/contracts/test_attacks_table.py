"""The table of attacks (``docs/operations/attacks.md``) has each of the sixty once, with tests that are there."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "docs" / "operations" / "attacks.md"
NAMED = re.compile(r"\[`(test_\w+)`\]\(\.\./\.\./(tests/\w+/\w+\.py)\)")
NUMBERED = re.compile(r"test_attacks?_((?:\d\d_(?:and_)?)+)")
ATTACKS = 60


def rows(page: Path) -> list[list[str]]:
    """The cells of a page's table; a page has tables of one kind only."""
    lines = [line for line in page.read_text().splitlines() if re.match(r"\| [\d.]+ \|", line)]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


@cache
def functions_of(file: Path) -> frozenset[str]:
    """The tests of a file that hold something against something."""
    tree = ast.parse(file.read_text())
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    return frozenset(node.name for node in found)


def gone(cell: str) -> list[str]:
    """Tests that a cell names and that are not where it says."""
    named = NAMED.findall(cell)
    return [name for name, file in named if not (ROOT / file).is_file() or name not in functions_of(ROOT / file)]


def test_each_attack_has_its_row_its_answer_and_tests_that_are_there():
    told = rows(TABLE)
    assert [row[0] for row in told] == [str(n) for n in range(1, ATTACKS + 1)]
    for number, what, answer, shown in told:
        assert what and answer and not gone(shown), (number, gone(shown))
        assert NAMED.findall(shown) or f"{number}:" in OPEN, f"attack {number} has no test"


OPEN: tuple[str, ...] = ()
"""Numbers whose subject does not exist yet, each with a colon; the page says why."""


def test_each_test_that_carries_a_number_stands_in_its_row():
    told = {row[0]: {name for name, _file in NAMED.findall(row[3])} for row in rows(TABLE)}
    missing = []
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        for name in functions_of(file):
            if found := NUMBERED.match(name):
                numbers = re.findall(r"\d\d", found[1])
                missing += [(n, name) for n in numbers if name not in told[str(int(n))]]
    assert not missing, missing


def test_control_a_test_that_went_away_is_noticed():
    there = "[`test_attack_03_what_pays_needs_a_key_of_its_own`](../../tests/doors/test_attacks_on_api.py)"
    assert not gone(there) and gone(there.replace("_03_", "_99_")) and gone(there.replace("_on_api", "_on_moon"))
