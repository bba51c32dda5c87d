"""The barometer: what was asked, by whom, how it ended; a week, some days, or around a policy; to print."""

from __future__ import annotations

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from gateway import cities, plots
from gateway.barometer import asking, report
from gateway.barometer.page import values
from gateway.barometer.spans import SpanError
from gateway.ops import page
from gateway.runtime import Runtime

LONGEST = 60  # characters of an answer


def add(routes: Blueprint, runtime: Runtime) -> None:
    """``/ops/barometer``, and how its plots look."""

    @routes.get("/barometer")
    def barometer() -> ResponseReturnValue:
        given = {way: request.args.get(way, "")[:LONGEST] for way in asking.WAYS}
        rules, told, problem = cities.of(runtime).rules_now(runtime.clock()), None, ""
        with runtime.db.read() as tx:
            try:
                told = report.make(tx, asking.asked(tx, runtime, given))
            except SpanError as error:
                problem = str(error)
        shown = values(told, rules) if told else {"report": None}
        return page.show("barometer.html", given=given, problem=problem, **shown), 422 if problem else 200

    @routes.get("/plots.css")
    def barometer_css() -> ResponseReturnValue:
        return Response(plots.CSS, content_type="text/css; charset=utf-8")
