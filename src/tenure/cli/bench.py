"""``tenure bench``: figures beside each other, from one run on this machine. They inform; they fail nothing."""

import argparse
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tenure.cli.main import CannotRun

NEEDS_DJANGO = True
START_SECONDS = 60
DOCUMENTS = 100
HOW_MANY = {"statements": 5000, "invoices": 2000}


def register(commands: Any) -> None:
    parser = commands.add_parser("bench", help="measure pages, documents and memory")
    parser.add_argument("what", choices=["pages", "statements", "invoices", "api"], help="what to measure")
    parser.add_argument("-n", "--lines", type=int, help="lines of the bank file (5000), or invoices (2000)")
    parser.add_argument("--seed", type=int, default=1, help="which bank file (default 1)")
    parser.add_argument("--rounds", type=int, default=150, help="requests per page and reader (default 150)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure against the database that is there; ``make bench`` fills one with 10,000 partners first."""
    args.lines = args.lines or HOW_MANY.get(args.what)
    if args.what == "invoices":
        from tenure.cli import bench_invoices  # noqa: PLC0415

        return bench_invoices.run(args)
    if args.what == "api":
        from tenure.cli import bench_api  # noqa: PLC0415

        return bench_api.run(args)
    if args.what == "statements":
        from tenure.cli import bench_statements  # noqa: PLC0415

        return bench_statements.run(args)
    from tenure.memberships.queries import how_many  # noqa: PLC0415
    from tenure.proof import bench  # noqa: PLC0415

    partners = how_many()
    if not partners:
        raise CannotRun("There is nothing to measure: fill the database first, as in tenure demo --partners 10000.")
    reader = bench.buyer_with_most()
    paths = bench.paths()
    server, port = _serve()
    try:
        spreads = bench.pages(port, bench.session_of(reader), paths, rounds=args.rounds)
        web = sum(bench.weight(server.pid).values())
    finally:
        server.terminate()
        server.wait(15)
    found = {
        "partners": partners,
        "pages_ms": {name: asdict(spread) for name, spread in spreads.items()},
        "statements": {name: bench.statements(path, reader) for name, path in paths.items() if name != "smallest"},
        "invoice_pdf_ms": asdict(bench.documents(DOCUMENTS)),
        "web_mb": round(web, 1),
        "house_mb": _house(bench),
    }
    print(json.dumps(found) if args.json else _table(found))
    return 0


def _serve() -> tuple[subprocess.Popen, int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "tenure.cli.main", "serve", "--port", str(port)]
    server = subprocess.Popen(words, env={**os.environ, "TENURE_DEMO": "1"})
    last = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2)
            return server, port
        except OSError:
            if time.monotonic() > last or server.poll() is not None:
                server.kill()
                raise CannotRun("The web did not start.") from None
            time.sleep(0.1)


def _house(bench) -> dict[str, float]:
    """What everything that ``make run`` started on this data folder weighs, when it runs."""
    return bench.house(Path(os.environ.get("TENURE_DATA_DIR") or ".data").resolve())


def _table(found: dict) -> str:
    lines = [f"{found['partners']:,} partners with a subscription"]
    for name, spread in found["pages_ms"].items():
        count = found["statements"].get(name)
        lines.append(
            f"  {name:<10} median {spread['median']:>7.2f} ms   p95 {spread['p95']:>7.2f} ms"
            + (f"   {count} statements" if count else "")
        )
    pdf = found["invoice_pdf_ms"]
    lines.append(f"  invoice PDF median {pdf['median']:.2f} ms   p95 {pdf['p95']:.2f} ms   ({pdf['n']} documents)")
    lines.append(f"  web process {found['web_mb']} MB")
    if found["house_mb"]:
        lines.append(f"  whole house {sum(found['house_mb'].values()):.0f} MB: {found['house_mb']}")
    return "\n".join(lines)
