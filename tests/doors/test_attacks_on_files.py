"""Files handed in with bad intent, and how every file is handed out again (row 32 of reliability.md §4)."""

import struct
import time
import zlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tenure.plumbing.models import StoredFile
from tenure.web.shared.files import SANDBOX
from tenure.web.shared.forms import Reading
from tests.contracts.test_access_walk import PARAMETER, STAND_INS, Things, before_parameter, ours

SHOWN = ("text/html", "text/css", "text/plain", "application/problem+json")
"""What a browser is meant to show."""
DRAWN_HERE = ("/orders/<str:number>/transfer.svg",)


def png(width, height):
    """A picture of a few kilobytes that unpacks to as much as it says."""

    def piece(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + piece(b"IHDR", head)
        + piece(b"IDAT", zlib.compress(b"\0" * 100_000))
        + piece(b"IEND", b"")
    )


def gif(width, height):
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\0\0" + b"\0" * 6 + b";"


def jpeg(width, height, before=b""):
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\0"
    return b"\xff\xd8\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0" + b"\0" * 9 + before + frame + b"\xff\xd9"


BOMBS = {
    "png": png(60_000, 60_000),
    "a png that is very long": png(1, 2**31 - 1),
    "gif": gif(65_535, 65_535),
    "jpeg": jpeg(65_000, 65_000),
    "a jpeg with its frame behind others": jpeg(65_000, 65_000, b"\xff\xff\xfe" + struct.pack(">H", 4) + b"ab\xff\x01"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_attack_32_a_picture_made_to_burst_is_refused_by_its_head(world, name):
    order = world.buy(method="bank_transfer", contact=world.wanted(method="bank_transfer").contact)
    client = Client()
    client.force_login(world.bo)
    given = {"paid_on": "2018-06-20", "account": "12345", "reference": "x"}
    client.get("/healthz")  # whatever is read once has been read
    began = time.process_time()
    sent = given | {"file": SimpleUploadedFile("slip.png", BOMBS[name])}
    answer = client.post(f"/orders/{order.number}/proof/", sent)
    assert time.process_time() - began < 1 and answer.status_code == 422
    assert 'id="error-file"' in answer.content.decode() and "too many pixels" in answer.content.decode()
    assert not StoredFile.objects.exists()


@pytest.mark.parametrize(
    "content",
    [png(4000, 3000), gif(640, 480), jpeg(6000, 8000), b"\xff\xd8\xff" + b"\xff" * 50, b"\x89PNG\r\n\x1a\n", b"GIF89a\0",
     b"\xff\xd8\xff\xe0\0\0" * 1000],
)  # fmt: skip
def test_control_a_picture_of_a_usual_size_or_of_none_is_taken(content):
    reading = Reading({}, {"file": SimpleUploadedFile("a", content)})
    assert reading.file("file").content == content
    reading.check()


def test_attack_32_every_file_is_given_out_to_be_saved(world):
    """Every address there is, as those who see everything: whatever is no page is an attachment in a sandbox."""
    things, handed = Things(world), set()
    for user in (world.ann, world.oda, world.fin):
        client = Client(raise_request_exception=False)
        client.force_login(user)
        for place, view in ours():
            if view.access.door in ("machine", "api", "public") or place in DRAWN_HERE:
                continue
            thing = (STAND_INS.get(place) or STAND_INS[before_parameter(place)])(things) if "<" in place else ""
            answer = client.get(PARAMETER.sub(str(thing), place))
            kind = answer.headers.get("Content-Type", "")
            if answer.status_code != 200 or kind.startswith(SHOWN):
                continue
            handed.add(place)
            assert answer.headers["Content-Disposition"].startswith("attachment"), place
            assert answer.headers["X-Content-Type-Options"] == "nosniff", place
            assert answer.headers["Content-Security-Policy"] == SANDBOX, place
    assert len(handed) >= 8, handed


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "application/pdf", "application/x-sh", ""])
def test_attack_32_what_was_stored_under_a_false_kind_is_handed_out_as_bytes(world, kind):
    order = world.buy(method="bank_transfer", contact=world.wanted(method="bank_transfer").contact)
    proof = world.prove(order, "2018-06-20")
    StoredFile.objects.filter(pk=proof.file_id).update(media_type=kind, content=b"<script>alert(1)</script>")
    client = Client()
    client.force_login(world.fin)
    answer = client.get(f"/office/transfers/proofs/{proof.pk}/")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_attack_33_an_export_is_made_for_whoever_asks_and_kept_nowhere(world):
    """There is no finished export that somebody else could fetch: the journal is written into its own answer."""
    world.buy_by_card()
    answers = {}
    for user in (world.fin, world.oda, world.sue, world.ann):
        client = Client(raise_request_exception=False)
        client.force_login(user)
        before = StoredFile.objects.count()
        answer = client.get("/office/books/journal/")
        answers[user.name] = answer.status_code
        assert answer.status_code != 200 or b"".join(answer.streaming_content).count(b"\n") > 1
        assert StoredFile.objects.count() == before and "Location" not in answer.headers
    assert answers == {world.fin.name: 200, world.oda.name: 200, world.sue.name: 403, world.ann.name: 404}
