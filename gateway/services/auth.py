"""Who is calling: the bearer token of GOV.UK Notify's clients (notify-api.md, "Auth")."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import jwt
from sqlalchemy import Connection

from gateway.security import Vault
from gateway.services import store
from gateway.services.store import ApiKey

CLOCK_SKEW = 30  # seconds a caller's clock may differ


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated service and the key it used."""

    service_id: UUID
    service_name: str
    key: ApiKey


@dataclass(frozen=True, slots=True)
class NotAllowed:
    """Why the call is refused: 401 without a usable token, 403 with a wrong one."""

    status: int
    message: str
    next_step: str


def authenticate(tx: Connection, vault: Vault, header: str | None, now: datetime) -> Caller | NotAllowed:
    """Check an ``Authorization`` header."""
    if not header:
        return _missing("authentication token must be provided")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        return _missing("authentication bearer scheme must be used")
    claims = _unverified(token.strip())
    if isinstance(claims, NotAllowed):
        return claims
    service_id = _service_id(claims.get("iss"))
    if isinstance(service_id, NotAllowed):
        return service_id
    service = store.service(tx, service_id)
    if service is None:
        return _invalid("service not found")
    keys = store.keys(tx, vault, service_id)
    if not service.active:
        return _invalid("service is archived")
    if not keys:
        return _invalid("service has no API keys")
    return _matching(token.strip(), service, keys, now)


def _matching(token: str, service: store.Service, keys: list[ApiKey], now: datetime) -> Caller | NotAllowed:
    for key in keys:
        try:
            claims = jwt.decode(
                token,
                key.secret,
                algorithms=["HS256"],
                options={"verify_iat": False, "verify_exp": False, "verify_nbf": False, "verify_aud": False},
            )
        except jwt.InvalidSignatureError:
            continue
        except jwt.PyJWTError:
            return _invalid(_UNDECODABLE)
        if key.revoked:
            return _invalid("API key revoked")
        return _in_time(claims, now) or Caller(service.id, service.name, key)
    return _invalid("API key not found")


def _in_time(claims: dict[str, object], now: datetime) -> NotAllowed | None:
    issued = _seconds(claims.get("iat"))
    if not abs(now.timestamp() - issued) <= CLOCK_SKEW:
        return NotAllowed(
            403,
            "Error: Your system clock must be accurate to within 30 seconds",
            "Set your clock by NTP and sign a fresh token for every call.",
        )
    begins, ends = _seconds(claims.get("nbf", 0)), _seconds(claims.get("exp", math.inf))
    if not begins <= now.timestamp() <= ends:
        return _invalid("token is not valid at this time")
    return None


def _seconds(claim: object) -> float:
    """Epoch seconds from a number or a numeric string; else NaN, which passes no comparison."""
    try:
        return float(claim) if isinstance(claim, int | float | str) else math.nan
    except (ValueError, OverflowError):
        return math.nan


_UNDECODABLE = "make sure your API token matches the example at /docs"


def _unverified(token: str) -> dict[str, object] | NotAllowed:
    try:
        if jwt.get_unverified_header(token).get("alg") != "HS256":
            return _invalid("algorithm used is not HS256")
        claims: dict[str, object] = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        return _invalid(_UNDECODABLE)
    return claims


def _service_id(issuer: object) -> UUID | NotAllowed:
    if not issuer:
        return _invalid("iss field not provided")
    try:
        return UUID(str(issuer))
    except ValueError:
        return _invalid("service id is not the right data type")


def _missing(what: str) -> NotAllowed:
    return NotAllowed(401, f"Unauthorized: {what}", "Send 'Authorization: Bearer <token>'; /docs shows how.")


def _invalid(what: str) -> NotAllowed:
    return NotAllowed(403, f"Invalid token: {what}", "Check the service id and secret in your API key.")
