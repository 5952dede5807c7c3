"""What is pressed twenty times at the same instant, at the API's door (row 1 of ``docs/operations/attacks.md``)."""

import json

from tenure.billing.models import Invoice
from tenure.purchases.models import Order
from tests.doors.test_attacks_on_api import Program
from tests.faults.conftest import at_once

PRESSES = 20


def test_attack_01_twenty_presses_of_one_button_are_one_order(committed):
    program = Program(committed, committed.ming)
    answers = at_once(*(lambda: program.order(key="one-press") for _ in range(PRESSES)))
    made = [each for each in answers if each.status_code == 201]
    assert len(answers) == PRESSES and all(each.status_code in (201, 409) for each in answers)
    assert len([each for each in made if "Idempotency-Replayed" not in each.headers]) == 1
    assert len({each.content for each in made}) == 1, "all who get an answer get the same one"
    order = Order.objects.get()
    committed.choose_card(order)
    after = at_once(*(lambda: program.send("GET", f"/orders/{order.number}") for _ in range(5)))
    assert [json.loads(each.content)["status"] for each in after].count("paid") >= 1
    assert committed.charged() == 1 and Invoice.objects.count() == 1
