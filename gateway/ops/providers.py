"""Who carries our messages: how each fares, and the lever beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection
from sqlalchemy import Row as SqlRow

from gateway.delivery import route_book
from gateway.levers import holding
from gateway.notifications.pauses import Kind, Pause, paused
from gateway.ops import charts, figures, page, words
from gateway.ops.charts import Share
from gateway.ops.figures import OUTCOMES, Last
from gateway.runtime import Runtime
from gateway.traffic.breaker import Mode
from gateway.transactions.model import Words

CHANGES = 20  # of the history, on the page


@dataclass(frozen=True, slots=True)
class Row:
    """One provider on the page; ``share`` is what it took of the last hour's tries, None without any."""

    name: str
    channels: Sequence[Words]
    tried: int
    counts: Mapping[str, int]
    share: float | None
    band: Sequence[Share]
    last: Last
    accepted_at: str
    code_at: str
    pause: Pause | None
    ails: Change | None
    override: Sequence[str]


@dataclass(frozen=True, slots=True)
class Change:
    """What changed at a provider, as the page tells it."""

    provider: str
    at: str
    was: Words
    became: Words
    why: Words
    until: str
    counts: Words


def add(routes: Blueprint, runtime: Runtime) -> None:
    """``/ops/providers``."""

    @routes.get("/providers")
    def providers() -> ResponseReturnValue:
        names, now = holding.providers(runtime), runtime.clock()
        with runtime.db.read() as tx:
            pulse = figures.pulse(tx, now)
            last = figures.last_attempts(tx, names)
            still = paused(tx, Kind.PROVIDER)
            routes = _Routes(runtime, tx)
        rows = [_row(runtime, name, pulse.tried(name), last[name], still.get(name), routes) for name in names]
        shown = {"rows": rows, "outcomes": words.OUTCOMES, "sample": figures.SAMPLE}
        return page.show("providers.html", **shown, changes=routes.history)


class _Routes:
    """How the breakers stand, which weights are others for a while, and what changed lately."""

    def __init__(self, runtime: Runtime, tx: Connection) -> None:
        where = page.zone(runtime)
        told = route_book.standing(tx)
        self.ailing = {name: _change(row, where) for name, row in told.items() if row.became != Mode.CLOSED}
        self.history = [_change(row, where) for row in route_book.history(tx, CHANGES)]
        self._others = [(row, _when(row.until, where)) for row in route_book.in_force(tx, runtime.clock())]

    def override(self, name: str) -> list[str]:
        """sms=5 → 14:30 ops."""
        mine = [(row, until) for row, until in self._others if row.provider == name]
        return [f"{row.channel}={row.weight} → {until} {row.actor}" for row, until in mine]


def _change(row: SqlRow[Any], where: ZoneInfo) -> Change:
    def named(state: str) -> Words:
        return words.BREAKERS.get(state, Words(state, state))

    return Change(
        provider=row.provider,
        at=_when(row.at, where),
        was=named(row.was),
        became=named(row.became),
        why=words.change(row.why),
        until=_when(row.until, where),
        counts=words.heard(row.counts),
    )


def _row(
    runtime: Runtime,
    name: str,
    tried: Mapping[str, int],
    last: Last,
    pause: Pause | None,
    routes: _Routes,
) -> Row:
    counts = {outcome: tried.get(outcome, 0) for outcome in OUTCOMES}
    whole = sum(counts.values())
    where = page.zone(runtime)
    return Row(
        name=name,
        channels=[
            words.CHANNELS[channel] for channel, names in runtime.settings.providers.items() if name in names
        ],
        tried=whole,
        counts=counts,
        share=counts["accepted"] / whole * 100 if whole else None,
        band=charts.band(counts),
        last=last,
        accepted_at=_when(last.accepted_at, where),
        code_at=_when(last.code_at, where),
        pause=pause,
        ails=routes.ailing.get(name),
        override=routes.override(name),
    )


def _when(at: datetime | None, where: ZoneInfo) -> str:
    return page.date_time(at, where)
