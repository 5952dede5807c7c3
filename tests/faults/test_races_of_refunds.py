"""Money on its way back: once, by two people, never beyond what was taken, and never beside what it bought."""

import uuid

import pytest
from django.db import connection, transaction
from django.db.models import Sum

from tenure.benefits import actions as benefits
from tenure.benefits.models import Grant, Key
from tenure.billing.models import Invoice, Posting
from tenure.kernel.access import SYSTEM
from tenure.memberships.models import Subscription, Term
from tenure.partners.models import Partner
from tenure.payments.models import Dispute, Payment, Refund, RefundApproval
from tenure.plumbing.models import Event
from tenure.proof import verify
from tenure.purchases import disputes
from tenure.purchases.models import Order
from tenure.support import actions as support
from tenure.support.models import Request
from tests.faults.racing import ROUNDS, Firm, amid, at_once, codes, firm, firms, janitor, unconstrained, unlocked
from tests.faults.test_races_of_orders import renewals_of, renewing

pytestmark = pytest.mark.django_db(transaction=True)
ONE_REFUND = ("refund_once_per_kind", "payments_refund_gateway_key_key", "payments_refunds_within")


def asked_to_cancel(one: Firm) -> Request:
    return one.world.ask_to_cancel(one.subscription, one.person)


def deciding(world, request: Request, who=None, **how):
    actor = world.actor(who or world.oda)
    return lambda: support.decide(actor, request, **{"refund": True} | how, now=world.now)


def refunds_of(one: Firm) -> int:
    return Refund.objects.filter(payment__partner=one.partner).count()


def notes_of(one: Firm) -> int:
    return Invoice.objects.filter(partner=one.partner, kind="credit_note").count()


# Pressed twice


def test_a_refund_pressed_twice_goes_back_once(committed):
    found = firms(committed, ROUNDS + 1)
    for one in found[:-1]:
        answers = at_once(*[deciding(committed, asked_to_cancel(one))] * 4)
        assert set(codes(answers)) <= {"support.closed", "refund.already_refunded"}
    both = amid((support, "_promise"), *[deciding(committed, asked_to_cancel(found[-1]))] * 2)
    assert set(codes(both)) <= {"support.closed", "refund.already_refunded"}
    janitor(committed)
    assert [(refunds_of(one), notes_of(one)) for one in found] == [(1, 1)] * len(found)


def test_control_a_refund_without_the_guards_is_promised_twice(committed, monkeypatch):
    (one,) = firms(committed, 1)
    request = asked_to_cancel(one)
    # Writing the request locks its row as well.
    monkeypatch.setattr(Request, "save", lambda request, **how: None)
    with unlocked(Partner, Request, Payment), unconstrained(*ONE_REFUND):
        amid((Refund, "save"), *[deciding(committed, request, who) for who in (committed.oda, committed.ove)])
        assert refunds_of(one) == 2


# Two people


def dear(world) -> Request:
    """A request to give back more than one person may decide alone."""
    world.apply(('net = "15,000"', 'net = "70,000"'))
    (one,) = firms(world, 1)
    return asked_to_cancel(one)


def test_one_person_pressing_twice_at_once_is_one_approval(committed):
    request = dear(committed)
    for _ in range(ROUNDS):
        at_once(*[deciding(committed, request)] * 4)
    amid((RefundApproval, "save"), deciding(committed, request, committed.ove), lambda: None)
    assert sorted(RefundApproval.objects.values_list("by", flat=True)) == sorted(
        f"person:{who.pk}" for who in (committed.oda, committed.ove)
    )
    assert Refund.objects.count() == 1, "one for the two of them"


def twice_by_one(world, request: Request):
    return amid((RefundApproval, "save"), *[deciding(world, request)] * 2)


def test_one_persons_second_press_amid_the_first_decides_nothing(committed):
    assert codes(twice_by_one(committed, dear(committed))) == ["support.second_approver_needed"]
    assert not Refund.objects.exists()


