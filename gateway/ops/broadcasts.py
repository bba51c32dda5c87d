"""Messages to many: how far each is, and its levers. Cancelling is asked about first."""

from __future__ import annotations

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from gateway.broadcasts import expand, progress, store
from gateway.broadcasts.ladder import CALL_BACK
from gateway.broadcasts.progress import Progress
from gateway.errors import HuiyinError
from gateway.levers import holding
from gateway.ops import page, words
from gateway.runtime import Runtime
from gateway.transactions.model import Words

SHOWN = 20
RUNGS = {**words.CHANNELS, CALL_BACK: Words("人工回电", "called by a person")}
PEOPLE = {
    "waits": Words("等待中", "waiting"),
    "to_call": Words("待回电", "to be called"),
    "missed": Words("没送到", "unreached"),
    "alone": Words("不打扰", "left alone"),
}
STATES = {
    store.State.DRAFT: Words("草稿", "draft"),
    store.State.RUNNING: Words("进行中", "running"),
    store.State.PAUSED: Words("已暂停", "paused"),
    store.State.CANCELLED: Words("已取消", "cancelled"),
    store.State.FINISHED: Words("已完成", "finished"),
}


def add(routes: Blueprint, runtime: Runtime) -> None:
    """``/ops/broadcasts`` and the question before one is cancelled."""

    @routes.get("/broadcasts")
    def broadcasts() -> ResponseReturnValue:
        with runtime.db.read() as tx:
            now = runtime.clock()
            rows = progress.of_all(tx, store.listed(tx, limit=SHOWN), now)
        where = page.zone(runtime)
        shown = [(one, share(one), page.date_time(one.created_at, where)) for one in rows]
        return page.show("broadcasts.html", rows=shown, states=STATES, rungs=RUNGS, shown=SHOWN, **PEOPLE)

    @routes.post("/broadcasts/cancel")
    def cancel() -> ResponseReturnValue:
        """First the question, then, with ``sure``, the deed."""
        name = request.form.get("name", "")
        if "sure" not in request.form:
            return _question(runtime, name)
        try:
            with runtime.db.write() as tx:
                holding.steer(tx, runtime, name, store.CANCEL, g.operator)
        except HuiyinError:  # ended meanwhile: the list shows how
            return redirect(url_for("ops.broadcasts"), 303)
        runtime.wake(expand.LANE)
        return redirect(url_for("ops.broadcasts"), 303)


def share(one: Progress) -> float:
    """How much of it waits for nothing of ours any more, in percent."""
    whole = max(one.audience or 0, one.through)
    return round(one.through / whole * 100, 1) if whole else 0.0


def _question(runtime: Runtime, name: str) -> ResponseReturnValue:
    with runtime.db.read() as tx:
        row = next((row for row in store.listed(tx) if str(row.id) == name), None)
        if row is None:
            abort(404)
        one = progress.of(tx, row, runtime.clock())
    return render_template("ops/cancel.html", one=one, share=share(one))
