"""A stage on which processes die: one process that has read everything forks one more for each deed.

``python -m tests.faults.stage`` reads a line of JSON per deed (which, in which database, where to die) and answers
with how its process ended, what it said and which crash points it passed. Read next: ``deeds.py``;
``test_every_point.py``.
"""

import json
import os
import sys
import tempfile
import traceback
from datetime import timedelta

from tests.faults import reading  # isort: skip  first: it sets Django up

from django.conf import settings
from django.db import connections
from django.db.models import F, Sum

from tenure.billing.models import ClosedMonth, Invoice, Posting, RecognisedMonth, Series, Withholding
from tenure.memberships.models import Subscription, Term
from tenure.payments.actions import gateway
from tenure.payments.models import Allocation, BankLine, Card, Dispute, Payment
from tenure.payments.queries import open_attempt
from tenure.payments.rules import Method
from tenure.plumbing import clock, crash, jobs
from tenure.plumbing.models import Instance, Mail, Reaction
from tenure.proof import verify
from tenure.purchases.models import Order
from tests.faults.deeds import PARTNERS, told
from tests.faults.deeds_of_staff import STAFF
from tests.worlds import World

DEEDS = PARTNERS | STAFF


def begin() -> None:
    """A world with nothing in it that has been bought."""
    World(settings.TENURE_DEMO_GATEWAY_URL).go("2018-06-22")


def prepare(name: str) -> None:
    """The moment before a deed."""
    DEEDS[name].prepare(told())
    # Each copy of this database is an installation of its own.
    Instance.objects.all().delete()


def deed(name: str) -> None:
    DEEDS[name].do()


def again(name: str) -> None:
    """The person, the browser or the gateway comes again, where one would."""
    DEEDS[name].again()


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
    by_card = [order.number for order in paid if order.method == Method.CARD]
    if sorted(c.order for c in charges) != sorted(by_card):
        found.append(f"charged {[c.order for c in charges]}, paid {by_card}")
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
        if finding.count or finding.failed:
            found.append(f"{finding.invariant.id}: {[v.plain() for v in finding.violations]} {finding.note}")
    return found


def facts() -> dict:
    """How far the story came."""
    subscription = Subscription.objects.select_related("card").order_by("pk").last()
    return {
        "paid": Order.objects.exclude(paid_at=None).count(),
        "refunded": Order.objects.exclude(refunded_at=None).count(),
        "closed": Order.objects.exclude(closed_at=None).count(),
        "invoices": Invoice.objects.count(),
        "wire": Order.objects.filter(method=Method.BANK_TRANSFER).count(),
        "terms": Term.objects.count(),
        "lines": BankLine.objects.count(),
        "given": Allocation.objects.exclude(order_id=None).count(),
        "held": Allocation.objects.filter(order_id=None).count(),
        "disputes": ", ".join(Dispute.objects.order_by("pk").values_list("status", flat=True)),
        "suspended": bool(subscription and subscription.disputed_at),
        "ended": bool(subscription and subscription.cancelled_at),
        "recognised": RecognisedMonth.objects.count(),
        "months": ClosedMonth.objects.count(),
        "withheld": Withholding.objects.filter(status="accepted").count(),
        "kept": Card.objects.filter(removed_at=None).count(),
        "card": str(subscription.card.last4 if subscription and subscription.card else ""),
    }


CALLED = {
    "begin": begin,
    "prepare": prepare,
    "deed": deed,
    "again": again,
    "work": work,
    "wrong": wrong,
    "facts": facts,
}


def act(asked: dict, answer) -> None:
    """In the forked process: everything asked for, in order, until the point at which it dies."""
    settings.DATABASES["default"]["NAME"] = asked["database"]
    connections["default"].settings_dict["NAME"] = asked["database"]
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
    reading.read_all()
    for line in sys.stdin:
        print(json.dumps(fork(json.loads(line))), flush=True)
