"""The first page: is all well, every lane as it stands, and the lever beside each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from flask import Blueprint, abort, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection, func, select

from gateway.broadcasts.store import State, broadcasts
from gateway.delivery import ledger
from gateway.errors import HuiyinError
from gateway.levers import dead_letters, holding
from gateway.notifications.pauses import Kind, Pause, paused
from gateway.ops import charts, figures, health, inbox, page, queues, words
from gateway.ops.charts import Bars
from gateway.ops.figures import Pulse
from gateway.ops.health import Seen
from gateway.ops.queues import Work
from gateway.records import changes
from gateway.runtime import Runtime
from gateway.transactions.model import Words

LATELY_DEAD = timedelta(hours=24)
# The page a lever stands on, to go back to.
PAGES = {Kind.LANE: "ops.overview", Kind.PROVIDER: "ops.providers", Kind.BROADCAST: "ops.broadcasts"}


@dataclass(frozen=True, slots=True)
class Row:
    """One lane on the page. ``rate`` is per minute, ``drain_s`` None where nothing goes out or waits."""

    work: Work
    name: Words
    dead: int
    rate: float
    drain_s: float | None
    bars: Bars | None
    pausable: bool
    pause: Pause | None
    late: bool


def add(routes: Blueprint, runtime: Runtime) -> None:
    """``/ops`` and the levers of every page."""

    @routes.get("")
    def overview() -> ResponseReturnValue:
        with runtime.db.read() as tx:
            seen, dead = _seen(tx, runtime)
            replies = inbox.count(tx)
            reviews, late = changes.waiting(tx, runtime.clock())
        rows = [_row(runtime, seen, one, dead) for one in seen.work]
        return page.show(
            "overview.html",
            findings=health.findings(seen),
            messages=[row for row in rows if row.pausable],
            others=[row for row in rows if not row.pausable],
            balanced=seen.balanced,
            replies=f"{replies:,}" if replies else "",
            reviews=f"{reviews:,}" if reviews else "",
            late=f"{late:,}" if late else "",
        )

    @routes.get("/")
    def front() -> ResponseReturnValue:
        return redirect(url_for("ops.overview"), 303)

    @routes.post("/<lever>/<kind>")
    def pull(lever: str, kind: str) -> ResponseReturnValue:
        """``/ops/pause/lane`` with its name in the form."""
        if lever not in ("pause", "resume") or kind not in list(Kind):
            abort(404)
        which, name = Kind(kind), request.form.get("name", "")
        action = holding.pause if lever == "pause" else holding.resume
        try:
            with runtime.db.write() as tx:
                action(tx, runtime, which, name, g.operator)
        except HuiyinError:  # gone, or finished meanwhile: the page it goes back to shows how it stands
            return redirect(url_for(PAGES[which]), 303)
        if lever == "resume":
            runtime.wake_all(holding.to_wake(runtime, which, name))
        return redirect(url_for(PAGES[which]), 303)


def _seen(tx: Connection, runtime: Runtime) -> tuple[Seen, Mapping[str, int]]:
    now = runtime.clock()
    dead = dead_letters.recent(tx, now, LATELY_DEAD)
    held = select(func.count()).where(broadcasts.c.state == State.PAUSED)
    seen = Seen(
        now=now,
        work=queues.open_work(tx, runtime),
        pulse=figures.pulse(tx, now),
        carriers={channel: list(runtime.weights(channel)) for channel in runtime.settings.providers},
        lanes_paused=paused(tx, Kind.LANE),
        providers_paused=paused(tx, Kind.PROVIDER),
        broadcasts_paused=tx.execute(held).scalar_one(),
        dead=sum(dead.values()),
        balanced=ledger.adds_up(tx),
    )
    return seen, dead


def _row(runtime: Runtime, seen: Seen, work: Work, dead: Mapping[str, int]) -> Row:
    pulse: Pulse = seen.pulse
    message = "." in work.name
    rate = pulse.rate(work.name)
    return Row(
        work=work,
        name=words.lane(work.name),
        dead=dead.get(work.name, 0) if message else work.dead,
        rate=rate,
        drain_s=work.depth / rate * 60 if rate and work.depth else None,
        bars=charts.bars(pulse.by_minute(work.name)) if message else None,
        pausable=message,
        pause=seen.lanes_paused.get(work.name),
        late=work.oldest_s > health.patience(work.name),
    )