def test_control_without_the_guards_one_person_is_two(committed, monkeypatch):
    request = dear(committed)
    monkeypatch.setattr(Request, "save", lambda request, **how: None)
    with unlocked(Partner, Request), unconstrained("refund_approval_once_per_person"):
        twice_by_one(committed, request)
        assert Refund.objects.count() == 1 and len(set(RefundApproval.objects.values_list("by", flat=True))) == 1


def test_two_approvals_at_once_promise_one_refund(committed):
    request = dear(committed)
    answers = at_once(*[deciding(committed, request, who) for who in (committed.oda, committed.ove)])
    assert set(codes(answers)) <= {"support.closed"}
    assert RefundApproval.objects.count() == 2 and Refund.objects.count() == 1
    assert verify.run(ask_gateways=False, only={"I-48"}).violated == set()


# A benefit is taken while its money goes back


def with_a_key(world, n: int = 1) -> tuple[Firm, Grant, Request]:
    world.go("2018-06-22")
    one = firm(world, n)
    world.buy_by_card(who=one.person, partner=one.partner)
    grant = Grant.objects.get(partner=one.partner, kind="keys")
    benefits.load_keys(SYSTEM, None, pool=grant.benefit, values=[uuid.uuid4().hex], now=world.now)
    return one, grant, asked_to_cancel(one)


def revealing(one: Firm, grant: Grant):
    actor, now = one.actor, one.world.now
    return lambda: benefits.reveal_key(actor, grant, now=now)


def has_both(one: Firm) -> bool:
    return Key.objects.filter(grant__partner=one.partner).exists() and refunds_of(one) > 0


def test_a_key_shown_against_a_refund_is_one_or_the_other(committed):
    for n in range(ROUNDS):
        one, grant, request = with_a_key(committed, n)
        answers = at_once(deciding(committed, request), revealing(one, grant))
        assert codes(answers)[0] in ("refund.key_revealed", "benefits.refund_under_way", "benefits.not_active")
        assert not has_both(one)


@pytest.mark.parametrize("place", [(support, "_promise"), (support, "refund_made")])
def test_no_key_is_shown_amid_a_refund(committed, place):
    """While it is decided, and while the gateway is asked to give the money back."""
    one, grant, request = with_a_key(committed)
    answers = amid(place, deciding(committed, request), revealing(one, grant))
    assert codes(answers) in (["benefits.refund_under_way"], ["benefits.not_active"])
    assert not has_both(one)


def test_control_without_the_lock_a_key_is_shown_and_paid_back(committed):
    one, grant, request = with_a_key(committed)
    with unlocked(Partner):
        amid((support, "_promise"), deciding(committed, request), revealing(one, grant))
    assert has_both(one)


def test_control_without_a_look_at_the_promise_a_key_is_shown_while_the_gateway_is_asked(committed, monkeypatch):
    monkeypatch.setattr(benefits, "refund_under_way", lambda order_id: False)
    one, grant, request = with_a_key(committed)
    amid((support, "refund_made"), deciding(committed, request), revealing(one, grant))
    assert has_both(one)


# The year after, bought while the year before goes back


def test_a_year_renewed_while_the_last_is_refunded_stands(committed):
    (one,) = firms(committed, 1)
    committed.go("2019-06-23")
    given = {"override": True, "reason": "Goodwill"}
    place = (support, "refund_made")
    assert codes(amid(place, deciding(committed, asked_to_cancel(one), **given), renewing(one))) == []
    assert renewals_of(one)[0].paid_at and refunds_of(one) == 1
    assert one.subscription.cancelled_at is None and Term.objects.filter(revoked_at=None).count() == 2


def test_control_without_a_look_at_the_newest_year_what_was_just_paid_ends(committed, monkeypatch):
    monkeypatch.setattr("tenure.purchases.settling.newest_term_is", lambda term: True)
    (one,) = firms(committed, 1)
    subscription = one.subscription
    committed.go("2019-06-23")
    given = {"override": True, "reason": "Goodwill"}
    amid((support, "refund_made"), deciding(committed, asked_to_cancel(one), **given), renewing(one))
    subscription.refresh_from_db()
    assert subscription.cancelled_at and renewals_of(one)[0].paid_at


