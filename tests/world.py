"""What tests stand on: a clock that is set, a provider that follows a script, a database of each kind."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from gateway.citizens import register
from gateway.demo import city
from gateway.demo.city import Person
from gateway.demo.seed import entry
from gateway.messages import Limits, Message
from gateway.notifications import store
from gateway.notifications.request import Class, Request
from gateway.notifications.store import notifications
from gateway.providers import (
    Absent,
    Accepted,
    Callback,
    Cause,
    Delivery,
    Finding,
    Found,
    Inquiry,
    Outcome,
    Receipt,
    Report,
)
from gateway.runtime import Runtime

START = datetime(2026, 11, 21, 8, 5, tzinfo=UTC)  # 16:05 in Changde


class Clock:
    """The time is what the test says."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> datetime:
        self.now += timedelta(**by)
        return self.now


class Wakes:
    """Remembers which lanes were woken; wakes nobody."""

    def __init__(self) -> None:
        self.lanes: list[str] = []

    def __call__(self, lane: str) -> None:
        self.lanes.append(lane)


class Scripted:
    """A provider that does what the test's script says and keeps what it took.

    ``script`` gives the outcome of each hand-over from its messages; ``took`` is
    what reached people, whatever the outcome said.
    """

    name: str = "scripted"
    channel: str = "sms"
    needs_template: bool = False
    limits: Limits = Limits()
    reports: frozenset[str] = frozenset({"sms-report"})

    def __init__(self, batch: int = 100) -> None:
        self.batch = batch
        self.took: list[tuple[str, Message]] = []
        self.calls: list[int] = []
        self.script: Callable[[str, Message], Outcome] = lambda handover, _message: Accepted(
            f"ref-{handover}"
        )
        self.said: list[Report] = []
        self.found: Callable[[Inquiry], Finding] | None = None

    def hand_over(self, handover: str, messages: Sequence[Message]) -> Sequence[Outcome]:
        self.calls.append(len(messages))
        outcomes = [self.script(handover, message) for message in messages]
        for message, outcome in zip(messages, outcomes, strict=True):
            if isinstance(outcome, Accepted):
                self.took.append((handover, message))
        return outcomes

    def find(self, inquiry: Inquiry) -> Finding:
        if self.found is not None:
            return self.found(inquiry)
        taken = any(handover == inquiry.handover for handover, _ in self.took)
        return Found("") if taken else Absent()

    def verify(self, callback: Callback) -> bool:
        return callback.remote == "127.0.0.1"

    def parse(self, callback: Callback) -> Sequence[Report]:
        if self.said:
            return self.said
        return [
            Receipt(
                item["reference"],
                item["address"],
                Delivery(item["delivery"]),
                item["code"],
                None,
                item["handover"],
                Cause(item["cause"]) if item["cause"] else None,
            )
            for item in json.loads(callback.body)
        ]

    def acknowledgement(self, _kind: str) -> tuple[str, str]:
        return "ok", "text/plain"

    def report(
        self, number: int, delivery: Delivery = Delivery.DELIVERED, cause: Cause | None = None
    ) -> Callback:
        """The receipt for the message taken as the ``number``-th."""
        handover, message = self.took[number]
        return report(f"ref-{handover}", handover, message.address, delivery, cause)


def report(
    reference: str, handover: str, address: str, delivery: Delivery, cause: Cause | None = None
) -> Callback:
    item = {
        "cause": cause,
        "reference": reference,
        "handover": handover,
        "address": address,
        "delivery": delivery,
        "code": str(delivery),
    }
    return Callback("sms-report", "", {}, json.dumps([item]).encode(), "127.0.0.1")


BORN_BY = date(2010, 1, 1)  # who is born before acts for themselves in every test
INSTEAD = 1_000  # the first citizen whose ID number may stand in for a child's


def grown_up(count: int) -> Iterator[Person]:
    """The first people of the demo city, each child as if it were a grown-up of the same name."""
    others = (
        person for person in city.people(city.LIMIT - INSTEAD, start=INSTEAD) if person.birth_date < BORN_BY
    )
    for person in city.people(count):
        if person.birth_date >= BORN_BY:
            other = next(others)
            person = replace(person, id_number=other.id_number, birth_date=other.birth_date)
        yield person


@dataclass(slots=True, repr=False)
class World:
    """A Runtime with people in its register, and short words for what tests do again and again."""

    runtime: Runtime
    clock: Clock
    wakes: Wakes
    provider: Scripted
    people: list[Person] = field(default_factory=list)

    def settle(self, count: int) -> list[Person]:
        """Register the first ``count`` people of the demo city, a grown-up in the place of each child."""
        self.people = list(grown_up(count))
        with self.runtime.db.write() as tx:
            register.add(tx, self.runtime.vault, [entry(person) for person in self.people])
        return self.people

    def take(self, count: int = 1, klass: Class = Class.RESULT, **changes: Any) -> list[UUID]:
        """Take one notification for each of the first ``count`` people; returns their ids."""
        with self.runtime.db.write() as tx:
            before = set(tx.execute(select(notifications.c.id)).scalars())
            citizens = [self._citizen(tx, person) for person in self.people[:count]]
            template, values = ("code", {"code": "482913"}) if klass is Class.CODE else ("failed", {})
            store.take(
                tx,
                self.runtime,
                [
                    Request(citizen, "sms", klass, f"card_loss/{template}", "zh-CN", values)._replace(
                        **changes
                    )
                    for citizen in citizens
                ],
            )
            after = tx.execute(select(notifications.c.id).order_by(notifications.c.id)).scalars()
            return [key for key in after if key not in before]

    def _citizen(self, tx: Any, person: Person) -> UUID:
        found = register.find(tx, self.runtime.vault, person.id_number)
        assert found
        return found.id

    def rows(self) -> list[Any]:
        with self.runtime.db.read() as tx:
            columns = notifications.c  # ids of one millisecond are in no order
            return list(tx.execute(select(notifications).order_by(columns.created_at, columns.id)))

    def statuses(self) -> dict[str, int]:
        counted: dict[str, int] = defaultdict(int)
        for row in self.rows():
            counted[row.status] += 1
        return dict(counted)
