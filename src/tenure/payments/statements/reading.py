"""Which format a bank's file is in, told by its bytes and never by its name.

Read next: ``payments/statements/base.py``.
"""

from tenure.payments.statements import camt053, delimited, swift940
from tenure.payments.statements.base import MAX_BYTES, Statement, Unreadable
from tenure.payments.statements.delimited import Mapping


def read(content: bytes, *, mapping: Mapping | None = None, account: str = "", currency: str = "") -> Statement:
    """The statement in a file; columns can be read only with their mapping, an account and its currency.

    >>> read(b"Date;Amount")
    Traceback (most recent call last):
    ...
    tenure.payments.statements.base.Unreadable: line 0: mapping_missing
    """
    if len(content) > MAX_BYTES:
        raise Unreadable("too_big")
    if not content.strip():
        raise Unreadable("empty")
    if camt053.looks_like(content):
        return camt053.read(content)
    if swift940.looks_like(content):
        return swift940.read(content)
    if content[:5] in (b"%PDF-", b"PK\x03\x04\x14") or content.lstrip()[:1] == b"<":
        raise Unreadable("form_unknown")
    if mapping is None:
        raise Unreadable("mapping_missing")
    return delimited.read(content, mapping, account, currency)
