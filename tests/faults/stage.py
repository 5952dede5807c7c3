"""A stage on which processes die: one process that has read everything forks one more for each deed.

``python -m tests.faults.stage`` reads a line of JSON per deed (which, in which database, where to die) and answers
with how its process ended, what it said and which crash points it passed. Read next: ``test_every_point.py``.
"""

import hashlib
import hmac
import json
import os
import sys
import tempfile
import time
import traceback
from datetime import timedelta

os.environ["DJANGO_SETTINGS_MODULE"] = "tenure.settings"
os.environ["TENURE_DEMO"] = "1"

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connections  # noqa: E402
from django.db.models import F, Sum  # noqa: E402

from tenure.billing.models import Invoice, Posting, Series  # noqa: E402
from tenure.memberships.models import Term  # noqa: E402
from tenure.payments.actions import gateway  # noqa: E402
from tenure.payments.models import Payment  # noqa: E402
from tenure.payments.queries import attempts, open_attempt  # noqa: E402
from tenure.plumbing import clock, crash, jobs  # noqa: E402
from tenure.plumbing.models import Instance, Mail, Reaction  # noqa: E402
from tenure.proof import verify  # noqa: E402
from tenure.purchases import actions as purchases  # noqa: E402
from tenure.purchases.models import Order  # noqa: E402
from tenure.support.models import Request  # noqa: E402
from tests.faults import child  # noqa: E402
from tests.worlds import World  # noqa: E402


class Prepare:
    """The world at the moment before each deed, all its work done."""

    def __init__(self):
        self.world = World(settings.TENURE_DEMO_GATEWAY_URL)
        self.world.go("2018-06-22")

    def run(self):
        self.world.buy_by_card()
        self.world.work()
        self.world.go("2019-06-23 00:10")

    def buy(self):
        self.world.buy_by_card()
        self.world.qualify("silver-cloud")
        self.world.work()

    def open(self):
        self.world.work()

    def come_back(self):
        self.world.choose_card(self.world.buy())

    def ring(self):
        self.world.choose_card(self.world.buy())

    def refund(self):
        order = self.world.buy_by_card()
        self.world.work()
        self.world.ask_to_cancel(order.subscription)

    def tidy(self):
        self.world.buy_by_card()

    def ask(self):
        self.world.choose_card(self.world.buy())
        self.world.go(self.world.now + timedelta(minutes=20))

    def cancel(self):
        self.world.buy()
        self.world.work()


def newest() -> Order:
    return Order.objects.order_by("-pk").first()


