"""What is sent to the real server as bytes: two readings of one request, endless heads, slow bodies, odd methods.

The web runs as ``tenure serve`` runs it, a process of its own; each attack has a line of its own, and after each the
same worker still answers. Rows 52, 56 and 60 of ``docs/operations/attacks.md``.
"""

import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from django.core.management import call_command
from django.db import connection

from tests.faults.conftest import address
from tests.faults.test_the_two_commands import eventually, free_port
from tests.worlds import World

pytestmark = pytest.mark.django_db
REFUSED = {400, 404, 405, 408, 411, 413, 414, 415, 431, 501}
HOST = b"Host: 127.0.0.1\r\n"
PATIENCE_S = 15


class Server:
    """``tenure serve`` on a port of its own, with its log in a file."""

    def __init__(self, database: str, log: Path):
        self.port, self.log = free_port(), log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tenure.cli.main", "serve", "--port", str(self.port)],
                env=os.environ | {"TENURE_DATABASE_URL": database}, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        assert eventually(self.healthy, 60), log.read_text()[-2000:]
        self.workers = self.pids()

    def pids(self) -> set[int]:
        return {child.pid for child in psutil.Process(self.process.pid).children(recursive=True)}

    def line(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE_S)

    def said(self, line: socket.socket) -> bytes:
        """All that comes until the other side closes, or nothing more comes."""
        got = b""
        line.settimeout(2)
        try:
            while len(got) < 1_000_000 and (part := line.recv(65536)):
                got += part
        except OSError:
            pass
        return got

    def ask(self, sent: bytes) -> list[int]:
        """The statuses of all answers to some bytes; none when the line was closed without a word."""
        with self.line() as line:
            with suppress(OSError):
                line.sendall(sent)
            return statuses(self.said(line))

    def healthy(self) -> bool:
        try:
            with self.line() as line:
                line.sendall(b"GET /healthz HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
                return statuses(self.said(line)) == [200]
        except OSError:
            return False

    def stands(self) -> None:
        """The very same processes answer: none was killed and put up again."""
        assert self.healthy() and self.pids() == self.workers

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


def statuses(answer: bytes) -> list[int]:
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:] if part[:3].isdigit()]


@pytest.fixture(scope="module")
def server(django_db_setup, django_db_blocker, card_gateway, tmp_path_factory):
    with django_db_blocker.unblock():
        World(card_gateway)
        connection.close()
        one = Server(address(), tmp_path_factory.mktemp("web") / "log")
        yield one
        one.stop()
        call_command("flush", verbosity=0, interactive=False)
        connection.close()


@pytest.fixture(autouse=True)
def _it_stands(server):
    yield
    server.stands()


