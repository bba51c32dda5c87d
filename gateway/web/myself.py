"""Nobody helps after all: whoever began for a relative goes on for themselves."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from gateway.runtime import Runtime
from gateway.transactions import engine
from gateway.web import steps, visit


def add(routes: Blueprint, runtime: Runtime) -> None:
    """``/t/<name>/code/myself``."""

    @routes.post("/t/<name>/code/myself")
    def for_myself(name: str) -> ResponseReturnValue:
        steps.kind(name)
        with runtime.db.write() as tx:
            transaction = visit.transaction(tx, runtime, kind=name, change=True)
            mine = engine.act_for(tx, runtime, transaction, helped=False)
        return steps.go(steps.first_question(mine))  # what stands there may be the relative's
