"""Killed at every point that a deed passes, before and after each commit and each call; three passes repair it.

The points are not listed here: each deed is done once with somebody listening, and everything it passes is then a
place to die. Per commit a sample is taken; ``TENURE_ALL_CRASHES=1`` takes all. Each death has a database of its own,
a copy of the moment before, and the gateway's book as it was then.
"""

import json
import os
import random
import socket
import sqlite3
import subprocess
import sys
from collections import Counter

import psycopg
import pytest
from django.conf import settings
from django.db import connections
from psycopg import sql

from tests.processes import until_it_answers

pytestmark = pytest.mark.django_db(transaction=True)
EVERY = os.environ.get("TENURE_ALL_CRASHES") == "1"
# Of a deed with many points, and of one with few; the seed of a deed's sample is its name.
SAMPLE, FEW = (2, 1), 12
PASSES = 3
BOUGHT = {"paid": 1, "invoices": 1, "terms": 1}
RENEWS = BOUGHT | {"card": "4242"}
ENDED = {"paid": 1, "invoices": 2, "terms": 1, "refunded": 1, "ended": True}
ENDS = {
    "buy": {"paid": 2, "invoices": 2, "terms": 2},
    "run": {"paid": 2, "invoices": 2, "terms": 2},
    "open": RENEWS,
    "come_back": RENEWS,
    "ring": RENEWS,
    "tidy": RENEWS,
    "ask": RENEWS,
    "cancel": {"paid": 0, "invoices": 0, "terms": 0, "closed": 1},
    "refund": ENDED,
    "refund_by_wire": ENDED | {"lines": 1},
    "import": {"paid": 2, "invoices": 2, "terms": 2, "lines": 4, "given": 2, "held": 1},
    "match": BOUGHT | {"lines": 1, "given": 1, "held": 1},
    "dispute": RENEWS | {"disputes": "needs_response", "suspended": True},
    "lose": ENDED | {"disputes": "lost", "suspended": False},
    "win": RENEWS | {"disputes": "won", "suspended": False, "ended": False},
    "follow": RENEWS | {"disputes": "needs_response", "suspended": True},
    "enter": BOUGHT | {"lines": 1, "given": 1, "held": 0},
    "withhold": BOUGHT | {"lines": 1, "withheld": 1},
    "renew": {"paid": 2, "invoices": 2, "terms": 2, "card": "4242"},
    "pay_again": RENEWS,
    "change_method": {"paid": 0, "invoices": 0, "terms": 0, "closed": 0, "wire": 1},
    "forget_card": BOUGHT | {"card": "", "kept": 0},
    "expire": {"paid": 0, "invoices": 0, "terms": 0, "closed": 2},
    "month": RENEWS | {"recognised": 1},
    "close": RENEWS | {"months": 1},
    "replace_card": BOUGHT | {"card": "4444"},
}
DEEDS = [pytest.param(deed, marks=pytest.mark.xdist_group(f"stage {n % 2}")) for n, deed in enumerate(ENDS)]


