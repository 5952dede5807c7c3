"""Policies, offers, prices and benefits as facts: they stand in the programme's versions, not in rows.

It decides the ids under which orders and terms name them. A later version that says the same thing is the same
row; one that says something else under the same name gets a row of its own. Read next: ``proof/rows.py``.
"""

from collections.abc import Iterator
from typing import Any

from tenure.kernel.periods import plus_days
from tenure.programme.rules import Policy, Programme


class Shelf:
    """Rows of one type, and under which id each version's piece stands.

    >>> shelf = Shelf()
    >>> shelf.put(1, "p", {"net": 5, "valid_to": None}), shelf.put(2, "p", {"net": 5, "valid_to": "2020-01-01"})
    ('p', 'p')
    >>> shelf.put(3, "p", {"net": 6, "valid_to": None}), sorted(shelf.rows)
    ('p@3', ['p', 'p@3'])
    """

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.ids: dict[tuple, str] = {}

    def put(self, n: int, name: str, row: dict[str, Any]) -> str:
        for id in (name, f"{name}@{n}"):
            known = self.rows.setdefault(id, {"id": id, **row})
            if known == {"id": id, **row, "valid_to": known["valid_to"]} and known["valid_to"] in (
                None,
                row["valid_to"],
            ):
                # A version that closes an open row only says when it ended.
                known["valid_to"] = row["valid_to"]
                return id
        raise ValueError(f"{name} is told twice in version {n}")


class Catalogue:
    """All versions of the programme, told as rows of facts."""

    def __init__(self, programmes: dict[int, Programme]) -> None:
        self.policies, self.prices = Shelf(), Shelf()
        self.offers: dict[str, dict[str, Any]] = {}
        self.benefits: dict[str, dict[str, Any]] = {}
        for n, programme in sorted(programmes.items()):
            self._read(n, programme)

    def policy_id(self, n: int, policy: int) -> str:
        return self.policies.ids[n, policy]

    def price_id(self, n: int, price: str, country: str) -> str | None:
        """The price row an order used; the one of its country, else the one for all others."""
        return self.prices.ids.get((n, price, country)) or self.prices.ids.get((n, price, None))

    def rows(self, kind: str) -> Iterator[dict[str, Any]]:
        """The rows of one type, sorted by id."""
        of = {
            "policy": self.policies.rows,
            "offer": self.offers,
            "price": self.prices.rows,
            "offer_benefit": self.benefits,
        }[kind]
        return (of[id] for id in sorted(of))

    def _read(self, n: int, programme: Programme) -> None:
        begins = sorted(programme.policies, key=lambda policy: (policy.valid_from, policy.version))
        for policy, following in zip(begins, [*begins[1:], None], strict=True):
            row = policy_row(programme, policy, following)
            self.policies.ids[n, policy.version] = self.policies.put(n, f"{programme.code}/{policy.version}", row)
        for offer in programme.offers:
            self.offers[offer.code] = {
                "id": offer.code,
                "code": offer.code,
                "kind": str(offer.kind),
                "family": offer.family or None,
                "version": n,
                "valid_from": offer.valid_from,
                "valid_to": offer.valid_to,
            }
            for benefit in offer.benefits:
                id = f"{offer.code}@{n}/{benefit.code}"
                self.benefits[id] = {
                    "id": id,
                    "offer": offer.code,
                    "offer_version": n,
                    "benefit": benefit.code,
                    "kind": benefit.kind,
                    "quantity": benefit.quantity,
                }
        for price in programme.prices:
            for country in price.countries or (None,):
                row = {
                    "offer": price.offer,
                    "country": country,
                    "currency": price.net.currency,
                    "net": price.net.minor,
                    "valid_from": price.valid_from,
                    "valid_to": price.valid_to,
                }
                name = f"{price.id}:{country}" if country else price.id
                self.prices.ids[n, price.id, country] = self.prices.put(n, name, row)


def policy_row(programme: Programme, policy: Policy, following: Policy | None) -> dict[str, Any]:
    """One policy; it is in force until the day before the next one begins."""
    return {
        "programme": programme.code,
        "version": policy.version,
        "valid_from": policy.valid_from,
        "valid_to": plus_days(following.valid_from, -1) if following else None,
        "opens_offset_days": policy.opens_offset_days,
        "window_days": policy.window_days,
        "anchor": str(policy.anchor),
        "term_length": str(policy.term_length),
        "refund_days": policy.refund_days,
        "order_expiry_days": policy.order_expiry_days,
        "retry_days": list(policy.retry_days),
        "reminder_days": list(policy.reminder_days),
        "benefits_in_window": policy.benefits_in_window,
        "signature": None,
        "last_call_day": policy.last_call_day,
        "card_notice_days": policy.card_notice_days,
        "transfer_tolerance": policy.transfer_tolerance_minor,
        "refund_limit": dict(sorted(policy.refund_limit.items())),
    }
