"""``tenure bench api``: a list of twenty subscriptions beside the least a Django view can do, both on one server.

The yardstick asks the database once for the same twenty and answers in JSON, behind the same middleware; it knows no
key, no permission, no limit, no page. The database is one of its own, gone afterwards. It decides nothing. Read next:
``proof/api_bench.py``.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tenure.cli.main import CannotRun

BATCH = 50
START_SECONDS = 60
ROOT = "tenure.proof.api_bench"


def run(args: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="tenure-bench-") as data:
        environment = {**os.environ, "TENURE_DATA_DIR": data, "TENURE_API_PER_MINUTE": str(10**9)}
        environment |= {"TENURE_DEMO": "0", "TENURE_SECRET_KEY": "bench" * 12}
        for name in ("TENURE_DATABASE_URL", "TENURE_STRIPE_SECRET_KEY"):
            environment.pop(name, None)
        words = [sys.executable, "-m", "tenure.cli.bench_api"]
        server = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            said = server.stdout.readline() if server.stdout else ""
            if not said.startswith("{"):
                raise CannotRun("The server did not start.")
            ready = json.loads(said)
            _await(server, ready["port"])
            found = _measured(args, ready)
        finally:
            server.terminate()
            server.wait(20)
            _put_away(data)
    print(json.dumps(found) if args.json else _table(found))
    return 0


def _measured(args: argparse.Namespace, ready: dict[str, Any]) -> dict[str, Any]:
    from tenure.proof.api_bench import SUBSCRIPTIONS, race

    rates = race(ready["port"], ready["key"], rounds=max(3, args.rounds // 15), batch=BATCH)
    return {"subscriptions": SUBSCRIPTIONS, **asdict(rates), "ratio": round(rates.api / rates.yardstick, 3)}


def _await(server: subprocess.Popen, port: int) -> None:
    last = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2).close()
            return
        except OSError:
            if time.monotonic() > last or server.poll() is not None:
                raise CannotRun("The web did not start.") from None
            time.sleep(0.1)


def _table(found: dict[str, Any]) -> str:
    return "\n".join(
        [
            f"{found['subscriptions']} subscriptions, {found['rounds']} rounds of {found['batch']} requests of each",
            f"  yardstick  {found['yardstick']:>7.0f} requests a second",
            f"  API        {found['api']:>7.0f} requests a second",
            f"  ratio      {found['ratio']:>7.2f}",
        ]
    )


def _put_away(data: str) -> None:
    """End the database of this run."""
    from tenure.plumbing import embedded

    embedded.stop(Path(data))


def application() -> Any:
    """What the server's worker loads: the whole of Tenure, and the yardstick beside it."""
    import django
    from django.conf import settings

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tenure.settings")
    settings.ROOT_URLCONF = ROOT
    django.setup()
    from django.core.wsgi import get_wsgi_application

    return get_wsgi_application()


def serve() -> None:
    """Furnish the database, say where and with which key, and serve until ended."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tenure.settings")
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connections
    from granian import Granian
    from granian.constants import Interfaces

    from tenure.proof.api_bench import furnish

    call_command("migrate", interactive=False, verbosity=0)
    key = furnish()
    connections.close_all()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    print(json.dumps({"port": port, "key": key}), flush=True)
    Granian(
        "tenure.cli.bench_api:application",
        address="127.0.0.1",
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=1,
        websockets=False,
        log_enabled=False,
    ).serve(target_loader=application, wrap_loader=False)


if __name__ == "__main__":
    serve()
