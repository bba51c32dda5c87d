"""Services and what belongs to them, as command and API show them: no secret, every person masked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row

from gateway.levers.accounts import CHANNELS, Desk
from gateway.security import mask_email, mask_mobile
from gateway.services import guests, keys, senders, store
from gateway.services.guests import Guest
from gateway.services.keys import Held
from gateway.services.senders import Sender


def service(row: Row[Any]) -> dict[str, Any]:
    """A row of ``services``."""
    limits = store.limits_of(row)
    return {
        "id": str(row.id),
        "name": row.name,
        "state": "active" if row.active else "archived",
        "per_minute": limits.per_minute,
        "per_day": {channel: limits.per_day(channel) for channel in CHANNELS},
        "created_at": _stamp(row.created_at),
    }


def whole(desk: Desk, row: Row[Any]) -> dict[str, Any]:
    """A service with its keys, senders and guests."""
    return {
        **service(row),
        "api_keys": [key(one, desk.now) for one in keys.of(desk.tx, row.id)],
        "sender_list": [sender(one) for one in senders.of(desk.tx, desk.vault, row.id)],
        "guest_list": [guest(one) for one in guests.of(desk.tx, desk.vault, row.id)],
    }


def key(one: Held, now: datetime) -> dict[str, Any]:
    allows = one.allows
    return {
        "id": str(one.id),
        "service_id": str(one.service_id),
        "name": allows.name,
        "type": allows.type,
        "scopes": list(allows.scopes),
        "templates": [str(text) for text in allows.templates],
        "senders": [str(sender) for sender in allows.senders],
        "state": one.state(now),
        "created_at": _stamp(one.created_at),
        "expires_at": _stamp(one.expires_at) if one.expires_at else None,
        "revoked_at": _stamp(one.revoked_at) if one.revoked_at else None,
    }


def sender(one: Sender) -> dict[str, Any]:
    names = {"id": str(one.id), "channel": one.channel, "value": one.value}
    return {**names, "is_default": one.is_default, "inbound": one.inbound}


def guest(one: Guest) -> dict[str, Any]:
    shown = {"id": str(one.id), "kind": one.kind, "address": masked(one.address)}
    return {**shown, "created_at": _stamp(one.created_at)}


def masked(address: str) -> str:
    """A mobile or an e-mail address as people may see it."""
    return mask_email(address) if "@" in address else mask_mobile(address)


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
