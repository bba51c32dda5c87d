"""How far a broadcast is: read from the ledger in a handful of queries, however many it is for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select

from gateway import channels
from gateway.broadcasts import answers, people
from gateway.broadcasts import definition as definitions
from gateway.broadcasts.definition import Definition
from gateway.broadcasts.ladder import Rung
from gateway.broadcasts.people import People
from gateway.broadcasts.store import State
from gateway.content import documents
from gateway.content.documents import Listed
from gateway.delivery.claim import channel_of
from gateway.notifications import pauses, questions
from gateway.notifications.asks import Asks
from gateway.notifications.entries import TAKEN, ledger
from gateway.notifications.pauses import Kind
from gateway.notifications.status import Status
from gateway.notifications.store import notifications

OPEN = (Status.WAITING, Status.SENDING)


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel's share: how many were taken, and where they stand."""

    name: str
    taken: int
    standing: Mapping[str, int]

    def through(self) -> int:
        """Those that wait for nothing of ours any more."""
        return self.taken - sum(self.standing.get(status, 0) for status in OPEN)


@dataclass(frozen=True, slots=True)
class Progress:
    """A broadcast as it stands.

    ``audience`` is how many were counted (None while a list is read in), ``taken`` and
    ``by_status`` are messages of all channels, a replay in the place of the dead one,
    ``through`` those of the first that wait for nothing of ours any more, ``people`` the audience by
    where each stands, and ``reached`` how many of them were; by ``deadline`` the others are to be called.
    ``awaiting_receipts`` are messages whose receipt may still come. ``rate`` is messages
    through a second since the start, pauses not counted; ``eta_s`` the seconds until
    the present stage is through, None where that cannot be told. ``answers`` are how many
    made each choice, None where nothing is asked or the first answers are forgotten again.
    """

    id: UUID
    name: str
    template: str
    state: str
    stage: int
    audience: int | None
    taken: int
    through: int
    by_status: Mapping[str, int]
    delivered: int
    reached: int
    people: People
    rungs: tuple[Rung, ...]
    deadline: datetime | None
    suppressed: int
    awaiting_receipts: int
    rate: float
    eta_s: int | None
    channels: tuple[Channel, ...]
    attachments: tuple[Listed, ...]
    asks: Asks | None
    answers: Mapping[str, int] | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def answered(self) -> int | None:
        return None if self.answers is None else sum(self.answers.values())


def of(tx: Connection, row: Any, now: datetime) -> Progress:
    """The progress of a broadcast's row."""
    return of_all(tx, [row], now)[0]


def of_all(tx: Connection, rows: Sequence[Any], now: datetime) -> list[Progress]:
    """The progress of each of these rows; a handful of queries for all of them."""
    keys = [row.id for row in rows]
    entries, files, said = _entries(tx, keys), documents.listed(tx, keys), answers.counted(tx, keys)
    counted = people.of_all(tx, rows, {row.id: _first(row, entries) for row in rows}, now)
    standing = _standing(tx, keys, entries)
    paused = pauses.paused(tx, Kind.BROADCAST)
    found = []
    for row in rows:
        pause = paused.get(str(row.id)) if row.state == State.PAUSED else None
        shares, until = standing.get(row.id, {}), pause.since if pause else now
        one = _progress(row, shares, counted[row.id], files.get(row.id, ()), until, now)
        found.append(replace(one, answers=_answers(row, one.asks, said.get(row.id, {}), now)))
    return found


Entries = Mapping[UUID, dict[str, dict[str, int]]]  # broadcast, channel, entry


def _entries(tx: Connection, keys: Sequence[UUID]) -> Entries:
    """The ledger's entries of these broadcasts, summed up."""
    columns = ledger.c
    query = select(columns.broadcast_id, columns.lane, columns.entry, func.sum(columns.difference))
    query = query.where(columns.broadcast_id.in_(keys))
    sums: dict[UUID, dict[str, dict[str, int]]] = {}
    for key, lane, entry, n in tx.execute(query.group_by(*query.selected_columns[:3])):
        sums.setdefault(key, {}).setdefault(channel_of(lane), {})[entry] = int(n)
    return sums


def _first(row: Any, entries: Entries) -> dict[str, int]:
    """The messages of a broadcast's first channel by status."""
    channel = definitions.load(row.definition).channel
    summed = entries.get(row.id, {}).get(channel, {})
    return {entry: n for entry, n in summed.items() if entry != TAKEN and n}


def _standing(tx: Connection, keys: Sequence[UUID], sums: Entries) -> dict[UUID, dict[str, Channel]]:
    """Each broadcast's channels; who was written to anew counts once."""
    for key, lane, status, n in _replayed(tx, keys):
        entries = sums[key][channel_of(lane)]
        entries[TAKEN] -= n
        entries[status] -= n
    return {
        key: {
            name: Channel(name, entries.pop(TAKEN, 0), {status: n for status, n in entries.items() if n})
            for name, entries in channels_.items()
        }
        for key, channels_ in sums.items()
    }


