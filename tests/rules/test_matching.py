"""Which order a line is for: sure only where nothing speaks for another (attack 17 of reliability.md)."""

from datetime import date

import pytest

from tenure.payments.matching import Candidate, Credit, Doubt, Known, Match, match, match_all
from tenure.payments.names import Names
from tenure.payments.rules import reference_for

DAY = date(2019, 7, 2)


def order(n: int, partner: int, **changes) -> Candidate:
    number = f"O-2019-{n:06d}"
    given = {
        "order": n, "number": number, "reference": reference_for(number), "partner": partner, "currency": "TWD",
        "missing": 15750, "expires_on": date(2019, 7, 31),
    }  # fmt: skip
    return Candidate(**given | changes)


PARTNERS = [(1, "Contoso Taiwan Ltd"), (2, "Fabrikam GmbH"), (3, "Fabrikam Asia GmbH"), (4, "曙光系統股份有限公司")]
ACCOUNTS = {"111": frozenset({1}), "222": frozenset({2})}


def known(*orders: Candidate) -> Known:
    return Known.of(orders or [order(n, n) for n in (1, 2, 3, 4)], PARTNERS, ACCOUNTS)


def credit(text="", payer="", account="", minor=15750, currency="TWD", **more) -> Credit:
    return Credit(minor, currency, DAY, text, payer, account, **more)


R1, R2 = reference_for("O-2019-000001"), reference_for("O-2019-000002")
SLIP = R1[:-1] + "7"


@pytest.mark.parametrize(
    ("asked", "rule"),
    [
        (credit(R1), "reference"),
        (credit(R1, minor=100), "reference"),
        (credit(R1, payer="MY ACCOUNTANT"), "reference"),
        (credit("order O-2019-000001"), "number"),
        (credit(SLIP, payer="CONTOSO TAIWAN"), "near_reference"),
        (credit(R1.replace("0", "O", 1), account="111"), "near_reference"),
        (credit("", account="111", payer="Contoso Taiwan"), "account"),
        (credit("fee", payer="ＦＡＢＲＩＫＡＭ"), "name"),
        (credit("年費", payer="曙光系統(股)公司"), "name"),
    ],
)
def test_what_is_sure(asked, rule):
    found = match(asked, known())
    assert isinstance(found, Match), found
    assert found.rule == rule


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (credit(R1, account="222"), "account_of_another"),
        (credit(R1, payer="Fabrikam GmbH"), "name_of_another"),
        (credit(R1, currency="USD"), "wrong_currency"),
        (credit(f"{R1} {R2}"), "several_references"),
        (credit(SLIP), "other_amount"),
        (credit(SLIP, payer="CONTOSO TAIWAN", minor=1), "other_amount"),
        (credit("2019 000001", minor=77), "other_amount"),
        (credit(R1, reversal=True), "reversal"),
        (credit(R1, entered_before=True), "entered_before"),
        (credit("fee", payer="Contoso Taiwan", minor=15749), "other_amount"),
        (credit("fee", payer="Nobody Known"), "nothing_known"),
        (credit("fee", account="111", payer="Fabrikam"), "name_of_another"),
    ],
)
def test_what_is_left_to_a_person(asked, reason):
    found = match(asked, known())
    assert isinstance(found, Doubt), found
    assert reason in found.reasons


def test_two_orders_of_one_partner_are_never_chosen_between():
    found = match(credit("fee", payer="Contoso Taiwan"), known(order(1, 1), order(9, 1)))
    assert isinstance(found, Doubt) and "several_orders" in found.reasons


def test_what_names_its_order_goes_first_and_the_nameless_gets_what_is_left():
    both = known(order(1, 1), order(9, 1))
    nameless, named = match_all([credit("fee", payer="Contoso Taiwan"), credit(R1)], both)
    assert (nameless.order, named.order) == (9, 1)


def test_an_order_that_is_over_is_found_by_its_reference_only():
    over = known(order(1, 1, payable=False))
    assert isinstance(match(credit(R1), over), Match)
    assert isinstance(match(credit("fee", payer="Contoso Taiwan"), over), Doubt)
    late = known(order(1, 1, expires_on=date(2019, 7, 1)))
    assert isinstance(match(credit("fee", payer="Contoso Taiwan"), late), Doubt)


def test_a_card_order_is_never_paid_by_a_transfer_without_a_person():
    assert "card_order" in match(credit(R1), known(order(1, 1, by_transfer=False))).reasons


def test_a_name_that_may_be_two_is_both():
    names = Names([(1, "Amber River Systems Ltd"), (2, "Amber River Systems Asia Ltd")])
    assert names.alike("AMBER RIVER SYSTEMS A") == {1, 2}
    assert names.alike("Amber River Systems") == {1}
    assert names.alike("Amber River") == frozenset()
