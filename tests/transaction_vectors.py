"""The vectors of the transaction types: their cases, and the back office that answers as they script it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from gateway import back_offices, cities
from gateway.citizens import passwords, register
from gateway.rules import files
from gateway.transactions import registry, steps, store
from gateway.transactions.model import ENDS
from gateway.transactions.store import Transaction, transactions
from tests.world import World

VECTORS = Path(__file__).parent / "vectors" / "transactions"
QUERY_PASSWORD = "735028"
ROUNDS, PAUSE = 50, timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Vector:
    """One case of one type's file; JSON as it stands there."""

    type: str
    now: datetime
    case: Mapping[str, Any] = field(repr=False)

    @property
    def answers(self) -> Mapping[str, str]:
        return dict(self.case.get("answers", {}))

    @property
    def earlier(self) -> Sequence[Mapping[str, str]]:
        """What the same person has done before, each to its end."""
        return list(self.case.get("earlier", ()))


def vectors(*, firsts: bool = False) -> list[Any]:
    """Every case of every file as a parameter named by its rule; with ``firsts`` one of each file."""
    found = []
    for path in sorted(VECTORS.glob("*.json")):
        document = json.loads(path.read_text())
        now = datetime.fromisoformat(document["now"]).astimezone(UTC)
        cases = document["cases"][:1] if firsts else document["cases"]
        cases = [{"record": document.get("record", {}), **case} for case in cases]
        kind = document["type"]
        found += [pytest.param(Vector(kind, now, case), id=f"{kind}: {case['rule']}") for case in cases]
    return found


def told_by(case: Mapping[str, Any]) -> list[str]:
    """The texts a case sends: the result's, if there is one, and those beside it, as to an earlier number."""
    return sorted([*case.get("beside", ()), *([case["message"]] if case["message"] else [])])


class Office:
    """A back office that answers as scripted, in order, whatever its calls are named."""

    def __init__(self, script: Sequence[Mapping[str, Any]], record: Mapping[str, Any] | None = None) -> None:
        self.script = list(script)
        self.usual = record or {}  # what each record has unless it says otherwise
        self.reference = ""

    def __getattr__(self, call: str) -> Any:
        return lambda *_arguments: self._answer(call)

    def _answer(self, call: str) -> Any:
        item = self.script.pop(0)
        assert item["call"] == call, f"{call} was called where {item['call']} is scripted"
        if "records" in item:
            return [self._record(record) for record in item["records"]]
        if "answer" in item and item["answer"] is None:
            return None
        if "answer" in item:
            return SimpleNamespace(**{name: _read(name, value) for name, value in item["answer"].items()})
        outcome = getattr(back_offices, item["outcome"])
        return outcome(item["code"]) if "code" in item else outcome(item.get("facts", {}))

    def _record(self, record: Mapping[str, Any]) -> SimpleNamespace:
        record = {**self.usual, **record}
        values = {name: self.reference if value == "$reference" else value for name, value in record.items()}
        for name, value in values.items():
            if (name == "since" or name.endswith(("_until", "_from"))) and value:
                values[name] = datetime.fromisoformat(value)
            elif name.endswith("_on"):
                values[name] = _read(name, value)
        return SimpleNamespace(**values)


def _read(name: str, value: Any) -> Any:
    """JSON has no days, no moments and no sets."""
    if value and (name == "since" or name.endswith(("_until", "_at"))):
        return datetime.fromisoformat(value)
    if isinstance(value, list):
        return frozenset(value)
    return date.fromisoformat(value) if value and name.endswith(("_on", "_done")) else value


def prepare(world: World, vector: Vector) -> Office:
    """The vector's moment, one person in the register, and the back office it scripts."""
    world.clock.now = vector.now
    world.settle(1)
    live_by(world, vector.case.get("rules", {}))
    with world.runtime.db.write() as tx:
        (key,) = register.ids(tx, world.runtime.vault, [world.people[0].id_number]).values()
        passwords.put(tx, world.runtime, key, QUERY_PASSWORD)
    office = Office(vector.case.get("back_office", ()), vector.case["record"])
    world.runtime._back_offices[registry.get(vector.type).back_office or ""] = office
    return office


def live_by(world: World, blocks: Mapping[str, Mapping[str, Any]]) -> None:
    """The city's rules as shipped, or with another version in force today that differs in these."""
    now = world.clock()
    world.runtime.kept.pop(cities.KEPT, None)
    if not blocks:
        return
    city = cities.of(world.runtime)
    last = city.versions[-1].version + 1
    lines = [f'[[version]]\nversion = {last}\nin_force_from = {now:%Y-%m-%d}\nsource = "a vector"']
    for block, values in blocks.items():
        lines += [f"[version.{block}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    document = "\n".join([(files.SHIPPED / f"{city.id}.toml").read_text("utf-8"), *lines])
    with world.runtime.db.write() as tx:
        cities.put(tx, city.id, document, [*range(1, last + 1)], now, "a vector")
    world.runtime.kept.pop(cities.KEPT, None)


def looked_at_later(
    world: World, vector: Vector, office: Office, it: Transaction, messages: Callable[[World], Sequence[str]]
) -> None:
    """What the back office says when it is looked at again, and what must come of that; the state stays."""
    for item in vector.case.get("later", ()):
        world.clock.now = datetime.fromisoformat(item["at"]).astimezone(UTC)
        office.script, told = list(item["back_office"]), len(messages(world))
        steps.run_due(world.runtime)
        assert office.script == []
        with world.runtime.db.read() as tx:
            now = store.load(tx, world.runtime, it.id)
        assert (now.state, now.row.stage) == (it.state, item["stage"])
        sent = [text.replace(it.row.reference, "$reference") for text in messages(world)[told:]]
        assert sent == ([item["message"]] if "message" in item else [])


def newest(world: World) -> Transaction:
    """The transaction that was begun last."""
    with world.runtime.db.read() as tx:
        row = tx.execute(select(transactions).order_by(transactions.c.created_at.desc()).limit(1)).one()
    return store.opened(world.runtime, row)


def worked_off(world: World, transaction: Transaction) -> Transaction:
    """The transaction once its back office has been asked until it ended, or for long enough."""
    now = transaction
    for _ in range(ROUNDS):
        steps.run_due(world.runtime)
        with world.runtime.db.read() as tx:
            now = store.load(tx, world.runtime, transaction.id)
        if now.state in ENDS:
            break
        world.clock.now = world.clock.now + PAUSE
    return now
