"""What stands against the messages of one claim: their addresses, their people, how much these had lately.

Asked once for all rows of a claim. Codes and results are never held here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from gateway.cities import Rules
from gateway.delivery import frequency, hours
from gateway.notifications import preferences, suppression
from gateway.notifications.preferences import HEEDED
from gateway.notifications.reasons import Reason
from gateway.notifications.request import Class
from gateway.runtime import Runtime
from gateway.send_windows import SPARE, Opening

Place = tuple[Row[Any], bytes]  # a notification and the blind index of where it goes


@dataclass(frozen=True, slots=True)
class Against:
    """Why a message does not go now: it waits until then, or (None) is not sent at all."""

    reason: str
    until: datetime | None = None


def against(
    tx: Connection,
    runtime: Runtime,
    rules: Rules,
    channel: str,
    rows: Sequence[Row[Any]],
    indexes: Sequence[bytes],
) -> dict[UUID, Against]:
    """What stands against some of a channel's rows, by their ids.

    ``indexes`` are those of the addresses they go to, in step; empty where there is none.
    """
    now, places = runtime.clock(), list(zip(rows, indexes, strict=True))
    heeding = [(row, index) for row, index in places if index and row.klass in HEEDED]
    found = _refused(tx, channel, heeding, now)
    if rules.notice_cap.none:
        return found
    notices = [one for one in heeding if one[0].klass == Class.NOTICE and one[0].id not in found]
    return found | _too_many(tx, rules, channel, notices, now)


def _refused(tx: Connection, channel: str, places: Sequence[Place], now: datetime) -> dict[UUID, Against]:
    """By what their addresses said, and else by what the people want."""
    stopped = suppression.against(tx, {(row.klass, index) for row, index in places}, now)
    unwanted = preferences.against(tx, channel, [row for row, _ in places])
    found = dict.fromkeys(unwanted, Against(Reason.NOT_WANTED))
    if stopped:
        said = {row.id: stopped.get((row.klass, index)) for row, index in places}
        found |= {key: Against(reason) for key, reason in said.items() if reason}
    return found


def _too_many(
    tx: Connection, rules: Rules, channel: str, places: Sequence[Place], now: datetime
) -> dict[UUID, Against]:
    """Those whose people had enough notices for now."""
    people = {row.id: row.citizen_id or index for row, index in places}
    lately = frequency.had(tx, rules.notice_cap, set(people.values()), now, rules.zone)
    free = {key: lately.free_on(person) for key, person in people.items()}
    held = [(row, datetime.combine(day, time(), rules.zone)) for row, _ in places if (day := free[row.id])]
    opens = {day: hours.closed(rules, channel, day).get(Class.NOTICE, Opening()) for _, day in held}
    return {row.id: enough(opens[day], day, row.expires_at) for row, day in held}


def enough(opening: Opening, day: datetime, expires_at: datetime) -> Against:
    """A person had enough until that day begins: it waits for that day's window, or is not worth it. Pure."""
    until = opening.hold(expires_at) or day
    return Against(Reason.FREQUENCY_CAP, until if until + SPARE <= expires_at else None)
