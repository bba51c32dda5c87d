"""Reminders as values: what is planned, what is judged just before it goes out, and the judgement. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from gateway.rules.model import Rules


@dataclass(frozen=True, slots=True)
class Plan:
    """A reminder to send later: which event on which channel, when, and for which occasion.

    The same event, channel and occasion is planned once for a citizen, however
    often it is asked for. ``due_at`` stays the planned moment, however late it is
    judged.
    """

    event: str
    channel: str
    due_at: datetime
    occasion: str


@dataclass(frozen=True, slots=True)
class Reminded:
    """Whom and what a reminder is about, as it comes due; ``transaction`` null: no transaction of theirs.

    ``helpers`` have a mandate for this matter, with consent to be told of it unasked.
    """

    id_number: str
    name: str
    citizen_id: UUID
    plan: Plan
    rules: Rules
    now: datetime
    transaction: UUID | None = None
    helpers: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Tell:
    """It still holds: send it with these values, then plan these; after ``until`` it would be wrong.

    ``to``: these citizens, and not the one it is about.
    """

    values: Mapping[str, str]
    then: Sequence[Plan] = ()
    until: datetime | None = None
    to: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Drop:
    """Its reason fell away; ``reason`` is our word for why, then plan these."""

    reason: str
    then: Sequence[Plan] = ()


@dataclass(frozen=True, slots=True)
class Later:
    """It cannot be judged now (the back office does not answer): look again then."""

    at: datetime
    reason: str


Judgement = Tell | Drop | Later
