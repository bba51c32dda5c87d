"""A turn at the providers for one claim: what all workers know and allow, and what operators wished."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime, timedelta

from gateway import cities
from gateway.delivery import route_book
from gateway.notifications.request import URGENT
from gateway.runtime import Runtime
from gateway.traffic.board import Call, Overrides, Wish
from gateway.traffic.turn import Turn


@contextmanager
def turn(runtime: Runtime, lane: str, limit: int) -> Iterator[Turn]:
    """Around the claim of up to ``limit`` rows of a lane, never within it: this speaks to the broker."""
    now = runtime.clock()
    channel = lane.partition(".")[0]
    weights = runtime.weights(channel)
    changes = runtime.board.look(channel, weights, now.timestamp(), lambda: _overrides(runtime, now))
    if changes:
        with runtime.db.write() as tx:
            route_book.note(tx, changes)
    day, ends = _day(runtime, now)
    wish = Wish(
        channel=channel,
        urgent=_is_urgent(lane),
        limit=limit,
        weights=weights,
        allowances=runtime.settings.allowances,
        now=now.timestamp(),
        day=day,
        day_ends=ends.timestamp(),
    )
    with runtime.board.turn(wish) as given:
        yield given


def calling(
    runtime: Runtime, provider: str, lane: str, until: datetime, stopping: Callable[[], bool]
) -> AbstractContextManager[bool]:
    """Around a call that may be begun ``until`` then, or until we are ``stopping``; False where no place
    for it was free by then.
    """
    allowance = runtime.settings.allowances.get(provider)
    if allowance is None or not allowance.concurrent:
        return nullcontext(enter_result=True)
    now = runtime.clock()
    patience = (until - now).total_seconds()
    call = Call(
        provider=provider,
        concurrent=allowance.concurrent,
        urgent=_is_urgent(lane),
        now=now.timestamp(),
        held_until=now.timestamp() + patience + runtime.settings.lease,
        patience=patience,
    )
    return runtime.board.calling(call, stopping)


def _is_urgent(lane: str) -> bool:
    return lane.endswith(f".{URGENT}")


def _overrides(runtime: Runtime, now: datetime) -> Overrides:
    with runtime.db.read() as tx:
        return route_book.by_channel(tx, now)


def _day(runtime: Runtime, now: datetime) -> tuple[str, datetime]:
    """The city's date, and when it ends."""
    began = cities.of(runtime).midnight(now)
    return f"{began:%Y%m%d}", began + timedelta(days=1)
