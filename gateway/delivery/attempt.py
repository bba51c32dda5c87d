"""Work a lane: claim, hand over with several calls in flight, record what came back together.

One thread claims and records, a few make the calls. While answers are awaited the next rows are
claimed already, and answers that come at about the same time share one commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from queue import Empty, SimpleQueue
from threading import Timer
from time import monotonic, sleep
from typing import TypeVar

import structlog
from sqlalchemy.exc import OperationalError

from gateway.delivery import joined, record, routes
from gateway.delivery.claim import (
    Claimed,
    Handover,
    Question,
    channel_of,
    claim_lane,
)
from gateway.delivery.inquiring import claim_questions
from gateway.delivery.reconcile import ask
from gateway.delivery.record import Answer
from gateway.delivery.store import CODE, REFERENCE, storable
from gateway.messages import Message
from gateway.notifications.reasons import Reason
from gateway.providers import Accepted, Outcome, Unknown, Unreachable
from gateway.runtime import Runtime

IN_FLIGHT = 16  # calls at the same time, in each run of a lane; as many connections a provider keeps
BATCHES = 5  # in a claim
AT_A_PLACE = 4  # calls that wait for each place, where a provider takes few at the same time
FEWEST = 200  # rows in a claim, for providers that take one message a call
QUESTIONS = 4  # asked between two claims: what is to be sent never waits for long
TOGETHER = 1_000  # messages whose answers are recorded in one commit, if they come
WITHIN = 0.02  # seconds after the first of them
MOMENT = 0.005  # seconds between two looks at what came
PATIENCE = 0.25  # seconds without any answer before others are claimed
PAUSE = 1.0  # seconds: providers that may be given no more now may be given some then
PAUSES = (0.1, 1.0)  # seconds before an outcome is written once more: a ring of locks, a restart
T = TypeVar("T")
log = structlog.get_logger()


def never() -> bool:
    """Nobody asks to stop."""
    return False


def run_lane(
    runtime: Runtime, lane: str, *, seconds: float = 20.0, stopping: Callable[[], bool] = never
) -> int:
    """Work off what is due in a lane; returns how many rows were looked at.

    Goes on until nothing is due or ``seconds`` have passed; then it asks to be woken again, so that
    one long backlog does not hold a worker for ever. When ``stopping`` says so nothing more is
    begun: what was claimed and not yet handed over goes back to wait.
    """
    limit, ends = _claim_size(runtime, lane), monotonic() + seconds
    with handing_over(runtime, lane, stopping) as calls:
        while not stopping() and monotonic() < ends:
            if not _turn(runtime, lane, limit, calls):
                return calls.looked_at
    runtime.wake(lane)
    return calls.looked_at


@contextmanager
def handing_over(
    runtime: Runtime, name: str, stopping: Callable[[], bool] = never, *, fold: bool = False
) -> Iterator[Calls]:
    """The calls of one run; at its end what providers said is written down, whatever went wrong.

    With ``fold`` what one took as a whole is written down for the whole, and unfolded by others.
    """
    with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix=name) as pool:
        calls = Calls(runtime, pool, stopping, fold=fold)
        try:
            yield calls
        finally:
            while calls.open:
                calls.settle()


def _turn(runtime: Runtime, lane: str, limit: int, calls: Calls) -> bool:
    """Claim where there is room, then record what came back; False when nothing is due or open any more.

    What an answer made due at once, as a code that may be lost, is looked for once more.
    """
    first = not calls.looked_at
    rows = _claim(runtime, lane, limit, calls) if calls.open <= limit else limit
    if first and rows == limit:
        runtime.wake(lane)  # more than one worker's fill
    if rows < limit:
        rows += calls.begin(claim_questions(runtime, lane, QUESTIONS))
    settled = calls.settle() if calls.open > limit or rows < limit else 0
    return bool(rows or settled or calls.open)


def _claim(runtime: Runtime, lane: str, limit: int, calls: Calls) -> int:
    """Claim what providers may be given; where they may be given no more, ask to be woken when they may."""
    with routes.turn(runtime, lane, limit) as turn:
        rows = calls.begin(claim_lane(runtime, lane, turn.limit, turn)) if turn.limit else 0
    if not turn.exhausted():
        return rows
    later = Timer(PAUSE, runtime.wake, (lane,))
    later.daemon = True
    later.start()
    return 0


def _claim_size(runtime: Runtime, lane: str) -> int:
    """Five calls of the largest kind; no more than those that take few at a time get done in a while."""
    sizes = []
    for name in runtime.weights(channel_of(lane)):
        batch, bound = runtime.providers[name].batch, runtime.settings.allowances.get(name)
        few = bound.concurrent * AT_A_PLACE * batch if bound else 0
        sizes.append(few or max(FEWEST, BATCHES * batch))
    return max(sizes, default=FEWEST)


class Calls:
    """The calls of one run: those begun, and their answers as they come back."""

    def __init__(
        self, runtime: Runtime, pool: ThreadPoolExecutor, stopping: Callable[[], bool], *, fold: bool
    ) -> None:
        self.looked_at = 0  # rows claimed so far
        self.open = 0  # messages handed to a thread whose answer is not recorded yet
        self._runtime = runtime
        self._pool = pool
        self._fold = fold
        self.stopping = stopping
        self._answers: SimpleQueue[Answer | None] = SimpleQueue()

    def begin(self, claimed: Claimed) -> int:
        """Let the threads make the calls of a claim; returns how many rows it looked at."""
        self.looked_at += claimed.rows
        calls = claimed.handovers
        self.open += sum(len(handover.held) for handover in calls)
        each = max(1, len(calls) // (2 * IN_FLIGHT))  # one after the other, so that threads change less often
        for first in range(0, len(calls), each):
            self._pool.submit(self._hand_over, claimed, calls[first : first + each])
        for question in claimed.questions:
            self.open += 1
            self._pool.submit(self._ask, claimed, question)
        return claimed.rows

    def has_room(self, most: int) -> bool:
        """Whether no more than ``most`` messages are open, once what comes soon is recorded."""
        left = -1
        while self.open > most and self.open != left:
            left = self.open
            self.settle()
        return self.open <= most and not self.stopping()

    def settle(self) -> int:
        """Record the answers that come soon; how many. A silent provider does not hold up the next claim."""
        try:
            answers = [self._answers.get(timeout=PATIENCE if self.open else 0)]
        except Empty:
            return 0
        ends = monotonic() + WITHIN
        answers += self._there()
        while (messages := sum(map(_size, answers))) < min(TOGETHER, self.open) and monotonic() < ends:
            sleep(MOMENT)  # to be woken for each of them would cost more than the call
            answers += self._there()
        self.open -= messages
        _record(self._runtime, [answer for answer in answers if answer], fold=self._fold)
        return len(answers)

    def _there(self) -> list[Answer | None]:
        found = []
        with suppress(Empty):
            while True:
                found.append(self._answers.get_nowait())
        return found

    def _hand_over(self, claimed: Claimed, handovers: Sequence[Handover]) -> None:
        for handover in handovers:
            outcomes = self._outcomes(claimed, joined.once(handover))
            self._answers.put(Answer(claimed.lease, handover, joined.each(handover, outcomes)))

    def _outcomes(self, claimed: Claimed, handover: Handover) -> Sequence[Outcome]:
        lane, stopping = handover.held[0].lane, self.stopping
        try:
            with routes.calling(self._runtime, handover.provider, lane, claimed.until, stopping) as free:
                return _made(self._runtime, claimed, handover, stopping=stopping() or not free)
        except Exception as error:  # noqa: BLE001 - whoever waits for the answer must have one
            log.error("call_failed", error=type(error).__name__)  # noqa: TRY400 - see _answered
            return [Unknown(Reason.OUR_BUG)] * len(handover.held)

    def _ask(self, claimed: Claimed, question: Question) -> None:
        try:
            ask(self._runtime, claimed, question)
        except Exception as error:  # noqa: BLE001 - asked again when the lease ends
            log.warning("question_failed", error=type(error).__name__)
        self._answers.put(None)


def _size(answer: Answer | None) -> int:
    return len(answer.handover.held) if answer else 1


def _made(runtime: Runtime, claimed: Claimed, handover: Handover, *, stopping: bool) -> Sequence[Outcome]:
    """Make one call, an outcome for each message; what is too old, or has not lease enough, stays behind."""
    now = runtime.clock()
    if stopping or now >= claimed.until:
        return [Unreachable(Reason.NOT_TRIED)] * len(handover.held)
    if now < min(held.standing.expires_at for held in handover.held):
        return _call(runtime, handover, handover.messages)
    fresh = [now < held.standing.expires_at for held in handover.held]
    messages = [message for message, good in zip(handover.messages, fresh, strict=True) if good]
    answers = iter(_call(runtime, handover, messages) if messages else ())
    return [next(answers) if good else Unreachable(Reason.TOO_LATE) for good in fresh]


def _call(runtime: Runtime, handover: Handover, messages: Sequence[Message]) -> Sequence[Outcome]:
    begun = runtime.clock()
    outcomes = _answered(runtime, handover, messages)
    took = (runtime.clock() - begun).total_seconds()
    runtime.board.report(handover.provider, outcomes, took)
    return outcomes


def _answered(runtime: Runtime, handover: Handover, messages: Sequence[Message]) -> Sequence[Outcome]:
    try:
        outcomes = runtime.providers[handover.provider].hand_over(handover.id, messages)
        return [_storable(outcome) for _, outcome in zip(messages, outcomes, strict=True)]
    except Exception as error:  # noqa: BLE001 - a bug in the provider: what it did is not known, so say so
        kind = type(error).__name__  # and no traceback: it may hold personal data
        log.error("provider_bug", provider=handover.provider, error=kind)  # noqa: TRY400
        return [Unknown(Reason.PROVIDER_BUG)] * len(messages)


def _storable(outcome: Outcome) -> Outcome:
    """One odd word must not keep those from being recorded that share its commit."""
    if isinstance(outcome, Accepted):
        kept = storable(outcome.reference, REFERENCE)
        return outcome if kept == outcome.reference else Accepted(kept)
    code = storable(outcome.code, CODE)
    return outcome if code == outcome.code else replace(outcome, code=code)


def _record(runtime: Runtime, answers: Sequence[Answer], *, fold: bool) -> None:
    """Write the outcomes down, once more where the database failed: what was heard must not be lost."""
    if not answers:
        return
    pauses = iter(PAUSES)
    while True:
        try:
            with runtime.db.write() as tx:
                record.record(tx, runtime, answers, fold=fold)
            break
        except OperationalError as error:
            if (pause := next(pauses, None)) is None:
                raise
            log.warning("outcomes_not_recorded", calls=len(answers), error=type(error.orig).__name__)
            sleep(pause)
    for provider, messages in _by_provider(answers).items():
        log.info("handed_over", provider=provider, calls=len(messages), messages=sum(messages))


def _by_provider(answers: Sequence[Answer]) -> Mapping[str, Sequence[int]]:
    """How many messages each call had."""
    found: dict[str, list[int]] = {}
    for answer in answers:
        found.setdefault(answer.handover.provider, []).append(len(answer.handover.held))
    return found