def _replayed(tx: Connection, keys: Sequence[UUID]) -> Iterable[Any]:
    """How many messages a replay took the place of, by broadcast, lane and status.

    The few replays come first, for a broadcast may have a million rows.
    """
    columns = notifications.c
    replays = select(columns.replay_of).where(columns.replay_of.is_not(None))
    few = replays.cte("replays").prefix_with("MATERIALIZED")
    query = select(columns.broadcast_id, columns.lane, columns.status, func.count())
    query = query.where(columns.id.in_(select(few.c.replay_of)), columns.broadcast_id.in_(keys))
    return tx.execute(query.group_by(*query.selected_columns[:3]))


def _progress(
    row: Any,
    standing: Mapping[str, Channel],
    counted: People,
    files: tuple[Listed, ...],
    running_until: datetime,
    now: datetime,
) -> Progress:
    definition = definitions.load(row.definition)
    shares = [standing.get(name, Channel(name, 0, {})) for name in definition.channels]
    by_status: Counter[str] = Counter()
    for share in shares:
        by_status.update(share.standing)
    rate = _rate(row, sum(share.through() for share in shares), running_until)
    return Progress(
        id=row.id,
        name=row.name,
        template=row.template,
        state=row.state,
        stage=row.stage,
        audience=row.counted if row.counted is None else counted.audience,
        taken=sum(share.taken for share in shares),
        through=shares[0].through(),
        by_status=dict(by_status),
        delivered=by_status[Status.DELIVERED],
        reached=sum(counted.reached.values()),
        people=counted,
        rungs=definition.rungs,
        deadline=_deadline(row, definition),
        suppressed=by_status[Status.SUPPRESSED],
        awaiting_receipts=sum(_awaited(row, share, now) for share in shares),
        rate=round(rate, 1),
        eta_s=_eta(row, definition, shares, rate),
        channels=tuple(share for share in shares if share.taken),
        attachments=files,
        asks=definition.asks,
        answers=None,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def _deadline(row: Any, definition: Definition) -> datetime | None:
    if row.started_at is None or definition.within_seconds is None:
        return None
    ends: datetime = row.started_at + timedelta(seconds=definition.within_seconds)
    return ends


def _answers(row: Any, asks: Asks | None, said: Mapping[str, int], now: datetime) -> dict[str, int] | None:
    """By every choice there is; questions are forgotten after a while, and then no count is true."""
    if asks is None or (row.started_at and now >= row.started_at + questions.KEPT):
        return None
    return {digit: said.get(digit, 0) for digit, _ in asks.choices}


def _awaited(row: Any, share: Channel, now: datetime) -> int:
    """Messages whose receipt may still come: after the channel's window none does."""
    last = row.finished_at or row.exhausted_at
    if last is not None and now >= last + channels.load(share.name).RECEIPT_WINDOW:
        return 0
    return share.standing.get(Status.ACCEPTED, 0) + share.standing.get(Status.UNKNOWN, 0)


def _rate(row: Any, through: int, running_until: datetime) -> float:
    """Messages through a second, while it ran."""
    if row.started_at is None:
        return 0.0
    ends: datetime = row.finished_at or row.settled_at or running_until
    ran: timedelta = ends - row.started_at - timedelta(seconds=row.held_s)
    return through / max(ran.total_seconds(), 1.0)


def _eta(row: Any, definition: Definition, shares: list[Channel], rate: float) -> int | None:
    """Seconds until the present stage has handed over all it will."""
    if row.state != State.RUNNING or row.counted is None:
        return None
    if row.stage > 1:
        left = sum(share.taken - share.through() for share in shares[1 : row.stage])
        return round(left / rate) if row.exhausted_at and rate else None
    left = max(0, row.counted - shares[0].through())
    slowest = min(rate, definition.pace / 60) if definition.pace else rate
    return round(left / slowest) if slowest else None


def as_json(progress: Progress) -> dict[str, Any]:
    """As the API and the command show it."""
    shown = {**asdict(replace(progress, asks=None)), "id": str(progress.id)}
    shown["channels"] = [
        {"channel": one.name, "taken": one.taken, "by_status": dict(one.standing)}
        for one in progress.channels
    ]
    shown["asks"] = answers.question_as_json(progress.asks)
    shown["answered"] = progress.answered
    shown["people"] = people.as_json(progress.people)
    shown["ladder"] = [asdict(rung) for rung in progress.rungs]
    del shown["rungs"]
    for name in ("created_at", "started_at", "finished_at", "deadline"):
        shown[name] = stamp(shown[name])
    return shown


def stamp(at: datetime | None) -> str | None:
    """As every time is written for systems."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if at else None
