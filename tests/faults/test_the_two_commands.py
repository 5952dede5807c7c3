"""What `make run` promises when the machine does not play along: a taken port, a private home, a killed process."""

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from tenure.plumbing import cluster, embedded

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 120


def eventually(true, seconds=20):
    until = time.monotonic() + seconds
    while not (result := true()) and time.monotonic() < until:
        time.sleep(0.05)
    return result


def environment(data, port=8000, **more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TENURE_", "DJANGO_"))}
    return {**kept, "TENURE_DATA_DIR": str(data), "TENURE_PORT": str(port), **more}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def living(data):
    """Every process of the house whose data folder this is, its database included."""
    found = []
    place = str((data / "postgres").resolve())
    for process in psutil.process_iter(["pid", "status", "cmdline", "environ"]):
        if process.info["status"] == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
            continue
        ours = (process.info["environ"] or {}).get("TENURE_DATA_DIR") == str(data)
        if ours or place in (process.info["cmdline"] or []):
            found.append(process.info["cmdline"])
    return found


@pytest.fixture
def data(tmp_path):
    yield tmp_path / "data"
    embedded.remove(tmp_path / "data")


# The port


def test_a_taken_port_is_one_sentence_and_nothing_is_started(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "tenure.cli.main", "up"],
            env=environment(tmp_path / "data", port), capture_output=True, text=True, check=False, timeout=SECONDS,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert f"Port {port} is taken" in done.stderr
    assert "TENURE_PORT=" in done.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("port", ["http", "0", "70000"])
def test_a_port_that_is_none_is_one_sentence(tmp_path, port):
    done = subprocess.run(
        [sys.executable, "-m", "tenure.cli.main", "up"],
        env=environment(tmp_path / "data", port), capture_output=True, text=True, check=False, timeout=SECONDS,
    )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


# The database that comes along


def test_a_private_home_stays_private(tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    data = home / "checkout" / ".data"
    folders = [*data.parents, cluster._wheel(), *cluster._wheel().parents]
    data.parent.mkdir()
    before = [folder.stat().st_mode for folder in folders]
    try:
        with psycopg.connect(embedded.database_url(data, fast=True)) as connection:
            assert connection.execute("SHOW timezone").fetchone() == ("UTC",)
        assert [folder.stat().st_mode for folder in folders] == before
        if os.geteuid() == 0:
            assert (data / "postgres").is_symlink()
            assert (data / "postgres").resolve().parent.parent == cluster.ROOT_HOME
        else:
            assert not (data / "postgres").is_symlink()
        assert (data / "postgres").stat().st_mode & 0o077 == 0
    finally:
        embedded.remove(data)


def test_a_data_folder_made_anew_starts_empty(data):
    with psycopg.connect(embedded.database_url(data, fast=True), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (id int)")
    embedded.stop(data)
    place = data / "postgres"
    if place.is_symlink():
        place.unlink()
    else:
        place.rename(data / "elsewhere")
    with psycopg.connect(embedded.database_url(data, fast=True)) as connection:
        assert connection.execute("SELECT to_regclass('kept')").fetchone() == (None,)


def test_a_killed_server_does_not_hinder_the_next_start(data):
    with psycopg.connect(embedded.database_url(data), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (id int)")
        os.kill(int((data / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    with psycopg.connect(embedded.database_url(data)) as connection:
        assert connection.execute("SELECT to_regclass('kept')").fetchone() == ("kept",)


@pytest.mark.parametrize("pid", ["1", ""])
def test_a_pid_file_that_names_a_stranger_does_not_hinder_the_start(data, pid):
    embedded.database_url(data, fast=True)
    embedded.stop(data)
    assert not embedded.running(data)
    place = (data / "postgres").resolve()
    (place / "postmaster.pid").write_text(f"{pid}\n{place}\n1\n5432\n{place}\n\n\nready\n" if pid else "")
    psycopg.connect(embedded.database_url(data, fast=True)).close()
    assert embedded.running(data)


def test_two_that_start_it_at_once_share_one_server(data):
    program = (
        "import sys; from pathlib import Path; from tenure.plumbing import embedded;"
        "print(embedded.database_url(Path(sys.argv[1]), fast=True))"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", program, str(data)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    urls = {process.communicate(timeout=SECONDS)[0] for process in both}
    assert [process.returncode for process in both] == [0, 0]
    assert len(urls) == 1


def test_a_path_too_long_for_a_socket_gets_a_short_one(tmp_path):
    data = tmp_path / ("a long name with spaces, and a comma" * 4)
    try:
        embedded.stop(data)
        url = embedded.database_url(data, fast=True)
        psycopg.connect(url).close()
        sockets = embedded._socket_dir((data / "postgres").resolve())
        embedded.stop(data)
        assert not (sockets / ".s.PGSQL.5432").exists()
    finally:
        embedded.remove(data)


# The supervisor


@contextmanager
def a_house(data, port):
    """``tenure up`` without the demonstration's partners, which other tests load."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tenure.cli.main", "up"], env=environment(data, port, TENURE_DEMO="0"),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    lines = queue.Queue()
    threading.Thread(target=lambda: [lines.put(line) for line in process.stdout], daemon=True).start()
    try:
        yield process, lines
    finally:
        process.kill()
        process.wait()
        assert eventually(lambda: not living(data)), living(data)


def until_ready(process, lines):
    said = []
    while not said or not said[-1].startswith("Tenure is ready"):
        assert process.poll() is None or not lines.empty(), "".join(said)
        said.append(lines.get(timeout=SECONDS))
    return said


def test_the_house_starts_stops_and_leaves_nothing_even_when_killed(data):
    port = free_port()
    with a_house(data, port) as (process, lines):
        said = until_ready(process, lines)
        assert said[-1] == f"Tenure is ready: http://127.0.0.1:{port}\n"
        assert (data / "secret-key").stat().st_mode & 0o777 == 0o600
        assert living(data)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=SECONDS) == 0
        assert living(data) == []
    with a_house(data, port) as (process, lines):
        until_ready(process, lines)
        process.kill()
        assert eventually(lambda: not living(data)), living(data)


def test_when_a_part_dies_it_is_named_and_the_rest_ends(data):
    port = free_port()
    with a_house(data, port) as (process, lines):
        until_ready(process, lines)
        worker = next(child for child in psutil.Process(process.pid).children() if child.cmdline()[-1:] == ["work"])
        worker.kill()
        assert process.wait(timeout=SECONDS) == 1
        assert eventually(lambda: any("worker ended by itself" in line for line in list(lines.queue)))
        assert living(data) == []


# Setup


def a_checkout(folder, lock="nothing-of-this-name==1 --hash=sha256:" + "0" * 64):
    (folder / "tools").mkdir(parents=True)
    (folder / "tools" / "setup.py").write_bytes((ROOT / "tools" / "setup.py").read_bytes())
    (folder / "requirements.lock").write_text(lock + "\n")
    (folder / "src").mkdir()
    return folder


def set_up(checkout, **more):
    env = {**os.environ, "PIP_RETRIES": "1", "PIP_CONFIG_FILE": os.devnull, **more}
    command = [sys.executable, str(checkout / "tools" / "setup.py")]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=SECONDS)


def test_setup_without_a_network_is_one_sentence(tmp_path):
    checkout = a_checkout(tmp_path / "checkout")
    done = set_up(checkout, PIP_INDEX_URL="http://127.0.0.1:9/simple")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "can't be downloaded" in done.stderr


def test_setup_a_second_time_calls_nothing(tmp_path):
    checkout = a_checkout(tmp_path / "check out", lock="")
    assert set_up(checkout).returncode == 0
    assert (checkout / ".venv" / "bin" / "tenure").exists()
    # Without pip in the environment, anything but leaving it alone would fail.
    for pip in (checkout / ".venv").glob("lib/python*/site-packages/pip"):
        pip.rename(pip.with_name("gone"))
    again = set_up(checkout)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
