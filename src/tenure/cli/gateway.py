"""The card gateway for a command that may charge: the one that runs, or one of its own for as long as it takes.

It decides only whether a pretend card processor has to be started. It must never start one outside a
demonstration. Read next: ``cli/up.py``, which keeps one running beside the portal.
"""

import http.client
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from tenure.cli.main import CannotRun
from tenure.cli.serve import die_with_parent
from tenure.cli.up import any_port, kept

START_SECONDS = 15


@contextmanager
def card_gateway() -> Iterator[None]:
    """Have a card gateway while the block runs. In a demonstration without one, start it on the same book."""
    if not settings.TENURE_DEMO or _answers(settings.TENURE_DEMO_GATEWAY_URL, settings.TENURE_DEMO_GATEWAY_SECRET):
        yield
        return
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
    port, secret = any_port(), kept(settings.DATA_DIR / "gateway-secret")
    url = f"http://127.0.0.1:{port}"
    words = ["--port", str(port), "--data", str(settings.DATA_DIR / "demogateway.sqlite3"), "--secret", secret]
    words += ["--webhook-url", f"http://127.0.0.1:{settings.TENURE_PORT}/hooks/demo"]
    process = subprocess.Popen(
        [sys.executable, "-m", "tenure.demogateway", *words],
        stdin=subprocess.DEVNULL,
        preexec_fn=die_with_parent,  # noqa: PLW1509  there is one thread
    )
    try:
        _wait(process, url, secret)
        settings.TENURE_DEMO_GATEWAY_URL, settings.TENURE_DEMO_GATEWAY_SECRET = url, secret
        yield
    finally:
        process.terminate()
        process.wait()


def _answers(url: str, secret: str) -> bool:
    """Whether the gateway that shares our secret listens there, and not whatever else has taken its port."""
    asked = urllib.request.Request(f"{url}/v1/_faults", headers={"Authorization": f"Bearer {secret}"})
    try:
        with urllib.request.urlopen(asked, timeout=2) as answer:
            return answer.status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False


def _wait(process: subprocess.Popen, url: str, secret: str) -> None:
    until = time.monotonic() + START_SECONDS
    while not _answers(url, secret):
        if process.poll() is not None or time.monotonic() > until:
            raise CannotRun("The pretend card gateway did not start.")
        time.sleep(0.02)
