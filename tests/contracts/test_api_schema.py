"""The document of the API and the API agree: a program that knows nothing but the document asks everything.

``TENURE_API_EXAMPLES=200`` asks two hundred things of every operation in each phase; the usual run asks a few. A
negative control lies in the document and must be found out.
"""

import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from tenure.benefits import actions as benefits
from tenure.benefits.models import Grant
from tenure.kernel.access import SYSTEM
from tenure.plumbing import outgoing
from tenure.programme.queries import current
from tenure.web.api.shapes import amount
from tests.contracts.test_access_walk import Things
from tests.doors.api import key_of, objects_of

HERE = Path(__file__).resolve().parent
# A state that was seen before is refused with 412, as anything is with 409 that can't be done as things stand.
RULES = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", 401, 403, 404, 409, 412, 429]
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422, 428, 429]
[checks.missing_required_header]
expected-statuses = [400, 401, 403, 406, 415, 422, 428]
"""
EXAMPLES = os.environ.get("TENURE_API_EXAMPLES", "2")


def with_objects(document: dict, things: Things) -> dict:
    """The document, with the names of real objects in it.

    The mark of a further page is one that the API has made: no tester can think one up, so pages have tests of their own.
    """
    objects = objects_of(things)
    for path, methods in document["paths"].items():
        short = path.removeprefix("/api/v1").removesuffix(".pdf").removesuffix(".xml")
        thing = next(
            (objects[start] for start in sorted(objects, key=len, reverse=True) if short.startswith(start)), None
        )
        for details in methods.values():
            details["parameters"] = [each for each in details["parameters"] if each["name"] != "after"]
            for parameter in details["parameters"]:
                if parameter["in"] == "path":
                    parameter["schema"] = {"type": parameter["schema"]["type"], "enum": [thing]}
                if parameter["name"] == "If-Match" and parameter.get("required"):
                    parameter["example"] = "*"
    return document


def _about_webhooks(things: Things):
    """An address of its own for whatever ends one, or asks for what was sent to one."""
    for whose in ("", "Any"):
        yield f"remove{whose}WebhookEndpoint", things.listening()[0].pk, None
        endpoint, delivery = things.listening()
        yield f"replay{whose}WebhookDeliveries", endpoint.pk, {"deliveries": [delivery.pk]}
        since = {"since": "2019-06-01T00:00:00Z"}
        yield f"replayFailed{whose}WebhookDeliveries", things.listening()[0].pk, since


def with_bodies(document: dict, world, things: Things) -> dict:
    """Things that can still be done, each with an object of its own and what has to be sent for it."""
    world.qualify("silver-cloud")
    unpaid = world.buy(offer="silver-cloud")
    request = world.ask_to_cancel(things.subscription)
    keys = ["AAAA-BBBB", "CCCC-DDDD"]
    benefits.load_keys(SYSTEM, None, pool="server-keys", values=keys, now=world.now)
    world.qualify("silver-data")
    total = world.tile("silver-data").quote.total
    terms = current().agreement("purchase").version
    contact = {"name": "Mei Chen", "phone": "02 2712 3456", "email": "mei@contoso.example"}
    order = {"offer": "silver-data", "purpose": "purchase", "terms_version": terms, "contact": contact}
    order |= {"payment_method": "bank_transfer", "expected_total": amount(total)}
    partner = world.contoso.number
    for id, thing, body in (
        ("createOrder", None, order),
        ("payOrder", unpaid.number, None),
        ("decideVerification", None, {"passed": True}),
        ("decideCancellation", request.number, {"refund": False}),
        ("matchTransfer", None, {"order": things.order.number}),
        ("ignoreTransfer", world.transfer(None, 5, reference="none").pk, {"reason": "It is none of ours"}),
        ("holdTransfer", world.transfer(None, 7, reference="none").pk, {"partner": partner}),
        (
            "recordEvidence",
            None,
            {"offer": "silver-cloud", "criterion": "certified-people", "value": 3, "as_of": "2019-06-01"},
        ),
        ("changeUser", None, {"roles": ["member"]}),
        *_about_webhooks(things),
    ):
        details = next(d for methods in document["paths"].values() for d in methods.values() if d["operationId"] == id)
        for parameter in details["parameters"]:
            if parameter["in"] == "path" and thing is not None:
                parameter["schema"] = {"type": parameter["schema"]["type"], "enum": [thing]}
        if body is not None:
            details["requestBody"]["content"]["application/json"]["example"] = body
    return document


@pytest.fixture
def house(transactional_db, world, live_server, monkeypatch):
    """A served world, and the document with its objects in it."""
    # Names of receivers lead somewhere; nothing is sent to them here.
    monkeypatch.setattr(outgoing, "look_up", lambda host, port: ["93.184.215.14"])
    things = Things(world)
    grants = Grant.objects.filter(partner=world.contoso)
    assert {"keys", "incidents", "seats"} <= {grant.kind for grant in grants}
    document = json.loads(live_server_get(live_server.url, "/api/v1/openapi.json"))
    return world, live_server.url, with_bodies(with_objects(document, things), world, things)


def live_server_get(url: str, path: str) -> bytes:
    import urllib.request

    with urllib.request.urlopen(url + path, timeout=30) as answer:
        return answer.read()


def ask_everything(tmp_path: Path, house, *options: str) -> tuple[subprocess.CompletedProcess, dict[str, set[int]]]:
    """Let the tester loose; returns what it said, and the statuses that each operation has answered with."""
    world, url, document = house
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    tally = tmp_path / "tally.ndjson"
    tally.touch()
    (tmp_path / "schemathesis.toml").write_text(f'hooks = "{HERE / "api_hooks.py"}"\n{RULES}')
    environment = {
        **os.environ,
        "API_PARTNER_KEY": key_of(world, world.ann),
        "API_OFFICE_KEY": key_of(world, world.oda, office=True),
        "API_TALLY": str(tally),
    }
    words = ["--config-file", tmp_path / "schemathesis.toml", "run", tmp_path / "openapi.json", "--url", url]
    words += ["--checks", "all", "--seed", "1", "--continue-on-failure", "--no-color", *options]
    command = [sys.executable, "-c", "from schemathesis.cli import schemathesis as s; s()", *map(str, words)]
    said = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    met = defaultdict(set)
    for line in tally.read_text().splitlines():
        told = json.loads(line)
        met[told["id"]].add(told["status"])
    return said, met


def test_the_api_does_what_its_document_says(tmp_path, house, settings):
    settings.TENURE_API_PER_MINUTE = 10**6
    phases = "examples,coverage,fuzzing,stateful" if EXAMPLES != "2" else "examples,fuzzing,stateful"
    said, met = ask_everything(tmp_path, house, "--phases", phases, "--max-examples", EXAMPLES)
    operations = {each["operationId"] for methods in house[2]["paths"].values() for each in methods.values()}
    unreached = sorted(id for id in operations if not any(200 <= status < 300 for status in met[id]))
    assert said.returncode == 0, said.stdout[-12000:] + said.stderr[-2000:]
    assert len(unreached) <= len(operations) * 0.05, "\n".join(unreached)


def test_a_document_that_says_something_else_is_found_out(tmp_path, house):
    """The negative control: a number of an order is said to be a count."""
    order = house[2]["components"]["schemas"]["OrderShown"]["properties"]
    order["number"] = {"type": "integer"}
    said, _met = ask_everything(
        tmp_path, house, "--phases", "fuzzing", "--max-examples", "1", "--include-operation-id", "listOrders"
    )
    assert said.returncode == 1
    assert "Response violates schema" in said.stdout
