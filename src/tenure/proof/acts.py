"""The acts of the living world: each is one method, done by a verb as whoever would do it.

It must never write a row of its own: whatever a verb refuses, the world cannot have. Read next: ``proof/world.py``.
"""

import http.client
import random
import uuid
from datetime import date, datetime
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.db import transaction

from tenure.benefits import actions as benefits
from tenure.benefits.queries import of_partner as grants_of
from tenure.competencies import actions as competencies
from tenure.enrolment import actions as enrolment
from tenure.enrolment.queries import checks
from tenure.kernel.access import NOBODY, SYSTEM, Actor
from tenure.kernel.money import Money
from tenure.kernel.periods import day_of
from tenure.memberships import actions as memberships
from tenure.memberships.queries import live_holding
from tenure.memberships.rules import TermDates, window
from tenure.partners import actions as partners
from tenure.partners.models import Partner
from tenure.partners.rules import ManagedIn
from tenure.payments.queries import cards, open_attempt
from tenure.payments.rules import Method
from tenure.people import actions as people
from tenure.people.models import User
from tenure.people.queries import actor_of, person
from tenure.plumbing.files import handed_in
from tenure.programme.queries import current
from tenure.proof.cast import Firm, company_of, ends_of, pretend_pdf
from tenure.purchases import actions as purchases
from tenure.purchases.models import Order
from tenure.purchases.rules import Contact, Wanted
from tenure.purchases.transfers import record_transfer
from tenure.renewals import actions as renewals
from tenure.support import actions as support
from tenure.support.models import Request


