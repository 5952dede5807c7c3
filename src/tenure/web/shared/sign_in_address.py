"""From where a request comes: the other end of the connection, or what a proxy says, if that proxy is ours.

It decides that a header is believed only when the connection comes from an address named in TENURE_TRUSTED_PROXIES.
It must never believe anybody else's. Read next: ``sign_in.py``.
"""

import ipaddress
from collections.abc import Sequence

from django.conf import settings
from django.http import HttpRequest

NOWHERE = "0.0.0.0"
SIX_PREFIX = 64
"""One subscriber holds a whole /64 of the newer addresses; counting single ones counts nothing."""


def address_of(request: HttpRequest) -> str:
    """The address a request comes from, as it is counted."""
    return counted(
        seen_from(
            request.META.get("REMOTE_ADDR", ""),
            request.META.get("HTTP_X_FORWARDED_FOR", ""),
            settings.TENURE_TRUSTED_PROXIES,
        )
    )


def seen_from(remote: str, forwarded: str, trusted: Sequence[str]) -> str:
    """The last address on the way that is not one of our own proxies.

    >>> seen_from("203.0.113.9", "1.2.3.4", [])
    '203.0.113.9'
    >>> seen_from("10.0.0.2", "1.2.3.4, 198.51.100.7", ["10.0.0.0/8"])
    '198.51.100.7'
    >>> seen_from("10.0.0.2", "198.51.100.7, 10.0.0.3", ["10.0.0.0/8"])
    '198.51.100.7'
    """
    networks = [ipaddress.ip_network(text) for text in trusted]
    at = _read(remote)
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    while hops and at and any(at in network for network in networks if network.version == at.version):
        before = _read(hops.pop())
        if before is None:
            break
        at = before
    return str(at) if at else NOWHERE


def counted(address: str) -> str:
    """The address by which somebody is counted.

    >>> counted("2001:db8:1:2:3:4:5:6"), counted("203.0.113.9")
    ('2001:db8:1:2::', '203.0.113.9')
    """
    at = _read(address)
    if at is not None and at.version == 6:
        return str(ipaddress.ip_network(f"{at}/{SIX_PREFIX}", strict=False).network_address)
    return str(at) if at else NOWHERE


def _read(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
