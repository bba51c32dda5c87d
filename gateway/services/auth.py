"""Who is calling: the bearer token of GOV.UK Notify's clients (notify-api.md, "Auth")."""

from __future__ import annotations

import hmac
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from uuid import UUID

import jwt

from gateway.security import same
from gateway.services.store import Account, ApiKey

CLOCK_SKEW = 30  # seconds a caller's clock may differ


def token(key: str, now: datetime) -> str:
    """What a caller with this key sends, made fresh for each call."""
    claims = {"iss": key[-73:-37], "iat": int(now.timestamp())}
    return jwt.encode(claims, key[-36:], algorithm="HS256")


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated service and the key it used; its account says what it may ask for."""

    account: Account
    key: ApiKey

    @property
    def service_id(self) -> UUID:
        return self.account.service.id


@dataclass(frozen=True, slots=True)
class NotAllowed:
    """Why the call is refused: 401 without a usable token, 403 with a wrong one."""

    status: int
    message: str
    next_step: str


def authenticate(
    find: Callable[[UUID], Account | None], header: str | None, now: datetime
) -> Caller | NotAllowed:
    """Check an ``Authorization`` header; ``find`` gives a service's account."""
    if not header:
        return _missing("authentication token must be provided")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        return _missing("authentication bearer scheme must be used")
    read = _unverified(token.strip())
    if isinstance(read, NotAllowed):
        return read
    service_id = _service_id(read.claims.get("iss"))
    if isinstance(service_id, NotAllowed):
        return service_id
    account = find(service_id)
    if account is None:
        return _invalid("service not found")
    if not account.keys:
        return _invalid("service has no API keys")
    if not account.service.active:
        return _invalid("service is archived")
    return _matching(read, account, now)


@dataclass(frozen=True, slots=True)
class _Token:
    """What a token says, and what must be signed for it to be believed."""

    claims: Mapping[str, object]
    signed: bytes
    signature: bytes


def _matching(token: _Token, account: Account, now: datetime) -> Caller | NotAllowed:
    for key in account.keys:
        if same(hmac.digest(key.secret.encode(), token.signed, sha256), token.signature):
            if wrong := _in_time(token.claims, now):
                return wrong
            return _invalid("API key revoked") if key.ended(now) else Caller(account, key)
    return _invalid("API key not found")


def _in_time(claims: Mapping[str, object], now: datetime) -> NotAllowed | None:
    issued = _seconds(claims.get("iat"))
    if not abs(now.timestamp() - issued) <= CLOCK_SKEW:
        return NotAllowed(
            403,
            "Error: Your system clock must be accurate to within 30 seconds",
            "Set your clock by NTP and sign a fresh token for every call.",
        )
    begins, ends = _seconds(claims.get("nbf", 0)), _seconds(claims.get("exp", math.inf))
    if not begins - CLOCK_SKEW <= now.timestamp() <= ends + CLOCK_SKEW:
        return _invalid("token is not valid at this time")
    return None


def _seconds(claim: object) -> float:
    """Epoch seconds from a number or a numeric string; else NaN, which passes no comparison."""
    try:
        return float(claim) if isinstance(claim, int | float | str) else math.nan
    except (ValueError, OverflowError):
        return math.nan


_UNDECODABLE = "make sure your API token matches the example at /docs"


@lru_cache(maxsize=1024)
def _unverified(token: str) -> _Token | NotAllowed:
    """A token taken apart, once for all calls of a busy client in one second: they carry the same.

    It is believed only after its signature was compared with the keys.
    """
    try:
        read = jwt.decode_complete(token, options={"verify_signature": False})
        signed = token.rpartition(".")[0].encode()
    except (jwt.PyJWTError, UnicodeError):
        return _invalid(_UNDECODABLE)
    if read["header"].get("alg") != "HS256":
        return _invalid("algorithm used is not HS256")
    return _Token(read["payload"], signed, read["signature"])


def _service_id(issuer: object) -> UUID | NotAllowed:
    if not issuer:
        return _invalid("iss field not provided")
    try:
        return UUID(issuer if isinstance(issuer, str) else "")
    except ValueError:
        return _invalid("service id is not the right data type")


def _missing(what: str) -> NotAllowed:
    return NotAllowed(401, f"Unauthorized: {what}", "Send 'Authorization: Bearer <token>'; /docs shows how.")


def _invalid(what: str) -> NotAllowed:
    return NotAllowed(403, f"Invalid token: {what}", "Check the service id and secret in your API key.")
