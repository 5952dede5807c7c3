"""Receivers of webhooks that mean no good, each on a port of its own of this machine."""

import datetime
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tenure.plumbing import clock

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Receiver:
    """Accepts lines and does one thing to each; remembers what was sent."""

    def __init__(self, act: Callable[[socket.socket], None], wrap: ssl.SSLContext | None = None):
        self._act, self._wrap = act, wrap
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.heard: list[bytes] = []
        self.lines = 0
        self.over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self.over.is_set():
            try:
                line, _ = self._listening.accept()
            except OSError:
                return
            self.lines += 1
            threading.Thread(target=self._one, args=(line,), daemon=True).start()

    def _one(self, line: socket.socket) -> None:
        try:
            if self._wrap:
                line = self._wrap.wrap_socket(line, server_side=True)
            self.heard.append(whole_request(line))
            self._act(line)
        except OSError:
            pass
        finally:
            line.close()

    def url(self, scheme: str = "http", host: str = "127.0.0.1", path: str = "/in") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def close(self) -> None:
        self.over.set()
        self._listening.close()


def whole_request(line: socket.socket) -> bytes:
    """Headers, and as much body as they announce."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += line.recv(65536)
    head, _, body = got.partition(b"\r\n\r\n")
    length = next((int(row.split(b":")[1]) for row in head.split(b"\r\n") if row.lower().startswith(b"content-len")), 0)
    while len(body) < length:
        body += line.recv(65536)
    return head + b"\r\n\r\n" + body


@contextmanager
def receiver(
    act: Callable[[socket.socket], None] | bytes = OK, wrap: ssl.SSLContext | None = None
) -> Iterator[Receiver]:
    doing = (lambda line: line.sendall(act)) if isinstance(act, bytes) else act
    one = Receiver(doing, wrap)
    try:
        yield one
    finally:
        one.close()


def answers(status: int, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {status} So", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def drips(line: socket.socket) -> None:
    """One byte of the body every tenth of a second, without an end."""
    line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
    while True:
        line.sendall(b"x")
        time.sleep(0.1)


def drips_headers(line: socket.socket) -> None:
    line.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while True:
        line.sendall(b"x")
        time.sleep(0.1)


def never_ends(line: socket.socket) -> None:
    """A hundred megabytes, announced or not."""
    line.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(1600):
        line.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")


def endless_headers(line: socket.socket) -> None:
    line.sendall(b"HTTP/1.1 200 OK\r\n")
    for n in range(100_000):
        line.sendall(b"X-%d: " % n + b"y" * 8000 + b"\r\n")


def never_answers(line: socket.socket) -> None:
    time.sleep(30)


def never_closes(line: socket.socket) -> None:
    """A body without a length, that only the end of the line would end."""
    line.sendall(b"HTTP/1.1 200 OK\r\n\r\nok")
    time.sleep(30)


def hangs_up(line: socket.socket) -> None:
    line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")


def certificate(folder, name: str = "localhost", *, days: int = 30) -> tuple[ssl.SSLContext, str]:
    """A server's context for a name, and the file of the authority that vouches for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = clock.machine()
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=min(days, 0) - 1))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / f"{name}.pem").write_bytes(pem)
    (folder / f"{name}.key").write_bytes(secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return context, str(folder / f"{name}.pem")
