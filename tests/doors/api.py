"""The API as a program meets it: the real client, whose requests go through Django's test client.

``Wire`` may lose an answer on purpose: the server has worked, the program has heard nothing. A ``clumsy`` one loses
the first answer to everything that is posted.
"""

import json
from dataclasses import replace
from typing import Any

import requests
from django.test import Client as Browser
from django.test.client import encode_multipart
from tenure_client import Client, Office

from tenure.people.keys import make_key, may_give
from tenure.people.models import User
from tenure.programme.queries import current
from tests.worlds import World

SITE = "http://127.0.0.1:8000"
BOUNDARY = "a-boundary-of-the-tests"


class Wire:
    """Sends what the client sends; notes every request, and loses the answers it is told to lose."""

    def __init__(self, *, clumsy: bool = False):
        self.browser, self.sent, self.lose, self.answers = Browser(), [], 0, []
        self.clumsy, self.lost = clumsy, set()

    def request(self, method: str, url: str, **given: Any):
        headers = {name: value for name, value in given["headers"].items() if value}
        path, data, kind = url.removeprefix(SITE), b"", "application/json"
        if "json" in given:
            data = json.dumps(given["json"]).encode()
        if "files" in given:
            kind = f"multipart/form-data; boundary={BOUNDARY}"
            files = {name: _file(*each) for name, each in given["files"].items()}
            data = encode_multipart(BOUNDARY, {**given["data"], **files})
        self.sent.append((method, path, headers.get("Idempotency-Key")))
        answer = self.browser.generic(
            method, path, data, content_type=kind if data else "", headers=headers, query_params=given.get("params")
        )
        self.answers.append(answer)
        first = self.clumsy and method == "POST" and self.sent[-1] not in self.lost
        self.lost.add(self.sent[-1])
        if first or self.lose:
            self.lose -= not first
            raise requests.ConnectionError("the answer was lost")
        return Answer(answer)


class Answer:
    def __init__(self, answer):
        self.status_code, self.content, self.headers = answer.status_code, answer.content, answer.headers

    def json(self):
        return json.loads(self.content)


def _file(name: str, content: bytes, kind: str):
    from django.core.files.uploadedfile import SimpleUploadedFile

    return SimpleUploadedFile(name, content, content_type=kind)


def key_of(world: World, who: User, *scopes: str, office: bool = False, days: int = 365, by_hand: bool = False) -> str:
    """The secret of a new key; without scopes it may do all that its maker may.

    ``by_hand`` makes one for whom the programme lets make none: what a key may do is another question.
    """
    actor, company = world.actor(who), None if office else world.contoso
    if company is not None and company.pk not in actor.grants:
        from tenure.partners.queries import get

        company = get(min(actor.grants))
    given = list(scopes) or may_give(actor, company.pk if company else None)
    if by_hand:
        actor = replace(actor, kind="system")
    made = make_key(actor, company, name="tests", scopes=given, days=days, programme=current(), now=world.now)
    return made.secret


def program(world: World, who: User, *scopes: str, clumsy: bool = False, **given) -> Client:
    """A company's program, with a key of one of its people."""
    secret = key_of(world, who, *scopes, by_hand=True)
    return Client(SITE, secret, session=Wire(clumsy=clumsy), sleep=lambda _s: None, **given)


def desk(world: World, who: User, *scopes: str, clumsy: bool = False) -> Office:
    """The operator's program, with a key of one of the staff."""
    secret = key_of(world, who, *scopes, office=True, by_hand=True)
    return Office(SITE, secret, session=Wire(clumsy=clumsy), sleep=lambda _s: None)


def objects_of(things) -> dict[str, object]:
    """For the beginning of an address with an object in it: one of Contoso's (``tests/contracts/test_access_walk.py``)."""
    grants = {grant.kind: grant.pk for grant in things.world.holding().term.grants.all()}
    return {
        "/offers/{code}": "action-pack",
        "/orders/{number}": things.order.number,
        "/subscriptions/{id}": things.subscription.pk,
        "/invoices/{number}": things.invoice.number,
        "/support-requests/{number}": things.request.number,
        "/benefits/{id}/reveal": grants["keys"],
        "/benefits/{id}/consumptions": grants["incidents"],
        "/benefits/{id}": grants["seats"],
        "/users/{id}": things.colleague.pk,
        "/invitations/{id}": things.invitation.pk,
        "/webhook-endpoints/{id}": things.endpoint.pk,
        "/office/webhook-endpoints/{id}": things.endpoint.pk,
        "/office/partners/{id}": things.world.contoso.pk,
        "/office/transfers/{id}": things.line.pk,
        "/office/verifications/{id}": things.check.pk,
        "/office/support-requests/{number}": things.request.number,
    }


def object_of(path: str, objects: dict[str, object]) -> object:
    """The object to show at an address: that of the longest beginning."""
    return next((objects[start] for start in sorted(objects, key=len, reverse=True) if path.startswith(start)), None)
