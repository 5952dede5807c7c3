"""The gateway's book beside ours, and one moment for all that is told."""

import json
import socket
import subprocess
import sys
from dataclasses import replace

import pytest
from django.db import connection

from tenure import wiring
from tenure.partners.models import Partner
from tenure.payments.gateways.base import Unknown
from tenure.plumbing.instance import identify
from tenure.proof import facts, verify
from tenure.proof.book import snapshot
from tests.actions.conftest import plant
from tests.conftest import GATEWAY_SECRET
from tests.faults.conftest import at_once
from tests.processes import until_it_answers
from tests.worlds import World

ASKED = {"I-5", "I-11", "I-12"}


@pytest.fixture
def own_gateway(tmp_path, settings):
    """A gateway that has charged nobody but this test's world."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    words = ["--port", address.rpartition(":")[2], "--data", tmp_path / "gateway.sqlite3", "--secret", GATEWAY_SECRET]
    words += ["--webhook-url", "http://127.0.0.1:9/hooks/demo"]
    process = subprocess.Popen([sys.executable, "-m", "tenure.demogateway", *map(str, words)])
    until_it_answers(f"{address}/healthz", "the card gateway")
    settings.TENURE_DEMO_GATEWAY_URL = address
    wiring.gateway.cache_clear()
    yield address
    wiring.gateway.cache_clear()
    process.terminate()
    process.wait(5)


@pytest.fixture
def sold(db, own_gateway, settings):
    """A world with a sale by card, one that went back, and an hour gone by."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    world = World(own_gateway)
    world.qualify("silver-cloud")
    world.buy_by_card(offer="silver-cloud")
    world.decide(world.ask_to_cancel(world.holding("silver-cloud").subscription))
    world.buy_by_card()
    world.wake("2018-06-20 13:00")
    return world


def test_both_books_agree(sold):
    report = verify.run()
    assert report.violated == set() and not [finding for finding in report.findings if finding.note]


def test_a_payment_the_gateway_never_took(sold):
    plant("UPDATE payments_payment SET gateway_ref = 'pi_never' WHERE id = (SELECT max(id) FROM payments_payment)")
    assert verify.run(only=ASKED).violated == {"I-12"}


def test_a_charge_we_do_not_know_of(sold):
    plant(
        "DELETE FROM billing_posting WHERE transaction_id = (SELECT id FROM billing_ledgertransaction"
        " WHERE cause_type = 'payment' ORDER BY id DESC LIMIT 1)",
        "DELETE FROM payments_payment WHERE id = (SELECT max(id) FROM payments_payment)",
    )
    report = verify.run(only=ASKED)
    assert report.violated == {"I-5", "I-12"}
    (orphan,) = [finding.violations for finding in report.findings if finding.invariant.id == "I-12"][0]
    assert orphan.object.startswith("charge:pi_") and orphan.facts["captured"] == 15750


def test_a_refund_the_gateway_never_made(sold):
    plant(
        "INSERT INTO payments_refund (payment_id, kind, amount_minor, currency, status, gateway_key, gateway_ref,"
        " reason, requested_by, promised_at, made_at) SELECT id, 'tax', 750, currency, 'succeeded', 'x', '', '',"
        " 'system', received_at, received_at FROM payments_payment ORDER BY id DESC LIMIT 1"
    )
    assert "I-12" in verify.run(only=ASKED).violated


def test_one_order_charged_twice_at_the_gateway(sold, monkeypatch):
    charges = wiring.gateway("demo").charges(None)
    monkeypatch.setattr(wiring.gateway("demo"), "charges", lambda since: [*charges, twin(charges[-1])])
    assert verify.run(only=ASKED).violated == ASKED


def twin(charge):
    return replace(charge, ref="pi_twin")


def test_a_gateway_that_does_not_answer_is_said_and_is_no_violation(sold, monkeypatch):
    def silent(since):
        raise Unknown("no_answer")

    monkeypatch.setattr(wiring.gateway("demo"), "charges", silent)
    report = verify.run()
    assert report.violated == set() and not report.unable
    assert {f.invariant.id: f.note for f in report.findings if f.note} == {
        "I-5": "gateway not reachable: demo",
        "I-12": "gateway not reachable: demo",
    }


def test_facts_are_of_one_moment_whatever_is_written_meanwhile(committed):
    """A company that joins after the first line is told in the next book, and nowhere in this one."""
    identify()
    with snapshot():
        lines = facts.lines()
        told = [next(lines)]
        at_once(lambda: committed.company("Latecomer Ltd", "latecomer.example", "Lena Lo"))
        told += lines
    rows = [json.loads(line) for line in told[1:-1]]
    partners = [row["number"] for row in rows if row["type"] == "partner"]
    assert Partner.objects.count() == len(partners) + 1
    assert not [row for row in rows if row.get("partner") and row["partner"] == str(Partner.objects.latest("id").pk)]


def test_a_book_is_only_read(committed):
    identify()
    with snapshot(), connection.cursor() as cursor:
        cursor.execute("SHOW transaction_read_only")
        assert cursor.fetchone() == ("on",)
        cursor.execute("SHOW transaction_isolation")
        assert cursor.fetchone() == ("repeatable read",)
    assert verify.run(ask_gateways=False, only={"I-1", "I-50"}).violated == set()
