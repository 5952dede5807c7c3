"""Where a process can be made to die, as a power cut would, so that a test sees what is repaired afterwards.

It decides nothing but the place. Outside a demonstration or a test ``TENURE_CRASH_AT`` is refused at start. A beat
with a name has two points, the moment before its commit and the moment after; the others lie between two beats or
in the middle of one. ``tenure crashpoints`` lists them. Read next: ``plumbing/db.py`` and ``tests/faults``.
"""

import os
import signal
from collections import Counter

VARIABLE = "TENURE_CRASH_AT"

BEATS: dict[str, str] = {
    "order": "an order and the intent to charge it",
    "order_again": "a further attempt for an order",
    "order_ended": "the end of an unpaid order",
    "call_begun": "that the gateway is about to be called",
    "ref_kept": "the gateway's id of a prepared charge",
    "page_kept": "the address of the card page",
    "settle": "everything that follows from the gateway's word",
    "silence": "that the answer is missing",
    "asked": "that the janitor is about to ask",
    "doorbell_kept": "a doorbell's event",
    "doorbell_applied": "what became of a doorbell",
    "renewal": "an automatic renewal and what was due",
    "telling": "a reminder that fell due",
    "run": "the sum of a daily run",
    "refund": "a decision to give money back",
    "refund_settled": "a refund that was made, with its credit note",
    "request_closed": "the end of a request whose refund was made",
    "pdf_stored": "the bytes of a document",
}

BETWEEN: dict[str, str] = {
    "charge_prepared": "the gateway has prepared the charge, its id is not kept yet",
    "charge_confirmed": "the gateway has answered the confirmation, nobody has read the answer",
    "page_opened": "the gateway has made the card page, its address is not kept yet",
    "settle.noted": "inside settling: the attempt is decided",
    "settle.paid": "inside settling: the payment is written",
    "settle.term": "inside settling: the term is open",
    "settle.benefits": "inside settling: the benefits are given",
    "settle.number": "inside issuing: the number is taken",
    "settle.invoice": "inside settling: the document is written and posted",
    "settle.booked": "inside settling: the payment is posted",
    "settle.event": "inside settling: the event is written",
    "doorbell_resolved": "the doorbell's payment is settled, the doorbell is not marked",
    "refund_called": "the gateway has given the money back, nobody has read the answer",
    "refund_settled.credit": "inside settling a refund: the credit note is written",
    "pdf_rendered": "the document is drawn, its bytes are not kept",
    "reaction_done": "a reaction has run and is not marked as done",
    "mail_sent": "a letter has left and is not marked as sent",
    "statement_entered": "a bank file is entered, its lines are not",
}

POINTS: tuple[str, ...] = (*(f"{name}/{moment}" for name in BEATS for moment in ("before", "after")), *BETWEEN)

_passed: Counter[str] = Counter()


def wanted(asked: str) -> tuple[str, int]:
    """The point a process is to die at, and at which passing.

    >>> wanted("settle/before"), wanted("settle.number:3")
    (('settle/before', 1), ('settle.number', 3))
    """
    name, _, n = asked.partition(":")
    if name not in POINTS or (n and not (n.isascii() and n.isdecimal() and int(n))):
        raise ValueError(f"{VARIABLE} names no crash point: {asked}")
    return name, int(n or 1)


WANTED = wanted(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None


def crash_point(name: str) -> None:
    """End the process here, at once and without a word, when this is the point and the passing that was asked for."""
    if WANTED is None or name != WANTED[0]:
        return
    _passed[name] += 1
    if _passed[name] == WANTED[1]:
        os.kill(os.getpid(), signal.SIGKILL)
