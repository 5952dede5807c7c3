"""What a partner's program asks for. Each method is one operation of the API, by the names of its document.

client = Client("https://partners.example", key)
offer = next(offer for offer in client.offers() if offer.code == "action-pack")
order = client.buy(offer, contact={"name": "Mei Chen", "phone": "02 2712 3456", "email": "mei@fabrik.example"})
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

from tenure_client.shapes import (
    Amount,
    Benefit,
    Card,
    Eligibility,
    Invitation,
    Invoice,
    Key,
    Offer,
    Order,
    Subscription,
    SupportRequest,
    Term,
    User,
)
from tenure_client.transport import Transport


class Client(Transport):
    """One company's side of a programme."""

    def key(self) -> Key:
        return Key.of(self.get("/key"))

    # Offers and orders

    def offers(self) -> list[Offer]:
        return [Offer.of(each) for each in self.get("/offers")["items"]]

    def offer_eligibility(self, code: str) -> Eligibility:
        return Eligibility.of(self.get(f"/offers/{code}/eligibility"))

    def cards(self) -> list[Card]:
        return [Card.of(each) for each in self.get("/cards")["items"]]

    def buy(
        self,
        offer: Offer,
        *,
        contact: dict[str, str] | None = None,
        payment_token: str | None = None,
        auto_renew: bool = True,
        subscription: int | None = None,
        expected_total: Amount | None = None,
        terms_version: str | None = None,
        language: str | None = None,
        idempotency_key: str | None = None,
    ) -> Order:
        """Order an offer at the price and terms it was shown with: a transfer when there is a contact, else by card.

        ``subscription`` renews that one.
        """
        if offer.price is None and expected_total is None:
            raise ValueError(f"{offer.code} has no price today")
        total = expected_total or offer.price.total  # type: ignore[union-attr]
        body: dict[str, Any] = {
            "offer": offer.code,
            "purpose": "renewal" if subscription else "purchase",
            "terms_version": offer.terms_version if terms_version is None else terms_version,
            "expected_total": total.told(),
        }
        body |= {"subscription": subscription} if subscription else {}
        body |= {"language": language} if language else {}
        if contact is not None:
            body |= {"payment_method": "bank_transfer", "contact": contact}
        else:
            body |= {"payment_method": "card", "auto_renew": auto_renew}
            body |= {"payment_token": payment_token} if payment_token else {}
        return Order.of(self.post("/orders", body, idempotency_key))

    def renew(self, subscription: Subscription, **given: Any) -> Order:
        """Renew a subscription, at the price and terms its offer shows now."""
        offer = next(each for each in self.offers() if each.code == subscription.offer)
        return self.buy(offer, subscription=subscription.id, **given)

    def orders(self, **filters: Any) -> Iterator[Order]:
        return self.pages("/orders", Order.of, **filters)

    def order(self, number: str) -> Order:
        return Order.of(self.get(f"/orders/{number}"))

    def pay_order(self, number: str, *, idempotency_key: str | None = None) -> Order:
        return Order.of(self.post(f"/orders/{number}/payment", None, idempotency_key))

    def cancel_order(self, number: str, *, idempotency_key: str | None = None) -> Order:
        return Order.of(self.post(f"/orders/{number}/cancel", None, idempotency_key))

    def upload_payment_proof(
        self,
        number: str,
        content: bytes,
        *,
        paid_on: date,
        account: str,
        reference: str,
        name: str = "proof.pdf",
        media_type: str = "application/pdf",
        idempotency_key: str | None = None,
    ) -> dict[str, Any]:
        form = {"paid_on": paid_on.isoformat(), "account": account, "reference": reference}
        files = {"file": (name, content, media_type)}
        path = f"/orders/{number}/payment-proofs"
        return self.ask("POST", path, files=files, form=form, idempotency_key=idempotency_key).json()

    # Subscriptions and invoices

    def subscriptions(self, **filters: Any) -> Iterator[Subscription]:
        return self.pages("/subscriptions", Subscription.of, **filters)

    def subscription(self, id: int) -> Subscription:
        return Subscription.of(self.get(f"/subscriptions/{id}"))

    def terms(self, id: int) -> list[Term]:
        return [Term.of(each) for each in self.get(f"/subscriptions/{id}/terms")["items"]]

    def eligibility(self, id: int) -> Eligibility:
        return Eligibility.of(self.get(f"/subscriptions/{id}/eligibility"))

    def turn_off_auto_renewal(self, id: int) -> Subscription:
        return Subscription.of(self.ask("DELETE", f"/subscriptions/{id}/auto-renewal").json())

    def invoices(self, **filters: Any) -> Iterator[Invoice]:
        return self.pages("/invoices", Invoice.of, **filters)

    def invoice(self, number: str) -> Invoice:
        return Invoice.of(self.get(f"/invoices/{number}"))

    def invoice_pdf(self, number: str) -> bytes:
        return self.ask("GET", f"/invoices/{number}.pdf").content

    def invoice_xml(self, number: str) -> bytes:
        return self.ask("GET", f"/invoices/{number}.xml").content

    # Support

    def open_support_request(
        self,
        problem_type: str,
        subject: str,
        description: str,
        *,
        subscription: int | None = None,
        idempotency_key: str | None = None,
    ) -> SupportRequest:
        body: dict[str, Any] = {"problem_type": problem_type, "subject": subject, "description": description}
        body |= {"subscription": subscription} if subscription else {}
        return SupportRequest.of(self.post("/support-requests", body, idempotency_key))

    def support_requests(self, **filters: Any) -> Iterator[SupportRequest]:
        return self.pages("/support-requests", SupportRequest.of, **filters)

    def support_request(self, number: str) -> SupportRequest:
        return SupportRequest.of(self.get(f"/support-requests/{number}"))

    def reply(self, number: str, text: str, *, idempotency_key: str | None = None) -> SupportRequest:
        return SupportRequest.of(self.post(f"/support-requests/{number}/notes", {"text": text}, idempotency_key))

    # Benefits

    def benefits(self, **filters: Any) -> Iterator[Benefit]:
        return self.pages("/benefits", Benefit.of, **filters)

    def reveal_product_key(self, id: int, *, idempotency_key: str | None = None) -> str:
        return self.post(f"/benefits/{id}/reveal", None, idempotency_key)["value"]

    def use_benefit(self, id: int, quantity: int, note: str = "", *, idempotency_key: str | None = None) -> Benefit:
        body = {"quantity": quantity, "note": note}
        return Benefit.of(self.post(f"/benefits/{id}/consumptions", body, idempotency_key))

    def assign_seat(self, id: int, person: str, *, idempotency_key: str | None = None) -> Benefit:
        return Benefit.of(self.post(f"/benefits/{id}/assignments", {"person": person}, idempotency_key))

    def competencies(self) -> list[dict[str, Any]]:
        return self.get("/competencies")["items"]

    # People

    def users(self, **filters: Any) -> Iterator[User]:
        return self.pages("/users", User.of, **filters)

    def change_user(self, id: int, *, roles: list[str], active: bool = True) -> User:
        """Change a colleague as they stand now; somebody else's change in between is a ``Problem`` of 412."""
        seen = self.ask("GET", f"/users/{id}").headers["ETag"]
        body = {"roles": roles, "active": active}
        return User.of(self.ask("PUT", f"/users/{id}", body=body, if_match=seen).json())

    def invitations(self) -> Iterator[Invitation]:
        return self.pages("/invitations", Invitation.of)

    def invite(
        self, email: str, name: str, roles: list[str], *, language: str = "en", idempotency_key: str | None = None
    ) -> Invitation:
        body = {"email": email, "name": name, "roles": roles, "language": language}
        return Invitation.of(self.post("/invitations", body, idempotency_key))

    def withdraw_invitation(self, id: int) -> None:
        self.ask("DELETE", f"/invitations/{id}")
