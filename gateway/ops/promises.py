"""Promises made to people that run: late first, with their day and what was warned of; no names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from gateway.ops import page
from gateway.promises import listed
from gateway.promises.listed import SHOWN, Running
from gateway.runtime import Runtime
from gateway.transactions import registry
from gateway.transactions.model import Words

POINTS: Mapping[str, Words] = {
    "": Words("时间还早", "early"),
    "half": Words("已过一半", "half its time"),
    "most": Words("已过八成", "four fifths"),
    "due": Words("今天到期", "its last day"),
    "overdue": Words("已超时", "late"),
}
KINDS: Mapping[str, Words] = {
    "reply": Words("答复", "a reply"),
    "call_back": Words("回电", "a call"),
    "leg": Words("转移的一段", "a leg of a transfer"),
}


def add(routes: Blueprint, runtime: Runtime) -> None:
    """``/ops/promises``."""

    @routes.get("/promises")
    def promises() -> ResponseReturnValue:
        late = request.args.get("late") == "1"
        with runtime.db.read() as tx:
            found, sums = listed.running(tx, runtime, late=late), listed.standing(tx, runtime)
        today = runtime.clock().astimezone(page.zone(runtime)).date()
        rows = [_row(runtime, one, today) for one in found]
        return page.show("promises.html", rows=rows, sums=sums, late=late, full=len(rows) >= SHOWN)


def _row(runtime: Runtime, one: Running, today: date) -> dict[str, Any]:
    kind = registry.get(one.type)
    stage = kind.stages.get(one.stage)
    point = "overdue" if one.late else "due" if one.due_on <= today else one.said
    return {
        "reference": one.reference,
        "type": kind.title,
        "kind": KINDS.get(one.kind, Words(one.kind, one.kind)),
        "stage": stage.words if stage else None,
        "due": f"{one.due_on:%m-%d}",
        "provisional": one.provisional,
        "extended": one.extended,
        "made": page.date_time(one.made_at, page.zone(runtime)),
        "late": one.late,
        "said": POINTS[point],
        "tone": "bad" if one.late else "wait" if point in ("most", "due") else "good",
    }
