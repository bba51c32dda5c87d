"""Holds the books against what the world outside took, and against what the doors said they took. Pure."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from gateway.chaos.books import SENT, Address, Written
from gateway.chaos.feed import API, MARK, Fed
from gateway.chaos.witness import Taken
from gateway.notifications.request import Class
from gateway.notifications.status import Status

OPEN = (Status.WAITING, Status.SENDING)
MARKED = re.compile(MARK.format("[0-9]+"))
TRANSIT = 4.0  # seconds from the last look at the clock to being taken: a call that hangs takes as long


def stuck(rows: Iterable[Written], now: datetime) -> int:
    """Rows on their way that nobody will move: never due, or due and left lying."""
    return sum(row.status in OPEN and (row.due_at is None or row.due_at <= now) for row in rows)


def forgotten(rows: Iterable[Written], fed: Fed) -> int:
    """Messages whose commit was answered and that are not in the books."""
    return len(fed.messages.keys() - {row.to for row in rows})


def never_taken(rows: Iterable[Written], taken: Iterable[Taken]) -> int:
    """Messages the books call accepted or delivered, beyond those that arrived at their addresses."""
    arrived = Counter({(one.channel, one.address, one.words) for one in taken})
    at = Counter((channel, address) for channel, address, _ in arrived)
    return (Counter(row.to for row in rows if row.status in SENT) - at).total()


def duplicates(rows: Iterable[Written], taken: Sequence[Taken]) -> Mapping[str, int]:
    """How many different messages came to somebody more than once, by class."""
    at = defaultdict[Address, list[Written]](list)
    for row in rows:
        at[row.to].append(row)
    found: Counter[str] = Counter({str(klass): 0 for klass in Class})
    for (channel, address, words), times in Counter((o.channel, o.address, o.words) for o in taken).items():
        if times > 1:
            meant = (row for row in at[channel, address] if row.words in words)
            found[next((str(row.klass) for row in meant), "nobody's")] += 1
    found[Class.NOTICE] += _told_again(taken)
    return dict(found)


def _told_again(taken: Iterable[Taken]) -> int:
    """How many notices were told by two different messages: alone, or among others of a digest."""
    words = defaultdict[str, set[str]](set)
    for one in taken:
        for mark in MARKED.findall(one.words):
            words[mark].add(one.words)
    return sum(len(some) > 1 for some in words.values())


def expired_codes(
    rows: Iterable[Written], taken: Iterable[Taken], offsets: Callable[[float, float], Sequence[float]]
) -> int:
    """Codes taken after their time, by every clock the product had while they were on their way."""
    ends = defaultdict[Address, list[tuple[str, float]]](list)
    for row in rows:
        if row.klass is Class.CODE:
            ends[row.to].append((row.words, row.expires_at.timestamp()))
    late = 0
    for one in taken:
        its = [end for words, end in ends[one.channel, one.address] if words in one.words]
        began = one.at - TRANSIT
        late += any(all(began + ahead > end for ahead in offsets(began, one.at)) for end in its)
    return late


def recovery(ended_at: float, until: float, fed: Fed, taken: Iterable[Taken]) -> tuple[float, str]:
    """Seconds from the end of a fault until every lane moves again, and the lane that was the last.

    A lane moves again when the first message (of any) that it took after the fault's end has
    arrived in the world outside; the API, when it has answered the first transaction asked for
    after it. A lane that took something and moved nothing until the end of the run counts to there.
    Both times are the real time's, whatever the product's clock says.
    """
    arrived: dict[str, float] = {}
    lanes = {lane for lane, at in fed.messages.values() if at >= ended_at}
    for one in taken:
        lane, at = fed.messages.get((one.channel, one.address), ("", 0.0))
        if at >= ended_at:
            arrived[lane] = min(one.at, arrived.get(lane, one.at))
    answers = [answered for asked, answered in fed.answered if asked >= ended_at]
    if answers:
        arrived[API] = min(answers)
    waits = ((arrived.get(lane, until) - ended_at, lane) for lane in lanes | arrived.keys())
    return max(waits, default=(0.0, ""))
