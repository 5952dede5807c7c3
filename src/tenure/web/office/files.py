"""A stored file at the desk; handed out as everywhere (``web/shared/files.py``)."""

from tenure.web.shared.files import download

__all__ = ["download"]
