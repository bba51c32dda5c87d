"""How a service knows that we speak, and nobody plays an old message to it again. Pure.

Headers and signature as in the Standard Webhooks specification (www.standardwebhooks.com), for
which many languages have a library; the bearer token beside them as GOV.UK Notify sends it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

PREFIX = "whsec_"
SECRET_BYTES = 32
TOKEN_BYTES = 24
SHORTEST_TOKEN = 10  # characters, as Notify has it


def new_secret() -> str:
    """A signing secret as it is shown, once."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def new_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def signature(secret: str, event: UUID, timestamp: int, body: bytes) -> str:
    """``v1,`` and the base64 of HMAC-SHA256 over ``id.timestamp.body``."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    said = f"{event}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, said, hashlib.sha256)).decode()


def headers(token: str, secret: str, event: UUID, now: datetime, body: bytes) -> Mapping[str, str]:
    """What is sent beside a body; the time is that of this try."""
    timestamp = int(now.timestamp())
    return {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "User-Agent": "Huiyin-Webhooks/1",
        "webhook-id": str(event),
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, event, timestamp, body),
    }
