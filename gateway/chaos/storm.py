"""The whole of it: start, feed, hurt, drain, judge; as one object."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from gateway.bench.ceilings import BenchError
from gateway.bench.stage import Say
from gateway.chaos import books, judge, plan, witness
from gateway.chaos.faults import ACTS
from gateway.chaos.feed import Fed, citizens_for, feeding
from gateway.chaos.plan import KINDS, ON_A_SERVER, Fault
from gateway.chaos.scene import Scene, played
from gateway.chaos.witness import Taken
from gateway.notifications.request import Class
from gateway.notifications.status import Status
from gateway.notifications.store import notifications
from gateway.transactions.model import WITH_BACK_OFFICE
from gateway.transactions.store import transactions

RECOVERED = 30.0  # seconds any kind of fault may take to recover from
SLOW = 10.0
SOON = timedelta(seconds=20)  # what is due within it is waited for
PATIENCE = 120.0  # seconds for the draining
LOOK = 0.5

Ended = Sequence[tuple[str, float]]  # kind, epoch seconds


def play(seed: int, minutes: float, *, sqlite: bool, say: Say) -> dict[str, Any]:
    """Run it; the object ``chaos --json`` prints. ``ok`` only when every promise was kept."""
    kinds = KINDS.keys() - (ON_A_SERVER if sqlite else ())
    seconds = minutes * 60
    faults = plan.draw(seed, seconds, kinds)
    with played(say, citizens_for(seconds), sqlite=sqlite) as scene:
        with feeding(scene, seconds) as fed:
            say(f"{len(faults)} faults in {minutes:g} minutes, seed {seed}.")
            ended = _hurt(scene, faults, seconds, say)
        say("The faults are over; what is on its way arrives.")
        _drain(scene)
        result = _judged(scene, fed, ended, say)
    counted = dict(sorted(Counter(fault.kind for fault in faults).items()))
    result = {"seed": seed, "minutes": minutes, "faults": counted, **result}
    return {**result, "ok": kept(result)}


def kept(result: Mapping[str, Any]) -> bool:
    """Whether every promise was kept; a code may come twice rather than late."""
    twice = sum(n for klass, n in result["duplicates"].items() if klass != Class.CODE)
    recovered = max(result["recovery_s"].values(), default=0.0) <= RECOVERED
    nothing_lost = not result["lost"] and not result["expired_codes_sent"] and result["ledger"]["balanced"]
    return nothing_lost and not twice and recovered


# --- hurting ---------------------------------------------------------------------------------


def _hurt(scene: Scene, faults: Sequence[Fault], seconds: float, say: Say) -> Ended:
    """Begin and end each fault at its time; returns when each really was over."""
    steps = [(fault.begins, 0, fault) for fault in faults] + [(fault.ends, 1, fault) for fault in faults]
    began, ended = time.monotonic(), list[tuple[str, float]]()
    for at, which, fault in sorted(steps, key=lambda step: step[:2]):
        _until(began + at)
        if not which:
            say(f"  {at:6.1f} s  {fault.kind}: {fault.place}")
        ACTS[fault.kind][which](scene, fault)
        if which:
            ended.append((fault.kind, time.time()))
    _until(began + seconds)
    return ended


def _until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


def _drain(scene: Scene) -> None:
    """Wait until nothing is due or soon will be. The clock stands where it was farthest ahead:

    what was put off by a clock that was ahead is due by it, and need not be waited for.
    """
    scene.put_clock(max((ahead for _, ahead in scene.jumps), default=0.0))
    ends = time.monotonic() + PATIENCE
    while _moving(scene) and time.monotonic() < ends:
        time.sleep(LOOK)


def _moving(scene: Scene) -> int:
    """How much has yet to be looked at, and how much the next receipts will end."""
    columns, theirs = notifications.c, transactions.c
    soon = scene.runtime.clock() + SOON
    due = (columns.due_at <= soon) | (columns.status == Status.ACCEPTED)
    with scene.runtime.db.read() as tx:
        messages = tx.execute(select(func.count()).where(due)).scalar_one()
        open_ones = (theirs.due_at <= soon) & theirs.state.in_(WITH_BACK_OFFICE)
        return int(messages + tx.execute(select(func.count()).where(open_ones)).scalar_one())


# --- judging -------------------------------------------------------------------------------------


def _judged(scene: Scene, fed: Fed, ended: Ended, say: Say) -> dict[str, Any]:
    taken, now = witness.taken(scene.world), scene.runtime.clock()
    book = books.read(scene.runtime)
    rows = book.rows
    twice = judge.duplicates(rows, taken)
    if sum(twice.values()) != (counted := _repeated(scene)):
        raise BenchError(
            f"The sandbox shows {sum(twice.values())} messages that came twice, and counts {counted}."
        )
    lost = {
        "stuck": judge.stuck(rows, now),
        "forgotten": judge.forgotten(rows, fed) + len(set(fed.references) - book.references),
        "left_lying": book.left_lying,
        "missed_by_the_ledger": book.missed,
        "never_taken": judge.never_taken(rows, taken),
    }
    counts, recovery = Counter(row.status for row in rows), _recovery(fed, taken, ended, say)
    return {
        "taken": len(rows),
        "delivered": counts[Status.DELIVERED],
        "lost": sum(lost.values()),
        "duplicates": twice,
        "unknown": counts[Status.UNKNOWN],
        "expired_codes_sent": judge.expired_codes(rows, taken, scene.offsets),
        "ledger": {"balanced": book.balanced, "statuses": dict(counts), "lost": lost},
        "recovery_s": recovery,
    }


def _repeated(scene: Scene) -> int:
    """The sandbox's own count, over all channels."""
    counts = scene.stage.counts()
    return sum(counts[name] for name in ("repeated", "calls_repeated", "mails_repeated"))


def _recovery(fed: Fed, taken: Sequence[Taken], ended: Ended, say: Say) -> Mapping[str, float]:
    """The worst of each kind; the slow ones are told with the lane that was the last to move."""
    until, worst = time.time(), dict[str, float]()
    for kind, at in sorted(ended):
        seconds, lane = judge.recovery(at, until, fed, taken)
        worst[kind] = round(max(seconds, worst.get(kind, 0.0)), 1)
        if seconds > SLOW:
            say(
                f"{kind}: {lane} moved again {seconds:.1f} s after {datetime.fromtimestamp(at, UTC):%H:%M:%S}"
            )
    return worst


def summary(result: Mapping[str, Any]) -> str:
    """For people."""
    twice = sum(result["duplicates"].values())
    lines = [
        f"{sum(result['faults'].values())} faults in {result['minutes']:g} minutes, seed {result['seed']}",
        f"{result['taken']} messages taken, {result['delivered']} delivered, {result['lost']} lost",
        f"{twice} twice (codes: {result['duplicates'][Class.CODE]}), {result['unknown']} unknown",
        f"{result['expired_codes_sent']} expired codes sent",
        f"ledger balanced: {result['ledger']['balanced']}",
        *(f"  {kind}: recovered after {s} s at the most" for kind, s in result["recovery_s"].items()),
        f"all promises kept: {result['ok']}",
    ]
    return "\n".join(lines)
