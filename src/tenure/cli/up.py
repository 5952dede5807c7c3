"""The supervisor behind ``make run``: from an empty folder to a portal that answers, and back to nothing running.

It decides what starts, in which order, and that all of it ends when it ends. It must never hold a rule of the
programme, nor leave a process behind. Read next: ``cli/keeper.py``, which tidies up after a killed supervisor.
"""

import argparse
import fcntl
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tenure.cli.keeper import alive, end_group
from tenure.cli.main import COULD_NOT_RUN, FAILED, CannotRun
from tenure.cli.serve import die_with_parent, free_port
from tenure.plumbing import embedded

READY_SECONDS = 120
STOP_SECONDS = 10
FREE_BYTES = 200 * 1024 * 1024
LOG_BYTES = 5 * 1024 * 1024
# What a command in another terminal needs to act in this house (``cli/main.py`` reads it back).
LEFT_FOR_OTHERS = (
    "TENURE_DEMO", "TENURE_PORT", "TENURE_BASE_URL", "TENURE_SECRET_KEY",
    "TENURE_DEMO_GATEWAY_URL", "TENURE_DEMO_GATEWAY_SECRET",
)  # fmt: skip


class Stopped(Exception):
    """Somebody asked the house to stop."""


class Died(Exception):
    """A part of the house ended by itself."""


@dataclass(frozen=True, slots=True)
class Child:
    name: str
    process: subprocess.Popen
    log: Path

    def last_words(self, lines: int = 15) -> str:
        said = self.log.read_text(errors="replace").splitlines()[-lines:]
        return "\n".join([*(f"    {line}" for line in said), f"    (all of it: {self.log})"])


def register(commands: Any) -> None:
    text = "Start database, demonstration, card gateway, worker and web; Ctrl-C stops everything."
    parser = commands.add_parser("up", help="start everything", description=text)
    parser.add_argument("--end-with-parent", action="store_true", help="stop when the process that started this ends")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if args.end_with_parent:
        die_with_parent()
    port = free_port(os.environ.get("TENURE_PORT") or "8000")
    data = Path(os.environ.get("TENURE_DATA_DIR") or ".data").resolve()
    try:
        data.mkdir(parents=True, exist_ok=True)
        # Logs name people: they are for the account that runs the house.
        (data / "logs").mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise CannotRun(f"The data folder {data} can't be made: {error.strerror}.") from error
    if shutil.disk_usage(data).free < FREE_BYTES:
        raise CannotRun(f"The disk that holds {data} is full: {FREE_BYTES >> 20} MB must be free to start.")
    house = House(data, port)
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, house.ask_to_stop)
    try:
        house.start()
        house.watch()
    except Stopped:
        return 0
    except Died as death:
        print(death, file=sys.stderr)
        return FAILED
    finally:
        house.stop()
    return COULD_NOT_RUN


