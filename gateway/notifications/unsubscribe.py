"""The link in a notice that stops such notices: a token that needs no table. Pure.

The token names an address by its blind index and proves that we wrote it. It stays valid as long
as the master key does: a link in an old mail must still work. It is short because the header
``List-Unsubscribe`` must stay on one line (30 characters; RFC 8058 asks that it be hard to guess).
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

from gateway.security import INDEX_BYTES, Vault, same

PROOF_BYTES = 6  # nobody knows the index of another's address, so this is not all that must be guessed
LENGTH = 30  # characters: 22 bytes in base64
PATH = "/u/"


def token(vault: Vault, index: bytes) -> str:
    """The token of the address with this blind index."""
    raw = index + vault.digest("unsubscribe", index)[:PROOF_BYTES]
    return urlsafe_b64encode(raw).decode().rstrip("=")


def index_of(vault: Vault, given: str) -> bytes | None:
    """The blind index a token names; None for one we did not write, told in constant time."""
    if not re.fullmatch(rf"[A-Za-z0-9_-]{{{LENGTH}}}", given, re.ASCII):
        return None
    index = urlsafe_b64decode(given + "==")[:INDEX_BYTES]
    return index if same(token(vault, index).encode(), given.encode()) else None


def link(vault: Vault, public_url: str, index: bytes) -> str:
    """The address that stops notices to the address with this blind index."""
    return f"{public_url}{PATH}{token(vault, index)}"
