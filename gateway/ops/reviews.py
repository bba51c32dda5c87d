"""Changes of people's data that wait for somebody: why, until when; opened one at a time, and decided.

The list is masked. The values are shown in full to whoever says why, and that is on record.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from gateway.errors import UnknownNameError
from gateway.levers import reviewing
from gateway.levers.accounts import WrongError
from gateway.levers.holding import NotNowError
from gateway.levers.reviewing import SHOWN, Decided, Waiting
from gateway.ops import page
from gateway.records.reasons import CAUSES, ITEMS, REFUSALS, RETURNS
from gateway.runtime import Runtime
from gateway.transactions.model import Words

WHYS: Mapping[str, Words] = {
    "decide": Words("核对后决定", "to decide about it"),
    "asked": Words("本人来问", "the citizen asks"),
}


def add(routes: Blueprint, runtime: Runtime) -> None:
    """``/ops/reviews`` and its buttons."""

    @routes.get("/reviews")
    def reviews() -> ResponseReturnValue:
        with runtime.db.read() as tx:
            found = reviewing.listed(tx, runtime)
        rows = [_row(runtime, one) for one in found]
        return page.show("reviews.html", rows=rows, full=len(rows) >= SHOWN)

    @routes.post("/reviews/open")
    def review_open() -> ResponseReturnValue:
        """First the question why; with a reason the values, and a row in the audit chain."""
        why, reference = request.form.get("why", ""), request.form.get("reference", "")
        opened = None
        if why:
            try:
                with runtime.db.write() as tx:
                    opened = reviewing.opened(tx, runtime, reference, why, g.operator)
            except WrongError:
                abort(400)
            except (UnknownNameError, NotNowError):
                return _over(reference)
        return render_template(
            "ops/review.html",
            reference=reference,
            opened=opened,
            item=ITEMS[opened.item] if opened else None,
            whys=WHYS,
            returns=RETURNS,
            refusals=REFUSALS,
        )

    @routes.post("/reviews/decide")
    def review_decide() -> ResponseReturnValue:
        reference = request.form.get("reference", "")
        try:
            with runtime.db.write() as tx:
                came = _decide(tx, runtime, reference)
        except WrongError:
            abort(400)
        except (UnknownNameError, NotNowError):
            return _over(reference)
        runtime.wake_all(came.lanes)
        return redirect(url_for("ops.reviews"), 303)


def _decide(tx: Connection, runtime: Runtime, reference: str) -> Decided:
    """What the pressed button says: approve, or a reason to return or to reject it."""
    decision, _, reason = request.form.get("decision", "").partition(" ")
    match decision:
        case "approve":
            return reviewing.approve(tx, runtime, reference, g.operator)
        case "return":
            return reviewing.send_back(tx, runtime, reference, reason, g.operator)
        case "reject":
            return reviewing.reject(tx, runtime, reference, reason, g.operator)
        case _:
            raise WrongError("decision must be approve, return or reject")


def _over(reference: str) -> ResponseReturnValue:
    """Somebody else decided it, or the citizen is gone: nothing was changed."""
    return render_template("ops/review_over.html", reference=reference), 409


def _row(runtime: Runtime, one: Waiting) -> dict[str, Any]:
    where = page.zone(runtime)
    return {
        "reference": one.reference,
        "item": ITEMS[one.item],
        "causes": [CAUSES.get(cause, Words(cause, cause)) for cause in one.causes],
        "name": one.name,
        "value": one.value,
        "since": page.date_time(one.asked_at, where),
        "until": page.date_time(one.due_at, where),
        "overdue": one.overdue,
    }