class Stage:
    """One gateway, one forking process, and databases that are copies of one another."""

    def __init__(self, folder):
        self.parts = connections["default"].settings_dict
        connections.close_all()
        connections["default"].close_pool()
        self.made, self.points = [], {}
        self.deaths = self.passes = 0
        self.empty = self.copy(self.parts["NAME"], f"{self.parts['NAME']}_stage")
        self.book = folder / "gateway.sqlite3"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        words = ["--port", port, "--data", self.book, "--secret", "a word of the stage"]
        words += ["--webhook-url", "http://127.0.0.1:9/hooks/demo"]
        self.gateway = subprocess.Popen([sys.executable, "-m", "tenure.demogateway", *map(str, words)])
        own = {"TENURE_DEMO_GATEWAY_URL": f"http://127.0.0.1:{port}", "TENURE_CRASH_AT": ""}
        own |= {"TENURE_DEMO_GATEWAY_SECRET": "a word of the stage", "TENURE_DATA_DIR": str(folder)}
        address = f"postgresql://{self.parts['USER']}@/{self.empty}?host={self.parts['HOST']}"
        own["TENURE_DATABASE_URL"] = address + (f"&port={self.parts['PORT']}" if self.parts["PORT"] else "")
        self.forker = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.stage"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **own},
            text=True,
        )
        self.folder = folder
        until_it_answers(f"http://127.0.0.1:{port}/healthz", "the card gateway")
        self.ask(self.empty, ("begin",))
        self.keep("nothing")

    def ask(self, database: str, *do, at: str | None = None) -> dict:
        print(json.dumps({"database": database, "do": do, "at": at}), file=self.forker.stdin, flush=True)
        answer = json.loads(self.forker.stdout.readline())
        assert "error" not in answer, answer["error"][-3000:]
        return answer

    def sql(self, words: str, *names: str) -> None:
        parts = {"host": self.parts["HOST"], "port": self.parts["PORT"] or None, "user": self.parts["USER"]}
        with psycopg.connect(dbname="postgres", autocommit=True, **parts) as line:
            line.execute(sql.SQL(words).format(*map(sql.Identifier, names)))

    def copy(self, of: str, name: str) -> str:
        self.sql("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name, of)
        self.made.append(name)
        return name

    def drop(self, name: str) -> None:
        self.sql("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
        self.made.remove(name)

    def prepared(self, deed: str) -> list[str]:
        """The moment before a deed, made once; returns the points that the deed passes."""
        if deed not in self.points:
            ready = self.copy(self.empty, f"{self.empty}_{deed}")
            self.restore("nothing")
            self.ask(ready, ("prepare", deed))
            self.keep(deed)
            trial = self.copy(ready, f"{self.empty}_trial")
            passed = Counter(self.ask(trial, ("deed", deed), at="nowhere")["passed"])
            self.drop(trial)
            # The first and the last time, where a point is passed more than once.
            self.points[deed] = sorted(f"{name}:{n}" for name, often in passed.items() for n in {1, often})
        self.restore(deed)
        return self.points[deed]

    def keep(self, deed: str) -> None:
        with sqlite3.connect(self.book) as now, sqlite3.connect(self.folder / deed) as kept:
            now.backup(kept)

    def restore(self, deed: str) -> None:
        with sqlite3.connect(self.book, timeout=10) as now, sqlite3.connect(self.folder / deed) as kept:
            kept.backup(now)

    def killed(self, deed: str, point: str) -> dict:
        """Die at a point, have the worker pass and the person come again; what is wrong then.

        ``passes`` counts up to the last pass that found anything to do.
        """
        self.restore(deed)
        case = self.copy(f"{self.empty}_{deed}", f"{self.empty}_case")
        try:
            assert self.ask(case, ("deed", deed), at=point)["status"] == -9, f"{deed} outlived {point}"
            done = self.ask(case, *[("work",)] * 2, ("again", deed), *[("work",)] * 2, ("wrong",), ("facts",))["said"]
            first, second, _, third, more, wrong, facts = done
            passes = max((n for n, work in enumerate((first, second, third, more), 1) if work), default=0)
            self.deaths, self.passes = self.deaths + 1, max(self.passes, passes)
            return {"wrong": wrong, "facts": facts, "passes": passes}
        finally:
            self.drop(case)

    def close(self) -> None:
        self.forker.stdin.close()
        self.forker.wait(10)
        self.gateway.terminate()
        self.gateway.wait(5)
        for name in list(self.made):
            self.drop(name)
        print(f"{self.deaths} deaths, at most {self.passes} passes of the worker")


@pytest.fixture(scope="module")
def stage(django_db_setup, django_db_blocker, tmp_path_factory):
    with django_db_blocker.unblock():
        made = Stage(tmp_path_factory.mktemp("stage"))
        yield made
        made.close()


def chosen(deed: str, points: list[str]) -> list[str]:
    return points if EVERY else random.Random(deed).sample(points, SAMPLE[len(points) <= FEW])


@pytest.mark.parametrize("deed", DEEDS)
def test_killed_anywhere_it_ends_as_if_nothing_had_happened(stage, deed):
    points = stage.prepared(deed)
    assert len(points) >= 4, points
    broken = {}
    for point in chosen(deed, points):
        end = stage.killed(deed, point)
        missed = {name: end["facts"][name] for name, told in ENDS[deed].items() if end["facts"][name] != told}
        if end["wrong"] or missed or end["passes"] > PASSES:
            broken[point] = (end["wrong"], missed, end["passes"])
    assert not broken, json.dumps(broken, indent=1)


@pytest.mark.xdist_group("stage 0")
def test_there_are_enough_places_to_die(stage):
    """The deeds pass what a purchase, a renewal, a doorbell, a refund and a worker consist of (reliability.md §3.5)."""
    passed = {point.rpartition(":")[0] for deed in ENDS for point in stage.prepared(deed)}
    assert len(passed) >= 100 and settings.TENURE_DEMO, sorted(passed)
