"""Naming a new card on the gateway's own page, reading what was named there, and forgetting one. Nothing is charged.

It must never keep a card by what a browser says: the gateway is asked. Read next: ``gateways/base.py``, the
promises; ``payments/actions.py``, ``keep_card``.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import uuid4

from tenure.payments.actions import gateway
from tenure.payments.gateways import base
from tenure.payments.models import Card
from tenure.plumbing.db import inside, outside_transaction, wiring


def open_card_page(
    partner_id: int, *, currency: str, language: str, payer: str, merchant: str, return_path: str
) -> base.Page | None:
    """The page on which a company's card is named, or nothing when the gateway does not answer.

    Each press is a page of its own: an earlier one may have been used or left, and no money depends on it.
    """
    outside_transaction("opening a page for a card")
    asked = base.CardPageRequest(
        key=str(uuid4()),
        customer=f"partner-{partner_id}",
        currency=currency,
        language=language,
        return_path=return_path,
        payer_name=payer,
        merchant=merchant,
    )
    try:
        return gateway(wiring().CARD_GATEWAY).open_card_page(asked)
    except (base.Unknown, base.Rejected):
        return None


def card_named(ref: str) -> base.Card | None:
    """The card that was named on a page; nothing while it waits, or when it was left. May raise ``Unknown``."""
    outside_transaction("asking about a card")
    return gateway(wiring().CARD_GATEWAY).look_card(ref)


def promise_removal(rows: Iterable[Card], by: str, now: datetime) -> None:
    """From now on some cards are neither offered nor charged."""
    inside("removing a card")
    for row in rows:
        row.removing_at, row.removed_by = now, by
        row.save(update_fields=["removing_at", "removed_by"])


def forget(row: Card) -> None:
    """Have the gateway forget a card. One that is forgotten already is no error; may raise ``Unknown``."""
    outside_transaction("forgetting a card")
    gateway(row.gateway).detach(row.token)


def note_removed(row: Card, now: datetime) -> None:
    """The gateway has forgotten a card, unless it was named anew meanwhile."""
    inside("recording that a card is forgotten")
    Card.objects.filter(pk=row.pk, removing_at__isnull=False).update(removed_at=now)
