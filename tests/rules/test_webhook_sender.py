"""Attacks 54 and 55: where a webhook may be sent to, at saving and again at each sending, and within which bounds."""

import socket
import time

import pytest

from tenure.kernel.refusals import Refusal
from tenure.plumbing import outgoing
from tenure.plumbing.outgoing import BODY_BOUND, Failed, check, post
from tests import hostile

PUBLIC, OTHER = "93.184.215.14", "1.1.1.1"
GOOD = "https://hooks.contoso.example/in"

REFUSED = {
    "http://hooks.contoso.example/": "webhooks.url_scheme",
    "file:///etc/passwd": "webhooks.url_scheme",
    "gopher://hooks.contoso.example:70/": "webhooks.url_scheme",
    "ftp://hooks.contoso.example/": "webhooks.url_scheme",
    "javascript:alert(1)": "webhooks.url_scheme",
    "hooks.contoso.example/in": "webhooks.url_scheme",
    "//hooks.contoso.example/in": "webhooks.url_scheme",
    "https://user@hooks.contoso.example/": "webhooks.url_credentials",
    "https://user:secret@hooks.contoso.example/": "webhooks.url_credentials",
    "https://hooks.contoso.example@127.0.0.1/": "webhooks.url_credentials",
    "https://hooks.contoso.example:25/": "webhooks.url_port",
    "https://hooks.contoso.example:22/": "webhooks.url_port",
    "https://hooks.contoso.example:80/": "webhooks.url_port",
    "https://hooks.contoso.example:0/": "webhooks.url_port",
    "https://hooks.contoso.example:99999/": "webhooks.url_malformed",
    "https://hooks.contoso.example:x/": "webhooks.url_malformed",
    "https://127.0.0.1/": "webhooks.url_private",
    "https://127.1/": "webhooks.url_private",
    "https://2130706433/": "webhooks.url_private",
    "https://0x7f000001/": "webhooks.url_private",
    "https://0x7f.0.0.1/": "webhooks.url_private",
    "https://0177.0.0.1/": "webhooks.url_private",
    "https://127.0.0.1./": "webhooks.url_private",
    "https://１２７.０.０.１/": "webhooks.url_private",
    "https://①②⑦.⓪.⓪.①/": "webhooks.url_private",
    "https://10.0.0.1/": "webhooks.url_private",
    "https://169.254.169.254/latest/meta-data/": "webhooks.url_private",
    "https://93.184.215.14/": "webhooks.url_private",
    "https://[::1]/": "webhooks.url_private",
    "https://[::ffff:127.0.0.1]/": "webhooks.url_private",
    "https://[::ffff:7f00:1]/": "webhooks.url_private",
    "https://[64:ff9b::a9fe:a9fe]/": "webhooks.url_private",
    "https://[fe80::1%25eth0]/": "webhooks.url_private",
    "https://localhost/": "webhooks.url_private",
    "https://localhost./": "webhooks.url_private",
    "https://LOCALHOST/": "webhooks.url_private",
    "https://db.localhost/": "webhooks.url_private",
    "https://metadata.google.internal/": "webhooks.url_private",
    "https://printer.local/": "webhooks.url_private",
    "https://router/": "webhooks.url_private",
    "https://1.0.0.127.in-addr.arpa/": "webhooks.url_private",
    "https:///in": "webhooks.url_malformed",
    "https://hooks.contoso.example\\@127.0.0.1/": "webhooks.url_malformed",
    "https://hooks.contoso.example/\r\nHost: x": "webhooks.url_malformed",
    "https://hooks.contoso.example/ in": "webhooks.url_malformed",
    "https://hooks..example/": "webhooks.url_malformed",
    "https://127%2e0%2e0%2e1/": "webhooks.url_private",
    "https://hooks.contoso.example/#x": "webhooks.url_malformed",
    "https://hooks.contoso.example/" + "x" * 500: "webhooks.url_malformed",
    "": "webhooks.url_malformed",
}

SHUT_NUMBERS = """127.0.0.1 127.255.255.254 0.0.0.0 10.1.2.3 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254
    169.254.170.2 100.64.0.1 100.127.255.255 192.0.0.192 192.88.99.1 198.18.0.1 198.19.255.255 224.0.0.1 239.1.1.1
    240.0.0.1 255.255.255.255 192.0.2.1 203.0.113.9 :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1
    ::ffff:93.184.215.14 ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b:1::a9fe:a9fe 2002:7f00:1:: 2001:0:53aa:64c::1
    2001:db8::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 fec0::1 ff02::1 100::1 not-a-number""".split()


def found(*numbers: str):
    """A directory of names that always says the same, and counts how often it was asked."""

    def lookup(host: str, port: int) -> list[str]:
        lookup.asked += 1
        return list(numbers)

    lookup.asked = 0
    return lookup


