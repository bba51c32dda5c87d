"""Write down what became of hand-overs: on attempts, notifications, addresses and in the counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from gateway import channels
from gateway.delivery import acceptances, joined, measures, reachability, retry
from gateway.delivery.claim import Handover, waits
from gateway.delivery.reachability import Said
from gateway.delivery.store import attempts
from gateway.notifications import store
from gateway.notifications.status import Status
from gateway.notifications.store import Move, moved
from gateway.provider_books import DayCounter
from gateway.providers import Accepted, Cause, Outcome, Rejected, Unknown
from gateway.rows import update_each
from gateway.runtime import Runtime


class Answer(NamedTuple):
    """What came of one call under a lease: an outcome for each of its messages, in order."""

    lease: int
    handover: Handover
    outcomes: Sequence[Outcome]


def record(tx: Connection, runtime: Runtime, answers: Sequence[Answer], *, fold: bool = False) -> None:
    """Write the outcomes down: on the attempts always, on the notifications where the lease is still ours.

    With ``fold`` what a provider took as a whole is one row, for a moment (``acceptances``).

    An attempt that was given up as unknown in the meantime still learns its
    provider reference, so that the receipt finds it.
    """
    now = runtime.clock()
    whole = {one.handover.id: one for one in answers if fold and _foldable(runtime, one, now)}
    acceptances.fold(tx, runtime, {key: _taken(one) for key, one in whole.items()}, now)
    _each(tx, runtime, [one for one in answers if one.handover.id not in whole], now)
    _measure(tx, runtime, answers, now)


def _foldable(runtime: Runtime, answer: Answer, now: datetime) -> bool:
    """Its lease is as old as its messages, or younger."""
    return acceptances.foldable(runtime, answer.outcomes, answer.handover.held[0].taken_at, now)


def _taken(answer: Answer) -> Accepted:
    first = answer.outcomes[0]
    assert isinstance(first, Accepted)
    return first


def _each(tx: Connection, runtime: Runtime, answers: Sequence[Answer], now: datetime) -> None:
    """Write them onto each attempt and notification."""
    if not answers:
        return
    moves = {answer.lease: list[Move]() for answer in answers}
    for answer in answers:
        moves[answer.lease] += _moves(runtime, answer, now)
    standing = _held(tx, moves)
    made = sum(store.move(tx, some, now, lease=lease) for lease, some in moves.items())
    if made < sum(map(len, moves.values())):
        _late(tx, runtime, standing or _hold(tx, moves), answers, now)
    _finish(tx, answers, now)
    _heed(tx, runtime, answers, now)


def _moves(runtime: Runtime, answer: Answer, now: datetime) -> list[Move]:
    held, wait = answer.handover.held, waits(runtime, answer.handover.held[0].lane)
    if _alike(answer.outcomes) and isinstance(answer.outcomes[0], Accepted):
        then = retry.after(answer.outcomes[0], held[0].standing, now, wait)  # the same for all of them
        return [
            Move(one.id, one.lane, one.status, then.status, then.due_at, None, one.broadcast_id)
            for one in held
        ]
    thens = [
        retry.after(outcome, one.standing, now, wait)
        for one, outcome in zip(held, answer.outcomes, strict=True)
    ]
    return [moved(one, then.status, then.due_at, then.reason) for one, then in zip(held, thens, strict=True)]


def _alike(outcomes: Sequence[Outcome]) -> bool:
    return outcomes.count(outcomes[0]) == len(outcomes)


def _held(tx: Connection, moves: Mapping[int, Sequence[Move]]) -> Mapping[UUID, Any]:
    """Those rows, locked in the one order of locks; none where one statement, in that order, will do."""
    alike = {(lease, move[1:]) for lease, some in moves.items() for move in some}
    return _hold(tx, moves) if len(alike) > 1 else {}


def _hold(tx: Connection, moves: Mapping[int, Sequence[Move]]) -> Mapping[UUID, Any]:
    return store.hold(tx, [move.id for some in moves.values() for move in some])


def _late(
    tx: Connection,
    runtime: Runtime,
    standing: Mapping[UUID, Any],
    answers: Sequence[Answer],
    now: datetime,
) -> None:
    """What was given up as unknown while its call still ran follows that call's answer after all.

    Where it has been tried again since, the later try decides; but what was taken, was taken.
    """
    moves = []
    for _, handover, outcomes in answers:
        for held, how in zip(handover.held, outcomes, strict=True):
            row = standing[held.id]
            latest = row.tries == held.standing.tries or isinstance(how, Accepted)
            if row.status == Status.UNKNOWN and latest and not isinstance(how, Unknown):
                then = retry.after(how, held.standing, now, waits(runtime, held.lane))
                over = row.due_at is None  # withdrawn, or its broadcast went on without it
                if not (over and then.status is Status.WAITING):
                    moves.append(moved(row, then.status, None if over else then.due_at, then.reason))
    store.move(tx, moves, now)


def _finish(tx: Connection, answers: Sequence[Answer], now: datetime) -> None:
    """The outcomes onto their attempts: batches with one answer in one statement, all others in another."""
    whole: list[tuple[str, Outcome]] = []
    alone: list[tuple[UUID, str, Outcome]] = []
    for _, handover, outcomes in sorted(answers, key=lambda answer: answer.handover.id):
        if len(outcomes) > 1 and _alike(outcomes):
            whole.append((handover.id, outcomes[0]))
        else:
            alone += [(held.id, handover.id, how) for held, how in zip(handover.held, outcomes, strict=True)]
    if whole:
        _told(tx, {"handover": [one[0] for one in whole]}, [one[1] for one in whole], now)
    if alone:
        alone.sort(key=lambda one: one[0].int)
        keys: dict[str, Sequence[Any]] = {
            "notification_id": [one[0] for one in alone],
            "handover": [one[1] for one in alone],
        }
        _told(tx, keys, [one[2] for one in alone], now)


def _told(
    tx: Connection, keys: Mapping[str, Sequence[Any]], outcomes: Sequence[Outcome], now: datetime
) -> None:
    """Write each outcome where its keys are; a cause stays that an early receipt may have told."""
    each = [{**_values(how), "finished_at": now} for how in outcomes]
    columns = {name: [one[name] for one in each] for name in each[0]}
    update_each(tx, attempts, keys, columns, keep=("cause",))


def _values(outcome: Outcome) -> dict[str, Any]:
    return {
        "outcome": type(outcome).__name__.lower(),
        "code": None if isinstance(outcome, Accepted) else outcome.code,
        "provider_ref": outcome.reference if isinstance(outcome, Accepted) else None,
        "cause": outcome.cause.value if isinstance(outcome, Rejected) else None,
    }


def _heed(tx: Connection, runtime: Runtime, answers: Sequence[Answer], now: datetime) -> None:
    """What a provider says of an address, opted out or none at all, is believed for all of them."""
    said = [
        Said(index, _kind(runtime, handover.provider), handover.provider, now, how.cause)
        for _, handover, outcomes in answers
        for index, how in zip(handover.indexes, outcomes, strict=True)
        if isinstance(how, Rejected)
    ]
    if said:
        reachability.heed(tx, said, now)


def _kind(runtime: Runtime, provider: str) -> str:
    return channels.load(runtime.providers[provider].channel).ADDRESS


def _measure(tx: Connection, runtime: Runtime, answers: Sequence[Answer], now: datetime) -> None:
    counted: Counter[measures.Key] = Counter()
    waited: dict[str, Counter[float]] = {}
    for _, handover, outcomes in answers:
        for kind, n in Counter(map(type, outcomes)).items():
            counted[measures.ATTEMPTS, handover.provider, kind.__name__.lower()] += n
        counted[measures.UNKNOWN_CODES, handover.provider, "outcome"] += sum(map(_is_vague, outcomes))
        accepted = [
            one for one, how in zip(handover.held, outcomes, strict=True) if isinstance(how, Accepted)
        ]
        for (lane, taken_at), n in Counter((one.lane, one.taken_at) for one in accepted).items():
            waited.setdefault(lane, Counter())[(now - taken_at).total_seconds()] += n
    for lane, seconds in waited.items():
        counted.update(measures.handovers(lane, seconds))
    counted.update(_units(runtime, answers))
    measures.add(tx, counted, now)


def _is_vague(outcome: Outcome) -> bool:
    return isinstance(outcome, Rejected) and outcome.cause is Cause.UNSPECIFIED


def _units(runtime: Runtime, answers: Sequence[Answer]) -> Mapping[measures.Key, int]:
    """What was or may have been taken, as a provider counts that tells its sums of a day."""
    used = {answer.handover.provider: runtime.providers[answer.handover.provider] for answer in answers}
    counters = {name: one for name, one in used.items() if isinstance(one, DayCounter)}
    counted: Counter[measures.Key] = Counter()
    for _, handover, outcomes in answers:
        if counter := counters.get(handover.provider):
            for message, outcome in joined.messages(handover, outcomes):
                if isinstance(outcome, Accepted | Unknown):
                    key = (measures.UNITS, handover.provider, type(outcome).__name__.lower())
                    counted[key] += counter.units(message.text, message.signature)
    return counted
