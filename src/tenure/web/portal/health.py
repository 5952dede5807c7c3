"""Whether the process lives, and whether it can work."""

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse

from tenure.web.shared.pages import machine


@machine
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while the process answers; asks nobody."""
    return HttpResponse("ok\n", content_type="text/plain")


@machine
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when the database answers and its schema is up to date, else 503."""
    executor = MigrationExecutor(connection)
    ready = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return HttpResponse("ready\n" if ready else "migrations\n", status=200 if ready else 503, content_type="text/plain")
