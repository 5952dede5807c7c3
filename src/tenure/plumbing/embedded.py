"""The database that comes along: PostgreSQL from a wheel, so that a first try needs no server.

It decides when the server is made, started and stopped, and through which socket it is reached. It must never
change the permissions of a folder it did not make itself: the wheel's own starter does, so its programs are called
directly (docs/adr/0002-embedded-postgresql.md). A real installation sets ``TENURE_DATABASE_URL`` and never comes
here. Read next: ``plumbing/cluster.py``, which says where a cluster lies.
"""

import fcntl
import os
import re
import shlex
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from tenure.plumbing.cluster import (
    FREE_BYTES,
    MAJOR,
    Cluster,
    DatabaseUnavailable,
    cluster_of,
    complaint,
    existing,
    made,
    no_space,
    one_line,
    place_of,
    root_home,
)

START_SECONDS = 60
# A Unix socket's path may hold about a hundred bytes; beyond that, or with signs that mean something to
# PostgreSQL's list of folders, the socket gets a short folder of its own.
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._+-]{1,80}")

SETTINGS = {
    "timezone": "UTC",
    "log_timezone": "UTC",
    "shared_buffers": "128MB",
    "max_connections": "60",
    "jit": "off",
    "log_checkpoints": "off",
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
}
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def database_url(data_dir: Path, *, fast: bool = False, name: str = "tenure") -> str:
    """The address of the embedded database under ``data_dir``, started and made if need be.

    ``fast`` is for tests: a power cut may then cost the data. The server outlives the caller; see ``stop``.
    """
    data_dir = made(data_dir)
    place = place_of(data_dir)
    if place and (url := _answering(place, name)):
        return url
    with _locked(data_dir):
        cluster = cluster_of(data_dir, _stop)
        if not (cluster.path / "PG_VERSION").exists():
            _initialise(cluster, data_dir, fast)
        _check_version(cluster)
        if not _running(cluster.path):
            _start(cluster, fast)
        _create_database(cluster.path, name)
        return _url(cluster.path, name)


def stop(data_dir: Path) -> None:
    """Stop the embedded server of ``data_dir``; nothing happens when none runs."""
    if not data_dir.is_dir():
        return
    with _locked(data_dir.resolve()):
        place = place_of(data_dir.resolve())
        if place and _running(place):
            _stop(existing(place))


def running(data_dir: Path) -> bool:
    """Does the embedded server of ``data_dir`` run?"""
    place = place_of(data_dir.resolve())
    return place is not None and _running(place)


def remove(data_dir: Path) -> None:
    """Stop the server and delete its cluster, wherever that lies: how a test tidies up after itself."""
    stop(data_dir)
    link = data_dir.resolve() / "postgres"
    for path in {link.resolve(), root_home(link.parent)}:
        shutil.rmtree(path, ignore_errors=True)
    if link.is_symlink():
        link.unlink()


# Making, starting, stopping


@contextmanager
def _locked(data_dir: Path) -> Iterator[None]:
    try:
        handle = open(data_dir / "postgres.lock", "a")  # noqa: SIM115  held open for as long as the lock
    except OSError as error:
        raise DatabaseUnavailable(f"The data folder {data_dir} can't be written: {error.strerror}.") from error
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _initialise(cluster: Cluster, data_dir: Path, fast: bool) -> None:
    """Make the cluster beside its place and move it there when whole: a killed start leaves nothing half made."""
    if shutil.disk_usage(cluster.path.parent).free < FREE_BYTES:
        raise DatabaseUnavailable(no_space(cluster.path.parent))
    half = cluster.path.with_name("postgres.half")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(mode=0o700)
    cluster.give(half)
    options = ["--username=postgres", "--auth-local=trust", "--auth-host=reject", "--encoding=UTF8", "--locale=C"]
    options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"]
    try:
        cluster.run("initdb", *options, *(["--no-sync"] if fast else []), "-D", str(half))
    except DatabaseUnavailable:
        shutil.rmtree(half, ignore_errors=True)
        raise
    link = data_dir / "postgres"
    if link.is_symlink():
        link.unlink()
    half.rename(cluster.path)
    if link != cluster.path:
        link.symlink_to(cluster.path)


