"""How every command ends, and what the overview says: the frame in ``cli/main.py``, without any command's work."""

import json
import subprocess
import sys
from datetime import date
from types import SimpleNamespace

import psycopg
import pytest

from tenure.cli import main as frame
from tenure.kernel.refusals import Refusal
from tenure.plumbing.cluster import DatabaseUnavailable


@pytest.fixture(autouse=True)
def an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TENURE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tenure.settings")


def a_group(run):
    """A group of one command, as a module would be."""

    def register(commands):
        commands.add_parser("try").set_defaults(run=run)

    return SimpleNamespace(register=register)


def outcome(monkeypatch, run):
    monkeypatch.setitem(frame.COMMANDS, "try", "a.module")
    monkeypatch.setattr(frame, "import_module", lambda name: a_group(run))
    return frame.main(["try"])


def test_help_lists_every_command_with_its_line(capsys):
    assert frame.main(["--help"]) == 0
    said = capsys.readouterr().out
    for heading, rows in frame.GROUPS:
        assert f"{heading}:" in said
        for name, _, line in rows:
            assert f"  {name:<12}{line}\n" in said


def test_help_imports_neither_django_nor_the_database():
    program = (
        "import sys; from tenure.cli.main import main; main(['--help']);"
        "sys.exit(any(name.split('.')[0] in ('django', 'psycopg', 'granian') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, capture_output=True).returncode == 0


@pytest.mark.parametrize("command", frame.COMMANDS)
def test_every_command_explains_itself(command, capsys):
    assert frame.main([command, "--help"]) == 0
    assert f"usage: tenure {command}" in capsys.readouterr().out


def test_no_command_shows_the_overview_and_could_not_run(capsys):
    assert frame.main([]) == 2
    assert "Run the house:" in capsys.readouterr().out


def test_an_unknown_command_is_one_sentence(capsys):
    assert frame.main(["renwals"]) == 2
    assert capsys.readouterr().err == "tenure has no command 'renwals'; tenure --help lists them.\n"


def test_an_unknown_option_could_not_run():
    assert frame.main(["up", "--no-such-option"]) == 2


@pytest.mark.parametrize("status", [0, 1, 2])
def test_a_command_chooses_its_status(monkeypatch, status):
    assert outcome(monkeypatch, lambda args: status) == status


def test_a_refusal_is_its_code_and_facts(monkeypatch, capsys):
    def refuse(args):
        raise Refusal("renewals.window_not_open", opens_on=date(2019, 6, 23))

    assert outcome(monkeypatch, refuse) == 1
    assert capsys.readouterr().err == "renewals.window_not_open opens_on=2019-06-23\n"


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (frame.CannotRun("Port 8000 is taken."), 2, "Port 8000 is taken."),
        (DatabaseUnavailable("The disk is full."), 2, "The disk is full."),
        (psycopg.OperationalError("connection refused\n"), 2, "can't be reached"),
        (OSError(28, "No space left on device"), 2, "The disk is full"),
        (SystemExit("Set TENURE_SECRET_KEY."), 2, "Set TENURE_SECRET_KEY."),
        (KeyboardInterrupt(), 130, "Stopped."),
    ],
)
def test_what_a_person_can_mend_is_one_sentence(monkeypatch, capsys, error, status, words):
    def fail(args):
        raise error

    assert outcome(monkeypatch, fail) == status
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


def test_a_defect_is_not_hidden(monkeypatch):
    def fail(args):
        raise KeyError("a defect")

    with pytest.raises(KeyError):
        outcome(monkeypatch, fail)


def test_another_terminal_joins_the_house_that_up_started(tmp_path):
    (tmp_path / "house.json").write_text(json.dumps({"TENURE_DEMO": "1", "TENURE_PORT": "8123"}))
    here = {"TENURE_DATA_DIR": str(tmp_path)}
    assert frame.join_house(here) == {"TENURE_DEMO": "1", "TENURE_PORT": "8123"}
    assert frame.join_house({**here, "TENURE_DEMO": "0"}) == {"TENURE_PORT": "8123"}


def test_a_real_database_is_never_joined_to_a_demonstration(tmp_path):
    (tmp_path / "house.json").write_text(json.dumps({"TENURE_DEMO": "1"}))
    assert frame.join_house({"TENURE_DATA_DIR": str(tmp_path), "TENURE_DATABASE_URL": "postgresql://live"}) == {}
