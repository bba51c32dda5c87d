"""What the simulated year runs on: a fresh database, the offices, the carriers, a clock that is put."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from gateway import config, migrations
from gateway.citizens import register
from gateway.content import shipped
from gateway.db import Db
from gateway.demo import city
from gateway.demo.city import Person
from gateway.demo.seed import entry
from gateway.runtime import Runtime
from gateway.security import Vault
from gateway.simulate.carriers import Carrier
from gateway.simulate.offices import DIVISION, Offices

BATCH = 2_000


class Clock:
    """The time is what the year says."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()


@dataclass(frozen=True, slots=True)
class Town:
    """``people`` are pensioners; ``woken`` are the lanes work was told of since the last look."""

    runtime: Runtime
    clock: Clock
    offices: Offices
    carriers: Sequence[Carrier]
    people: Sequence[Person]
    woken: set[str] = field(default_factory=set)


@contextmanager
def built(folder: Path, citizens: int, seed: int, begins: datetime) -> Iterator[Town]:
    """A town with so many pensioners; its database is SQLite in that folder."""
    clock, woken = Clock(begins), set[str]()
    carriers = [Carrier(channel, seed, clock) for channel in ("sms", "voice")]
    environment = {"DATABASE_URL": f"sqlite:///{folder / 'year.db'}", "HUIYIN_STATE": str(folder)}
    settings = config.load(environment, folder)
    settings = replace(
        settings, providers={"email": {}, **{one.channel: {one.name: 1} for one in carriers}}, lease=3600.0
    )
    db = Db(settings.database_url, by_index=True)
    migrations.upgrade(db)
    offices = Offices(folder / "offices", clock.seconds)
    runtime = Runtime(
        settings=settings,
        db=db,
        vault=Vault(secrets.token_bytes(config.MASTER_KEY_BYTES)),
        providers={one.name: one for one in carriers},
        wake=woken.add,
        clock=clock,
    )
    for name, connector in offices.connectors.items():
        runtime._back_offices[name] = connector  # noqa: SLF001 - built with a line of their own
    people = _pensioners(citizens, seed)
    try:
        _settle(runtime, offices, people)
        yield Town(runtime, clock, offices, carriers, people, woken)
    finally:
        offices.close()
        db.close()


def _pensioners(count: int, seed: int) -> Sequence[Person]:
    found: list[Person] = []
    for person in city.people(city.LIMIT, seed):
        if person.pension_state not in (None, "ended") and person.language == "zh-CN":
            found.append(person)
        if len(found) == count:
            break
    return found


def _settle(runtime: Runtime, offices: Offices, people: Sequence[Person]) -> None:
    """Into our register, with nothing due yet, and each with a card in use."""
    with runtime.db.write() as tx:
        shipped.import_shipped(tx, runtime.clock())
    for first in range(0, len(people), BATCH):
        batch = people[first : first + BATCH]
        with runtime.db.write() as tx:
            register.add(tx, runtime.vault, [entry(replace(one, pension_state="not_due")) for one in batch])
    rows = [
        {
            "id_number": one.id_number,
            "name": one.name,
            "city": DIVISION,
            "card_number": one.card_number,
            "bank": one.bank,
            "card_state": "normal",
        }
        for one in people
    ]
    offices.call(lambda: offices.cards.load(rows))
