"""A card number sent to any field of any door is refused and found nowhere afterwards; the control finds another text."""

import logging
import random

import pytest
from django.db import connection
from django.test import Client
from structlog.stdlib import ProcessorFormatter

from tenure.kernel.cardnumbers import looks_like_card
from tenure.plumbing.logs import formatter
from tenure.support.models import Request
from tests.contracts.test_access_walk import PARAMETER, STAND_INS, Things, before_parameter, ours

MARK = "blue heron"


def number(prefix: str = "4", length: int = 16) -> str:
    """A number made at run time, with the check digit of a card."""
    draw = random.Random(prefix)
    body = prefix + "".join(draw.choice("0123456789") for _ in range(length - len(prefix) - 1))
    return next(body + last for last in "0123456789" if looks_like_card(body + last))


def stored(text: str) -> list[str]:
    """The tables that hold a text, in any column."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        tables = [name for (name,) in cursor.fetchall()]
        holding = []
        for name in tables:
            cursor.execute(f'SELECT count(*) FROM "{name}" r WHERE r::text LIKE %s', [f"%{text}%"])
            if cursor.fetchone()[0]:
                holding.append(name)
    return holding


def asked(description: str) -> dict[str, str]:
    return {"problem_type": "tax", "subject": "Tax", "description": description, "once": "x"}


@pytest.fixture
def client(world):
    client = Client()
    client.force_login(world.ann)
    return client


SPELLINGS = [
    lambda n: n,
    lambda n: " ".join(n[at : at + 4] for at in range(0, len(n), 4)),
    lambda n: "-".join(n[at : at + 4] for at in range(0, len(n), 4)),
    lambda n: f"18 {n[:4]} {n[4:8]} {n[8:12]} {n[12:]} 20",
    lambda n: n.translate({ord(c): chr(0xFF10 + int(c)) for c in "0123456789"}),
    lambda n: n.translate({ord(c): chr(0x0660 + int(c)) for c in "0123456789"}),
]


@pytest.mark.parametrize("spelt", SPELLINGS)
def test_a_form_refuses_it_beside_the_field_and_keeps_the_rest(client, spelt):
    text = f"It is {spelt(number())} as agreed"
    answer = client.post("/support/new/", asked(text))
    page = answer.content.decode()
    assert answer.status_code == 422 and 'id="error-description"' in page and 'value="Tax"' in page
    assert text not in page and "\x00" not in page and not Request.objects.exists()


@pytest.mark.parametrize(("prefix", "length"), [("37", 15), ("55", 16), ("2221", 16), ("3528", 16), ("6011", 16)])
def test_every_issuer_is_known(client, prefix, length):
    assert client.post("/support/new/", asked(number(prefix, length))).status_code == 422


def test_an_account_that_begins_like_no_card_is_taken():
    """Every tenth account of a bank has the check digit of a card; those that begin like one remain refused."""
    digits = next(d for d in (f"00990111882{n:05}" for n in range(99)) if not looks_like_card(d))
    assert not any(looks_like_card(f"0{n:015}") for n in range(2000)) and digits


def test_what_is_no_form_and_what_a_file_is_called(client):
    body = f'{{"note": "{number()}"}}'
    assert client.post("/support/new/", body, content_type="application/json").status_code == 422
    from django.core.files.uploadedfile import SimpleUploadedFile

    file = SimpleUploadedFile(f"{number()}.pdf", b"%PDF-1.7")
    assert client.post("/support/new/", asked("Why") | {"proof": file}).status_code == 422
    assert not Request.objects.exists()


@pytest.mark.parametrize("address", ["/office/partners/?q={}", "/orders/?{}=1", "/orders/{}/"])
def test_an_address_with_one_is_refused_and_not_repeated(world, client, caplog, address):
    client.force_login(world.oda if "office" in address else world.ann)
    answer = client.get(address.format(number()))
    assert answer.status_code == 422 and number() not in answer.content.decode()
    written = [formatter().format(record) for record in caplog.records]
    assert written and not any(number() in line for line in written)


def test_the_log_is_written_without_it():
    """Django's own words on a page that isn't there hold its address; the control shows the digits go in."""
    plain = logging.Formatter()
    record = logging.makeLogRecord({"msg": "Not Found: %s", "args": (f"/{number()}/",)})
    assert number() in plain.format(record) and number() not in formatter().format(record)
    assert isinstance(logging._handlers["console"].formatter, ProcessorFormatter)


def test_no_door_keeps_it_in_any_field(world, caplog, mailoutbox, django_capture_on_commit_callbacks):
    """Every address is sent the number in every field that any form has; then everything that is kept is searched."""
    caplog.set_level(logging.DEBUG)
    things, card = Things(world), number()
    names = "name email subject description text reason address city postcode phone note key value quantity reference"
    fields = dict.fromkeys([*names.split(), "login", "password", "problem_type", "offer", "account", "method"], card)
    walked = 0
    for place, view in ours():
        if view.access.door == "machine":
            continue
        address = place
        if "<" in place:
            thing = STAND_INS.get(place) or STAND_INS[before_parameter(place)]
            address = PARAMETER.sub(str(thing(things)), place)
        for user in (world.ann, world.oda):
            person = Client()
            person.force_login(user)
            answer = person.post(address, fields)
            body = b"" if answer.streaming else answer.content
            assert answer.status_code < 500 and card.encode() not in body, address
            walked += 1
    world.work()
    assert walked > 100 and stored(card) == []
    assert card not in caplog.text and not any(card in letter.body + letter.subject for letter in mailoutbox)


def test_control_another_text_is_found_where_it_was_sent(client):
    assert client.post("/support/new/", asked(MARK)).status_code == 302
    assert "support_request" in stored(MARK) or stored(MARK)
