"""The world of the stories: the fixtures of domain.md §7, moved by verbs and by the clock only."""

import hmac
import http.client
import json
import re
import time
import uuid
from datetime import date, datetime, timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.db import transaction

from tenure.billing.models import Invoice
from tenure.billing.queries import of_partner
from tenure.competencies.actions import record_evidence
from tenure.enrolment import actions as enrolment
from tenure.enrolment.models import Check
from tenure.kernel.access import NOBODY, SYSTEM, Actor
from tenure.kernel.money import Money
from tenure.kernel.periods import day_of, years_after
from tenure.memberships import actions as memberships
from tenure.memberships.models import Subscription
from tenure.memberships.queries import benefits_run_on, facts_of, live_holding, terms_of
from tenure.memberships.rules import TermDates, window
from tenure.partners.models import Partner
from tenure.partners.rules import Company, ManagedIn
from tenure.payments.actions import gateway
from tenure.payments.queries import attempts, open_attempt
from tenure.payments.rules import Method
from tenure.people import actions as people
from tenure.people.models import User
from tenure.people.queries import actor_of
from tenure.plumbing import clock, jobs
from tenure.plumbing.models import Counter, Mail, StoredFile, Task
from tenure.programme import actions as programme_actions
from tenure.programme.models import Version
from tenure.programme.queries import current
from tenure.proof import verify
from tenure.proof.invariants import INVARIANTS
from tenure.purchases import actions as purchases
from tenure.purchases.models import Order, Proof
from tenure.purchases.queries import buyer
from tenure.purchases.rules import Contact, Wanted
from tenure.purchases.transfers import record_transfer
from tenure.renewals import actions as renewals
from tenure.renewals.queries import tile
from tenure.support import actions as support
from tenure.support.models import Request

AURORA = Path(__file__).resolve().parent.parent / "programmes" / "aurora.toml"
TAIPEI = ZoneInfo("Asia/Taipei")
CARDS = {
    "approves": "tok_4242",
    "declined": "tok_0002",
    "insufficient_funds": "tok_9995",
    "expired": "tok_0069",
    "authenticates": "tok_3155",
    "declines_later": "tok_0341",
    "loses_answer": "tok_0119",
}
CONTACT = Contact("Ming Chen", "02 2712 3456", "ming@contoso.example")
PASSWORD = "correct horse battery"


def taipei(text: str) -> datetime:
    """An instant as people in Taipei say it: ``taipei("2019-06-22 23:59:59")``."""
    return datetime.fromisoformat(text).replace(tzinfo=TAIPEI)


def _instant(when: str | datetime) -> datetime:
    if isinstance(when, datetime):
        return when
    return taipei(when if " " in when else f"{when} 12:00")


# These two look at the tables and roles there are, not at what a story has left in them.
OF_THE_WHOLE = {"I-40", "I-50"}


def broken_promises() -> list[tuple[str, list]]:
    """What `tenure verify` finds wrong in the rows of a story; the gateway is not asked."""
    report = verify.run(ask_gateways=False, only=set(INVARIANTS) - OF_THE_WHOLE)
    assert not report.unable
    return [(finding.invariant.id, finding.violations) for finding in report.findings if finding.count]


# One gateway serves all tests of a process and remembers every order it has charged: no number comes twice.
BLOCKS = count(1)


