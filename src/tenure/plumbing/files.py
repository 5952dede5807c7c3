"""Files that people hand in: kept as they came, with the hash that witnesses it.

It never judges what is inside; the form has looked at kind and size (``web/shared/forms.py``).
"""

import hashlib

from tenure.plumbing.models import StoredFile


def handed_in(name: str, kind: str, content: bytes) -> StoredFile:
    """A file ready for a verb to store; the verb says when."""
    return StoredFile(sha256=hashlib.sha256(content).hexdigest(), name=name, media_type=kind, content=content)
