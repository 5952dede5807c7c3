"""Handing out a stored file: always to be saved under its own name, never shown inside a page of ours.

It decides what a file is called by its bytes once more: whatever was stored under a kind that its bytes do not bear
out is handed out as bytes. It must never take a name or a kind from the request. Read next: ``web/shared/forms.py``,
which takes files in.
"""

from typing import Any

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from tenure.web.shared.forms import kind_of

MADE_HERE = ("application/xml", "text/xml", "text/csv", "application/json")
"""Kinds that nobody hands in; a file of ours bears them by its maker."""
UNKNOWN = "application/octet-stream"
SANDBOX = "sandbox; default-src 'none'"


def download(file: Any) -> HttpResponse:
    """The bytes of a stored file as they were given or made."""
    return handed_out(bytes(file.content), file.media_type, file.name)


def handed_out(content: bytes, kind: str, name: str) -> HttpResponse:
    """Bytes of a kind under a name."""
    return to_be_saved(HttpResponse(content, content_type=true_kind(content, kind)), name)


def to_be_saved(answer: Any, name: str) -> Any:
    """An answer that a browser saves: it neither shows it nor lets it do anything."""
    answer["Content-Disposition"] = content_disposition_header(True, name)
    answer["Content-Security-Policy"] = SANDBOX
    return answer


def true_kind(content: bytes, kind: str) -> str:
    """The kind a file is handed out as.

    >>> true_kind(b"%PDF-1.7", "application/pdf"), true_kind(b"<html>", "application/pdf")
    ('application/pdf', 'application/octet-stream')
    >>> true_kind(b"<?xml", "application/xml"), true_kind(b"<svg>", "image/svg+xml")
    ('application/xml', 'application/octet-stream')
    """
    return kind if kind in MADE_HERE or kind_of(content) == kind else UNKNOWN
