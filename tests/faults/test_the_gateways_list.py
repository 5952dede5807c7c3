"""Reconciliation against a real gateway process: what it charged, gave back, kept and paid out, line by line."""

import json
import urllib.request

from django.conf import settings

from tenure.billing.models import GatewayMovement, Reconciliation
from tenure.billing.queries import differences, trial_balance
from tenure.billing.reconciling import reconcile
from tenure.payments.models import Payment
from tenure.proof import verify
from tests.actions.conftest import plant
from tests.conftest import GATEWAY_SECRET
from tests.faults.test_reconciliation import own_gateway, sold

__all__ = ["own_gateway", "sold"]
FEE = 15_750 * 29 // 1000


def happen(**what) -> dict:
    """Something no merchant can ask for: the gateway pays out."""
    asked = urllib.request.Request(
        f"{settings.TENURE_DEMO_GATEWAY_URL}/v1/_lab",
        json.dumps(what).encode(),
        {"Authorization": f"Bearer {GATEWAY_SECRET}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(asked, timeout=5) as answer:
        return json.loads(answer.read())


def look(world) -> Reconciliation:
    (found,) = reconcile(world.actor(world.fin), None, now=world.now)
    return found


def balance(account: str, day) -> int:
    return sum(minor for name, _, minor in trial_balance(day) if name == account)


def test_sales_refund_fees_and_a_payout_all_find_their_place(sold):
    happen(what="payout", amount="1000000", currency="twd")
    found = look(sold)
    assert (found.orphans, found.unexplained, found.foreign) == ([], {}, 0)
    kinds = sorted(GatewayMovement.objects.values_list("kind", flat=True))
    assert kinds == ["charge", "charge", "payout", "refund"]
    assert balance("in_transit", sold.today) == 10_000
    fees = balance("fees", sold.today)
    assert fees == sum(GatewayMovement.objects.values_list("fee_minor", flat=True)) > FEE
    assert balance("gateway_clearing", sold.today) == found.balances["TWD"]["gateway"] == 15_750 - fees - 10_000
    again = look(sold)
    assert (again.pk, again.movements, balance("fees", sold.today)) == (found.pk, 4, fees)
    assert verify.run(only={"I-1", "I-3", "I-5", "I-8", "I-12"}).violated == set()


def test_a_charge_the_gateway_has_and_we_lost(sold):
    payment = Payment.objects.latest("pk")
    plant(
        "DELETE FROM billing_posting WHERE transaction_id = (SELECT id FROM billing_ledgertransaction"
        f" WHERE cause_type = 'payment' AND cause_id = {payment.pk})"
    )
    (orphan,) = look(sold).orphans
    assert (orphan["side"], orphan["kind"], orphan["ref"]) == ("theirs", "charge", payment.gateway_ref)


def test_a_posting_the_gateway_knows_nothing_of(sold):
    payment = Payment.objects.latest("pk")
    plant(f"UPDATE payments_payment SET gateway_ref = 'pi_never' WHERE id = {payment.pk}")
    found = look(sold)
    assert sorted((o["side"], o["ref"]) for o in found.orphans) == [
        ("ours", "pi_never"),
        ("theirs", payment.gateway_ref),
    ]
    assert found.unexplained == {}
    sold.go("2018-07-02")
    look(sold)
    codes = {each.code for each in differences(sold.today.replace(month=6, day=1))}
    assert codes == {"books.orphan_ours", "books.orphan_theirs"}
    assert "I-5" in verify.run().violated, "a difference of more than a day"