HIDDEN = b"GET /hidden HTTP/1.1\r\n" + HOST + b"\r\n"
AMBIGUOUS = {
    "two lengths": b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + HIDDEN,
    "two lengths in one": b"Content-Length: 0, 44\r\n\r\n" + HIDDEN,
    "chunked and a length": b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a length and chunked": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunked, not last": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunked, spelled oddly": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a blank before the colon": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a length with a sign": b"Content-Length: +0\r\n\r\n" + HIDDEN,
    "a negative length": b"Content-Length: -1\r\n\r\n" + HIDDEN,
    "a length in hexadecimal": b"Content-Length: 0x2c\r\n\r\n" + HIDDEN,
    "a piece of no size": b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n" + HIDDEN,
    "a piece of minus one": b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n" + HIDDEN,
    "a folded line": b"X-A: b\r\n Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n" + HIDDEN,
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_attack_60_a_request_of_two_readings_smuggles_nothing(server, name):
    """Either it is refused and the line closed, or what follows is read as the one thing it can be."""
    seen = len(server.log.read_bytes())
    found = server.ask(b"POST /accounts/login/ HTTP/1.1\r\n" + HOST + AMBIGUOUS[name])
    assert len(found) <= 1, f"a second request came out of one: {found}"
    assert not found or found[0] in REFUSED | {403}, found
    time.sleep(0.05)
    asked = [line for line in server.log.read_bytes()[seen:].splitlines() if b'"event": "request"' in line]
    assert len(asked) <= 1, asked


def test_control_two_requests_on_one_line_are_two(server):
    one = b"GET /hidden HTTP/1.1\r\n" + HOST + b"\r\n"
    assert server.ask(one + one) == [404, 404]


@pytest.mark.parametrize("method", [b"TRACE", b"TRACK", b"DEBUG", b"PROPFIND", b"DELETE", b"FOO", b"GET\x00"])
def test_attack_60_odd_methods_repeat_nothing(server, method):
    with server.line() as line:
        line.sendall(
            method + b" /accounts/login/ HTTP/1.1\r\n" + HOST + b"X-Canary: heronheron\r\nConnection: close\r\n\r\n"
        )
        answer = server.said(line)
    assert statuses(answer)[:1] and statuses(answer)[0] in REFUSED | {403} and b"heronheron" not in answer


def test_attack_60_connect_opens_no_tunnel(server):
    found = server.ask(b"CONNECT 127.0.0.1:22 HTTP/1.1\r\n" + HOST + b"\r\n")
    assert not found or found[0] in REFUSED | {403}


TARGETS = {
    "absolute, ours": (b"http://127.0.0.1/healthz", {200, 400, 404}),
    "absolute, another's": (b"http://evil.example/healthz", {200, 400, 404}),
    "a star": (b"*", REFUSED),
    "no beginning": (b"healthz", REFUSED | {302}),
    "a NUL": (b"/orders/\x00", REFUSED),
    "an escaped NUL": (b"/orders/%00/", {302, 404}),
    "half a character": (b"/orders/%ED%A0%BD/", {302, 404}),
    "an end of line": (b"/a%0d%0aSet-Cookie:%20a=b", {404}),
    "upwards": (b"/static/../../settings.py", {404}),
    "upwards, escaped": (b"/static/%2e%2e/%2e%2e/settings.py", {404}),
    "backslashes": (b"/static/..\\..\\settings.py", {400, 404}),
    "no text": (b"/\xff\xfe", {400, 404}),
    "64 KB": (b"/" + b"a" * 65_000, REFUSED),
    "1 MB": (b"/" + b"a" * 1_000_000, REFUSED),
}


@pytest.mark.parametrize("name", TARGETS)
def test_attack_60_a_target_that_is_no_address_of_ours(server, name):
    target, allowed = TARGETS[name]
    with server.line() as line:
        with suppress(OSError):
            line.sendall(b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
        answer = server.said(line)
    found = statuses(answer)
    assert not found or found[0] in allowed, found
    assert b"Set-Cookie: a" not in answer and b"Traceback" not in answer and b"SECRET_KEY" not in answer


HEADS = {
    "500 of one name": b"".join(b"X-Same: %d\r\n" % n for n in range(500)),
    "500 names": b"".join(b"X-%d: y\r\n" % n for n in range(500)),
    "one of 64 KB": b"X-Long: " + b"y" * 65_536 + b"\r\n",
    "one of 2 MB": b"X-Long: " + b"y" * 2_000_000 + b"\r\n",
    "200 cookies": b"Cookie: " + b"; ".join(b"c%d=%d" % (n, n) for n in range(200)) + b"\r\n",
    "a NUL": b"X-Nul: a\x00b\r\n",
    "a CR alone": b"X-Cr: a\rSet-Cookie: b=c\r\n",
    "an LF alone": b"X-Lf: a\nX-Injected: b\r\n",
    "no text": b"X-Bytes: \xff\xfe\x80\r\n",
    "no name": b": nobody\r\n",
    "a name with a blank": b"X Blank: a\r\n",
    "two hosts": b"Host: evil.example\r\n",
}


@pytest.mark.parametrize("name", HEADS)
def test_attack_56_a_head_beyond_measure(server, name):
    began = time.monotonic()
    with server.line() as line:
        with suppress(OSError):
            line.sendall(b"GET /healthz HTTP/1.1\r\n" + HOST + HEADS[name] + b"Connection: close\r\n\r\n")
        answer = server.said(line)
    found = statuses(answer)
    assert len(found) <= 1 and (not found or found[0] in REFUSED | {200}), found
    assert b"Set-Cookie: b" not in answer and b"X-Injected" not in answer
    assert time.monotonic() - began < 5


def test_attack_56_a_head_without_an_end_is_cut_off(server):
    """Headers that never stop coming: the line is closed once they are too much, long before memory is."""
    sent = 0
    with server.line() as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\n" + HOST)
        try:
            for n in range(5_000):
                sent += line.send(b"X-%d: " % n + b"y" * 8_000 + b"\r\n")
        except OSError:
            pass
        found = statuses(server.said(line))
    assert sent < 20_000_000 and (not found or found[0] in REFUSED), (sent, found)


def test_attack_56_slow_lines_keep_nobody_waiting(server):
    """More half-sent requests than there are threads: everybody else is answered as quickly as before."""
    slow = [server.line() for _ in range(60)]
    try:
        for n, line in enumerate(slow):
            line.sendall(b"POST /accounts/login/ HTTP/1.1\r\n" + HOST)
            if n % 2:
                line.sendall(b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100000\r\n\r\na=")
        for _ in range(5):
            began = time.monotonic()
            assert server.healthy() and time.monotonic() - began < 5
            for line in slow:
                with suppress(OSError):
                    line.sendall(b"X")
    finally:
        for line in slow:
            line.close()


def test_attack_56_a_body_larger_than_it_may_be_is_not_kept(server):
    before = sum(psutil.Process(pid).memory_info().rss for pid in server.workers)
    size = 50_000_000
    head = b"POST /accounts/login/ HTTP/1.1\r\n" + HOST + b"Content-Type: application/x-www-form-urlencoded\r\n"
    with server.line() as line:
        line.sendall(head + b"Content-Length: %d\r\n\r\n" % size)
        try:
            for _ in range(size // 100_000):
                line.sendall(b"x" * 100_000)
        except OSError:
            pass
        found = statuses(server.said(line))
    grown = sum(psutil.Process(pid).memory_info().rss for pid in server.workers) - before
    assert (not found or found[0] in REFUSED | {403}) and grown < 3 * size, (found, grown)


def test_attack_52_no_line_of_the_log_is_begun_from_outside(server):
    canary = b'heron\\r\\n{"event": "owned"}'
    for target in (b"/%0d%0a%7b%22event%22:%22owned%22%7d", b"/%1b[31mred", b"/\xe2\x80\xa8x"):
        server.ask(
            b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"User-Agent: " + canary + b"\r\nConnection: close\r\n\r\n"
        )
    log = server.log.read_bytes()
    lines = [line for line in log.splitlines() if line.startswith(b"{")]
    assert lines and b'"owned"' not in log and b"heron" not in log and b"\x1b[31m" not in log