def _check_version(cluster: Cluster) -> None:
    made_by = (cluster.path / "PG_VERSION").read_text().strip()
    if made_by != MAJOR:
        raise DatabaseUnavailable(
            f"The database under {cluster.path} was made by PostgreSQL {made_by} and this is {MAJOR}: "
            "dump it with the old version and load it into a new data folder."
        )


def _start(cluster: Cluster, fast: bool) -> None:
    _drop_false_pid(cluster.path)
    log = cluster.path / "server.log"
    if log.exists() and log.stat().st_size > 5_000_000:
        log.replace(cluster.path / "server.log.1")
    socket_dir = cluster.path
    if not PLAIN_PATH.fullmatch(str(socket_dir)):
        socket_dir = Path(tempfile.mkdtemp(prefix="tenure-postgres-", dir="/tmp"))
        cluster.give(socket_dir)
    settings = {**SETTINGS, **(FAST if fast else {}), "unix_socket_directories": str(socket_dir)}
    options = shlex.join(word for key, value in settings.items() for word in ("-c", f"{key}={value}"))
    arguments = ["-D", str(cluster.path), "-l", str(log), "-w", "-t", str(START_SECONDS), "-o", options, "start"]
    started_at, before = time.monotonic(), log.stat().st_size if log.exists() else 0
    while True:
        try:
            cluster.run("pg_ctl", *arguments)
            return
        except DatabaseUnavailable:
            said = log.read_text(errors="replace")[before:] if log.exists() else ""
            # After kill -9 of the server its sessions take a moment to notice; until then the memory is taken.
            if "still in use" not in said or time.monotonic() - started_at > START_SECONDS:
                raise DatabaseUnavailable(complaint("pg_ctl", said, cluster.path)) from None
            before = log.stat().st_size
            time.sleep(0.2)


def _stop(cluster: Cluster) -> None:
    pid, socket_dir = _pid(cluster.path), _socket_dir(cluster.path)
    try:
        cluster.run("pg_ctl", "-D", str(cluster.path), "-m", "fast", "-w", "-t", "30", "stop")
    except DatabaseUnavailable:
        if pid and _running(cluster.path):
            os.kill(pid, signal.SIGQUIT)
    if socket_dir and socket_dir.name.startswith("tenure-postgres-"):
        shutil.rmtree(socket_dir, ignore_errors=True)


# Asking what is there


def _pid_file(place: Path) -> list[str]:
    try:
        return (place / "postmaster.pid").read_text().splitlines()
    except OSError:
        return []


def _pid(place: Path) -> int | None:
    lines = _pid_file(place)
    return int(lines[0]) if lines and lines[0].strip().isdigit() else None


def _socket_dir(place: Path) -> Path | None:
    lines = _pid_file(place)
    return Path(lines[4]) if len(lines) > 4 and lines[4] else None


def _running(place: Path) -> bool:
    """Is the process in the pid file alive, and is it this cluster's server?

    The number alone proves nothing: in a restarted container it soon belongs to something else.
    """
    pid = _pid(place)
    try:
        return pid is not None and str(place) in psutil.Process(pid).cmdline()
    except psutil.Error:
        return False


def _drop_false_pid(place: Path) -> None:
    """Remove lock files PostgreSQL would trip over; the pid file of a server that died it sorts out by itself.

    A number taken by a stranger, or by a zombie nobody reaps (a container without an init), looks alive to it.
    """
    (place / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
    pid = _pid(place)
    if pid is None or psutil.pid_exists(pid):
        (place / "postmaster.pid").unlink(missing_ok=True)


def _url(place: Path, name: str) -> str:
    return f"postgresql://postgres@/{quote(name, safe='')}?host={quote(str(_socket_dir(place)), safe='')}"


def _answering(place: Path, name: str) -> str:
    if not _socket_dir(place):
        return ""
    with suppress(psycopg.OperationalError), psycopg.connect(_url(place, name), connect_timeout=5):
        return _url(place, name)
    return ""


def _create_database(place: Path, name: str) -> None:
    try:
        with psycopg.connect(_url(place, "postgres"), autocommit=True, connect_timeout=10) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except psycopg.Error as error:
        raise DatabaseUnavailable(f"The embedded database under {place} does not answer: {one_line(error)}.") from error
