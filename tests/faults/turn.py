"""Buyers who all come as the year turns: ``python -m tests.faults.turn`` reads a plan and tells what each has seen.

One process that has read everything forks one buyer per share of the plan; they meet at a barrier and then buy, by
transfer and by card, each by a clock of its own that passes midnight half-way. One transaction in twenty is given up
just before its commit, or with a number in hand, and done again; some buyers are killed while they hold a number and start once more. Read next:
``test_year_turn.py``, which judges what is left.
"""

import json
import multiprocessing
import random
import re
import sys
from datetime import datetime, timedelta

from tests.faults import reading  # isort: skip  first: it sets Django up

from django.conf import settings
from django.db import IntegrityError
from django.db.models import Max
from django.test import Client
from django.test.utils import setup_test_environment

from tenure.billing import actions as billing
from tenure.billing.models import Invoice, Series
from tenure.kernel.periods import day_of
from tenure.partners.models import Partner
from tenure.payments.queries import open_attempt
from tenure.payments.rules import Method
from tenure.people.models import User
from tenure.plumbing import crash
from tenure.programme.queries import current
from tenure.purchases import actions as purchases
from tenure.purchases.models import Order
from tenure.purchases.rules import Contact, Wanted
from tenure.purchases.transfers import record_transfer
from tenure.support.models import Request
from tests.worlds import World, taipei

MIDNIGHT = taipei("2019-01-01 00:00:00")
GIVES_UP = 0.05
PATIENCE = 40
KILLED = -9


class GaveUp(Exception):
    """A transaction that was rolled back just before its commit."""


