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

from gateway import channels
from gateway.cities import Rules
from gateway.delivery import frequency, hours
from gateway.notifications import preferences, suppression
from gateway.notifications.preferences import HEEDED, Asked
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
    tx: Connection, runtime: Runtime, rules: Rules, rows: Sequence[Row[Any]], addresses: Mapping[UUID, str]
) -> dict[UUID, Against]:
    """What stands against some of these rows, by their ids; ``addresses`` are where they go, where known."""
    now = runtime.clock()
    indexes = {
        row.id: runtime.vault.index(channels.load(row.channel).ADDRESS, addresses[row.id])
        for row in rows
        if row.klass in HEEDED and row.id in addresses
    }
    found = _refused(tx, [row for row in rows if row.id in indexes], indexes, now)
    if rules.notice_cap.none:
        return found
    notices = [row for row in rows if row.klass == Class.NOTICE and row.id in indexes and row.id not in found]
    return found | _too_many(tx, rules, notices, indexes, now)


def _refused(
    tx: Connection, rows: Sequence[Row[Any]], indexes: Mapping[UUID, bytes], now: datetime
) -> dict[UUID, Against]:
    """By what their addresses said, and else by what the people want."""
    keys = {row.id: (Class(row.klass), indexes[row.id]) for row in rows}
    stopped = suppression.against(tx, set(keys.values()), now)
    asked = [Asked(row.id, row.citizen_id, row.template_id, row.channel) for row in rows if row.citizen_id]
    unwanted = dict.fromkeys(preferences.against(tx, asked), Against(Reason.NOT_WANTED))
    return unwanted | {key: Against(stopped[one]) for key, one in keys.items() if one in stopped}


def _too_many(
    tx: Connection, rules: Rules, rows: Sequence[Row[Any]], indexes: Mapping[UUID, bytes], now: datetime
) -> dict[UUID, Against]:
    """Those whose people had enough notices for now."""
    people = {row.id: row.citizen_id or indexes[row.id] for row in rows}
    lately = frequency.had(tx, rules.notice_cap, set(people.values()), now, rules.zone)
    free = {row.id: lately.free_on(people[row.id]) for row in rows}
    held = [(row, day) for row in rows if (day := free[row.id])]
    midnights = {day: datetime.combine(day, time(), rules.zone) for _, day in held}
    kinds = {(row.channel, row.klass) for row, _ in held}
    opens = {day: hours.openings(rules, kinds, midnight) for day, midnight in midnights.items()}
    return {
        row.id: enough(opens[day][row.channel, row.klass], midnights[day], row.expires_at)
        for row, day in held
    }


def enough(opening: Opening, day: datetime, expires_at: datetime) -> Against:
    """A person had enough until that day begins: it waits for that day's window, or is not worth it. Pure."""
    until = opening.hold(expires_at) or day
    return Against(Reason.FREQUENCY_CAP, until if until + SPARE <= expires_at else None)
