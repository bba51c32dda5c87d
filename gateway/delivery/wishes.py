"""What stands against the messages of one claim: their addresses, their people, how much these had lately.

Asked once for all rows of a claim. Codes and results are never held here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    indexes: Mapping[UUID, bytes],
) -> dict[UUID, Against]:
    """What stands against some of a channel's rows; ``indexes`` are those of the addresses they go to."""
    now, heeding = runtime.clock(), [row for row in rows if row.klass in HEEDED and row.id in indexes]
    found = _refused(tx, channel, heeding, indexes, now)
    if rules.notice_cap.none:
        return found
    notices = [row for row in heeding if row.klass == Class.NOTICE and row.id not in found]
    return found | _too_many(tx, rules, channel, notices, indexes, now)


def _refused(
    tx: Connection, channel: str, rows: Sequence[Row[Any]], indexes: Mapping[UUID, bytes], now: datetime
) -> dict[UUID, Against]:
    """By what their addresses said, and else by what the people want."""
    keys = {row.id: (Class(row.klass), indexes[row.id]) for row in rows}
    stopped = suppression.against(tx, set(keys.values()), now)
    unwanted = dict.fromkeys(preferences.against(tx, channel, rows), Against(Reason.NOT_WANTED))
    return unwanted | {key: Against(stopped[one]) for key, one in keys.items() if one in stopped}


def _too_many(
    tx: Connection,
    rules: Rules,
    channel: str,
    rows: Sequence[Row[Any]],
    indexes: Mapping[UUID, bytes],
    now: datetime,
) -> dict[UUID, Against]:
    """Those whose people had enough notices for now."""
    people = {row.id: row.citizen_id or indexes[row.id] for row in rows}
    lately = frequency.had(tx, rules.notice_cap, set(people.values()), now, rules.zone)
    free = {row.id: lately.free_on(people[row.id]) for row in rows}
    held = [(row, datetime.combine(day, time(), rules.zone)) for row in rows if (day := free[row.id])]
    opens = {day: hours.closed(rules, channel, day).get(Class.NOTICE, Opening()) for _, day in held}
    return {row.id: enough(opens[day], day, row.expires_at) for row, day in held}


def enough(opening: Opening, day: datetime, expires_at: datetime) -> Against:
    """A person had enough until that day begins: it waits for that day's window, or is not worth it. Pure."""
    until = opening.hold(expires_at) or day
    return Against(Reason.FREQUENCY_CAP, until if until + SPARE <= expires_at else None)
