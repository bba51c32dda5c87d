"""Claim due notifications of a lane, and write down what will be tried before it is tried.

One short transaction: lease the rows, sort them by where they stand, open the
attempts. What was leased to a worker that died comes back here as *unknown*.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, and_, true, update

from gateway import channels, cities
from gateway.cities import Rules
from gateway.db import begin_until, due, new_lease
from gateway.delivery import acceptances, hours, joined, joining, measures, number_caps, retry
from gateway.delivery.addressing import SEALED, Cells
from gateway.delivery.batches import batches
from gateway.delivery.compose import Joined, Letter, Unsendable, compose
from gateway.delivery.number_caps import WHOEVER
from gateway.delivery.store import attempts, new_handover
from gateway.messages import Message
from gateway.notifications import store
from gateway.notifications.pauses import Kind, everything
from gateway.notifications.reasons import Reason
from gateway.notifications.request import CLASSES
from gateway.notifications.status import Status
from gateway.notifications.store import Move, moved, notifications
from gateway.providers import Inquiry, Unknown
from gateway.rows import insert_many
from gateway.runtime import Runtime
from gateway.traffic.turn import Turn


class Held(NamedTuple):
    """One notification held under our lease, with what its next decision looks at."""

    id: UUID
    lane: str
    broadcast_id: UUID | None
    status: Status
    standing: retry.Standing
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class Handover:
    """One call to make: up to a provider's batch of messages, each with its notification.

    ``indexes`` are the blind indexes of their addresses. ``together`` has an entry for each message
    where one tells several notifications: they stand side by side, each with that message.
    """

    id: str
    provider: str
    held: Sequence[Held]
    messages: Sequence[Message]
    indexes: Sequence[bytes]
    together: Sequence[Joined | None] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """One unknown message to ask its provider about: of a notification, or of several that it told."""

    held: Held
    provider: str
    inquiry: Inquiry
    others: Sequence[Held] = ()

    @property
    def every(self) -> Sequence[Held]:
        return self.held, *self.others


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a claim leaves to do over the network, under one lease; ``rows`` is how many were due.

    After ``until`` nothing may be begun: the lease is so near its end that another
    worker might have the rows before an answer came.
    """

    lease: int
    rows: int
    until: datetime
    handovers: Sequence[Handover] = ()
    questions: Sequence[Question] = ()


@dataclass(slots=True)
class Sheet:
    """Rows of one claim, sorted by what comes next, and the moves that need no network."""

    moves: list[Move] = field(default_factory=list)
    send: list[Row[Any]] = field(default_factory=list)
    lost: list[Row[Any]] = field(default_factory=list)
    marked: dict[bool, list[Move]] = field(default_factory=dict)  # whether they may join others from now on
    held_back: Counter[measures.Key] = field(default_factory=Counter)  # by bounds, to be counted

    def add(self, other: Sheet) -> None:
        """The rows of another one as well."""
        self.moves += other.moves
        self.send += other.send


def channel_of(lane: str) -> str:
    return lane.partition(".")[0]


def waits(runtime: Runtime, lane: str) -> retry.Waits:
    """How long receipts are waited for on this lane's channel, and before a lost answer is asked about."""
    window = channels.load(channel_of(lane)).RECEIPT_WINDOW
    return retry.Waits(window, timedelta(seconds=runtime.settings.reconcile_after))


COLUMNS = [
    notifications.c[name]
    for name in (
        "id citizen_id broadcast_id address lane klass template_id template_version personalisation status "
        "provider tries created_at expires_at due_at title digest sender_id unsubscribe plays"
    ).split()
]
"""What a claim reads of a notification: the rest is for people."""


