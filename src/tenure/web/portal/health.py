"""Whether the process lives, and whether it can work."""

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse

from tenure.plumbing import offset
from tenure.web.shared.pages import machine


@machine
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while the process answers; asks nobody."""
    return HttpResponse("ok\n", content_type="text/plain")


@machine
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when the database answers, its schema is up to date and the clock agrees with the gateway's, else 503."""
    executor = MigrationExecutor(connection)
    missing = ""
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        missing = "migrations"
    elif (off := offset.wrong()) and offset.fresh(off):
        missing = "clock"
    return HttpResponse(f"{missing or 'ready'}\n", status=503 if missing else 200, content_type="text/plain")