class House:
    """Everything that runs between two presses of a key."""

    def __init__(self, data: Path, port: int) -> None:
        self.data, self.port = data, port
        self.children: list[Child] = []
        self.stopping, self.at_once = threading.Event(), threading.Event()
        self.own_database = not os.environ.get("TENURE_DATABASE_URL")
        self.env = _environment(data, port)
        self.lock = _only_one(data)
        self.keeper = self._start_keeper()

    def ask_to_stop(self, *_: Any) -> None:
        if self.stopping.is_set():
            self.at_once.set()
        self.stopping.set()

    def start(self) -> None:
        if self.own_database:
            _tell("Starting the database")
            self.env["TENURE_DATABASE_URL"] = embedded.database_url(self.data)
        _tell("Bringing the tables up to date")
        self._finish("migrate", "django", "migrate", "--noinput")
        if self.env["TENURE_DEMO"] == "1":
            self._start_gateway()
            _tell("Opening the demonstration programme (the first time this takes a minute)")
            self._finish("demo", "tenure.cli.main", "demo", "--if-empty")
        self._write_house()
        _tell("Starting the web and the worker")
        self._launch("worker", "tenure.cli.main", "work")
        self._launch("web", "tenure.cli.main", "serve", "--port", str(self.port))
        self._wait("web to answer", self._healthy)
        _tell(f"Tenure is ready: {self.env['TENURE_BASE_URL']}")
        _tell("Ctrl-C stops everything")

    def watch(self) -> None:
        while not self.stopping.wait(0.5):
            self._check_children()
        raise Stopped

    def stop(self) -> None:
        """End all that was started, the last first: the web, the worker, the gateway, then the database."""
        self.stopping.set()
        if self.children:
            _tell("Stopping")
        for child in reversed(self.children):
            self._end(child)
        if self.own_database:
            embedded.stop(self.data)
        self._tell_keeper("done")
        self.keeper.wait()

    # Starting

    def _start_keeper(self) -> subprocess.Popen:
        task = "database" if self.own_database else "processes"
        command = [sys.executable, "-m", "tenure.cli.keeper", str(self.data), task]
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, text=True, env=self.env, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=[self.lock.fileno()],
        )  # fmt: skip

    def _tell_keeper(self, word: str) -> None:
        with suppress(BrokenPipeError):
            print(word, file=self.keeper.stdin, flush=True)

    def _start_gateway(self) -> None:
        port = any_port()
        self.env["TENURE_DEMO_GATEWAY_URL"] = f"http://127.0.0.1:{port}"
        secret = self.env["TENURE_DEMO_GATEWAY_SECRET"] = kept(self.data / "gateway-secret")
        self._launch(
            "gateway", "tenure.demogateway", "--port", str(port), "--data", str(self.data / "demogateway.sqlite3"),
            "--webhook-url", f"http://127.0.0.1:{self.port}/hooks/demo", "--secret", secret,
        )  # fmt: skip
        self._wait("gateway to answer", lambda: _listening(port))

    def _launch(self, name: str, module: str, *words: str) -> Child:
        log = self.data / "logs" / f"{name}.log"
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        with open(log, "a") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *words], stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=self.env,
                # Their own sessions, so that Ctrl-C reaches only us and they end in order.
                start_new_session=True, preexec_fn=die_with_parent,  # noqa: PLW1509  there is one thread
            )  # fmt: skip
        child = Child(name, process, log)
        self.children.append(child)
        self._tell_keeper(str(process.pid))
        return child

    def _finish(self, name: str, module: str, *words: str) -> None:
        """Run a step that ends by itself, ready to be interrupted."""
        child = self._launch(name, module, *words)
        while child.process.poll() is None:
            if self.stopping.wait(0.05):
                raise Stopped
        self.children.remove(child)
        if child.process.returncode:
            raise Died(f"{name} failed with exit status {child.process.returncode}:\n{child.last_words()}")

    def _wait(self, what: str, true: Callable[[], bool]) -> None:
        until = time.monotonic() + READY_SECONDS
        while not true():
            self._check_children()
            if self.stopping.wait(0.1):
                raise Stopped
            if time.monotonic() > until:
                raise Died(f"Waited {READY_SECONDS} seconds for the {what}:\n{self.children[-1].last_words()}")

    def _healthy(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _write_house(self) -> None:
        names = [*LEFT_FOR_OTHERS, *([] if self.own_database else ["TENURE_DATABASE_URL"])]
        # A key that came from outside is somebody's secret and is not written down.
        names = [name for name in names if name in self.env and (name != "TENURE_SECRET_KEY" or name not in os.environ)]
        left = {name: self.env[name] for name in names}
        write_private(self.data / "house.json", json.dumps(left, indent=1))

    # Watching and ending

    def _check_children(self) -> None:
        for child in self.children:
            if child.process.poll() is not None:
                raise Died(f"The {child.name} ended by itself ({child.process.returncode}):\n{child.last_words()}")
        if self.own_database and not embedded.running(self.data):
            raise Died(f"The database ended by itself; its log is {self.data}/postgres/server.log.")

    def _end(self, child: Child) -> None:
        if child.process.poll() is None:
            child.process.terminate()
        until = time.monotonic() + STOP_SECONDS
        while child.process.poll() is None and time.monotonic() < until and not self.at_once.is_set():
            time.sleep(0.05)
        # What is left of its group: a process that would not go, or one that it had started itself.
        if alive(child.process.pid):
            end_group(child.process.pid, grace_seconds=0 if self.at_once.is_set() else 1)
        child.process.wait()


def _environment(data: Path, port: int) -> dict[str, str]:
    env = {**os.environ, "TENURE_DATA_DIR": str(data), "TENURE_PORT": str(port), "PYTHONUNBUFFERED": "1"}
    env.setdefault("TENURE_DEMO", "1")
    env.setdefault("TENURE_BASE_URL", f"http://127.0.0.1:{port}")
    env.setdefault("DJANGO_SETTINGS_MODULE", "tenure.settings")
    if not env.get("TENURE_SECRET_KEY"):
        env["TENURE_SECRET_KEY"] = kept(data / "secret-key")
    return env


def _only_one(data: Path) -> IO[str]:
    """One supervisor for one data folder; one that was killed is waited for while its keeper tidies up."""
    handle = open(data / "up.lock", "a+")  # noqa: SIM115  held open for as long as the house stands
    until = time.monotonic() + 2 * STOP_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            handle.seek(0)
            holder = handle.read().strip()
            if (holder.isdigit() and alive(int(holder), by_group=False)) or time.monotonic() > until:
                raise CannotRun(
                    f"Another tenure up uses {data}: stop it, or choose another folder with TENURE_DATA_DIR."
                ) from None
            time.sleep(0.1)
    handle.truncate(0)
    handle.write(str(os.getpid()))
    handle.flush()
    return handle


def any_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def kept(path: Path) -> str:
    """A secret made once and kept where only its owner reads it."""
    if not path.exists() or not path.read_text().strip():
        write_private(path, secrets.token_urlsafe(48))
    return path.read_text().strip()


def write_private(path: Path, text: str) -> None:
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
    new.replace(path)


def _tell(line: str) -> None:
    print(line, flush=True)