class Acts:
    """What can happen to a firm. The world keeps the time, the staff and the dice."""

    now: datetime
    zone: str
    staff: dict[str, User]
    random: random.Random

    @property
    def today(self) -> date:
        return day_of(self.now, self.zone)

    def office(self, role: str) -> Actor:
        return actor_of(self.staff[role], current())

    def actor(self, firm: Firm, who: int = 0) -> Actor:
        return actor_of(person(firm.people[who].email), current())

    def partner(self, firm: Firm) -> Partner:
        return Partner.objects.get(contact_email=firm.people[0].email)

    # Joining

    def joins(self, firm: Firm) -> None:
        enrolment.join(
            NOBODY,
            None,
            company=company_of(firm),
            password=None,
            language=firm.language,
            agreement_version=current().agreement("programme").version,
            now=self.now,
        )

    def confirms(self, firm: Firm) -> None:
        enrolment.confirm_email(NOBODY, self.partner(firm), now=self.now)

    def passes(self, firm: Firm, kind: str = "") -> None:
        for check in checks(self.partner(firm)):
            if check.state == "pending" and check.kind != "email" and kind in ("", check.kind):
                enrolment.decide(self.office("verification_officer"), check, passed=True, reason="", now=self.now)

    def fails(self, firm: Firm, kind: str, reason: str) -> None:
        check = next(check for check in checks(self.partner(firm)) if check.kind == kind)
        enrolment.decide(self.office("verification_officer"), check, passed=False, reason=reason, now=self.now)

    def appeals(self, firm: Firm, kind: str, comment: str, paper: str) -> None:
        check = next(check for check in checks(self.partner(firm)) if check.kind == kind)
        evidence = handed_in(paper, "application/pdf", pretend_pdf(paper))
        enrolment.appeal(self.actor(firm), check, comment=comment, evidence=evidence, now=self.now)

    def is_authorised(self, firm: Firm) -> None:
        """Joined, confirmed and passed: the ordinary beginning, told in one act. Colleagues come along."""
        self.joins(firm)
        self.confirms(firm)
        self.passes(firm)
        self.brings_people(firm)

    def brings_people(self, firm: Firm) -> None:
        for one in firm.people[1:]:
            invited = people.invite(
                self.actor(firm),
                self.partner(firm),
                email=one.email,
                name=one.name,
                roles=list(one.roles),
                language=one.language,
                now=self.now,
            )
            people.accept_invitation(NOBODY, invited, password=None, now=self.now)

    def invites(self, firm: Firm, name: str, email: str, role: str) -> None:
        """An invitation nobody has answered yet."""
        people.invite(
            self.actor(firm),
            self.partner(firm),
            email=email,
            name=name,
            roles=[role],
            language=firm.language,
            now=self.now,
        )

    def comes_from_the_old_portal(self, firm: Firm, offer: str, expires_on: str, anchor_on: str) -> None:
        """A company and its subscription as the old portal knew them.

        These are steps, not verbs: whoever brings in the old portal's members writes many at once, vouched for.
        """
        programme = current()
        policy = programme.policy_on(self.today)
        last = date.fromisoformat(expires_on)
        with transaction.atomic():
            partner = partners.create(
                company_of(firm), language=firm.language, now=self.now, managed_in=ManagedIn.OLD_PORTAL
            )
            for one in firm.people:
                user = people.create_person(
                    name=one.name, email=one.email, password=None, language=one.language, now=self.now
                )
                people.place(user, partner.pk, list(one.roles) or ["global_admin"], self.now)
            version = programme.agreement(enrolment.AGREEMENT).version
            enrolment.agree(SYSTEM, partner, user, version, "enrolment.join", self.now)
            enrolment.verify_at_once(SYSTEM, partner, self.now)
            memberships.bring_in(
                partner_id=partner.pk,
                offer=offer,
                anchor_on=date.fromisoformat(anchor_on),
                dates=TermDates(last.replace(year=last.year - 1), last, *ends_of(window(last, policy))),
                programme=programme,
                policy=policy.version,
                now=self.now,
            )

    def is_invited_here(self, firm: Firm) -> None:
        partners.invite_from_old_portal(self.office("operator"), self.partner(firm), now=self.now)

    def is_suspended(self, firm: Firm, reason: str) -> None:
        partners.suspend(self.office("operator"), self.partner(firm), reason=reason, now=self.now)

    def is_exempt(self, firm: Firm, certificate: str, first: str, last: str) -> None:
        partners.grant_exemption(
            self.office("finance"),
            self.partner(firm),
            certificate=certificate,
            valid_from=date.fromisoformat(first),
            valid_to=date.fromisoformat(last),
            now=self.now,
        )

    # Buying and renewing

    def buys(
        self, firm: Firm, offer: str, *, by: str = "card", card: str = "tok_4242", auto_renew: bool = True
    ) -> None:
        wanted = self._wanted(firm, offer, by, auto_renew)
        order = purchases.buy(self.actor(firm), self.partner(firm), wanted=wanted, now=self.now)
        if by == "card":
            self._press(order, card)

    def renews(self, firm: Firm, offer: str, *, by: str = "card", card: str = "", auto_renew: bool = True) -> None:
        """Renew by hand: with the kept card, with another one on the gateway's page, or by transfer."""
        holding = live_holding(self.partner(firm).pk, offer)
        kept = None if card or by != "card" else cards(self.partner(firm).pk).first()
        wanted = self._wanted(firm, offer, by, auto_renew, card=kept.pk if kept else None)
        order = renewals.renew(self.actor(firm), holding.subscription, wanted=wanted, now=self.now)
        if by == "card" and kept is None:
            self._press(order, card or "tok_4242")

    def turns_off_auto_renew(self, firm: Firm, offer: str) -> None:
        holding = live_holding(self.partner(firm).pk, offer)
        renewals.turn_off_auto_renew(self.actor(firm), holding.subscription, now=self.now)

    def pays(self, firm: Firm, *, short: int = 0, reference: str | None = None) -> None:
        """The transfer for the firm's newest transfer order shows up on the bank's statement."""
        order = Order.objects.filter(partner=self.partner(firm), method=Method.BANK_TRANSFER).latest("pk")
        self._bank_line(
            order.reference if reference is None else reference,
            Money(order.total_minor - short, order.currency),
            firm.name.upper(),
        )

    def stray_transfer(self, firm: Firm, minor: int, currency: str, reference: str, payer: str) -> None:
        self._bank_line(reference, Money(minor, currency), payer)

    def shows_proof(self, firm: Firm, paid_on: str, account: str) -> None:
        order = Order.objects.filter(partner=self.partner(firm), method=Method.BANK_TRANSFER).latest("pk")
        purchases.upload_proof(
            self.actor(firm),
            order,
            file=handed_in("transfer-slip.pdf", "application/pdf", pretend_pdf(order.reference)),
            paid_on=date.fromisoformat(paid_on),
            account=account,
            reference=order.reference,
            now=self.now,
        )

    def begins_checkout(self, firm: Firm, offer: str) -> None:
        purchases.draft(
            self.actor(firm), self.partner(firm), offer=offer, subscription=None, language=firm.language, now=self.now
        )

    # Benefits and competencies

    def reveals(self, firm: Firm, benefit: str, count: int = 1) -> None:
        for _ in range(count):
            benefits.reveal_key(self.actor(firm), self._grant(firm, benefit), now=self.now)

    def uses(self, firm: Firm, benefit: str, quantity: int, note: str) -> None:
        benefits.use(self.actor(firm), self._grant(firm, benefit), quantity=quantity, note=note, now=self.now)

    def reaches(self, firm: Firm, offer: str, **figures: int) -> None:
        for criterion, value in figures.items():
            competencies.record_evidence(
                self.office("verification_officer"),
                self.partner(firm),
                offer=offer,
                criterion=criterion.replace("_", "-"),
                value=value,
                as_of=self.today,
                now=self.now,
            )

    # Support

    def asks(self, firm: Firm, problem_type: str, subject: str, text: str, *, who: int = 0, offer: str = "") -> None:
        holding = live_holding(self.partner(firm).pk, offer) if offer else None
        support.open_request(
            self.actor(firm, who),
            self.partner(firm),
            problem_type=problem_type,
            subject=subject,
            description=text,
            subscription=holding.subscription if holding else None,
            now=self.now,
        )

    def is_answered(self, firm: Firm, text: str, *, internal: bool = False) -> None:
        support.reply(self.office("support_agent"), self._request(firm), text=text, internal=internal, now=self.now)

    def answers(self, firm: Firm, text: str, *, who: int = 0) -> None:
        support.reply(self.actor(firm, who), self._request(firm), text=text, now=self.now)

    def is_closed(self, firm: Firm, text: str) -> None:
        support.close_request(self.office("support_agent"), self._request(firm), text=text, now=self.now)

    def is_decided(self, firm: Firm, *, refund: bool, role: str = "support_agent") -> None:
        support.decide(self.office(role), self._request(firm), refund=refund, now=self.now)

    # Within

    def _wanted(self, firm: Firm, offer: str, by: str, auto_renew: bool, card: int | None = None) -> Wanted:
        first = firm.people[0]
        return Wanted(
            key=str(uuid.UUID(int=self.random.getrandbits(128), version=4)),
            offer=offer,
            method=Method.CARD if by == "card" else Method.BANK_TRANSFER,
            language=firm.language,
            terms_version=current().agreement(current().offer(offer).terms).version,
            contact=Contact(first.name, firm.phone, first.email) if by != "card" else Contact(),
            auto_renew=auto_renew,
            card=card,
        )

    def _press(self, order: Order, card: str) -> None:
        """Press the button on the gateway's page, as the customer's browser would, and come back."""
        attempt = open_attempt(order.pk)
        pressed = [{"card": card, "save": "on", "do": "pay"}]
        pressed += [{"do": "approve"}] if card == "tok_3155" else []
        line = http.client.HTTPConnection(urlsplit(settings.TENURE_DEMO_GATEWAY_URL).netloc, timeout=10)
        try:
            for form in pressed:
                kind = {"Content-Type": "application/x-www-form-urlencoded"}
                line.request("POST", attempt.page_path, urlencode(form), kind)
                line.getresponse().read()
        finally:
            line.close()
        purchases.resolve(attempt, cause="return", now=self.now)

    def _bank_line(self, reference: str, amount: Money, payer: str) -> None:
        record_transfer(
            self.office("finance"),
            None,
            line_key=f"{self.random.getrandbits(64):016x}",
            account=current().seller.bank_accounts[amount.currency],
            value_on=self.today,
            amount=amount,
            reference=reference,
            payer=payer,
            now=self.now,
        )

    def _grant(self, firm: Firm, benefit: str):
        return grants_of(self.partner(firm).pk).filter(benefit=benefit, revoked_at=None).first()

    def _request(self, firm: Firm) -> Request:
        return Request.objects.filter(partner=self.partner(firm)).latest("pk")
