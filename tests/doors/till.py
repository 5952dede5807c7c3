"""Somebody at the till: goes through the checkout page by page, as a browser without script would."""

import re
from html import unescape

from django.test import Client

from tenure.purchases.queries import of_partner

CONTACT = {"name": "Ming Chen", "phone": "02 2712 3456", "email": "ming@contoso.example"}
FORM = "application/x-www-form-urlencoded"


class Till:
    def __init__(self, world, who=None):
        self.world = world
        self.client = Client()
        self.client.force_login(who or world.ming)

    def page(self, address: str, status: int = 200) -> str:
        answer = self.client.get(address)
        assert answer.status_code == status, (address, answer.status_code, answer.get("Location"))
        return unescape(answer.content.decode())

    def post(self, address: str, fields: dict | None = None) -> str:
        """Send a form and return where it leads."""
        answer = self.client.post(address, fields or {})
        assert answer.status_code == 302, (address, answer.status_code, unescape(answer.content.decode())[-3000:])
        return answer["Location"]

    def refused(self, address: str, fields: dict | None = None, status: int = 422) -> str:
        """Send a form that is refused and return the page."""
        answer = self.client.post(address, fields or {})
        assert answer.status_code == status, (address, answer.status_code)
        return unescape(answer.content.decode())

    def start(self, offer: str = "action-pack", *, subscription=None) -> str:
        fields = {"subscription": subscription.pk} if subscription else {"offer": offer}
        return self.post("/checkout/start/", fields)

    def review(self, method: str = "card", *, offer: str = "action-pack", subscription=None, auto_renew=True) -> str:
        """All steps up to the review page; returns its address."""
        checkout = self.start(offer, subscription=subscription)
        details = self.post(checkout, {"method": method})
        given = CONTACT if method == "bank_transfer" else {"auto_renew": "on"} if auto_renew else {}
        return self.post(details, given)

    def shown(self, review: str) -> dict[str, str]:
        """What the review page sends back when its button is pressed, the terms accepted."""
        page = self.page(review)
        hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)
        return {name: value for name, value in hidden if name in ("expected_total", "terms_version")} | {"terms": "on"}

    def order(self, method: str = "card", **given) -> str:
        """Through the checkout to the order, or to the card page."""
        review = self.review(method, **given)
        return self.post(review, self.shown(review))

    def press(self, card_page: str, card: str = "tok_4242", do: str = "pay") -> str:
        """Choose a card on the provider's page and press a button; returns where the browser goes."""
        answer = self.client.post(card_page, f"card={card}&do={do}", content_type=FORM)
        assert answer.status_code == 303, answer.status_code
        return self.client.get(answer["Location"])["Location"]

    def buy(self, card: str = "tok_4242", **given) -> str:
        """Buy by card; returns the order's page."""
        return self.press(self.order(**given), card)

    def newest(self):
        """The order placed last."""
        return of_partner(self.world.contoso.pk).first()
