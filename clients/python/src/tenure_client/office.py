"""What the operator's program asks for, with a staff key."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from tenure_client.shapes import Amount, BankCredit, Order, Partner, SupportRequest
from tenure_client.transport import Transport


class Office(Transport):
    """The office's side of a programme."""

    def partners(self, **filters: Any) -> Iterator[Partner]:
        return self.pages("/office/partners", Partner.of, **filters)

    def partner(self, id: int) -> Partner:
        return Partner.of(self.get(f"/office/partners/{id}"))

    def suspend(self, id: int, reason: str, *, idempotency_key: str | None = None) -> Partner:
        return Partner.of(self.post(f"/office/partners/{id}/suspension", {"reason": reason}, idempotency_key))

    def reinstate(self, id: int) -> Partner:
        return Partner.of(self.ask("DELETE", f"/office/partners/{id}/suspension").json())

    def verifications(self) -> Iterator[dict[str, Any]]:
        return self.pages("/office/verifications", dict)

    def decide_verification(self, id: int, passed: bool, reason: str = "") -> dict[str, Any]:
        return self.post(f"/office/verifications/{id}/decision", {"passed": passed, "reason": reason}, None)

    def transfers(self, **filters: Any) -> Iterator[BankCredit]:
        return self.pages("/office/transfers", BankCredit.of, **filters)

    def record_transfer(
        self,
        account: str,
        value_on: date,
        amount: Amount,
        *,
        reference: str = "",
        payer: str = "",
        idempotency_key: str | None = None,
    ) -> BankCredit:
        body = {"account": account, "value_on": value_on.isoformat(), "amount": amount.told()}
        body |= {"reference": reference, "payer": payer}
        return BankCredit.of(self.post("/office/transfers", body, idempotency_key))

    def match_transfer(self, id: int, order: str, *, idempotency_key: str | None = None) -> BankCredit:
        return BankCredit.of(self.post(f"/office/transfers/{id}/match", {"order": order}, idempotency_key))

    def orders(self, **filters: Any) -> Iterator[Order]:
        return self.pages("/office/orders", Order.of, **filters)

    def support_requests(self, **filters: Any) -> Iterator[SupportRequest]:
        return self.pages("/office/support-requests", SupportRequest.of, **filters)

    def answer(self, number: str, text: str, *, internal: bool = False) -> SupportRequest:
        path = f"/office/support-requests/{number}/notes"
        return SupportRequest.of(self.post(path, {"text": text, "internal": internal}, None))

    def decide_cancellation(
        self,
        number: str,
        *,
        refund: bool,
        override: bool = False,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> SupportRequest:
        body: dict[str, Any] = {"refund": refund, "override": override}
        body |= {"reason": reason} if reason else {}
        return SupportRequest.of(self.post(f"/office/support-requests/{number}/decision", body, idempotency_key))

    def approve_refund(self, number: str, *, idempotency_key: str | None = None) -> SupportRequest:
        return SupportRequest.of(self.post(f"/office/support-requests/{number}/approval", None, idempotency_key))
