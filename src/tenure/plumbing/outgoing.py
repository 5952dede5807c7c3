"""Sending to an address that somebody else chose: checked, looked up once, and answered within bounds.

It decides that the number a name has is public before a line is opened to that very number, that the certificate is
for the name, and that nobody keeps us longer than fifteen seconds or makes us read more than 64 KB. It must never
follow a redirect, use a proxy, or look a name up twice. Read next: ``kernel/addresses.py``, the form of an address.
"""

import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings

from tenure.kernel.addresses import Target, loopback, public, target
from tenure.kernel.refusals import Refusal

SECONDS = 15.0
LOOKUP_SECONDS = 5.0
BODY_BOUND = 64 * 1024
HEAD_BOUND = 32 * 1024

# A look-up can't be called off; a few may hang until the system gives up on them.
_lookups = ThreadPoolExecutor(8, thread_name_prefix="lookup")
Lookup = Callable[[str, int], list[str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the headers, and the body as far as it may be."""

    status: int
    headers: dict[str, str]
    body: bytes
    ms: int


class Failed(Exception):
    """No answer that counts. ``code`` says why: ``unknown_name``, ``refused``, ``tls``, ``slow``, ``too_large``,
    ``broken``; or the code of the refusal when the address may not be sent to any more."""

    def __init__(self, code: str, ms: int = 0, status: int | None = None):
        super().__init__(code)
        self.code, self.ms, self.status = code, ms, status


def look_up(host: str, port: int) -> list[str]:
    """The numbers of a name, in the order in which the system would try them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def check(url: str, lookup: Lookup | None = None) -> Target:
    """Refuse an address that may not be sent to, by its form or by what its name leads to now."""
    at = _taken_apart(url)
    try:
        _numbers(at, lookup or look_up)
    except Failed as failed:
        raise Refusal("webhooks.url_unknown" if failed.code in ("unknown_name", "slow") else failed.code)
    return at


def post(url: str, body: bytes, headers: Mapping[str, str], *, lookup: Lookup | None = None) -> Answer:
    """Send one body and read one answer; ``Failed`` when there is none within the bounds."""
    return _asked("POST", url, body, headers, lookup)


def get(url: str, *, lookup: Lookup | None = None) -> Answer:
    """Read what stands at an address, within the same bounds."""
    return _asked("GET", url, None, {"Accept": "application/json"}, lookup)


def _asked(method: str, url: str, body: bytes | None, headers: Mapping[str, str], lookup: Lookup | None) -> Answer:
    began = time.monotonic()

    def passed() -> int:
        return int((time.monotonic() - began) * 1000)

    try:
        at = _taken_apart(url)
        numbers = _numbers(at, lookup or look_up)
        return _sent(method, at, numbers[0], body, headers, began)
    except Refusal as refusal:
        raise Failed(refusal.code, passed()) from None
    except Failed as failed:
        raise Failed(failed.code, passed(), failed.status) from None
    except TimeoutError:
        raise Failed("slow", passed()) from None
    except ssl.SSLError:
        raise Failed("tls", passed()) from None
    except ConnectionRefusedError:
        raise Failed("refused", passed()) from None
    except (OSError, http.client.HTTPException, ValueError):
        raise Failed("broken", passed()) from None


def ports() -> list[int]:
    """The ports that may be sent to."""
    return sorted(settings.TENURE_WEBHOOK_PORTS)


def _taken_apart(url: str) -> Target:
    return target(url, ports=ports(), at_home=settings.TENURE_WEBHOOK_LOOPBACK)


def _numbers(at: Target, lookup: Lookup) -> list[str]:
    """What the name leads to, all of it public: a name that answers with one number inside is not sent to at all."""
    try:
        found = _lookups.submit(lookup, at.host, at.port).result(LOOKUP_SECONDS)
    except TooSlow:
        raise Failed("slow")
    except (OSError, UnicodeError):
        raise Failed("unknown_name")
    at_home = settings.TENURE_WEBHOOK_LOOPBACK and (at.host == "localhost" or loopback(at.host))
    if not found:
        raise Failed("unknown_name")
    if not all(loopback(number) if at_home else public(number) for number in found):
        raise Failed("webhooks.url_private")
    # IPv4 first: a machine without IPv6 would wait for nothing.
    return sorted(found, key=lambda number: ":" in number)


class _Bounded(io.RawIOBase):
    """What is read from a line: each time only for as long, and altogether only as much, as is left."""

    def __init__(self, line: socket.socket, left: Callable[[], float]):
        self._line, self._left, self._room = line, left, HEAD_BOUND + BODY_BOUND

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._room <= 0:
            raise Failed("too_large")
        self._line.settimeout(self._left())
        n = self._line.recv_into(memoryview(buffer)[: self._room])
        self._room -= n
        return n

    def makefile(self, *_: Any) -> io.BufferedReader:
        # What http.client asks of a socket.
        return io.BufferedReader(self)


class _Line(http.client.HTTPConnection):
    """A connection to a number that was checked, for a name that is certified."""

    def __init__(self, at: Target, number: str, left: Callable[[], float]):
        super().__init__(at.host, at.port)
        self._at, self._number, self._left = at, number, left
        self.response_class = lambda line, **given: http.client.HTTPResponse(_Bounded(line, left), **given)  # type: ignore

    def connect(self) -> None:
        self.sock = socket.create_connection((self._number, self._at.port), self._left())
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._at.secure:
            self.sock.settimeout(self._left())
            self.sock = _certified().wrap_socket(self.sock, server_hostname=self._at.host)

    def close(self) -> None:
        """Nothing yet: http.client would hang up as soon as an answer says "close", before its body is read."""

    def hang_up(self) -> None:
        super().close()


@cache
def _certified() -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.TENURE_WEBHOOK_CA or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _sent(method: str, at: Target, number: str, body: bytes | None, headers: Mapping[str, str], began: float) -> Answer:
    def left() -> float:
        rest = began + SECONDS - time.monotonic()
        if rest <= 0:
            raise Failed("slow")
        return rest

    line = _Line(at, number, left)
    try:
        line.connect()
        line.sock.settimeout(left())
        line.request(method, at.path, body, {**headers, "Host": at.named, "Connection": "close"})
        told = line.getresponse()
        read = told.read(BODY_BOUND + 1)
        if len(read) > BODY_BOUND:
            raise Failed("too_large", status=told.status)
        if told.length:
            raise Failed("broken", status=told.status)
        ms = int((time.monotonic() - began) * 1000)
        return Answer(told.status, {name.lower(): value for name, value in told.getheaders()}, read, ms)
    finally:
        line.hang_up()
