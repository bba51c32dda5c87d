"""A day is released: everybody asks for the same slot at once, and has an answer.

Each client is a connection of its own that posts the whole booking for somebody else. The product's
processes and the clients share the machine; no more places than there are may be given, and whoever
comes too late is told which are the nearest free ones.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from itertools import islice
from statistics import median

from sqlalchemy import func, insert, select

from gateway import cities
from gateway.appointments import slots as timetable
from gateway.appointments.bookings import Standing, bookings, slots
from gateway.appointments.slots import Slot
from gateway.bench import asking, lanes, posting
from gateway.bench.accepting import percentile_99
from gateway.bench.asking import Service
from gateway.bench.ceilings import BenchError
from gateway.bench.stage import Stage
from gateway.citizens import register
from gateway.demo import city
from gateway.demo.city import Person
from gateway.demo.seed import entry

PATH = "/v2/transactions"
CLIENTS, PLACES = 500, 50
GROWN_UP = 2000  # born before; a child's guardian is asked for
FIRST = 100_000  # of the demo city's citizens: nobody else's
TAKEN, TOLD = b"HTTP/1.1 201", b"HTTP/1.1 40"
NEAREST = "最近的空位"


@dataclass(frozen=True, slots=True)
class Run:
    """Milliseconds until the answers came, the load before, and what a client cost by who spent it."""

    losers_p50_ms: float
    losers_p99_ms: float
    losers_max_ms: float
    winners_p50_ms: float
    winners_p99_ms: float
    load: float
    cpu_us: Mapping[str, float]


def measure(stage: Stage, runs: int) -> Run:
    """The run in the middle by its losers' 99th percentile, after one to warm up; each has its own slot."""
    service = asking.service(stage)
    lanes.fresh(stage, receipts=False)
    done = [_run(stage, service, number) for number in range(runs + 1)][1:]
    return sorted(done, key=lambda run: run.losers_p99_ms)[runs // 2]


def _run(stage: Stage, service: Service, number: int) -> Run:
    block = city.people(2 * CLIENTS, start=FIRST + number * 2 * CLIENTS)
    people = list(islice((one for one in block if one.birth_date.year < GROWN_UP), CLIENTS))
    with stage.runtime.db.write() as tx:
        register.add(tx, stage.runtime.vault, map(entry, people))
    slot = _slot(stage, number)
    requests = [service.request(PATH, _wish(person, slot), place) for place, person in enumerate(people)]
    load, costs, own = os.getloadavg()[0], stage.costs(), time.process_time()
    posted = posting.post(stage.instance.url, requests, CLIENTS)
    spent = {**costs.since(), "client": time.process_time() - own}
    _check(stage, slot, posted.answers)
    took = list(zip(posted.answers, posted.latencies, strict=True))
    winners = [seconds * 1e3 for answer, seconds in took if answer.startswith(TAKEN)]
    losers = [seconds * 1e3 for answer, seconds in took if not answer.startswith(TAKEN)]
    return Run(
        median(losers),
        percentile_99(losers),
        max(losers),
        median(winners),
        percentile_99(winners),
        load,
        {name: seconds / CLIENTS * 1e6 for name, seconds in spent.items()},
    )


def _slot(stage: Stage, number: int) -> Slot:
    """One of the day released last, with as many places as are measured with."""
    rules = cities.of(stage.runtime).rules_now(stage.runtime.clock())
    bookable = timetable.bookable(rules, rules.halls[0].id, stage.runtime.clock())
    slot = [one for one in bookable if one.day == bookable[-1].day][number]
    with stage.runtime.db.write() as tx:
        tx.execute(insert(slots).values(hall=slot.hall, starts_at=slot.starts_at, web=PLACES, phone=0))
    return slot


def _wish(person: Person, slot: Slot) -> dict[str, object]:
    where = {"hall": slot.hall, "day": slot.day.isoformat(), "slot": slot.clock}
    who = {"id_number": person.id_number, "name": person.name}
    proof = {"method": "attested", "by": "bench"}
    return {"type": "appointment", "answers": {**who, "matter": "card", **where}, "proof": proof}


def _check(stage: Stage, slot: Slot, answers: Sequence[bytes]) -> None:
    """Every place was given once, everybody else told what is free, and the book says the same."""
    winners = [answer for answer in answers if answer.startswith(TAKEN)]
    losers = [answer for answer in answers if answer.startswith(TOLD) and NEAREST.encode() in _plain(answer)]
    if len(winners) + len(losers) < len(answers):
        odd = next(answer for answer in answers if answer not in winners and answer not in losers)
        raise BenchError(f"Somebody was answered otherwise: {odd[:600].decode(errors='replace')}")
    ours = (slots.c.hall == slot.hall) & (slots.c.starts_at == slot.starts_at.astimezone(UTC))
    joined = bookings.join(slots, slots.c.id == bookings.c.slot_id)
    query = select(bookings.c.state, func.count(), func.count(bookings.c.number.distinct()))
    with stage.runtime.db.read() as tx:
        rows = tx.execute(query.select_from(joined).where(ours).group_by(bookings.c.state))
        found = {row[0]: (row[1], row[2]) for row in rows}
    if len(winners) != PLACES or found != {Standing.BOOKED: (PLACES, PLACES)}:
        raise BenchError(f"{len(winners)} were told they have one of {PLACES} places; booked are {found}.")


def _plain(answer: bytes) -> bytes:
    """An answer's body with its characters as they are, not escaped."""
    body = answer.partition(b"\r\n\r\n")[2]
    return json.dumps(json.loads(body), ensure_ascii=False).encode()
