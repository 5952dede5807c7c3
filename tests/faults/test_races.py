"""The table of races (``docs/races.md``) names tests that are there, and every control there is."""

import ast
import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
TABLE = HERE.parents[1] / "docs" / "races.md"
NAMED = re.compile(r"\[`(\w+)`\]\(\.\./tests/faults/(\w+)\.py\)")


def rows() -> list[list[str]]:
    lines = [line for line in TABLE.read_text().splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def found_in(file: Path) -> set[str]:
    """The tests of a file that assert something."""
    tree = ast.parse(file.read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def named(cell: str) -> set[tuple[str, str]]:
    return {(file, name) for name, file in NAMED.findall(cell)}


def test_each_race_names_a_test_and_a_control_that_are_there():
    assert len(rows()) >= 30
    for race, end, shown, control in rows():
        assert race and end
        for cell in (shown, control):
            assert named(cell), race
            missing = {name for file, name in named(cell) if name not in found_in(HERE / f"{file}.py")}
            assert not missing, race


def test_each_test_of_a_race_and_each_control_stands_in_the_table():
    told = {name for row in rows() for cell in row[2:] for _, name in named(cell)}
    there = {name for file in HERE.glob("test_races_of_*.py") for name in found_in(file)}
    assert {name for name in there if not name.startswith("test_the_database_itself")} <= told
