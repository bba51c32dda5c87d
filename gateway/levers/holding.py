"""Lanes, providers and broadcasts, held still and let go. Each pull is on record."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection

from gateway import audit
from gateway.broadcasts import expand
from gateway.broadcasts import store as broadcasts
from gateway.broadcasts.store import Action, State
from gateway.errors import HuiyinError, UnknownNameError
from gateway.notifications import pauses
from gateway.notifications.pauses import Kind
from gateway.notifications.request import TREATMENT
from gateway.runtime import Runtime

URGENCIES = tuple(dict.fromkeys(treatment.urgency for treatment in TREATMENT.values()))


class NotNowError(HuiyinError):
    """The broadcast stands where this cannot be done."""


def lanes(runtime: Runtime) -> list[str]:
    """The lanes of the channels that are open."""
    return [
        f"{channel}.{urgency}"
        for channel in runtime.settings.providers
        if runtime.weights(channel)
        for urgency in URGENCIES
    ]


def providers(runtime: Runtime) -> list[str]:
    return list(dict.fromkeys(name for names in runtime.settings.providers.values() for name in names))


def names(tx: Connection, runtime: Runtime, kind: Kind) -> list[str]:
    """What there is of a kind to hold still."""
    match kind:
        case Kind.LANE:
            return lanes(runtime)
        case Kind.PROVIDER:
            return providers(runtime)
        case Kind.BROADCAST:
            return _open_broadcasts(tx)


def pause(tx: Connection, runtime: Runtime, kind: Kind, name: str, actor: str) -> bool:
    """Hold it still; False when it was already. ``UnknownNameError`` lists the known ones."""
    if kind is Kind.BROADCAST:
        return steer(tx, runtime, name, broadcasts.PAUSE, actor)
    _must_be_known(name, kind, names(tx, runtime, kind))
    changed = pauses.pause(tx, kind, name, actor, runtime.clock())
    return _record(tx, runtime, kind, "pause", name, actor) if changed else False


def resume(tx: Connection, runtime: Runtime, kind: Kind, name: str, actor: str) -> bool:
    """Let it go on; False when it was not paused. The caller wakes ``to_wake`` after commit."""
    if kind is Kind.BROADCAST:
        return steer(tx, runtime, name, broadcasts.RESUME, actor)
    if not pauses.resume(tx, kind, name):  # also one that is no longer in the settings
        _must_be_known(name, kind, names(tx, runtime, kind))
        return False
    return _record(tx, runtime, kind, "resume", name, actor)


def steer(tx: Connection, runtime: Runtime, name: str, action: Action, actor: str) -> bool:
    """Pause, resume or cancel the broadcast with this id; False when it stands there already."""
    row = broadcasts.find(tx, key) if (key := _id(name)) else None
    if row is None:
        _must_be_known(name, Kind.BROADCAST, _open_broadcasts(tx))
        return False
    refused = broadcasts.act(tx, runtime, row.id, action, actor)
    if refused:
        raise NotNowError(f"{refused.message}. {refused.next_step}")
    return bool(row.state != action.after)


def to_wake(runtime: Runtime, kind: Kind, name: str) -> set[str]:
    """The lanes with work again once this goes on."""
    if kind is Kind.LANE:
        return {name}
    return {*lanes(runtime), *((expand.LANE,) if kind is Kind.BROADCAST else ())}


def _must_be_known(name: str, kind: Kind, names: Sequence[str]) -> None:
    if name not in names:
        raise UnknownNameError(
            f"There is no {kind} called {name!r}. There are: {', '.join(names) or 'none'}."
        )


def _open_broadcasts(tx: Connection) -> list[str]:
    """Those that can still be steered, each by its id."""
    rows = broadcasts.listed(tx)
    return [str(row.id) for row in rows if row.state not in (State.CANCELLED, State.FINISHED)]


def _id(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None


def _record(tx: Connection, runtime: Runtime, kind: Kind, what: str, name: str, actor: str) -> bool:
    audit.record(tx, runtime.vault, runtime.clock(), actor, f"{kind}.{what}", name)
    return True
