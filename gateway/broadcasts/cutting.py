"""Who comes next in a broadcast, and what is written to them: nothing is changed here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from gateway.broadcasts import audience, follow_up, recipients, rehearsal
from gateway.broadcasts import definition as definitions
from gateway.broadcasts.audience import Page, Span
from gateway.broadcasts.definition import Definition
from gateway.broadcasts.ladder import CALL_BACK
from gateway.broadcasts.pages import END, Cut
from gateway.broadcasts.step import Limits, Step
from gateway.notifications.check_codes import PLACEHOLDER
from gateway.notifications.request import Class, Request
from gateway.notifications.status import Status
from gateway.runtime import Runtime

FULL_PAUSE = timedelta(seconds=1)  # before looking again whether there is room
PACED_PAGE = 5.0  # seconds' worth of messages taken at once under a pace
CATCH_UP = timedelta(seconds=10)  # of the pace that a late worker makes good


def expansion(
    tx: Connection,
    runtime: Runtime,
    row: Any,
    definition: Definition,
    standing: Mapping[str, int],
    limits: Limits,
) -> Step:
    """The next page, where there is room for it."""
    now = runtime.clock()
    if definition.rungs[row.stage - 1].channel == CALL_BACK:
        return _ticketing(tx, runtime, row, definition, limits)
    size, window = _sizes(definition.pace, limits)
    # All of a digest waits ahead: else most of it would miss the hour.
    if not definition.digest and standing.get(Status.WAITING, 0) + size > window:
        return Step({"due_at": now + FULL_PAUSE})
    page = _page(tx, runtime, row, definition, Span(row.cursor, size), limits.scan)
    values: dict[str, Any] = {"cursor": page.cursor or END, "due_at": now}
    if page.cursor and definition.pace:
        values["paced_until"] = values["due_at"] = _paced(row.paced_until, len(page.people), definition, now)
    return Step(values, _requests(runtime, row, definition, page))


def requests(tx: Connection, runtime: Runtime, row: Any, page: Cut) -> list[Request]:
    """The messages of a page that was cut: the same people again, but for those who left the audience."""
    definition = definitions.load(row.definition)
    found = _page(tx, runtime, row, definition, Span(page.after, upto=page.last))
    return _requests(runtime, row, definition, found)


def _requests(runtime: Runtime, row: Any, definition: Definition, page: Page) -> list[Request]:
    """What all have in common is looked up once: there may be a million of them."""
    code, broadcast, channel = row.check_code, row.id, definition.rungs[row.stage - 1].channel
    titles = {one: definition.titled(one) for one in {person.language for person in page.people}}
    not_before = rehearsal.digest_at(runtime, definition)
    return [
        Request(
            citizen_id=person.citizen_id,
            channel=channel,
            klass=Class.NOTICE,
            template=definition.template,
            language=person.language,
            personalisation={"name": person.name, PLACEHOLDER: code},
            address=person.address,
            broadcast_id=broadcast,
            first_id=person.first_id,
            not_before=not_before,
            asks=definition.asks,
            title=titles[person.language],
            digest=definition.digest and person.citizen_id is not None,
        )
        for person in page.people
    ]


def _ticketing(tx: Connection, runtime: Runtime, row: Any, definition: Definition, limits: Limits) -> Step:
    """The next page of those whom nothing reached: nobody waits for them to be handed over."""
    now = runtime.clock()
    page = follow_up.page(tx, runtime, row, definition, Span(row.cursor, limits.page), limits.scan)
    people = [(one.first_id, one.citizen_id) for one in page.people if one.first_id]
    exhausted = {} if page.cursor else {"exhausted_at": now}
    return Step({"cursor": page.cursor, "due_at": now, **exhausted}, unreached=people)


def _sizes(pace: int | None, limits: Limits) -> tuple[int, int]:
    """People in a page and messages ahead; under a pace no more ahead than a minute takes."""
    if pace is None:
        return limits.page, max(limits.page, limits.window)
    size = max(1, min(limits.page, math.ceil(pace * PACED_PAGE / 60)))
    return size, max(size, min(limits.window, pace))


def _paced(until: datetime | None, taken: int, definition: Definition, now: datetime) -> datetime:
    """Up to when this page uses up the pace."""
    begun = max(until or now, now - CATCH_UP)
    return begun + timedelta(seconds=taken * 60 / (definition.pace or 1))


def _page(
    tx: Connection, runtime: Runtime, row: Any, definition: Definition, span: Span, scan: int = follow_up.SCAN
) -> Page:
    if row.stage > 1:
        return follow_up.page(tx, runtime, row, definition, span, scan)
    if definition.audience is None:
        return recipients.page(tx, runtime, row.id, span)
    return audience.page(tx, runtime.vault, definition.audience, span)
