"""Who carried what and why: weights an operator gave for a while, and the history of changes.

An override ends by itself at its time; that it ended is entered by the hourly tidying, with that time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    Row,
    String,
    Table,
    delete,
    func,
    insert,
    select,
)

from gateway import audit
from gateway.db import Utc, metadata, upsert
from gateway.runtime import Runtime
from gateway.traffic.board import Change
from gateway.traffic.breaker import Mode

KEPT = timedelta(days=400)
LONGEST = timedelta(days=7)  # of an override: what is to stay belongs into the settings

route_events = Table(
    "route_events",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("at", Utc, nullable=False),
    Column("provider", String(40), nullable=False),
    Column("was", String(40), nullable=False),  # a Mode, or a weight with its channel
    Column("became", String(40), nullable=False),
    Column("why", String(200), nullable=False),
    Column("counts", String(80), nullable=False),  # what had been heard; "" where it does not matter
    Column("until", Utc),  # when it may end
)
Index("ix_route_events_at", route_events.c.at)

weight_overrides = Table(
    "weight_overrides",
    metadata,
    Column("channel", String(8), primary_key=True),
    Column("provider", String(40), primary_key=True),
    Column("weight", Integer, nullable=False),
    Column("until", Utc, nullable=False),
    Column("actor", String(80), nullable=False),
    Column("why", String(200), nullable=False),
)


class Event(StrEnum):
    """Why a weight changed, where no breaker did it; before an operator's own words."""

    SET = "override"
    CLEARED = "override_cleared"
    EXPIRED = "override_expired"


@dataclass(frozen=True, slots=True)
class Override:
    """Other weights for some providers of a channel, until then, by whom and why."""

    channel: str
    weights: Mapping[str, int]
    until: datetime
    actor: str
    why: str


# --- overrides ---------------------------------------------------------------------------------


def override(tx: Connection, runtime: Runtime, wanted: Override) -> None:
    """Give these weights until then, in the place of earlier ones; on record."""
    now, channel = runtime.clock(), wanted.channel
    before = {**runtime.weights(channel), **by_channel(tx, now).get(channel, {})}
    for name, weight in sorted(wanted.weights.items()):
        values = {"weight": weight, "until": wanted.until, "actor": wanted.actor, "why": wanted.why}
        put = upsert(tx, weight_overrides).values(channel=channel, provider=name, **values)
        tx.execute(put.on_conflict_do_update(index_elements=["channel", "provider"], set_=values))
        change = (_weight(channel, before[name]), _weight(channel, weight))
        _enter(tx, now, name, change, f"{Event.SET}: {wanted.why}", wanted.until)
    said = " ".join(f"{name}={weight}" for name, weight in sorted(wanted.weights.items()))
    subject = f"{channel} {said} until {wanted.until:%FT%H:%MZ}"
    audit.record(tx, runtime.vault, now, wanted.actor, "route.set", subject[:120])


def clear(tx: Connection, runtime: Runtime, channel: str, actor: str) -> int:
    """Back to the settings' weights, all of a channel; how many had others. On record."""
    now = runtime.clock()
    gone = tx.execute(
        delete(weight_overrides)
        .where(weight_overrides.c.channel == channel, weight_overrides.c.until > now)
        .returning(*weight_overrides.c)
    ).all()
    for row in gone:
        _ended(tx, row, now, Event.CLEARED)
    if gone:
        audit.record(tx, runtime.vault, now, actor, "route.clear", channel)
    return len(gone)


def in_force(tx: Connection, now: datetime) -> Sequence[Row[Any]]:
    """The overrides that hold now."""
    columns = weight_overrides.c
    query = select(weight_overrides).where(columns.until > now).order_by(columns.channel, columns.provider)
    return tx.execute(query).all()


def by_channel(tx: Connection, now: datetime) -> dict[str, dict[str, int]]:
    """Their weights, by channel and provider."""
    found: dict[str, dict[str, int]] = {}
    for row in in_force(tx, now):
        found.setdefault(row.channel, {})[row.provider] = row.weight
    return found


def forget_old(tx: Connection, now: datetime) -> int:
    """Enter which overrides have ended since, and forget the oldest events; returns how many ended."""
    over = delete(weight_overrides).where(weight_overrides.c.until <= now).returning(*weight_overrides.c)
    ended = tx.execute(over).all()
    for row in ended:
        _ended(tx, row, row.until, Event.EXPIRED)
    tx.execute(delete(route_events).where(route_events.c.at < now - KEPT))
    return len(ended)


def _ended(tx: Connection, row: Row[Any], at: datetime, why: Event) -> None:
    _enter(tx, at, row.provider, (_weight(row.channel, row.weight), f"{row.channel}=settings"), why)


def _enter(
    tx: Connection,
    at: datetime,
    provider: str,
    change: tuple[str, str],
    why: str,
    until: datetime | None = None,
) -> None:
    was, became = change
    values = {"at": at, "provider": provider, "was": was, "became": became, "why": why[:200]}
    tx.execute(insert(route_events).values(**values, counts="", until=until))


def _weight(channel: str, weight: int) -> str:
    return f"{channel}={weight}"


# --- history --------------------------------------------------------------------------------------


def note(tx: Connection, changes: Iterable[Change]) -> None:
    """What breakers did. One that was forgotten is closed: news only where it was not before."""
    modes = standing(tx)
    rows = [_row(change, modes) for change in changes]
    if told := [row for row in rows if row["was"] != row["became"]]:
        tx.execute(insert(route_events), told)


def _row(change: Change, modes: Mapping[str, Row[Any]]) -> dict[str, Any]:
    new, heard, last = change.new, change.heard, modes.get(change.provider)
    forgotten = Mode(last.became) if last else Mode.CLOSED
    counts = f"{heard.calls} calls, {heard.bad} failed, {heard.blocked} blocked" if heard.calls else ""
    return {
        "at": datetime.fromtimestamp(new.since, UTC),
        "provider": change.provider,
        "was": change.old.mode if change.old else forgotten,
        "became": new.mode,
        "why": new.why,
        "counts": counts,
        "until": datetime.fromtimestamp(new.until, UTC) if new.until else None,
    }


def standing(tx: Connection) -> dict[str, Row[Any]]:
    """The last event of each provider's breaker; whoever had none is closed."""
    columns = route_events.c
    ours = columns.became.in_(list(Mode))
    newest = select(func.max(columns.id)).where(ours).group_by(columns.provider)
    return {row.provider: row for row in tx.execute(select(route_events).where(columns.id.in_(newest)))}


def history(tx: Connection, limit: int, provider: str | None = None) -> Sequence[Row[Any]]:
    """The newest events, of one provider or of all."""
    columns = route_events.c
    query = select(route_events).order_by(columns.at.desc(), columns.id.desc()).limit(limit)
    return tx.execute(query.where(columns.provider == provider) if provider else query).all()
