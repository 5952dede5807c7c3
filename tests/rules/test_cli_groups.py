"""What the command groups promise before any row is read: lengths, instants, days, and the tour's places."""

import json
import re
from argparse import ArgumentParser
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tenure.cli import clock, demo, jobs, renewals, tour
from tenure.cli.main import CannotRun

ROOT = Path(__file__).resolve().parents[2]
TAIPEI = "Asia/Taipei"


def asked(group, *words):
    parser = ArgumentParser(exit_on_error=False)
    group.register(parser.add_subparsers())
    return parser.parse_args(words)


def test_an_instant_without_a_zone_is_the_programmes():
    assert clock.instant_of("2019-06-22T23:59:59", TAIPEI).astimezone(UTC) == datetime(
        2019, 6, 22, 15, 59, 59, tzinfo=UTC
    )
    assert clock.instant_of("2019-06-22T16:00:00+00:00", TAIPEI) == datetime(2019, 6, 22, 16, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "2019-13-01", "22.6.2019"])
def test_what_is_no_instant_says_how_to_write_one(text):
    with pytest.raises(CannotRun, match="write it like 2019-06-23"):
        clock.instant_of(text, TAIPEI)


def test_a_day_of_the_clock_is_a_day_where_clocks_change():
    spring = clock.instant_of("2019-03-30", "Europe/Berlin")
    assert clock.later(spring, "1d", "Europe/Berlin").isoformat() == "2019-03-31T12:00:00+02:00"


@pytest.mark.parametrize("length", ["30", "d", "-3d", "1y", "1.5d", "999999d"])
def test_what_is_no_length_says_how_to_write_one(length):
    with pytest.raises(CannotRun, match="30d, 2w or 12h"):
        clock.later(datetime(2019, 6, 22, tzinfo=UTC), length, TAIPEI)


def test_setting_the_clock_says_that_it_runs_nothing(capsys):
    with pytest.raises(SystemExit):
        asked(clock, "clock", "set", "--help")
    said = " ".join(capsys.readouterr().out.split())
    assert "run nothing" in said
    assert "48 hours" in said


def test_the_run_takes_a_day():
    assert asked(renewals, "renewals", "run", "--on", "2019-06-23", "--dry-run").on == date(2019, 6, 23)
    with pytest.raises(SystemExit):
        asked(renewals, "renewals", "run", "--on", "june")


@pytest.mark.parametrize("count", ["-1", "20001", "many"])
def test_a_world_has_a_size_it_can_be_built_in(count):
    with pytest.raises(SystemExit):
        asked(demo, "demo", "--partners", count)


def test_jobs_are_listed_or_run():
    assert asked(jobs, "jobs", "run", "--until-idle").until_idle
    assert asked(jobs, "jobs", "list", "--json").json


def test_every_place_of_the_tour_stands():
    for place in tour.TOUR:
        text = (ROOT / place.path).read_text().splitlines()[tour.line_of(place) - 1]
        assert (place.mark or place.name) in text


def test_the_tour_tells_the_seven_words_in_six_files_and_the_wiring(capsys):
    words = list(dict.fromkeys(place.word for place in tour.TOUR))
    assert words == ["story", "door", "verb", "rules", "rows", "event", "commit", "reactions"]
    assert len({place.path for place in tour.TOUR} - {"src/tenure/wiring.py"}) == 6
    assert tour.run(asked(tour, "tour", "--json")) == 0
    assert [stop["word"] for stop in json.loads(capsys.readouterr().out)] == [place.word for place in tour.TOUR]


def test_the_page_names_the_same_places_in_the_same_order():
    page = (ROOT / "docs" / "tour.md").read_text()
    told = re.findall(r"^\[`([^`]+)`\]\(\.\./([^)]+)\), `([^`]+)`", page, flags=re.MULTILINE)
    assert told == [(place.path, place.path, place.name) for place in tour.TOUR]
    assert [
        word.lower() for word in re.findall(r"^## (Door|Verb|Rules|Rows|Event|Commit|Reactions)$", page, flags=re.M)
    ]


def test_a_place_that_is_gone_is_not_passed_over():
    with pytest.raises(LookupError):
        tour.line_of(tour.Place("verb", "src/tenure/wiring.py", "nothing_like_this", ""))
    with pytest.raises(CannotRun):
        tour.line_of(tour.Place("verb", "src/tenure/nowhere.py", "renew", ""))
