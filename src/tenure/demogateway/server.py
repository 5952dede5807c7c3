"""HTTP around the pretend processor: Stripe's wire for the portal, the card page for the customer.

It decides who may ask (a bearer secret; a page's own unguessable name) and when an answer is lost on
purpose. It must never listen anywhere but on this machine. Read next: ``demogateway/routes.py``.
"""

import hmac
import json
import secrets
import socket
import sys
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import SplitResult, parse_qs, parse_qsl, urlsplit

from tenure.demogateway import pages
from tenure.demogateway.book import Book, No
from tenure.demogateway.forms import Request
from tenure.demogateway.routes import Lost, Routes, error

LARGEST_BODY = 64 * 1024
POLICY = "default-src 'self'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"


def nested(pairs: list[tuple[str, str]]) -> dict:
    """A form's brackets undone: "a[b][0]=c" is a table in a table.

    >>> nested([("a[b][0]", "c"), ("d", "e")])
    {'a': {'b': {'0': 'c'}}, 'd': 'e'}
    """
    fields: dict = {}
    for name, value in pairs:
        *path, last = name.replace("]", "").split("[")
        within = fields
        for step in path:
            within = within.setdefault(step, {})
            if not isinstance(within, dict):
                raise ValueError(name)
        within[last] = value
    return fields


class TooMuch(Exception):
    """A body that will not be read."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, book: Book, secret: str, latency_ms: int):
        self.book = book
        self.routes = Routes(book, latency_ms)
        self.secret = f"Bearer {secret}".encode()
        super().__init__(("127.0.0.1", port), Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that left is not an error worth a trace."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "demogateway"
    sys_version = ""
    timeout = 60
    wbufsize = -1  # one packet for head and body; without it each answer waits for an acknowledgement
    disable_nagle_algorithm = True
    server: Server

    def log_message(self, *parts: Any) -> None:
        """Silent: an address may hold a page's name."""

    def do_GET(self) -> None:
        self.take("GET")

    def do_POST(self) -> None:
        self.take("POST")

    def take(self, method: str) -> None:
        address = urlsplit(self.path)
        try:
            body = self.body()
            if address.path in ("/v1/_faults", "/v1/_lab"):
                self.take_wish(method, address.path, body)
            elif address.path.startswith("/v1/"):
                self.take_form(method, address, body)
            elif address.path.startswith("/pay/"):
                self.take_page(method, address.path.removeprefix("/pay/"), body)
            elif address.path == "/healthz":
                self.send(200, "application/json", '{"ok": true}')
            else:
                self.refuse(No("no_such_address", 404))
        except TooMuch:
            self.close_connection = True
            self.refuse(No("body_too_large", 413))
        except Lost:
            self.hang_up()

    def body(self) -> bytes:
        length = self.headers.get("Content-Length") or "0"
        if not length.isdecimal() or int(length) > LARGEST_BODY or self.headers.get("Transfer-Encoding"):
            raise TooMuch
        return self.rfile.read(int(length))

    def hang_up(self) -> None:
        """Close without a word, as a line that breaks does."""
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def take_form(self, method: str, address: SplitResult, body: bytes) -> None:
        """A request on Stripe's wire."""
        if not hmac.compare_digest(self.headers.get("Authorization", "").encode(), self.server.secret):
            return self.refuse(No("secret_unknown", 401))
        try:
            fields = nested(parse_qsl(address.query if method == "GET" else body.decode(), True, max_num_fields=200))
        except (ValueError, RecursionError):
            return self.refuse(No("body_unreadable"))
        base = f"http://{self.headers.get('Host', '')}"
        asked = Request(method, address.path, fields, self.headers.get("Idempotency-Key", ""), base)
        status, text = self.server.routes.answer(asked)
        self.send(status, "application/json", text)

    def take_wish(self, method: str, path: str, body: bytes) -> None:
        """The lab's own door, in JSON: what a bank or bad luck does."""
        routes = self.server.routes
        if not hmac.compare_digest(self.headers.get("Authorization", "").encode(), self.server.secret):
            return self.refuse(No("secret_unknown", 401))
        try:
            wanted = json.loads(body or b"{}")
            if not isinstance(wanted, dict):
                raise ValueError("no table")
            if method == "GET":
                said = routes.book.faults()
            else:
                said = routes.arm(wanted) if path == "/v1/_faults" else routes.happen(wanted)
            self.send(200, "application/json", json.dumps(said))
        except (ValueError, RecursionError):
            self.refuse(No("body_unreadable"))
        except No as no:
            self.refuse(no)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The ``Date`` of every answer, by the processor's own clock."""
        return super().date_time_string(self.server.book.now() if timestamp is None else timestamp)

    def refuse(self, no: No) -> None:
        self.send(no.status, "application/json", json.dumps({"error": error(no)}))

    def take_page(self, method: str, page: str, body: bytes) -> None:
        if page == "page.css":
            return self.send(200, "text/css", pages.SHEET)
        form = {}
        if method == "POST":
            try:
                fields = parse_qs(body.decode(), max_num_fields=20)
            except ValueError:
                return self.send(400, "text/html", pages.missing())
            form = {name: values[-1] for name, values in fields.items()}
        status, text, location = pages.answer(self.server.book, page, method, form)
        self.send(status, "text/html", text, location)

    def send(self, status: int, kind: str, text: str, location: str = "") -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        if kind == "application/json":
            self.send_header("Request-Id", f"req_{secrets.token_hex(7)}")
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        if kind == "text/html":
            self.send_header("Content-Security-Policy", POLICY)
            self.send_header("Referrer-Policy", "same-origin")
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()
