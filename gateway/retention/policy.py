"""What a policy says of a table: how long its rows are kept, why, and how they are forgotten."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection

Old = Callable[[datetime], ColumnElement[bool]]
Forget = Callable[[Connection, datetime], object]


@dataclass(frozen=True, slots=True)
class Policy:
    """One line of the list; ``why`` is a sentence for whoever asks.

    ``keep`` is a time, the name of a ``KEEP_…_DAYS`` setting, or None: then the rows go with those of
    the table they ``follow``, or are kept for good. ``old(t)`` are the rows whose time ended before
    ``t``; these are deleted, unless a room does it its own way: ``forget(tx, now)``, which knows how long
    by itself, or ``drop(tx, t)``. Both give a number, or true, where there may be more. ``what`` is
    forgotten: the rows, or something in them. ``walks`` are those of ``delivery.retention`` that do it.
    """

    table: str
    why: str
    keep: timedelta | str | None = None
    old: Old | None = None
    forget: Forget | None = None
    drop: Forget | None = None
    follows: str = ""
    what: str = "rows"
    walks: tuple[str, ...] = ()

    def span(self, keep: Mapping[str, int]) -> timedelta | None:
        """How long, under these settings; None: no time of its own."""
        return timedelta(days=keep[self.keep]) if isinstance(self.keep, str) else self.keep


def for_good(table: str, why: str) -> Policy:
    return Policy(table, why)


def follows(table: str, other: str, why: str) -> Policy:
    """Its rows go in the same commit as those of another table."""
    return Policy(table, why, follows=other)
