"""What a process reads before it forks: everything that each of its children would else read again.

Importing this sets Django up for a demonstration. ``read_all`` opens no connection and starts no thread, so a child
begins with the code alone. Read next: ``stage.py`` and ``turn.py``, which fork.
"""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "tenure.settings"
os.environ["TENURE_DEMO"] = "1"

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402

from tenure.billing.documents import TEMPLATE  # noqa: E402
from tenure.plumbing import pdf  # noqa: E402
from tenure.plumbing.db import permissions, wiring  # noqa: E402


def read_all() -> None:
    """The wiring, every page and verb, the gateway's client, the fonts."""
    permissions()
    wiring().gateway("demo")
    pdf._compiler(TEMPLATE)
    pdf._characters()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert len(os.listdir("/proc/self/task")) == 1, "a thread would be missing in every child"
