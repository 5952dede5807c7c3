"""Uploads that are too large: taken in no further than it takes to say so.

A file beyond the limit of ``forms.py`` is read to its end, so that the browser gets its answer, but what lies beyond
is dropped unseen: no memory and no disk is filled. The form then refuses the file by its field and keeps all that
was typed. It must stand before Django's own handlers, which keep what is left.
"""

from django.core.files.uploadhandler import FileUploadHandler

from tenure.web.shared.forms import FILE_LIMIT


class Bounded(FileUploadHandler):
    """Passes on the first bytes of a file, one piece past the limit at most."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        return raw_data if start <= FILE_LIMIT else None

    def file_complete(self, file_size: int) -> None:
        return None
