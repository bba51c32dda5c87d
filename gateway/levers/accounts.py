"""Services, their keys, senders and guests, as console, command and API manage them. All is on record."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Row, select, update

from gateway import audit
from gateway.channels import AddressError, email, sms
from gateway.content.store import templates
from gateway.errors import HuiyinError, UnknownNameError
from gateway.levers.holding import NotNowError
from gateway.security import Vault
from gateway.services import guests, keys, senders, store, webhooks
from gateway.services.keys import Held, State
from gateway.services.store import PER_MINUTE, SCOPES, TYPES, Limits, NewKey, services

LONGEST_NAME = 80
OVERLAP = timedelta(hours=24)  # so long a replaced key works beside the new one
LONGEST_OVERLAP = timedelta(days=90)
MOST = 1_000_000_000  # of any limit
CHANNELS = ("sms", "email", "voice")
_NAME = re.compile(rf"[^\W_](?:[\w .()（）-]{{0,{LONGEST_NAME - 2}}}[\w)）])?")
_KEY_NAME = re.compile(rf"[\w.-]{{1,{LONGEST_NAME}}}")  # it stands in the key, in front of two UUIDs
_NUMBER = re.compile(r"\+?[0-9]{3,20}")
_SIGNATURE = re.compile(r"[\w ()（）-]{2,24}")  # what vendors take between the 【】, which they add


class WrongError(HuiyinError):
    """This cannot be done with these values."""


class Desk(NamedTuple):
    """Where a change is made: by whom (as the audit chain names them), when, and what seals."""

    tx: Connection
    vault: Vault
    now: datetime
    actor: str

    def record(self, action: str, subject: str) -> None:
        audit.record(self.tx, self.vault, self.now, self.actor, action, subject)


# --- services ------------------------------------------------------------------------------


def find(tx: Connection, name: str) -> Row[Any]:
    """The service of this name or id; ``UnknownNameError`` lists those there are."""
    columns, key = services.c, _id(name)
    which = columns.id == key if key else columns.name == (name if _NAME.fullmatch(name) else "")
    row = tx.execute(select(services).where(which)).one_or_none()
    if row is None:
        known = tx.execute(select(columns.name).order_by(columns.name).limit(20)).scalars()
        raise UnknownNameError(
            f"There is no service called {name!r}. There are: {', '.join(known) or 'none yet'}."
        )
    return row


def create(desk: Desk, name: str) -> UUID:
    """Make a service; ``NotNowError`` where one is called so."""
    if not _NAME.fullmatch(name) or _id(name):
        raise WrongError(
            f"name must begin with a letter or digit and have at most {LONGEST_NAME} letters, digits, "
            "spaces, dots, brackets and dashes"
        )
    key = store.add_service(desk.tx, name, desk.now)
    if key is None:
        raise NotNowError(f"A service is called {name!r} already. Choose another name, or use that one.")
    desk.record("service.create", f"service {key}")
    return key


def set_active(desk: Desk, service_id: UUID, *, active: bool) -> bool:
    """Archive a service, whose keys then open nothing and which is told nothing, or take it back.

    False when it stood so.
    """
    changed = update(services).where(services.c.id == service_id, services.c.active != active)
    if not desk.tx.execute(changed.values(active=active)).rowcount:
        return False
    if not active:
        webhooks.silence(desk.tx, service_id, desk.now)
    desk.record("service.restore" if active else "service.archive", f"service {service_id}")
    return True


def limit(desk: Desk, row: Row[Any], per_minute: int | None, per_day: Mapping[str, int]) -> Limits:
    """Other limits for a service; what is not named stays."""
    now = store.limits_of(row)
    wanted = Limits(now.per_minute if per_minute is None else per_minute, {**now.by_channel, **per_day})
    if not 1 <= wanted.per_minute <= MOST:
        raise WrongError(f"per_minute must be from 1 to {MOST}; {PER_MINUTE} is usual")
    for channel, most in per_day.items():
        if channel not in CHANNELS or not 0 <= most <= MOST:
            raise WrongError(f"per_day is for {', '.join(CHANNELS)}, from 0 to {MOST} each")
    store.set_limits(desk.tx, row.id, wanted)
    told = ", ".join(f"{channel}: {n}" for channel, n in sorted(per_day.items()))
    desk.record("service.limits", f"service {row.id} {wanted.per_minute} a minute {told}".strip()[:120])
    return wanted


# --- keys ----------------------------------------------------------------------------------


def new_key(desk: Desk, service_id: UUID, new: NewKey) -> tuple[UUID, str]:
    """Make a key; its id, and the whole of it, shown this once."""
    _check(desk, service_id, new)
    key, whole = store.issue(desk.tx, desk.vault, service_id, new, desk.now)
    desk.record("api_key.create", f"key {key} of service {service_id}")
    return key, whole


def rotate(desk: Desk, key: UUID, overlap: timedelta = OVERLAP) -> tuple[UUID, str]:
    """A new key that may do the same; the old one works for ``overlap`` more."""
    if not timedelta() <= overlap <= LONGEST_OVERLAP:
        raise WrongError(f"overlap must be from 0 hours to {LONGEST_OVERLAP // timedelta(hours=1)}")
    old = held(desk.tx, key)
    if (state := old.state(desk.now)) is not State.ACTIVE:
        then = "Rotate the one that replaced it" if state is State.REPLACED else "Create a new one"
        raise NotNowError(f"The key {key} is {state}. {then}.")
    keys.end(desk.tx, key, desk.now + overlap)
    fresh, whole = store.issue(desk.tx, desk.vault, old.service_id, old.allows, desk.now)
    desk.record("api_key.rotate", f"key {key} by {fresh} of {old.service_id}")
    return fresh, whole


def revoke(desk: Desk, key: UUID) -> bool:
    """End a key at once; False when it was revoked before."""
    old = held(desk.tx, key)
    if not keys.revoke(desk.tx, key, desk.now):
        return False
    desk.record("api_key.revoke", f"key {key} of service {old.service_id}")
    return True


def held(tx: Connection, key: UUID) -> Held:
    """The key with this id; ``UnknownNameError`` where there is none."""
    if found := keys.find(tx, key):
        return found
    raise UnknownNameError(f"There is no key {key}. List the keys of its service to see their ids.")


def _check(desk: Desk, service_id: UUID, new: NewKey) -> None:
    if not _KEY_NAME.fullmatch(new.name):
        raise WrongError(f"name must have 1 to {LONGEST_NAME} letters, digits, dots, dashes or underscores")
    if new.type not in TYPES:
        raise WrongError(f"type must be one of {', '.join(TYPES)}")
    if not new.scopes or not SCOPES.keys() >= set(new.scopes):
        raise WrongError(f"scopes must be some of {', '.join(SCOPES)}")
    known = desk.tx.execute(select(templates.c.id).where(templates.c.id.in_(new.templates))).scalars()
    if unknown := set(new.templates) - set(known):
        raise WrongError(f"templates: there is no text {min(unknown)}")
    mine = {one.id for one in senders.of(desk.tx, desk.vault, service_id)}
    if unknown := set(new.senders) - mine:
        raise WrongError(f"senders: the service has no sender {min(unknown)}")


# --- senders -------------------------------------------------------------------------------


def add_sender(
    desk: Desk, service_id: UUID, channel: str, value: str, *, default: bool, inbound: bool
) -> UUID:
    """Give a service a name on a channel: a signature or number, or an address to reply to."""
    written = _sender(channel, value.strip())
    if inbound and not (channel == "sms" and _NUMBER.fullmatch(written)):
        raise WrongError("inbound is for numbers: people reply to a number, not to a signature or address")
    if any(
        (one.channel, one.value) == (channel, written) for one in senders.of(desk.tx, desk.vault, service_id)
    ):
        raise NotNowError("The service has this sender already. Archive it first to change what it is.")
    if inbound and senders.owners(desk.tx, desk.vault, [written]):
        raise NotNowError("What people send to this number belongs to a service already.")
    key = senders.add(
        desk.tx, desk.vault, service_id, channel, written, desk.now, default=default, inbound=inbound
    )
    desk.record("sender.add", f"sender {key} of service {service_id}")
    return key


def archive_sender(desk: Desk, key: UUID) -> UUID:
    """Take a sender back; whose it was. What was asked for under it still goes out so."""
    owner = senders.archive(desk.tx, key, desk.now)
    if owner is None:
        raise UnknownNameError(f"There is no sender {key} in use. List the senders of its service.")
    desk.record("sender.archive", f"sender {key} of service {owner}")
    return owner


def _sender(channel: str, value: str) -> str:
    if channel not in senders.CHANNELS:
        raise WrongError(f"channel must be one of {', '.join(senders.CHANNELS)}")
    if channel == "email":
        return _address(email.normalise, value, "value")
    if not (_NUMBER.fullmatch(value) or _SIGNATURE.fullmatch(value)):
        raise WrongError(
            "value must be a number, or a signature of 2 to 24 letters and digits without its 【】"
        )
    return value


# --- guests --------------------------------------------------------------------------------


def add_guest(desk: Desk, service_id: UUID, kind: str, address: str) -> bool:
    """Let team keys write to a mobile or an e-mail address; False when they may already."""
    if kind not in guests.KINDS:
        raise WrongError(f"kind must be one of {', '.join(guests.KINDS)}")
    key = guests.add(desk.tx, desk.vault, service_id, kind, _reach(address), desk.now)
    if key is None:
        return False
    desk.record("guest.add", f"{kind} {key} of service {service_id}")
    return True


def remove_guest(desk: Desk, service_id: UUID, address: str) -> bool:
    """Take an address off the list; False when it was not there."""
    key = guests.remove(desk.tx, desk.vault, service_id, _reach(address))
    if key is None:
        return False
    desk.record("guest.remove", f"guest {key} of service {service_id}")
    return True


def _reach(written: str) -> str:
    return _address(email.normalise if "@" in written else sms.normalise, written, "address")


def _address(normalise: Any, written: str, field: str) -> str:
    try:
        return str(normalise(written))
    except AddressError as error:
        raise WrongError(f"{field}: {error.en}") from None


def _id(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None