class Buyer:
    """One process: buys for its companies, one after another, and looks at what it is shown."""

    def __init__(self, n: int, plan: dict):
        self.n, self.share, self.dice = n, plan["shares"][n], random.Random(f"turn {plan['seed']} {n}")
        self.world = World.__new__(World)
        self.world.gateway = settings.TENURE_DEMO_GATEWAY_URL
        self.told = {"given_up": 0, "refused": 0, "foreign": [], "seen": {}}

    def passes(self, point: str) -> None:
        if point.endswith((":before_commit", "invoice.numbered")) and self.dice.random() < GIVES_UP:
            self.told["given_up"] += 1
            raise GaveUp(point)

    def run(self) -> None:
        for turn, partner_id in enumerate(self.share):
            partner = Partner.objects.get(pk=partner_id)
            # The second half of its companies comes after midnight, by the clock of this process.
            now = MIDNIGHT + timedelta(seconds=turn - len(self.share) // 2 + 0.5, milliseconds=7 * self.n)
            self.until_done(self.buy, partner, self.way(turn), now)
            if turn % 4 == 1:
                self.until_done(self.give_back, partner, now)
            if turn % 3 == 2:
                self.look(partner)

    def way(self, turn: int) -> Method:
        return Method.CARD if (turn + self.n) % 3 == 0 else Method.BANK_TRANSFER

    def until_done(self, do, *given) -> None:
        """Whoever gave up, or was refused by the database, comes again."""
        for _ in range(PATIENCE):
            try:
                do(*given)
                return
            except GaveUp:
                continue
            except IntegrityError:
                self.told["refused"] += 1
        raise RuntimeError(f"{do.__name__} {given} was never done")

    def buy(self, partner: Partner, method: Method, now: datetime) -> None:
        person = User.objects.get(email=partner.contact_email)
        buyer = self.world.actor(person)
        wanted = Wanted(
            key=f"turn-{partner.pk}",
            offer="action-pack",
            method=method,
            language="en",
            terms_version=current().agreement("purchase").version,
            contact=Contact(partner.contact_name, partner.contact_phone, partner.contact_email),
        )
        order = purchases.buy(buyer, partner, wanted=wanted, now=now)
        if not order.paid_at and method is Method.CARD:
            purchases.pay_again(buyer, order, now=now)
            self.world.choose_card(order)
            purchases.resolve(open_attempt(order.pk), cause="return", now=now)
        elif not order.paid_at:
            record_transfer(
                self.world.actor(User.objects.get(email="fiona@aurora.example")),
                None,
                line_key=f"turn/{order.number}",
                account="812-0001-2345",
                value_on=day_of(now, current().zone),
                amount=order.total,
                reference=order.reference,
                payer=partner.legal_name,
                now=now,
            )
        order.refresh_from_db()
        if order.paid_at is None:
            raise GaveUp(order.number)

    def give_back(self, partner: Partner, now: datetime) -> None:
        order, self.world.now = Order.objects.get(partner=partner), now
        request = Request.objects.filter(partner=partner).first()
        if request is None:
            request = self.world.ask_to_cancel(order.subscription, User.objects.get(email=partner.contact_email))
        if order.refunded_at is None:
            # What is left to do of one that was given up after the money had gone back is the worker's.
            self.world.decide(request, User.objects.get(email="oda@aurora.example"))
        order.refresh_from_db()
        if order.refunded_at is None:
            raise GaveUp(order.number)

    def look(self, partner: Partner) -> None:
        """What this buyer is shown is its own, and what another was given is not there."""
        door = Client()
        door.force_login(User.objects.get(email=partner.contact_email))
        own = set(Invoice.objects.filter(partner=partner).values_list("number", flat=True))
        order = Order.objects.get(partner=partner).number
        shown = set(re.findall(r"(?:INV|CN|O)-\d{4}-\d+", door.get("/invoices/").content.decode()))
        listed = set(re.findall(r"O-\d{4}-\d+", door.get("/orders/").content.decode()))
        foreign = (shown - own - {order}) | (listed - {order})
        another = Invoice.objects.exclude(partner=partner).order_by("-pk").first()
        if another is not None:
            theirs = Order.objects.get(pk=another.order_id).number
            paths = (f"/invoices/{another.number}.pdf", f"/invoices/{another.number}.xml", f"/orders/{theirs}/")
            foreign |= {path for path in paths if door.get(path).status_code != 404}
        self.told["foreign"] += sorted(foreign)
        self.told["seen"][str(partner.pk)] = sorted(own & shown)


def careless(kind, year: int, now: datetime):
    """What the product does not do: read the last number, add one, and let the others do the same meanwhile."""
    series, _ = Series.objects.get_or_create(kind=kind, year=year)
    last = Invoice.objects.filter(series=series).aggregate(last=Max("running"))["last"] or 0
    series.last, series.last_issued_at = last + 1, now
    series.save()
    return series, now


def begin(plan: dict, n: int, barrier, told, at: str) -> None:
    """In the forked process, whose connections are its own."""
    if plan["careless"]:
        billing.take_number = careless
    buyer = Buyer(n, plan)
    crash.arm(at, buyer.passes)
    if barrier is not None:
        barrier.wait(30)
    buyer.run()
    told.put((n, buyer.told))


def follow(plan: dict) -> dict:
    """Start the buyers together, start again whoever is killed, and gather what they tell."""
    forking = multiprocessing.get_context("fork")
    barrier, told = forking.Barrier(len(plan["shares"])), forking.SimpleQueue()

    def start(n: int, again: bool):
        at = "nowhere" if again else plan["killed"].get(str(n), "nowhere")
        process = forking.Process(target=begin, args=(plan, n, None if again else barrier, told, at))
        process.start()
        return process

    processes = {n: start(n, again=False) for n in range(len(plan["shares"]))}
    for process in processes.values():
        process.join()
    killed = [n for n, process in processes.items() if process.exitcode == KILLED]
    processes |= {n: start(n, again=True) for n in killed}
    for n in killed:
        processes[n].join()
    broken = [n for n, process in processes.items() if process.exitcode]
    said = dict(told.get() for _ in range(len(processes) - len(broken)))
    return {"killed": killed, "broken": broken, "said": said}


if __name__ == "__main__":
    setup_test_environment()
    reading.read_all()
    print(json.dumps(follow(json.load(sys.stdin))))
