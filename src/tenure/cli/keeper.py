"""The house's night watch: a small process that tidies up when ``tenure up`` was killed and could not.

Its standard input is a pipe whose other end only the supervisor holds; when that ends without the word "done",
it ends what was left running and then the embedded database. It holds the supervisor's lock until then, so that
a new start waits for it. It must never act while the supervisor lives. Read next: ``cli/up.py``.
"""

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

GRACE_SECONDS = 5


def main(data_dir: Path, keeps_database: bool) -> None:
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    groups = []
    for line in sys.stdin:
        if line.strip() == "done":
            return
        groups.append(int(line))
    for group in reversed(groups):
        end_group(group)
    if keeps_database:
        from tenure.plumbing import embedded  # noqa: PLC0415  a watcher that waits stays small

        embedded.stop(data_dir)


def end_group(group: int, grace_seconds: float = GRACE_SECONDS) -> None:
    """Ask a process group to end, and insist when it does not."""
    _signal(group, signal.SIGTERM)
    until = time.monotonic() + grace_seconds
    while alive(group) and time.monotonic() < until:
        time.sleep(0.05)
    if alive(group):
        _signal(group, signal.SIGKILL)


def alive(number: int, *, by_group: bool = True) -> bool:
    """Does the process, or anything in the group, still run? A zombie does not, even where nobody reaps it."""
    for process in psutil.process_iter(["status"]):
        with suppress(ProcessLookupError, PermissionError):
            found = os.getpgid(process.pid) if by_group else process.pid
            if found == number and process.info["status"] != psutil.STATUS_ZOMBIE:
                return True
    return False


def _signal(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] == "database")
