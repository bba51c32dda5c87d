"""Every transaction type against its vectors: what the back office answers, and what must come of it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gateway import back_offices
from gateway.transactions import registry, steps, store
from gateway.transactions.identity import Proven
from gateway.transactions.model import ENDS
from tests.stores.test_transactions import begin, messages, prove, sent_codes, submit
from tests.world import World

ROUNDS, PAUSE = 50, timedelta(seconds=2)
VECTORS = Path(__file__).parents[1] / "vectors" / "transactions"


def _cases() -> list[Any]:
    documents = [json.loads(path.read_text()) for path in sorted(VECTORS.glob("*.json"))]
    return [
        pytest.param(document, case, id=f"{document['type']}: {case['rule']}")
        for document in documents
        for case in document["cases"]
    ]


class Office:
    """A back office that answers as scripted, in order, whatever its calls are named."""

    def __init__(self, script: list[dict[str, Any]]) -> None:
        self.script = list(script)
        self.reference = ""

    def __getattr__(self, call: str) -> Any:
        return lambda *_arguments: self._answer(call)

    def _answer(self, call: str) -> Any:
        item = self.script.pop(0)
        assert item["call"] == call, f"{call} was called where {item['call']} is scripted"
        if "records" in item:
            return [self._record(record) for record in item["records"]]
        outcome = getattr(back_offices, item["outcome"])
        return outcome(item["code"]) if "code" in item else outcome(item.get("facts", {}))

    def _record(self, record: dict[str, Any]) -> SimpleNamespace:
        values = {name: self.reference if value == "$reference" else value for name, value in record.items()}
        for name, value in values.items():
            if name.endswith("_until") and value:
                values[name] = datetime.fromisoformat(value)
        return SimpleNamespace(**values)


@pytest.mark.parametrize(("document", "case"), _cases())
def test_what_the_back_office_says_leads_where_the_vector_says(
    world: World, document: dict[str, Any], case: dict[str, Any]
) -> None:
    """State, reason and the citizen's message are the vector's, and every scripted answer was used."""
    world.clock.now = datetime.fromisoformat(document["now"])
    world.settle(1)
    office = Office(case["back_office"])
    world.runtime._back_offices[registry.get(document["type"]).back_office] = office
    transaction = begin(world, document["type"], **case.get("answers", {}))
    office.reference = transaction.row.reference
    assert prove(world, transaction, sent_codes(world)[-1]) == Proven()
    assert submit(world, transaction)
    for _ in range(ROUNDS):
        steps.run_due(world.runtime)
        with world.runtime.db.read() as tx:
            ended = store.load(tx, world.runtime, transaction.id)
        if ended.state in ENDS:
            break
        world.clock.now = world.clock.now + PAUSE
    assert office.script == []
    assert (ended.state, ended.row.reason) == (case["state"], case.get("reason"))
    assert messages(world) == [case["message"]]


def test_every_type_of_the_catalogue_has_its_vectors() -> None:
    """A type without vectors is not done."""
    assert {path.stem for path in VECTORS.glob("*.json")} == set(registry.types())
