"""Handing a stored file to the desk: always as a download, under its own name, never shown inside a page."""

from typing import Any

from django.http import HttpResponse
from django.utils.http import content_disposition_header


def download(file: Any) -> HttpResponse:
    """The bytes of a stored file as they were given or made."""
    answer = HttpResponse(bytes(file.content), content_type=file.media_type)
    answer["Content-Disposition"] = content_disposition_header(True, file.name)
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return answer