class Deeds:
    """What the processes do that die."""

    run = staticmethod(child.run)

    @staticmethod
    def buy():
        child.buy("silver-cloud")

    @staticmethod
    def open():
        """Ming buys by a card that is typed on the gateway's page."""
        child.buy("action-pack", kept=False)

    @staticmethod
    def come_back():
        child.come_back(newest().number)

    @staticmethod
    def ring():
        """The gateway's doorbell, as it would ring for the newest order."""
        attempt = attempts(newest().pk)[0]
        paid = gateway("demo").find(attempt.order_number, attempt.n) or gateway("demo").look(attempt.ref)
        about = {"id": paid.ref, "metadata": {"order": attempt.order_number, "attempt": str(attempt.n)}}
        body = json.dumps(
            {
                "id": f"evt_{attempt.pk}",
                "type": "payment_intent.succeeded",
                "livemode": False,
                "created": int(time.time()),
                "data": {"object": about},
            }
        ).encode()
        at = int(time.time())
        secret = settings.TENURE_DEMO_GATEWAY_SECRET.encode()
        sign = hmac.new(secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        purchases.heard("demo", body, {"Stripe-Signature": f"t={at},v1={sign}"}, now=clock.now())

    @staticmethod
    def refund():
        child.refund(Request.objects.get().number)

    @staticmethod
    def tidy():
        jobs.run_until_idle(clock.now())

    ask = tidy

    @staticmethod
    def cancel():
        purchases.cancel_order(child.ming(), newest(), now=clock.now())


def prepare(name: str) -> None:
    getattr(Prepare(), name)()
    # Each copy of this database is an installation of its own.
    Instance.objects.all().delete()


def deed(name: str) -> None:
    getattr(Deeds, name)()


def repeat(name: str) -> None:
    """The person, the browser or the gateway comes again, where one would."""
    if name in ("buy", "ring", "come_back"):
        deed(name)
    if name == "cancel" and newest().open:
        deed(name)
    if name == "refund" and not Request.objects.get().refund_id:
        deed(name)
    if name == "open":
        deed(name)
        order = newest()
        if order.open:
            # The page may never have been made: then the person presses "pay" on the order.
            purchases.pay_again(child.ming(), order, now=clock.now())
        world = World.__new__(World)
        world.gateway, world.now = settings.TENURE_DEMO_GATEWAY_URL, clock.now()
        world.choose_card(order)
        world.come_back(order)


def work() -> int:
    """One pass of the worker, after the leases of the dead have run out."""
    Reaction.objects.filter(state="due").update(leased_until=F("leased_until") - timedelta(minutes=5))
    clock.put(clock.now() + timedelta(minutes=5))
    return jobs.run_until_idle(clock.now())


def wrong() -> list[str]:
    """What is not as every story must end: charges, numbers, terms, ledger, letters, and all that verify checks."""
    found = []
    charges = [c for c in gateway("demo").charges(None) if c.status == "succeeded"]
    paid = Order.objects.exclude(paid_at=None).order_by("pk")
    if sorted(c.order for c in charges) != sorted(order.number for order in paid):
        found.append(f"charged {[c.order for c in charges]}, paid {[order.number for order in paid]}")
    for order in paid:
        counted = {
            "payments": Payment.objects.filter(order_id=order.pk).count(),
            "terms": Term.objects.filter(order_id=order.pk).count(),
            "invoices": Invoice.objects.filter(order_id=order.pk, kind="invoice").count(),
        }
        found += [f"{order.number}: {n} {what}" for what, n in counted.items() if n != 1]
    for series in Series.objects.all():
        running = list(Invoice.objects.filter(series=series).order_by("running").values_list("running", flat=True))
        if running != list(range(1, series.last + 1)):
            found.append(f"series {series}: {running}")
    if total := Posting.objects.aggregate(s=Sum("amount_minor"))["s"]:
        found.append(f"ledger {total}")
    found += [f"open attempt of {o.number}" for o in Order.objects.all() if open_attempt(o.pk) and not o.open]
    found += [f"reaction {r.name} {r.state}" for r in Reaction.objects.exclude(state="done")]
    found += [f"letter {m.code} {m.state}" for m in Mail.objects.exclude(state__in=("sent", "suppressed"))]
    for finding in verify.run().findings:
        if finding.invariant.id == "I-50":
            # About the schema, not about what has happened.
            continue
        if finding.count or finding.failed:
            found.append(f"{finding.invariant.id}: {[v.plain() for v in finding.violations]} {finding.note}")
    return found


def facts() -> dict:
    """How far the story came."""
    return {
        "paid": Order.objects.exclude(paid_at=None).count(),
        "refunded": Order.objects.exclude(refunded_at=None).count(),
        "closed": Order.objects.exclude(closed_at=None).count(),
        "invoices": Invoice.objects.count(),
        "terms": Term.objects.count(),
    }


CALLED = {"prepare": prepare, "deed": deed, "repeat": repeat, "work": work, "wrong": wrong, "facts": facts}


def act(asked: dict, answer) -> None:
    """In the forked process: everything asked for, in order, until the point at which it dies."""
    settings.DATABASES["default"]["NAME"] = asked["database"]
    connections["default"].settings_dict["NAME"] = asked["database"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    passed: list[str] = []
    if asked.get("at") is not None:
        crash.arm(asked["at"], passed.append)
    said = [CALLED[name](*given) for name, *given in asked["do"]]
    answer.write(json.dumps({"said": said, "passed": passed}))
    answer.flush()


def fork(asked: dict) -> dict:
    with tempfile.TemporaryFile("w+") as answer:
        pid = os.fork()
        if pid == 0:
            try:
                act(asked, answer)
            except BaseException:
                answer.write(json.dumps({"error": traceback.format_exc()}))
                answer.flush()
                os._exit(1)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        answer.seek(0)
        text = answer.read()
    return {"status": status, **(json.loads(text) if text else {})}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(fork(json.loads(line))), flush=True)