def claim_lane(runtime: Runtime, lane: str, limit: int, turn: Turn | None = None) -> Claimed:
    """Hold up to ``limit`` due rows of a lane and open their attempts; one transaction.

    Whatever comes next for a row is written once: those to be sent get the lease with their
    attempt, the others the end or the later time they wait for. Rows to ask about are left to
    ``inquiring``: what is to be sent goes first. ``turn`` is what each provider may be given.
    """
    now, lease = runtime.clock(), new_lease()
    with runtime.db.write() as tx:
        still = everything(tx)
        if lane in still[Kind.LANE]:
            return Claimed(lease, 0, now)
        where = [notifications.c.lane == lane, _to_send(still[Kind.BROADCAST])]
        rows = tx.execute(due(notifications, COLUMNS, now=now, limit=limit, where=where)).all()
        rules = cities.of(runtime).rules_now(now)
        sheet = sort(channel_of(lane), rows, now, rules)
        if others := joining.others(tx, COLUMNS, sheet.send, where, now):
            sheet.add(sort(channel_of(lane), others, now, rules))
        _lost(tx, runtime, sheet, now)
        handovers = gather(tx, runtime, channel_of(lane), sheet, still[Kind.PROVIDER], turn or Turn())
        _open(tx, runtime, handovers, lease, now)
        measures.add(tx, sheet.held_back, now)
        store.move(tx, sheet.moves, now)
        for may_join, moves in sheet.marked.items():
            store.move(tx, moves, now, extra={"digest": may_join})
    return Claimed(lease, len(rows), begin_until(now, runtime.settings.lease), handovers=handovers)


def _to_send(paused: Collection[str]) -> ColumnElement[bool]:
    """Anything but what is to be asked about, and nothing of a broadcast that is held still."""
    columns = notifications.c
    still = [UUID(name) for name in paused]
    free = (columns.broadcast_id.is_(None) | columns.broadcast_id.not_in(still)) if still else true()
    return and_(columns.status != Status.UNKNOWN, free | (columns.status != Status.WAITING))


def sort(channel: str, rows: Sequence[Row[Any]], now: datetime, rules: Rules) -> Sheet:
    """Due rows of a channel, by what comes next for each."""
    sheet = Sheet()
    closed = hours.closed(rules, channel, now)
    for row in rows:
        match row.status:
            case Status.ACCEPTED:
                sheet.moves.append(moved(row, Status.ACCEPTED, None, Reason.NO_RECEIPT))
            case Status.SENDING:
                sheet.lost.append(row)
            case _ if row.expires_at <= now:
                sheet.moves.append(moved(row, Status.EXPIRED, None, Reason.TOO_LATE))
            case _ if closed and (until := hours.hold(closed, channel, row)):
                until = min(hours.with_a_digest(rules, row, until), row.expires_at)
                sheet.moves.append(moved(row, Status.WAITING, until, Reason.OUTSIDE_WINDOW))
            case _:
                sheet.send.append(row)
    return sheet


def held_of(row: Row[Any], status: Status, tries: int, *, others: bool = False) -> Held:
    """A row as it is held after so many tries."""
    standing = retry.Standing(CLASSES[row.klass], tries, row.expires_at, others)
    return Held(row.id, row.lane, row.broadcast_id, status, standing, row.created_at)


# --- rows whose worker died ---------------------------------------------------------------


def _lost(tx: Connection, runtime: Runtime, sheet: Sheet, now: datetime) -> None:
    """The attempts of a lease that ended without an answer become unknown; an answer may be folded still."""
    if not sheet.lost:
        return
    known = acceptances.unfold_of(tx, [row.id for row in sheet.lost], now)
    sheet.lost = [row for row in sheet.lost if row.id not in known]
    open_ones = attempts.c.notification_id.in_([row.id for row in sheet.lost]) & attempts.c.outcome.is_(None)
    ended = (
        update(attempts).where(open_ones).values(outcome="unknown", code=Reason.WORKER_LOST, finished_at=now)
    )
    lost = Counter(tx.execute(ended.returning(attempts.c.provider)).scalars())
    measures.add(tx, {(measures.ATTEMPTS, name, "unknown"): n for name, n in lost.items()}, now)
    for row in sheet.lost:
        held = held_of(row, Status.SENDING, row.tries)
        then = retry.after(Unknown(Reason.WORKER_LOST), held.standing, now, waits(runtime, row.lane))
        sheet.moves.append(moved(row, then.status, then.due_at, then.reason))


