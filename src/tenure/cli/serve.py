"""The web: one granian process for the pages and the API, static files included, no proxy needed.

It decides how many threads answer. It must never hold a rule or a page. Read next: ``urls.py``.
"""

import argparse
import ctypes
import errno
import os
import signal
import socket
import sys
from typing import Any

from tenure.cli.main import CannotRun

THREADS = 4
LAST_PORT = 65535
PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def register(commands: Any) -> None:
    text = "Serve the portal, the office and the API."
    parser = commands.add_parser("serve", help="the web alone", description=text)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", default=os.environ.get("TENURE_PORT") or "8000", help="default TENURE_PORT or 8000")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    port = free_port(args.port, args.host)
    from granian import Granian  # noqa: PLC0415  the supervisor imports this module and serves nothing
    from granian.constants import Interfaces  # noqa: PLC0415

    Granian(
        "tenure.cli.serve:application",
        address=args.host,
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        workers_kill_timeout=10,
        websockets=False,
    ).serve(target_loader=application, wrap_loader=False)
    return 0


def free_port(text: str, host: str = "127.0.0.1") -> int:
    """The port as a number, when it is one and nobody listens there."""
    if not text.isdigit() or not 0 < int(text) <= LAST_PORT:
        raise CannotRun(f"TENURE_PORT is {text!r}, which is not a port number between 1 and {LAST_PORT}.")
    port = int(text)
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except PermissionError:
        raise CannotRun(f"Port {port} is not open to this account: choose one above 1023 with TENURE_PORT.") from None
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise CannotRun(f"{host} port {port} can't be listened on: {error.strerror}.") from None
        other = port + 1 if port < LAST_PORT else 8000
        raise CannotRun(
            f"Port {port} is taken: stop what uses it, or choose another, as in TENURE_PORT={other} make run."
        ) from None
    return port


def application() -> Any:
    """What granian's worker process loads: Django, set up once, in that process only."""
    die_with_parent()
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415  in the worker process, not in its parent

    return get_wsgi_application()


def die_with_parent() -> None:
    """Ask the kernel to end this process when its parent ends, however it ends (Linux only)."""
    if _LIBC:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
