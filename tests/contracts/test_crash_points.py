"""The crash points are read from the code; outside a demonstration the switch is refused at the start."""

import os
import subprocess
import sys

from tenure.plumbing.crash import points
from tenure.plumbing.db import permissions, wiring


def test_every_commit_and_every_call_has_its_two_points():
    wiring()
    permissions()
    told = points()
    assert len(told) == len(set(told)) >= 160
    for name in (
        "purchases.settling.settle",
        "purchases.actions.buy",
        "purchases.actions.heard",
        "support.open_request",
    ):
        assert {f"{name}:before_commit", f"{name}:after_commit"} <= set(told)
    assert {"gateway.confirm:before_call", "gateway.refund:answered", "number.taken", "mail.sent"} <= set(told)


def test_a_real_installation_does_not_start_with_the_switch_on():
    own = {"TENURE_SECRET_KEY": "x" * 60, "TENURE_DATABASE_URL": "postgresql:///nowhere", "TENURE_DEMO": "0"}
    for at, status in (("mail.sent", 1), ("", 0)):
        words = [sys.executable, "-c", "import tenure.settings"]
        done = subprocess.run(words, env={**os.environ, **own, "TENURE_CRASH_AT": at}, capture_output=True, text=True)
        assert done.returncode == status and ("TENURE_CRASH_AT" in done.stderr) is bool(status)
