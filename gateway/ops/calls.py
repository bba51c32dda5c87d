"""People to be called or visited, by their wish or because no notice reached them: whom, why, since when,
and what came of it.

The list masks everybody. A number is shown in full to whoever takes the call or says why, one at a
time, and that is on record. While somebody calls, nobody else can; one key says what came of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from gateway.call_backs.trying import Result
from gateway.catalogue.callback_request import MATTERS
from gateway.errors import UnknownNameError
from gateway.levers import calling
from gateway.levers.accounts import WrongError
from gateway.levers.calling import SHOWN, Waiting
from gateway.levers.holding import NotNowError
from gateway.ops import page, words
from gateway.runtime import Runtime
from gateway.transactions import call_backs
from gateway.transactions.model import Words

REASONS: Mapping[str, Words] = {
    calling.CALL: Words("现在就打电话", "to call now"),
    "visit": Words("安排上门", "to arrange a visit"),
    "check": Words("核对登记的号码", "to check the number in the register"),
}
KINDS: Mapping[str, Words] = {
    "call_back": Words("回电", "call"),
    "callback_request": Words("预约回电", "asked to be called"),
    "home_visit": Words("上门", "visit"),
    "return_visit": Words("评价不满意，请回访", "not satisfied: call and ask why"),
    "result_undelivered": Words("结果没送到，请打电话告知", "the result reached nobody: call and tell them"),
    call_backs.UNREACHED: Words("通知没送到，请打电话告知", "no notice reached them: call and tell them"),
}
RESULTS: Mapping[str, Words] = {
    Result.TALKED: Words("已经说上话", "Spoke to them"),
    Result.NO_ANSWER: Words("没有人接", "Nobody answered"),
    Result.BUSY: Words("占线", "Busy"),
    Result.WRONG_NUMBER: Words("号码不对", "Wrong number"),
    Result.REFUSED: Words("说不用了", "They want no call"),
}
"""What came of a call, in the order of its keys: 1 to 5."""


def add(routes: Blueprint, runtime: Runtime) -> None:
    """``/ops/calls`` and its buttons."""

    @routes.get("/calls")
    def calls() -> ResponseReturnValue:
        with runtime.db.read() as tx:
            found = calling.listed(tx, runtime)
        rows = [_row(runtime, one) for one in found]
        return page.show("calls.html", rows=rows, full=len(rows) >= SHOWN)

    @routes.post("/calls/done")
    def call_done() -> ResponseReturnValue:
        return _tried(runtime, Result.TALKED)

    @routes.post("/calls/tried")
    def call_tried() -> ResponseReturnValue:
        """What came of a call; again is due, or it leaves the list."""
        given = request.form.get("result", "")
        return _tried(runtime, Result(given)) if given in RESULTS else abort(400)

    @routes.post("/calls/number")
    def call_number() -> ResponseReturnValue:
        """First the question why; with a reason the number, and a row in the audit chain."""
        key, why = _key(), request.form.get("reason", "")
        lanes: set[str] = set()
        try:
            with runtime.db.write() as tx:
                if why:
                    found, lanes = calling.opened(tx, runtime, key, why, g.operator)
                else:
                    found = calling.one(tx, runtime, key)
        except UnknownNameError:
            abort(404)
        except WrongError:
            abort(400)
        except NotNowError as error:
            return render_template("ops/number_over.html", why=str(error)), 409
        runtime.wake_all(lanes)
        return _number(runtime, found, why)


def _number(runtime: Runtime, found: Waiting, why: str) -> str:
    return render_template(
        "ops/number.html",
        row=_row(runtime, found),
        number=calling.dialled(found) if why else "",
        reasons=REASONS,
        results=RESULTS,
        asked=bool(why),
        calls=why == calling.CALL,
    )


def _tried(runtime: Runtime, result: Result) -> ResponseReturnValue:
    """Said twice, or of one that is closed by now, it changes nothing."""
    try:
        with runtime.db.write() as tx:
            came = calling.tried(tx, runtime, _key(), result, g.operator)
    except UnknownNameError:
        return redirect(url_for("ops.calls"), 303)
    except NotNowError as error:
        return render_template("ops/number_over.html", why=str(error)), 409
    runtime.wake_all(came.lanes)
    return redirect(url_for("ops.calls"), 303)


def _row(runtime: Runtime, one: Waiting) -> dict[str, Any]:
    where = page.zone(runtime)
    matter = next((it.words for it in MATTERS if it.value == one.matter), None)
    return {
        "id": one.id,
        "kind": KINDS.get(one.kind, Words(one.kind, one.kind)),
        "name": one.name or "–",
        "mobile": one.mobile,
        "reference": one.reference,
        "matter": matter,
        "since": page.date_time(one.since, where),
        "from": page.date_time(one.call_from, where),
        "due": one.due,
        "late": one.late,
        "taken_by": one.taken_by,
        "tries": one.tries,
        "last": RESULTS.get(one.last or ""),
        "tried": [(words.CHANNELS[channel], words.ENDS[status]) for channel, status in one.tried],
    }


def _key() -> UUID:
    try:
        return UUID(request.form.get("id", ""))
    except ValueError:
        abort(400)
