"""The doors as Django knows them: at start-up they begin to hear who comes and goes.

It must never do more at start-up than connect. Read next: ``sign_in_visits.py``.
"""

from django.apps import AppConfig


class Doors(AppConfig):
    name = "tenure.web.shared"
    label = "shared"

    def ready(self) -> None:
        from tenure.web.shared.sign_in_visits import connect  # noqa: PLC0415  rows are ready only now

        connect()
