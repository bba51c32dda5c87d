"""Who carries our messages: how each fares, and the lever beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from flask import Blueprint
from flask.typing import ResponseReturnValue

from gateway.levers import holding
from gateway.notifications.pauses import Kind, Pause, paused
from gateway.ops import charts, figures, page, words
from gateway.ops.charts import Share
from gateway.ops.figures import OUTCOMES, Last
from gateway.runtime import Runtime
from gateway.transactions.model import Words


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


def add(routes: Blueprint, runtime: Runtime) -> None:
    """``/ops/providers``."""

    @routes.get("/providers")
    def providers() -> ResponseReturnValue:
        names, now = holding.providers(runtime), runtime.clock()
        with runtime.db.read() as tx:
            pulse = figures.pulse(tx, now)
            last = figures.last_attempts(tx, names)
            still = paused(tx, Kind.PROVIDER)
        rows = [_row(runtime, name, pulse.tried(name), last[name], still.get(name)) for name in names]
        return page.show("providers.html", rows=rows, outcomes=words.OUTCOMES, sample=figures.SAMPLE)


def _row(runtime: Runtime, name: str, tried: Mapping[str, int], last: Last, pause: Pause | None) -> Row:
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
    )


def _when(at: datetime | None, where: ZoneInfo) -> str:
    return page.date_time(at, where)
