"""A live key and a demonstration never meet; the key alone decides which gateway takes cards.

Read next: ``settings.py``; ``wiring.py``, the third table.
"""

import os
import subprocess
import sys

import pytest

ASKS = "import django; django.setup(); from tenure import wiring; g = wiring.gateway(wiring.CARD_GATEWAY); "
ASKS += "print(g.name, g.base, g.live)"


def started(tmp_path, **given):
    own = {"DJANGO_SETTINGS_MODULE": "tenure.settings", "TENURE_DATA_DIR": str(tmp_path)}
    own |= {"TENURE_DATABASE_URL": "postgresql:///nowhere", "TENURE_SECRET_KEY": "x" * 50}
    own |= {"TENURE_STRIPE_WEBHOOK_SECRET": "whsec_x"}
    path = {name: os.environ[name] for name in ("PATH", "HOME", "VIRTUAL_ENV") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", ASKS],
        env={**path, **own, **given},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout.strip(), done.stderr


@pytest.mark.parametrize("key", ["sk_live_x", "rk_live_x"])
def test_a_live_key_beside_a_demonstration_does_not_start(tmp_path, key):
    code, out, told = started(tmp_path, TENURE_DEMO="1", TENURE_STRIPE_SECRET_KEY=key)
    assert code == 1 and out == "" and told.strip() == "TENURE_DEMO=1 is refused beside a live payment key."


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"TENURE_DEMO": "1", "TENURE_STRIPE_SECRET_KEY": "sk_test_x"}, "demo http://127.0.0.1:8001 False"),
        ({"TENURE_STRIPE_SECRET_KEY": "sk_test_x"}, "stripe https://api.stripe.com False"),
        ({"TENURE_STRIPE_SECRET_KEY": "rk_live_x"}, "stripe https://api.stripe.com True"),
        (
            {"TENURE_STRIPE_SECRET_KEY": "sk_test_x", "TENURE_STRIPE_API_BASE": "http://127.0.0.1:9/"},
            "stripe http://127.0.0.1:9 False",
        ),
    ],
)
def test_the_key_decides_which_gateway_takes_cards(tmp_path, given, said):
    code, out, told = started(tmp_path, **given)
    assert (code, out) == (0, said), told


def test_a_key_without_the_secret_of_its_notices_does_not_start(tmp_path):
    """Nothing it is told could be believed. The control: whoever wants only to ask says so."""
    mute = {"TENURE_STRIPE_SECRET_KEY": "sk_live_x", "TENURE_STRIPE_WEBHOOK_SECRET": " , "}
    code, out, told = started(tmp_path, **mute)
    assert code == 1 and out == ""
    assert told.startswith("TENURE_STRIPE_SECRET_KEY is set without TENURE_STRIPE_WEBHOOK_SECRET:")
    assert started(tmp_path, **mute, TENURE_STRIPE_POLLING="1")[:2] == (0, "stripe https://api.stripe.com True")
    assert started(tmp_path, TENURE_STRIPE_WEBHOOK_SECRET="")[:2] == (0, "demo http://127.0.0.1:8001 False")
