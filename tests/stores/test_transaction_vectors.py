"""Every transaction type against its vectors: what the back office answers, and what must come of it."""

from __future__ import annotations

import pytest

from gateway.transactions import proving, registry
from gateway.transactions.identity import Proven
from tests.stores.test_transactions import begin, identify, messages, prove, sent_codes, submit
from tests.transaction_vectors import VECTORS, Vector, looked_at_later, prepare, told_by, vectors, worked_off
from tests.world import World


@pytest.mark.parametrize("vector", vectors())
def test_what_the_back_office_says_leads_where_the_vector_says(sqlite_world: World, vector: Vector) -> None:
    """State, stage, reason, message and explanation are the vector's; every scripted answer was used."""
    _holds(sqlite_world, vector)


@pytest.mark.parametrize("vector", vectors(firsts=True))
def test_the_first_vector_of_each_type_holds_on_both_databases(world: World, vector: Vector) -> None:
    """The engine's queries, and the types' own, are the same on PostgreSQL."""
    _holds(world, vector)


def _holds(world: World, vector: Vector) -> None:
    case, office = vector.case, prepare(world, vector)
    for answers in vector.earlier:
        earlier = begin(world, vector.type, **answers)
        if proving.missing(earlier):
            assert prove(world, earlier, sent_codes(world)[-1]) == Proven()
        assert submit(world, earlier)
        world.clock.advance(seconds=61)  # another code
    told = len(messages(world))
    transaction = begin(world, vector.type, **vector.answers)
    office.reference = transaction.row.reference
    identify(world, transaction)
    assert submit(world, transaction)
    ended = worked_off(world, transaction)
    assert office.script == []
    assert (ended.state, ended.row.reason) == (case["state"], case.get("reason"))
    assert ended.row.stage == case.get("stage", ended.row.stage)
    texts = [text.replace("$reference", ended.row.reference) for text in told_by(case)]
    assert sorted(messages(world)[told:]) == sorted(texts)
    said = "\n".join(words.zh for words in registry.get(vector.type).explain(ended.view(world.clock())))
    assert [text for text in case.get("explains", ()) if text not in said] == []
    looked_at_later(world, vector, office, ended, messages)


def test_every_type_of_the_catalogue_has_its_vectors() -> None:
    """A type without vectors is not done."""
    assert {path.stem for path in VECTORS.glob("*.json")} == set(registry.types())