# --- rows to hand over -----------------------------------------------------------------------


def gather(
    tx: Connection,
    runtime: Runtime,
    channel: str,
    sheet: Sheet,
    still: Collection[str],
    turn: Turn,
    cells: Cells = SEALED,
) -> list[Handover]:
    """Gather the rows into calls; what cannot be sent at all ends here, with its reason. Only reads."""
    if not sheet.send:
        return []
    sendable: list[tuple[Held, Letter]] = []
    joint = joining.of(tx, runtime, channel, sheet.send)
    letters, sheet.held_back = compose(tx, runtime, channel, sheet.send, still, turn, joint, cells)
    going = [letter.address_index for letter in letters if isinstance(letter, Letter)]
    callees = number_caps.by_channel(tx, runtime, channel, going)
    for row, letter in zip(sheet.send, letters, strict=True):
        if letter is None:
            continue  # another's letter tells it
        if isinstance(letter, Unsendable):
            move = moved(row, letter.status, letter.due_at, letter.reason)
            where = sheet.moves if letter.digest is None else sheet.marked.setdefault(letter.digest, [])
            where.append(move)
        elif capped := callees.until([WHOEVER], letter.address_index, row.klass, row.template_id):
            sheet.moves += [
                moved(one, Status.WAITING, min(capped[WHOEVER], one.expires_at), Reason.CALLEE_CAP)
                for one in letter.told_with(row)
            ]
        else:
            callees.took(WHOEVER, letter.address_index, row.klass, row.template_id)
            sendable.append((sending(row, letter), letter))
    calls = [(_handover(provider, batch), batch) for provider, batch in batches(runtime, sendable)]
    return [joined.spread(call, batch, sending) if joint else call for call, batch in calls]


def sending(row: Row[Any], letter: Letter) -> Held:
    """A row in the hand-over of this letter."""
    return held_of(row, Status.SENDING, row.tries + 1, others=letter.others)


def _handover(provider: str, batch: Sequence[tuple[Held, Letter]]) -> Handover:
    held, letters = zip(*batch, strict=True)
    messages, indexes = [one.message for one in letters], [one.address_index for one in letters]
    return Handover(new_handover(), provider, held, messages, indexes)


def _open(tx: Connection, runtime: Runtime, handovers: Sequence[Handover], lease: int, now: datetime) -> None:
    """Write the attempts, and that their notifications are being sent."""
    open_attempts(tx, handovers, lease, now)
    leased_until = now + timedelta(seconds=runtime.settings.lease)
    for provider in sorted({handover.provider for handover in handovers}):
        started = [
            Move(one.id, one.lane, Status.WAITING, Status.SENDING, leased_until, None, one.broadcast_id)
            for handover in handovers
            if handover.provider == provider
            for one in handover.held
        ]
        tries = notifications.c.tries + 1
        more = {"provider": provider, "tries": tries, "handed_over_at": now, "lease": lease}
        store.move(tx, started, now, extra=more)


def open_attempts(tx: Connection, handovers: Sequence[Handover], lease: int, now: datetime) -> None:
    """Write down what will be tried."""
    if not handovers:
        return
    every = [(handover, held) for handover in handovers for held in handover.held]
    rows: dict[str, Sequence[Any]] = {
        "notification_id": [held.id for _, held in every],
        "handover": [handover.id for handover, _ in every],
        "provider": [handover.provider for handover, _ in every],
        "address_index": [index for handover in handovers for index in handover.indexes],
        "lease": [lease] * len(every),
        "started_at": [now] * len(every),
    }
    insert_many(tx, attempts, rows)
    joined.keep(tx, handovers)
