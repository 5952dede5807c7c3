"""Every operation of the API walked by programs: each key gets in where its rights lead and nowhere else.

The operations come from their declarations, so a new one is walked the day it is added. What stands behind the
permission is decided before anything that was sent is read, and whose an object is before anything is done to it.
"""

import json
import re
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tenure.kernel.access import TABLE, Side, may
from tenure.web.api import urls  # noqa: F401  bringing it in declares the operations
from tenure.web.api.operations import OPERATIONS, Operation
from tests.contracts.test_access_walk import Things
from tests.doors.api import key_of, object_of, objects_of

ANYBODYS = ("/offers/",)
"""Objects that every company sees."""
CONTACT = {"name": "Mei Chen", "phone": "02 2712 3456", "email": "mei@contoso.example"}
TRANSFER = {"payment_method": "bank_transfer", "contact": CONTACT, "terms_version": "x"}
TOTAL = {"amount": "15750", "currency": "TWD"}
HOOK = {"url": "https://hooks.contoso.example/in", "types": ["orders.*"]}
BODIES: dict[str, dict] = {
    "createOrder": {"offer": "action-pack", "purpose": "purchase", "expected_total": TOTAL, **TRANSFER},
    "openSupportRequest": {"problem_type": "tax", "subject": "Tax", "description": "Why?"},
    "replyToSupportRequest": {"text": "Because."},
    "useBenefit": {},
    "assignSeat": {"person": "Mei Chen"},
    "changeUser": {"roles": ["member"]},
    "invite": {"email": "mei@contoso.example", "name": "Mei Chen", "roles": ["member"]},
    "suspendPartner": {"reason": "A test"},
    "grantExemption": {"certificate": "1", "valid_from": "2019-01-01", "valid_to": "2019-12-31"},
    "recordEvidence": {"offer": "silver-cloud", "criterion": "none", "value": 1, "as_of": "2019-01-01"},
    "decideVerification": {"passed": True},
    "recordTransfer": {"account": "812", "value_on": "2018-06-01", "amount": TOTAL},
    "matchTransfer": {"order": "O-2019-000001"},
    "holdTransfer": {"partner": "0000000"},
    "ignoreTransfer": {"reason": "A test"},
    "answerSupportRequest": {"text": "A note", "internal": True},
    "closeSupportRequest": {},
    "decideCancellation": {"refund": False},
    **{f"add{of}WebhookEndpoint": HOOK for of in ("", "Any")},
    **{f"change{of}WebhookEndpoint": HOOK for of in ("", "Any")},
    **{f"resume{of}WebhookEndpoint": {} for of in ("", "Any")},
    **{f"replay{of}WebhookDeliveries": {"deliveries": [1]} for of in ("", "Any")},
    **{f"replayFailed{of}WebhookDeliveries": {"since": "2018-01-01T00:00:00Z"} for of in ("", "Any")},
}
"""A body that fits the document, for every operation that takes one: what it names decides nothing about who gets in."""
OWN_REQUEST = ("getSupportRequest", "replyToSupportRequest")


@pytest.fixture(autouse=True)
def _unlimited(settings, caplog):
    settings.TENURE_API_PER_MINUTE = 10**6
    caplog.set_level("ERROR", "django.request")


@pytest.fixture
def things(world) -> Things:
    return Things(world)


class Walker:
    """A program with a key, which asks for everything and tells in a word what it met."""

    def __init__(self, things: Things, key: str | None, *, of_the_office: bool = False):
        self.of_the_office = of_the_office
        self.browser, self.objects = Client(), objects_of(things)
        self.headers = {"Authorization": f"Bearer {key}"} if key is not None else {}

    def meets(self, operation: Operation) -> str:
        shown = str(object_of(operation.path, self.objects))
        path = f"/api/v1{re.sub('{[a-z]+}', shown, operation.path)}"
        answer = self._asks(operation, path)
        told = answer.json() if answer.headers.get("Content-Type") == "application/problem+json" else {}
        if told.get("code") == "access.partner_key_needed":
            return "elsewhere"
        if answer.status_code == 422:
            return f"unread: {told}"
        # Naming something that is not there is another thing than not being let in.
        if operation.id in ("matchTransfer", "holdTransfer") and answer.status_code == 404 and self.of_the_office:
            return "in"
        return {401: "key", 403: "refused", 404: "hidden", 500: "broken"}.get(answer.status_code, "in")

    def _asks(self, operation: Operation, path: str):
        headers = {**self.headers, "Idempotency-Key": str(uuid.uuid4())}
        headers |= {"If-Match": "*"} if operation.conditional == "must" else {}
        if operation.takes == "multipart/form-data":
            file = SimpleUploadedFile("slip.pdf", b"%PDF-1.7", content_type="application/pdf")
            form = {"paid_on": "2018-06-01", "account": "812", "reference": "x", "file": file}
            return self.browser.post(path, form, headers=headers)
        if not operation.takes:
            return self.browser.generic(operation.method, path, headers=headers)
        body = json.dumps(BODIES[operation.id])
        return self.browser.generic(operation.method, path, body, content_type="application/json", headers=headers)

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
        if operation.id == "createOrder":
            return "in" if may(actor, "purchases.buy", company) else "refused"
        if operation.id in OWN_REQUEST and not may(actor, "support.view_all", company):
            return "refused"
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
            if operation.id in ("createOrder",):
                # It needs the right to see offers and the right to buy.
                return "refused"
            return "in" if operation.permission in (None, right) else "refused"

        wrong += [f"{right}: {each}" for each in walker.walks(expected)]
    assert not wrong


@pytest.mark.parametrize("role", ["oda", "fin", "auditor", "support_agent", "verification_officer"])
def test_staff_programs_get_in_where_their_role_leads(things, role):
    who = getattr(things.world, role, None) or things.world.staff(f"{role.title()} One", role)
    actor = things.world.actor(who)
    walker = Walker(things, key_of(things.world, who, office=True, by_hand=True), of_the_office=True)

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
