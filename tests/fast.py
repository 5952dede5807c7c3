"""``make fast``: the rules of the domain alone, no database, no Django, a few examples of each property.

``make test`` runs the same files with all their examples. Loaded as a plugin, before anything else.
"""

from hypothesis import settings

settings.register_profile("fast", max_examples=10, database=None)
settings.load_profile("fast")

RULES = "anchors windows due_properties ledger_properties money_properties invoice_view term_line".split()


def pytest_ignore_collect(collection_path):
    """Only the rules; what reads files, catalogues and commands waits for ``make test``."""
    return collection_path.is_file() and collection_path.stem.removeprefix("test_") not in RULES or None
