"""What stands against the messages of one claim: their addresses, their people, how much these had lately.

Asked once for all rows of a claim. Codes and results are never held here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from gateway.cities import Rules
from gateway.delivery import frequency, hours
from gateway.notifications import preferences, suppression
from gateway.notifications.preferences import HEEDED, Wish
from gateway.notifications.reasons import Reason
from gateway.notifications.request import Class
from gateway.runtime import Runtime
from gateway.send_windows import SPARE, Opening

Place = tuple[Row[Any], bytes]  # a notification and the blind index of where it goes


@dataclass(frozen=True, slots=True)
class Against:
    """Why a message does not go now: it waits until then, or (None) is not sent at all.

    ``digest`` is whether it may join others from now on, where that changes.
    """

    reason: str
    until: datetime | None = None
    digest: bool | None = None


def against(
    tx: Connection,
    runtime: Runtime,
    rules: Rules,
    channel: str,
    rows: Sequence[Row[Any]],
    indexes: Sequence[bytes],
    first: Mapping[UUID, UUID],
) -> dict[UUID, Against]:
    """What stands against some of a channel's rows, by their ids.

    ``indexes`` are those of the addresses they go to, in step; empty where there is none. ``first`` names
    for rows that may go as one message the first of these: they count once.
    """
    now, places = runtime.clock(), list(zip(rows, indexes, strict=True))
    heeding = [(row, index) for row, index in places if index and row.klass in HEEDED]
    found = _refused(tx, rules, channel, heeding, now)
    if rules.notice_cap.none:
        return found
    notices = [one for one in heeding if one[0].klass == Class.NOTICE and one[0].id not in found]
    return found | _too_many(tx, rules, channel, notices, first, now)


def _refused(
    tx: Connection, rules: Rules, channel: str, places: Sequence[Place], now: datetime
) -> dict[UUID, Against]:
    """By what their addresses said, and else by what the people want."""
    stopped = suppression.against(tx, {(row.klass, index) for row, index in places}, now)
    wishes = preferences.against(tx, channel, [row for row, _ in places])
    found = {key: Against(Reason.NOT_WANTED) for key, wish in wishes.items() if wish is Wish.OFF}
    if Wish.DAILY in wishes.values():
        found |= _daily(rules, [row for row, _ in places if wishes.get(row.id) is Wish.DAILY], now)
    if stopped:
        said = {row.id: stopped.get((row.klass, index)) for row, index in places}
        found |= {key: Against(reason) for key, reason in said.items() if reason}
    return found


def _daily(rules: Rules, rows: Sequence[Row[Any]], now: datetime) -> dict[UUID, Against]:
    """Notices that nobody has looked at yet wait for the digest, where they live to see it."""
    at = hours.digest(rules, now)
    waiting = [row for row in rows if row.klass == Class.NOTICE and row.digest is None]
    return {
        row.id: Against(Reason.DIGEST, at, digest=True)
        for row in waiting
        if at and at + SPARE <= row.expires_at
    }


def _too_many(
    tx: Connection,
    rules: Rules,
    channel: str,
    places: Sequence[Place],
    first: Mapping[UUID, UUID],
    now: datetime,
) -> dict[UUID, Against]:
    """Those whose people had enough notices for now."""
    people = {row.id: row.citizen_id or index for row, index in places}
    lately = frequency.had(tx, rules.notice_cap, set(people.values()), now, rules.zone)
    asked = {first.get(key, key): person for key, person in people.items()}
    free = {key: lately.free_on(person) for key, person in asked.items()}
    days = [(row, free[first.get(row.id, row.id)]) for row, _ in places]
    held = [(row, datetime.combine(day, time(), rules.zone)) for row, day in days if day]
    opens = {day: hours.closed(rules, channel, day).get(Class.NOTICE, Opening()) for _, day in held}
    return {row.id: _later(rules, row, enough(opens[day], day, row.expires_at)) for row, day in held}


def _later(rules: Rules, row: Row[Any], against: Against) -> Against:
    """What joins others waits for the digest after it."""
    return (
        replace(against, until=hours.with_a_digest(rules, row, against.until)) if against.until else against
    )


def enough(opening: Opening, day: datetime, expires_at: datetime) -> Against:
    """A person had enough until that day begins: it waits for that day's window, or is not worth it. Pure."""
    until = opening.hold(expires_at) or day
    return Against(Reason.FREQUENCY_CAP, until if until + SPARE <= expires_at else None)
