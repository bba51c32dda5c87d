"""Tencent Cloud's signature TC3-HMAC-SHA256, checked as the vendor does (its page "签名方法 v3").

A key is derived for the day and the service; it signs the hash of the canonical request: method, path,
query, the signed headers and the hash of the body.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from integrations.sandbox.tencent_params import Refused

ALGORITHM = "TC3-HMAC-SHA256"
TOLERANCE = 5 * 60  # seconds a timestamp may be off
SERVICE = "sms"
CONTENT_TYPE = "application/json"
AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Credential=([^/\s]+)/(\d{{4}}-\d\d-\d\d)/(\w+)/tc3_request,"
    r" ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})"
)


class Doorkeeper:
    """Lets in calls that are signed with the account's key, and fresh."""

    def __init__(self, secret_id: str, secret_key: str) -> None:
        self._id = secret_id
        self._key = f"TC3{secret_key}".encode()

    def check(self, headers: Mapping[str, str], body: bytes, now: float) -> None:
        """Raise ``Refused`` as the vendor would, of a POST to /. ``headers`` are found in any case."""
        found = AUTHORIZATION.fullmatch(headers.get("Authorization", ""))
        if found is None:
            raise Refused("AuthFailure.InvalidAuthorization", "The Authorization header is not valid.")
        secret_id, date, service, signed, signature = found.groups()
        timestamp = self._timestamp(headers, now)
        if service != SERVICE or date != f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%d}":
            raise Refused("AuthFailure.InvalidAuthorization", "The credential scope is not valid.")
        if secret_id != self._id:
            raise Refused("AuthFailure.SecretIdNotFound", "The SecretId is not found.")
        names = signed.split(";")
        if not {"content-type", "host"} <= set(names) or names != sorted(names):
            raise Refused("AuthFailure.InvalidAuthorization", "content-type and host must be signed.")
        if not hmac.compare_digest(self._signature(headers, names, body, timestamp, date), signature):
            raise Refused("AuthFailure.SignatureFailure", "The provided credentials could not be validated.")

    def _timestamp(self, headers: Mapping[str, str], now: float) -> int:
        given = headers.get("X-TC-Timestamp", "")
        if not re.fullmatch(r"\d{10}", given, re.ASCII):
            raise Refused("MissingParameter", "The request is missing a required parameter `Timestamp`.")
        if abs(int(given) - now) > TOLERANCE:
            raise Refused("AuthFailure.SignatureExpire", "The provided credentials have expired.")
        return int(given)

    def _signature(
        self, headers: Mapping[str, str], names: list[str], body: bytes, timestamp: int, date: str
    ) -> str:
        canonical_headers = "".join(f"{name}:{headers.get(name, '').strip().lower()}\n" for name in names)
        canonical = f"POST\n/\n\n{canonical_headers}\n{';'.join(names)}\n{hashlib.sha256(body).hexdigest()}"
        scope = f"{date}/{SERVICE}/tc3_request"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        key = self._key
        for part in (date, SERVICE, "tc3_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        text = f"{ALGORITHM}\n{timestamp}\n{scope}\n{digest}"
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
