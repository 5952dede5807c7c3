"""Worlds that are really committed, processes that die, and threads that start at the same instant."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from tenure.kernel.refusals import Refusal
from tenure.payments.actions import gateway
from tests.worlds import World


@pytest.fixture
def committed(transactional_db, card_gateway, settings):
    """The world of the stories, committed, so that other connections and processes see it."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    # A slow hash proves nothing about two who meet.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *settings.PASSWORD_HASHERS]
    return World(card_gateway)


def address() -> str:
    """Where another process finds the database of the tests."""
    parts = connection.settings_dict
    found = f"postgresql://{parts['USER']}@/{parts['NAME']}?host={parts['HOST']}"
    return f"{found}&port={parts['PORT']}" if parts["PORT"] else found


def child(*words: str, crash_at: str = "") -> int:
    """Do one thing in a process of its own, which may be told where to die; returns its exit status."""
    environment = {**os.environ, "TENURE_DATABASE_URL": address(), "TENURE_CRASH_AT": crash_at}
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.child", *words],
        env=environment,
        timeout=60,
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, -9), done.stderr[-2000:]
    return done.returncode


def at_once(*calls) -> list:
    """Start calls on connections of their own at the same instant; each answer is a value or a refusal."""
    gate = threading.Barrier(len(calls))

    def run(call):
        try:
            gate.wait(10)
            return call()
        except Refusal as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def charged(order_number: str) -> int:
    """How often the gateway itself says that an order was charged."""
    return sum(charge.order == order_number for charge in gateway("demo").charges(None))