def test_a_renewal_against_a_request_to_cancel_is_renewed_once_or_not_at_all(committed):
    for one in firms(committed, ROUNDS):
        committed.go("2019-06-23")
        at_once(renewing(one), lambda one=one: asked_to_cancel(one))
        janitor(committed)
        paid = [order for order in renewals_of(one) if order.paid_at]
        assert Term.objects.filter(subscription=one.subscription).count() == 1 + len(paid) == 2


# Disputes


def disputed(one: Firm, decided: str = "") -> str:
    """The bank takes the payment back, and may have decided already; no doorbell has rung."""
    paid = Payment.objects.get(partner=one.partner)
    ref = one.world.at_the_bank("dispute", payment_intent=paid.gateway_ref, reason="general")["id"]
    if decided:
        one.world.at_the_bank(decided, dispute=ref)
    return ref


def hearing(world, ref: str):
    return lambda: disputes.dispute_heard("demo", ref, world.now)


def balance(account: str) -> int:
    return Posting.objects.filter(account=account).aggregate(s=Sum("amount_minor"))["s"] or 0


def test_a_dispute_heard_six_times_at_once_is_one(committed):
    found = firms(committed, ROUNDS + 1)
    for one in found[:-1]:
        assert codes(at_once(*[hearing(committed, disputed(one))] * 6)) == []
    assert codes(amid((Dispute, "save"), *[hearing(committed, disputed(found[-1]))] * 2)) == []
    assert Dispute.objects.count() == Event.objects.filter(name="payments.disputed").count() == len(found)
    assert balance("disputes") == sum(Dispute.objects.values_list("amount_minor", flat=True))


def test_control_a_dispute_without_the_guards_is_booked_twice(committed):
    (one,) = firms(committed, 1)
    ref = disputed(one)
    with unlocked(Partner, Order, Payment), unconstrained("dispute_ref_once"):
        amid((Dispute, "save"), *[hearing(committed, ref)] * 2)
        assert Dispute.objects.count() == 2
        assert balance("disputes") == 2 * Payment.objects.get(partner=one.partner).amount_minor


def test_a_decision_heard_six_times_at_once_takes_the_sale_back_once(committed):
    for one in firms(committed, ROUNDS):
        assert codes(at_once(*[hearing(committed, disputed(one, "lost"))] * 6)) == []
        assert notes_of(one) == 1
    assert Event.objects.filter(name="payments.dispute_closed").count() == ROUNDS


def test_control_a_decision_without_the_guards_takes_the_sale_back_twice(committed):
    (one,) = firms(committed, 1)
    hearing(committed, ref := disputed(one))()
    committed.at_the_bank("lost", dispute=ref)
    with unlocked(Partner, Order, Payment), unconstrained("ledger_cause_once"):
        amid((disputes, "_decided"), *[hearing(committed, ref)] * 2)
        assert notes_of(one) == 2


def gave_back(one: Firm) -> int:
    """What the partner has again or the bank holds for him, beyond the price: promised refunds and disputes."""
    paid = Payment.objects.get(partner=one.partner)
    rows = [*paid.refunds.exclude(status="refused"), *paid.disputes.exclude(status="won")]
    return sum(row.amount_minor for row in rows) - paid.amount_minor


def test_a_refund_against_a_dispute_is_one_or_the_other(committed):
    for one in firms(committed, ROUNDS):
        request, ref = asked_to_cancel(one), disputed(one)
        answers = at_once(deciding(committed, request), hearing(committed, ref))
        assert set(codes(answers)) <= {"refund.disputed"}
        committed.at_the_bank("lost", dispute=ref)
        hearing(committed, ref)()
        janitor(committed)
        assert gave_back(one) == 0 and notes_of(one) == 1
    assert verify.run(ask_gateways=False, only={"I-7", "I-22"}).violated == set()


