"""Where this program may be sent by an address that somebody typed: outside, by name, over TLS, nowhere else.

It decides the form of such an address and which numbers are public. It must never look a name up or open a line;
that is ``plumbing/outgoing.py``, which asks again at every sending.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from tenure.kernel.refusals import Refusal

PORTS = frozenset({443, 8443})
LIMIT = 500
INSIDE = (
    "localhost",
    "local",
    "internal",
    "localdomain",
    "lan",
    "home",
    "corp",
    "intranet",
    "private",
    "arpa",
    "onion",
)
"""Last words of names that mean something only inside a network."""
NAME = re.compile(r"(?=.{4,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])", re.ASCII)

SHUT = tuple(
    ipaddress.ip_network(text)
    for text in """
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
    192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24
    203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
    ::/96 ::ffff:0:0/96 ::ffff:0:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16
    3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8
    """.split()
)
"""Numbers that lead inside, nowhere, to many at once, or to another number written into them."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address taken apart: ``host`` as it is asked for and certified, ``path`` with its query."""

    secure: bool
    host: str
    port: int
    path: str

    @property
    def named(self) -> str:
        """The name as the ``Host`` header says it."""
        usual = 443 if self.secure else 80
        return self.host if self.port == usual else f"{self.host}:{self.port}"


def public(number: str) -> bool:
    """Whether an IP number is somewhere on the public internet.

    >>> public("93.184.215.14"), public("127.0.0.1"), public("::ffff:10.0.0.1"), public("64:ff9b::a9fe:a9fe")
    (True, False, False, False)
    """
    try:
        address = ipaddress.ip_address(number)
    except ValueError:
        return False
    shut = any(address in net for net in SHUT if net.version == address.version)
    return address.is_global and not shut and not address.is_multicast and not getattr(address, "scope_id", None)


def loopback(number: str) -> bool:
    """Whether an IP number is this machine itself, in its plain form."""
    return number == "::1" or bool(re.fullmatch(r"127(\.\d{1,3}){3}", number))


def target(url: str, *, ports: Collection[int] = PORTS, at_home: bool = False) -> Target:
    """An address taken apart, or the refusal that says what is wrong with it.

    ``at_home`` lets a demonstration send to this machine, over plain HTTP.

    >>> target("https://hooks.contoso.example/in?x=1")
    Target(secure=True, host='hooks.contoso.example', port=443, path='/in?x=1')
    >>> target("https://169.254.169.254/latest")
    Traceback (most recent call last):
    ...
    tenure.kernel.refusals.Refusal: webhooks.url_private
    """
    if not 0 < len(url) <= LIMIT or any(unicodedata.category(c)[0] in "CZ" or c in '\\"<>^`{|}' for c in url):
        raise Refusal("webhooks.url_malformed")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode("ascii").lower() if parts.hostname else ""
    except (ValueError, UnicodeError):
        raise Refusal("webhooks.url_malformed")
    if parts.scheme not in ("https", "http"):
        raise Refusal("webhooks.url_scheme")
    if "@" in parts.netloc:
        raise Refusal("webhooks.url_credentials")
    secure = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not host or not path.isascii() or parts.fragment:
        raise Refusal("webhooks.url_malformed")
    if at_home and (host == "localhost" or loopback(host)):
        return Target(secure, host, port if port is not None else (443 if secure else 80), path)
    return _outside(Target(secure, host.removesuffix("."), 443 if port is None else port, path), ports)


def _outside(at: Target, ports: Collection[int]) -> Target:
    """An address that leads to a public name. Numbers in any spelling are no names; certificates are for names."""
    if not at.secure:
        raise Refusal("webhooks.url_scheme")
    last = at.host.rpartition(".")[2]
    if ":" in at.host or last in INSIDE or re.fullmatch(r"\d+|0x[0-9a-f]*", last) or "." not in at.host:
        raise Refusal("webhooks.url_private")
    if not NAME.fullmatch(at.host):
        raise Refusal("webhooks.url_malformed")
    if at.port not in ports:
        raise Refusal("webhooks.url_port", ports=", ".join(map(str, sorted(ports))))
    return at
