"""Acting on a transaction that has ended: whoever only looked it up keys a code first."""

from __future__ import annotations

import math
from datetime import datetime

from gateway.phone import standing
from gateway.phone.matter import Matter
from gateway.phone.results import AskCode, Code, Locked, Result
from gateway.transactions import afterwards, tallies
from gateway.transactions.engine import NotOpen
from gateway.transactions.identity import Proven, Sent, TooSoon, Wrong
from gateway.transactions.store import Transaction


def asked(said: Sent | TooSoon | tallies.Locked, now: datetime, *, awaited: bool) -> AskCode | Locked:
    """What is said of a code that was asked for; ``awaited``: one that was sent before still counts."""
    match said:
        case Sent():
            return AskCode(Code.SENT)
        case TooSoon() if awaited:
            return AskCode(Code.SOON)
        case TooSoon(again_at):
            return AskCode(Code.WAIT, seconds=max(1, math.ceil((again_at - now).total_seconds())))
        case tallies.Locked():
            return Locked()


def send_code(matter: Matter, transaction: Transaction) -> Result:
    said, now = matter.keep(afterwards.send_code(matter.tx, matter.runtime, transaction, matter.device))
    clock = matter.runtime.clock()
    if isinstance(said, NotOpen):
        return standing.stands(now, matter.runtime)
    return asked(said, clock, awaited=afterwards.code_awaited(matter.tx, matter.runtime, now))


def prove(matter: Matter, transaction: Transaction, code: str) -> Result | None:
    """Try the code; None where it was right, and the caller may act."""
    said, now = matter.keep(afterwards.prove(matter.tx, matter.runtime, transaction, code, matter.device))
    match said:
        case Proven():
            matter.proven = now.id
            return None
        case Wrong(left):
            return AskCode(Code.WRONG, left=left)
        case tallies.Locked():
            return Locked()
        case NotOpen():
            return standing.stands(now, matter.runtime)
