"""Ten thousand notices in every order, doubled and late, end in one state (reliability.md, races of the doorbell).

It must never look at one notice at a time: the end is what counts. Read next: ``purchases/actions.py``, ``heard``.
"""

import random

from tenure.billing.models import Invoice
from tenure.memberships.models import Term
from tenure.payments.models import GatewayEvent, Payment
from tenure.payments.queries import attempts
from tenure.purchases import actions as purchases
from tenure.purchases.models import Order

NOTICES = 10_000
KINDS = (
    "checkout.session.completed",
    "checkout.session.expired",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.requires_action",
    "payment_intent.canceled",
    "payment_intent.created",
)


def notice(kind: str, attempt, n: int) -> tuple[str, dict, str]:
    """One event about an attempt; what it claims is as often wrong as right."""
    named = {"order": attempt.order_number, "attempt": str(attempt.n)}
    ref = attempt.ref if kind.startswith("checkout") else f"pi_{n}"
    return kind, {"id": ref, "metadata": named}, f"evt_{attempt.pk}_{kind}_{n}"


def heard(world, notices: list[tuple[str, dict, str]]) -> None:
    for kind, about, event in notices:
        world.ring(kind, about, event=event)


def state() -> tuple:
    return (
        sorted(Order.objects.values_list("number", "paid_at", "closing")),
        sorted(Payment.objects.values_list("order_id", "gateway_ref", "amount_minor")),
        sorted(Term.objects.values_list("subscription_id", "starts_on", "expires_on")),
        sorted(Invoice.objects.values_list("number", "total_minor")),
        [
            [(a.n, a.status, a.ref) for a in attempts(pk)]
            for pk in Order.objects.order_by("pk").values_list("pk", flat=True)
        ],
    )


def test_ten_thousand_notices_in_any_order_end_in_one_state(world):
    """One order was paid on the first page, one on the second after a no, one was left on its page."""
    shuffle = random.Random(20180620)
    paid = world.buy()
    world.choose_card(paid)
    notices = [notice(kind, attempts(paid.pk)[0], n) for kind in KINDS for n in range(3)]
    shuffle.shuffle(notices)
    heard(world, notices)
    world.qualify("silver-cloud")
    twice = world.pay(world.buy(offer="silver-cloud"), "declined")
    twice = purchases.pay_again(world.actor(world.ming), twice, now=world.now)
    world.choose_card(twice)
    notices += [notice(kind, attempt, n) for attempt in attempts(twice.pk) for kind in KINDS for n in range(3)]
    shuffle.shuffle(notices)
    heard(world, notices)
    world.work()
    before = state()
    assert Payment.objects.count() == 2 == len(before[2]) == len(before[3])
    fresh = 0
    for turn in range(NOTICES // len(notices)):
        again = list(notices)
        if turn % 20 == 0:
            fresh += 1
            again = [(kind, about, f"evt_{fresh}_{event}") for kind, about, event in again]
        shuffle.shuffle(again)
        heard(world, again)
    heard(world, notices[: NOTICES % len(notices)])
    world.work()
    assert state() == before
    assert GatewayEvent.objects.count() == len(notices) * (fresh + 1)
