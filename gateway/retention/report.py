"""What is kept of every table, how long and why, and how much of it is due to be forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from gateway.db import metadata
from gateway.delivery import retention
from gateway.delivery.retention import Standing, tidied
from gateway.retention.policies import POLICIES
from gateway.retention.policy import Policy
from gateway.runtime import Runtime

CONTENT = ("code", "result", "reminder", "notice")  # walks that empty rows and leave them


@dataclass(frozen=True, slots=True)
class Line:
    """One policy as it stands. ``rows`` are the table's, ``due`` those whose time is over, ``forgotten``
    so far, last ``at``; ``due`` is None where rows have no time of their own."""

    table: str
    what: str
    kept: str
    why: str
    rows: int
    due: int | None
    forgotten: int
    at: datetime | None


def lines(tx: Connection, runtime: Runtime) -> Iterator[Line]:
    """A line for each policy, in the list's order; it counts every table, which may take a while."""
    marks = {row.walk: row for row in tx.execute(select(tidied))}
    walks = {one.walk: one for one in retention.standing(tx, runtime)}
    for policy in POLICIES:
        rows = tx.execute(select(func.count()).select_from(metadata.tables[policy.table])).scalar_one()
        if policy.walks:
            yield from (_walked(policy, walks[name], rows) for name in policy.walks)
            continue
        mark = marks.get(policy.table)
        due = _due(tx, policy, runtime)
        said = (mark.rows, mark.at) if mark and due is not None else (0, None)
        yield Line(
            policy.table, policy.what, kept(policy, runtime.settings.keep), policy.why, rows, due, *said
        )


def kept(policy: Policy, keep: Mapping[str, int]) -> str:
    """How long, in words."""
    span = policy.span(keep)
    with_it = f"as long as its row in {policy.follows}" if policy.follows else ""
    if span is None:
        return with_it or "for good"
    time = f"{span.days} day{'s' * (span.days != 1)}" if span else "until it lapses"
    return f"{time}; else {with_it}" if with_it else time


def _walked(policy: Policy, one: Standing, rows: int) -> Line:
    what = f"what {one.walk}s said" if one.walk in CONTENT else "rows"
    return Line(policy.table, what, f"{one.keep_days} days", policy.why, rows, one.due, one.forgotten, one.at)


def _due(tx: Connection, policy: Policy, runtime: Runtime) -> int | None:
    span = policy.span(runtime.settings.keep)
    if policy.old is None or span is None:
        return None
    table: Any = metadata.tables[policy.table]
    query = select(func.count()).select_from(table).where(policy.old(runtime.clock() - span))
    return tx.execute(query).scalar_one()
