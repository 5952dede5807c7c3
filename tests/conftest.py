"""What every test stands on: an embedded database without fsync, a card gateway of its own, and a world.

Tests marked ``django_db`` run inside a transaction that is rolled back; those that kill, race or use a browser ask
for a transactional database.
"""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import until_it_answers

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.setdefault("TENURE_DATA_DIR", str(HERE.parent / ".data-test")))
DATA.mkdir(parents=True, exist_ok=True)
os.environ["TENURE_DEMO"] = "1"
os.environ["DJANGO_SETTINGS_MODULE"] = "tenure.settings"
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
if "TENURE_DATABASE_URL" not in os.environ:
    from tenure.plumbing import embedded

    os.environ["TENURE_DATABASE_URL"] = embedded.database_url(DATA, fast=True)
with socket.socket() as _free:
    _free.bind(("127.0.0.1", 0))
    GATEWAY_PORT = _free.getsockname()[1]
GATEWAY_SECRET = "a shared word of the tests"
os.environ["TENURE_DEMO_GATEWAY_URL"] = f"http://127.0.0.1:{GATEWAY_PORT}"
os.environ["TENURE_DEMO_GATEWAY_SECRET"] = GATEWAY_SECRET


import django  # noqa: E402  the environment above must be complete before anything reads it
from django.conf import settings as _settings  # noqa: E402

# A worker of a parallel run finds its parent's environment read already; its gateway is its own all the same.
_settings.TENURE_DEMO_GATEWAY_URL = os.environ["TENURE_DEMO_GATEWAY_URL"]
# Two runs on one machine must not take each other's database away.
_settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = f"test_tenure_{os.getpid()}"
django.setup()


@pytest.fixture(scope="session")
def card_gateway(tmp_path_factory):
    """The demonstration gateway as a process of its own; its doorbells ring at a door nobody opens."""
    file = tmp_path_factory.mktemp("gateway") / "gateway.sqlite3"
    words = ["--port", GATEWAY_PORT, "--data", file, "--secret", GATEWAY_SECRET]
    words += ["--webhook-url", "http://127.0.0.1:9/hooks/demo"]
    process = subprocess.Popen([sys.executable, "-m", "tenure.demogateway", *map(str, words)])
    until_it_answers(f"http://127.0.0.1:{GATEWAY_PORT}/healthz", "the card gateway")
    yield f"http://127.0.0.1:{GATEWAY_PORT}"
    process.terminate()
    process.wait(5)


@pytest.fixture(autouse=True)
def _nothing_remembered():
    """Programme versions read and requests counted by one test do not outlive it."""
    yield
    from tenure.plumbing import limits
    from tenure.programme.queries import row, version

    limits.forget()

    # What was read is kept by the text's own hash; only the numbers may stand for another text next time.
    version.cache_clear()
    row.cache_clear()


@pytest.fixture
def world(db, card_gateway, settings, tmp_path):
    """The programme of the domain's fixtures, with Contoso and its people, at noon on 20 June 2018 in Taipei."""
    from tests.worlds import World

    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    # A slow hash proves nothing in a story about memberships.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *settings.PASSWORD_HASHERS]
    return World(card_gateway)
