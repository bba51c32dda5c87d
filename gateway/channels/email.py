"""E-mail: whom it reaches, how long it may be."""

from __future__ import annotations

import re
import unicodedata
from datetime import timedelta

from gateway.channels import AddressError

__all__ = ["ADDRESS", "CAPS", "LIMIT", "RECEIPT_WINDOW", "RETRIES", "SUFFIX", "normalise", "parts"]

SUFFIX = "email"
ADDRESS = "email"
LIMIT = 2_000_000  # bytes of the whole message
RECEIPT_WINDOW = timedelta(hours=24)
RETRIES: tuple[timedelta, ...] = ()  # mail servers try for days by themselves
CAPS: tuple[tuple[int, timedelta], ...] = ()
LONGEST = 254  # characters of an address (RFC 5321, 4.5.3.1.3 less the angle brackets)
LONGEST_WRITTEN = 1_000  # with stray spaces; more is none, and dear to look at

# What mail systems deliver to in practice; quoted local parts and bare hosts are refused.
_ADDRESS = re.compile(
    r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]",
    re.ASCII | re.IGNORECASE,
)


def normalise(text: str) -> str:
    """An address without stray spaces, its domain in small letters. Raises ``AddressError``."""
    plain = "".join(unicodedata.normalize("NFKC", text[:LONGEST_WRITTEN]).split())
    local, _, domain = plain.rpartition("@")
    misplaced = local.startswith(".") or local.endswith(".") or ".." in local
    too_long = len(text) > LONGEST_WRITTEN or len(plain) > LONGEST
    if too_long or misplaced or not _ADDRESS.fullmatch(plain):
        raise AddressError(
            "not_an_address",
            "这不是电子邮箱地址。请核对，例如wang@example.cn。",
            "This is no e-mail address. Check it; one looks like wang@example.cn.",
        )
    return f"{local}@{domain.lower()}"


def parts(text: str, signature: str) -> int:
    """One message, however long."""
    return 1