def test_a_refund_amid_the_news_of_a_dispute_waits_and_is_refused(committed):
    (one,) = firms(committed, 1)
    ref, request = disputed(one), asked_to_cancel(one)
    answers = amid((disputes, "_opened"), hearing(committed, ref), deciding(committed, request))
    assert codes(answers) == ["refund.disputed"] and refunds_of(one) == 0


def test_control_without_the_guards_a_refund_is_promised_beside_a_dispute(committed):
    (one,) = firms(committed, 1)
    ref, request = disputed(one), asked_to_cancel(one)
    guards = unlocked(Partner, Payment, Order, Subscription)
    with guards, unconstrained("payments_disputes_wait", "payments_refunds_within"):
        amid((disputes, "_opened"), hearing(committed, ref), deciding(committed, request))
        assert gave_back(one) > 0


# The ceiling, by the database alone (I-7)


def standing() -> None:
    """Where the first stands, its row written and not committed."""


HERE = (__import__(__name__, fromlist=["standing"]), "standing")


def promising(paid: Payment, kind: str):
    def promise() -> None:
        with transaction.atomic():
            key = f"by-hand/{paid.pk}/{kind}"
            given = {"amount_minor": paid.amount_minor, "currency": paid.currency, "gateway_key": key}
            Refund.objects.create(payment=paid, kind=kind, reason="test", promised_at=paid.received_at, **given)
            HERE[0].standing()

    return promise


def noting(paid: Payment):
    def note() -> None:
        given = {"amount_minor": paid.amount_minor, "currency": paid.currency, "opened_at": paid.received_at}
        with transaction.atomic():
            Dispute.objects.create(payment=paid, gateway="demo", ref=f"dp_{paid.pk}", status="needs_response", **given)
            HERE[0].standing()

    return note


def paid_of(world) -> Payment:
    (one,) = firms(world, 1)
    return Payment.objects.get(partner=one.partner)


@pytest.mark.parametrize("first", ["refund", "dispute"])
def test_the_database_alone_gives_no_more_back_than_was_taken(committed, first):
    paid = paid_of(committed)
    one = promising(paid, "full") if first == "refund" else noting(paid)
    _, second = amid(HERE, one, promising(paid, "tax"))
    assert "more is given back than was captured" in str(second)
    assert Refund.objects.count() + Dispute.objects.count() == 1


@pytest.mark.parametrize("first", ["refund", "dispute"])
def test_control_a_ceiling_that_sums_before_it_has_the_lock_sees_neither(committed, first):
    paid = paid_of(committed)
    one = promising(paid, "full") if first == "refund" else noting(paid)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('payments_refunds_within'::regproc)")
        (whole,) = cursor.fetchone()
        locked = " FOR NO KEY UPDATE"
        assert locked in whole
        cursor.execute(whole.replace(locked, ""))
    try:
        assert amid(HERE, one, promising(paid, "tax")) == [None, None]
        assert Refund.objects.count() + Dispute.objects.count() == 2
    finally:
        with connection.cursor() as cursor:
            cursor.execute(whole)


def test_a_refund_its_bank_has_overtaken_waits_and_is_not_owed_twice(committed):
    """The dispute comes after the promise and before the gateway was asked, which then refuses to refund."""
    (one,) = firms(committed, 1)
    request = asked_to_cancel(one)
    ref = []

    def bank() -> None:
        ref.append(disputed(one))
        hearing(committed, ref[0])()

    assert codes(amid((support, "refund_made"), deciding(committed, request), bank)) == []
    assert Refund.objects.get().made_at is None
    committed.at_the_bank("lost", dispute=ref[0])
    hearing(committed, ref[0])()
    janitor(committed)
    assert Refund.objects.get().status == "refused" and notes_of(one) == 1 and gave_back(one) == 0
    assert verify.run(ask_gateways=False, only={"I-7", "I-22"}).violated == set()


def test_control_without_the_end_of_the_refund_it_would_be_owed_for_ever(committed, monkeypatch):
    monkeypatch.setattr("tenure.purchases.charging.overtaken", lambda refund: True)
    with pytest.raises(AssertionError):
        test_a_refund_its_bank_has_overtaken_waits_and_is_not_owed_twice(committed)
