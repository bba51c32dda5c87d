"""What people replied that nobody's question answers: to read, and to mark as handled.

The list masks numbers and keeps the texts back; whoever opens a page of them is on record.
"""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, abort, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from gateway.ops import inbox, page, words
from gateway.ops.inbox import SHOWN, Written
from gateway.runtime import Runtime
from gateway.transactions.model import Words

TABS = {"waiting": False, "all": True}
SECONDS = 15  # between two questions of an open page
WISHES = {"stop": Words("不再接收通知", "stop"), "start": Words("恢复接收通知", "start")}


def add(routes: Blueprint, runtime: Runtime) -> None:
    """``/ops/replies``, ``/ops/replies/all`` and their two buttons."""

    @routes.get("/replies", defaults={"tab": "waiting"})
    @routes.get("/replies/<tab>")
    def replies(tab: str) -> ResponseReturnValue:
        after = _id(request.args.get("after", ""))
        with runtime.db.read() as tx:
            found = inbox.listed(tx, runtime, everything=_everything(tab), after=after)
        return _show(runtime, tab, after, found, reading=False)

    @routes.post("/replies/read")
    def replies_read() -> ResponseReturnValue:
        """The same page with what people wrote; it goes into the audit chain first."""
        tab, after = request.form.get("tab", ""), _id(request.form.get("after", ""))
        with runtime.db.write() as tx:
            found = inbox.read(tx, runtime, g.operator, everything=_everything(tab), after=after)
        return _show(runtime, tab, after, found, reading=True)

    @routes.post("/replies/handled")
    def replies_handled() -> ResponseReturnValue:
        ids = [key for text in request.form.getlist("id")[:SHOWN] if (key := _id(text))]
        if not ids:
            abort(400)
        with runtime.db.write() as tx:
            inbox.handled(tx, runtime, ids, g.operator)
        return redirect(url_for("ops.replies"), 303)


def _everything(tab: str) -> bool:
    if tab not in TABS:
        abort(404)
    return TABS[tab]


def _show(
    runtime: Runtime, tab: str, after: UUID | None, found: list[Written], *, reading: bool
) -> ResponseReturnValue:
    return page.show(
        "replies.html",
        rows=[_row(runtime, one) for one in found],
        tab=tab,
        after=after,
        reading=reading,
        older=found[-1].id if len(found) == SHOWN else None,
        waiting=[one.id for one in found if not one.wish and not one.handled_at],
        seconds=0 if after else SECONDS,
    )


def _row(runtime: Runtime, one: Written) -> dict[str, object]:
    where, sent = page.zone(runtime), one.before
    return {
        "id": one.id,
        "at": page.date_time(one.at, where),
        "mobile": one.mobile,
        "text": one.text,
        "wish": WISHES.get(one.wish or ""),
        "handled": (page.date_time(one.handled_at, where), one.handled_by) if one.handled_at else None,
        "before": (
            words.CHANNELS[sent.channel],
            words.CLASSES[sent.klass],
            sent.template,
            page.date_time(sent.at, where),
        )
        if sent
        else None,
    }


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
