"""What a process reads before it forks: everything that each of its children would else read again.

Importing this sets Django up for a demonstration. ``read_all`` opens no connection and starts no thread, so a child
begins with the code alone. Read next: ``stage.py`` and ``turn.py``, which fork.
"""

import os
from functools import cache
from importlib import import_module

os.environ["DJANGO_SETTINGS_MODULE"] = "tenure.settings"
os.environ["TENURE_DEMO"] = "1"

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402

from tenure.billing.documents import TEMPLATE  # noqa: E402
from tenure.plumbing import pdf  # noqa: E402
from tenure.plumbing.db import permissions, wiring  # noqa: E402
from tenure.programme import queries as programme  # noqa: E402
from tests.worlds import AURORA  # noqa: E402

LATE = (
    "babel.numbers",
    "django.contrib.postgres.expressions",
    "django.core.mail.backends.locmem",
    "lxml.etree",
    "stripe._object_classes",
    "stripe._charge_service",
    "stripe._checkout_service",
    "stripe._customer_service",
    "stripe._payment_intent_service",
    "stripe._refund_service",
    "stripe.checkout._session_service",
)
"""Modules that are brought in at their first use."""


def read_all() -> None:
    """The wiring, every page and verb, the gateway's client, the fonts."""
    permissions()
    for name in LATE:
        import_module(name)
    # The reading of the programme's file, which is most of what a process does when it begins.
    programme.read = cache(programme.read)
    programme.read(AURORA.read_text())
    wiring().gateway("demo")
    pdf._compiler(TEMPLATE)
    pdf._characters()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert len(os.listdir("/proc/self/task")) == 1, "a thread would be missing in every child"
