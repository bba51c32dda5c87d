"""Where somebody asks from: an internet address or a calling number, and how often from there.

Limits per person do not help against somebody with a list of people: one place is closed for an hour
after so many wrong proofs, or codes sent, whomever they were for. It is a place that is closed, so the
words are the same for everybody there, and the way out is a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from gateway import cities
from gateway.identity_rules import Identity, Tries
from gateway.runtime import Runtime
from gateway.transactions.tallies import Limit

HOUR = timedelta(hours=1)
OF_ONE = 64  # bits of an IPv6 address that one household has
WITHHELD = "withheld"


@dataclass(frozen=True, slots=True)
class Device:
    """A place and its limits; the index tells nobody which it is."""

    subject: bytes
    wrong: Limit
    codes: Limit
    asked: Limit  # what nobody need be known for


def of_address(runtime: Runtime, address: str | None) -> Device | None:
    """The place behind an internet address; None for this machine itself, where anybody may stand behind.

    (A proxy of ours without ``TRUSTED_PROXIES``: its address stands for the whole city.)
    """
    try:
        found = ip_address(address or "")
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    if found.is_loopback:
        return None
    rules = _rules(runtime)
    shared = any(found in network for network in rules.shared_networks)
    return _device(runtime, f"address:{_place(found)}", rules.shared if shared else rules.device)


def of_number(runtime: Runtime, number: str) -> Device:
    """The place behind a calling number; calls that show none share one."""
    digits = "".join(character for character in number if character.isascii() and character.isdigit())
    rules = _rules(runtime)
    if not digits:
        return _device(runtime, f"number:{WITHHELD}", rules.shared)
    return _device(runtime, f"number:{digits}", rules.number)


def _place(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv6Address):
        return str(ip_network(f"{address}/{OF_ONE}", strict=False))
    return str(address)


def _device(runtime: Runtime, name: str, tries: Tries) -> Device:
    wrong = Limit("place_wrong", tries.wrong, HOUR, HOUR)
    codes = Limit("place_codes", tries.codes, HOUR, HOUR)
    asked = Limit("place_asked", tries.asked, HOUR, HOUR)
    return Device(runtime.vault.index("device", name), wrong, codes, asked)


def _rules(runtime: Runtime) -> Identity:
    return cities.of(runtime).rules_now(runtime.clock()).identity
