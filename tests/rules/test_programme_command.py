"""`tenure programme check` promises: sound files say what they hold, faulty ones where and why, with the right status."""

import json
from argparse import ArgumentParser
from pathlib import Path

import pytest

from tenure.cli import programme
from tenure.cli.main import CannotRun

AURORA = Path(__file__).parents[2] / "programmes" / "aurora.toml"


@pytest.fixture
def check(monkeypatch):
    """The command as it is typed, judging permissions by their form: the table of them needs every capability."""
    monkeypatch.setattr(programme, "_permissions", lambda: None)

    def run(*words: str) -> int:
        parser = ArgumentParser()
        programme.register(parser.add_subparsers())
        args = parser.parse_args(["programme", "check", *words])
        return args.run(args)

    return run


@pytest.fixture
def faulty(tmp_path):
    file = tmp_path / "faulty.toml"
    source = AURORA.read_text(encoding="utf-8").replace('net = "475.00"', 'net = "475.555"', 1)
    file.write_text(source.replace("window_days = 30", "window_days = 0"), encoding="utf-8")
    return file


def test_a_sound_file_is_counted(check, capsys):
    assert check(str(AURORA)) == 0
    assert capsys.readouterr().out.startswith(f"{AURORA}: sound: 1 policy, 5 offers, 25 prices, ")


def test_a_faulty_file_is_told_fault_by_fault(check, faulty, capsys):
    assert check(str(faulty)) == 1
    said = capsys.readouterr()
    assert [line.split(":")[2].strip() for line in said.out.splitlines()] == [
        "policies[1].window_days",
        "offers.action-pack.prices[2].net",
    ]
    assert said.err == f"{faulty}: refused: 2 faults\n"


def test_a_program_is_answered_in_json(check, faulty, capsys):
    assert check(str(AURORA), "--json") == 0
    assert json.loads(capsys.readouterr().out)["offers"] == 5
    assert check(str(faulty), "--json") == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["sound"], len(answer["faults"])) == (False, 2)
    assert set(answer["faults"][0]) == {"line", "path", "message", "remedy"}


def test_a_file_that_cannot_be_read_is_no_fault_of_the_programme(check, tmp_path):
    (tmp_path / "latin.toml").write_bytes(b"# caf\xe9\n")
    for name, reason in (("none.toml", "No such file"), (".", "Is a directory"), ("latin.toml", "UTF-8")):
        with pytest.raises(CannotRun, match=reason):
            check(str(tmp_path / name))
