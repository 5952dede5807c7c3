"""The lines of a programme file promise: every key has one, and a file with any line lost is told with one that exists."""

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenure.programme.lines import Lines
from tenure.programme.reading import Faulty, read

AURORA = (Path(__file__).parents[2] / "programmes" / "aurora.toml").read_text(encoding="utf-8")
LINES = AURORA.splitlines()

KEY_LINES = [at for at, line in enumerate(LINES) if re.match(r"\s*(\[|[A-Za-z_*\"-]+\s*=|\{)", line)]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(KEY_LINES))
def test_a_line_lost_is_sound_or_told_with_a_line_that_exists(at):
    kept = LINES[:at] + LINES[at + 1 :]
    try:
        read("\n".join(kept) + "\n")
    except Faulty as faulty:
        assert faulty.faults
        assert all(1 <= fault.line <= len(kept) and fault.message and fault.remedy for fault in faulty.faults)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(KEY_LINES),
    st.sampled_from(["7", "[]", "{}", '""', "true", "2019-06-22", "-1", "1.5", '["x"]', "inf"]),
)
def test_any_value_in_the_place_of_another_is_sound_or_told(at, value):
    name, equals, _ = LINES[at].partition("=")
    kept = [*LINES[:at], f"{name}= {value}" if equals else name, *LINES[at + 1 :]]
    try:
        read("\n".join(kept) + "\n")
    except Faulty as faulty:
        assert all(1 <= fault.line <= len(kept) for fault in faulty.faults)


def paths(value, path=()):
    yield path
    for key, below in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from paths(below, (*path, key))


@pytest.mark.parametrize(
    "source",
    [
        AURORA,
        "a.b.\"c d\" = 1\n'e' = [[1, 2], [{f = 1, g.h = 2}]]\n[[i]]\n[i.j]\nk = 1\n[[i]]\n[[i.l]]\nm = 2\n[[i.l]]\nm = 3\n",
        'a = """\n[not.a.table]\nb = 1 """""\nc = \'\'\'x\n#y\'\'\' # z\nd = "]"\ne = [ # one\n  1,\n  # two\n  2\n]\n',
    ],
)
def test_every_path_of_a_source_has_a_line(source):
    lines = Lines(source)
    for path in list(paths(tomllib.loads(source)))[1:]:
        assert path in lines._starts, path


def test_lines_are_those_of_the_keys():
    lines = Lines("a = [\n  1,\n  { b = 2,\n c = 3 },\n]\n[[d]]\ne = '''\n\nx'''\n".replace(",\n c", ", c"))
    assert [lines.of(path) for path in [("a",), ("a", 0), ("a", 1, "c"), ("d",), ("d", 0, "e")]] == [1, 2, 3, 5, 6]
    assert lines.of(("d", 0, "e"), "x") == 8
