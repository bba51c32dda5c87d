"""Dead letters by cause: what happened, what to do, and taking them anew after a look at the numbers."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, abort, g, render_template, request
from flask.typing import ResponseReturnValue

from gateway.levers import dead_letters, replays, twice
from gateway.levers.dead_letters import Cause, Group
from gateway.notifications.request import Class
from gateway.notifications.status import DEAD, Status
from gateway.ops import page, words
from gateway.runtime import Runtime

TABS = {"failed": (Status.FAILED,), "others": (Status.UNDELIVERED, Status.EXPIRED)}
SECONDS = 30  # between two questions of an open page: there may be many to count
MOST = 5_000  # replayed at one press; more would keep the page waiting too long


def add(routes: Blueprint, runtime: Runtime) -> None:
    """``/ops/dead``, ``/ops/dead/others``, ``/ops/dead/plan`` and ``/ops/dead/replay``."""

    @routes.get("/dead", defaults={"tab": "failed"})
    @routes.get("/dead/<tab>")
    def dead(tab: str) -> ResponseReturnValue:
        if tab not in TABS:
            abort(404)
        with runtime.db.read() as tx:
            since = runtime.clock() - dead_letters.LISTED
            found = dead_letters.groups(tx, *TABS[tab], since=since)
        return page.show(
            "dead.html", seconds=SECONDS, tab=tab, groups=[_row(runtime, group) for group in found]
        )

    @routes.post("/dead/plan")
    def dead_plan() -> ResponseReturnValue:
        """The dry run: how many, and who would be written to twice. Changes nothing."""
        cause, until = _cause(), runtime.clock()
        with runtime.db.read() as tx:
            plan, whom = dead_letters.plan(tx, cause, until), twice.listed(tx, runtime, cause, until)
        return render_template(
            "ops/plan.html",
            cause=cause,
            explained=words.cause(cause.status, cause.klass, cause.reason),
            plan=plan,
            whom=whom,
            until=until.isoformat(),
            most=MOST,
        )

    @routes.post("/dead/replay")
    def dead_replay() -> ResponseReturnValue:
        cause, until = _cause(), _until(runtime)
        again = "again" in request.form
        taken = replays.replay(runtime, cause, until, g.operator, again=again, most=MOST)
        return render_template("ops/replayed.html", cause=cause, taken=taken, full=taken >= MOST)


def _row(runtime: Runtime, group: Group) -> dict[str, object]:
    cause, where = group.cause, page.zone(runtime)
    return {
        "cause": cause,
        "klass": words.CLASSES[cause.klass],
        "channel": words.CHANNELS[cause.channel],
        "status": words.STATUSES[cause.status],
        "number": group.number,
        "oldest": page.date_time(group.oldest, where),
        "newest": page.date_time(group.newest, where),
        "explained": words.cause(cause.status, cause.klass, cause.reason),
    }


def _cause() -> Cause:
    """The group the form names."""
    given = request.form
    status, klass = given.get("status", ""), given.get("klass", "")
    if status not in list(DEAD) or klass not in list(Class) or given.get("channel") not in words.CHANNELS:
        abort(400)
    return Cause(Status(status), Class(klass), given["channel"], given.get("reason", ""))


def _until(runtime: Runtime) -> datetime:
    """Up to when the plan was shown; never later than now."""
    try:
        until = datetime.fromisoformat(request.form.get("until", ""))
    except ValueError:
        abort(400)
    if until.tzinfo is None:
        abort(400)
    return min(until.astimezone(UTC), runtime.clock())