@pytest.fixture
def at_home(settings):
    """A demonstration that may send to this machine."""
    settings.TENURE_WEBHOOK_LOOPBACK = True


@pytest.fixture
def dialled(monkeypatch):
    """The numbers that somebody tried to open a line to; none is opened."""
    tried: list[tuple[str, int]] = []

    def dial(at, *_, **__):
        tried.append(at)
        raise ConnectionRefusedError

    monkeypatch.setattr(outgoing.socket, "create_connection", dial)
    return tried


@pytest.mark.parametrize("url", REFUSED, ids=lambda url: url[:60].encode("unicode_escape").decode() or "empty")
def test_attack_54_an_address_is_refused_when_it_is_saved_and_when_it_is_sent_to(url, dialled):
    for number in (PUBLIC, "127.0.0.1"):
        with pytest.raises(Refusal) as refused:
            check(url, found(number))
        assert refused.value.code == REFUSED[url]
        with pytest.raises(Failed) as failed:
            post(url, b"{}", {}, lookup=found(number))
        assert failed.value.code == REFUSED[url]
    assert dialled == []


@pytest.mark.parametrize("number", SHUT_NUMBERS)
@pytest.mark.parametrize("beside", [(), (PUBLIC,)], ids=["alone", "beside a public one"])
def test_attack_54_a_name_that_leads_inside_is_not_sent_to(number, beside, dialled):
    with pytest.raises(Refusal, match=r"webhooks\.url_private"):
        check(GOOD, found(*beside, number))
    with pytest.raises(Failed, match=r"webhooks\.url_private"):
        post(GOOD, b"{}", {}, lookup=found(*beside, number))
    assert dialled == []


@pytest.mark.parametrize(
    "url", [GOOD, "https://hooks.contoso.example:8443/a?b=c", "https://例え.example/", "https://a_b.example./"]
)
def test_a_public_address_is_let_through_to_the_number_that_was_checked(url, dialled):
    assert check(url, found(PUBLIC)).secure
    lookup = found("2606:4700::1111", PUBLIC)
    with pytest.raises(Failed, match="refused"):
        post(url, b"{}", {}, lookup=lookup)
    assert dialled == [(PUBLIC, 8443 if "8443" in url else 443)]
    assert lookup.asked == 1


def test_attack_54_a_name_that_was_public_and_then_leads_inside(dialled):
    answers = iter([[PUBLIC], ["127.0.0.1"], [PUBLIC], ["169.254.169.254"]])

    def turning(host, port):
        return next(answers)

    check(GOOD, turning)
    with pytest.raises(Failed, match=r"webhooks\.url_private"):
        post(GOOD, b"{}", {}, lookup=turning)
    # Within one sending the name is asked once: what it says next is never heard.
    with pytest.raises(Failed, match="refused"):
        post(GOOD, b"{}", {}, lookup=turning)
    assert dialled == [(PUBLIC, 443)]
    assert next(answers) == ["169.254.169.254"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_attack_54_a_redirect_is_not_followed(status, at_home):
    with hostile.receiver() as inside, hostile.receiver(hostile.answers(status, f"Location: {inside.url()}")) as one:
        assert post(one.url(), b"{}", {}).status == status
        assert (one.lines, inside.lines) == (1, 0)


def test_attack_54_this_machine_is_reached_in_a_demonstration_that_asked_for_it_only(settings):
    with hostile.receiver() as one:
        settings.TENURE_WEBHOOK_LOOPBACK = False
        with pytest.raises(Failed, match=r"webhooks\.url_scheme"):
            post(one.url(), b"{}", {})
        assert one.lines == 0
        settings.TENURE_WEBHOOK_LOOPBACK = True
        assert post(one.url(), b'{"a":1}', {"webhook-id": "evt_1"}).status == 200
        assert b"webhook-id: evt_1" in one.heard[0] and one.heard[0].endswith(b'{"a":1}')
        assert f"Host: 127.0.0.1:{one.port}".encode() in one.heard[0]
        for url in ("http://10.0.0.1/", "http://hooks.contoso.example/", "http://169.254.169.254/"):
            with pytest.raises(Failed, match=r"webhooks\.url"):
                post(url, b"{}", {})


def test_attack_54_localhost_that_leads_elsewhere_is_not_home(at_home, dialled):
    with pytest.raises(Failed, match=r"webhooks\.url_private"):
        post("http://localhost:8000/", b"{}", {}, lookup=found("10.0.0.1"))
    assert dialled == []


def test_a_name_nobody_knows_is_said_to_be_unknown():
    def nobody(host, port):
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(Refusal, match=r"webhooks\.url_unknown"):
        check(GOOD, nobody)
    with pytest.raises(Failed, match="unknown_name"):
        post(GOOD, b"{}", {}, lookup=nobody)


def test_attack_55_a_directory_that_does_not_answer_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(outgoing, "LOOKUP_SECONDS", 0.2)
    began = time.monotonic()
    with pytest.raises(Failed, match="slow"):
        post(GOOD, b"{}", {}, lookup=lambda host, port: time.sleep(1) or [PUBLIC])
    assert time.monotonic() - began < 0.9


SLOW = {
    "drips its body": hostile.drips,
    "drips its headers": hostile.drips_headers,
    "never answers": hostile.never_answers,
    "never closes": hostile.never_closes,
}


@pytest.mark.parametrize("act", SLOW.values(), ids=SLOW)
def test_attack_55_nobody_keeps_us_longer_than_the_bound(act, at_home, monkeypatch):
    assert outgoing.SECONDS == 15
    monkeypatch.setattr(outgoing, "SECONDS", 1.0)
    began = time.monotonic()
    with hostile.receiver(act) as one, pytest.raises(Failed, match="slow"):
        post(one.url(), b"{}", {})
    assert 0.9 < time.monotonic() - began < 2


def test_attack_55_a_handshake_that_never_ends_is_bounded_too(at_home, monkeypatch):
    monkeypatch.setattr(outgoing, "SECONDS", 1.0)
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Failed, match="slow"):
        post(f"https://localhost:{silent.getsockname()[1]}/", b"{}", {}, lookup=found("127.0.0.1"))
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("act", [hostile.never_ends, hostile.endless_headers], ids=["body", "headers"])
def test_attack_55_an_answer_of_a_hundred_megabytes_is_cut_off(act, at_home):
    began = time.monotonic()
    with hostile.receiver(act) as one, pytest.raises(Failed) as failed:
        post(one.url(), b"{}", {})
    assert failed.value.code in ("too_large", "broken")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(("size", "fits"), [(BODY_BOUND, True), (BODY_BOUND + 1, False)])
