"""The last of something, and fifty who want it: one has it, forty-nine are told so (I-34, I-35)."""

import uuid

import pytest
from django.db.models import Sum

from tenure.benefits import actions as benefits
from tenure.benefits.models import Grant, Key, Usage
from tenure.kernel.access import SYSTEM
from tenure.partners.models import Partner
from tests.faults.racing import Firm, amid, codes, crowd, firms, unlocked

pytestmark = pytest.mark.django_db(transaction=True)
ASKERS = 50


def one_left(world, kind: str) -> tuple[Firm, Grant]:
    """A company that has used up a benefit but for the last unit."""
    (one,) = firms(world, 1)
    grant = Grant.objects.filter(partner=one.partner, kind=kind).first()
    if kind == "keys":
        benefits.load_keys(SYSTEM, None, pool=grant.benefit, values=[uuid.uuid4().hex], now=world.now)
    else:
        benefits.use(one.actor, grant, quantity=grant.quantity - 1, now=world.now)
    return one, grant


def taking(one: Firm, grant: Grant):
    actor, now = one.actor, one.world.now
    if grant.kind == "keys":
        return lambda: benefits.reveal_key(actor, grant, now=now)
    return lambda: benefits.use(actor, grant, quantity=1, now=now)


@pytest.mark.parametrize("kind", ["incidents", "seats"])
def test_the_last_unit_goes_to_one_of_fifty(committed, kind):
    one, grant = one_left(committed, kind)
    answers = crowd(taking(one, grant), ASKERS)
    assert codes(answers) == ["benefits.none_left"] * (ASKERS - 1)
    grant.refresh_from_db()
    assert grant.used == grant.quantity == taken(grant)


def taken(grant: Grant) -> int:
    return Usage.objects.filter(grant=grant).aggregate(s=Sum("quantity"))["s"]


@pytest.mark.parametrize("kind", ["incidents", "seats"])
def test_control_without_the_locks_the_last_unit_is_had_twice(committed, kind):
    one, grant = one_left(committed, kind)
    with unlocked(Partner, Grant):
        amid((Grant, "save"), taking(one, grant), taking(one, grant))
    assert taken(grant) == grant.quantity + 1


def test_the_last_key_goes_to_one_of_fifty(committed):
    one, grant = one_left(committed, "keys")
    answers = crowd(taking(one, grant), ASKERS)
    assert codes(answers) == ["benefits.pool_empty"] * (ASKERS - 1)
    assert sum(isinstance(answer, Key) for answer in answers) == 1


def test_the_last_key_of_the_pool_goes_to_one_of_two_companies(committed):
    """Their locks differ; only the key's own row stands between them."""
    first, second = firms(committed, 2)
    grants = [Grant.objects.get(partner=one.partner, kind="keys") for one in (first, second)]
    benefits.load_keys(SYSTEM, None, pool=grants[0].benefit, values=["ONE-ONLY"], now=committed.now)
    answers = amid((Key, "save"), taking(first, grants[0]), taking(second, grants[1]))
    assert codes(answers) == ["benefits.pool_empty"]


def test_control_without_the_keys_lock_two_companies_see_one_key(committed):
    first, second = firms(committed, 2)
    grants = [Grant.objects.get(partner=one.partner, kind="keys") for one in (first, second)]
    benefits.load_keys(SYSTEM, None, pool=grants[0].benefit, values=["ONE-ONLY"], now=committed.now)
    with unlocked(Key):
        answers = amid((Key, "save"), taking(first, grants[0]), taking(second, grants[1]))
    assert [answer.value for answer in answers] == ["ONE-ONLY"] * 2
