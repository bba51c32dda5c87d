"""Addresses that are believed: where a push carries no signature, whom it comes from is all the proof."""

from __future__ import annotations

import ipaddress


class Networks:
    """Comma-separated addresses or networks. Raises ``ValueError`` for one that is none."""

    def __init__(self, text: str) -> None:
        parts = (part.strip() for part in text.split(","))
        self._networks = [ipaddress.ip_network(part, strict=False) for part in parts if part]

    def __contains__(self, remote: str) -> bool:
        try:
            address = ipaddress.ip_address(remote)
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in self._networks)
