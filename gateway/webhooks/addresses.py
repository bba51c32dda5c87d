"""Which addresses services may have us call: https to the public internet, and what a setting allows.

Whoever names an address could make us speak to our own network (SSRF). So a name is resolved by us,
every address it has must be allowed, and the connection goes to one of these and nowhere else.
Sources: the IANA special-purpose address registries (RFC 6890 and its updates).
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from gateway.errors import HuiyinError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
LookUp = Callable[..., Sequence[Any]]
LONGEST = 2_000
PORTS = {"https": 443, "http": 80}
_PLAIN = re.compile(r"[\x21-\x7e]+")  # nothing two readers of a URL might read differently
_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?\.?|\[[0-9a-f:.]+\]")

# Not the public internet, though some of them look like it.
_NOT_PUBLIC = [
    ip_network(one)
    for one in (
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 "
        "192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 "
        "224.0.0.0/4 240.0.0.0/4 168.63.129.16/32 "  # the last is where a cloud answers its own machines
        "2001::/23 2001:db8::/32 2002::/16 3fff::/20"
    ).split()
]
_UNICAST = ip_network("2000::/3")  # all of IPv6 that is public is in it
_NAT64 = ip_network("64:ff9b::/96")  # an IPv4 address in its last four bytes


class UnusableUrlError(HuiyinError):
    """This address cannot be called; use https and a public name."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart, once: nobody else reads it. ``path`` is what is asked for there."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """What stands in the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def read(url: str) -> Target:
    """Take a URL apart; raises ``UnusableUrlError`` for what is wrong with it."""
    if not 0 < len(url) <= LONGEST or not _PLAIN.fullmatch(url) or "\\" in url:
        raise UnusableUrlError(f"url must be up to {LONGEST} plain characters; write others as %XX.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UnusableUrlError("url is not a valid address; write https://name/path.") from None
    if parts.scheme not in PORTS:
        raise UnusableUrlError("url must begin with https://.")
    if "@" in parts.netloc:
        raise UnusableUrlError("url holds a user or password; give the token apart from it.")
    if parts.fragment or url.endswith("#"):
        raise UnusableUrlError("url has a fragment; leave out what follows the #.")
    host = parts.netloc.lower().removesuffix(f":{port}" if port is not None else ":")
    if not _HOST.fullmatch(host) or port == 0:
        raise UnusableUrlError("url names no host; write https://name/path, the name in ASCII.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host.strip("[]"), port or PORTS[parts.scheme], path)


def resolve(target: Target, private: Sequence[Network], look_up: LookUp = socket.getaddrinfo) -> list[str]:
    """The addresses to connect to, every one of them allowed; raises ``UnusableUrlError`` where one is not.

    Raises ``OSError`` where the name has none. ``private`` are networks of ours that services live
    in; only there plain http will do.
    """
    try:
        found = look_up(target.host, target.port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise UnusableUrlError("url names no host; write https://name/path, the name in ASCII.") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not addresses:
        raise socket.gaierror
    if not all(may_be_called(address, target.scheme, private) for address in addresses):
        raise UnusableUrlError(
            "url leads to an address that is not public; the setting WEBHOOKS_PRIVATE can allow its network."
            if target.scheme == "https"
            else "url must begin with https://; http is for networks named in WEBHOOKS_PRIVATE alone."
        )
    return addresses


def may_be_called(address: str, scheme: str, private: Sequence[Network]) -> bool:
    """Whether this address, as it was resolved, may be called."""
    try:
        one = _plain(ip_address(address))
    except ValueError:
        return False
    if any(one in network for network in private):
        return True
    return scheme == "https" and is_public(one)


def is_public(one: Address) -> bool:
    """Whether it is an address of the public internet, to which anybody might send."""
    if isinstance(one, IPv6Address) and one not in _UNICAST:
        return False
    return not any(one in network for network in _NOT_PUBLIC)


def _plain(one: Address) -> Address:
    """The IPv4 address that is meant, where an IPv6 one only wraps it."""
    if isinstance(one, IPv6Address):
        if one.ipv4_mapped:
            return one.ipv4_mapped
        if one in _NAT64:
            return IPv4Address(int(one) & 0xFFFF_FFFF)
    return one


def check(url: str, private: Sequence[Network], look_up: LookUp = socket.getaddrinfo) -> Target:
    """What a service names as its address, read and looked up; raises ``UnusableUrlError``.

    It is checked again whenever it is called: a name may lead elsewhere by then.
    """
    target = read(url)
    try:
        resolve(target, private, look_up)
    except OSError:
        raise UnusableUrlError("url names a host that cannot be found; check its spelling.") from None
    return target
