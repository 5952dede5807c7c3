"""Every operation of the API walked by programs: each key gets in where its rights lead and nowhere else.

The operations come from their declarations, so a new one is walked the day it is added. What stands behind the
permission is decided before anything that was sent is read: an empty request is enough to see who gets in.
"""

import re

import pytest
from django.test import Client

from tenure.kernel.access import TABLE, Side, may
from tenure.web.api import urls  # noqa: F401  bringing it in declares the operations
from tenure.web.api.operations import OPERATIONS, Operation
from tests.contracts.test_access_walk import Things
from tests.doors.api import key_of, object_of, objects_of

ANYBODYS = ("/offers/",)
"""Objects that every company sees."""


@pytest.fixture(autouse=True)
def _unlimited(settings, caplog):
    settings.TENURE_API_PER_MINUTE = 10**6
    caplog.set_level("ERROR", "django.request")


@pytest.fixture
def things(world) -> Things:
    return Things(world)


class Walker:
    """A program with a key, which asks for everything and tells in a word what it met."""

    def __init__(self, things: Things, key: str | None):
        self.browser, self.objects = Client(), objects_of(things)
        self.headers = {"Authorization": f"Bearer {key}"} if key is not None else {}

    def meets(self, operation: Operation) -> str:
        shown = str(object_of(operation.path, self.objects))
        path = f"/api/v1{re.sub('{[a-z]+}', shown, operation.path)}"
        answer = self.browser.generic(operation.method, path, headers=self.headers)
        told = answer.json() if answer.headers.get("Content-Type") == "application/problem+json" else {}
        if told.get("code") == "access.partner_key_needed":
            return "elsewhere"
        return {401: "key", 403: "refused", 404: "hidden", 500: "broken"}.get(answer.status_code, "in")

    def walks(self, expected) -> list[str]:
        """Returns what differed from what was expected."""
        wrong = []
        for operation in OPERATIONS.values():
            wanted, met = expected(operation), self.meets(operation)
            if wanted != met:
                wrong.append(f"{operation.id} ({operation.permission}): {wanted} was due, met {met}")
        return wrong


def an_object(operation: Operation) -> bool:
    return "{" in operation.path and not operation.path.startswith(ANYBODYS)


def test_every_operation_names_a_permission_of_its_side():
    assert len(OPERATIONS) > 55
    wrong = []
    for operation in OPERATIONS.values():
        if operation.permission is None:
            wrong += [operation.id] if operation.id != "getKey" else []
            continue
        side = TABLE[operation.permission].side
        if side not in ((Side.STAFF, Side.BOTH) if operation.office else (Side.PARTNER, Side.BOTH)):
            wrong.append(f"{operation.id}: {operation.permission} is for {side}")
        if operation.office != operation.path.startswith("/office/"):
            wrong.append(f"{operation.id}: in the wrong house")
    assert not wrong


def test_what_moves_money_needs_a_key_of_its_own():
    """Every verb that moves money stands behind an operation that asks for an idempotency key."""
    moves = {name for name, permission in TABLE.items() if permission.money}
    wrong = [
        each.id for each in OPERATIONS.values() if each.permission in moves and each.method != "GET" and not each.money
    ]
    assert not wrong
    assert {"createOrder", "cancelOrder", "payOrder", "approveRefund"} <= {o.id for o in OPERATIONS.values() if o.money}


@pytest.mark.parametrize("key", [None, "tnr_00000000_unknown", ""])
def test_whoever_has_no_key_is_asked_for_one(things, key):
    assert not Walker(things, key).walks(lambda operation: "key")


def test_another_companys_program_finds_nothing(things):
    def expected(operation: Operation) -> str:
        return "hidden" if operation.office or an_object(operation) else "in"

    assert not Walker(things, key_of(things.world, things.stranger)).walks(expected)


def test_the_companys_own_program_gets_in_everywhere_but_the_office(things):
    walker = Walker(things, key_of(things.world, things.world.ann))
    assert not walker.walks(lambda operation: "hidden" if operation.office else "in")


@pytest.mark.parametrize("role", ["ming", "bo", "sal"])
def test_a_colleagues_program_is_told_what_it_may_not(things, role):
    """With everything its maker may hand on, and nothing beyond."""
    who = getattr(things.world, role)
    actor, company = things.world.actor(who), things.world.contoso.pk
    walker = Walker(things, key_of(things.world, who, by_hand=True))

    def expected(operation: Operation) -> str:
        if operation.office:
            return "hidden"
        return "in" if operation.permission is None or may(actor, operation.permission, company) else "refused"

    assert not walker.walks(expected)


def test_a_key_with_one_right_gets_in_where_that_right_leads(things):
    """Each permission by itself: no operation opens to another's key."""
    permissions = {each.permission for each in OPERATIONS.values() if each.permission and not each.office}
    wrong = []
    for right in sorted(permissions):
        walker = Walker(things, key_of(things.world, things.world.ann, right))

        def expected(operation: Operation, right: str = right) -> str:
            if operation.office:
                return "hidden"
            return "in" if operation.permission in (None, right) else "refused"

        # What stands behind a second right, as another's request behind the right to see all, is asked for elsewhere.
        own_ways = ("getSupportRequest", "replyToSupportRequest", "createOrder")
        wrong += [f"{right}: {each}" for each in walker.walks(expected) if not each.startswith(own_ways)]
    assert not wrong


@pytest.mark.parametrize("role", ["oda", "fin", "auditor", "support_agent", "verification_officer"])
def test_staff_programs_get_in_where_their_role_leads(things, role):
    who = getattr(things.world, role, None) or things.world.staff(f"{role.title()} One", role)
    actor = things.world.actor(who)
    walker = Walker(things, key_of(things.world, who, office=True, by_hand=True))

    def expected(operation: Operation) -> str:
        if operation.permission is None:
            return "in"
        if operation.office:
            return "in" if may(actor, operation.permission) else "refused"
        if "{" not in operation.path or TABLE[operation.permission].side is not Side.BOTH:
            return "elsewhere"
        return "in" if may(actor, operation.permission) else "refused"

    assert not walker.walks(expected)


def test_the_walk_would_notice_a_door_left_open(things, monkeypatch):
    """The negative control: one operation stops asking for its permission."""
    operation = OPERATIONS["listInvoices"]
    monkeypatch.setattr(operation.key, "permission", None)
    walker = Walker(things, key_of(things.world, things.world.ann, "offers.view"))
    assert walker.meets(operation) == "in"
    assert walker.walks(lambda each: "in" if each.permission in (None, "offers.view") else "refused")
