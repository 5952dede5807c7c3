"""Start the pretend card processor: ``python -m tenure.demogateway --port 8001 --data gateway.sqlite3 ...``.

It decides nothing. It must never run beside a live payment key; the command line that starts it sees to
that. Read next: ``docs/adr/0003-demo-gateway.md``.
"""

import argparse
import signal
import threading
from urllib.parse import urlsplit

from tenure.demogateway.book import Book
from tenure.demogateway.doorbells import Doorbells
from tenure.demogateway.server import Server

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def loopback_url(text: str) -> str:
    address = urlsplit(text)
    if address.scheme != "http" or address.hostname not in LOOPBACK:
        raise argparse.ArgumentTypeError("the doorbell is rung on this machine only, over http")
    return text


def main() -> None:
    parser = argparse.ArgumentParser("tenure.demogateway", description="A pretend card processor for demonstrations.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", required=True, help="the file that holds all state")
    parser.add_argument("--webhook-url", type=loopback_url, required=True, help="where to ring the portal's doorbell")
    parser.add_argument("--secret", required=True, help="shared with the portal: it asks with it, we sign with it")
    parser.add_argument("--latency-ms", type=int, default=0, help="how long every call of the interface takes")
    asked = parser.parse_args()
    book = Book(asked.data)
    server = Server(asked.port, book, asked.secret, asked.latency_ms)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    Doorbells(book, asked.webhook_url, asked.secret).start()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
