"""A turn at the providers for one claim: what all workers know and allow, and what operators wished."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time, timedelta

from gateway import cities
from gateway.delivery import route_book
from gateway.notifications.request import URGENT
from gateway.runtime import Runtime
from gateway.traffic.board import Overrides, Wish
from gateway.traffic.turn import Turn


@contextmanager
def turn(runtime: Runtime, lane: str, limit: int, calls: int) -> Iterator[Turn]:
    """For up to ``limit`` rows of a lane, handed over in up to ``calls`` calls at the same time.

    Begun before the claim and ended after its calls, never in a transaction: it speaks to the broker.
    """
    now = runtime.clock()
    channel, _, urgency = lane.partition(".")
    weights = runtime.weights(channel)
    changes = runtime.board.look(channel, weights, now.timestamp(), lambda: _overrides(runtime, now))
    if changes:
        with runtime.db.write() as tx:
            route_book.note(tx, changes)
    day, ends = _day(runtime, now)
    wish = Wish(
        channel=channel,
        urgent=urgency == URGENT,
        limit=limit,
        calls=calls,
        weights=weights,
        allowances=runtime.settings.allowances,
        now=now.timestamp(),
        day=day,
        day_ends=ends.timestamp(),
        held_until=now.timestamp() + runtime.settings.lease,
    )
    with runtime.board.turn(wish) as given:
        yield given


def _overrides(runtime: Runtime, now: datetime) -> Overrides:
    with runtime.db.read() as tx:
        return route_book.by_channel(tx, now)


def _day(runtime: Runtime, now: datetime) -> tuple[str, datetime]:
    """The city's date, and when it ends."""
    here = now.astimezone(cities.shipped()[runtime.settings.city].rules_now(now).zone)
    ends = datetime.combine(here.date() + timedelta(days=1), time(), here.tzinfo)
    return f"{here:%Y%m%d}", ends
