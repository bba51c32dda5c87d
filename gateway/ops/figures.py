"""What happened in the last hour: per lane and provider, from the counts by minute and the last attempts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, union_all

from gateway.delivery import acceptances, measures
from gateway.delivery.store import attempts

HOUR = 60  # minutes
LATELY = 5  # minutes a rate is taken over
SAMPLE = 200  # last attempts of a provider that are looked at one by one
OUTCOMES = ("accepted", "throttled", "rejected", "unreachable", "unknown")


@dataclass(frozen=True, slots=True)
class Pulse:
    """Counts of the last hour. A rate is per minute, over the last ``LATELY`` minutes."""

    now: datetime
    lanes: Mapping[str, Mapping[int, float]]  # lane → minute → handed over
    outcomes: Mapping[str, Mapping[int, Mapping[str, float]]]  # provider → minute → outcome → attempts

    def by_minute(self, lane: str) -> list[float]:
        """Handed over in each minute of the last hour, the present one last."""
        last = measures.minute(self.now)
        counted = self.lanes.get(lane, {})
        return [counted.get(minute, 0.0) for minute in range(last - HOUR + 1, last + 1)]

    def rate(self, lane: str) -> float:
        first = measures.minute(self.now) - LATELY + 1
        minutes = (self.now.timestamp() - first * 60) / 60
        return sum(self.by_minute(lane)[-LATELY:]) / minutes

    def tried(self, provider: str, minutes: int = HOUR) -> Counter[str]:
        """A provider's attempts by outcome."""
        first = measures.minute(self.now) - minutes + 1
        total: Counter[str] = Counter()
        for minute, counted in self.outcomes.get(provider, {}).items():
            if minute >= first:
                total.update({outcome: int(number) for outcome, number in counted.items()})
        return total


def pulse(tx: Connection, now: datetime) -> Pulse:
    """Everything counted in the last hour; one query."""
    lanes: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    outcomes: dict[str, dict[int, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    since = now - timedelta(minutes=HOUR - 1)
    counted = measures.by_minute(tx, since, measures.HANDOVER, measures.ATTEMPTS)
    for ((name, label, detail), minute), number in counted.items():
        if name == measures.HANDOVER:
            lanes[label][minute] += number
        else:
            outcomes[label][minute][detail] = number
    return Pulse(now, lanes, outcomes)


# --- one provider's last attempts ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Last:
    """A provider's last ``SAMPLE`` attempts: when it took one, what it said last, how late receipts come."""

    tried: int
    accepted_at: datetime | None
    code: str | None
    code_at: datetime | None
    lag_half: float | None  # seconds after which half of the receipts had come
    lag_most: float | None  # seconds after which 95 of 100 had
    receipts: int


def last_attempts(tx: Connection, providers: Sequence[str]) -> Mapping[str, Last]:
    """Of each of these providers; one query."""
    columns = attempts.c
    newest = [
        select(
            acceptances.seen()
            .where(columns.provider == name)
            .order_by(columns.started_at.desc())
            .limit(SAMPLE)
            .subquery()
        )
        for name in providers
    ]
    rows: dict[str, list[Row[Any]]] = {name: [] for name in providers}
    for row in tx.execute(union_all(*newest)) if newest else ():
        rows[row.provider].append(row)
    return {name: _last(found) for name, found in rows.items()}


def _last(rows: Sequence[Row[Any]]) -> Last:
    accepted = [row.finished_at for row in rows if row.outcome == "accepted" and row.finished_at]
    coded = max(
        (row for row in rows if row.code and row.finished_at), key=lambda r: r.finished_at, default=None
    )
    lags = sorted(
        max(0.0, (row.receipt_at - row.finished_at).total_seconds())
        for row in rows
        if row.receipt_at and row.finished_at
    )
    return Last(
        tried=len(rows),
        accepted_at=max(accepted, default=None),
        code=coded.code if coded else None,
        code_at=coded.finished_at if coded else None,
        lag_half=_rank(lags, 0.5),
        lag_most=_rank(lags, 0.95),
        receipts=len(lags),
    )


def _rank(ordered: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile."""
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)] if ordered else None
