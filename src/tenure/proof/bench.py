"""Figures, measured beside each other in one run: what a page costs, what a document costs, what the house weighs.

It decides nothing; it must never be a test, because seconds do not travel between machines. Read next:
``cli/bench.py``, which prints these.
"""

import http.client
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tenure.billing.documents import render
from tenure.billing.queries import newest_views
from tenure.partners.queries import busiest
from tenure.people.queries import holders
from tenure.programme.queries import current


@dataclass(frozen=True, slots=True)
class Spread:
    """Milliseconds: the middle and the slow end of many."""

    median: float
    p95: float
    n: int

    @classmethod
    def of(cls, seconds: list[float]) -> "Spread":
        ordered = sorted(value * 1000 for value in seconds)
        return cls(round(statistics.median(ordered), 2), round(ordered[int(len(ordered) * 0.95) - 1], 2), len(ordered))


def buyer_with_most():
    """A person who can buy, of the partner with the most subscriptions: the page's worst reader."""
    partner = busiest()
    return holders(partner.pk, "purchases.buy", current())[0]


def session_of(user) -> str:
    """A signed-in session's key, made without a password."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return session.session_key


def statements(path: str, user) -> int:
    """How many SQL statements one request for a page takes, the frame included."""
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    client.get(path)
    with CaptureQueriesContext(connection) as seen:
        assert client.get(path).status_code == 200
    return len(seen)


def pages(port: int, cookie: str, paths: dict[str, str], *, rounds: int, readers: int = 2) -> dict[str, Spread]:
    """How long pages take over HTTP with a few readers at once, the paths taken in turn."""
    taken: dict[str, list[float]] = {name: [] for name in paths}

    def read() -> None:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        for turn in range(rounds):
            for name, path in paths.items():
                began = time.perf_counter()
                line.request("GET", path, headers={"Cookie": f"sessionid={cookie}"})
                answer = line.getresponse()
                answer.read()
                if turn:
                    taken[name].append(time.perf_counter() - began)
                assert answer.status == 200, f"{path} answered {answer.status}"
        line.close()

    threads = [threading.Thread(target=read) for _ in range(readers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {name: Spread.of(seconds) for name, seconds in taken.items()}


def documents(n: int) -> Spread:
    """How long one invoice's PDF takes, warm, each from different data."""
    views = newest_views(n)
    render(views[0])
    return Spread.of([timed(lambda view=view: render(view)) for view in views])


def timed(what: Callable[[], object]) -> float:
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


def weight(pid: int) -> dict[str, float]:
    """Resident megabytes of a process and everything below it, by name; shared memory counted once (PSS)."""
    top = psutil.Process(pid)
    found: dict[str, float] = {}
    for process in [top, *top.children(recursive=True)]:
        try:
            name = " ".join(process.cmdline()[-3:])[-48:] or process.name()
            found[name] = found.get(name, 0) + process.memory_full_info().pss / 2**20
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return {name: round(megabytes, 1) for name, megabytes in found.items()}


def house(data: Path) -> dict[str, float]:
    """Everything that runs on a data folder: the supervisor and what it started, the database and its processes."""
    tops = set()
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "tenure.cli.keeper" in words and str(data) in words and (supervisor := process.parent()):
            tops.add(supervisor.pid)
        if words[:1] and words[0].endswith("/postgres") and any(f"{data}/" in word for word in words):
            tops.add(process.pid)
    found: dict[str, float] = {}
    for pid in tops:
        for name, megabytes in weight(pid).items():
            found[name] = round(found.get(name, 0) + megabytes, 1)
    return found


PATHS = {"offers": "portal:offers", "home": "portal:home", "invoices": "portal:invoices"}


def paths() -> dict[str, str]:
    return {"smallest": "/healthz"} | {name: reverse(route) for name, route in PATHS.items()}
