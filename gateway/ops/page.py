"""What every page of the console has in common: its frame, its times, and asking again whether it changed."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from zoneinfo import ZoneInfo

from flask import Response, g, make_response, render_template, request

from gateway import cities
from gateway.runtime import Runtime

AUTO = "auto"  # in the query of a page that asks again by itself: nobody is there
SECONDS = 5  # between two questions of an open page


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around a page. ``part``: only what changes is asked for."""

    operator: str | None
    city: str
    path: str
    part: bool
    seconds: int
    demo: bool


def frame(runtime: Runtime) -> Frame:
    rules = cities.of(runtime).rules_now(runtime.clock())
    return Frame(
        operator=g.get("operator"),
        city=rules.signature,
        path=request.path,
        part=AUTO in request.args,
        seconds=SECONDS,
        demo=runtime.settings.demo,
    )


def zone(runtime: Runtime) -> ZoneInfo:
    return cities.of(runtime).rules_now(runtime.clock()).zone


def show(template: str, **values: object) -> Response:
    """A page, or, asked for by an open page, the part of it that changes: 304 when it did not."""
    response = make_response(render_template(f"ops/{template}", **values))
    if AUTO in request.args:
        digest = sha256(response.get_data()).digest()
        response.set_etag(urlsafe_b64encode(digest[:18]).decode())
        response.make_conditional(request)
    return response


# --- times and numbers as people read them --------------------------------------------------


def clock_time(at: datetime | None, where: ZoneInfo) -> str:
    """16:05 in the city; with its date when it is another day is the caller's choice (``date_time``)."""
    return f"{at.astimezone(where):%H:%M}" if at else ""


def date_time(at: datetime | None, where: ZoneInfo) -> str:
    return f"{at.astimezone(where):%m-%d %H:%M:%S}" if at else ""


def ages(seconds: float) -> str:
    """How long in one unit: 40 s, 12 min, 3.5 h, 2 d."""
    if seconds < 1:
        return "0"
    for unit, size, limit in (("s", 1, 100), ("min", 60, 6000), ("h", 3600, 172800)):
        if seconds < limit:
            number = seconds / size
            return f"{number:.1f} {unit}" if unit == "h" and number < 10 else f"{number:.0f} {unit}"
    return f"{seconds / 86400:.0f} d"


FILTERS: Mapping[str, object] = {"age": ages}
