"""Visits to people's homes: who waits and until when, a day agreed on, made, or refused; masked.

The number to call stands on the page of calls, where showing it is on record.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from gateway.errors import UnknownNameError
from gateway.levers import visits as levers
from gateway.levers.visits import SHOWN, VisitError
from gateway.ops import page
from gateway.pensions.visits import ARRANGED, CALLED, PARTS, REFUSALS, REQUESTED
from gateway.runtime import Runtime
from gateway.transactions.model import Words

STAGES: Mapping[str, Words] = {
    REQUESTED: Words("等着打电话约时间", "to be called"),
    CALLED: Words("打过电话，还没约好", "called, no day yet"),
    ARRANGED: Words("约好了", "arranged"),
}


def add(routes: Blueprint, runtime: Runtime) -> None:
    """``/ops/visits`` and its buttons."""

    @routes.get("/visits")
    def visits() -> ResponseReturnValue:
        with runtime.db.read() as tx:
            found = levers.waiting(tx, runtime)
        rows = [_row(one) for one in found]
        return page.show("visits.html", rows=rows, full=len(rows) >= SHOWN)

    @routes.get("/visits/<reference>")
    def visit(reference: str) -> ResponseReturnValue:
        """What may be done with one of them."""
        return _shown(runtime, reference) or abort(404)

    @routes.post("/visits/<reference>")
    def visit_step(reference: str) -> ResponseReturnValue:
        """Arrange, made or refuse; what cannot be is said above the same forms."""
        try:
            with runtime.db.write() as tx:
                lanes = _step(tx, runtime, reference)
        except UnknownNameError:
            abort(404)
        except VisitError as error:
            shown = _shown(runtime, reference, wrong=str(error))
            return (shown, 400) if shown else (render_template("ops/visit_over.html", why=str(error)), 409)
        runtime.wake_all(lanes)
        return redirect(url_for("ops.visits"), 303)


def _shown(runtime: Runtime, reference: str, wrong: str = "") -> str | None:
    """The page of a visit that waits; null where it does not."""
    with runtime.db.read() as tx:
        row = next((one for one in levers.waiting(tx, runtime) if one["reference"] == reference), None)
    if row is None:
        return None
    parts = [(part, words) for part, words in PARTS.items() if part]
    reasons = [(name, refusal.why) for name, refusal in REFUSALS.items()]
    return render_template("ops/visit.html", row=_row(row), parts=parts, reasons=reasons, wrong=wrong)


def _step(tx: Any, runtime: Runtime, reference: str) -> set[str]:
    given = request.form
    match given.get("step"):
        case "arrange":
            day = _day(given.get("day", ""))
            return levers.arrange(tx, runtime, reference, day, given.get("part", ""), g.operator)
        case "made":
            return levers.made(tx, runtime, reference, g.operator)
        case "refuse":
            return levers.refuse(tx, runtime, reference, given.get("reason", ""), g.operator)
        case _:
            raise VisitError("step is arrange, made or refuse; go back to the list of visits.")


def _day(written: str) -> date:
    try:
        return date.fromisoformat(written.strip())
    except ValueError:
        raise VisitError(f"{written[:20]!r} is no day. Type the day agreed on like 2026-12-03.") from None


def _row(one: Mapping[str, Any]) -> dict[str, Any]:
    part = PARTS.get(one["part"], PARTS[""])
    day = one["visit_on"] or one["call_by"]
    arranged = one["stage"] == ARRANGED
    return {
        **one,
        "words": STAGES.get(one["stage"], STAGES[REQUESTED]),
        "arranged": arranged,
        "day": day,
        "at": part,
    }
