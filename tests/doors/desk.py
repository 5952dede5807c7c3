"""A desk in the back office with one of everything on it: what the office's door tests stand on."""

from datetime import date

from django.db import transaction
from django.test import Client
from django.urls import reverse

from tenure.billing.queries import of_partner as invoices_of
from tenure.enrolment.models import Check
from tenure.payments.rules import Method
from tenure.people.models import User
from tenure.plumbing.models import Mail, Reaction
from tenure.plumbing.outbox import open_task
from tenure.renewals.models import Run
from tenure.support import actions as support


class Desk:
    """Contoso has bought by card and asks to cancel; Fabrik waits for its verification and for its transfer."""

    def __init__(self, world):
        self.world = world
        self.order = world.buy_by_card()
        self.subscription = world.holding().subscription
        self.fabrik = world.company("Fabrik Systems Ltd", "fabrik.example", "Mei Chen", verified=False)
        self.check = Check.objects.get(partner=self.fabrik, kind="business")
        self.line = world.transfer(None, 15_700, reference="membership fee")
        self.request = self.ask("Cancel it", subscription=self.subscription)
        self.run = Run.objects.create(on=world.today, started_at=world.now, finished_at=world.now, due=1, renewed=1)
        world.work()
        with transaction.atomic():
            open_task("renewal", f"subscription:{self.subscription.pk}", world.contoso.pk, "KeyError: 'x'", world.now)
        self.letter = Mail.objects.order_by("pk").first()
        self.invoice = invoices_of(world.contoso.pk).first()

    def ask(self, subject, *, who=None, kind="invoice-payment-reconciliation", subscription=None, partner=None):
        """A partner's person opens a support request."""
        return support.open_request(
            self.world.actor(who or self.world.ming),
            partner or self.world.contoso,
            problem_type=kind,
            subject=subject,
            description="Because.",
            subscription=subscription,
            now=self.world.now,
        )

    def more(self, n: int) -> None:
        """One more of everything that stands in a list."""
        partner = self.world.company(f"Firm {n} Ltd", f"firm{n}.example", f"Kim{n} Lee", verified=n % 2 == 0)
        self.world.transfer(None, 100 + n, reference=f"unknown {n}")
        if n % 2 == 0:
            person = User.objects.get(email=partner.contact_email)
            self.world.buy(person, partner=partner, method=Method.BANK_TRANSFER)
            self.ask("How do I?", who=person, partner=partner, kind="other")
        with transaction.atomic():
            open_task("job", f"job:{n}", None, "failed", self.world.now)
        self.world.work()

    def park(self) -> Reaction:
        """A reaction that has failed five times."""
        row = Reaction.objects.order_by("pk").first()
        Reaction.objects.filter(pk=row.pk).update(state="parked", attempts=5, error="OSError: no answer")
        with transaction.atomic():
            open_task("reaction", f"reaction:{row.pk}", row.event.partner_id, row.name, self.world.now)
        return row

    def speak(self, language: str) -> None:
        User.objects.update(language=language)

    def client(self, person: User) -> Client:
        client = Client()
        client.force_login(User.objects.get(pk=person.pk))
        return client

    def address(self, name: str, *things: str) -> str:
        keys = {
            "partner": self.world.contoso.pk,
            "check": self.check.pk,
            "line": self.line.pk,
            "order": self.order.number,
            "request": self.request.number,
            "run": self.run.pk,
            "letter": self.letter and self.letter.pk,
            "invoice": self.invoice and self.invoice.number,
        }
        return reverse(f"office:{name}", args=[keys.get(thing, thing) for thing in things])

    def get(self, person: User, name: str, *things: str, **query):
        return self.client(person).get(self.address(name, *things), query)

    def post(self, person: User, name: str, *things: str, **given):
        return self.client(person).post(self.address(name, *things), given)

    def later(self, text: str) -> date:
        self.world.live(text)
        return self.world.today