class World:
    """Contoso (ID 1234566) is authorised; Ann is global admin, Ming programme admin, Bo billing admin, Sal default."""

    def __init__(self, gateway: str, *, source: str | None = None, at: str = "2018-06-20 12:00"):
        self.gateway = gateway
        self.began_at = clock.machine()
        first = next(BLOCKS) * 100
        Counter.objects.bulk_create([Counter(name=f"order:{year}", last=first) for year in range(2010, 2061)])
        self.go(at)
        programme_actions.apply(SYSTEM, None, source=source or AURORA.read_text(), now=self.now)
        self.contoso = self.company("Contoso Taiwan Ltd", "contoso.example", "Ann Lin")
        self.ann = User.objects.get(email="ann@contoso.example")
        self.ming = self.colleague("Ming Chen", "programme_admin")
        self.bo = self.colleague("Bo Wu", "billing_admin")
        self.sal = self.colleague("Sal Hsu", "member")
        self.fin = self.staff("Fiona Finance", "finance")
        self.sue = self.staff("Sue Support", "support_agent")
        self.oda = self.staff("Oda Operator", "operator")
        self.ove = self.staff("Ove Operator", "operator")

    system = SYSTEM

    # Time

    def go(self, when: str | datetime) -> datetime:
        """Move the clock without running anything: the machine slept."""
        self.now = _instant(when)
        clock.DemoClock.objects.all().delete()
        clock.put(self.now)
        return self.now

    def live(self, when: str | datetime) -> datetime:
        """Live through to an instant: every day's run on the way."""
        to = _instant(when)
        jobs.advance(to, current().zone)
        self.now = to
        return to

    def work(self) -> int:
        """Run what is due now until nothing is left."""
        return jobs.run_until_idle(self.now)

    def wake(self, when: str | datetime) -> datetime:
        """Sleep until an instant, then run what has fallen due meanwhile."""
        self.go(when)
        self.work()
        return self.now

    def asked(self) -> datetime:
        """Five minutes later: the first time that the gateway is asked about what it did not answer."""
        return self.live(self.now + timedelta(minutes=5))

    @property
    def today(self) -> date:
        return day_of(self.now, current().zone)

    # The programme

    def apply(self, *changes: tuple[str, str], add: str = "") -> None:
        """Change the programme's file and bring it into force: each change replaces a text that is there."""
        source = Version.objects.order_by("-n").first().source
        for before, after in changes:
            assert before in source, f"the programme file does not say {before!r}"
            source = source.replace(before, after)
        programme_actions.apply(SYSTEM, None, source=source + add, now=self.now)

    def new_policy(self, version: int, valid_from: str, **rules) -> None:
        """A policy that differs from the first in some rules, from a day on."""
        first = re.search(r"\[\[policies\]\]\n.*?(?=\n# ── )", AURORA.read_text(), re.DOTALL).group()
        block = first.replace("version = 1", f"version = {version}").replace("2010-01-01", valid_from)
        for name, value in rules.items():
            written = f'"{value}"' if isinstance(value, str) else str(value).lower()
            block, found = re.subn(rf"(?m)^{name} = .*$", f"{name} = {written}", block)
            assert found == 1, name
        mark = "# ── Agreements"
        self.apply((mark, f"{block}\n{mark}"))

    # People

    def person(self, email: str) -> User:
        return User.objects.get(email=email)

    def actor(self, user: User) -> Actor:
        return actor_of(user, current())

    def company(self, name: str, domain: str, admin: str, *, country: str = "TW", verified: bool = True) -> Partner:
        company = Company(
            legal_name=name,
            country=country,
            address="7 Section 5, Xinyi Road",
            city="Taipei",
            postcode="110",
            contact_name=admin,
            contact_email=f"{admin.split()[0].lower()}@{domain}",
            contact_phone="02 2712 3456",
            tax_id="04595257" if country == "TW" else "",
        )
        partner = enrolment.join(
            NOBODY,
            None,
            company=company,
            password=PASSWORD,
            language="en",
            agreement_version=current().agreement("programme").version,
            now=self.now,
        )
        if verified:
            enrolment.confirm_email(SYSTEM, partner, now=self.now)
            for check in Check.objects.filter(partner=partner, state="pending"):
                enrolment.decide(SYSTEM, check, passed=True, reason="", now=self.now)
        partner.refresh_from_db()
        return partner

    def colleague(self, name: str, *roles: str, partner: Partner | None = None) -> User:
        email = f"{name.split()[0].lower()}@contoso.example"
        partner = partner or self.contoso
        invitation = people.invite(
            SYSTEM, partner, email=email, name=name, roles=list(roles), language="en", now=self.now
        )
        return people.accept_invitation(NOBODY, invitation, password=PASSWORD, now=self.now)

    def staff(self, name: str, *roles: str) -> User:
        with transaction.atomic():
            return people.create_person(
                name=name,
                email=f"{name.split()[0].lower()}@aurora.example",
                password=PASSWORD,
                language="en",
                now=self.now,
                staff_roles=list(roles),
            )

    def from_old_portal(self, name: str, domain: str, admin: str, *, expires_on: str, offer: str = "action-pack"):
        """A company still managed in the old portal, with a subscription that began there."""
        partner, ends = self.company(name, domain, admin), date.fromisoformat(expires_on)
        span = window(ends, current().policies[0])
        with transaction.atomic():
            Partner.objects.filter(pk=partner.pk).update(managed_in=ManagedIn.OLD_PORTAL)
            partner.refresh_from_db()
            term = memberships.bring_in(
                partner_id=partner.pk,
                offer=offer,
                anchor_on=years_after(ends, -1),
                dates=TermDates(years_after(ends, -1), ends, span.first, span.last),
                programme=current(),
                policy=current().policies[0].version,
                now=self.now,
            )
        return Subscription.objects.select_related("partner").get(pk=term.subscription_id)

    def placed(self, user: User, *roles: str) -> User:
        """Give somebody a place in Contoso as well."""
        with transaction.atomic():
            people.place(user, self.contoso.pk, list(roles), self.now)
        return user

    # Buying

    def wanted(self, offer: str = "action-pack", method: Method = Method.CARD, **changes) -> Wanted:
        given = {
            "key": str(uuid.uuid4()),
            "offer": offer,
            "method": method,
            "language": "en",
            "terms_version": current().agreement("purchase").version,
            "contact": CONTACT if method is Method.BANK_TRANSFER else Contact(),
        }
        return Wanted(**given | changes)

    def buy(self, who: User | None = None, *, partner: Partner | None = None, **wanted) -> Order:
        return purchases.buy(
            self.actor(who or self.ming), partner or self.contoso, wanted=self.wanted(**wanted), now=self.now
        )

    def renew(self, subscription, who: User | None = None, **wanted) -> Order:
        asked = self.wanted(offer=subscription.offer, **wanted)
        return renewals.renew(self.actor(who or self.ming), subscription, wanted=asked, now=self.now)

    def choose_card(self, order: Order, card: str = "approves") -> None:
        """Press the button on the gateway's page, as the customer's browser would; nothing comes back to us."""
        self.press(attempts(order.pk)[0].page_path, CARDS[card])

    def press(self, path: str, token: str) -> None:
        """Pay, or name a card, on a page of the gateway."""
        line = http.client.HTTPConnection(self.gateway.removeprefix("http://"), timeout=5)
        body = urlencode({"card": token, "save": "on", "do": "pay"})
        try:
            line.request("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded"})
            line.getresponse().read()
        except http.client.HTTPException:
            pass
        finally:
            line.close()

    def come_back(self, order: Order) -> Order:
        """The browser returns from the card page: the server asks the gateway, whatever the address says."""
        attempt = open_attempt(order.pk)
        if attempt is not None:
            purchases.resolve(attempt, cause="return", now=self.now)
        order.refresh_from_db()
        return order

    def pay(self, order: Order, card: str = "approves") -> Order:
        self.choose_card(order, card)
        return self.come_back(order)

    def buy_by_card(self, card: str = "approves", **wanted) -> Order:
        return self.pay(self.buy(**wanted), card)

    def prove(self, order: Order, paid_on: str, who: User | None = None) -> Proof:
        """Upload the proof of a transfer."""
        content = b"%PDF-1.7 proof"
        file = StoredFile(
            sha256=sha256(content).hexdigest(), name="proof.pdf", media_type="application/pdf", content=content
        )
        return purchases.upload_proof(
            self.actor(who or self.bo),
            order,
            file=file,
            paid_on=date.fromisoformat(paid_on),
            account="0099-01-118820-6",
            reference=order.reference,
            now=self.now,
        )

    def transfer(self, order: Order | None, minor: int, *, on: str | None = None, reference: str | None = None):
        """Finance enters a line of the bank's statement."""
        return record_transfer(
            self.actor(self.fin),
            None,
            line_key=uuid.uuid4().hex,
            account="812-0001-2345",
            value_on=date.fromisoformat(on) if on else self.today,
            amount=Money(minor, order.currency if order else "TWD"),
            reference=order.reference if reference is None else reference,
            payer="CONTOSO TAIWAN",
            now=self.now,
        )

    def refuse_next(self, *codes: str) -> None:
        """The customer's bank says no to the next charges."""
        self.gateway_faults(refuse_next=list(codes))

    def gateway_faults(self, **faults) -> None:
        """What goes wrong at the gateway from now on; nothing named makes it well again."""
        line = http.client.HTTPConnection(self.gateway.removeprefix("http://"), timeout=5)
        line.request("POST", "/v1/_faults", json.dumps(faults), {"Authorization": f"Bearer {gateway('demo').secret}"})
        assert line.getresponse().status == 200
        line.close()

    def at_the_bank(self, what: str, **given) -> dict:
        """Something that happens at the customer's bank: ``dispute`` a payment, or decide one ``won`` or ``lost``."""
        line = http.client.HTTPConnection(self.gateway.removeprefix("http://"), timeout=5)
        body = json.dumps({"what": what, **given})
        line.request("POST", "/v1/_lab", body, {"Authorization": f"Bearer {gateway('demo').secret}"})
        answer = line.getresponse()
        assert answer.status == 200
        told = json.loads(answer.read())
        line.close()
        return told

    def ring(self, kind: str, about: dict, *, event: str = "") -> None:
        """The gateway's doorbell, signed as it signs; what it says of a thing need not be true."""
        at = int(time.time())
        said = {"id": event or f"evt_{uuid.uuid4().hex}", "type": kind, "livemode": False, "created": at}
        body = json.dumps(said | {"data": {"object": about}}).encode()
        signature = hmac.new(gateway("demo").secret.encode(), b"%d.%s" % (at, body), sha256).hexdigest()
        purchases.heard("demo", body, {"Stripe-Signature": f"t={at},v1={signature}"}, now=self.now)

    # Asking for help, and proving what one can do

    def ask_to_cancel(self, subscription, who: User | None = None) -> Request:
        return support.open_request(
            self.actor(who or self.ming),
            subscription.partner,
            problem_type="invoice-payment-reconciliation",
            subject="Cancel the subscription",
            description="We no longer need it.",
            subscription=subscription,
            now=self.now,
        )

    def decide(self, request: Request, who: User | None = None, **decision) -> Request:
        return support.decide(self.actor(who or self.oda), request, **{"refund": True} | decision, now=self.now)

    def qualify(self, offer: str, partner: Partner | None = None, **values: int) -> None:
        """Record the figures an offer asks for; a name with underscores gives one of them another value."""
        for criterion in current().offer(offer).criteria:
            record_evidence(
                SYSTEM,
                partner or self.contoso,
                offer=offer,
                criterion=criterion.code,
                value=values.get(criterion.code.replace("-", "_"), criterion.threshold),
                as_of=self.today,
                now=self.now,
            )

    # Looking

    def holding(self, offer: str = "action-pack", partner: Partner | None = None):
        return live_holding((partner or self.contoso).pk, offer)

    def status(self, subscription) -> str:
        """The status as the database has it now, with the overlay: ``renewal_window suspended``."""
        standing = facts_of(Subscription.objects.get(pk=subscription.pk)).standing(self.today)
        return f"{standing.status}{' suspended' if standing.suspended else ''}"

    def terms(self, subscription) -> list[tuple[str, str]]:
        return [(str(t.starts_on), str(t.expires_on)) for t in reversed(terms_of(subscription))]

    def charged(self, order: Order | None = None) -> int:
        """How often the gateway itself says it took money, for one order or in this world."""
        told = gateway("demo").charges(self.began_at)
        ours = set(Order.objects.values_list("number", flat=True)) if order is None else {order.number}
        return sum(charge.order in ours for charge in told)

    def invoices(self, partner: Partner | None = None) -> list[Invoice]:
        """Invoices and credit notes, the newest first."""
        return list(of_partner((partner or self.contoso).pk))

    def mails(self, code: str, who: User | None = None) -> list[Mail]:
        """The letters of a kind that were sent to one person."""
        return list(Mail.objects.filter(code=code, person_id=(who or self.ming).pk, state="sent").order_by("pk"))

    def tasks(self) -> list[tuple[str, str]]:
        return list(Task.objects.filter(closed_at=None).order_by("pk").values_list("kind", "reason"))

    def benefits_run(self, subscription) -> bool:
        return benefits_run_on(Subscription.objects.get(pk=subscription.pk), self.today)

    def tile(self, offer: str = "action-pack", partner: Partner | None = None):
        facts = buyer(partner or self.contoso, current(), self.today)
        return tile(facts, current().offer(offer))
