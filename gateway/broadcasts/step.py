"""What one claim of a broadcast comes to, and how much it may take on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gateway.broadcasts.follow_up import SCAN
from gateway.notifications.request import Request


@dataclass(frozen=True, slots=True)
class Limits:
    """People in a page, messages that may wait ahead, rows looked at in one go, seconds of one run.

    A page is one short commit (tens of milliseconds). The window is what two
    seconds, the sweep's, can hand over at ten thousand a second, and half as much again:
    with less the workers would stand idle before each look for room.
    """

    page: int = 2_000
    window: int = 30_000
    scan: int = SCAN
    seconds: float = 20.0


USUAL = Limits()
ONE_WRITER = Limits(page=250)  # a code waits behind one page at most


@dataclass(frozen=True, slots=True)
class Step:
    """What one claim comes to: columns to set, and messages to take, to withdraw or to end with them.

    ``unreached`` are people to be called (``call_backs.open_tickets``), ``needless`` tickets of such as
    were reached after all.
    """

    values: Mapping[str, Any]
    requests: Sequence[Request] = ()
    withdraw: Sequence[UUID] = ()
    end: Sequence[UUID] = ()  # they went out, and go out no more
    unreached: Sequence[tuple[UUID, UUID | None]] = ()
    needless: Sequence[UUID] = ()
    over: bool = False  # a cancelled broadcast has nothing left to withdraw, and forgets its list