def test_attack_55_the_bound_is_64_kb_to_the_byte(size, fits, at_home):
    with hostile.receiver(hostile.answers(200, body=b"x" * size)) as one:
        if fits:
            assert len(post(one.url(), b"{}", {}).body) == size
        else:
            with pytest.raises(Failed, match="too_large") as failed:
                post(one.url(), b"{}", {})
            assert failed.value.status == 200


@pytest.mark.parametrize(
    "answer",
    [
        hostile.answers(200, "Connection: close", body=b"ok"),
        b"HTTP/1.1 200 OK\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ],
)
def test_an_honest_answer_is_read_whole(answer, at_home):
    with hostile.receiver(answer) as one:
        told = post(one.url(), b"{}", {})
        assert (told.status, told.body) == (200, b"ok")


def test_attack_55_half_an_answer_is_none(at_home):
    with hostile.receiver(hostile.hangs_up) as one, pytest.raises(Failed, match="broken"):
        post(one.url(), b"{}", {})
    with hostile.receiver(b"this is not HTTP\r\n\r\n") as one, pytest.raises(Failed, match="broken"):
        post(one.url(), b"{}", {})


def test_attack_55_a_certificate_is_for_the_name_and_by_somebody_known(at_home, settings, tmp_path):
    earlier = tmp_path / "earlier"
    earlier.mkdir()
    own, authority = hostile.certificate(tmp_path)
    foreign, foreign_authority = hostile.certificate(tmp_path, "other.example")
    over, over_authority = hostile.certificate(earlier, days=-2)
    cases = [
        (own, authority, True),
        (own, "", False),
        (foreign, foreign_authority, False),
        (over, over_authority, False),
    ]
    for context, known, good in cases:
        settings.TENURE_WEBHOOK_CA = known
        outgoing._certified.cache_clear()
        with hostile.receiver(wrap=context) as one:
            url = one.url("https", "localhost")
            if good:
                assert post(url, b"{}", {}, lookup=found("127.0.0.1")).status == 200
            else:
                with pytest.raises(Failed, match="tls"):
                    post(url, b"{}", {}, lookup=found("127.0.0.1"))
                assert one.heard == []
    outgoing._certified.cache_clear()


def test_attack_55_old_tls_is_not_spoken():
    assert outgoing._certified().minimum_version.name == "TLSv1_2"


def test_no_proxy_of_the_environment_is_used(at_home, monkeypatch):
    with hostile.receiver() as proxy, hostile.receiver() as one:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url())
        assert post(one.url(), b"{}", {}).status == 200
        assert (proxy.lines, one.lines) == (0, 1)
