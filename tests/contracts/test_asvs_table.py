"""The table of the verification standard (``docs/operations/asvs.md``): complete, and its tests are there."""

import re

from tests.contracts.test_attacks_table import NAMED, ROOT, gone, rows

TABLE = ROOT / "docs" / "operations" / "asvs.md"
STATES = ("held", "waived", "not here", "open")
PAGE = re.compile(r"\[`([\w./-]+\.md)`\]\(\.\./\.\./([\w./-]+\.md)\)")
REQUIREMENTS = {1: 70, 2: 183}
"""How many there are of the first and of the second level in version 5.0.0."""
REASON = 20


def test_every_requirement_has_its_row_once():
    told = rows(TABLE)
    numbers = [row[0] for row in told]
    assert len(numbers) == len(set(numbers))
    assert numbers == sorted(numbers, key=lambda number: [int(part) for part in number.split(".")])
    assert {level: [row[1] for row in told].count(str(level)) for level in REQUIREMENTS} == REQUIREMENTS


def test_what_is_held_names_a_test_or_a_page_that_is_there():
    for number, _level, asked, state, shown in rows(TABLE):
        assert asked and state in STATES, number
        assert not gone(shown), (number, gone(shown))
        if state == "held":
            pages = [page for _name, page in PAGE.findall(shown)]
            assert NAMED.findall(shown) or pages, number
            assert all((ROOT / page).is_file() for page in pages), number
        else:
            assert len(shown) >= REASON and shown.endswith("."), f"{number} says no reason"


def test_the_page_counts_what_it_says():
    words = TABLE.read_text()
    states = [row[3] for row in rows(TABLE)]
    for state in STATES:
        assert f"| {state} | {states.count(state)} |" in words, state


def test_control_a_reason_is_no_test():
    assert not NAMED.findall("There is no such thing.") and not PAGE.findall("docs/access.md")
